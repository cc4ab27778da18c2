-- +goose Up
ALTER TABLE "account" ADD COLUMN "marketing_messages" character varying NULL, ADD COLUMN "marketing_only_there" boolean NOT NULL DEFAULT false;
ALTER TABLE "message" ADD COLUMN "route" character varying NULL;
ALTER TABLE "phone_number" ADD COLUMN "username" character varying NULL, ADD COLUMN "shared_at" timestamptz NULL;
ALTER TABLE "template" ADD COLUMN "max_price" bigint NULL;
CREATE TABLE "thread" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "phone_number_id" uuid NOT NULL, "address" character varying NOT NULL, "ours" boolean NOT NULL, "role" character varying NOT NULL DEFAULT '', "at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "thread_organization_id_id" ON "thread" ("organization_id", "id");
CREATE UNIQUE INDEX "thread_phone_number_id_address" ON "thread" ("phone_number_id", "address");
CREATE INDEX "thread_at" ON "thread" ("at");
