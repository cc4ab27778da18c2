package webhook

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// Event is something that happened which is not in the log of deliveries.
type Event struct {
	Organization uid.ID
	Type         enum.WebhookEventType
	Subject      uid.ID // what it happened to
	At           time.Time
	Data         any // the payload's, by default
}

// Tell writes deliveries of events to the endpoints that want them, in the transaction of the
// change that they tell of, so that none is lost. Those of one subject are posted in their order.
// Call it before the audit trail is written.
func Tell(ctx context.Context, tx *database.Tx, events ...Event) error {
	if len(events) == 0 {
		return nil
	}

	owners := make([]uid.ID, len(events))
	for i, e := range events {
		owners[i] = e.Organization
	}

	slices.SortFunc(owners, uid.Compare)
	wanting, err := listeners(ctx, tx, slices.Compact(owners))
	if err != nil || len(wanting) == 0 {
		return err
	}

	type group struct { // one, mostly
		at      time.Time
		selects bool
	}

	rows := map[group][]row{}
	for _, e := range events {
		payload, err := envelope{Type: e.Type, Timestamp: e.At, Data: e.Data}.encode()
		if err != nil {
			return err
		}

		for _, l := range wanting {
			if l.organization == e.Organization && slices.Contains(l.events, e.Type) {
				g := group{e.At, l.selects}
				rows[g] = append(rows[g], row{l.organization, l.id, e.Subject, e.Type, payload})
			}
		}
	}

	for g, rows := range rows {
		columns := append(rowColumns[:len(rowColumns):len(rowColumns)], database.Expr[row]("unshaped", fmt.Sprint(g.selects)))
		if err := database.Insert(ctx, tx, "webhook_delivery", columns, rows, g.at); err != nil {
			return fmt.Errorf("write events for webhooks: %w", err)
		}
	}

	return nil
}

// Wanted reports whether any endpoint of an organization wants an event, for who would have to read
// much to tell it.
func Wanted(ctx context.Context, tx *database.Tx, organization uid.ID, event enum.WebhookEventType) (bool, error) {
	all, err := listeners(ctx, tx, []uid.ID{organization})

	return slices.ContainsFunc(all, func(l listener) bool { return slices.Contains(l.events, event) }), err
}

// listener is an endpoint as Tell needs it.
type listener struct {
	id, organization uid.ID
	events           []enum.WebhookEventType
	selects          bool
}

// listeners are the endpoints of some organizations. One that is switched off gets its events when
// it is on again, as far as they are kept.
func listeners(ctx context.Context, tx *database.Tx, owners []uid.ID) ([]listener, error) {
	from, args := tx.DB.Rowset(nil, database.IDs("id", owners))
	rows, err := tx.QueryContext(ctx, `SELECT e.id, e.organization_id, e.events, e.selection IS NOT NULL FROM webhook_endpoint e
		WHERE e.organization_id IN (SELECT f.id FROM `+from+`)`, args...)

	all, err := database.Collect(rows, err, func(rows *sql.Rows) (l listener, err error) {
		var events []byte
		if err := rows.Scan(&l.id, &l.organization, &events, &l.selects); err != nil {
			return l, err
		}

		return l, json.Unmarshal(events, &l.events)
	})
	if err != nil {
		return nil, fmt.Errorf("look for endpoints of webhooks: %w", err)
	}

	return all, nil
}
