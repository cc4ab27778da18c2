-- +goose Up
-- When it was said was not kept. It was recorded soon after.
CREATE TABLE `new_consent_record` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `consent` text NOT NULL, `source` text NOT NULL, `evidence` text NULL, `said_by` text NOT NULL DEFAULT ('ORGANIZATION'), `said_at` datetime NOT NULL, `recorded_at` datetime NOT NULL, `contact_id` uuid NOT NULL, PRIMARY KEY (`id`));
INSERT INTO `new_consent_record` (`id`, `organization_id`, `consent`, `source`, `evidence`, `said_by`, `said_at`, `recorded_at`, `contact_id`) SELECT `id`, `organization_id`, `consent`, `source`, `evidence`, CASE WHEN `source` = 'keyword' OR `source` LIKE 'whatsapp %' THEN 'CONTACT' ELSE 'ORGANIZATION' END, `recorded_at`, `recorded_at`, `contact_id` FROM `consent_record`;
DROP TABLE `consent_record`;
ALTER TABLE `new_consent_record` RENAME TO `consent_record`;
CREATE INDEX `consentrecord_organization_id_id` ON `consent_record` (`organization_id`, `id`);
CREATE INDEX `consentrecord_contact_id_said_at` ON `consent_record` (`contact_id`, `said_at`);
DROP INDEX `contact_organization_id_wa_user_id`;
DROP INDEX `contact_organization_id_phone`;
ALTER TABLE `contact` ADD COLUMN `wa_phone` text NULL;
ALTER TABLE `contact` ADD COLUMN `username` text NULL;
CREATE INDEX `contact_organization_id_phone` ON `contact` (`organization_id`, `phone`);
CREATE TABLE `contact_identifier` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `organization_id` uuid NOT NULL, `kind` text NOT NULL, `value` text NOT NULL, `written` text NULL, `contact_id` uuid NOT NULL, `since` datetime NOT NULL);
-- A number stands here as it is written. The step number_keys, which is Go, turns it into its key.
INSERT INTO `contact_identifier` (`organization_id`, `kind`, `value`, `contact_id`, `since`) SELECT `organization_id`, 'PHONE', `phone`, `id`, `created_at` FROM `contact` WHERE `phone` IS NOT NULL ORDER BY `id`;
INSERT INTO `contact_identifier` (`organization_id`, `kind`, `value`, `contact_id`, `since`) SELECT `organization_id`, 'USER_ID', `wa_user_id`, `id`, `created_at` FROM `contact` WHERE `wa_user_id` IS NOT NULL ORDER BY `id`;
CREATE UNIQUE INDEX `contactidentifier_organization_id_kind_value` ON `contact_identifier` (`organization_id`, `kind`, `value`);
CREATE INDEX `contactidentifier_contact_id` ON `contact_identifier` (`contact_id`);
CREATE TABLE `data_step` (`id` text NOT NULL, `done_to` integer NOT NULL DEFAULT (0), `done_at` datetime NULL, PRIMARY KEY (`id`));
CREATE TABLE `former_identifier` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `organization_id` uuid NOT NULL, `kind` text NOT NULL, `value` text NOT NULL, `contact_id` uuid NOT NULL, `until` datetime NOT NULL);
CREATE UNIQUE INDEX `formeridentifier_organization_id_kind_value_until` ON `former_identifier` (`organization_id`, `kind`, `value`, `until`);
CREATE INDEX `formeridentifier_contact_id` ON `former_identifier` (`contact_id`);
