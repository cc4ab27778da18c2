package delivery_test

import (
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/uid"
)

func TestOfAMessagesFailedAttemptsTheLastFiftyAreKeptUntilTheyExpire(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		id := b.enqueue(t, b.campaign, 1)[0]
		attempts := func() []delivery.SendAttempt {
			found, err := b.log.FailedAttempts(b.ctx, b.organization, []uid.ID{id})
			if err != nil {
				t.Fatal(err)
			}

			return found
		}

		const kept = 50
		for i := range kept + 3 {
			m, kind := b.claim(t, 1, 0)[0], delivery.Retry
			if i == 0 {
				kind = delivery.Return // its number is used again
			}

			b.record(t, delivery.Fact{Message: id, Attempt: m.Attempt, Claim: m.Claim, Kind: kind, At: b.now(),
				NotBefore: start, Try: &delivery.Try{Endpoint: "1/messages", Request: "{}", HTTPStatus: 500, Code: 131000,
					Took: time.Second}})
		}

		all := attempts()
		if len(all) != kept || all[0].Number != 3 || all[0].AgainAt == nil || all[0].Took != time.Second {
			t.Errorf("%d are kept, the first is %+v", len(all), all[:1])
		}

		m := b.claim(t, 1, 0)[0]
		b.record(t, delivery.Fact{Message: id, Attempt: m.Attempt - 1, Kind: delivery.Retry, At: b.now(), NotBefore: start,
			Try: &delivery.Try{Request: "late"}})
		if got := len(attempts()); got != kept {
			t.Errorf("%d are kept after a decision that came too late", got)
		}

		if n, err := b.queue.ExpireAttempts(b.ctx, time.Now().Add(time.Hour)); n != kept || err != nil {
			t.Errorf("%d expired, %v", n, err)
		}
		if left := attempts(); len(left) != 0 {
			t.Errorf("%+v are left", left)
		}
	})
}
