-- +goose Up
ALTER TABLE "account" ADD COLUMN "next_sync_at" timestamptz NULL;
CREATE INDEX "account_next_sync_at" ON "account" ("next_sync_at") WHERE next_sync_at IS NOT NULL;
