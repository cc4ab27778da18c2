package delivery_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/uid"
)

// person is somebody to be written to, and how a message knows them.
type person struct {
	phone   string
	consent enum.Consent
	country string // of their number; empty is Canada
	known   string // by "id", by "address" alone, to "nobody", or to nobody any more: "gone"
	contact uid.ID
}

func (b *bench) person(p person) person {
	if p.known == "nobody" {
		return p
	}

	c := b.db.Client.Contact.Create().SetOrganizationID(b.organization).SetPhone(p.phone).SetMarketingConsent(p.consent).
		SaveX(b.ctx)
	if p.known != "address" {
		p.contact = c.ID
	}
	if p.known == "gone" {
		b.db.Client.Contact.DeleteOne(c).ExecX(b.ctx)
	}

	return p
}

// to makes a message to each of some people: of the campaign, or single ones.
func (b *bench) to(t testing.TB, campaign *ent.Campaign, template uid.ID, people ...person) []uid.ID {
	t.Helper()
	messages := make([]delivery.Outgoing, len(people))
	for i, p := range people {
		messages[i] = delivery.Outgoing{PhoneNumber: b.campaign.PhoneNumberID, Account: b.account,
			Template: template, Contact: p.contact, Address: p.phone, Country: cmp.Or(p.country, "CA"),
			Type: enum.MessageTypeTemplate, Category: enum.TemplateCategoryUtility}
		if campaign != nil {
			messages[i].Campaign = campaign.ID
		}
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

var number atomic.Int64

// people makes n with that consent.
func (b *bench) people(n int, consent enum.Consent) []person {
	people := make([]person, n)
	for i := range people {
		people[i] = b.person(person{phone: fmt.Sprintf("+1416%07d", number.Add(1)), consent: consent, known: "id"})
	}

	return people
}

func (b *bench) consent(p person, consent enum.Consent) {
	b.db.Client.Contact.UpdateOneID(p.contact).SetMarketingConsent(consent).ExecX(b.ctx)
}

func (b *bench) suppress(phone string) {
	b.db.Client.Suppression.Create().SetOrganizationID(b.organization).SetPhone(phone).SetNumberKey(phone).ExecX(b.ctx)
}

func (b *bench) requireOptIn(required bool) {
	policy := jsonfield.DefaultSendingPolicy()
	policy.RequireOptIn = required
	b.db.Client.Organization.UpdateOneID(b.organization).SetSendingPolicy(policy).ExecX(b.ctx)
}

func (b *bench) recategorize(template uid.ID, category enum.TemplateCategory) {
	b.db.Client.Template.UpdateOneID(template).SetCategory(category).ExecX(b.ctx)
}

// fates are what became of messages: their status, and why they were skipped.
func (b *bench) fates(ids ...uid.ID) []string {
	rows := map[uid.ID]*ent.Message{}
	for _, m := range b.db.Client.Message.Query().Where(message.IDIn(ids...)).AllX(b.ctx) {
		rows[m.ID] = m
	}

	fates := make([]string, len(ids))
	for i, id := range ids {
		fates[i] = string(rows[id].Status)
		if reason := rows[id].SkipReason; reason != nil {
			fates[i] += " " + string(*reason)
		}
	}

	return fates
}

func TestWhoMayBeWrittenToIsTheSameInGoAndInEveryClaim(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		categories := []enum.TemplateCategory{enum.TemplateCategoryMarketing, enum.TemplateCategoryUtility,
			enum.TemplateCategoryAuthentication, ""}
		templates := map[enum.TemplateCategory]uid.ID{"": {}}

		for _, c := range categories[:3] {
			templates[c] = db.Client.Template.Create().SetOrganizationID(b.organization).SetAccountID(b.account).
				SetName(strings.ToLower(string(c))).SetLanguage("en").SetCategory(c).
				SetStatus(enum.TemplateStatusApproved).SetComponents([]byte("[]")).SaveX(b.ctx).ID
		}

		consents := []enum.Consent{enum.ConsentUnknown, enum.ConsentOptedIn, enum.ConsentOptedOut}
		knowns := []string{"id", "address", "nobody", "gone"}

		for round := range 40 {
			requireOptIn, category, ofCampaign := rand.IntN(2) == 0, categories[rand.IntN(4)], rand.IntN(2) == 0
			b.requireOptIn(requireOptIn)
			c := b.addCampaign(fmt.Sprint("campaign ", round))

			if category == "" {
				ofCampaign = false // a text or a file
			} else {
				c.Update().SetTemplateID(templates[category]).ExecX(b.ctx)
			}

			if !ofCampaign {
				c = nil
			}

			var people []person
			var want []string

			for i := range 1 + rand.IntN(12) {
				p := b.person(person{phone: fmt.Sprintf("+1416%03d%04d", round, i), consent: consents[rand.IntN(3)],
					country: []string{"CA", "US", "JM"}[rand.IntN(3)], known: knowns[rand.IntN(4)]})
				people = append(people, p)
				e := delivery.Eligibility{Category: category, Consent: p.consent, RequireOptIn: requireOptIn,
					Suppressed: rand.IntN(4) == 0, Country: p.country}
				if e.Suppressed {
					b.suppress(p.phone)
				}

				switch p.known {
				case "nobody":
					e.Consent = enum.ConsentUnknown
				case "gone":
					e.Consent = ""
				}

				fate := "SENDING"
				if reason := e.Barred(); reason != "" {
					fate = "SKIPPED " + string(reason)
				}

				want = append(want, fate)
			}

			ids := b.to(t, c, templates[category], people...)
			b.claim(t, 100, 0)
			if diff := gocmp.Diff(want, b.fates(ids...)); diff != "" {
				t.Fatalf("opt-in required %t, category %q, of a campaign %t, %+v:\n%s", requireOptIn, category, ofCampaign,
					people, diff)
			}
		}

		b.verify(t)
	})
}

func TestWhatWaitsIsLookedAtAgainWheneverItIsClaimed(t *testing.T) {
	t.Parallel()
	lost := func(b *bench, t *testing.T, m delivery.Claimed, then delivery.FactKind) {
		b.record(t, delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Lost, At: start},
			delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: then, At: start, NotBefore: start})
	}

	changes := map[string]func(b *bench, p person){
		"OPTED_OUT":  func(b *bench, p person) { b.consent(p, enum.ConsentOptedOut) },
		"NO_OPT_IN":  func(b *bench, _ person) { b.requireOptIn(true) },
		"SUPPRESSED": func(b *bench, p person) { b.suppress(p.phone) },
		"CONTACT_DELETED": func(b *bench, p person) {
			b.db.Client.Contact.DeleteOneID(p.contact).ExecX(b.ctx)
		},
	}

	for waiting, wait := range map[string]func(b *bench, t *testing.T, m delivery.Claimed){
		"was claimed and given back": func(b *bench, t *testing.T, m delivery.Claimed) {
			b.record(t, delivery.Fact{Message: m.ID, Attempt: 1, Kind: delivery.Return, At: start})
		},
		"is tried again": func(b *bench, t *testing.T, m delivery.Claimed) {
			b.record(t, delivery.Fact{Message: m.ID, Attempt: 1, Kind: delivery.Retry, At: start, NotBefore: start,
				ErrorCode: 130429})
		},
		"was lost and is sent again": func(b *bench, t *testing.T, m delivery.Claimed) { lost(b, t, m, delivery.SendAgain) },
		"was in a dead worker's hands": func(b *bench, t *testing.T, m delivery.Claimed) {
			b.pass(t, 20*time.Second)
			if n, err := b.queue.ExpireLeases(b.ctx); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		},
		"failed and is retried": func(b *bench, t *testing.T, m delivery.Claimed) {
			b.record(t, accepted(m), failed(m))
			if n, err := b.queue.Requeue(b.ctx, b.campaign.ID, anyCode); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		},
	} {
		t.Run(waiting, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				b := setUp(t, db)
				for reason, change := range changes {
					b.requireOptIn(false)
					p := b.people(1, enum.ConsentUnknown)[0]
					id := b.to(t, b.campaign, b.campaign.TemplateID, p)[0]
					claimed := b.claim(t, 1, 0)
					if len(claimed) != 1 {
						t.Fatalf("claimed %d at first", len(claimed))
					}

					wait(b, t, claimed[0])
					change(b, p)
					if again := b.claim(t, 1, 0); len(again) != 0 {
						t.Errorf("%s: claimed all the same", reason)
					}
					if diff := gocmp.Diff([]string{"SKIPPED " + reason}, b.fates(id)); diff != "" {
						t.Error(diff)
					}

					m := db.Client.Message.GetX(b.ctx, id)
					if m.ClosedAt == nil || m.LeaseUntil != nil || m.ErrorCode != nil || m.FailedAt != nil {
						t.Errorf("%s: the message is %+v", reason, m)
					}

					b.verify(t)
				}
			})
		})
	}
}

func TestACategoryThatWhatsAppChangesCountsAsItIsNow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		template := b.campaign.TemplateID
		out, in := b.people(1, enum.ConsentOptedOut)[0], b.people(1, enum.ConsentOptedIn)[0]
		b.recategorize(template, enum.TemplateCategoryUtility)
		ids := append(b.to(t, b.campaign, template, out, in), b.to(t, nil, template, out)...)
		b.recategorize(template, enum.TemplateCategoryMarketing)
		b.claim(t, 10, 0)
		if diff := gocmp.Diff([]string{"SKIPPED OPTED_OUT", "SENDING", "SKIPPED OPTED_OUT"}, b.fates(ids...)); diff != "" {
			t.Error(diff)
		}

		b.recategorize(template, enum.TemplateCategoryUtility)
		if claimed := b.to(t, b.campaign, template, out); len(b.claim(t, 10, 0)) != 1 {
			t.Errorf("%s is no marketing any more, and stays", claimed)
		}

		b.verify(t)
	})
}

func TestAClaimTakesOthersInPlaceOfThoseThatAreSkipped(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		second := b.addCampaign("second")
		barred, willing := b.people(60, enum.ConsentOptedOut), b.people(30, enum.ConsentUnknown)
		ids := b.to(t, b.campaign, b.campaign.TemplateID, append(barred[:60:60], willing[:20]...)...)
		b.to(t, second, second.TemplateID, willing[20:]...)

		first := b.claim(t, 10, 0) // six whole pages of the first campaign may not go
		share := map[uid.ID]int{}
		for _, m := range first {
			share[m.Campaign]++
		}

		if len(first) != 10 || share[second.ID] < 5 {
			t.Errorf("claimed %v", share)
		}

		got := len(first)
		for len(first) > 0 {
			first = b.claim(t, 10, 0)
			got += len(first)
		}

		if got != 30 {
			t.Errorf("claimed %d, want all 30 that may be written to", got)
		}

		for i, fate := range b.fates(ids...) {
			if want := map[bool]string{true: "SKIPPED OPTED_OUT", false: "SENDING"}[i < 60]; fate != want {
				t.Errorf("message %d is %s, want %s", i, fate, want)
			}
		}

		if c := db.Client.Campaign.GetX(b.ctx, b.campaign.ID); c.Skipped != 60 || c.Sending != 20 || c.Queued != 0 ||
			c.Total != 80 {
			t.Errorf("%d skipped, %d sending, %d queued of %d", c.Skipped, c.Sending, c.Queued, c.Total)
		}

		b.checkLog(t, 60)
		b.verify(t)
	})
}

func TestAnAudienceThatIsBarredAsAWholeIsPassedByInBoundedClaims(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.enqueue(t, b.campaign, 3000) // of strangers, who have not opted in
		b.requireOptIn(true)
		claims := 0

		for ; db.Client.Campaign.GetX(b.ctx, b.campaign.ID).Queued > 0; claims++ {
			before := db.Client.Campaign.GetX(b.ctx, b.campaign.ID).Queued
			if claimed := b.claim(t, 5, 0); len(claimed) > 0 {
				t.Fatalf("claimed %d", len(claimed))
			}
			if skipped := before - db.Client.Campaign.GetX(b.ctx, b.campaign.ID).Queued; skipped == 0 || skipped > 1000 {
				t.Fatalf("one claim skipped %d", skipped)
			}
		}

		if claims < 3 {
			t.Errorf("3,000 were skipped in %d claims", claims)
		}
		if _, waits, err := b.queue.NextDue(b.ctx, b.campaign.PhoneNumberID); waits || err != nil {
			t.Errorf("something waits: %t, %v", waits, err)
		}

		b.checkLog(t, 3000)
		b.verify(t)
	})
}

func TestWorkersThatClaimAtOnceSkipEachMessageOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		people := append(b.people(150, enum.ConsentOptedOut), b.people(150, enum.ConsentOptedIn)...)
		rand.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
		b.to(t, b.campaign, b.campaign.TemplateID, people...)
		b.to(t, nil, b.campaign.TemplateID, people[:50]...)
		first := b.queue
		b.run(t)
		var mu sync.Mutex
		seen := map[uid.ID]int{}
		var workers sync.WaitGroup

		for i := range 4 {
			workers.Go(func() {
				queue := []*delivery.Queue{first, b.queue}[i%2]
				for {
					claimed, _, err := queue.Claim(b.ctx, b.campaign.PhoneNumberID, 7,
						[]delivery.Runnable{{Campaign: b.campaign.ID, Most: -1}}, delivery.Limit{})
					if err != nil {
						t.Error(err)
					}
					if len(claimed) == 0 {
						return
					}

					mu.Lock()
					for _, m := range claimed {
						seen[m.ID]++
					}

					mu.Unlock()
				}
			})
		}

		workers.Wait()
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s was claimed %d times", id, n)
			}
		}

		skipped := db.Client.Message.Query().Where(message.StatusEQ(enum.MessageStatusSkipped)).CountX(b.ctx)
		if skipped+len(seen) != 350 || db.Client.Campaign.GetX(b.ctx, b.campaign.ID).Skipped != 150 {
			t.Errorf("%d skipped, %d claimed of 350", skipped, len(seen))
		}
		if events, err := b.log.Read(b.ctx, b.organization, 0, 1000); len(events) != skipped || err != nil {
			t.Errorf("the log has %d entries for %d, %v", len(events), skipped, err)
		}

		b.verify(t)
	})
}

func TestWhoIsSkippedTakesNoPlaceInALimitOrAQuota(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.to(t, b.campaign, b.campaign.TemplateID,
			append(b.people(12, enum.ConsentOptedOut), b.people(8, enum.ConsentUnknown)...)...)
		five, ten := 5, 10
		limit := delivery.Limit{Account: b.account, People: &five, Organization: b.organization, PerDay: &ten}
		single := b.people(1, enum.ConsentOptedOut)[0]

		if err := db.InTx(b.ctx, func(tx *database.Tx) error {
			room, err := b.queue.Take(b.ctx, tx, b.organization, ten)
			if !room {
				t.Error("there is no room for a single message")
			}

			return err
		}); err != nil {
			t.Fatal(err)
		}

		b.to(t, nil, b.campaign.TemplateID, single)
		var claimed []delivery.Claimed

		for full := false; !full; {
			got, now, err := b.queue.Claim(b.ctx, b.campaign.PhoneNumberID, 4,
				[]delivery.Runnable{{Campaign: b.campaign.ID, Most: -1}}, limit)
			if err != nil {
				t.Fatal(err)
			}

			claimed, full = append(claimed, got...), now
		}

		if len(claimed) != 5 {
			t.Errorf("claimed %d under a limit of 5", len(claimed))
		}
		if used, err := b.queue.Used(b.ctx, b.account); used != 5 || err != nil {
			t.Errorf("%d people count, %v", used, err)
		}
		if sent, err := b.queue.SentToday(b.ctx, b.organization); sent != 5 || err != nil {
			t.Errorf("%d messages count, %v", sent, err)
		}

		b.verify(t)
	})
}

func TestWhatAProcessThatDiesHasSkippedStaysSkippedAndTheRestIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		people := append(b.people(3, enum.ConsentOptedOut), b.people(5, enum.ConsentUnknown)...)
		ids := b.to(t, b.campaign, b.campaign.TemplateID, people...)
		if claimed := b.claim(t, 8, 0); len(claimed) != 5 { // and its process dies: nothing is handed over
			t.Fatalf("claimed %d", len(claimed))
		}

		b.consent(people[7], enum.ConsentOptedOut)
		b.pass(t, 20*time.Second)
		if n, err := b.queue.ExpireLeases(b.ctx); n != 5 || err != nil {
			t.Fatalf("%d were taken back, %v", n, err)
		}

		b.claim(t, 8, 0)
		want := []string{"SKIPPED OPTED_OUT", "SKIPPED OPTED_OUT", "SKIPPED OPTED_OUT", "SENDING", "SENDING", "SENDING",
			"SENDING", "SKIPPED OPTED_OUT"}
		if diff := gocmp.Diff(want, b.fates(ids...)); diff != "" {
			t.Error(diff)
		}

		b.checkLog(t, 4)
		b.verify(t)
	})
}

func TestAReceiptOfAnEarlierTryCountsThoughTheMessageWasSkipped(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		p := b.people(1, enum.ConsentUnknown)[0]
		id := b.to(t, b.campaign, b.campaign.TemplateID, p)[0]
		b.claim(t, 1, 0)
		b.record(t, delivery.Fact{Message: id, Attempt: 1, Kind: delivery.Lost, At: start},
			delivery.Fact{Message: id, Attempt: 1, Kind: delivery.SendAgain, At: start, NotBefore: start})
		b.consent(p, enum.ConsentOptedOut)
		b.claim(t, 1, 0)
		b.record(t, delivery.Fact{Message: id, WAMID: "w", Attempt: 1, Kind: delivery.Delivered, At: start})
		if diff := gocmp.Diff([]string{"DELIVERED"}, b.fates(id)); diff != "" {
			t.Error(diff)
		}
		if c := db.Client.Campaign.GetX(b.ctx, b.campaign.ID); c.Skipped != 0 || c.Delivered != 1 {
			t.Errorf("%d skipped, %d delivered", c.Skipped, c.Delivered)
		}

		b.verify(t)
	})
}

func TestARetryLeavesThoseAloneWhoMayNotBeWrittenTo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		people := b.people(4, enum.ConsentUnknown)
		ids := b.to(t, b.campaign, b.campaign.TemplateID, people...)
		for _, m := range b.claim(t, 4, 0) {
			b.record(t, accepted(m), failed(m))
		}

		b.consent(people[1], enum.ConsentOptedOut)
		if n, err := b.queue.Requeue(b.ctx, b.campaign.ID, anyCode); n != 3 || err != nil {
			t.Errorf("queued %d again, %v", n, err)
		}
		if diff := gocmp.Diff([]string{"QUEUED", "FAILED", "QUEUED", "QUEUED"}, b.fates(ids...)); diff != "" {
			t.Error(diff)
		}

		b.verify(t)
	})
}

// The person is written to by another form of the number, or by a user id.
func TestASuppressedNumberIsTheContactsByWhateverAddressTheyAreWrittenTo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		people := b.people(2, enum.ConsentOptedIn)
		for _, p := range people {
			db.Client.ContactIdentifier.Create().SetOrganizationID(b.organization).SetKind(enum.IdentifierKindPhone).
				SetValue(p.phone).SetContactID(p.contact).SetSince(start).ExecX(b.ctx)
		}

		b.suppress(people[0].phone)
		for i, address := range []string{"US.1234", "US.5678"} {
			people[i].phone = address
		}

		ids := b.to(t, b.campaign, b.campaign.TemplateID, people...)
		b.claim(t, 10, 0)
		if diff := gocmp.Diff([]string{"SKIPPED SUPPRESSED", "SENDING"}, b.fates(ids...)); diff != "" {
			t.Error(diff)
		}

		stranger := b.people(1, enum.ConsentOptedIn) // on another organization's list
		db.Client.Suppression.Create().SetOrganizationID(uid.New(uid.Organization)).SetPhone(stranger[0].phone).
			SetNumberKey(stranger[0].phone).ExecX(b.ctx)
		ids = b.to(t, b.campaign, b.campaign.TemplateID, stranger...)
		b.claim(t, 10, 0)
		if diff := gocmp.Diff([]string{"SENDING"}, b.fates(ids...)); diff != "" {
			t.Error(diff)
		}

		b.verify(t)
	})
}

// What waits to the United States is skipped once its template becomes one of marketing; what goes
// to the rest of +1 is not.
func TestAMessageIsSkippedForTheRuleOfItsCountryWhenItsTurnComes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		people := []person{b.person(person{phone: "+12125550123", consent: enum.ConsentOptedIn, country: "US", known: "id"}),
			b.person(person{phone: "+14165550123", consent: enum.ConsentOptedIn, country: "CA", known: "id"}),
			b.person(person{phone: "+18765550123", consent: enum.ConsentOptedIn, country: "JM", known: "id"})}
		b.recategorize(b.campaign.TemplateID, enum.TemplateCategoryUtility)
		before := b.to(t, b.campaign, b.campaign.TemplateID, people...)
		b.claim(t, 10, 0)
		waits := b.to(t, b.campaign, b.campaign.TemplateID, people...)
		b.recategorize(b.campaign.TemplateID, enum.TemplateCategoryMarketing)
		b.claim(t, 10, 0)

		want := []string{"SENDING", "SENDING", "SENDING", "SKIPPED COUNTRY_RULE", "SENDING", "SENDING"}
		if diff := gocmp.Diff(want, b.fates(append(before, waits...)...)); diff != "" {
			t.Error(diff)
		}

		b.verify(t)
	})
}
