-- +goose Up
ALTER TABLE `template` ADD COLUMN `coming_category` text NULL;
ALTER TABLE `template` ADD COLUMN `name_locked_until` datetime NULL;
ALTER TABLE `template` ADD COLUMN `listed_at` datetime NULL;
ALTER TABLE `template` ADD COLUMN `edits` json NULL;
ALTER TABLE `template` ADD COLUMN `changing_until` datetime NULL;
ALTER TABLE `template` ADD COLUMN `changing_by` text NULL;
CREATE TABLE `template_change` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `at` datetime NOT NULL, `actor` text NOT NULL, `field` text NOT NULL, `before` text NULL, `after` text NULL, `reason` text NULL, `template_id` uuid NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `template_change_template_template` FOREIGN KEY (`template_id`) REFERENCES `template` (`id`) ON DELETE CASCADE);
CREATE INDEX `templatechange_organization_id_id` ON `template_change` (`organization_id`, `id`);
CREATE INDEX `templatechange_template_id_id` ON `template_change` (`template_id`, `id`);
