package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/webhookendpoint"
	"carillon/uid"
)

const (
	// placeEvery is how many entries of no interest are passed at most until that is written down.
	placeEvery = 5_000
	// again is how long a server rests after an error, or while too much waits.
	again = time.Second
)

// errLost says that an endpoint is no longer this process's, or is not to be served.
var errLost = errors.New("the endpoint is served by another process, or not at all")

// row is a delivery that is written down.
type row struct {
	organization, endpoint, subject uid.ID
	event                           enum.WebhookEventType
	payload                         string
}

// rowColumns are of deliveries that are made and due at $1.
var rowColumns = database.Columns[row]{
	database.Col("id", func(row) uid.ID { return uid.New(uid.WebhookDelivery) }, database.IDs),
	database.Col("organization_id", func(r row) uid.ID { return r.organization }, database.IDs),
	database.Col("endpoint_id", func(r row) uid.ID { return r.endpoint }, database.IDs),
	database.Col("subject_id", func(r row) uid.ID { return r.subject }, database.IDs),
	database.Col("event", func(r row) enum.WebhookEventType { return r.event }, database.Texts),
	database.Col("payload", func(r row) string { return r.payload }, database.Texts),
	database.Expr[row]("status", "'PENDING'"),
	database.Expr[row]("attempts", "0"),
	database.Expr[row]("next_attempt_at", "$1"),
	database.Expr[row]("created_at", "$1"),
}

// takeIn makes deliveries of the log's entries until the server is to stop.
func (v *server) takeIn(ctx context.Context) {
	for ctx.Err() == nil {
		err := v.follow(ctx)
		if errors.Is(err, errLost) || ctx.Err() != nil {
			return
		}
		if err != nil {
			v.Logger.Warn("the log could not be taken in for an endpoint of webhooks and is read again", "endpoint", v.id,
				"error", err)
		}

		wait(ctx, again)
	}
}

// follow reads the log from the endpoint's place, as long as there is room for what it says.
func (v *server) follow(ctx context.Context) error {
	e := v.endpoint.Load()
	if !slices.ContainsFunc(e.Events, ofLog) {
		return nil
	}

	feed, expired, err := v.Follow(ctx, e.OrganizationID, v.place)
	if expired {
		return v.skip(ctx)
	}
	if err != nil {
		return err
	}

	defer feed.Close()
	for {
		full, err := v.isFull(ctx)
		if err != nil || full {
			return err
		}

		events, err := feed.Next(ctx)
		if err != nil {
			return err
		}
		if err := v.enter(ctx, events); err != nil {
			return err
		}
	}
}

// skip goes on with the oldest entry that is kept: what came before is lost to the endpoint.
func (v *server) skip(ctx context.Context) error {
	e := v.endpoint.Load()
	oldest, last, err := v.Log.Bounds(ctx, e.OrganizationID)
	if err != nil {
		return err
	}

	if oldest <= v.place {
		oldest = last
	}

	v.Logger.Warn("entries of the log were removed before an endpoint of webhooks got them", "endpoint", v.id,
		"after", v.place, "until", oldest)
	v.place = oldest

	return nil
}

// isFull reports whether as many deliveries wait as may.
func (v *server) isFull(ctx context.Context) (bool, error) {
	if v.waiting < mostWaiting {
		return false, nil
	}

	err := v.DB.QueryRow(ctx, `SELECT count(*) FROM (SELECT id FROM webhook_delivery WHERE endpoint_id = $1
		AND status = 'PENDING' LIMIT $2) AS waiting`, v.id, mostWaiting).Scan(&v.waiting)
	if err != nil {
		return false, fmt.Errorf("count what waits for an endpoint: %w", err)
	}

	return v.waiting >= mostWaiting, nil
}

// enter writes deliveries of entries, and how far the log is taken, in one transaction.
func (v *server) enter(ctx context.Context, entries []delivery.Event) error {
	e, place := v.endpoint.Load(), entries[len(entries)-1].Sequence
	var wanted []delivery.Event
	for _, entry := range entries {
		if event, known := statuses[entry.Status]; known && slices.Contains(e.Events, event) {
			wanted = append(wanted, entry)
		}
	}

	if len(wanted) == 0 && place-v.written < placeEvery {
		v.place = place
		return nil
	}

	payloads, err := v.payloads(ctx, e, wanted)
	if err != nil {
		return err
	}

	rows := make([]row, len(wanted))
	for i, entry := range wanted {
		rows[i] = row{e.OrganizationID, e.ID, entry.Message, statuses[entry.Status], payloads[i]}
	}

	err = v.DB.InTx(ctx, func(tx *database.Tx) error {
		mine, err := tx.Client.WebhookEndpoint.Update().Where(webhookendpoint.ID(v.id), webhookendpoint.LeaseID(v.process),
			webhookendpoint.StatusEQ(enum.WebhookEndpointStatusEnabled), webhookendpoint.PlaceLT(place)).
			SetPlace(place).Save(ctx)
		if err != nil {
			return fmt.Errorf("move an endpoint's place: %w", err)
		}
		if mine == 0 {
			return errLost
		}
		if len(rows) == 0 {
			return nil
		}

		return database.Insert(ctx, tx, "webhook_delivery", rowColumns, rows, v.moment())
	})
	if err != nil {
		return err
	}

	v.place, v.written, v.waiting = place, place, v.waiting+len(rows)
	if len(rows) > 0 {
		v.nudge()
	}

	return nil
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
