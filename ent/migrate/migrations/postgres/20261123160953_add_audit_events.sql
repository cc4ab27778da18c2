-- +goose Up
CREATE TABLE "audit_chain" ("id" uuid NOT NULL, "last" bigint NOT NULL DEFAULT 0, "hash" bytea NOT NULL, "erased_through" bigint NOT NULL DEFAULT 0, "erased_hash" bytea NULL, PRIMARY KEY ("id"));
CREATE TABLE "audit_event" ("id" uuid NOT NULL, "organization_id" uuid NOT NULL, "sequence" bigint NOT NULL, "at" timestamptz NOT NULL, "actor" character varying NOT NULL, "action" character varying NOT NULL, "subject_id" uuid NULL, "summary" character varying NOT NULL, "ip" character varying NULL, "previous_hash" bytea NOT NULL, "hash" bytea NOT NULL, PRIMARY KEY ("id"));
CREATE INDEX "auditevent_organization_id_id" ON "audit_event" ("organization_id", "id");
CREATE UNIQUE INDEX "auditevent_organization_id_sequence" ON "audit_event" ("organization_id", "sequence");
CREATE INDEX "auditevent_organization_id_at" ON "audit_event" ("organization_id", "at");
CREATE INDEX "auditevent_organization_id_action_id" ON "audit_event" ("organization_id", "action", "id");
CREATE INDEX "auditevent_organization_id_actor_id" ON "audit_event" ("organization_id", "actor", "id");
CREATE INDEX "auditevent_organization_id_subject_id_id" ON "audit_event" ("organization_id", "subject_id", "id") WHERE subject_id IS NOT NULL;
-- The audit trail is only ever added to. What was erased with a closed organization's data is marked in its chain first.
-- +goose StatementBegin
CREATE FUNCTION audit_event_keep() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM 1 FROM audit_chain WHERE id = OLD.organization_id AND erased_through >= OLD.sequence;
    IF FOUND THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION 'an audit event cannot be changed or deleted';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_event_kept BEFORE UPDATE OR DELETE ON "audit_event" FOR EACH ROW EXECUTE FUNCTION audit_event_keep();
CREATE TRIGGER audit_event_not_emptied BEFORE TRUNCATE ON "audit_event" FOR EACH STATEMENT EXECUTE FUNCTION audit_event_keep();
