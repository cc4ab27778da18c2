-- +goose Up
CREATE TABLE `media_upload` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `account_id` uuid NOT NULL, `phone_number_id` uuid NOT NULL, `media_id` text NOT NULL, `sha256` text NOT NULL, `mime_type` text NOT NULL, `file_name` text NOT NULL, `size` integer NOT NULL, `uploaded_at` datetime NOT NULL, `expires_at` datetime NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `mediaupload_organization_id_id` ON `media_upload` (`organization_id`, `id`);
CREATE INDEX `mediaupload_organization_id_media_id` ON `media_upload` (`organization_id`, `media_id`);
CREATE INDEX `mediaupload_phone_number_id_sha256` ON `media_upload` (`phone_number_id`, `sha256`);
CREATE INDEX `mediaupload_expires_at` ON `media_upload` (`expires_at`);
