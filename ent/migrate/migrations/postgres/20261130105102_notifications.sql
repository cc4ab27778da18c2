-- +goose Up
ALTER TABLE "campaign" ADD COLUMN "launched_by_id" uuid NULL;
ALTER TABLE "contact_import" ADD COLUMN "created_by_id" uuid NULL;
ALTER TABLE "member" ADD COLUMN "told_of" jsonb NULL, ADD COLUMN "told_of_others" boolean NOT NULL DEFAULT false;
CREATE TABLE "notification" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "kind" character varying NOT NULL, "cause" character varying NOT NULL, "scope" character varying NOT NULL, "subject_id" uuid NOT NULL, "reason" character varying NOT NULL DEFAULT '', "detail" character varying NOT NULL DEFAULT '', "created_by_id" uuid NULL, "launched_by_id" uuid NULL, "created_at" timestamptz NOT NULL, "batch_id" uuid NULL, "batched_at" timestamptz NULL, PRIMARY KEY ("id"));
CREATE INDEX "notification_organization_id_id" ON "notification" ("organization_id", "id");
CREATE UNIQUE INDEX "notification_organization_id_cause" ON "notification" ("organization_id", "cause");
CREATE INDEX "notification_organization_id_scope" ON "notification" ("organization_id", "scope");
CREATE INDEX "notification_batch_id" ON "notification" ("batch_id");
CREATE INDEX "notification_batched_at" ON "notification" ("batched_at");
CREATE INDEX "notification_created_at" ON "notification" ("created_at");
CREATE TABLE "notification_mail" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "sealed_token" bytea NULL, "mail_after" timestamptz NULL, "mail_attempts" bigint NOT NULL DEFAULT 0, "mailed_at" timestamptz NULL, "batch_id" uuid NOT NULL, "member_id" uuid NOT NULL, "created_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "notificationmail_organization_id_id" ON "notification_mail" ("organization_id", "id");
CREATE UNIQUE INDEX "notificationmail_batch_id_member_id" ON "notification_mail" ("batch_id", "member_id");
CREATE INDEX "notificationmail_mail_after" ON "notification_mail" ("mail_after");
