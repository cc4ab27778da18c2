-- +goose Up
ALTER TABLE "contact_import" ADD COLUMN "number_form" character varying NULL;
