-- +goose Up
DROP INDEX "message_lease";
DROP INDEX "message_campaign_id_id";
DROP INDEX "message_contact_id_id";
DROP INDEX "message_direct_address";
DROP INDEX "message_organization_id_id";
DROP INDEX "message_phone_number_id_id";
DROP INDEX "message_template_id_id";
CREATE TABLE "listing" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "campaign_id" uuid NULL, "template_id" uuid NULL, "phone_number_id" uuid NOT NULL, "contact_id" uuid NULL, "address" character varying NOT NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
INSERT INTO "listing" ("id", "organization_id", "campaign_id", "template_id", "phone_number_id", "contact_id", "address", "created_at") SELECT "id", "organization_id", "campaign_id", "template_id", "phone_number_id", "contact_id", "address", "created_at" FROM "message";
CREATE INDEX "listing_organization_id_id" ON "listing" ("organization_id", "id");
CREATE INDEX "listing_campaign_id_id" ON "listing" ("campaign_id", "id") WHERE campaign_id IS NOT NULL;
CREATE INDEX "listing_template_id_id" ON "listing" ("template_id", "id") WHERE template_id IS NOT NULL;
CREATE INDEX "listing_phone_number_id_id" ON "listing" ("phone_number_id", "id");
CREATE INDEX "listing_contact_id_id" ON "listing" ("contact_id", "id") WHERE contact_id IS NOT NULL;
CREATE INDEX "listing_organization_id_address_id" ON "listing" ("organization_id", "address", "id");
