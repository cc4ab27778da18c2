-- +goose Up
ALTER TABLE `account` ADD COLUMN `marketing_messages` text NULL;
ALTER TABLE `account` ADD COLUMN `marketing_only_there` bool NOT NULL DEFAULT false;
ALTER TABLE `message` ADD COLUMN `route` text NULL;
ALTER TABLE `phone_number` ADD COLUMN `username` text NULL;
ALTER TABLE `phone_number` ADD COLUMN `shared_at` datetime NULL;
ALTER TABLE `template` ADD COLUMN `max_price` integer NULL;
CREATE TABLE `thread` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `phone_number_id` uuid NOT NULL, `address` text NOT NULL, `ours` bool NOT NULL, `role` text NOT NULL DEFAULT (''), `at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `thread_organization_id_id` ON `thread` (`organization_id`, `id`);
CREATE UNIQUE INDEX `thread_phone_number_id_address` ON `thread` (`phone_number_id`, `address`);
CREATE INDEX `thread_at` ON `thread` (`at`);
CREATE INDEX IF NOT EXISTS `deliveryevent_message_id` ON `delivery_event` (`message_id`);
CREATE INDEX IF NOT EXISTS `delivery_event_failed` ON `delivery_event` (`campaign_id`, `sequence`) WHERE status = 'FAILED';
