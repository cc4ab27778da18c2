-- +goose Up
ALTER TABLE `contact_import` ADD COLUMN `number_form` text NULL;
