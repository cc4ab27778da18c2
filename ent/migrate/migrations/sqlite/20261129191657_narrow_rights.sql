-- +goose Up
ALTER TABLE `api_key` ADD COLUMN `scopes` json NULL;
ALTER TABLE `organization` ADD COLUMN `suspended_until` datetime NULL;
ALTER TABLE `app_user` ADD COLUMN `suspended_at` datetime NULL;
ALTER TABLE `app_user` ADD COLUMN `suspended_until` datetime NULL;
ALTER TABLE `app_user` ADD COLUMN `suspended_reason` text NULL;
