package campaign_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"carillon/account"
	"carillon/audience"
	"carillon/caller"
	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/identity"
	"carillon/secret"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

type stage struct {
	*campaign.Service
	db       *database.DB
	queue    *delivery.Queue
	journal  *delivery.Journal
	audience *audience.Service
	accounts *account.Service
	owner    context.Context
	system   context.Context
	account  *ent.Account
	number   *ent.PhoneNumber
	template *ent.Template
	list     *ent.ContactList
	now      time.Time
	woken    map[uid.ID]int

	imported  func() // after each page of an import is committed; nil for nothing
	afterPage func() // once, when the first page of an enrolment is committed
}

func (s *stage) WakeEnrollment(_ context.Context, n uid.ID) { s.woken[n]++ }
func (s *stage) WakeLane(_ context.Context, n uid.ID) {
	s.woken[n]++
	if do := s.afterPage; do != nil {
		s.afterPage = nil
		do()
	}
}
func (s *stage) Publish(context.Context, uid.ID, []delivery.Event) {}
func (s *stage) Notify(context.Context, uid.ID, ...uid.ID)         {}

func stand(t *testing.T, db *database.DB) *stage {
	t.Helper()
	s := &stage{db: db, system: caller.System(t.Context()), now: database.Now(), woken: map[uid.ID]int{}}
	now := func() time.Time { return s.now }
	who := identity.New(db, identity.DefaultTerms(), now,
		identity.Options{Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}})
	s.journal = delivery.NewJournal(db, s, now, slog.New(slog.DiscardHandler))
	s.queue = delivery.NewQueue(db, s.journal, s, now)
	s.audience, s.accounts = audience.New(db, now, s.importMoved), accountsOf(t, db, who)
	s.Service = campaign.New(db, s.queue, s.audience, who, s.accounts, s, s, now)
	s.journal.Watch(s)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.journal.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	signed, err := who.SignUp(t.Context(), identity.SignUp{Email: "o@example.com", Password: "correct horse battery",
		Name: "O", OrganizationName: "Lucky Shrub", AcceptTermsVersion: who.Terms().Version})
	if err != nil {
		t.Fatal(err)
	}

	s.owner = identity.With(t.Context(), signed.Viewer)
	c, o := db.Client, signed.Viewer.Organization
	s.account = c.Account.Create().SetOrganizationID(o).SetWabaID("1").SetName("account").SetToken([]byte{1}).
		SaveX(s.owner)
	s.number = c.PhoneNumber.Create().SetOrganizationID(o).SetAccountID(s.account.ID).SetMetaID("2").
		SetDisplayNumber("+1 555").SetVerifiedName("n").SaveX(s.owner)
	s.template = c.Template.Create().SetOrganizationID(o).SetAccountID(s.account.ID).SetName("sale").SetUpdatedAt(s.now).
		SetLanguage("en").SetCategory(enum.TemplateCategoryMarketing).
		SetStatus(enum.TemplateStatusApproved).
		SetComponents([]byte(`[{"type":"BODY","text":"Hi {{1}}, see you in {{2}} soon."}]`)).SaveX(s.owner)

	s.list = c.ContactList.Create().SetOrganizationID(o).SetName("list").SaveX(s.owner)

	return s
}

func (s *stage) importMoved(context.Context, uid.ID, uid.ID) {
	if s.imported != nil {
		s.imported()
	}
}

// accountsOf is the accounts' service without a WhatsApp to ask.
func accountsOf(t *testing.T, db *database.DB, who *identity.Service) *account.Service {
	t.Helper()
	keys, err := secret.NewKeyring(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}

	return account.New(db, keys, whatsapp.NewClient("http://127.0.0.1:1", "v26.0"), who, account.Options{}, database.Now)
}

func (s *stage) contact(phone, name, city string, consent enum.Consent) *ent.Contact {
	c := s.db.Client.Contact.Create().SetOrganizationID(s.account.OrganizationID).SetPhone(phone).SetName(name).
		SetAttributes(map[string]string{"city": city}).SetMarketingConsent(consent).SaveX(s.owner)
	s.db.Client.ContactIdentifier.Create().SetOrganizationID(s.account.OrganizationID).SetKind(enum.IdentifierKindPhone).
		SetValue(phone).SetContactID(c.ID).SetSince(s.now).ExecX(s.owner)
	s.db.Client.ListMember.Create().SetOrganizationID(s.account.OrganizationID).SetContactID(c.ID).
		SetContactListID(s.list.ID).ExecX(s.owner)

	return c
}

func of[T any](v T) *T { return &v }

func (s *stage) draft() campaign.Draft {
	return campaign.Draft{Name: "Spring", TemplateID: s.template.ID, PhoneNumberID: s.number.ID,
		Audience: jsonfield.Audience{ListIDs: []uid.ID{s.list.ID}},
		Parameters: []jsonfield.ParameterBinding{{Parameter: "1", ContactField: of("name")},
			{Parameter: "2", Attribute: of("city")}}}
}

func TestADraftThatCannotWorkIsRefusedWithEveryReason(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		other := s.db.Client.Account.Create().SetOrganizationID(s.account.OrganizationID).SetWabaID("9").SetName("other").
			SetToken([]byte{1}).SaveX(s.owner)
		foreign := s.db.Client.PhoneNumber.Create().SetOrganizationID(s.account.OrganizationID).SetAccountID(other.ID).
			SetMetaID("8").SetDisplayNumber("+1").SetVerifiedName("n").SaveX(s.owner)

		for name, tc := range map[string]struct {
			edit func(*campaign.Draft)
			want map[string]usererror.Code
		}{
			"no name": {func(d *campaign.Draft) { d.Name = "  " },
				map[string]usererror.Code{"name": usererror.Required}},
			"a name too long": {func(d *campaign.Draft) { d.Name = strings.Repeat("ü", 201) },
				map[string]usererror.Code{"name": usererror.TooLong}},
			"unknown template and number": {func(d *campaign.Draft) {
				d.TemplateID, d.PhoneNumberID = uid.New(uid.Template), uid.ID{}
			}, map[string]usererror.Code{"templateId": usererror.NoSuch, "phoneNumberId": usererror.NoSuch}},
			"a number of another account": {func(d *campaign.Draft) { d.PhoneNumberID = foreign.ID },
				map[string]usererror.Code{"phoneNumberId": usererror.Invalid}},
			"an unknown list": {func(d *campaign.Draft) {
				d.Audience.ListIDs = []uid.ID{uid.New(uid.ContactList)}
			}, map[string]usererror.Code{"audience.listIds.0": usererror.NoSuch}},
			"a rate of nothing": {func(d *campaign.Draft) { d.RateLimit = of(0) },
				map[string]usererror.Code{"rateLimit": usererror.Invalid}},
			"a threshold over one": {func(d *campaign.Draft) { d.FailureThreshold = of(1.5) },
				map[string]usererror.Code{"failureThreshold": usererror.Invalid}},
			"over before it starts": {func(d *campaign.Draft) {
				d.ExpiresAt = of(s.now.Add(-time.Hour))
			}, map[string]usererror.Code{"expiresAt": usererror.Invalid}},
			"a parameter it does not have": {func(d *campaign.Draft) { d.Parameters[1].Parameter = "9" },
				map[string]usererror.Code{"parameters.1.parameter": usererror.Invalid}},
			"a parameter twice": {func(d *campaign.Draft) { d.Parameters[1].Parameter = "1" },
				map[string]usererror.Code{"parameters.1.parameter": usererror.Invalid}},
			"two sources for one": {func(d *campaign.Draft) { d.Parameters[0].Value = of("x") },
				map[string]usererror.Code{"parameters.0": usererror.Invalid}},
			"a field that contacts lack": {func(d *campaign.Draft) {
				d.Parameters[0].ContactField = of("shoeSize")
			}, map[string]usererror.Code{"parameters.0.contactField": usererror.Invalid}},
		} {
			d := s.draft()
			tc.edit(&d)
			_, err := s.Create(s.owner, d)
			if diff := cmp.Diff(tc.want, codes(err)); diff != "" {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
		}

		if n := db.Client.Campaign.Query().CountX(s.owner); n != 0 {
			t.Errorf("%d campaigns were made of refused drafts", n)
		}
	})
}

func codes(err error) map[string]usererror.Code {
	var in usererror.Fields
	if !errors.As(err, &in) {
		return nil
	}

	found := map[string]usererror.Code{}
	for _, one := range in {
		found[strings.Join(one.Path, ".")] = one.Code
	}

	return found
}

func TestALaunchIsRefusedWhileSomethingStandsInItsWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*stage, *campaign.Draft)
		says string
	}{
		"the template is not approved": {func(s *stage, _ *campaign.Draft) {
			s.template.Update().SetStatus(enum.TemplateStatusPending).ExecX(s.owner)
		}, "PENDING"},
		"the account is gone": {func(s *stage, _ *campaign.Draft) {
			s.account.Update().SetStatus(enum.AccountStatusTokenExpired).ExecX(s.owner)
		}, "TOKEN_EXPIRED"},
		"nobody would receive it": {func(s *stage, _ *campaign.Draft) {
			s.db.Client.ListMember.Delete().ExecX(s.owner)
		}, "empty"},
		"a parameter is not bound": {func(_ *stage, d *campaign.Draft) { d.Parameters = d.Parameters[:1] }, "not bound: 2"},
		"somebody lacks a value": {func(_ *stage, d *campaign.Draft) {
			d.MissingParameter = enum.MissingParameterPolicyFail
		}, "1 recipients lack a value, e.g. +8613800000002 (2)"},
		"it expired": {func(s *stage, d *campaign.Draft) {
			d.ExpiresAt = of(s.now.Add(time.Minute))
		}, "expired"},
		"the organization is suspended": {func(s *stage, _ *campaign.Draft) {
			s.db.Client.Organization.Update().SetStatus(enum.OrganizationStatusSuspended).ExecX(s.system)
		}, "SUSPENDED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentUnknown)
				s.contact("+8613800000002", "Bo", "", enum.ConsentUnknown)
				d := s.draft()
				tc.edit(s, &d)
				c, err := s.Create(s.owner, d)
				if err != nil {
					t.Fatal(err)
				}

				s.now = s.now.Add(time.Hour)
				_, err = s.Launch(s.owner, c.ID, nil)
				if len(codes(err)) == 0 || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("launch says %v, want something about %q", err, tc.says)
				}
				if got := db.Client.Campaign.GetX(s.owner, c.ID).Status; got != enum.CampaignStatusDraft {
					t.Errorf("campaign is %s after a refused launch", got)
				}
			})
		})
	}
}

func TestEnrollmentMakesOneMessageForEachRecipientAndSaysWhomItLeavesOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+8613800000001", "Ana", "Lisbon\nNorth", enum.ConsentOptedIn)
		s.contact("+8613800000002", "Bo", "", enum.ConsentUnknown)
		s.contact("+8613800000003", "Cy", "Rome", enum.ConsentOptedOut)
		c, err := s.Create(s.owner, s.draft())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Launch(s.owner, c.ID, nil); err != nil {
			t.Fatal(err)
		}

		for range 3 { // a wake-up too many does no harm
			if err := s.Enroll(t.Context(), c.ID); err != nil {
				t.Fatal(err)
			}
		}

		got := map[string]string{}
		for _, m := range db.Client.Message.Query().Where(message.CampaignID(c.ID)).AllX(s.owner) {
			reason := ""
			if m.SkipReason != nil {
				reason = " " + string(*m.SkipReason)
			}

			got[m.Address] = string(m.Status) + reason + " " + m.Parameters["1"] + "/" + m.Parameters["2"]
		}

		want := map[string]string{"+8613800000001": "QUEUED Ana/Lisbon North",
			"+8613800000002": "SKIPPED MISSING_PARAMETER Bo/", "+8613800000003": "SKIPPED OPTED_OUT Cy/Rome"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}

		if row := db.Client.Campaign.GetX(s.owner, c.ID); row.Status != enum.CampaignStatusRunning || row.Total != 3 ||
			row.Queued != 1 || row.Skipped != 2 || row.EnrolledAt == nil {
			t.Errorf("campaign is %s with %d, %d queued, %d skipped", row.Status, row.Total, row.Queued, row.Skipped)
		}

		if s.woken[s.number.ID] == 0 {
			t.Error("nobody woke the lane")
		}
	})
}

func TestACampaignGoesToPeopleWithoutANumberByTheirUserID(t *testing.T) {
	t.Parallel()
	for category, want := range map[enum.TemplateCategory]string{enum.TemplateCategoryMarketing: "QUEUED",
		enum.TemplateCategoryAuthentication: "SKIPPED INVALID_NUMBER"} {
		t.Run(string(category), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				c := s.contact("", "Ana", "Rome", enum.ConsentOptedIn)
				db.Client.Contact.UpdateOneID(c.ID).ClearPhone().SetWaUserID("PT.1").SetCountry("PT").ExecX(s.owner)
				campaign, err := s.Create(s.owner, s.draft())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Launch(s.owner, campaign.ID, nil); err != nil {
					t.Fatal(err)
				}

				db.Client.Template.UpdateOneID(s.template.ID).SetCategory(category).ExecX(s.owner)
				if err := s.Enroll(t.Context(), campaign.ID); err != nil {
					t.Fatal(err)
				}

				m := db.Client.Message.Query().Where(message.CampaignID(campaign.ID)).OnlyX(s.owner)
				got := string(m.Status)
				if m.SkipReason != nil {
					got += " " + string(*m.SkipReason)
				}
				if got != want || m.Address != "PT.1" || m.Country != "PT" {
					t.Errorf("%s to %s in %s, want %s", got, m.Address, m.Country, want)
				}
			})
		})
	}
}

func TestACampaignWithNobodyLeftToWriteToIsOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+8613800000003", "Cy", "Rome", enum.ConsentOptedOut)
		c, _ := s.Create(s.owner, s.draft())
		if _, err := s.Launch(s.owner, c.ID, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Enroll(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}

		if row := db.Client.Campaign.GetX(s.owner, c.ID); row.Status != enum.CampaignStatusCompleted ||
			row.CompletedAt == nil {
			t.Errorf("campaign is %s", row.Status)
		}
	})
}

func TestWorkersThatEnrollAtOnceRepeatNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		const n = 2500 // several pages
		err := db.InTx(s.owner, func(tx *database.Tx) error {
			for i := range n {
				c, err := tx.Client.Contact.Create().SetOrganizationID(s.account.OrganizationID).SetPhone("+1416" +
					strconv.Itoa(2_000_000+i)).SetName("N").SetAttributes(map[string]string{"city": "Rome"}).Save(s.owner)
				if err != nil {
					return err
				}

				if err := tx.Client.ListMember.Create().SetOrganizationID(s.account.OrganizationID).SetContactID(c.ID).
					SetContactListID(s.list.ID).Exec(s.owner); err != nil {
					return err
				}
			}

			return nil
		})
		if err != nil {
			t.Fatal(err)
		}

		c, err := s.Create(s.owner, s.draft())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Launch(s.owner, c.ID, nil); err != nil {
			t.Fatal(err)
		}

		s.woken = nil // its map is for one goroutine
		service := quiet{s}.service()
		failed := make(chan error, 4)
		for range cap(failed) {
			go func() { failed <- service.Enroll(t.Context(), c.ID) }()
		}

		for range cap(failed) {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}

		if row := db.Client.Campaign.GetX(s.owner, c.ID); row.Total != n || row.Queued != n {
			t.Errorf("total %d, queued %d, want %d", row.Total, row.Queued, n)
		}
		if got := db.Client.Message.Query().Where(message.CampaignID(c.ID)).CountX(s.owner); got != n {
			t.Errorf("%d messages for %d recipients", got, n)
		}
	})
}

// quiet is the stage without its memory, for several goroutines.
type quiet struct{ s *stage }

func (q quiet) WakeEnrollment(context.Context, uid.ID) {}
func (q quiet) WakeLane(context.Context, uid.ID)       {}
func (q quiet) service() *campaign.Service {
	now := database.Now
	who := identity.New(q.s.db, identity.DefaultTerms(), now, identity.Options{})
	return campaign.New(q.s.db, delivery.NewQueue(q.s.db, nil, q.s, now), audience.New(q.s.db, now, nil), who,
		nil, q, q.s, now)
}

func TestAScheduledCampaignStartsWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentUnknown)
		d := s.draft()
		d.ScheduledAt = of(s.now.Add(time.Hour))
		c, err := s.Create(s.owner, d)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = s.Launch(s.owner, c.ID, nil); err != nil || c.Status != enum.CampaignStatusScheduled {
			t.Fatalf("launched to %v, %v", c, err)
		}
		if err := s.Sweep(s.system); err != nil {
			t.Fatal(err)
		}
		if got := db.Client.Campaign.GetX(s.owner, c.ID).Status; got != enum.CampaignStatusScheduled {
			t.Fatalf("campaign is %s before its time", got)
		}

		s.now = s.now.Add(2 * time.Hour)
		if err := s.Sweep(s.system); err != nil {
			t.Fatal(err)
		}
		if got := db.Client.Campaign.GetX(s.owner, c.ID).Status; got != enum.CampaignStatusPreparing || s.woken[c.ID] == 0 {
			t.Errorf("campaign is %s, woken %d times", got, s.woken[c.ID])
		}
	})
}

func TestWhatIsNotSentInTimeIsSkipped(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentUnknown)
		d := s.draft()
		d.ExpiresAt = of(s.now.Add(time.Hour))
		c, _ := s.Create(s.owner, d)
		if _, err := s.Launch(s.owner, c.ID, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Enroll(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}

		s.now = s.now.Add(2 * time.Hour)
		if err := s.Sweep(s.system); err != nil {
			t.Fatal(err)
		}
		if row := db.Client.Campaign.GetX(s.owner, c.ID); row.Status != enum.CampaignStatusCompleted || row.Skipped != 1 {
			t.Errorf("campaign is %s with %d skipped", row.Status, row.Skipped)
		}
	})
}

func TestTheSameIdempotencyKeyMakesOneCampaign(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		d := s.draft()
		d.IdempotencyKey = "once"
		first, err := s.Create(s.owner, d)
		if err != nil {
			t.Fatal(err)
		}

		again, err := s.Create(s.owner, d)
		if err != nil || again.ID != first.ID {
			t.Errorf("the second call made %v, %v", again, err)
		}

		d.Name = "another"
		if _, err := s.Create(s.owner, d); codes(err)["idempotencyKey"] == "" {
			t.Errorf("the same key for something else: %v", err)
		}
	})
}

func TestAnotherOrganizationsCampaignIsNotFound(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		c, err := s.Create(s.owner, s.draft())
		if err != nil {
			t.Fatal(err)
		}

		stranger := caller.In(t.Context(), db.Client.Organization.Create().SetName("other").SaveX(s.system).ID)
		for _, do := range []func(context.Context, uid.ID) (*ent.Campaign, error){s.launchAll, s.Pause, s.Resume, s.Cancel} {
			_, foreign := do(stranger, c.ID)
			_, made := do(stranger, uid.New(uid.Campaign))
			if !usererror.Is(foreign, usererror.NotFound) || foreign.Error() != made.Error() {
				t.Errorf("a foreign campaign: %v; one that never was: %v", foreign, made)
			}
		}
	})
}

// launchAll launches, however many people that is.
func (s *stage) launchAll(ctx context.Context, id uid.ID) (*ent.Campaign, error) {
	return s.Launch(ctx, id, nil)
}
