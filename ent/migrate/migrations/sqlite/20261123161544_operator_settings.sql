-- +goose Up
ALTER TABLE `organization` ADD COLUMN `mask_for_viewers` bool NOT NULL DEFAULT false;
ALTER TABLE `organization` ADD COLUMN `quota_messages_per_day` integer NULL;
ALTER TABLE `organization` ADD COLUMN `quota_contacts` integer NULL;
ALTER TABLE `organization` ADD COLUMN `quota_numbers` integer NULL;
CREATE TABLE `quota_usage` (`id` uuid NOT NULL, `day` datetime NOT NULL, `messages` integer NOT NULL DEFAULT (0), PRIMARY KEY (`id`));
CREATE TABLE `service_state` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `maintenance` bool NOT NULL DEFAULT (false), `notice` text NULL, `changed_at` datetime NOT NULL);
