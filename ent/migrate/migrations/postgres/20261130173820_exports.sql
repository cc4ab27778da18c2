-- +goose Up
CREATE TABLE "export" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "kind" character varying NOT NULL, "format" character varying NOT NULL, "status" character varying NOT NULL DEFAULT 'PENDING', "status_reason" character varying NULL, "question" jsonb NOT NULL, "masked" boolean NOT NULL, "attributes" jsonb NULL, "place" uuid NULL, "rows" bigint NOT NULL DEFAULT 0, "rows_total" bigint NULL, "bytes" bigint NOT NULL DEFAULT 0, "parts" bigint NOT NULL DEFAULT 0, "gathered" boolean NOT NULL DEFAULT false, "tries" bigint NOT NULL DEFAULT 0, "lease_id" uuid NULL, "lease_until" timestamptz NULL, "created_by_id" uuid NULL, "created_at" timestamptz NOT NULL, "finished_at" timestamptz NULL, "expires_at" timestamptz NULL, PRIMARY KEY ("id"));
CREATE INDEX "export_organization_id_id" ON "export" ("organization_id", "id");
CREATE INDEX "export_status" ON "export" ("status") WHERE status IN ('PENDING', 'RUNNING');
CREATE INDEX "export_expires_at" ON "export" ("expires_at") WHERE expires_at IS NOT NULL;
CREATE INDEX "export_organization_id_created_at" ON "export" ("organization_id", "created_at");
CREATE TABLE "export_part" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "export_id" uuid NOT NULL, "number" bigint NOT NULL, "name" character varying NOT NULL, "bytes" bigint NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "exportpart_organization_id_id" ON "export_part" ("organization_id", "id");
CREATE UNIQUE INDEX "exportpart_export_id_number" ON "export_part" ("export_id", "number");
