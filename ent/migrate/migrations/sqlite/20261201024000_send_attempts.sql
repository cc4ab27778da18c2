-- +goose Up
CREATE TABLE `send_attempt` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `message_id` uuid NOT NULL, `number` integer NOT NULL, `at` datetime NOT NULL, `took_ms` integer NOT NULL, `endpoint` text NOT NULL, `request` text NOT NULL, `http_status` integer NOT NULL, `code` integer NOT NULL, `subcode` integer NOT NULL DEFAULT (0), `detail` text NULL, `trace_id` text NULL, `again_at` datetime NULL, PRIMARY KEY (`id`));
CREATE UNIQUE INDEX `send_attempt_once` ON `send_attempt` (`organization_id`, `message_id`, `number`);
CREATE INDEX `sendattempt_organization_id_id` ON `send_attempt` (`organization_id`, `id`);
