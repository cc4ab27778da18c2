-- +goose Up
ALTER TABLE "message" ADD COLUMN "erased_at" timestamptz NULL;
CREATE TABLE "retention" ("id" uuid NOT NULL, "next_at" timestamptz NOT NULL, "before" timestamptz NULL, "step" bigint NOT NULL DEFAULT 0, "place" uuid NULL, "message_after" uuid NOT NULL, "waiting_after" uuid NULL, "counts" jsonb NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "retention_next_at" ON "retention" ("next_at");
