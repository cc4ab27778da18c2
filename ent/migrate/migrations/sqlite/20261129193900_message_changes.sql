-- +goose Up
ALTER TABLE `message` ADD COLUMN `edited_at` datetime NULL;
ALTER TABLE `message` ADD COLUMN `revoked_at` datetime NULL;
ALTER TABLE `unmatched_webhook` ADD COLUMN `waits_for` text NULL;
CREATE INDEX `unmatchedwebhook_waits_for` ON `unmatched_webhook` (`waits_for`) WHERE waits_for IS NOT NULL;
