package graph

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/listing"
	"carillon/graph/model"
	"carillon/graph/scalar"
	"carillon/hub"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// logMark tells a place in a log from cursors of lists. Its number is the form's version.
const logMark = "log1"

// placeOf is the cursor of a place in an organization's log.
func placeOf(organization uid.ID, sequence int64) ent.Cursor {
	return ent.Cursor{ID: organization, Value: []any{logMark, sequence}}
}

// place reads a cursor of the caller's log, and refuses one after which the log no longer goes on.
func (r *Resolver) place(ctx context.Context, organization uid.ID, c *ent.Cursor) (int64, error) {
	if c.ID.IsZero() { // what null means here differs: to listen from now on, or to read from the oldest
		return 0, usererror.New(usererror.BadInput, "after is empty: leave it out, or give the last cursor")
	}

	parts, _ := c.Value.([]any)
	if c.ID != organization || len(parts) != 2 || parts[0] != logMark {
		return 0, usererror.New(usererror.BadInput, "after is not a cursor of this organization's delivery events")
	}

	sequence, ok := parts[1].(int64)
	if !ok || sequence < 0 {
		return 0, usererror.New(usererror.BadInput, "after is not a cursor of delivery events")
	}

	expired, last, err := r.Log.Bounds(ctx, organization)
	if err != nil {
		return 0, err
	}
	if sequence < expired || sequence > last {
		return 0, r.expired(ctx, organization)
	}

	return sequence, nil
}

// begin is where a reader without a cursor starts: at the oldest entry that is kept.
func (r *Resolver) begin(ctx context.Context, organization uid.ID, c *ent.Cursor) (int64, error) {
	if c == nil {
		expired, _, err := r.Log.Bounds(ctx, organization)
		return expired, err
	}

	return r.place(ctx, organization, c)
}

// expired says where a reader whose place is gone may begin again.
func (r *Resolver) expired(ctx context.Context, organization uid.ID) error {
	sequence, _, err := r.Log.Bounds(ctx, organization)
	if err != nil {
		return err
	}

	cursor, err := scalar.CursorText(placeOf(organization, sequence))
	if err != nil {
		return err
	}

	return &usererror.Error{Kind: usererror.CursorExpired, Cursor: cursor,
		Message: "the log does not go on from this cursor: read the messages anew, and begin from extensions.cursor"}
}

// ended says in the caller's words why a subscription is over.
func (r *Resolver) ended(ctx context.Context, organization uid.ID, err error) error {
	var slow *hub.SlowConsumer
	var expired *hub.Expired
	switch {
	case errors.As(err, &slow):
		cursor, wrong := scalar.CursorText(placeOf(organization, slow.Cursor))
		if wrong != nil {
			return wrong
		}

		return &usererror.Error{Kind: usererror.SlowConsumer, Cursor: cursor,
			Message: "events came faster than they were read: subscribe again after extensions.cursor"}
	case errors.As(err, &expired):
		return r.expired(ctx, organization)
	}

	return err
}

// wanted is which events somebody wants: those for which is holds, and of a contact's messages
// where one is given. The log knows no contacts; whose a message is now is looked up.
type wanted struct {
	is      func(delivery.Event) bool
	contact *uid.ID
}

// wantedBy makes of a filter a rule for events.
func wantedBy(f *model.DeliveryEventFilter) wanted {
	if f == nil {
		return wanted{is: func(delivery.Event) bool { return true }}
	}

	is := func(want *uid.ID, have uid.ID) bool { return want == nil || *want == have && !have.IsZero() }
	return wanted{contact: f.ContactID, is: func(e delivery.Event) bool {
		return is(f.CampaignID, e.Campaign) && is(f.PhoneNumberID, e.PhoneNumber) && is(f.TemplateID, e.Template) &&
			is(f.MessageID, e.Message) &&
			(f.Status == nil || slices.Contains(f.Status, e.Status))
	}}
}

// those are the events that are wanted, with one statement at most.
func (r *Resolver) those(ctx context.Context, events []delivery.Event, want wanted) ([]delivery.Event, error) {
	events = matching(events, want.is)
	if want.contact == nil || len(events) == 0 {
		return events, nil
	}

	ids := make([]uid.ID, len(events))
	for i, e := range events {
		ids[i] = e.Message
	}

	slices.SortFunc(ids, uid.Compare)
	theirs, err := r.DB.Client.Listing.Query().Where(listing.IDIn(slices.Compact(ids)...),
		listing.ContactID(*want.contact)).IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("look whose messages events are about: %w", err)
	}

	return matching(events, func(e delivery.Event) bool { return slices.Contains(theirs, e.Message) }), nil
}

// readLog reads up to first events that are wanted, and looks at a bounded number of others on the
// way. What follows on the place may be removed while it reads; then it has no more to say than
// that.
func (r *Resolver) readLog(ctx context.Context, organization uid.ID, after int64, first int,
	want wanted) (found []delivery.Event, cursor int64, err error) {
	const atOnce, mostLookedAt = maxEvents, 20_000
	cursor = after
	for looked := 0; looked < mostLookedAt; looked += atOnce {
		entries, err := r.Log.Read(ctx, organization, cursor, atOnce)
		if err != nil {
			return nil, 0, err
		}
		if len(entries) > 0 && entries[0].Sequence != cursor+1 {
			return nil, 0, r.expired(ctx, organization)
		}

		some, err := r.those(ctx, entries, want)
		if err != nil {
			return nil, 0, err
		}

		if left := first - len(found); len(some) >= left {
			return append(found, some[:left]...), some[left-1].Sequence, nil
		}
		if found = append(found, some...); len(entries) > 0 {
			cursor = entries[len(entries)-1].Sequence
		}
		if len(entries) < atOnce {
			break
		}
	}

	return found, cursor, nil
}

// teller makes batches of events, with as much of each message as the operation asks for.
type teller struct {
	r            *Resolver
	organization uid.ID
	messages     *graphql.CollectedField // nil when their ids are enough
}

// newTeller is called with the context of the field whose type is DeliveryEventBatch.
func (r *Resolver) newTeller(ctx context.Context) (teller, error) {
	v, ok := identity.From(ctx)
	if !ok {
		return teller{}, usererror.New(usererror.Unauthenticated, "sign in first")
	}

	return teller{r, v.Organization, selected(ctx, "events", "message")}, nil
}

func (t teller) batch(ctx context.Context, events []delivery.Event, cursor int64) (*model.DeliveryEventBatch, error) {
	messages, err := t.load(ctx, events)
	if err != nil {
		return nil, err
	}

	out := &model.DeliveryEventBatch{Events: make([]*model.DeliveryEvent, len(events)),
		Cursor: placeOf(t.organization, cursor), Loads: loadsOf(ctx)}
	for i, e := range events {
		m := messages[e.Message]
		if m == nil {
			m = &ent.Message{ID: e.Message}
		}

		out.Events[i] = eventOf(e, m)
	}

	return out, nil
}

// load reads the messages of a batch with one statement, and one more for each edge that is asked
// for.
func (t teller) load(ctx context.Context, events []delivery.Event) (map[uid.ID]*ent.Message, error) {
	if t.messages == nil || len(events) == 0 {
		return nil, nil
	}

	ids := make([]uid.ID, len(events))
	for i, e := range events {
		ids[i] = e.Message
	}

	slices.SortFunc(ids, uid.Compare)

	return t.r.messagesByID(ctx, t.messages, slices.Compact(ids))
}

func eventOf(e delivery.Event, m *ent.Message) *model.DeliveryEvent {
	return &model.DeliveryEvent{Sequence: e.Sequence, Status: e.Status, Message: m,
		Error: errorOf(e.ErrorCode, e.ErrorDetail), At: e.At, RecordedAt: e.RecordedAt}
}
