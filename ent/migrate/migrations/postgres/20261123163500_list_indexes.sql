-- +goose Up
CREATE INDEX "message_campaign_failed" ON "message" ("campaign_id", "id") WHERE status = 'FAILED';
CREATE INDEX "message_template_id_id" ON "message" ("template_id", "id") WHERE template_id IS NOT NULL;
CREATE INDEX "message_phone_number_id_id" ON "message" ("phone_number_id", "id");
CREATE INDEX "message_contact_id_id" ON "message" ("contact_id", "id") WHERE contact_id IS NOT NULL;
CREATE INDEX "message_direct_address" ON "message" ("organization_id", "address", "id") WHERE campaign_id IS NULL;
CREATE INDEX "message_organization_id_status_id" ON "message" ("organization_id", "status", "id");
CREATE INDEX "message_organization_id_error_code_id" ON "message" ("organization_id", "error_code", "id") WHERE error_code IS NOT NULL;
DROP INDEX "message_wamid";
CREATE INDEX "message_wamid" ON "message" ("wamid") WHERE wamid IS NOT NULL;
CREATE INDEX "delivery_event_failed" ON "delivery_event" ("campaign_id", "sequence") WHERE status = 'FAILED';
CREATE INDEX "statistic_failed" ON "statistic" ("campaign_id", "error_code") WHERE failed <> 0;
CREATE INDEX "contact_organization_id_country_id" ON "contact" ("organization_id", "country", "id");
CREATE INDEX "contact_organization_id_marketing_consent_id" ON "contact" ("organization_id", "marketing_consent", "id");
