package graph

import (
	"context"
	"encoding/json"
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
// since they are many. It remembers marks and ids alone: a row is read in the turn in which it is
// sent.
type states struct {
	r     *Resolver
	since time.Time
	seed  maphash.Seed
	marks map[uid.ID]uint64
	paid  int // marks that are paid for
}

const (
	// pagesAtOnce is how many pages are read at a time in order to compare them with what subscribers
	// know, and pageOfStates how many rows a page has.
	pagesAtOnce  = 4
	pageOfStates = 64
	// markCost is about how many bytes a mark takes, with its id among those that have changed.
	markCost = 80
)

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
	s := &states{r: r, since: r.Now(), seed: maphash.MakeSeed(), marks: map[uid.ID]uint64{}}
	remember := func(row state) { s.news(row) }
	if err := s.look(ctx, nil, true, remember); err != nil {
		survey.Close()
		return nil, err
	}

	return stream(ctx, func(turn *transport.Turn, send func(ent.Noder) bool) error {
		defer survey.Close()
		return s.keepTelling(ctx, survey, turn, send)
	}), nil
}

// keepTelling looks after each signal, and rests before the next look. What changes meanwhile is in
// the survey.
func (s *states) keepTelling(ctx context.Context, survey *hub.Survey, turn *transport.Turn,
	send func(ent.Noder) bool) error {
	for {
		select {
		case <-survey.C():
		case <-ctx.Done():
			return nil
		}

		topics, missed := survey.Take()
		changed, err := s.changed(ctx, topics, missed)
		if err != nil {
			return err
		}

		for _, id := range changed {
			if err := s.tell(ctx, id, turn, send); err != nil {
				return err
			}
		}

		turn.Leave()
		rest := time.NewTimer(progressEvery)

		select {
		case <-rest.C:
		case <-ctx.Done():
			rest.Stop()
			return nil
		}
	}
}

// changed gives the ids of the things of which there is something to tell. It remembers those of
// which there is not.
func (s *states) changed(ctx context.Context, topics []string, all bool) (ids []uid.ID, err error) {
	err = s.look(ctx, topics, all, func(row state) {
		if s.isNews(row) {
			ids = append(ids, row.id)
		} else {
			s.news(row)
		}
	})

	return ids, err
}

// tell reads a thing in the turn of its answer, as it is by then, and sends it if that is still
// news. A turn that it does not need is the next one's.
func (s *states) tell(ctx context.Context, id uid.ID, turn *transport.Turn, send func(ent.Noder) bool) error {
	if !turn.Take(ctx) {
		return nil
	}

	rows, err := s.read(alone(ctx), id.Kind(), span{ids: []uid.ID{id}, size: 1, whole: true})
	if err != nil {
		return err
	}

	for _, row := range rows { // none when it was deleted meanwhile
		if s.news(row) {
			send(row.Noder)
		}
	}

	return s.pay(ctx)
}

// look reads the rows that topics name, or all, and shows each to see. It holds one page of them at
// a time.
func (s *states) look(ctx context.Context, topics []string, all bool, see func(state)) error {
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

		next := span{ids: ids[kind], all: all, size: pageOfStates}
		for more := true; more; {
			n, last, err := s.lookAtPage(ctx, kind, next, see)
			if err != nil {
				return err
			}

			next.after, more = last, n == pageOfStates
			if err := s.pay(ctx); err != nil {
				return err
			}
		}
	}

	return nil
}

func (s *states) lookAtPage(ctx context.Context, kind uid.Kind, p span,
	see func(state)) (n int, last uid.ID, err error) {
	select {
	case s.r.surveys <- struct{}{}:
		defer func() { <-s.r.surveys }()
	case <-ctx.Done():
		return 0, last, ctx.Err()
	}

	rows, err := s.read(alone(ctx), kind, p)
	for _, row := range rows {
		see(row)
		last = row.id
	}

	return len(rows), last, err
}

// pay has the caller pay for the marks that were added.
func (s *states) pay(ctx context.Context) error {
	if len(s.marks) <= s.paid {
		return nil
	}
	if err := transport.Hold(ctx, markCost*(len(s.marks)-s.paid)); err != nil {
		return err
	}

	s.paid = len(s.marks)

	return nil
}

// isNews says whether there is something to tell of a thing.
func (s *states) isNews(now state) bool {
	before, known := s.marks[now.id]
	if !known {
		return !now.old && !now.quiet
	}

	return s.markOf(now) != before
}

func (s *states) markOf(now state) uint64 { return maphash.Comparable(s.seed, now.mark) }

// news remembers a thing, and says whether there was something to tell.
func (s *states) news(now state) bool {
	news := s.isNews(now)
	if now.old {
		delete(s.marks, now.id)
	} else {
		s.marks[now.id] = s.markOf(now)
	}

	return news
}

// span is which rows are read: so many of some ids or of all, in the order of their ids, as a whole
// or with no more than it takes to see what has changed.
type span struct {
	ids   []uid.ID
	all   bool
	after uid.ID
	size  int
	whole bool
}

func (s *states) read(ctx context.Context, kind uid.Kind, p span) (out []state, err error) {
	c, n := s.r.DB.Client, p.size
	switch kind {
	case uid.Account:
		rows, err := c.Account.Query().Where(those(account.IDIn, account.IDGT, p)...).Order(account.ByID()).
			Limit(n).All(ctx)
		for _, a := range rows {
			out = append(out, state{Noder: a, id: a.ID,
				mark: accountMark(a)})
		}

		return out, err
	case uid.PhoneNumber:
		rows, err := c.PhoneNumber.Query().Where(those(phonenumber.IDIn, phonenumber.IDGT, p)...).
			Order(phonenumber.ByID()).Limit(n).All(ctx)
		for _, n := range rows {
			out = append(out, state{Noder: n, id: n.ID, mark: [...]any{n.DisplayNumber, n.VerifiedName, n.Status,
				n.QualityRating, n.Throughput, or(n.ThroughputCap, -1)}})
		}

		return out, err
	case uid.Template:
		rows, err := c.Template.Query().Where(those(template.IDIn, template.IDGT, p)...).Order(template.ByID()).
			Limit(n).All(ctx)
		for _, t := range rows {
			out = append(out, state{Noder: t, id: t.ID,
				mark: [...]any{t.Status, t.Category, t.QualityScore, text(t.RejectionReason), string(t.Components)}})
		}

		return out, err
	}

	query := c.Campaign.Query().Where(those(campaign.IDIn, campaign.IDGT, p)...).Order(campaign.ByID()).Limit(n)
	if p.all {
		query.Where(campaign.Or(campaign.StatusNotIn(over...), campaign.CreatedAtGTE(s.since),
			campaign.IDIn(s.campaigns()...)))
	}

	if !p.whole { // an audience may be large
		query.Select(campaign.FieldID, campaign.FieldStatus, campaign.FieldStatusReason, campaign.FieldCreatedAt)
	}

	rows, err := query.All(ctx)
	for _, c := range rows {
		out = append(out, state{
			Noder: c, id: c.ID, mark: [...]any{c.Status, or(c.StatusReason, "")},
			old: slices.Contains(over, c.Status) && c.CreatedAt.Before(s.since), quiet: c.Status == enum.CampaignStatusDraft,
		})
	}

	return out, err
}

// accountMark is what of an account is news. That its token runs out is news each time it is warned
// of.
func accountMark(a *ent.Account) any {
	health, _ := json.Marshal(a.Health)
	return [...]any{a.Name, a.Status, text(a.StatusReason), text(a.ReviewStatus), or(a.MessagingLimit, -1), string(health),
		or(a.TokenWarnedAt, time.Time{}).UnixMicro()}
}

// those are the conditions for the rows of a span.
func those[P any](in func(...uid.ID) P, after func(uid.ID) P, p span) (out []P) {
	if !p.all {
		out = append(out, in(p.ids...))
	}
	if !p.after.IsZero() {
		out = append(out, after(p.after))
	}

	return out
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

			for _, id := range receivedIn(events, want) {
				if err := tell.received(ctx, id, turn, send); err != nil {
					return err
				}
			}

			turn.Leave()
		}
	}), nil
}

// receivedIn gives the messages of the events that are wanted. What waits for its turn is their
// ids.
func receivedIn(events []delivery.Event, want func(delivery.Event) bool) (ids []uid.ID) {
	for _, e := range events {
		if want(e) {
			ids = append(ids, e.Message)
		}
	}

	return ids
}

// received reads a message in the turn of its answer, and sends it.
func (t teller) received(ctx context.Context, id uid.ID, turn *transport.Turn, send func(*ent.Message) bool) error {
	if !turn.Take(ctx) {
		return nil
	}

	if t.messages == nil {
		send(&ent.Message{ID: id})
		return nil
	}

	messages, err := t.r.messagesByID(alone(ctx), t.messages, []uid.ID{id})
	if m := messages[id]; m != nil && err == nil { // it may have been erased meanwhile
		send(m)
	}

	return err
}
