-- +goose Up
CREATE INDEX `listing_campaign_id_contact_id` ON `listing` (`campaign_id`, `contact_id`) WHERE campaign_id IS NOT NULL;
