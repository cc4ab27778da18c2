-- +goose Up
CREATE TABLE `segment` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `name` text NOT NULL, `rule` json NOT NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `segment_organization_id_id` ON `segment` (`organization_id`, `id`);
CREATE UNIQUE INDEX `segment_organization_id_name` ON `segment` (`organization_id`, `name`);
CREATE TABLE `suppression` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `phone` text NOT NULL, `number_key` text NOT NULL, `reason` text NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `suppression_organization_id_id` ON `suppression` (`organization_id`, `id`);
CREATE UNIQUE INDEX `suppression_organization_id_number_key` ON `suppression` (`organization_id`, `number_key`);
