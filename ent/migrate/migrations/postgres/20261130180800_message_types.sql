-- +goose Up
-- Most messages are templates, so few rows are written.
ALTER TABLE "listing" ADD COLUMN "type" character varying NOT NULL DEFAULT 'TEMPLATE';
UPDATE "listing" SET "type" = m."type" FROM "message" m WHERE m."id" = "listing"."id" AND m."type" <> 'TEMPLATE';
CREATE INDEX "listing_organization_id_type_id" ON "listing" ("organization_id", "type", "id");
