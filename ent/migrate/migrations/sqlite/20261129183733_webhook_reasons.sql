-- +goose Up
ALTER TABLE `account` ADD COLUMN `restricted_until` datetime NULL;
ALTER TABLE `unmatched_webhook` ADD COLUMN `detail` text NULL;
ALTER TABLE `unmatched_webhook` ADD COLUMN `retry_at` datetime NULL;
CREATE INDEX `unmatchedwebhook_retry_at` ON `unmatched_webhook` (`retry_at`) WHERE retry_at IS NOT NULL;
