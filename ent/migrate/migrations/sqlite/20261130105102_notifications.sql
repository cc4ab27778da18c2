-- +goose Up
ALTER TABLE `campaign` ADD COLUMN `launched_by_id` uuid NULL;
ALTER TABLE `contact_import` ADD COLUMN `created_by_id` uuid NULL;
ALTER TABLE `member` ADD COLUMN `told_of` json NULL;
ALTER TABLE `member` ADD COLUMN `told_of_others` bool NOT NULL DEFAULT (false);
CREATE TABLE `notification` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `kind` text NOT NULL, `cause` text NOT NULL, `scope` text NOT NULL, `subject_id` uuid NOT NULL, `reason` text NOT NULL DEFAULT (''), `detail` text NOT NULL DEFAULT (''), `created_by_id` uuid NULL, `launched_by_id` uuid NULL, `created_at` datetime NOT NULL, `batch_id` uuid NULL, `batched_at` datetime NULL, PRIMARY KEY (`id`));
CREATE INDEX `notification_organization_id_id` ON `notification` (`organization_id`, `id`);
CREATE UNIQUE INDEX `notification_organization_id_cause` ON `notification` (`organization_id`, `cause`);
CREATE INDEX `notification_organization_id_scope` ON `notification` (`organization_id`, `scope`);
CREATE INDEX `notification_batch_id` ON `notification` (`batch_id`);
CREATE INDEX `notification_batched_at` ON `notification` (`batched_at`);
CREATE INDEX `notification_created_at` ON `notification` (`created_at`);
CREATE TABLE `notification_mail` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `sealed_token` blob NULL, `mail_after` datetime NULL, `mail_attempts` integer NOT NULL DEFAULT (0), `mailed_at` datetime NULL, `batch_id` uuid NOT NULL, `member_id` uuid NOT NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `notificationmail_organization_id_id` ON `notification_mail` (`organization_id`, `id`);
CREATE UNIQUE INDEX `notificationmail_batch_id_member_id` ON `notification_mail` (`batch_id`, `member_id`);
CREATE INDEX `notificationmail_mail_after` ON `notification_mail` (`mail_after`);
