package graph

import (
	"context"
	"fmt"
	"time"

	"carillon/delivery"
	"carillon/ent"
	"carillon/enum"
	"carillon/fault"
	"carillon/graph/model"
	"carillon/graph/transport"
	"carillon/hub"
	"carillon/identity"
	"carillon/uid"

	domain "carillon/campaign"
)

// stream runs produce until it returns or the client leaves, and tells the client of its error. send waits for the client,
// and is false when it has left.
func stream[T any](ctx context.Context, produce func(send func(T) bool) error) <-chan T {
	c := make(chan T)
	send := func(v T) bool {
		select {
		case c <- v:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		defer close(c)
		defer func() {
			if v := recover(); v != nil {
				transport.Fail(ctx, fmt.Errorf("panic in a subscription: %v", v))
			}
		}()
		if err := produce(send); err != nil && ctx.Err() == nil {
			transport.Fail(ctx, err)
		}
	}()
	return c
}

// followLog replays what follows on after, and goes on live. Without after it begins with an empty batch, which tells where.
func (r *Resolver) followLog(ctx context.Context, want func(delivery.Event) bool, after *ent.Cursor) (<-chan *model.DeliveryEventBatch, error) {
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
	return stream(ctx, func(send func(*model.DeliveryEventBatch) bool) error {
		defer log.Close()
		if after == nil {
			if first, err := tell.batch(alone(ctx), nil, log.Cursor()); err != nil || !send(first) {
				return err
			}
		}
		for {
			events, err := log.Next(ctx)
			if err != nil {
				return r.ended(ctx, tell.organization, err)
			}
			if events = matching(events, want); len(events) == 0 {
				continue
			}
			batch, err := tell.batch(alone(ctx), events, log.Cursor())
			if err != nil || !send(batch) {
				return err
			}
		}
	}), nil
}

// matching leaves the events alone, which others read too.
func matching(events []delivery.Event, want func(delivery.Event) bool) []delivery.Event {
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

// follow looks at once and after each signal, sends what has changed, and rests between two looks. News that come while it
// rests are not lost: the watch holds them. That nothing is there to be seen is told before the stream begins.
func follow[T any](ctx context.Context, r *Resolver, organization, subject uid.ID, look func() (sight[T], error)) (<-chan T, error) {
	r.guard(ctx)
	watch := r.Hub.Watch(organization, subject.String())
	first, err := look()
	if err != nil {
		watch.Close()
		return nil, err
	}
	return stream(ctx, func(send func(T) bool) error {
		defer watch.Close()
		return keepLooking(ctx, watch, first, look, send)
	}), nil
}

func keepLooking[T any](ctx context.Context, watch *hub.Watch, s sight[T], look func() (sight[T], error), send func(T) bool) (err error) {
	var last any
	for {
		if s.mark != last && !send(s.value) || s.over {
			return nil
		}
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
		if s, err = look(); err != nil {
			return err
		}
	}
}

// campaignMark is what of a campaign its progress shows.
type campaignMark struct {
	status enum.CampaignStatus
	reason enum.CampaignStatusReason
	counts [11]int
}

func sightOfCampaign(c *ent.Campaign, now time.Time) sight[*model.CampaignProgressUpdate] {
	p := domain.ProgressOf(c, now)
	mark := campaignMark{status: c.Status, counts: [...]int{c.Total, c.Queued, c.Sending, c.Accepted, c.Sent, c.Delivered, c.Read, c.Failed, c.Unknown, c.Skipped, c.Canceled}}
	if c.StatusReason != nil {
		mark.reason = *c.StatusReason
	}
	return sight[*model.CampaignProgressUpdate]{&model.CampaignProgressUpdate{Campaign: c, Status: c.Status, Progress: &p}, mark, p.Final(c.Status)}
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
		c, err := r.DB.Client.Campaign.Get(ctx, id)
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
		i, err := r.DB.Client.ContactImport.Get(ctx, id)
		if err != nil {
			return s, missing("import", err)
		}
		return sightOfImport(i), nil
	})
}

// missing makes of ent's "not found" the one answer for what is not there.
func missing(what string, err error) error {
	if ent.IsNotFound(err) {
		return fault.Missing(what)
	}
	return err
}
