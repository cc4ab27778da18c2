package webhook_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/notification"
	"carillon/ent/webhookdelivery"
	"carillon/uid"
	"carillon/webhook"
)

func TestEventsArriveSignedAndInOrder(t *testing.T) {
	each(t, func(s *stage) {
		r := s.receiver(nil)
		e, secret := s.endpoint(r.URL)
		s.start(s.Run)
		ids := s.messages(20)
		for _, kind := range []delivery.FactKind{delivery.Sent, delivery.Delivered, delivery.Read} {
			s.report(kind, ids...)
		}

		posts := s.await(r, count(60))
		s.ordered(posts)
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			s.t.Fatal(err)
		}

		seen := map[string]bool{}
		for _, p := range posts {
			if err := verifier.Verify([]byte(p.payload), p.header); err != nil {
				s.t.Fatalf("%s: %v", p.payload, err)
			}

			seen[p.id] = true
		}

		if len(seen) != 60 || len(posts) != 60 {
			s.t.Errorf("%d posts with %d ids", len(posts), len(seen))
		}

		first := posts[0]
		if first.body.Type != enum.WebhookEventTypeMessageSent || first.body.Data.Message.To == "" ||
			first.header.Get("Content-Type") != "application/json" {
			s.t.Errorf("the first post: %s", first.payload)
		}

		s.until("not all is on record", func() bool { return s.deliveries(e, enum.WebhookDeliveryStatusDelivered) == 60 })
	})
}

// TestADeliveryThatFailsHoldsUpItsMessageAlone refuses one message's first event some times.
func TestADeliveryThatFailsHoldsUpItsMessageAlone(t *testing.T) {
	each(t, func(s *stage) {
		ids := s.messages(5)
		var refused atomic.Int32
		r := s.receiver(func(p post) (int, http.Header) {
			if p.body.Data.Message.ID == ids[0].String() && p.body.Data.Status == enum.MessageStatusSent &&
				refused.Add(1) <= 2 {
				return http.StatusInternalServerError, nil
			}
			return http.StatusOK, nil
		})
		e, _ := s.endpoint(r.URL)
		s.start(s.Run)
		for _, kind := range []delivery.FactKind{delivery.Sent, delivery.Delivered, delivery.Read} {
			s.report(kind, ids...)
		}

		s.await(r, count(1+4*3)) // the others do not wait
		s.until("the failure is not on record", func() bool {
			d := s.db.Client.WebhookDelivery.Query().Where(webhookdelivery.AttemptsGT(0),
				webhookdelivery.StatusEQ(enum.WebhookDeliveryStatusPending)).AllX(s.system)
			return len(d) == 1 && *d[0].ResponseStatus == 500 && *d[0].ResponseBody == "no, thank you" && d[0].Error != nil
		})
		s.until("not just the three deliveries of one message wait", func() bool {
			return s.deliveries(e, enum.WebhookDeliveryStatusPending) == 3
		})
		s.advance(6 * time.Second)
		s.until("it is not tried again", func() bool { return s.tried(ids[0], 2) })
		s.advance(6 * time.Minute)
		s.ordered(s.await(r, count(1+4*3+1+3)))
		s.until("not all is delivered", func() bool { return s.deliveries(e, enum.WebhookDeliveryStatusDelivered) == 15 })
	})
}

func TestADeadEndpointDelaysNobodyElse(t *testing.T) {
	each(t, func(s *stage) {
		hang := make(chan struct{})
		release := sync.OnceFunc(func() { close(hang) })
		dead := s.receiver(func(post) (int, http.Header) { <-hang; return http.StatusOK, nil })
		s.t.Cleanup(release)
		living := s.receiver(nil)
		s.endpoint(dead.URL)
		s.endpoint("http://127.0.0.1:9") // discard: nothing answers
		e, _ := s.endpoint(living.URL)
		stop := s.start(s.Run)
		s.report(delivery.Sent, s.messages(200)...)

		began := time.Now()
		s.await(living, count(200))
		if took := time.Since(began); took > 9*time.Second { // a dead endpoint has ten for each
			s.t.Errorf("it took %s", took)
		}

		s.until("not all is on record", func() bool { return s.deliveries(e, enum.WebhookDeliveryStatusDelivered) == 200 })
		release()
		stop()
	})
}

func TestTwoProcessesShareTheEndpointsAndRepeatNothing(t *testing.T) {
	each(t, func(s *stage) {
		r := s.receiver(nil)
		e, _ := s.endpoint(r.URL)
		other := s.process("127.0.0.0/8")
		stop := s.start(s.Run)
		s.start(other.Run)
		ids := s.messages(50)
		s.report(delivery.Sent, ids...)
		s.await(r, count(50))
		stop() // the other goes on where this one stopped
		s.report(delivery.Delivered, ids...)
		posts := s.await(r, count(100))
		s.ordered(posts)
		s.until("not all is on record", func() bool { return s.deliveries(e, enum.WebhookDeliveryStatusDelivered) == 100 })

		if n := len(r.posts()); n != 100 {
			s.t.Errorf("%d posts", n)
		}
	})
}

func TestBothSecretsSignForADay(t *testing.T) {
	each(t, func(s *stage) {
		r := s.receiver(nil)
		e, first := s.endpoint(r.URL)
		_, second, err := s.Rotate(s.ctx, e.ID)
		if err != nil {
			s.t.Fatal(err)
		}

		signedBy := func(want map[string]bool) {
			s.t.Helper()
			if d, err := s.Test(s.ctx, e.ID, enum.WebhookEventTypeMessageSent); err != nil ||
				d.Status != enum.WebhookDeliveryStatusDelivered {
				s.t.Fatalf("%v: %v", d, err)
			}

			posts := r.posts()
			p := posts[len(posts)-1]
			for secret, good := range want {
				verifier, _ := standardwebhooks.NewWebhook(secret)
				if err := verifier.VerifyIgnoringTimestamp([]byte(p.payload), p.header); (err == nil) != good {
					s.t.Errorf("verified by %s…: %v", secret[:10], err)
				}
			}
		}

		signedBy(map[string]bool{first: true, second: true})
		s.advance(25 * time.Hour)
		signedBy(map[string]bool{first: false, second: true})
		if !strings.HasPrefix(second, "whsec_") || first == second {
			s.t.Errorf("the secrets are %q and %q", first, second)
		}
	})
}

// TestAnEndpointThatTakesNothingForADayIsSuspendedAndGoesOnWhereItStopped kills, and revives.
func TestAnEndpointThatTakesNothingForADayIsSuspendedAndGoesOnWhereItStopped(t *testing.T) {
	each(t, func(s *stage) {
		var well atomic.Bool
		r := s.receiver(func(post) (int, http.Header) {
			if well.Load() {
				return http.StatusOK, nil
			}
			return http.StatusBadGateway, nil
		})
		e, _ := s.endpoint(r.URL)
		stop := s.start(s.Run)
		ids := s.messages(60)
		s.report(delivery.Sent, ids...)
		s.until("it does not rest", func() bool { return s.row(e).RestsUntil != nil })
		if n := len(r.posts()); n > 60 {
			s.t.Errorf("%d posts", n)
		}

		stop()
		s.advance(23 * time.Hour)
		s.sweep()
		if got := s.row(e); got.Status != enum.WebhookEndpointStatusEnabled {
			s.t.Fatalf("after 23 hours it is %s", got.Status)
		}

		s.advance(time.Hour + time.Minute)
		s.sweep()
		s.sweep()
		got := s.row(e)
		if got.Status != enum.WebhookEndpointStatusSuspended || got.StatusReason == nil {
			s.t.Fatalf("after a day it is %s", got.Status)
		}
		if n := s.db.Client.Notification.Query().Where(
			notification.KindEQ(enum.NotificationKindWebhookSuspended)).CountX(s.system); n != 1 {
			s.t.Errorf("ADMINs are told %d times", n)
		}

		well.Store(true)
		s.report(delivery.Delivered, ids...) // meanwhile
		s.start(s.Run)
		s.update(e, webhook.Draft{Enabled: new(true)})
		s.until("it does not go on", func() bool { return s.deliveries(e, enum.WebhookDeliveryStatusDelivered) == 120 })
		var good []post
		for _, p := range r.posts() {
			if p.body.Data.Status == enum.MessageStatusDelivered {
				good = append(good, p)
			}
		}

		if len(good) != 60 || s.row(e).FailingSince != nil {
			s.t.Errorf("%d of what came meanwhile arrived", len(good))
		}
	})
}

// tried reports whether a delivery of a message was tried so often.
func (s *stage) tried(message uid.ID, times int) bool {
	return s.db.Client.WebhookDelivery.Query().Where(webhookdelivery.SubjectID(message),
		webhookdelivery.AttemptsGTE(times)).ExistX(s.system)
}

func (s *stage) sweep() {
	s.t.Helper()
	if err := s.Sweep(s.system); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) update(e *ent.WebhookEndpoint, d webhook.Draft) *ent.WebhookEndpoint {
	s.t.Helper()
	got, err := s.Update(s.ctx, e.ID, d)
	if err != nil {
		s.t.Fatal(err)
	}

	return got
}

func TestAnEndpointThatIsGoneIsSwitchedOff(t *testing.T) {
	each(t, func(s *stage) {
		r := s.receiver(func(post) (int, http.Header) { return http.StatusGone, nil })
		e, _ := s.endpoint(r.URL)
		s.start(s.Run)
		s.report(delivery.Sent, s.messages(1)...)
		s.until("it is not switched off", func() bool { return s.row(e).Status == enum.WebhookEndpointStatusDisabled })
		if reason := s.row(e).StatusReason; reason == nil || !strings.Contains(*reason, "410") {
			s.t.Errorf("the reason is %v", reason)
		}
		if n := s.deliveries(e, enum.WebhookDeliveryStatusFailed); n != 1 {
			s.t.Errorf("%d deliveries failed", n)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	each(t, func(s *stage) {
		r := s.receiver(func(post) (int, http.Header) {
			return http.StatusServiceUnavailable, http.Header{"Retry-After": {"3600"}}
		})
		e, _ := s.endpoint(r.URL)
		s.start(s.Run)
		s.report(delivery.Sent, s.messages(1)...)
		s.until("the answer is not on record", func() bool {
			d := s.db.Client.WebhookDelivery.Query().Where(webhookdelivery.EndpointID(e.ID)).AllX(s.system)
			return len(d) == 1 && d[0].Attempts == 1 && time.Until(*d[0].NextAttemptAt) > 59*time.Minute
		})
	})
}

// TestADeliveryFailsAfterADayAndCanBeRetried has one message that is never taken, while others are.
func TestADeliveryFailsAfterADayAndCanBeRetried(t *testing.T) {
	each(t, func(s *stage) {
		ids := s.messages(2)
		var well atomic.Bool
		r := s.receiver(func(p post) (int, http.Header) {
			if p.body.Data.Message.ID == ids[0].String() && !well.Load() {
				return http.StatusBadRequest, nil
			}
			return http.StatusOK, nil
		})
		e, _ := s.endpoint(r.URL)
		s.start(s.Run)
		s.report(delivery.Sent, ids...)
		for attempt, step := range []time.Duration{0, 6 * time.Second, 6 * time.Minute, 31 * time.Minute,
			2*time.Hour + time.Minute, 5*time.Hour + time.Minute, 10*time.Hour + time.Minute, 6*time.Hour + 26*time.Minute} {
			s.advance(step)
			s.until("it is not tried again", func() bool { return s.tried(ids[0], attempt+1) })
		}

		d := s.db.Client.WebhookDelivery.Query().Where(webhookdelivery.SubjectID(ids[0])).OnlyX(s.system)
		if d.Status != enum.WebhookDeliveryStatusFailed || d.NextAttemptAt != nil || d.Attempts != 8 {
			s.t.Fatalf("after a day it is %s, after %d attempts", d.Status, d.Attempts)
		}

		well.Store(true)
		if d, err := s.Retry(s.ctx, d.ID); err != nil || d.Status != enum.WebhookDeliveryStatusPending {
			s.t.Fatalf("%v: %v", d, err)
		}

		s.until("it is not delivered", func() bool { return s.deliveries(e, enum.WebhookDeliveryStatusDelivered) == 2 })
		posts := r.posts()
		if last := posts[len(posts)-1]; last.id != d.ID.String() || last.payload != d.Payload {
			s.t.Errorf("it was posted as %s: %s", last.id, last.payload)
		}
	})
}

func TestATestIsPostedAtOnceAndNotAgain(t *testing.T) {
	each(t, func(s *stage) {
		r := s.receiver(func(p post) (int, http.Header) { return http.StatusTeapot, nil })
		e, _ := s.endpoint(r.URL)
		for _, event := range enum.WebhookEventType("").Values() {
			d, err := s.Test(s.ctx, e.ID, enum.WebhookEventType(event))
			if err != nil || d.Status != enum.WebhookDeliveryStatusFailed || *d.ResponseStatus != http.StatusTeapot ||
				*d.ResponseBody != "no, thank you" || d.NextAttemptAt != nil {
				s.t.Errorf("%s: %v: %v", event, d, err)
			}
			if d, err := s.Retry(s.ctx, d.ID); err == nil {
				s.t.Errorf("a test can be retried: %v", d)
			}
		}

		for _, p := range r.posts() {
			if !p.body.Test || !strings.Contains(p.payload, `"data":{`) {
				s.t.Errorf("the example is %s", p.payload)
			}
		}
	})
}

func TestWhatIsOldIsForgotten(t *testing.T) {
	each(t, func(s *stage) {
		r := s.receiver(nil)
		e, _ := s.endpoint(r.URL)
		off, _ := s.endpoint(r.URL)
		s.update(off, webhook.Draft{Enabled: new(false)})
		if _, err := s.Test(s.ctx, e.ID, enum.WebhookEventTypeMessageSent); err != nil {
			s.t.Fatal(err)
		}

		waits := s.db.Client.WebhookDelivery.Create().SetOrganizationID(s.org).SetEndpointID(off.ID).
			SetSubjectID(uid.New(uid.Message)).SetEvent(enum.WebhookEventTypeMessageSent).SetPayload("{}").SaveX(s.system)
		enabled := s.db.Client.WebhookDelivery.Create().SetOrganizationID(s.org).SetEndpointID(e.ID).
			SetSubjectID(uid.New(uid.Message)).SetEvent(enum.WebhookEventTypeMessageSent).SetPayload("{}").SaveX(s.system)
		s.advance(6 * 24 * time.Hour)
		s.sweep()
		if n := s.db.Client.WebhookDelivery.Query().CountX(s.system); n != 3 {
			s.t.Errorf("after six days there are %d", n)
		}

		s.advance(25 * time.Hour)
		s.sweep()
		left := s.db.Client.WebhookDelivery.Query().IDsX(s.system)
		if len(left) != 1 || left[0] != enabled.ID {
			s.t.Errorf("after a week there are %v, not the one that still waits; %s waited for one that is off", left, waits.ID)
		}
	})
}
