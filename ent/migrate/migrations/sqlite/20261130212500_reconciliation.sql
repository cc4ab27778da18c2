-- +goose Up
ALTER TABLE `account` ADD COLUMN `next_comparison_at` datetime NULL;
CREATE TABLE `reconciliation` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `day` datetime NOT NULL, `account_id` uuid NOT NULL, `phone_number_id` uuid NOT NULL, `measure` text NOT NULL, `category` text NOT NULL, `ours` integer NOT NULL, `theirs` integer NOT NULL, `our_cost_micros` integer NULL, `their_cost_micros` integer NULL, `cost_currency` text NULL, `compared_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `reconciliation_day` ON `reconciliation` (`day`);
CREATE UNIQUE INDEX `reconciliation_figure` ON `reconciliation` (`organization_id`, `day`, `account_id`, `phone_number_id`, `measure`, `category`);
CREATE INDEX `reconciliation_organization_id_id` ON `reconciliation` (`organization_id`, `id`);
