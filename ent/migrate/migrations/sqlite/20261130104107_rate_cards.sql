-- +goose Up
ALTER TABLE `campaign` ADD COLUMN `cost_micros` integer NOT NULL DEFAULT 0;
ALTER TABLE `campaign` ADD COLUMN `cost_currency` text NULL;
ALTER TABLE `statistic` ADD COLUMN `cost_micros` integer NOT NULL DEFAULT 0;
ALTER TABLE `statistic` ADD COLUMN `cost_currency` text NULL;
CREATE TABLE `rate_card` (`id` uuid NOT NULL, `kind` text NOT NULL, `name` text NOT NULL, `currency` text NOT NULL, `effective_from` text NOT NULL, `revision` integer NOT NULL, `example` bool NOT NULL, `rates` json NOT NULL, `imported_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE UNIQUE INDEX `rate_card_once` ON `rate_card` (`currency`, `kind`, `example`, `effective_from`, `revision`);
