-- +goose Up
CREATE INDEX "message_organization_id_skip_reason_id" ON "message" ("organization_id", "skip_reason", "id") WHERE skip_reason IS NOT NULL;
