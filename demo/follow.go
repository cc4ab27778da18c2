package demo

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	lookEvery = 100 * time.Millisecond
	// linger is how long an event too many may take to come after all that were awaited.
	linger       = 250 * time.Millisecond
	shortestWait = 50 * time.Millisecond // before connecting again, doubling
	longestWait  = 2 * time.Second
	updatesAhead = 64 // batches read and not yet counted; more wait in the connection
)

// The names of the two subscriptions on the connection, and what they ask for.
const (
	eventsID   = "deliveryEvents"
	progressID = "campaignProgress"

	eventsQuery = "subscription deliveryEvents($after: Cursor) { deliveryEvents(after: $after) { events { sequence " +
		"status message { id } } cursor } }"
	progressQuery = "subscription campaignProgress($id: ID!) { campaignProgress(campaignId: " +
		"$id) { status campaign { statusReason } progress { ratePerSecond } } }"
)

// progress is a CampaignProgressUpdate.
type progress struct {
	Status   string
	Campaign struct{ StatusReason string }
	Progress struct{ RatePerSecond float64 }
}

// over tells whether the campaign sends no more by itself.
func (p progress) over() bool { return p.Status == "COMPLETED" || p.stopped() }

func (p progress) stopped() bool {
	return p.Status == "PAUSED" || p.Status == "CANCELED" || p.Status == "FAILED"
}

// follower follows one campaign.
type follower struct {
	client   *client
	teller   *teller
	campaign string
	quiet    time.Duration

	tally      *tally
	progress   progress
	launched   bool
	launchedAt time.Time

	// Only the goroutine that listens touches these, once there is one.
	socket *socket
	cursor string // of the last batch
	over   bool   // the service has said that the campaign is over
}

// update is news for the goroutine that counts.
type update struct {
	events   []event
	progress *progress
	note     string
	at       time.Time
}

// listen subscribes to the organization's events from the present on, and to the campaign's
// progress.
func (d *demonstration) listen(ctx context.Context) (*follower, error) {
	began := time.Now()
	f := &follower{client: d.client, teller: d.teller, campaign: d.campaign, quiet: d.options.Quiet,
		tally: newTally(d.options.Recipients)}
	var now struct{ DeliveryEvents batch }
	ask := operation{Name: "deliveryEvents",
		Query: "query deliveryEvents { deliveryEvents(first: 1) { events { sequence } cursor } }"}
	if err := d.client.query(ctx, ask, &now); err != nil {
		return nil, err
	}
	if len(now.DeliveryEvents.Events) > 0 {
		return nil, errors.New("deliveryEvents: a new organization has events already")
	}

	f.cursor = now.DeliveryEvents.Cursor
	if err := f.connect(ctx); err != nil {
		return nil, err
	}

	d.teller.step(began, "subscribe", "deliveryEvents and campaignProgress, one connection")

	return f, nil
}

func (f *follower) connect(ctx context.Context) error {
	s, err := f.client.dial(ctx)
	if err != nil {
		return err
	}

	err = s.subscribe(eventsID, operation{Name: eventsID, Query: eventsQuery,
		Variables: map[string]any{"after": f.cursor}})
	if err == nil && !f.over {
		err = s.subscribe(progressID, operation{Name: progressID, Query: progressQuery,
			Variables: map[string]any{"id": f.campaign}})
	}

	if err != nil {
		s.close()
		return err
	}

	f.socket = s

	return nil
}

// follow launches, and returns when every message has its final account, or when that is not to be
// hoped for.
func (f *follower) follow(ctx context.Context, launch func(context.Context) error) error {
	listening, cancel := context.WithCancel(ctx)
	updates, ended := make(chan update, updatesAhead), make(chan error, 1)
	go func() { ended <- f.listenOn(listening, updates) }()
	joined := false

	defer func() {
		cancel()
		if !joined {
			<-ended
		}
	}()

	f.launchedAt = time.Now()
	if err := launch(ctx); err != nil {
		return err
	}

	f.launched = true
	defer f.teller.endProgress(f.tally)
	look := time.NewTicker(lookEvery)
	defer look.Stop()

	for {
		select {
		case u := <-updates:
			if err := f.take(u); err != nil {
				return err
			}
		case <-look.C:
			f.teller.progress(f.launchedAt, f.tally, f.progress)
			if len(updates) == 0 && f.done(time.Now()) {
				return nil
			}
		case err := <-ended:
			joined = true
			return fmt.Errorf("follow the campaign: %w", err)
		case <-ctx.Done():
			return f.unfinished(context.Cause(ctx))
		}
	}
}

func (f *follower) take(u update) error {
	f.tally.add(u.events, u.at)
	if u.note != "" {
		f.teller.note(u.note)
	}
	if u.progress == nil {
		return nil
	}

	f.progress = *u.progress
	if f.progress.stopped() {
		return f.unfinished(fmt.Errorf("the campaign is %s%s", f.progress.Status, reason(f.progress.Campaign.StatusReason)))
	}

	return nil
}

func (f *follower) unfinished(why error) error {
	if open := f.tally.verdict(); open != nil {
		return fmt.Errorf("%w: %w", why, open)
	}
	return why
}

func (f *follower) done(now time.Time) bool {
	still := now.Sub(f.tally.lastEvent)
	switch n := f.tally.recipients; {
	case f.tally.settled() >= n:
		return still >= linger
	case f.tally.standsWell() >= n:
		return f.progress.Status == "COMPLETED" && still >= f.quiet
	}

	return false
}

// listenOn reads until ctx ends, over as many connections as it takes.
func (f *follower) listenOn(ctx context.Context, updates chan<- update) error {
	wait := shortestWait
	for {
		heard, err := f.read(ctx, updates)
		if heard {
			wait = shortestWait
		}

		for err != nil {
			var no rejection
			if ctx.Err() != nil || errors.As(err, &no) {
				return err
			}

			news := update{note: fmt.Sprintf("%v; going on from the last cursor in %v", err, wait), at: time.Now()}
			if !send(ctx, updates, news) || !pause(ctx, wait) {
				return ctx.Err()
			}

			wait = min(2*wait, longestWait)
			err = f.connect(ctx)
		}
	}
}

// read hands on what one connection brings, until the connection or a subscription comes to an end.
func (f *follower) read(ctx context.Context, updates chan<- update) (heard bool, err error) {
	defer f.socket.close()
	defer context.AfterFunc(ctx, f.socket.close)()
	for {
		news, err := f.socket.next()
		if err != nil {
			return heard, fmt.Errorf("the connection was lost: %w", err)
		}

		if errs := news.Payload.Errors; len(errs) > 0 {
			err := fmt.Errorf("%s: %w", news.ID, errs)
			if errs.has("SLOW_CONSUMER") || errs.has("UNAVAILABLE") || errs.has("RATE_LIMITED") {
				return heard, err
			}

			return heard, rejection{err}
		}

		if news.Type == "complete" {
			if news.ID == progressID && f.over {
				continue
			}
			return heard, fmt.Errorf("the service ended %s", news.ID)
		}

		u := update{at: time.Now(), progress: news.Payload.Data.Progress}
		if b := news.Payload.Data.Events; b != nil {
			f.cursor, u.events = b.Cursor, b.Events
		}
		if u.progress != nil {
			f.over = u.progress.over()
		}
		if !send(ctx, updates, u) {
			return heard, ctx.Err()
		}

		heard = true
	}
}

func send(ctx context.Context, updates chan<- update, u update) bool {
	select {
	case updates <- u:
		return true
	case <-ctx.Done():
		return false
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
