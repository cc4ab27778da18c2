-- +goose Up
CREATE TABLE `audit_chain` (`id` uuid NOT NULL, `last` integer NOT NULL DEFAULT (0), `hash` blob NOT NULL, `erased_through` integer NOT NULL DEFAULT (0), `erased_hash` blob NULL, PRIMARY KEY (`id`));
CREATE TABLE `audit_event` (`id` uuid NOT NULL, `organization_id` uuid NOT NULL, `sequence` integer NOT NULL, `at` datetime NOT NULL, `actor` text NOT NULL, `action` text NOT NULL, `subject_id` uuid NULL, `summary` text NOT NULL, `ip` text NULL, `previous_hash` blob NOT NULL, `hash` blob NOT NULL, PRIMARY KEY (`id`));
CREATE INDEX `auditevent_organization_id_id` ON `audit_event` (`organization_id`, `id`);
CREATE UNIQUE INDEX `auditevent_organization_id_sequence` ON `audit_event` (`organization_id`, `sequence`);
CREATE INDEX `auditevent_organization_id_at` ON `audit_event` (`organization_id`, `at`);
CREATE INDEX `auditevent_organization_id_action_id` ON `audit_event` (`organization_id`, `action`, `id`);
CREATE INDEX `auditevent_organization_id_actor_id` ON `audit_event` (`organization_id`, `actor`, `id`);
CREATE INDEX `auditevent_organization_id_subject_id_id` ON `audit_event` (`organization_id`, `subject_id`, `id`) WHERE subject_id IS NOT NULL;
-- The audit trail is only ever added to. What was erased with a closed organization's data is marked in its chain first.
-- +goose StatementBegin
CREATE TRIGGER `audit_event_unchanged` BEFORE UPDATE ON `audit_event` BEGIN
  SELECT RAISE(ABORT, 'an audit event cannot be changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `audit_event_kept` BEFORE DELETE ON `audit_event`
WHEN NOT EXISTS (SELECT 1 FROM `audit_chain` WHERE `id` = OLD.`organization_id` AND `erased_through` >= OLD.`sequence`) BEGIN
  SELECT RAISE(ABORT, 'an audit event cannot be deleted');
END;
-- +goose StatementEnd
