package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	"carillon/ent/webhookdelivery"
)

// shape makes the payload of an event that Tell has written, by the endpoint's selection, and
// writes it down before it is posted for the first time: each attempt posts the same.
func (v *server) shape(ctx context.Context, t *task) error {
	if !t.unshaped {
		return nil
	}

	e := v.endpoint.Load()
	if e.Selection != nil && v.Shaper != nil {
		var plain struct {
			envelope
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal([]byte(t.payload), &plain); err != nil {
			return fmt.Errorf("read a payload: %w", err)
		}

		shaped, says, err := v.Shaper.Subject(ctx, e, t.event, t.subject)
		if err != nil {
			return fmt.Errorf("shape a payload of %s: %w", t.event, err)
		}

		if says {
			plain.shapedBy(shaped)
			if t.payload, err = plain.encode(); err != nil {
				return err
			}
		}
	}

	t.unshaped = false
	err := v.DB.Client.WebhookDelivery.Update().Where(webhookdelivery.ID(t.id)).SetPayload(t.payload).SetUnshaped(false).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("write a shaped payload: %w", err)
	}

	return nil
}
