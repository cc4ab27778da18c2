-- +goose Up
ALTER TABLE `contact_import` ADD COLUMN `campaign_id` uuid NULL;
CREATE INDEX `contactimport_campaign_id` ON `contact_import` (`campaign_id`) WHERE campaign_id IS NOT NULL;
