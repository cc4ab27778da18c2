package campaign_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/uid"
)

// On random people: the launch writes to as many as the estimate says, leaves out as many for each
// reason, and sends the same translations.
func TestALaunchDoesWhatTheEstimateSays(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for _, language := range []string{"de", "fr"} {
			db.Client.Template.Create().SetOrganizationID(s.account.OrganizationID).SetAccountID(s.account.ID).
				SetName("sale").SetUpdatedAt(s.now).SetLanguage(language).SetCategory(enum.TemplateCategoryMarketing).
				SetStatus(enum.TemplateStatusApproved).SetComponents([]byte(`[{"type":"BODY","text":"{{1}} in {{2}}."}]`)).
				ExecX(s.owner)
		}

		random := rand.New(rand.NewPCG(16, 5))
		one := func(from ...string) string { return from[random.IntN(len(from))] }
		var suppressed []string

		for i := range 300 {
			country := one("US", "CA", "DE", "CN")
			prefix := map[string]string{"US": "1212555", "CA": "1416555", "DE": "4915112340", "CN": "861380013"}[country]
			phone := fmt.Sprintf("+%s%04d", prefix, i)
			consent := enum.Consent(one("OPTED_IN", "OPTED_OUT", "UNKNOWN"))
			s.contact(phone, one("Ann", "Bob", "", "\u200b"), one("Rome", "", strings.Repeat("x", 1100)), consent).Update().
				SetNillableLanguage(nonEmpty(one("", "de", "de_CH", "fr", "en", "ja"))).
				SetNillableCountry(nonEmpty(one(country, country, ""))).ExecX(s.owner)
			if random.IntN(10) == 0 {
				suppressed = append(suppressed, phone)
			}
		}
		for _, phone := range suppressed {
			db.Client.Suppression.Create().SetOrganizationID(s.account.OrganizationID).SetPhone(phone).SetNumberKey(phone).
				ExecX(s.owner)
		}

		for _, optIn := range []bool{false, true} {
			policy := jsonfield.DefaultSendingPolicy()
			policy.RequireOptIn, policy.MarketingPerContactPerDay = optIn, 1
			db.Client.Organization.UpdateOneID(s.account.OrganizationID).SetSendingPolicy(policy).ExecX(s.system)

			d := s.draft()
			d.Translate = optIn
			c, err := s.Create(s.owner, d)
			if err != nil {
				t.Fatal(err)
			}

			e, err := s.Estimate(s.owner, c.ID)
			if err != nil || len(e.Problems) > 0 {
				t.Fatal(err, e)
			}
			if _, err := s.Launch(s.owner, c.ID, &e.Recipients); err != nil {
				t.Fatal(err)
			}
			if err := s.Enroll(s.owner, c.ID); err != nil {
				t.Fatal(err)
			}

			said, did := map[string]int{}, map[string]int{}
			if e.Recipients > 0 {
				said["written to"] = e.Recipients
			}
			for _, skip := range e.Skipped {
				said[string(skip.Reason)] = skip.Count
			}
			for _, l := range e.Languages {
				said["in "+l.Template.Language] = l.Recipients
			}
			for _, country := range e.Countries {
				said["of "+country.Country] = country.Recipients
			}

			limit := delivery.Limit{Account: s.account.ID, Organization: s.account.OrganizationID, PerContact: 1}
			s.claimWithin(t, limit) // what the caps of the day leave is sent at once
			for _, m := range db.Client.Message.Query().Where(message.CampaignID(c.ID)).WithTemplate().AllX(s.owner) {
				if m.SkipReason != nil {
					did[string(*m.SkipReason)]++
					continue
				}

				did["written to"]++
				did["in "+m.Edges.Template.Language]++
				did["of "+m.Country]++
			}
			if diff := cmp.Diff(said, did); diff != "" {
				t.Error(diff)
			}
			if said["COUNTRY_RULE"] == 0 || said["of US"] > 0 {
				t.Error("marketing goes to the United States:", said)
			}
			if said["FREQUENCY_CAP"] == 0 && optIn {
				t.Error("nobody has had enough marketing")
			}
			if !optIn && e.Recipients == 0 || optIn && e.Recipients > 0 && len(e.Samples) == 0 {
				t.Errorf("too little is tried: %v", said)
			}
		}
	})
}

func TestAnEstimateForecastsTimeAndLimitsAndWarns(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for i := range 100 {
			s.contact(fmt.Sprintf("+1416100%04d", i), "Ann", "Rome", enum.ConsentUnknown)
		}

		s.number.Update().SetThroughput(20).ExecX(s.system)
		s.account.Update().SetMessagingLimit(40).ExecX(s.system)
		other := s.launched(t, s.draft())
		if err := s.Enroll(s.owner, other.ID); err != nil {
			t.Fatal(err)
		}

		d := s.draft()
		d.RateLimit, d.ExpiresAt = of(4), of(s.now.Add(time.Hour))
		d.Canary = &jsonfield.Canary{Size: 10, WaitSeconds: 60, MaxFailureRate: 1}
		d.Parameters = d.Parameters[:1]
		c, err := s.Create(s.owner, d)
		if err != nil {
			t.Fatal(err)
		}

		e, err := s.Estimate(s.owner, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if e.Recipients != 0 || len(e.Missing) != 1 || e.Missing[0].Parameter != "2" || e.Missing[0].Count != 100 ||
			len(e.Problems) != 1 {
			t.Errorf("an unbound parameter: %+v", e)
		}

		d.Parameters = s.draft().Parameters
		if c, err = s.Create(s.owner, d); err != nil {
			t.Fatal(err)
		}
		if e, err = s.Estimate(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		// 100 at 4 a second are 25 s, behind 100 at 20 a second; but 40 people a day make it three days
		if *e.LimitRemaining != 40 || *e.LimitDays != 3 || e.Duration != 48*time.Hour || len(e.Warnings) != 3 {
			t.Errorf("%d left, %d days, %s, %q", *e.LimitRemaining, *e.LimitDays, e.Duration, e.Warnings)
		}

		s.account.Update().ClearMessagingLimit().ExecX(s.system)
		if e, err = s.Estimate(s.owner, c.ID); err != nil || e.Duration != 85*time.Second || e.LimitDays != nil {
			t.Errorf("%s, %v", e.Duration, err)
		}
		if _, err := s.Estimate(s.owner, uid.New(uid.Campaign)); err == nil {
			t.Error("a campaign that is none")
		}
	})
}

// claimWithin claims all that may go, so that what may not is skipped.
func (s *stage) claimWithin(t *testing.T, limit delivery.Limit) {
	t.Helper()
	for {
		campaigns, err := s.queue.Runnable(s.system, s.number.ID)
		if err != nil {
			t.Fatal(err)
		}

		claimed, _, err := s.queue.Claim(s.system, s.number.ID, 100, campaigns, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(claimed) == 0 {
			return
		}
	}
}

func TestAnEstimateCountsEverybodyHoweverManyPagesThatTakes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		const people = 4050 // a page and some more

		for from := 0; from < people; from += 450 {
			err := db.InTx(s.system, func(tx *database.Tx) error {
				rows := make([]*ent.ContactCreate, 450)
				for i := range rows {
					rows[i] = tx.Client.Contact.Create().SetOrganizationID(s.account.OrganizationID).SetCountry("CA").
						SetPhone(fmt.Sprintf("+1416%07d", 2_000_000+from+i)).SetName("Ann").
						SetAttributes(map[string]string{"city": "Rome"})
				}

				return tx.Client.Contact.CreateBulk(rows...).Exec(s.owner)
			})
			if err != nil {
				t.Fatal(err)
			}
		}

		d := s.draft()
		d.Audience = jsonfield.Audience{Filter: &jsonfield.ContactFilter{Country: []string{"CA"}}}
		c, err := s.Create(s.owner, d)
		if err != nil {
			t.Fatal(err)
		}

		e, err := s.Estimate(s.owner, c.ID)
		if err != nil || e.Recipients != people {
			t.Errorf("an estimate of %d people counts %d, %v", people, e.Recipients, err)
		}

		most := people - 1
		if _, err := s.Launch(s.owner, c.ID, &most); err == nil {
			t.Errorf("a launch for at most %d people took %d", most, people)
		}
	})
}
