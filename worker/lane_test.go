package worker_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/usererror"
	"carillon/whatsapp/sandbox"
)

func TestACampaignReachesEverybodyOnceAndEveryCountIsExact(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true, DuplicateWebhooks: 0.2, ShuffleWebhooks: 0.3})
		const n = 300
		list := s.contacts(t, n)
		s.work(t, s.process)
		c := s.launch(t, list)
		s.until(t, "everything is read", func() bool { return s.campaign(c.ID).Read == n })
		s.until(t, "the campaign is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
		s.judge(t, c.ID, n)
		if peak := s.sandbox.PeakPerSecond(metaNumber); peak > 1000 {
			t.Errorf("%d messages in one second, the limit is 1000", peak)
		}
	})
}

func TestEveryKindOfFailureEndsAsTheErrorTableSays(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"+14165550100": "READ", "+14165550101": "SENT", "+14165550102": "DELIVERED", "+14165550103": "READ",
		"+14165550104": "READ", "+14165550105": "ACCEPTED",
		"+14165550110": "READ", "+14165550111": "READ", "+14165550112": "READ", "+14165550113": "READ",
		"+14165550120": "FAILED 131030", "+14165550121": "FAILED 100", "+14165550122": "FAILED 132000",
		"+14165550130": "FAILED 131009", "+14165550131": "FAILED 132012", "+14165550132": "FAILED 132005",
		"+14165550140": "FAILED 131026", "+14165550141": "FAILED 131049", "+14165550148": "FAILED 131026",
	} {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db, sandbox.Options{Throughput: 1000})
				c := s.launch(t, s.contactsOf(t, number))
				s.work(t, s.process)
				s.until(t, number+" is "+want, func() bool {
					messages := s.messages(c.ID)
					return len(messages) == 1 && status(messages[0]) == want
				})

				s.until(t, "the campaign is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
			})
		})
	}
}

func TestAnErrorThatConcernsMoreThanOneMessagePausesTheCampaignWithItsReason(t *testing.T) {
	t.Parallel()
	for number, reason := range map[string]enum.CampaignStatusReason{
		"+14165550124": enum.CampaignStatusReasonTemplatePaused, "+14165550126": enum.CampaignStatusReasonPaymentIssue,
		"+14165550127": enum.CampaignStatusReasonTokenInvalid, "+14165550129": enum.CampaignStatusReasonAccountRestricted,
	} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db, sandbox.Options{Throughput: 1000})
				c := s.launch(t, s.contactsOf(t, number))
				s.work(t, s.process)
				s.until(t, "it is paused", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusPaused })
				got := s.campaign(c.ID)
				if got.StatusReason == nil || *got.StatusReason != reason || got.StatusDetail == nil || *got.StatusDetail == "" {
					t.Errorf("paused because of %v: %v", got.StatusReason, got.StatusDetail)
				}

				s.until(t, "its message waits", func() bool { row := s.campaign(c.ID); return row.Queued == 1 && row.Sending == 0 })
			})
		})
	}
}

// bunched is how many messages may arrive together that left in time: the sandbox, too, is kept
// waiting by a busy machine.
const bunched = 2

func TestALimitedNumberIsUsedToItsLimitAndNeverBeyond(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 80, NoPairLimit: true})
		c := s.launch(t, s.contacts(t, 160))
		second := s.start(t)
		s.work(t, s.process)
		s.work(t, second)
		s.until(t, "the campaign is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
		if u := s.sandbox.Usage(metaNumber); u.Peak > 80+bunched {
			t.Errorf("%d requests arrived in one second, the limit is 80", u.Peak)
		}

		s.until(t, "receipts are in", func() bool { return s.campaign(c.ID).Read == 160 })
		s.judge(t, c.ID, 160)
	})
}

func TestPausingResumingAndLaunchingTwiceSendsNothingTwice(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true})
		const n = 200
		c := s.draft(t, s.contacts(t, n))
		s.work(t, s.process)
		won := make(chan error, 4)
		for range 4 {
			go func() { _, err := s.campaigns.Launch(s.owner, c.ID, nil); won <- err }()
		}

		wins := 0
		for range 4 {
			if err := <-won; err == nil {
				wins++
			} else if !usererror.Is(err, usererror.Conflict) {
				t.Errorf("the loser of a launch hears %v", err)
			}
		}

		if wins != 1 {
			t.Errorf("%d launches won", wins)
		}

		for range 10 {
			if _, err := s.campaigns.Pause(s.owner, c.ID); err != nil && !usererror.Is(err, usererror.Conflict) {
				t.Fatal(err)
			}
			if _, err := s.campaigns.Resume(s.owner, c.ID); err != nil && !usererror.Is(err, usererror.Conflict) {
				t.Fatal(err)
			}
		}

		s.until(t, "everything is read", func() bool { return s.campaign(c.ID).Read == n })
		s.judge(t, c.ID, n)
	})
}

func TestOfAPausedCampaignOnlyWhatWasHandedOverIsStillSent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true})
		const n = 500
		c := s.launch(t, s.contacts(t, n))
		if err := s.campaigns.Enroll(s.system, c.ID); err != nil {
			t.Fatal(err)
		}

		drained := make(chan error, 1)
		go func() { _, _, err := s.lanes.Drain(s.system, s.number.ID); drained <- err }() // one lane: each hands over ahead
		if err := s.sandbox.WaitAccepted(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		if _, err := s.campaigns.Pause(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		sent := s.sandbox.Counts().Accepted
		if err := <-drained; err != nil {
			t.Fatal(err)
		}
		// A claim of 100 goes in parts of 25. One may be waiting for its slots, one for the first, and as
		// many as are in flight at the least.
		if after := s.sandbox.Counts().Accepted - sent; after > 25+25+32 {
			t.Errorf("%d messages were sent after the pause", after)
		}
		if row := s.campaign(c.ID); row.Sending != 0 || row.Queued+row.Accepted+row.Sent+row.Delivered+row.Read != n {
			t.Errorf("%d are in a worker's hands, %d queued", row.Sending, row.Queued)
		}

		s.work(t, s.process)
		if _, err := s.campaigns.Resume(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		s.until(t, "everything is read", func() bool { return s.campaign(c.ID).Read == n })
		s.judge(t, c.ID, n)
	})
}

// The same of single messages, which stop with their organization alone.
func TestOfASuspendedOrganizationOnlyWhatWasHandedOverIsStillSent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true})
		const n = 300
		for i := range n {
			s.say(t, s.hello(fmt.Sprintf("+1416555%04d", 200+i)))
		}

		drained := make(chan error, 1)
		go func() { _, _, err := s.lanes.Drain(s.system, s.number.ID); drained <- err }()
		if err := s.sandbox.WaitAccepted(t.Context(), 10); err != nil {
			t.Fatal(err)
		}

		db.Client.Organization.Update().SetStatus(enum.OrganizationStatusSuspended).ExecX(s.system)
		sent := s.sandbox.Counts().Accepted
		if err := <-drained; err != nil {
			t.Fatal(err)
		}
		if after := s.sandbox.Counts().Accepted - sent; after > 25+25+32 {
			t.Errorf("%d messages were sent after the suspension", after)
		}

		db.Client.Organization.Update().SetStatus(enum.OrganizationStatusActive).ExecX(s.system)
		s.work(t, s.process)
		if err := s.sandbox.WaitAccepted(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if got := s.sandbox.Counts().Accepted; got != n {
			t.Errorf("%d messages were sent, not %d", got, n)
		}
	})
}

func TestACanceledCampaignSendsNoMore(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 20, NoPairLimit: true})
		const n = 300
		c := s.launch(t, s.contacts(t, n))
		s.work(t, s.process)
		if err := s.sandbox.WaitAccepted(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		if _, err := s.campaigns.Cancel(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		s.until(t, "nothing is left", func() bool {
			row := s.campaign(c.ID)
			return row.Queued == 0 && row.Sending == 0 && row.Canceled > 0 && row.Canceled+row.Read == row.Total
		})

		s.judge(t, c.ID, s.campaign(c.ID).Read)
		if _, err := s.campaigns.Resume(s.owner, c.ID); !usererror.Is(err, usererror.Conflict) {
			t.Errorf("a canceled campaign was resumed: %v", err)
		}
	})
}

func TestAWorkerThatStopsGivesBackWhatItHasNotSent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 80, NoPairLimit: true})
		const n = 120
		c := s.launch(t, s.contacts(t, n))
		stop := s.work(t, s.process)
		if err := s.sandbox.WaitAccepted(t.Context(), 10); err != nil {
			t.Fatal(err)
		}

		stop()
		if row := s.campaign(c.ID); row.Sending != 0 || row.Queued == 0 {
			t.Errorf("after the stop %d are in a worker's hands, %d queued", row.Sending, row.Queued)
		}

		s.work(t, s.start(t))
		s.until(t, "everything is read", func() bool { return s.campaign(c.ID).Read == n })
		s.judge(t, c.ID, n)
	})
}

func TestRedisMayBeEmptiedAtAnyMoment(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 200, NoPairLimit: true})
		const n = 200
		c := s.launch(t, s.contacts(t, n))
		wipe(t, s)
		s.work(t, s.process)
		if err := s.campaigns.Sweep(s.system); err != nil { // as the next tick would
			t.Fatal(err)
		}
		if err := s.sandbox.WaitAccepted(t.Context(), 20); err != nil {
			t.Fatal(err)
		}

		wipe(t, s)
		s.until(t, "everything is read", func() bool {
			if lanes, err := s.queue.Lanes(s.system); err == nil && len(lanes) > 0 {
				s.tasks.WakeLane(s.system, s.number.ID)
			}
			return s.campaign(c.ID).Read == n
		})

		s.judge(t, c.ID, n)
	})
}

// wipe deletes every key of this test's service: its tasks, its pace and its news.
func wipe(t *testing.T, s *stage) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	for keys := s.redis.Scan(ctx, 0, "*"+s.prefix+"*", 1000).Iterator(); keys.Next(ctx); {
		if err := s.redis.Del(ctx, keys.Val()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASingleMessageOvertakesACampaign(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 20, NoPairLimit: true})
		s.launch(t, s.contacts(t, 200))
		s.work(t, s.process)
		if err := s.sandbox.WaitAccepted(t.Context(), 3); err != nil {
			t.Fatal(err)
		}

		const single = "+14169999999"
		s.say(t, s.hello(single))
		s.until(t, "the single message is sent", func() bool { return len(s.accepted(single)) == 1 })
		if n := len(s.sandbox.Accepted()); n > 60 {
			t.Errorf("%d messages of the campaign went first", n)
		}
	})
}

func TestACampaignSendsWhatTheMessagingLimitAllowsAndGoesOnAsRoomReturns(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true})
		s.account.Update().SetMessagingLimit(30).ExecX(s.owner)
		const n = 50
		c := s.launch(t, s.contacts(t, n))
		s.work(t, s.process)
		s.until(t, "it is paused", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusPaused })
		if row := s.campaign(c.ID); *row.StatusReason != enum.CampaignStatusReasonMessagingLimit {
			t.Fatalf("paused because of %s", *row.StatusReason)
		}

		s.until(t, "what was claimed is sent", func() bool { return s.campaign(c.ID).Sending == 0 })
		if sent := len(s.sandbox.Accepted()); sent != 30 {
			t.Errorf("%d messages were sent under a limit of 30", sent)
		}
		if err := s.campaigns.Sweep(s.system); err != nil || s.campaign(c.ID).Status != enum.CampaignStatusPaused {
			t.Fatalf("it went on without room: %v", err)
		}

		err := db.InTx(s.system, func(tx *database.Tx) error { // a day passes
			_, err := tx.ExecContext(s.system, "UPDATE messaging_window SET at = $1", database.Now().Add(-25*time.Hour))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.campaigns.Sweep(s.system); err != nil {
			t.Fatal(err)
		}

		s.until(t, "everything is read", func() bool { return s.campaign(c.ID).Read == n })
		s.judge(t, c.ID, n)
	})
}

func TestACampaignKeepsToItsOwnRateAndLeavesTheRestToOthers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 200, NoPairLimit: true})
		list := s.contacts(t, 100)
		slow := s.draft(t, list)
		slow.Update().SetRateLimit(10).ExecX(s.owner)
		if _, err := s.campaigns.Launch(s.owner, slow.ID, nil); err != nil {
			t.Fatal(err)
		}

		fast := s.launch(t, list)
		s.work(t, s.process)
		s.until(t, "the fast campaign is over", func() bool {
			return s.campaign(fast.ID).Status == enum.CampaignStatusCompleted
		})
		if row := s.campaign(slow.ID); row.Queued < 50 {
			t.Errorf("the slow campaign has only %d left when the fast one is over", row.Queued)
		}
	})
}

func (s *stage) enqueue(t *testing.T, address string) {
	t.Helper()
	err := s.db.InTx(s.system, func(tx *database.Tx) error {
		_, err := s.queue.Enqueue(s.system, tx, s.account.OrganizationID, newMessage(s, address),
			func() error { return nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	s.tasks.WakeLane(s.system, s.number.ID)
}
