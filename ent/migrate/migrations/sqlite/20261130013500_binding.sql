-- +goose Up
ALTER TABLE `account` ADD COLUMN `sandbox` bool NOT NULL DEFAULT false;
ALTER TABLE `account` ADD COLUMN `token_expires_at` datetime NULL;
ALTER TABLE `account` ADD COLUMN `token_warned_at` datetime NULL;
ALTER TABLE `account` ADD COLUMN `signup_code` blob NULL;
ALTER TABLE `account` ADD COLUMN `health` json NULL;
ALTER TABLE `account` ADD COLUMN `webhook_received_at` datetime NULL;
ALTER TABLE `phone_number` ADD COLUMN `pin` blob NULL;
