-- +goose Up
ALTER TABLE "campaign" ADD COLUMN "cost_micros" bigint NOT NULL DEFAULT 0, ADD COLUMN "cost_currency" character varying NULL;
ALTER TABLE "statistic" ADD COLUMN "cost_micros" bigint NOT NULL DEFAULT 0, ADD COLUMN "cost_currency" character varying NULL;
CREATE TABLE "rate_card" ("id" uuid NOT NULL, "kind" character varying NOT NULL, "name" character varying NOT NULL, "currency" character varying NOT NULL, "effective_from" character varying NOT NULL, "revision" bigint NOT NULL, "example" boolean NOT NULL, "rates" jsonb NOT NULL, "imported_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "rate_card_once" ON "rate_card" ("currency", "kind", "example", "effective_from", "revision");
