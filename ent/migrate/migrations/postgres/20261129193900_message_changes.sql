-- +goose Up
ALTER TABLE "message" ADD COLUMN "edited_at" timestamptz NULL, ADD COLUMN "revoked_at" timestamptz NULL;
ALTER TABLE "unmatched_webhook" ADD COLUMN "waits_for" character varying NULL;
CREATE INDEX "unmatchedwebhook_waits_for" ON "unmatched_webhook" ("waits_for") WHERE waits_for IS NOT NULL;
