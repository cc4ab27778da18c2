-- +goose Up
ALTER TABLE `account` ADD COLUMN `read_at` datetime NULL;
ALTER TABLE `account` ADD COLUMN `numbers_read_at` datetime NULL;
ALTER TABLE `account` ADD COLUMN `listing_started_at` datetime NULL;
ALTER TABLE `account` ADD COLUMN `listing_after` text NULL;
