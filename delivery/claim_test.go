package delivery_test

import (
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/message"
)

func TestOnlyWhatWasHandedOverBecomesUnknownWhenAWorkerDies(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.enqueue(t, b.campaign, 20)
		claimed := b.claim(t, 20, 0)
		handed := map[int]int{}

		for i, m := range claimed {
			if handed[m.Part]++; i > 0 && m.Part < claimed[i-1].Part {
				t.Fatalf("part %d comes after part %d", m.Part, claimed[i-1].Part)
			}
		}

		if held, err := b.queue.HandOver(b.ctx, claimed[0].Claim, 2, false); !held || err != nil {
			t.Fatal(held, err)
		}

		b.pass(t, 20*time.Second)
		if n, err := b.queue.ExpireLeases(b.ctx); n != 20-handed[1]-handed[2] || err != nil {
			t.Errorf("%d messages were taken back, %v", n, err)
		}
		if held, err := b.queue.HandOver(b.ctx, claimed[0].Claim, 3, false); held || err != nil {
			t.Errorf("a worker that was given up may go on: %t, %v", held, err)
		}

		queued := db.Client.Message.Query().Where(message.StatusEQ(enum.MessageStatusQueued), message.Attempts(0)).
			CountX(b.ctx)
		if sending := handed[1] + handed[2]; queued != 20-sending || sending == 0 {
			t.Errorf("%d are queued, %d may have been sent", queued, sending)
		}

		b.pass(t, 2*time.Minute)
		if n, err := b.queue.ExpireLeases(b.ctx); n != handed[1]+handed[2] || err != nil {
			t.Errorf("%d became unknown, %v", n, err)
		}
		if left := db.Client.Claim.Query().CountX(b.ctx); left != 0 {
			t.Errorf("%d claims are left", left)
		}

		b.verify(t)
	})
}

func TestAWorkerThatWakesLateTakesNothingFromTheNextOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.enqueue(t, b.campaign, 1)
		late := b.claim(t, 1, 0)[0]
		b.pass(t, 20*time.Second)
		if n, err := b.queue.ExpireLeases(b.ctx); n != 1 || err != nil {
			t.Fatal(n, err)
		}

		next := b.claim(t, 1, 0)
		b.handOver(t, next)
		for _, kind := range []delivery.FactKind{delivery.Return, delivery.Refused, delivery.Lost} {
			b.record(t, delivery.Fact{Message: late.ID, Attempt: late.Attempt, Claim: late.Claim, Kind: kind, At: b.now()})
		}

		if m := db.Client.Message.GetX(b.ctx, late.ID); m.Status != enum.MessageStatusSending ||
			m.Attempts != next[0].Attempt {
			t.Errorf("the message is %s, attempt %d", m.Status, m.Attempts)
		}

		b.verify(t)
	})
}

// pass lets time go by.
func (b *bench) pass(t *testing.T, d time.Duration) {
	t.Helper()
	then := b.now().Add(d)
	b.now = func() time.Time { return then }
	b.run(t)
}
