package campaign_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/notification"
)

// took has WhatsApp take so many messages of a campaign, the first of them for these people.
func (h house) took(t *testing.T, c *ent.Campaign, n int, people ...*ent.Contact) {
	t.Helper()
	messages := make([]delivery.Outgoing, n+1) // one stays queued, or the campaign would be complete
	for i := range messages {
		messages[i] = delivery.Outgoing{Campaign: c.ID, Template: c.TemplateID, PhoneNumber: c.PhoneNumberID,
			Account: h.account.ID, Address: "+86138", Country: "CN", Type: enum.MessageTypeTemplate}
		if i < len(people) {
			messages[i].Contact, messages[i].Address = people[i].ID, *people[i].Phone
		}
	}

	err := h.db.InTx(h.system, func(tx *database.Tx) error {
		_, err := h.queue.Enqueue(h.system, tx, c.OrganizationID, messages, func() error { return nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	claimed, _, err := h.queue.Claim(h.system, c.PhoneNumberID, n, []delivery.Runnable{{Campaign: c.ID, Most: -1}},
		delivery.Limit{})
	if err != nil || len(claimed) != n {
		t.Fatalf("claimed %d of %d, %v", len(claimed), n, err)
	}

	facts := make([]delivery.Fact, n)
	for i, m := range claimed {
		facts[i] = delivery.Fact{Message: m.ID, WAMID: m.ID.String(), Attempt: m.Attempt, Kind: delivery.Accepted, At: h.now}
	}

	h.record(t, facts...)
}

func (h house) people(n int) (all []*ent.Contact) {
	for i := range n {
		all = append(all, h.contact(fmt.Sprintf("+86138%08d", h.db.Client.Contact.Query().CountX(h.system)+i), "n", "c",
			enum.ConsentOptedIn))
	}

	return all
}

// stops has a person opt out by a word, as metawebhook tells it.
func (h house) stops(t *testing.T, who *ent.Contact) {
	t.Helper()
	err := h.audience.RecordConsentOf(h.system, audience.Identity{Organization: who.OrganizationID, Contact: who.ID,
		At: h.now}, audience.Statement{Consent: enum.ConsentOptedOut, By: enum.ConsentSpeakerContact, Source: "keyword",
		SaidAt: h.now, Answers: &delivery.OptOut{Organization: who.OrganizationID, Account: h.account.ID,
			PhoneNumber: h.number.ID}})
	if err != nil {
		t.Error(err)
	}
}

func TestACampaignToWhichTooManyOptOutPauses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		took, stop, before int // before: messages that were taken before the people's
		later              time.Duration
		want               []string
	}{
		"four people are chance":            {took: 20, stop: 4},
		"five of twenty":                    {took: 20, stop: 5, want: []string{"both"}},
		"five of a hundred":                 {took: 100, stop: 5, want: []string{"both"}},
		"five of a hundred and one":         {took: 101, stop: 5},
		"a lot went out before":             {took: 20, stop: 9, before: 300},
		"more people of the last messages":  {took: 20, stop: 10, before: 300, want: []string{"both"}},
		"three days later":                  {took: 20, stop: 5, later: 72 * time.Hour, want: []string{"both"}},
		"more than three days later":        {took: 20, stop: 5, later: 72*time.Hour + time.Second},
		"nobody whom the campaign wrote to": {took: 0, stop: 6, before: 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				h := furnish(t, db)
				people := h.people(tc.stop)
				h.took(t, h.campaigns["twin"], tc.stop, people...) // an earlier campaign to the same people
				h.now = h.now.Add(time.Second)
				if tc.before > 0 {
					h.took(t, h.campaigns["both"], tc.before)
				}
				if tc.took > 0 {
					h.took(t, h.campaigns["both"], tc.took, people...)
				} else {
					h.campaigns["twin"].Update().SetStatus(enum.CampaignStatusCompleted).ExecX(h.system)
				}

				h.now = h.now.Add(tc.later)
				for _, p := range people {
					h.stops(t, p)
					h.stops(t, p) // said twice, it counts once
				}

				var all sync.WaitGroup
				for range 2 {
					all.Go(func() {
						if err := h.Sweep(h.system); err != nil {
							t.Error(err)
						}
					})
				}

				all.Wait()
				if diff := cmp.Diff(tc.want, h.paused(t, enum.CampaignStatusReasonQualityLow)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestWhatsAppsOwnStopCountsForTheCampaignThatItRefusedAndResumingForgives(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := furnish(t, db)
		c, people := h.campaigns["both"], h.people(6)
		h.took(t, c, 40, people...)

		stop := func(people ...*ent.Contact) {
			for _, p := range people {
				f := h.failure(131050)
				f.Contact, f.Address = p.ID, *p.Phone
				if _, err := h.React(h.system, f); err != nil {
					t.Fatal(err)
				}
			}

			if err := h.Sweep(h.system); err != nil {
				t.Fatal(err)
			}
		}

		if stop(people[:4]...); len(h.paused(t, "")) != 0 {
			t.Error("four people stopped it")
		}
		if stop(people[4]); len(h.paused(t, enum.CampaignStatusReasonQualityLow)) != 1 {
			t.Fatal("five people did not stop it")
		}

		const want = "5 people opted out while WhatsApp took the last 40 messages: 12.5 %. Look at whom"
		if c = db.Client.Campaign.GetX(h.system, c.ID); !strings.HasPrefix(*c.StatusDetail, want) {
			t.Errorf("it says %q", *c.StatusDetail)
		}
		ofPauses := notification.KindEQ(enum.NotificationKindCampaignPaused)
		if n := db.Client.Notification.Query().Where(ofPauses).CountX(h.system); n != 1 {
			t.Errorf("members are told %d times", n)
		}

		if _, err := h.Resume(h.owner, c.ID); err != nil {
			t.Fatal(err)
		}
		if stop(people[5]); len(h.paused(t, "")) != 0 {
			t.Error("it was not forgiven")
		}
		if wrong, err := h.queue.Verify(h.system); err != nil || len(wrong) > 0 {
			t.Errorf("a recount finds %v, %v", wrong, err)
		}
	})
}
