-- +goose Up
ALTER TABLE "message" ADD COLUMN "held_from" timestamptz NULL;
CREATE INDEX "message_held" ON "message" ("organization_id", "time_zone", "not_before") WHERE status = 'QUEUED' AND held_from IS NOT NULL;
