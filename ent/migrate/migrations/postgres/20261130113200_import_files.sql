-- +goose Up
ALTER TABLE "contact_import" ADD COLUMN "plan" jsonb NULL, ADD COLUMN "encoding" character varying NOT NULL DEFAULT 'UTF-8';
CREATE INDEX "contactimport_organization_id_created_at" ON "contact_import" ("organization_id", "created_at");
