-- A past for one organization and twenty others, whose rows only fill the tables: messages of 90 days, hourly sums of a year. Words that begin with : are replaced.

-- An id as package uid makes it: a version 7 UUID of that time, told apart by n, whose last byte is the kind of row.
CREATE FUNCTION fill_id(at timestamptz, n bigint, kind int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0') || '8' || lpad(to_hex(n), 13, '0') || lpad(to_hex(kind), 2, '0'))::uuid
$$;

INSERT INTO phone_number (id, organization_id, account_id, meta_id, display_number, verified_name)
  VALUES (:rareNumber, :organization, :account, 'rare', '+1 202-555-0100', 'Rare');
INSERT INTO template (id, organization_id, account_id, name, language, category, status, components, created_at, updated_at)
  SELECT CASE k WHEN 0 THEN :rareTemplate ELSE fill_id(now() - interval '90 days', k, 10) END, :organization, :account, 'past_' || k, 'en_US', 'UTILITY', 'APPROVED', '[]', now(), now()
  FROM generate_series(0, 300) AS k;

INSERT INTO campaign (id, organization_id, name, status, template_id, phone_number_id, audience_rule, parameters, created_at, launched_at, completed_at, enrolled_at, total, accepted, sent, delivered, read, failed, skipped)
  SELECT fill_id(at, k, 17), :organization, 'Past ' || k, 'COMPLETED', fill_id(now() - interval '90 days', 1 + k % 20, 10), :number, '{}', '[]', at, at, at, at,
    :perCampaign, 100, 500, 10000, 35000, 3000, 1400
  FROM generate_series(0, :rows / :perCampaign + 5000) AS k, LATERAL (SELECT now() - interval '91 days' + k * interval '1 minute' AS at) AS t;

INSERT INTO contact (id, organization_id, phone, name, language, country, attributes, marketing_consent, created_at)
  SELECT fill_id(at, j, 11), CASE WHEN j % 10 < 7 THEN :organization ELSE fill_id(now() - interval '1 year', j % 20, 1) END,
    '+55119' || lpad(j::text, 8, '0'), md5(j::text) || ' Person', CASE WHEN j % 1000 = 3 THEN 'is' ELSE 'pt_BR' END, CASE WHEN j % 1000 = 3 THEN 'IS' WHEN j % 3 = 0 THEN 'DE' ELSE 'BR' END,
    jsonb_build_object('city', 'City ' || j % 1000), CASE WHEN j % 1000 = 3 THEN 'OPTED_OUT' WHEN j % 2 = 0 THEN 'OPTED_IN' ELSE 'UNKNOWN' END, at
  FROM generate_series(0, :contacts - 1) AS j, LATERAL (SELECT now() - interval '200 days' + j * (interval '100 days' / :contacts) AS at) AS t;

INSERT INTO contact_list (id, organization_id, name, created_at) VALUES (:list, :organization, 'Past', now());
INSERT INTO list_member (organization_id, contact_id, contact_list_id)
  SELECT organization_id, id, :list FROM contact WHERE organization_id = :organization AND language = 'pt_BR' AND right(phone, 1) IN ('0', '1');
INSERT INTO contact_identifier (organization_id, kind, value, contact_id, since)
  SELECT organization_id, 'PHONE', phone, id, created_at FROM contact WHERE phone LIKE '+55119%';
INSERT INTO consent_record (id, organization_id, contact_id, consent, source, said_at, recorded_at)
  SELECT fill_id(created_at, right(phone, 8)::bigint, 13), organization_id, id, marketing_consent, 'fill', created_at, created_at FROM contact WHERE country = 'DE';
INSERT INTO messaging_window (id, organization_id, account_id, address, message_id, at)
  SELECT fill_id(created_at, right(phone, 8)::bigint, 22), organization_id, CASE WHEN organization_id = :organization THEN :account ELSE organization_id END, phone, id,
    now() - interval '23 hours' * random() FROM contact WHERE right(phone, 1) = '0';

INSERT INTO message (id, organization_id, direction, campaign_id, template_id, phone_number_id, account_id, contact_id, address, type, category, country, status, parameters, wamid, error_code, error_detail,
    skip_reason, reference, attempts, not_before, queued_at, accepted_at, sent_at, delivered_at, read_at, failed_at, unknown_at, closed_at, pricing, created_at)
  SELECT fill_id(at, i, 18), organization, CASE WHEN i % 100 = 50 THEN 'INBOUND' ELSE 'OUTBOUND' END,
    CASE WHEN i % 50 <> 0 AND organization = :organization THEN fill_id(now() - interval '91 days' + k * interval '1 minute', k, 17) WHEN i % 50 <> 0 THEN fill_id(now(), k, 17) END,
    CASE WHEN i % 100 = 50 OR i % 200 = 0 THEN NULL WHEN i % (:rows / 50) = 77 THEN :rareTemplate ELSE fill_id(now() - interval '90 days', 1 + k % 20, 10) END,
    CASE WHEN organization <> :organization THEN organization WHEN i % (:rows / 50) = 78 THEN :rareNumber ELSE :number END,
    CASE WHEN organization <> :organization THEN organization ELSE :account END,
    fill_id(now() - interval '200 days' + j * (interval '100 days' / :contacts), j, 11), '+55119' || lpad(j::text, 8, '0'),
    CASE WHEN i % 100 = 50 OR i % 200 = 0 THEN 'TEXT' ELSE 'TEMPLATE' END, CASE WHEN i % 100 <> 50 THEN 'UTILITY' END, 'BR', status,
    jsonb_build_object('1', 'Person ' || j), CASE WHEN status NOT IN ('SKIPPED', 'CANCELED', 'QUEUED') THEN 'wamid.HBgN' || upper(md5(i::text)) END,
    CASE WHEN status = 'FAILED' THEN CASE WHEN i % (:rows / 50) = 70 THEN 131049 ELSE 131026 END END, CASE WHEN status = 'FAILED' THEN 'Message undeliverable' END,
    CASE WHEN status = 'SKIPPED' THEN CASE WHEN i % (:rows / 50) = 109 THEN 'SUPPRESSED' ELSE 'NO_OPT_IN' END END, CASE WHEN i % 100 = 0 THEN 'order ' || i END, 1, at, at, told, CASE WHEN status IN ('SENT', 'DELIVERED', 'READ') THEN told END, CASE WHEN status IN ('DELIVERED', 'READ') THEN told END,
    CASE WHEN status = 'READ' THEN told END, CASE WHEN status = 'FAILED' THEN told END, CASE WHEN status = 'UNKNOWN' THEN now() END, CASE WHEN status IN ('SKIPPED', 'CANCELED') THEN at END,
    CASE WHEN told IS NOT NULL THEN '{"type": "regular", "model": "PMP", "billable": true, "category": "utility"}'::jsonb END, at
  FROM (
    SELECT i, j, k, organization, at, status, CASE WHEN status IN ('ACCEPTED', 'HELD', 'SENT', 'DELIVERED', 'READ', 'FAILED') THEN at + interval '1 minute' END AS told
    FROM generate_series(1, :rows) AS i, LATERAL (
      SELECT i::bigint * 7919 % (:contacts / 10) * 10 + CASE WHEN (i / 1000) % 10 < 7 THEN i % 7 ELSE 7 + i % 3 END AS j, i / :perCampaign AS k, now() - interval '90 days' + i * (interval '90 days' / :rows) AS at,
        CASE WHEN (i / 1000) % 10 < 7 THEN :organization ELSE fill_id(now() - interval '1 year', (i / 1000) % 20, 1) END AS organization,
        CASE WHEN i % 100 = 50 THEN 'RECEIVED' WHEN i % (:rows / 50) = 71 THEN 'UNKNOWN' WHEN i % (:rows / 50) = 72 THEN 'HELD' WHEN i % (:rows / 50) = 73 THEN 'ACCEPTED' WHEN i % (:rows / 50) = 74 THEN 'CANCELED'
          WHEN i % (:rows / 50) = 79 THEN 'SENT' WHEN i % 100 IN (70, 7, 8) THEN 'FAILED' WHEN i % 100 = 9 THEN 'SKIPPED' WHEN i % 3 = 0 THEN 'DELIVERED' ELSE 'READ' END AS status) AS t) AS m;

INSERT INTO listing (id, organization_id, campaign_id, template_id, phone_number_id, contact_id, address, reference, created_at, type)
  SELECT id, organization_id, campaign_id, template_id, phone_number_id, contact_id, address, reference, created_at, type FROM message;

INSERT INTO statistic (id, organization_id, hour, account_id, phone_number_id, template_id, campaign_id, category, country, error_code, accepted, sent, delivered, read)
  SELECT fill_id(now(), (row_number() OVER ())::bigint, 19), organization, date_trunc('hour', now()) - h * interval '1 hour', CASE WHEN own THEN :account ELSE organization END,
    CASE WHEN own THEN :number ELSE organization END, fill_id(now() - interval '90 days', 1 + k % 20, 10), fill_id(now() - interval '91 days' + k * interval '1 minute', k, 17), 'UTILITY', country, 0, 100, 100, 90, 70
  FROM generate_series(0, 8759) AS h, generate_series(0, :rows / 200000) AS n, unnest(ARRAY['BR', 'DE', 'US']) AS country, unnest(ARRAY[true, false]) AS own, LATERAL (
    SELECT (n + h / 24) % (1 + :rows / :perCampaign) AS k, CASE WHEN own THEN :organization ELSE fill_id(now() - interval '1 year', (n + h) % 20, 1) END AS organization) AS t;

INSERT INTO delivery_event (organization_id, sequence, message_id, campaign_id, phone_number_id, template_id, status, at, recorded_at)
  SELECT organization_id, row_number() OVER (PARTITION BY organization_id ORDER BY id, n), id, campaign_id, phone_number_id, template_id, (ARRAY['ACCEPTED', 'SENT', 'DELIVERED'])[n], accepted_at, accepted_at
  FROM message, generate_series(1, 3) AS n WHERE created_at > now() - interval '9 days' AND accepted_at IS NOT NULL;
INSERT INTO event_counter (id, last, expired) SELECT organization_id, max(sequence), 0 FROM delivery_event GROUP BY organization_id
  ON CONFLICT (id) DO UPDATE SET last = excluded.last;

DROP FUNCTION fill_id;
