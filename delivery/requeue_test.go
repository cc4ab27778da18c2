package delivery_test

import (
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/whatsapp"
)

func anyCode(int) bool { return true }

func TestAFailedMessageIsQueuedAgainAsIfItWereNew(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.enqueue(t, b.campaign, 1)
		m := b.claim(t, 1, 0)[0]
		b.record(t, accepted(m), failed(m))
		if n, err := b.queue.Requeue(b.ctx, b.campaign.ID, anyCode); err != nil || n != 1 {
			t.Fatalf("queued %d again, %v", n, err)
		}

		row := db.Client.Message.Query().OnlyX(b.ctx)
		if row.Status != enum.MessageStatusQueued || row.ErrorCode != nil || row.Wamid != nil || row.AcceptedAt != nil ||
			row.FailedAt != nil {
			t.Errorf("the message is %+v", row)
		}

		b.verify(t)

		again := b.claim(t, 1, 0)
		if len(again) != 1 || again[0].Attempt != m.Attempt+1 || again[0].Retries != 0 {
			t.Fatalf("claimed %+v", again)
		}

		b.record(t, accepted(again[0]))
		b.record(t, delivery.Fact{Message: m.ID, WAMID: "w2", Attempt: 2, Kind: delivery.Read, At: start.Add(time.Minute)})
		if row := db.Client.Message.Query().OnlyX(b.ctx); row.Status != enum.MessageStatusRead || row.AcceptedAt == nil {
			t.Errorf("the second attempt ends as %s", row.Status)
		}
		if c := db.Client.Campaign.GetX(b.ctx, b.campaign.ID); c.Read != 1 || c.Failed != 0 || c.Total != 1 {
			t.Errorf("counts are %d read, %d failed of %d", c.Read, c.Failed, c.Total)
		}

		b.verify(t)
	})
}

func TestWhatIsToldLateOfAnAttemptBeforeTheRetry(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code int // of the failure
		late delivery.FactKind
		want enum.MessageStatus
	}{
		"failing again is old":                       {131049, delivery.Failed, enum.MessageStatusQueued},
		"that it was accepted is old":                {131049, delivery.Accepted, enum.MessageStatusQueued},
		"that it was sent is old":                    {131049, delivery.Sent, enum.MessageStatusQueued},
		"that it arrived after all is news":          {131049, delivery.Delivered, enum.MessageStatusDelivered},
		"that it was read is news":                   {131049, delivery.Read, enum.MessageStatusRead},
		"a lost answer that comes to light is news":  {whatsapp.CodeLostAnswer, delivery.Sent, enum.MessageStatusSent},
		"a lost message that failed is no longer so": {whatsapp.CodeLostAnswer, delivery.Failed, enum.MessageStatusFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				b := setUp(t, db)
				b.enqueue(t, b.campaign, 1)
				m := b.claim(t, 1, 0)[0]
				f := failed(m)
				if f.ErrorCode = tc.code; tc.code == whatsapp.CodeLostAnswer {
					f.Kind = delivery.GiveUp
					b.record(t, delivery.Fact{Message: m.ID, Attempt: 1, Kind: delivery.Lost, At: start})
				}

				b.record(t, f)
				if _, err := b.queue.Requeue(b.ctx, b.campaign.ID, anyCode); err != nil {
					t.Fatal(err)
				}

				late := failed(m)
				late.Kind = tc.late
				for range 2 {
					b.record(t, late)
				}

				if row := db.Client.Message.Query().OnlyX(b.ctx); row.Status != tc.want {
					t.Errorf("the message is %s, want %s", row.Status, tc.want)
				}

				b.verify(t)
			})
		})
	}
}

func TestOnlyWhatFailedForAPassingReasonIsQueuedAgainAndOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		other := b.addCampaign("other")
		const n = 2400 // several pages
		b.enqueue(t, b.campaign, n)
		b.enqueue(t, other, 10)

		for claimed := b.claim(t, 1000, 0); len(claimed) > 0; claimed = b.claim(t, 1000, 0) {
			var facts []delivery.Fact
			for i, m := range claimed {
				f := refused(m)
				switch i % 4 {
				case 0:
					f.ErrorCode = 131000
				case 1:
					f = accepted(m)
				case 2: // a failure that turned out to be none
					facts = append(facts, failed(m))
					f = delivery.Fact{Message: m.ID, WAMID: m.ID.String(), Attempt: m.Attempt, Kind: delivery.Delivered, At: start}
				}

				facts = append(facts, f)
			}

			b.record(t, facts...)
		}

		want := db.Client.Message.Query().Where(message.CampaignID(b.campaign.ID), message.ErrorCode(131000)).CountX(b.ctx)
		passing := func(code int) bool { return code == 131000 }

		for i, want := range []int{want, 0} {
			if got, err := b.queue.Requeue(b.ctx, b.campaign.ID, passing); err != nil || got != want {
				t.Errorf("call %d queued %d again, %v; want %d", i+1, got, err, want)
			}
		}

		if got := db.Client.Message.Query().Where(message.CampaignID(b.campaign.ID),
			message.StatusEQ(enum.MessageStatusQueued)).CountX(b.ctx); got != want {
			t.Errorf("%d are queued, want %d", got, want)
		}

		if c := db.Client.Campaign.GetX(b.ctx, other.ID); c.Queued != 0 {
			t.Errorf("%d of the other campaign are queued", c.Queued)
		}

		b.verify(t)
	})
}
