package graph

import (
	"context"
	"hash/maphash"
	"slices"
	"time"

	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/account"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/ent/template"
	"carillon/graph/transport"
	"carillon/hub"
	"carillon/identity"
	"carillon/uid"
)

// over are the states of campaigns of which nothing more is to be told, unless they are begun anew.
var over = []enum.CampaignStatus{enum.CampaignStatusCompleted, enum.CampaignStatusCanceled, enum.CampaignStatusFailed}

// states is what one subscriber knows of the things whose changes it is told: a mark of each, the
// same as long as there is nothing new to tell. Campaigns that were over when it came are left out,
// since they are many.
type states struct {
	r     *Resolver
	since time.Time
	seed  maphash.Seed
	marks map[uid.ID]uint64
}

// surveysAtOnce is how many subscribers may read all that they are told of at a time.
const surveysAtOnce = 4

// markCost is about how many bytes a mark takes.
const markCost = 64

// state is one thing as it was read.
type state struct {
	ent.Noder
	id    uid.ID
	mark  any  // comparable
	old   bool // not to be remembered, and no news where it was not remembered
	quiet bool // no news where it was not remembered
}

// followStatuses tells of changes of templates, numbers, accounts and campaigns.
func (r *Resolver) followStatuses(ctx context.Context) (<-chan ent.Noder, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	r.guard(ctx)
	survey := r.Hub.Survey(v.Organization)
	s := &states{r, r.Now(), maphash.MakeSeed(), map[uid.ID]uint64{}}
	if _, err := s.look(ctx, nil, true); err != nil {
		survey.Close()
		return nil, err
	}

	if err := transport.Hold(ctx, markCost*len(s.marks)); err != nil {
		survey.Close()
		return nil, err
	}

	return stream(ctx, func(_ *transport.Turn, send func(ent.Noder) bool) error {
		defer survey.Close()
		return s.keepTelling(ctx, survey, send)
	}), nil
}

// keepTelling looks after each signal, and rests before the next look. What changes meanwhile is in
// the survey.
func (s *states) keepTelling(ctx context.Context, survey *hub.Survey, send func(ent.Noder) bool) error {
	for {
		select {
		case <-survey.C():
		case <-ctx.Done():
			return nil
		}

		topics, missed := survey.Take()
		changed, err := s.look(ctx, topics, missed)
		if err != nil {
			return err
		}

		for _, n := range changed {
			if !send(n) {
				return nil
			}
		}

		rest := time.NewTimer(progressEvery)
		select {
		case <-rest.C:
		case <-ctx.Done():
			rest.Stop()
			return nil
		}
	}
}

// look reads the rows that topics name, or all, and returns those that have changed since it last
// saw them.
func (s *states) look(ctx context.Context, topics []string, all bool) (changed []ent.Noder, err error) {
	if all {
		select {
		case s.r.surveys <- struct{}{}:
			defer func() { <-s.r.surveys }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}

	ids := map[uid.Kind][]uid.ID{}
	for _, topic := range topics {
		if id, err := uid.Parse(topic); err == nil {
			ids[id.Kind()] = append(ids[id.Kind()], id)
		}
	}

	for _, kind := range []uid.Kind{uid.Account, uid.PhoneNumber, uid.Template, uid.Campaign} {
		if !all && len(ids[kind]) == 0 {
			continue
		}

		rows, err := s.read(ctx, kind, ids[kind], all)
		if err != nil {
			return nil, err
		}

		for _, row := range rows {
			if s.news(row) {
				changed = append(changed, row.Noder)
			}
		}
	}

	return changed, nil
}

// news remembers a thing, and says whether there is something to tell.
func (s *states) news(now state) bool {
	before, known := s.marks[now.id]
	mark := maphash.Comparable(s.seed, now.mark)
	if now.old {
		delete(s.marks, now.id)
	} else {
		s.marks[now.id] = mark
	}

	if !known {
		return !now.old && !now.quiet
	}

	return mark != before
}

func (s *states) read(ctx context.Context, kind uid.Kind, ids []uid.ID, all bool) (out []state, err error) {
	c := s.r.DB.Client
	switch kind {
	case uid.Account:
		rows, err := c.Account.Query().Where(those(account.IDIn, ids, all)...).Order(account.ByID()).All(ctx)
		for _, a := range rows {
			out = append(out, state{Noder: a, id: a.ID,
				mark: [...]any{a.Name, a.Status, text(a.StatusReason), text(a.ReviewStatus), or(a.MessagingLimit, -1)}})
		}

		return out, err
	case uid.PhoneNumber:
		rows, err := c.PhoneNumber.Query().Where(those(phonenumber.IDIn, ids, all)...).Order(phonenumber.ByID()).All(ctx)
		for _, n := range rows {
			out = append(out, state{Noder: n, id: n.ID, mark: [...]any{n.DisplayNumber, n.VerifiedName, n.Status,
				n.QualityRating, n.Throughput, or(n.ThroughputCap, -1)}})
		}

		return out, err
	case uid.Template:
		rows, err := c.Template.Query().Where(those(template.IDIn, ids, all)...).Order(template.ByID()).All(ctx)
		for _, t := range rows {
			out = append(out, state{Noder: t, id: t.ID,
				mark: [...]any{t.Status, t.Category, t.QualityScore, text(t.RejectionReason), string(t.Components)}})
		}

		return out, err
	}

	which := campaign.IDIn(ids...)
	if all {
		which = campaign.Or(campaign.StatusNotIn(over...), campaign.CreatedAtGTE(s.since), campaign.IDIn(s.campaigns()...))
	}

	rows, err := c.Campaign.Query().Where(which).Order(campaign.ByID()).All(ctx)
	for _, c := range rows {
		out = append(out, state{
			Noder: c, id: c.ID, mark: [...]any{c.Status, or(c.StatusReason, "")},
			old: slices.Contains(over, c.Status) && c.CreatedAt.Before(s.since), quiet: c.Status == enum.CampaignStatusDraft,
		})
	}

	return out, err
}

// those is a condition for ids, and none for all.
func those[P any](in func(...uid.ID) P, ids []uid.ID, all bool) []P {
	if all {
		return nil
	}
	return []P{in(ids...)}
}

// campaigns are those that are remembered: they may be over by now.
func (s *states) campaigns() (ids []uid.ID) {
	for id := range s.marks {
		if id.Kind() == uid.Campaign {
			ids = append(ids, id)
		}
	}

	return ids
}

// followReceived gives what people write to a number, or to all of them for nil, from now on.
func (r *Resolver) followReceived(ctx context.Context, number *uid.ID) (<-chan *ent.Message, error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}
	if err := r.known(ctx, named{"phoneNumberId", uid.PhoneNumber, number}); err != nil {
		return nil, err
	}

	r.guard(ctx)
	log, err := r.Hub.Subscribe(ctx, v.Organization, -1)
	if err != nil {
		return nil, r.ended(ctx, v.Organization, err)
	}

	tell := teller{r, v.Organization, selected(ctx)}
	want := func(e delivery.Event) bool {
		return e.Status == enum.MessageStatusReceived && (number == nil || *number == e.PhoneNumber)
	}

	return stream(ctx, func(turn *transport.Turn, send func(*ent.Message) bool) error {
		defer log.Close()
		for {
			if _, err := log.Ready(ctx); err != nil || !turn.Take(ctx) {
				return nil
			}

			events, err := log.Next(ctx)
			if err != nil {
				return r.ended(ctx, v.Organization, err)
			}

			for some := range slices.Chunk(matching(events, want), messagesAtOnce) {
				if err := tell.received(ctx, some, turn, send); err != nil {
					return err
				}
			}

			turn.Leave()
		}
	}), nil
}

// messagesAtOnce is how many messages are read for a subscriber who gets them one by one.
const messagesAtOnce = 8

func (t teller) received(ctx context.Context, events []delivery.Event, turn *transport.Turn,
	send func(*ent.Message) bool) error {
	if !turn.Take(ctx) {
		return nil
	}

	messages, err := t.load(alone(ctx), events)
	if err != nil {
		return err
	}

	for _, e := range events {
		m := messages[e.Message]
		if m == nil && t.messages == nil {
			m = &ent.Message{ID: e.Message}
		}
		if m != nil && !send(m) { // it may have been erased meanwhile
			return nil
		}
	}

	return nil
}
