-- +goose Up
ALTER TABLE "session" ADD COLUMN "vouched" boolean NOT NULL DEFAULT false;
CREATE TABLE "external_login" ("id" uuid NOT NULL, "user_id" uuid NOT NULL, "issuer" character varying NOT NULL, "subject" character varying NOT NULL, "email" character varying NULL, "created_at" timestamptz NOT NULL, "last_used_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "externallogin_issuer_subject" ON "external_login" ("issuer", "subject");
CREATE INDEX "externallogin_user_id" ON "external_login" ("user_id");
CREATE TABLE "sign_in_flow" ("id" uuid NOT NULL, "secret_hash" bytea NOT NULL, "redirect_uri" character varying NOT NULL, "code_hash" bytea NULL, "person" bytea NULL, "created_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "sign_in_flow_secret_hash_key" ON "sign_in_flow" ("secret_hash");
CREATE INDEX "signinflow_expires_at" ON "sign_in_flow" ("expires_at");
