-- +goose Up
ALTER TABLE `organization` ADD COLUMN `require_second_factor` bool NOT NULL DEFAULT false;
ALTER TABLE `app_user` ADD COLUMN `second_factor_at` datetime NULL;
CREATE TABLE `recovery_code` (`id` uuid NOT NULL, `user_id` uuid NOT NULL, `code_hash` blob NOT NULL, `used_at` datetime NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE UNIQUE INDEX `recoverycode_user_id_code_hash` ON `recovery_code` (`user_id`, `code_hash`);
CREATE TABLE `second_factor` (`id` uuid NOT NULL, `user_id` uuid NOT NULL, `secret` blob NOT NULL, `last_step` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE UNIQUE INDEX `second_factor_user_id_key` ON `second_factor` (`user_id`);
