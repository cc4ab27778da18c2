-- +goose Up
ALTER TABLE "reply" ALTER COLUMN "campaign_id" DROP NOT NULL, ADD COLUMN "first" boolean NOT NULL DEFAULT false;
ALTER TABLE "statistic" ADD COLUMN "replied" bigint NOT NULL DEFAULT 0, ADD COLUMN "clicked" bigint NOT NULL DEFAULT 0;
CREATE TABLE "link_click" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "phone_number_id" uuid NOT NULL, "fingerprint" character varying NOT NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "link_click_once" ON "link_click" ("organization_id", "phone_number_id", "fingerprint");
