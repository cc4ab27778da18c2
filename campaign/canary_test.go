package campaign_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
)

// claimAll claims what may be claimed, by several at once, and returns the messages.
func (s *stage) claimAll(t *testing.T) (all []delivery.Claimed) {
	t.Helper()
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			campaigns, err := s.queue.Runnable(s.system, s.number.ID)
			if err != nil {
				t.Error(err)
				return
			}

			claimed, _, err := s.queue.Claim(s.system, s.number.ID, 100, campaigns,
				delivery.Limit{Account: s.account.ID, Organization: s.account.OrganizationID})
			if err != nil {
				t.Error(err)
			}

			mu.Lock()
			defer mu.Unlock()
			all = append(all, claimed...)
		})
	}

	workers.Wait()

	return all
}

// answer records what became of claimed messages: the first ones fail.
func (s *stage) answer(t *testing.T, claimed []delivery.Claimed, failures int) {
	t.Helper()
	facts := make([]delivery.Fact, len(claimed))
	for i, m := range claimed {
		facts[i] = delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Accepted, At: s.now,
			WAMID: fmt.Sprint("wamid.", m.ID)}
		if i < failures {
			facts[i] = delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Failed, At: s.now, ErrorCode: 131026}
		}
	}

	if _, err := s.journal.Record(s.system, facts...); err != nil {
		t.Fatal(err)
	}
}

func TestTheRestFollowsACanaryThatWentWell(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { stand(t, db).canary(t, 1, false) })
}

func TestACanaryThatFailsPausesAndWhoResumesSendsTheRest(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { stand(t, db).canary(t, 2, true) })
}

// canary sends a campaign of 25 people with a canary of 10, of which 1 in 10 may fail.
func (s *stage) canary(t *testing.T, failures int, fails bool) {
	for i := range 25 {
		s.contact(fmt.Sprintf("+141610000%02d", i), "Ann", "Rome", enum.ConsentOptedIn)
	}

	d := s.draft()
	d.Canary = &jsonfield.Canary{Size: 10, WaitSeconds: 600, MaxFailureRate: 0.1}
	c := s.launched(t, d)
	if err := s.Enroll(s.owner, c.ID); err != nil {
		t.Fatal(err)
	}

	read := func() *ent.Campaign { return s.db.Client.Campaign.GetX(s.owner, c.ID) }
	renamed := func(when string) {
		if _, err := s.Update(s.owner, c.ID, func(d *campaign.Draft) { d.Name += "!" }); err != nil {
			t.Fatal(when, err)
		}
	}

	first := s.claimAll(t)
	if len(first) != 10 {
		t.Fatalf("four workers at once claimed %d", len(first))
	}

	s.answer(t, first, failures)
	if more := s.claimAll(t); len(more) != 0 {
		t.Fatalf("%d were claimed behind the canary", len(more))
	}
	if _, waits, err := s.queue.NextDue(s.system, s.number.ID); waits || err != nil {
		t.Error("the lane would come back at once:", err)
	}
	if err := s.Finish(s.system, s.number.ID); err != nil {
		t.Fatal(err)
	}
	if c = read(); *c.CanaryState != enum.CanaryStateWaiting || !c.CanaryUntil.Equal(s.now.Add(10*time.Minute)) {
		t.Fatalf("it is %s until %s", *c.CanaryState, c.CanaryUntil)
	}

	renamed("while it waits")
	s.now = s.now.Add(10*time.Minute - time.Second)
	if err := s.Sweep(s.system); err != nil {
		t.Fatal(err)
	}
	if c = read(); *c.CanaryState != enum.CanaryStateWaiting || len(s.claimAll(t)) != 0 {
		t.Fatal("it was judged before its time")
	}

	s.now = s.now.Add(time.Second)
	if err := s.Sweep(s.system); err != nil {
		t.Fatal(err)
	}
	if c = read(); fails {
		if c.Status != enum.CampaignStatusPaused || *c.StatusReason != enum.CampaignStatusReasonCanaryFailed ||
			*c.CanaryState != enum.CanaryStateFailed {
			t.Fatalf("it is %s, the canary %s", c.Status, *c.CanaryState)
		}
		if _, err := s.Resume(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}
	}
	if c = read(); *c.CanaryState != enum.CanaryStatePassed || c.Status != enum.CampaignStatusRunning {
		t.Fatalf("it is %s, the canary %s", c.Status, *c.CanaryState)
	}

	renamed("once it has passed")
	rest := s.claimAll(t)
	if len(rest) != 15 {
		t.Fatalf("%d follow", len(rest))
	}

	s.answer(t, rest, 0)
	if err := s.Finish(s.system, s.number.ID); err != nil {
		t.Fatal(err)
	}
	if c = read(); c.Status != enum.CampaignStatusCompleted {
		t.Errorf("it is %s", c.Status)
	}
}
