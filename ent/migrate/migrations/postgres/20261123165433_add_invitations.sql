-- +goose Up
CREATE TABLE "invitation" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "sealed_token" bytea NULL, "mail_after" timestamptz NULL, "mail_attempts" bigint NOT NULL DEFAULT 0, "mailed_at" timestamptz NULL, "email" character varying NOT NULL, "role" character varying NOT NULL, "token_hash" bytea NOT NULL, "invited_by" uuid NULL, "created_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "invitation_token_hash_key" ON "invitation" ("token_hash");
CREATE INDEX "invitation_organization_id_id" ON "invitation" ("organization_id", "id");
CREATE UNIQUE INDEX "invitation_organization_id_email" ON "invitation" ("organization_id", "email");
CREATE INDEX "invitation_mail_after" ON "invitation" ("mail_after");
CREATE TABLE "password_reset" ("id" uuid NOT NULL, "sealed_token" bytea NULL, "mail_after" timestamptz NULL, "mail_attempts" bigint NOT NULL DEFAULT 0, "mailed_at" timestamptz NULL, "email" character varying NOT NULL, "token_hash" bytea NULL, "created_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "password_reset_token_hash_key" ON "password_reset" ("token_hash");
CREATE INDEX "passwordreset_email" ON "password_reset" ("email");
CREATE INDEX "passwordreset_mail_after" ON "password_reset" ("mail_after");
