-- +goose Up
ALTER TABLE "app_user" ADD COLUMN "second_factor_at" timestamptz NULL;
ALTER TABLE "organization" ADD COLUMN "require_second_factor" boolean NOT NULL DEFAULT false;
CREATE TABLE "recovery_code" ("id" uuid NOT NULL, "user_id" uuid NOT NULL, "code_hash" bytea NOT NULL, "used_at" timestamptz NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "recoverycode_user_id_code_hash" ON "recovery_code" ("user_id", "code_hash");
CREATE TABLE "second_factor" ("id" uuid NOT NULL, "user_id" uuid NOT NULL, "secret" bytea NOT NULL, "last_step" bigint NOT NULL DEFAULT 0, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "second_factor_user_id_key" ON "second_factor" ("user_id");
