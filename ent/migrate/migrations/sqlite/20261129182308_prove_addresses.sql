-- +goose Up
-- Addresses of users who are here already count as proven: they have been signing in, and to throw away what they made would
-- harm them more than it helps.
ALTER TABLE `app_user` ADD COLUMN `email_verified_at` datetime NULL;
ALTER TABLE `app_user` ADD COLUMN `locale` text NULL;
UPDATE `app_user` SET `email_verified_at` = `created_at`;
ALTER TABLE `api_key` ADD COLUMN `created_by` uuid NULL;
ALTER TABLE `api_key` ADD COLUMN `parent_id` uuid NULL;
ALTER TABLE `invitation` ADD COLUMN `mail_token_hash` blob NULL;
ALTER TABLE `invitation` ADD COLUMN `invited_by_key` uuid NULL;
CREATE UNIQUE INDEX `invitation_mail_token_hash_key` ON `invitation` (`mail_token_hash`);
-- Until now whoever joined accepted the terms for the organization too, which members below ADMIN may not.
ALTER TABLE `terms_acceptance` ADD COLUMN `personal` bool NOT NULL DEFAULT false;
UPDATE `terms_acceptance` SET `personal` = true WHERE EXISTS (SELECT 1 FROM `member` WHERE `member`.`organization_id` = `terms_acceptance`.`organization_id` AND `member`.`user_id` = `terms_acceptance`.`user_id` AND `member`.`role` IN ('CAMPAIGNER', 'VIEWER'));
CREATE TABLE `email_verification` (`id` uuid NOT NULL, `sealed_token` blob NULL, `mail_after` datetime NULL, `mail_attempts` integer NOT NULL DEFAULT (0), `mailed_at` datetime NULL, `user_id` uuid NOT NULL, `token_hash` blob NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE UNIQUE INDEX `email_verification_token_hash_key` ON `email_verification` (`token_hash`);
CREATE INDEX `emailverification_user_id` ON `email_verification` (`user_id`);
CREATE INDEX `emailverification_mail_after` ON `email_verification` (`mail_after`);
CREATE TABLE `security_notice` (`id` uuid NOT NULL, `sealed_token` blob NULL, `mail_after` datetime NULL, `mail_attempts` integer NOT NULL DEFAULT (0), `mailed_at` datetime NULL, `user_id` uuid NOT NULL, `kind` text NOT NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `securitynotice_user_id` ON `security_notice` (`user_id`);
CREATE INDEX `securitynotice_mail_after` ON `security_notice` (`mail_after`);
