-- +goose Up
ALTER TABLE `statistic` ADD COLUMN `replied` integer NOT NULL DEFAULT (0);
ALTER TABLE `statistic` ADD COLUMN `clicked` integer NOT NULL DEFAULT (0);
CREATE TABLE `new_reply` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `campaign_id` uuid NULL, `message_id` uuid NOT NULL, `first` bool NOT NULL DEFAULT (false), `contact_id` uuid NULL, `button` text NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
INSERT INTO `new_reply` (`id`, `organization_id`, `campaign_id`, `message_id`, `contact_id`, `button`, `created_at`) SELECT `id`, `organization_id`, `campaign_id`, `message_id`, `contact_id`, `button`, `created_at` FROM `reply`;
DROP TABLE `reply`;
ALTER TABLE `new_reply` RENAME TO `reply`;
CREATE INDEX `reply_campaign_id_message_id` ON `reply` (`campaign_id`, `message_id`);
CREATE INDEX `reply_message_id_button` ON `reply` (`message_id`, `button`);
CREATE INDEX `reply_contact_id` ON `reply` (`contact_id`);
CREATE INDEX `reply_organization_id_created_at` ON `reply` (`organization_id`, `created_at`);
CREATE TABLE `link_click` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `phone_number_id` uuid NOT NULL, `fingerprint` text NOT NULL, PRIMARY KEY (`id`));
CREATE UNIQUE INDEX `link_click_once` ON `link_click` (`organization_id`, `phone_number_id`, `fingerprint`);
