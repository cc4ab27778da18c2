-- +goose Up
ALTER TABLE "account" ADD COLUMN "sandbox" boolean NOT NULL DEFAULT false, ADD COLUMN "token_expires_at" timestamptz NULL, ADD COLUMN "token_warned_at" timestamptz NULL, ADD COLUMN "signup_code" bytea NULL, ADD COLUMN "health" jsonb NULL, ADD COLUMN "webhook_received_at" timestamptz NULL;
ALTER TABLE "phone_number" ADD COLUMN "pin" bytea NULL;
