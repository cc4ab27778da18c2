-- +goose Up
ALTER TABLE `message` ADD COLUMN `erased_at` datetime NULL;
CREATE TABLE `retention` (`id` uuid NOT NULL, `next_at` datetime NOT NULL, `before` datetime NULL, `step` integer NOT NULL DEFAULT (0), `place` uuid NULL, `message_after` uuid NOT NULL, `waiting_after` uuid NULL, `counts` json NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `retention_next_at` ON `retention` (`next_at`);
