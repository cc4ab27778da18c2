package delivery_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
)

// clock is a time that a test moves.
type clock struct{ microseconds atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.microseconds.Store(at.UnixMicro())
	return c
}
func (c *clock) now() time.Time          { return time.UnixMicro(c.microseconds.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.microseconds.Add(d.Microseconds()) }

func (b *bench) bounds(t *testing.T, expired, last int64) {
	t.Helper()
	e, l, err := b.log.Bounds(b.ctx, b.organization)
	if err != nil || e != expired || l != last {
		t.Fatalf("the log is from %d to %d (%v), want %d to %d", e, l, err, expired, last)
	}

	events, err := b.log.Read(b.ctx, b.organization, 0, 10_000)
	if err != nil || int64(len(events)) != last-expired {
		t.Fatalf("%d entries (%v), want %d", len(events), err, last-expired)
	}
	if len(events) > 0 && events[0].Sequence != expired+1 {
		t.Fatalf("the log begins with %d, want %d", events[0].Sequence, expired+1)
	}

	b.verify(t)
}

func TestEventsOfAnAgeLeaveTheLogFromItsBeginning(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		c := newClock(start)
		b.now = c.now
		b.run(t)
		const n = 1300 // more than one transaction takes
		ids := b.enqueue(t, b.campaign, n)

		tell := func(kind delivery.FactKind, times int) {
			facts := make([]delivery.Fact, times)
			for i := range facts {
				facts[i] = delivery.Fact{Message: ids[i], Kind: kind, At: c.now()}
			}

			b.record(t, facts...)
		}

		tell(delivery.Accepted, n)
		c.advance(time.Hour)
		tell(delivery.Sent, 2)
		c.advance(time.Hour)
		tell(delivery.Delivered, 1)

		expire := func(before time.Time, want int) {
			t.Helper()
			if got, err := b.queue.ExpireEvents(b.ctx, before); err != nil || got != want {
				t.Fatalf("%d events expired (%v), want %d", got, err, want)
			}
		}

		expire(start, 0)
		b.bounds(t, 0, n+3)
		expire(start.Add(time.Minute), n)
		b.bounds(t, n, n+3)
		expire(start.Add(time.Minute), 0)

		events, err := b.log.OfMessages(b.ctx, b.organization, ids[:1])
		if err != nil || len(events) != 2 || events[0].Status != "SENT" {
			t.Errorf("of an old message there is left: %v, %v", events, err)
		}

		expire(c.now().Add(time.Second), 3)
		b.bounds(t, n+3, n+3)
		tell(delivery.Read, 1)
		b.bounds(t, n+3, n+4)
	})
}

func TestAnOldEntryBehindAYoungerOneStaysUntilThatGoes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		c := newClock(start)
		b.now = c.now
		b.run(t)
		ids := b.enqueue(t, nil, 3)
		for i, ahead := range []time.Duration{0, time.Hour, -time.Hour} { // another process's clock is behind
			c.advance(ahead)
			b.record(t, delivery.Fact{Message: ids[i], Kind: delivery.Accepted, At: c.now()})
		}

		if n, err := b.queue.ExpireEvents(b.ctx, start.Add(time.Minute)); n != 1 || err != nil {
			t.Fatalf("%d expired, %v", n, err)
		}

		b.bounds(t, 1, 3)
	})
}

func TestProcessesThatExpireAndRecordAtOnceLeaveADenseEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		const n = 150
		ids := b.enqueue(t, nil, n)
		var all sync.WaitGroup

		for part := range 3 {
			all.Go(func() {
				for _, id := range ids[part*n/3 : (part+1)*n/3] {
					if _, err := b.journal.Record(b.ctx, delivery.Fact{Message: id, Kind: delivery.Accepted, At: start}); err != nil {
						t.Error(err)
					}
				}
			})
		}

		var expired atomic.Int64
		recorded := make(chan struct{})
		var expirers sync.WaitGroup

		for range 3 {
			expirers.Go(func() {
				for over := false; !over; {
					select {
					case <-recorded:
						over = true
					default:
					}

					gone, err := b.queue.ExpireEvents(b.ctx, b.now().Add(time.Second))
					if err != nil {
						t.Error(err)
						return
					}

					expired.Add(int64(gone))
				}
			})
		}

		all.Wait()
		close(recorded)
		expirers.Wait()
		if expired.Load() != n {
			t.Errorf("%d expired, want %d", expired.Load(), n)
		}

		b.bounds(t, n, n)
	})
}
