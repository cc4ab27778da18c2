-- +goose Up
-- Addresses of users who are here already count as proven: they have been signing in, and to throw away what they made would
-- harm them more than it helps.
ALTER TABLE "app_user" ADD COLUMN "email_verified_at" timestamptz NULL, ADD COLUMN "locale" character varying NULL;
UPDATE "app_user" SET "email_verified_at" = "created_at";
ALTER TABLE "api_key" ADD COLUMN "created_by" uuid NULL, ADD COLUMN "parent_id" uuid NULL;
ALTER TABLE "invitation" ADD COLUMN "mail_token_hash" bytea NULL, ADD COLUMN "invited_by_key" uuid NULL;
CREATE UNIQUE INDEX "invitation_mail_token_hash_key" ON "invitation" ("mail_token_hash");
-- Until now whoever joined accepted the terms for the organization too, which members below ADMIN may not.
ALTER TABLE "terms_acceptance" ADD COLUMN "personal" boolean NOT NULL DEFAULT false;
UPDATE "terms_acceptance" SET "personal" = true WHERE EXISTS (SELECT 1 FROM "member" WHERE "member"."organization_id" = "terms_acceptance"."organization_id" AND "member"."user_id" = "terms_acceptance"."user_id" AND "member"."role" IN ('CAMPAIGNER', 'VIEWER'));
CREATE TABLE "email_verification" ("id" uuid NOT NULL, "sealed_token" bytea NULL, "mail_after" timestamptz NULL, "mail_attempts" bigint NOT NULL DEFAULT 0, "mailed_at" timestamptz NULL, "user_id" uuid NOT NULL, "token_hash" bytea NULL, "created_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "email_verification_token_hash_key" ON "email_verification" ("token_hash");
CREATE INDEX "emailverification_user_id" ON "email_verification" ("user_id");
CREATE INDEX "emailverification_mail_after" ON "email_verification" ("mail_after");
CREATE TABLE "security_notice" ("id" uuid NOT NULL, "sealed_token" bytea NULL, "mail_after" timestamptz NULL, "mail_attempts" bigint NOT NULL DEFAULT 0, "mailed_at" timestamptz NULL, "user_id" uuid NOT NULL, "kind" character varying NOT NULL, "created_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "securitynotice_user_id" ON "security_notice" ("user_id");
CREATE INDEX "securitynotice_mail_after" ON "security_notice" ("mail_after");
