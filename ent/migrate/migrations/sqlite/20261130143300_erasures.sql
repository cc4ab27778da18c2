-- +goose Up
ALTER TABLE `organization` ADD COLUMN `erasure_key` blob NULL;
ALTER TABLE `contact_identifier` ADD COLUMN `erased` bool NOT NULL DEFAULT (false);
CREATE TABLE `erased_address` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `hash` text NOT NULL, `at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `erasedaddress_organization_id_id` ON `erased_address` (`organization_id`, `id`);
CREATE UNIQUE INDEX `erasedaddress_organization_id_hash` ON `erased_address` (`organization_id`, `hash`);
CREATE TABLE `erasure` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `contact_id` uuid NOT NULL, `requested_by` text NOT NULL, `requested_at` datetime NOT NULL, `finished_at` datetime NULL, `person` blob NULL, `step` integer NOT NULL DEFAULT (0), `place` uuid NULL, `counts` json NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `erasure_organization_id_id` ON `erasure` (`organization_id`, `id`);
CREATE UNIQUE INDEX `erasure_organization_id_contact_id` ON `erasure` (`organization_id`, `contact_id`);
CREATE INDEX `erasure_unfinished` ON `erasure` (`id`) WHERE finished_at IS NULL;
