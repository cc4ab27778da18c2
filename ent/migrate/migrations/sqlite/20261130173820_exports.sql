-- +goose Up
CREATE TABLE `export` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `kind` text NOT NULL, `format` text NOT NULL, `status` text NOT NULL DEFAULT ('PENDING'), `status_reason` text NULL, `question` json NOT NULL, `masked` bool NOT NULL, `attributes` json NULL, `place` uuid NULL, `rows` integer NOT NULL DEFAULT (0), `rows_total` integer NULL, `bytes` integer NOT NULL DEFAULT (0), `parts` integer NOT NULL DEFAULT (0), `gathered` bool NOT NULL DEFAULT (false), `tries` integer NOT NULL DEFAULT (0), `lease_id` uuid NULL, `lease_until` datetime NULL, `created_by_id` uuid NULL, `created_at` datetime NOT NULL, `finished_at` datetime NULL, `expires_at` datetime NULL, PRIMARY KEY (`id`));
CREATE INDEX `export_organization_id_id` ON `export` (`organization_id`, `id`);
CREATE INDEX `export_status` ON `export` (`status`) WHERE status IN ('PENDING', 'RUNNING');
CREATE INDEX `export_expires_at` ON `export` (`expires_at`) WHERE expires_at IS NOT NULL;
CREATE INDEX `export_organization_id_created_at` ON `export` (`organization_id`, `created_at`);
CREATE TABLE `export_part` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `export_id` uuid NOT NULL, `number` integer NOT NULL, `name` text NOT NULL, `bytes` integer NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `exportpart_organization_id_id` ON `export_part` (`organization_id`, `id`);
CREATE UNIQUE INDEX `exportpart_export_id_number` ON `export_part` (`export_id`, `number`);
