package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"carillon/whatsapp"
)

// posters is how many webhooks are in flight at once.
const posters = 8

// slowestRetry and patience bound a webhook's retries. Meta tries for 7 days, ever more rarely;
// here a minute is the longest pause, so that a receiver that comes back need not wait for hours.
const (
	slowestRetry = time.Minute
	patience     = 7 * 24 * time.Hour
)

// event is a webhook other than a message's status.
type event struct {
	account *account
	number  *number // nil unless the field is "messages"
	field   string
	value   json.RawMessage
	at      int64
}

// parcel is what one POST carries, through all its retries.
type parcel struct {
	entries []entry // of messages and events
	tries   int
	since   int64
}

// Run posts webhooks and reviews templates until ctx ends. What is not yet acknowledged then stays
// pending.
func (s *Sandbox) Run(ctx context.Context) error {
	defer s.client.CloseIdleConnections()
	// unbuffered: what no poster is free for stays in the schedule, and gathers into bigger parcels
	work := make(chan *parcel)
	group, ctx := errgroup.WithContext(ctx)

	for range posters {
		group.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case p := <-work:
					s.deliver(ctx, p)
				}
			}
		})
	}

	group.Go(func() error { s.hand(ctx, work); return nil })

	return group.Wait()
}

// hand gives each poster that is free the next parcel.
func (s *Sandbox) hand(ctx context.Context, work chan<- *parcel) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		p, wait := s.gather()
		if p != nil {
			select {
			case <-ctx.Done():
				s.putBack(p, s.now())
				return
			case work <- p:
			}

			continue
		}

		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-s.queued:
		case <-timer.C:
		}
	}
}

// gather takes what is due for one callback out of the schedule; or else says how long there is
// nothing to do.
func (s *Sandbox) gather() (*parcel, time.Duration) {
	o, now := s.options.Load(), s.now()
	b := &s.book
	for {
		b.Lock()
		wait, any := b.due.wait(now)
		if !any || wait > 0 {
			b.Unlock()
			if !any {
				wait = time.Hour
			}

			return nil, wait
		}

		switch what := b.due[0].what.(type) {
		case *template:
			b.due.pop()
			b.settle(1)
			b.Unlock()
			s.review(what)
		case *parcel:
			b.due.pop()
			b.Unlock()
			return what, 0
		default:
			p := s.fill(o, now)
			b.Unlock()
			if len(p.entries) > 0 {
				return p, 0
			}
		}
	}
}

// fill takes due statuses and events from the schedule as long as they go to the same callback.
// What has no callback is set aside, and what nobody subscribed to is dropped. The caller holds the
// book's lock.
func (s *Sandbox) fill(o *Options, now time.Time) *parcel {
	b := &s.book
	p := &parcel{since: now.UnixNano()}
	var url string

	for len(b.due) > 0 && b.due[0].at <= now.UnixNano() && len(p.entries) < o.Batch {
		to, subscribed, posts := s.route(o, b.due[0].what)
		switch {
		case !posts:
			return p
		case !subscribed:
			b.due.pop()
			b.counts.Dropped++
			b.settle(1)
			continue
		case to == "":
			b.stalled = append(b.stalled, b.due.pop())
			continue
		case url != "" && url != to:
			return p
		}

		url = to
		p.entries = append(p.entries, b.due.pop())
	}

	return p
}

// route says where an entry is posted: the number's override goes before the account's, and that
// before the app's.
func (s *Sandbox) route(o *Options, what any) (url string, subscribed, posts bool) {
	var a *account
	var n *number
	switch w := what.(type) {
	case *message:
		a, n = w.number.account, w.number
	case *event:
		a, n = w.account, w.number
	default:
		return "", false, false
	}

	hook := a.hook.Load()
	switch {
	case n != nil && n.callback() != "":
		url = n.callback()
	case n != nil && hook.Override != "":
		url = hook.Override
	default:
		url = o.CallbackURL
	}

	return url, hook.Subscribed, true
}

// deliver posts a parcel; when that fails, it is due again later.
func (s *Sandbox) deliver(ctx context.Context, p *parcel) {
	o := s.options.Load()
	url, _, _ := s.route(o, p.entries[0].what)
	if err := s.post(ctx, url, o.AppSecret, s.body(p)); err != nil {
		s.log.Debug("sandbox: webhook not accepted", "callback", url, "try", p.tries, "error", err)
		if ctx.Err() != nil {
			s.putBack(p, s.now())
			return
		}

		s.failed(o, p)

		return
	}

	s.acknowledged(p)
}

func (s *Sandbox) post(ctx context.Context, url, secret string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}

	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "facebookexternalua")
	r.Header.Set("X-Hub-Signature-256", whatsapp.Sign(secret, body))
	w, err := s.client.Do(r)
	if err != nil {
		return err
	}

	defer w.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(w.Body, 64<<10)); err != nil {
		return err
	}
	if w.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", w.Status)
	}

	return nil
}

func (s *Sandbox) failed(o *Options, p *parcel) {
	now := s.now()
	b := &s.book
	b.Lock()
	b.counts.FailedPosts++
	b.news()
	expired := now.UnixNano()-p.since > int64(patience)
	if expired {
		b.counts.Dropped += len(p.entries)
		b.settle(len(p.entries))
	}

	b.Unlock()
	if expired {
		return
	}

	pause := min(o.RetryDelay<<min(p.tries, 16), slowestRetry)
	p.tries++
	s.putBack(p, now.Add(pause))
	s.wake()
}

func (s *Sandbox) putBack(p *parcel, at time.Time) {
	b := &s.book
	b.Lock()
	b.due.push(entry{at: at.UnixNano(), order: p.entries[0].order, what: p})
	b.Unlock()
}

// acknowledged notes that a callback answered 200: first in the state file, then for those who
// wait.
func (s *Sandbox) acknowledged(p *parcel) {
	if s.journal != nil {
		told := make([][2]uint64, 0, len(p.entries))
		for _, e := range p.entries {
			if m, ok := e.what.(*message); ok {
				told = append(told, [2]uint64{m.seq, uint64(e.step())})
			}
		}

		if len(told) > 0 {
			s.journal.put(s, record{Told: told})
		}
	}

	b := &s.book
	b.Lock()
	defer b.Unlock()
	b.counts.Posts++

	for _, e := range p.entries {
		switch what := e.what.(type) {
		case *message:
			what.told |= 1 << e.step()
			b.counts.Posted[stepNames[e.step()]]++
		case *event:
			b.counts.Posted[what.field]++
		}
	}

	b.settle(len(p.entries))
}
