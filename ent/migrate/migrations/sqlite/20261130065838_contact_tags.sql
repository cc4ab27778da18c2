-- +goose Up
CREATE TABLE `contact_tag` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `organization_id` uuid NOT NULL, `tag` text NOT NULL, `contact_id` uuid NOT NULL, CONSTRAINT `contact_tag_contact_contact` FOREIGN KEY (`contact_id`) REFERENCES `contact` (`id`) ON DELETE CASCADE);
CREATE UNIQUE INDEX `contacttag_contact_id_tag` ON `contact_tag` (`contact_id`, `tag`);
CREATE INDEX `contacttag_organization_id_tag_contact_id` ON `contact_tag` (`organization_id`, `tag`, `contact_id`);
