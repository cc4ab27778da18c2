-- +goose Up
ALTER TABLE `listing` ADD COLUMN `type` text NOT NULL DEFAULT ('TEMPLATE');
UPDATE `listing` SET `type` = m.`type` FROM `message` m WHERE m.`id` = `listing`.`id` AND m.`type` <> 'TEMPLATE';
CREATE INDEX `listing_organization_id_type_id` ON `listing` (`organization_id`, `type`, `id`);
