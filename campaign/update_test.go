package campaign_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

// faults are the fields of an error, with their codes, in alphabetical order.
func faults(err error) (out []string) {
	var in usererror.Fields
	if !errors.As(err, &in) {
		return []string{fmt.Sprint(err)}
	}

	for _, f := range in {
		out = append(out, strings.Join(f.Path, ".")+" "+string(f.Code))
	}

	slices.Sort(out)

	return out
}

func TestWhatMayChangeOfACampaignDependsOnHowFarItIs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+14161000001", "Ann", "Rome", enum.ConsentOptedIn)
		other := s.newList(t, "other")
		template := db.Client.Template.Create().SetOrganizationID(s.account.OrganizationID).SetAccountID(s.account.ID).
			SetName("sale2").SetUpdatedAt(s.now).SetLanguage("en").SetCategory(enum.TemplateCategoryMarketing).
			SetStatus(enum.TemplateStatusApproved).
			SetComponents([]byte(`[{"type":"BODY","text":"Hi {{1}}, see you in {{2}} soon."}]`)).SaveX(s.owner)
		number := db.Client.PhoneNumber.Create().SetOrganizationID(s.account.OrganizationID).SetAccountID(s.account.ID).
			SetMetaID("3").SetDisplayNumber("+1 556").SetVerifiedName("n").SaveX(s.owner)
		zone, soon := "Europe/Berlin", s.now.Add(3*time.Hour)

		edits := map[string]func(*campaign.Draft){
			"name":             func(d *campaign.Draft) { d.Name += "!" },
			"reference":        func(d *campaign.Draft) { d.Reference = of(text(d.Reference) + "x") },
			"rateLimit":        func(d *campaign.Draft) { d.RateLimit = of(value(d.RateLimit) + 1) },
			"failureThreshold": func(d *campaign.Draft) { d.FailureThreshold = of(value(d.FailureThreshold) + 0.01) },
			"expiresAt":        func(d *campaign.Draft) { d.ExpiresAt = of(s.now.Add(48 * time.Hour)) },
			"audience":         func(d *campaign.Draft) { d.Audience.ExcludeListIDs = append(d.Audience.ExcludeListIDs, other) },
			"parameters":       func(d *campaign.Draft) { d.Parameters[0].Fallback = of(text(d.Parameters[0].Fallback) + "y") },
			"missingParameter": func(d *campaign.Draft) { d.MissingParameter = opposite(d.MissingParameter) },
			"scheduledAt":      func(d *campaign.Draft) { d.ScheduledAt = of(d.ScheduledAt.Add(time.Minute)) },
			"timeZone": func(d *campaign.Draft) {
				d.TimeZone = of(map[bool]string{true: "UTC", false: zone}[text(d.TimeZone) == zone])
			},
			"recipientTime": func(d *campaign.Draft) { d.RecipientTime = !d.RecipientTime },
			"translate":     func(d *campaign.Draft) { d.Translate = !d.Translate },
			"canary": func(d *campaign.Draft) {
				next := jsonfield.Canary{Size: 1}
				if d.Canary != nil {
					next.Size = d.Canary.Size + 1
				}
				d.Canary = &next
			},
			"templateId":    func(d *campaign.Draft) { d.TemplateID = template.ID },
			"phoneNumberId": func(d *campaign.Draft) { d.PhoneNumberID = number.ID },
		}
		late := []string{"templateId", "phoneNumberId"}
		early := append([]string{"audience", "parameters", "missingParameter", "scheduledAt", "timeZone", "recipientTime",
			"translate", "canary"}, late...)
		bounds := []string{"rateLimit", "failureThreshold", "expiresAt"}

		for phase, tc := range map[string]struct {
			reach func(c *ent.Campaign) error
			fixed []string
		}{
			"draft":     {func(*ent.Campaign) error { return nil }, nil},
			"scheduled": {func(c *ent.Campaign) error { return second(s.Launch(s.owner, c.ID, nil)) }, late},
			"paused before it began": {func(c *ent.Campaign) error {
				return errors.Join(second(s.Launch(s.owner, c.ID, nil)), second(s.Pause(s.owner, c.ID)))
			}, late},
			"being sent": {func(c *ent.Campaign) error {
				atOnce := func(d *campaign.Draft) { d.ScheduledAt, d.TimeZone = nil, nil }
				return errors.Join(second(s.Update(s.owner, c.ID, atOnce)),
					second(s.Launch(s.owner, c.ID, nil)), s.Enroll(s.owner, c.ID))
			}, early},
			"over": {func(c *ent.Campaign) error { return second(s.Cancel(s.owner, c.ID)) }, slices.Concat(early, bounds)},
		} {
			d := s.draft()
			d.ScheduledAt, d.TimeZone = &soon, &zone
			c, err := s.Create(s.owner, d)
			if err != nil {
				t.Fatal(err)
			}
			if err := tc.reach(c); err != nil {
				t.Fatal(phase, err)
			}

			for field, edit := range edits {
				if phase == "being sent" && field == "scheduledAt" {
					edit = func(d *campaign.Draft) { d.ScheduledAt = &soon }
				}
				if phase != "draft" && field == "recipientTime" && slices.Contains(tc.fixed, field) {
					continue // without a time it is wrong for itself
				}

				_, err := s.Update(s.owner, c.ID, edit)
				var want []string
				if slices.Contains(tc.fixed, field) {
					want = []string{field + " NOT_ALLOWED"}
				}
				if err == nil && want == nil {
					continue
				}
				if diff := cmp.Diff(want, faults(err)); diff != "" {
					t.Errorf("%s of a campaign that is %s: %s", field, phase, diff)
				}
			}
		}
	})
}

func TestAChangeIsCheckedAsADraftIsAndNamesEveryField(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		c, err := s.Create(s.owner, s.draft())
		if err != nil {
			t.Fatal(err)
		}

		long, past, mars := strings.Repeat("r", 256), s.now.Add(-time.Hour), "Mars/Olympus"
		_, err = s.Update(s.owner, c.ID, func(d *campaign.Draft) {
			d.Name, d.Reference, d.RateLimit, d.FailureThreshold = " ", &long, of(0), of(2.0)
			d.Canary = &jsonfield.Canary{Size: 0, WaitSeconds: -1, MaxFailureRate: 1.5}
			d.ScheduledAt, d.Audience = &past, jsonfield.Audience{ListIDs: []uid.ID{uid.New(uid.ContactList)}}
		})
		want := []string{"audience.listIds.0 NOT_FOUND", "canary.maxFailureRate INVALID", "canary.size INVALID",
			"canary.waitSeconds INVALID", "failureThreshold INVALID", "name REQUIRED", "rateLimit INVALID",
			"reference TOO_LONG", "scheduledAt INVALID"}
		if diff := cmp.Diff(want, faults(err)); diff != "" {
			t.Error(diff)
		}

		for want, edit := range map[string]func(*campaign.Draft){
			"timeZone INVALID":       func(d *campaign.Draft) { d.TimeZone = &mars },
			"recipientTime REQUIRED": func(d *campaign.Draft) { d.RecipientTime = true },
			"reference INVALID":      func(d *campaign.Draft) { d.Reference = of("two\nlines") },
		} {
			if _, err := s.Update(s.owner, c.ID, edit); !slices.Contains(faults(err), want) {
				t.Errorf("want %s: %v", want, err)
			}
		}

		again, err := s.Update(s.owner, c.ID, func(*campaign.Draft) {})
		if err != nil || again.Name != "Spring" {
			t.Error("a change of nothing:", again, err)
		}
	})
}

func TestOfTwoChangesAtOnceBothAreKept(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		c, err := s.Create(s.owner, s.draft())
		if err != nil {
			t.Fatal(err)
		}

		var all sync.WaitGroup
		for i, edit := range []func(*campaign.Draft){
			func(d *campaign.Draft) { d.Name = "Autumn" }, func(d *campaign.Draft) { d.RateLimit = of(7) },
			func(d *campaign.Draft) { d.Reference = of("r-1") }, func(d *campaign.Draft) { d.Translate = true },
		} {
			all.Go(func() {
				if _, err := s.Update(s.owner, c.ID, edit); err != nil {
					t.Error(i, err)
				}
			})
		}

		all.Wait()
		c = db.Client.Campaign.GetX(s.owner, c.ID)
		if c.Name != "Autumn" || *c.RateLimit != 7 || *c.Reference != "r-1" || !c.Translate {
			t.Errorf("%+v", c)
		}
	})
}

func TestAChangeOfAnOlderRevisionIsStaleAndChangesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		c, err := s.Create(s.owner, s.draft())
		if err != nil {
			t.Fatal(err)
		}

		known := campaign.Revision(db.Client.Campaign.GetX(s.owner, c.ID))
		mine, err := s.UpdateRevision(s.owner, c.ID, known, func(d *campaign.Draft) { d.RateLimit = of(7) })
		if err != nil || campaign.Revision(mine) == known {
			t.Fatal("the first to change it:", err)
		}

		_, err = s.UpdateRevision(s.owner, c.ID, known, func(d *campaign.Draft) { d.RateLimit = of(9) })
		var in usererror.Fields
		if !errors.As(err, &in) || len(in) != 1 || in[0].Code != usererror.Stale {
			t.Error("the second to change it:", err)
		}
		now := db.Client.Campaign.GetX(s.owner, c.ID)
		if *now.RateLimit != 7 || campaign.Revision(now) != campaign.Revision(mine) {
			t.Errorf("%+v", now)
		}
	})
}

func TestACopyIsADraftWithoutTimesAndReference(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+14161000001", "Ann", "Rome", enum.ConsentOptedIn)
		d := s.draft()
		d.Name, d.Reference, d.ExpiresAt = strings.Repeat("n", 200), of("r-1"), of(s.now.Add(time.Hour))
		d.RateLimit, d.Canary = of(5), &jsonfield.Canary{Size: 3, WaitSeconds: 60, MaxFailureRate: 0.1}
		c := s.launched(t, d)
		if err := s.Enroll(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		twin, err := s.Duplicate(s.owner, c.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		if twin.Status != enum.CampaignStatusDraft || twin.Name != strings.Repeat("n", 193)+" (copy)" ||
			twin.Reference != nil || twin.ExpiresAt != nil || *twin.RateLimit != 5 || twin.Canary.Size != 3 || twin.Total != 0 ||
			*twin.CanaryState != enum.CanaryStatePending || twin.LaunchedAt != nil {
			t.Errorf("%+v", twin)
		}

		named, err := s.Duplicate(s.owner, twin.ID, of("Summer"))
		if err != nil || named.Name != "Summer" {
			t.Error(named, err)
		}
		if _, err := s.Duplicate(s.owner, uid.New(uid.Campaign), nil); !usererror.Is(err, usererror.NotFound) {
			t.Error(err)
		}
	})
}

func TestALaunchIsRefusedWhereMorePeopleWouldGetItThanSomebodyAgreedTo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for i := range 3 {
			s.contact(fmt.Sprintf("+1416100000%d", i), "Ann", "Rome", enum.ConsentOptedIn)
		}

		s.contact("+14161000009", "Bob", "Rome", enum.ConsentOptedOut) // gets nothing, and does not count
		c, err := s.Create(s.owner, s.draft())
		if err != nil {
			t.Fatal(err)
		}

		for most, want := range map[int]string{2: "atMostRecipients STALE", -1: "atMostRecipients INVALID"} {
			if _, err := s.Launch(s.owner, c.ID, &most); cmp.Diff([]string{want}, faults(err)) != "" {
				t.Errorf("at most %d: %v", most, err)
			}
		}
		if c, err := s.Launch(s.owner, c.ID, of(3)); err != nil || c.Status != enum.CampaignStatusPreparing {
			t.Error(c, err)
		}
	})
}

func TestEachPersonGetsTheTranslationOfTheirLanguage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for language, body := range map[string]string{"de": "{{1}} {{2}} de", "pt_BR": "{{1}} {{2}} br",
			"zh_CN": "{{1}} {{2}} cn", "fr": "{{1}} {{2}} {{3}} needs more", "es": "{{1}} {{2}} es"} {
			status := enum.TemplateStatusApproved
			if language == "es" {
				status = enum.TemplateStatusPaused
			}
			db.Client.Template.Create().SetOrganizationID(s.account.OrganizationID).SetAccountID(s.account.ID).
				SetName("sale").SetUpdatedAt(s.now).SetLanguage(language).SetCategory(enum.TemplateCategoryMarketing).
				SetStatus(status).SetComponents([]byte(`[{"type":"BODY","text":"` + body + `"}]`)).ExecX(s.owner)
		}

		want := map[string]string{"de_AT": "de", "DE": "de", "pt-br": "pt_BR", "pt": "pt_BR", "zh_CN": "zh_CN",
			"zh_SG": "zh_CN", "zh_HK": "en", "fr": "en", "es": "en", "": "en", "en_GB": "en", "xx-nonsense": "en"}
		i := 0
		for language := range want {
			i++
			s.contact(fmt.Sprintf("+1416100%04d", i), "n "+language, "Rome", enum.ConsentOptedIn).Update().
				SetNillableLanguage(nonEmpty(language)).ExecX(s.owner)
		}

		d := s.draft()
		d.Translate = true
		c := s.launched(t, d)
		if err := s.Enroll(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		got := map[string]string{}
		for _, m := range db.Client.Message.Query().WithTemplate().AllX(s.owner) {
			got[strings.TrimPrefix(m.Parameters["1"], "n ")] = m.Edges.Template.Language
		}
		delete(want, "")
		want["n"] = "en" // blanks at the end are cut
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func value[T any](v *T) (zero T) {
	if v == nil {
		return zero
	}
	return *v
}

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func second[T any](_ T, err error) error { return err }

func opposite(p enum.MissingParameterPolicy) enum.MissingParameterPolicy {
	if p == enum.MissingParameterPolicySkip {
		return enum.MissingParameterPolicyFail
	}
	return enum.MissingParameterPolicySkip
}
