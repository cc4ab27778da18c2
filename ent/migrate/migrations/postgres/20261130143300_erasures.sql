-- +goose Up
ALTER TABLE "contact_identifier" ADD COLUMN "erased" boolean NOT NULL DEFAULT false;
ALTER TABLE "organization" ADD COLUMN "erasure_key" bytea NULL;
CREATE TABLE "erased_address" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "hash" character varying NOT NULL, "at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "erasedaddress_organization_id_id" ON "erased_address" ("organization_id", "id");
CREATE UNIQUE INDEX "erasedaddress_organization_id_hash" ON "erased_address" ("organization_id", "hash");
CREATE TABLE "erasure" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "contact_id" uuid NOT NULL, "requested_by" character varying NOT NULL, "requested_at" timestamptz NOT NULL, "finished_at" timestamptz NULL, "person" bytea NULL, "step" bigint NOT NULL DEFAULT 0, "place" uuid NULL, "counts" jsonb NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "erasure_organization_id_id" ON "erasure" ("organization_id", "id");
CREATE UNIQUE INDEX "erasure_organization_id_contact_id" ON "erasure" ("organization_id", "contact_id");
CREATE INDEX "erasure_unfinished" ON "erasure" ("id") WHERE finished_at IS NULL;
