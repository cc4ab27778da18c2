-- +goose Up
ALTER TABLE "message" ADD COLUMN "claim_id" uuid NULL, ADD COLUMN "claim_part" bigint NULL;
CREATE TABLE "claim" ("id" uuid NOT NULL, "handed" bigint NOT NULL DEFAULT 0, "taken" boolean NOT NULL DEFAULT false, "until" timestamptz NOT NULL, PRIMARY KEY ("id"));
