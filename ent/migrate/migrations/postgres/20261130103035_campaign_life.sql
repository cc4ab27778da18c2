-- +goose Up
ALTER TABLE "campaign" ADD COLUMN "time_zone" character varying NULL, ADD COLUMN "recipient_time" boolean NOT NULL DEFAULT false, ADD COLUMN "translate" boolean NOT NULL DEFAULT false, ADD COLUMN "canary" jsonb NULL, ADD COLUMN "canary_state" character varying NULL, ADD COLUMN "canary_until" timestamptz NULL, ADD COLUMN "reference" character varying NULL;
CREATE INDEX "campaign_organization_id_reference" ON "campaign" ("organization_id", "reference") WHERE reference IS NOT NULL;
ALTER TABLE "listing" ADD COLUMN "reference" character varying NULL;
CREATE INDEX "listing_organization_id_reference_id" ON "listing" ("organization_id", "reference", "id") WHERE reference IS NOT NULL;
ALTER TABLE "message" ADD COLUMN "time_zone" character varying NULL, ADD COLUMN "reference" character varying NULL, ADD COLUMN "reply_to_id" uuid NULL, ADD COLUMN "reply" jsonb NULL;
CREATE TABLE "campaign_recipient" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "campaign_id" uuid NOT NULL, "contact_id" uuid NOT NULL, "parameters" jsonb NOT NULL, "language" character varying NULL, "reference" character varying NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "campaignrecipient_campaign_id_contact_id" ON "campaign_recipient" ("campaign_id", "contact_id");
CREATE INDEX "campaignrecipient_contact_id" ON "campaign_recipient" ("contact_id");
CREATE INDEX "campaignrecipient_organization_id_campaign_id" ON "campaign_recipient" ("organization_id", "campaign_id");
CREATE TABLE "reply" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "campaign_id" uuid NOT NULL, "message_id" uuid NOT NULL, "contact_id" uuid NULL, "button" character varying NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "reply_campaign_id_message_id" ON "reply" ("campaign_id", "message_id");
CREATE INDEX "reply_message_id" ON "reply" ("message_id");
CREATE INDEX "reply_contact_id" ON "reply" ("contact_id");
CREATE INDEX "reply_organization_id_created_at" ON "reply" ("organization_id", "created_at");
