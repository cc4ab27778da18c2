-- +goose Up
ALTER TABLE `campaign` ADD COLUMN `replied` integer NOT NULL DEFAULT (0);
DROP INDEX `reply_message_id`;
CREATE INDEX `reply_message_id_button` ON `reply` (`message_id`, `button`);
CREATE TABLE `campaign_count` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `organization_id` uuid NOT NULL, `campaign_id` uuid NOT NULL, `kind` text NOT NULL, `name` text NOT NULL, `people` integer NOT NULL DEFAULT (0));
CREATE UNIQUE INDEX `campaigncount_organization_id_campaign_id_kind_name` ON `campaign_count` (`organization_id`, `campaign_id`, `kind`, `name`);
INSERT INTO campaign_count (organization_id, campaign_id, kind, name, people)
	SELECT organization_id, campaign_id, 'SKIP', skip_reason, count(*) FROM message
	WHERE status = 'SKIPPED' AND campaign_id IS NOT NULL AND skip_reason IS NOT NULL
	GROUP BY organization_id, campaign_id, skip_reason;
