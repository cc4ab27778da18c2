-- +goose Up
ALTER TABLE "account" ADD COLUMN "next_comparison_at" timestamptz NULL;
CREATE TABLE "reconciliation" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "day" timestamptz NOT NULL, "account_id" uuid NOT NULL, "phone_number_id" uuid NOT NULL, "measure" character varying NOT NULL, "category" character varying NOT NULL, "ours" bigint NOT NULL, "theirs" bigint NOT NULL, "our_cost_micros" bigint NULL, "their_cost_micros" bigint NULL, "cost_currency" character varying NULL, "compared_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "reconciliation_day" ON "reconciliation" ("day");
CREATE UNIQUE INDEX "reconciliation_figure" ON "reconciliation" ("organization_id", "day", "account_id", "phone_number_id", "measure", "category");
CREATE INDEX "reconciliation_organization_id_id" ON "reconciliation" ("organization_id", "id");
