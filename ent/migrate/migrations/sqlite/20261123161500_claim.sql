-- +goose Up
ALTER TABLE `message` ADD COLUMN `claim_id` uuid NULL;
ALTER TABLE `message` ADD COLUMN `claim_part` integer NULL;
CREATE TABLE `claim` (`id` uuid NOT NULL, `handed` integer NOT NULL DEFAULT (0), `taken` bool NOT NULL DEFAULT (false), `until` datetime NOT NULL, PRIMARY KEY (`id`));
