package graph

import (
	"context"
	"fmt"
	"slices"
	"time"

	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/graph/model"
	"carillon/graph/transport"
	"carillon/hub"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"

	domain "carillon/campaign"
)

// stream runs produce until it returns or the client leaves, and tells the client of its error.
// send waits for the client, and is false when it has left. What is large is read after its turn
// was taken.
func stream[T any](ctx context.Context, produce func(turn *transport.Turn, send func(T) bool) error) <-chan T {
	c, turn := make(chan T), transport.TurnOf(ctx)
	send := func(v T) bool { return transport.Send(ctx, turn, c, v) }
	go func() {
		defer close(c)
		defer func() {
			if v := recover(); v != nil {
				transport.Fail(ctx, fmt.Errorf("panic in a subscription: %v", v))
			}
		}()

		if err := produce(turn, send); err != nil && ctx.Err() == nil {
			transport.Fail(ctx, err)
		}
	}()

	return c
}

// followLog replays what follows on after, and goes on live. Without after it begins with an empty
// batch, which tells where.
func (r *Resolver) followLog(ctx context.Context, want wanted,
	after *ent.Cursor) (<-chan *model.DeliveryEventBatch, error) {
	tell, err := r.newTeller(ctx)
	if err != nil {
		return nil, err
	}

	from := int64(-1)
	if after != nil {
		if from, err = r.place(ctx, tell.organization, after); err != nil {
			return nil, err
		}
	}

	r.guard(ctx)
	log, err := r.Hub.Subscribe(ctx, tell.organization, from)
	if err != nil {
		return nil, r.ended(ctx, tell.organization, err)
	}

	return stream(ctx, func(turn *transport.Turn, send func(*model.DeliveryEventBatch) bool) error {
		defer log.Close()
		if after == nil {
			if first, err := tell.batch(alone(ctx), nil, log.Cursor()); err != nil || !send(first) {
				return err
			}
		}

		return tell.follow(ctx, log, want, turn, send)
	}), nil
}

// largestBatch is the bytes of a batch, unless it is one event.
const largestBatch = 512 << 10

// follow sends what follows in the log, in batches that are no larger than they should be.
func (t teller) follow(ctx context.Context, log *hub.Subscription[delivery.Event], want wanted,
	turn *transport.Turn, send func(*model.DeliveryEventBatch) bool) error {
	size := &batchSize{turn: turn, each: turn.Row()}
	for {
		waiting, err := log.Ready(ctx)
		if err != nil || !size.take(ctx, waiting) {
			return nil
		}

		events, err := log.Next(ctx)
		if err != nil {
			return t.r.ended(ctx, t.organization, err)
		}

		if events, err = t.r.those(ctx, events, want); err != nil {
			return err
		}

		for len(events) > 0 && size.take(ctx, int64(len(events))) {
			some, cursor := events[:min(size.most(), len(events))], log.Cursor()
			if events = events[len(some):]; len(events) > 0 {
				cursor = some[len(some)-1].Sequence
			}

			batch, err := t.batch(alone(ctx), some, cursor)
			if err != nil || !send(batch) {
				return err
			}

			size.sent = len(some)
		}

		turn.Leave()
	}
}

// batchSize learns from each batch how large an event is.
type batchSize struct {
	turn *transport.Turn
	each int // bytes of an event
	sent int // events of the last batch
}

func (s *batchSize) most() int { return max(1, largestBatch/s.each) }

// take waits for the turn of a batch of so many events.
func (s *batchSize) take(ctx context.Context, events int64) bool {
	s.turn.Expect(s.each * int(min(events, int64(s.most()))))
	if !s.turn.Take(ctx) {
		return false
	}
	if s.sent > 0 { // whose size is known by now
		s.each, s.sent = max(1, s.turn.Bytes()/s.sent), 0
	}

	return true
}

// matching leaves the events alone, which others read too.
func matching(events []delivery.Event, want func(delivery.Event) bool) []delivery.Event {
	if len(events) > 0 && !slices.ContainsFunc(events, func(e delivery.Event) bool { return !want(e) }) {
		return events
	}

	var out []delivery.Event
	for _, e := range events {
		if want(e) {
			out = append(out, e)
		}
	}

	return out
}

// sight is one look at something that changes.
type sight[T any] struct {
	value T
	mark  any  // comparable: the same as long as there is nothing new to see
	over  bool // it will not change any more
}

// follow looks at once and after each signal, sends what has changed, and rests between two looks.
// News that come while it rests are not lost: the watch holds them. That nothing is there to be
// seen is told before the stream begins. A look has its turn first, so that nothing waits that was
// read.
func follow[T any](ctx context.Context, r *Resolver, organization, subject uid.ID,
	look func() (sight[T], error)) (<-chan T, error) {
	r.guard(ctx)
	watch := r.Hub.Watch(organization, subject.String())
	if _, err := look(); err != nil {
		watch.Close()
		return nil, err
	}

	return stream(ctx, func(turn *transport.Turn, send func(T) bool) error {
		defer watch.Close()
		return keepLooking(ctx, watch, look, turn, send)
	}), nil
}

func keepLooking[T any](ctx context.Context, watch *hub.Watch, look func() (sight[T], error), turn *transport.Turn,
	send func(T) bool) error {
	var last any
	for turn.Take(ctx) {
		s, err := look()
		if err != nil {
			return err
		}
		if s.mark != last && !send(s.value) || s.over {
			return nil
		}

		turn.Leave()
		last = s.mark
		rest := time.NewTimer(progressEvery)

		select {
		case <-rest.C:
		case <-ctx.Done():
			rest.Stop()
			return nil
		}

		select {
		case <-watch.C():
		case <-ctx.Done():
			return nil
		}
	}

	return nil
}

// campaignMark is what of a campaign its progress shows.
type campaignMark struct {
	status enum.CampaignStatus
	reason enum.CampaignStatusReason
	counts [11]int
}

func sightOfCampaign(c *ent.Campaign, now time.Time) sight[*model.CampaignProgressUpdate] {
	p := domain.ProgressOf(c, now)
	mark := campaignMark{status: c.Status, counts: [...]int{c.Total, c.Queued, c.Sending, c.Accepted, c.Sent,
		c.Delivered, c.Read, c.Failed, c.Unknown, c.Skipped, c.Canceled}}
	if c.StatusReason != nil {
		mark.reason = *c.StatusReason
	}

	return sight[*model.CampaignProgressUpdate]{&model.CampaignProgressUpdate{Campaign: c, Status: c.Status,
		Progress: &p}, mark, p.Final(c.Status)}
}

// importMark is what of an import its progress shows.
type importMark struct {
	status enum.JobStatus
	counts [4]int
}

func sightOfImport(i *ent.ContactImport) sight[*ent.ContactImport] {
	mark := importMark{i.Status, [...]int{i.RowsRead, i.Created, i.Updated, i.Rejected}}
	return sight[*ent.ContactImport]{i, mark, i.Status != enum.JobStatusPending && i.Status != enum.JobStatusRunning}
}

// followCampaign tells of a campaign's progress.
func (r *Resolver) followCampaign(ctx context.Context, id uid.ID) (<-chan *model.CampaignProgressUpdate, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	return follow(ctx, r, v.Organization, id, func() (s sight[*model.CampaignProgressUpdate], err error) {
		c, err := r.DB.Client.Campaign.Get(alone(ctx), id)
		if err != nil {
			return s, missing("campaign", err)
		}

		return sightOfCampaign(c, r.Now()), nil
	})
}

// followImport tells of an import's progress.
func (r *Resolver) followImport(ctx context.Context, id uid.ID) (<-chan *ent.ContactImport, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	return follow(ctx, r, v.Organization, id, func() (s sight[*ent.ContactImport], err error) {
		i, err := r.DB.Client.ContactImport.Get(alone(ctx), id)
		if err != nil {
			return s, missing("import", err)
		}

		return sightOfImport(i), nil
	})
}

// missing makes of ent's "not found" the one answer for what is not there.
func missing(what string, err error) error {
	if ent.IsNotFound(err) {
		return usererror.Missing(what)
	}
	return err
}
