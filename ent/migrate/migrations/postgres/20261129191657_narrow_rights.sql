-- +goose Up
ALTER TABLE "api_key" ADD COLUMN "scopes" jsonb NULL;
ALTER TABLE "app_user" ADD COLUMN "suspended_at" timestamptz NULL, ADD COLUMN "suspended_until" timestamptz NULL, ADD COLUMN "suspended_reason" character varying NULL;
ALTER TABLE "organization" ADD COLUMN "suspended_until" timestamptz NULL;
