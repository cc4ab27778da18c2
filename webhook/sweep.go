package webhook

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/ent/webhookendpoint"
	"carillon/uid"
)

const (
	// sweptRows is how many deliveries one statement deletes, and sweptPages how many times in a
	// sweep.
	sweptRows  = 1000
	sweptPages = 50
	// mostCounted bounds what is counted for the metrics.
	mostCounted = 100_000
)

// Sweep suspends endpoints that took nothing for a day, and deletes what is older than it is to be
// kept. Any number of processes may sweep at once.
func (s *Service) Sweep(ctx context.Context) error {
	if err := s.suspend(ctx); err != nil {
		return fmt.Errorf("suspend endpoints: %w", err)
	}
	if err := s.forget(ctx); err != nil {
		return fmt.Errorf("forget deliveries: %w", err)
	}

	return s.measure(ctx)
}

func (s *Service) suspend(ctx context.Context) error {
	failing, err := s.DB.Client.WebhookEndpoint.Query().Where(
		webhookendpoint.StatusEQ(enum.WebhookEndpointStatusEnabled),
		webhookendpoint.FailingSinceLTE(s.moment().Add(-suspendAfter))).All(ctx)
	if err != nil {
		return err
	}

	for _, e := range failing {
		err := s.DB.InTx(ctx, func(tx *database.Tx) error {
			return s.switchOff(ctx, tx, e, enum.WebhookEndpointStatusSuspended, suspendedReason)
		})
		if err != nil {
			return err
		}
	}

	return nil
}

// forget deletes old deliveries that are over, and those that wait for an endpoint that is off or
// gone. An id tells when it was made.
func (s *Service) forget(ctx context.Context) error {
	before := uid.From(s.moment().Add(-s.Keep))
	for range sweptPages {
		n := int64(0)
		err := s.DB.InTx(ctx, func(tx *database.Tx) error {
			result, err := tx.ExecContext(ctx, `DELETE FROM webhook_delivery WHERE id IN (SELECT d.id FROM webhook_delivery d
				WHERE d.id < $1 AND (d.status <> 'PENDING' OR NOT EXISTS (SELECT 1 FROM webhook_endpoint e
					WHERE e.id = d.endpoint_id AND e.status = 'ENABLED')) ORDER BY d.id LIMIT $2)`, before, sweptRows)
			if err == nil {
				n, err = result.RowsAffected()
			}

			return err
		})
		if err != nil || n < sweptRows {
			return err
		}
	}

	return nil
}

// measure counts what waits, up to a bound.
func (s *Service) measure(ctx context.Context) error {
	var waiting int
	var oldest database.NullTime
	err := s.DB.QueryRow(ctx, `SELECT count(*), min(created_at) FROM (SELECT d.created_at FROM webhook_delivery d
		JOIN webhook_endpoint e ON e.id = d.endpoint_id AND e.status = 'ENABLED'
		WHERE d.status = 'PENDING' LIMIT $1) AS waiting`, mostCounted).Scan(&waiting, &oldest)
	if err != nil {
		return fmt.Errorf("count deliveries that wait: %w", err)
	}

	age := time.Duration(0)
	if !oldest.Time.IsZero() {
		age = s.moment().Sub(oldest.Time)
	}

	s.metrics.waits(waiting, age)

	return nil
}
