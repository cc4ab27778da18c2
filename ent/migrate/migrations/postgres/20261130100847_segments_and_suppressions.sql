-- +goose Up
CREATE TABLE "segment" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "name" character varying NOT NULL, "rule" jsonb NOT NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "segment_organization_id_id" ON "segment" ("organization_id", "id");
CREATE UNIQUE INDEX "segment_organization_id_name" ON "segment" ("organization_id", "name");
CREATE TABLE "suppression" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "phone" character varying NOT NULL, "number_key" character varying NOT NULL, "reason" character varying NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "suppression_organization_id_id" ON "suppression" ("organization_id", "id");
CREATE UNIQUE INDEX "suppression_organization_id_number_key" ON "suppression" ("organization_id", "number_key");
