-- +goose Up
ALTER TABLE `session` ADD COLUMN `vouched` bool NOT NULL DEFAULT false;
CREATE TABLE `external_login` (`id` uuid NOT NULL, `user_id` uuid NOT NULL, `issuer` text NOT NULL, `subject` text NOT NULL, `email` text NULL, `created_at` datetime NOT NULL, `last_used_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE UNIQUE INDEX `externallogin_issuer_subject` ON `external_login` (`issuer`, `subject`);
CREATE INDEX `externallogin_user_id` ON `external_login` (`user_id`);
CREATE TABLE `sign_in_flow` (`id` uuid NOT NULL, `secret_hash` blob NOT NULL, `redirect_uri` text NOT NULL, `code_hash` blob NULL, `person` blob NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE UNIQUE INDEX `sign_in_flow_secret_hash_key` ON `sign_in_flow` (`secret_hash`);
CREATE INDEX `signinflow_expires_at` ON `sign_in_flow` (`expires_at`);
