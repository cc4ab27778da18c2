-- +goose Up
CREATE TABLE "send_attempt" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "message_id" uuid NOT NULL, "number" bigint NOT NULL, "at" timestamptz NOT NULL, "took_ms" bigint NOT NULL, "endpoint" character varying NOT NULL, "request" character varying NOT NULL, "http_status" bigint NOT NULL, "code" bigint NOT NULL, "subcode" bigint NOT NULL DEFAULT 0, "detail" character varying NULL, "trace_id" character varying NULL, "again_at" timestamptz NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "send_attempt_once" ON "send_attempt" ("organization_id", "message_id", "number");
CREATE INDEX "sendattempt_organization_id_id" ON "send_attempt" ("organization_id", "id");
