-- +goose Up
ALTER TABLE "account" ADD COLUMN "read_at" timestamptz NULL, ADD COLUMN "numbers_read_at" timestamptz NULL, ADD COLUMN "listing_started_at" timestamptz NULL, ADD COLUMN "listing_after" character varying NULL;
