-- +goose Up
ALTER TABLE "account" ADD COLUMN "restricted_until" timestamptz NULL;
ALTER TABLE "unmatched_webhook" ADD COLUMN "detail" character varying NULL, ADD COLUMN "retry_at" timestamptz NULL;
CREATE INDEX "unmatchedwebhook_retry_at" ON "unmatched_webhook" ("retry_at") WHERE retry_at IS NOT NULL;
