package delivery_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
)

// claimWithin claims what may go of all campaigns under a cap.
func (b *bench) claimWithin(t testing.TB, perContact int) []delivery.Claimed {
	t.Helper()
	campaigns, err := b.queue.Runnable(b.ctx, b.campaign.PhoneNumberID)
	if err != nil {
		t.Error(err)
		return nil
	}

	claimed, _, err := b.queue.Claim(b.ctx, b.campaign.PhoneNumberID, 100, campaigns,
		delivery.Limit{Account: b.account, Organization: b.organization, PerContact: perContact})
	if err != nil {
		t.Error(err)
	}

	return claimed
}

// marketing queues a message of marketing to each of some people, of a campaign of its own.
func (b *bench) marketing(t testing.TB, name string, people ...person) []uid.ID {
	t.Helper()
	c := b.addCampaign(name)
	messages := make([]delivery.Outgoing, len(people))
	for i, p := range people {
		messages[i] = delivery.Outgoing{Campaign: c.ID, PhoneNumber: c.PhoneNumberID, Account: b.account,
			Template: c.TemplateID, Contact: p.contact, Address: p.phone, Country: "CA", Type: enum.MessageTypeTemplate,
			Category: enum.TemplateCategoryMarketing}
	}

	var ids []uid.ID
	err := b.db.InTx(b.ctx, func(tx *database.Tx) (err error) {
		ids, err = b.queue.Enqueue(b.ctx, tx, b.organization, messages, func() error { return nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return ids
}

func TestAPersonGetsNoMoreMarketingInAnyDayThanTheOrganizationAllows(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		people := b.people(2, enum.ConsentOptedIn)
		first := b.marketing(t, "first", people...)
		second := b.marketing(t, "second", people[0])
		third := b.marketing(t, "third", people[0])
		if claimed := b.claimWithin(t, 2); len(claimed) != 3 {
			t.Fatalf("claimed %d at once", len(claimed))
		}

		want := []string{"SENDING", "SENDING", "SENDING", "SKIPPED FREQUENCY_CAP"}
		if diff := cmp.Diff(want, b.fates(first[0], first[1], second[0], third[0])); diff != "" {
			t.Error(diff)
		}

		// what failed does not count, and what was accepted counts for a day
		for _, m := range []uid.ID{first[0], second[0]} {
			kind := map[bool]delivery.FactKind{true: delivery.Failed, false: delivery.Accepted}[m == first[0]]
			b.record(t, delivery.Fact{Message: m, Attempt: 1, Kind: kind, At: start, WAMID: "wamid." + m.String()})
		}

		fourth := b.marketing(t, "fourth", people[0], people[0])
		b.claimWithin(t, 2)
		if diff := cmp.Diff([]string{"SENDING", "SKIPPED FREQUENCY_CAP"}, b.fates(fourth...)); diff != "" {
			t.Error(diff)
		}

		counts, err := b.queue.MarketingSince(b.ctx, b.organization, []uid.ID{people[0].contact, people[1].contact})
		if diff := cmp.Diff(map[uid.ID]int{people[0].contact: 2, people[1].contact: 1}, counts); diff != "" || err != nil {
			t.Error(diff, err)
		}

		b.record(t, delivery.Fact{Message: fourth[0], Attempt: 1, Kind: delivery.Accepted, At: start, WAMID: "wamid.4"})
		b.pass(t, 24*time.Hour+time.Second)
		fifth := b.marketing(t, "fifth", people[0], people[0], people[0])
		b.claimWithin(t, 2)
		if diff := cmp.Diff([]string{"SENDING", "SENDING", "SKIPPED FREQUENCY_CAP"}, b.fates(fifth...)); diff != "" {
			t.Error("a day later:", diff)
		}

		b.verify(t)
	})
}

func TestTheCapHoldsOverSeveralProcessesThatClaimAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		people := b.people(10, enum.ConsentOptedIn)
		for i := range 6 {
			b.marketing(t, fmt.Sprint("campaign ", i), people...)
		}

		var mu sync.Mutex
		var workers sync.WaitGroup
		got := map[string]int{}

		for range 6 {
			workers.Go(func() {
				for {
					claimed := b.claimWithin(t, 2)
					if len(claimed) == 0 {
						return
					}

					mu.Lock()
					for _, c := range claimed {
						got[c.Address]++
					}
					mu.Unlock()
				}
			})
		}

		workers.Wait()
		for _, p := range people {
			if got[p.phone] != 2 {
				t.Errorf("%s gets %d", p.phone, got[p.phone])
			}
		}

		b.verify(t)
	})
}
