package webhook

import (
	"context"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/webhookendpoint"
	"carillon/notification"
	"carillon/uid"
)

// goneReason and suspendedReason are what an endpoint says that was switched off by itself.
const (
	goneReason      = "It answered 410 Gone."
	suspendedReason = "It took nothing for a day. Mend it, try it with testWebhookEndpoint, and switch it on again."
)

// resultColumns are what is written of a result. Of one that is to be tried again the time is in
// next_attempt_at, and the status stays.
var resultColumns = database.Columns[result]{
	database.Col("id", func(r result) uid.ID { return r.id }, database.IDs),
	database.Col("status", result.status, database.Texts),
	database.Col("attempts", func(r result) int { return r.attempts + 1 }, database.Ints),
	database.Col("response_status", func(r result) int { return r.answer.status }, database.OptionalInts),
	database.Col("response_body", func(r result) string { return r.body }, database.OptionalTexts),
	database.Col("error", func(r result) string { return r.err }, database.OptionalTexts),
	database.Col("next_attempt_at", func(r result) *time.Time {
		if r.status() != enum.WebhookDeliveryStatusPending {
			return nil
		}
		next := r.next()
		return &next
	}, database.NullTimes),
	database.Col("delivered_at", func(r result) *time.Time {
		if !r.taken() {
			return nil
		}
		return &r.at
	}, database.NullTimes),
}

// status is where a result leads.
func (r result) status() enum.WebhookDeliveryStatus {
	switch {
	case r.taken():
		return enum.WebhookDeliveryStatusDelivered
	case r.over():
		return enum.WebhookDeliveryStatusFailed
	}

	return enum.WebhookDeliveryStatusPending
}

// record writes down what came of deliveries, and how the endpoint does. It holds also where the
// lease was lost meanwhile: what was taken was taken.
func (v *server) record(ctx context.Context, batch []result, h health) error {
	var whole, wrong []result
	gone := false
	for _, r := range batch {
		if r.cut {
			continue
		}

		whole = append(whole, r)
		gone = gone || r.gone()
		if r.status() == enum.WebhookDeliveryStatusPending {
			wrong = append(wrong, r)
		}
	}

	if len(whole) == 0 {
		return nil
	}

	err := v.DB.InTx(ctx, func(tx *database.Tx) error {
		if err := writeResults(ctx, tx, whole); err != nil {
			return err
		}
		if err := v.postpone(ctx, tx, wrong); err != nil {
			return err
		}
		if err := v.writeHealth(ctx, tx, h); err != nil {
			return err
		}
		if gone {
			return v.switchOff(ctx, tx, v.endpoint.Load(), enum.WebhookEndpointStatusDisabled, goneReason)
		}

		return nil
	})
	if err != nil {
		return fmt.Errorf("write down what came of deliveries: %w", err)
	}

	v.metrics.count(whole)

	return nil
}

func writeResults(ctx context.Context, tx *database.Tx, results []result) error {
	from, args := tx.DB.Rowset(nil, resultColumns.Of(results)...)
	_, err := tx.ExecContext(ctx, "UPDATE webhook_delivery SET "+resultColumns[1:].Sets()+" FROM "+from+
		" WHERE webhook_delivery.id = f.id AND webhook_delivery.status = 'PENDING'", args...)

	return err
}

// postpone lets what follows on a delivery of the same subject wait with it.
func (v *server) postpone(ctx context.Context, tx *database.Tx, wrong []result) error {
	if len(wrong) == 0 {
		return nil
	}

	from, args := tx.DB.Rowset([]any{v.id}, subjectColumns.Of(wrong)...)
	_, err := tx.ExecContext(ctx, `UPDATE webhook_delivery SET next_attempt_at = f.next_attempt_at FROM `+from+`
		WHERE webhook_delivery.endpoint_id = $1 AND webhook_delivery.subject_id = f.subject_id
		AND webhook_delivery.status = 'PENDING' AND webhook_delivery.id > f.id`, args...)

	return err
}

var subjectColumns = database.Columns[result]{
	database.Col("id", func(r result) uid.ID { return r.id }, database.IDs),
	database.Col("subject_id", func(r result) uid.ID { return r.subject }, database.IDs),
	database.Col("next_attempt_at", func(r result) time.Time { return r.next() }, database.Times),
}

func (v *server) writeHealth(ctx context.Context, tx *database.Tx, h health) error {
	if !h.changed {
		return nil
	}

	u := tx.Client.WebhookEndpoint.Update().Where(webhookendpoint.ID(v.id), webhookendpoint.LeaseID(v.process)).
		SetProbes(h.probes)
	if h.failing == nil {
		u.ClearFailingSince()
	} else {
		u.SetFailingSince(*h.failing)
	}
	if h.until.IsZero() {
		u.ClearRestsUntil()
	} else {
		u.SetRestsUntil(h.until)
	}

	return u.Exec(ctx)
}

// switchOff ends deliveries to an endpoint that is still enabled, and tells its organization.
func (s *Service) switchOff(ctx context.Context, tx *database.Tx, e *ent.WebhookEndpoint,
	status enum.WebhookEndpointStatus, reason string) error {
	n, err := tx.Client.WebhookEndpoint.Update().Where(webhookendpoint.ID(e.ID),
		webhookendpoint.StatusEQ(enum.WebhookEndpointStatusEnabled)).SetStatus(status).SetStatusReason(reason).Save(ctx)
	if err != nil || n == 0 {
		return err
	}

	err = notification.Tell(ctx, tx, notification.Cause{Organization: e.OrganizationID,
		Kind: enum.NotificationKindWebhookSuspended, Key: fmt.Sprintf("%s %d", e.ID, s.moment().UnixMicro()),
		Scope: notification.Scope("WEBHOOK", e.ID), Subject: e.ID, Detail: hostOf(e.URL) + ": " + reason, At: s.moment()})
	if err != nil {
		return err
	}

	return audit.Record(ctx, tx, audit.Entry{Organization: e.OrganizationID, Action: audit.ActionWebhookSuspend,
		Subject: e.ID, Actor: audit.System,
		Summary: fmt.Sprintf("set the endpoint of webhooks at %s to %s: %s", hostOf(e.URL), status, reason)})
}
