-- +goose Up
ALTER TABLE "template" ADD COLUMN "coming_category" character varying NULL, ADD COLUMN "name_locked_until" timestamptz NULL, ADD COLUMN "listed_at" timestamptz NULL, ADD COLUMN "edits" jsonb NULL, ADD COLUMN "changing_until" timestamptz NULL, ADD COLUMN "changing_by" character varying NULL;
CREATE TABLE "template_change" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "at" timestamptz NOT NULL, "actor" character varying NOT NULL, "field" character varying NOT NULL, "before" character varying NULL, "after" character varying NULL, "reason" character varying NULL, "template_id" uuid NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "template_change_template_template" FOREIGN KEY ("template_id") REFERENCES "template" ("id") ON DELETE CASCADE);
CREATE INDEX "templatechange_organization_id_id" ON "template_change" ("organization_id", "id");
CREATE INDEX "templatechange_template_id_id" ON "template_change" ("template_id", "id");
