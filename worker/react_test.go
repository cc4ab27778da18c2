package worker_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"carillon/account"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// bystanders are campaigns that run beside the one under test: of the same number, and of another
// number and template of the same account. Nothing of theirs is sent.
func (s *stage) bystanders(t *testing.T) (sameNumber, sameAccount *ent.Campaign) {
	t.Helper()
	c, o := s.db.Client, s.account.OrganizationID
	number := c.PhoneNumber.Create().SetOrganizationID(o).SetAccountID(s.account.ID).SetMetaID("3").
		SetDisplayNumber("+1 3").SetVerifiedName("n").SaveX(s.system)
	template := c.Template.Create().SetOrganizationID(o).SetAccountID(s.account.ID).SetName("second").
		SetLanguage("en_US").SetCategory(enum.TemplateCategoryUtility).
		SetStatus(enum.TemplateStatusApproved).SetComponents([]byte("[]")).SaveX(s.system)

	beside := func(number uid.ID) *ent.Campaign {
		return c.Campaign.Create().SetOrganizationID(o).SetName("bystander").SetTemplateID(template.ID).
			SetPhoneNumberID(number).SetAudienceRule(jsonfield.Audience{}).
			// waits for a lost answer
			SetParameters(nil).SetStatus(enum.CampaignStatusRunning).SetEnrolledAt(database.Now()).SetUnknown(1).SaveX(s.system)
	}

	return beside(s.number.ID), beside(number.ID)
}

func (s *stage) isPaused(id uid.ID) bool { return s.campaign(id).Status == enum.CampaignStatusPaused }

func TestErrorsOfBothChannelsPauseExactlyWhatTheyConcern(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		address             string
		reason              enum.CampaignStatusReason
		ofNumber, ofAccount bool // who of the bystanders is concerned
		template            enum.TemplateStatus
		account             enum.AccountStatus
		message             string
	}{
		"a paused template by answer": {"+14165550124", enum.CampaignStatusReasonTemplatePaused, false, false,
			enum.TemplateStatusPaused, enum.AccountStatusConnected, "QUEUED"},
		"a disabled template by answer": {"+14165550125", enum.CampaignStatusReasonTemplateDisabled, false, false,
			enum.TemplateStatusDisabled, enum.AccountStatusConnected, "QUEUED"},
		"a missing payment by answer": {"+14165550126", enum.CampaignStatusReasonPaymentIssue, true, true,
			enum.TemplateStatusApproved, enum.AccountStatusConnected, "QUEUED"},
		"an invalid token by answer": {"+14165550127", enum.CampaignStatusReasonTokenInvalid, true, true,
			enum.TemplateStatusApproved, enum.AccountStatusTokenExpired, "QUEUED"},
		"a spam limit by answer": {"+14165550128", enum.CampaignStatusReasonQualityLow, true, false,
			enum.TemplateStatusApproved, enum.AccountStatusConnected, "QUEUED"},
		"a lost registration by answer": {"+14165550129", enum.CampaignStatusReasonAccountRestricted, true, false,
			enum.TemplateStatusApproved, enum.AccountStatusConnected, "QUEUED"},
		"a paused template by webhook": {"+14165550147", enum.CampaignStatusReasonTemplatePaused, false, false,
			enum.TemplateStatusPaused, enum.AccountStatusConnected, "FAILED 132015"},
		"a missing payment by webhook": {"+14165550149", enum.CampaignStatusReasonPaymentIssue, true, true,
			enum.TemplateStatusApproved, enum.AccountStatusConnected, "FAILED 131042"},
		"an undeliverable one by webhook": {"+14165550140", "", false, false, enum.TemplateStatusApproved,
			enum.AccountStatusConnected, "FAILED 131026"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db, sandbox.Options{Throughput: 1000, HoldFor: time.Second})
				sameNumber, sameAccount := s.bystanders(t)
				// One more recipient whose time has not come keeps the campaign from being over before a
				// webhook comes.
				c := s.launch(t, s.contactsOf(t, tc.address, "+14165550001"))
				if err := s.campaigns.Enroll(s.system, c.ID); err != nil {
					t.Fatal(err)
				}

				db.Client.Message.Update().Where(message.Address("+14165550001")).SetNotBefore(database.Now().Add(time.Hour)).
					ExecX(s.system)
				s.work(t, s.process)
				s.until(t, "its message is "+tc.message, func() bool {
					m := db.Client.Message.Query().Where(message.Address(tc.address)).OnlyX(s.system)
					return strings.HasPrefix(status(m), tc.message) && (tc.reason == "" || s.isPaused(c.ID))
				})

				if got := s.campaign(c.ID); tc.reason == "" && got.Status != enum.CampaignStatusRunning ||
					tc.reason != "" && (got.StatusReason == nil || *got.StatusReason != tc.reason) {
					t.Errorf("the campaign is %s because of %v", got.Status, got.StatusReason)
				}

				// Campaigns pause one after the other.
				s.until(t, "whom it concerns is paused", func() bool {
					return (!tc.ofNumber || s.isPaused(sameNumber.ID)) && (!tc.ofAccount || s.isPaused(sameAccount.ID))
				})

				if s.isPaused(sameNumber.ID) != tc.ofNumber || s.isPaused(sameAccount.ID) != tc.ofAccount {
					t.Errorf("paused: of the same number %t, of the same account %t", s.isPaused(sameNumber.ID),
						s.isPaused(sameAccount.ID))
				}

				if got := db.Client.Template.GetX(s.system, s.template.ID); got.Status != tc.template {
					t.Errorf("the template is %s", got.Status)
				}
				if got := db.Client.Account.GetX(s.system, s.account.ID); got.Status != tc.account {
					t.Errorf("the account is %s", got.Status)
				}
			})
		})
	}
}

func TestASingleMessageThatIsRefusedForMoreThanItselfFailsWithItsCode(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		sameNumber, sameAccount := s.bystanders(t)
		s.work(t, s.process)
		s.enqueue(t, "+14165550126")
		s.until(t, "the message failed", func() bool {
			m := db.Client.Message.Query().OnlyX(s.system)
			return status(m) == "FAILED 131042"
		})

		if !s.isPaused(sameNumber.ID) || !s.isPaused(sameAccount.ID) {
			t.Error("the account's campaigns go on")
		}
	})
}

func TestWhoStopsMarketingIsOptedOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		s.launch(t, s.contactsOf(t, "+14165550142"))
		s.work(t, s.process)
		s.until(t, "the person is opted out", func() bool {
			return db.Client.Contact.Query().Where(contact.MarketingConsentEQ(enum.ConsentOptedOut)).ExistX(s.system)
		})
		records := db.Client.ConsentRecord.Query().AllX(s.system)
		if len(records) != 1 || records[0].Source != "whatsapp 131050" || records[0].Evidence == nil {
			t.Errorf("recorded: %v", records)
		}
	})
}

// mended runs a campaign until something goes wrong in its middle, holds that it cannot be resumed
// before that is mended, and that then everybody gets one message.
func mended(t *testing.T, db *database.DB, reason enum.CampaignStatusReason, hurt, mend func(t *testing.T, s *stage)) {
	t.Helper()
	const n = 60
	s := stand(t, db, sandbox.Options{Throughput: 40, NoPairLimit: true})
	c := s.launch(t, s.contacts(t, n))
	s.work(t, s.process)
	if err := s.sandbox.WaitAccepted(t.Context(), 5); err != nil {
		t.Fatal(err)
	}

	hurt(t, s)
	s.until(t, "it is paused", func() bool { return s.isPaused(c.ID) })
	if got := s.campaign(c.ID); *got.StatusReason != reason || *got.StatusDetail == "" {
		t.Errorf("it is paused because of %s", *got.StatusReason)
	}

	s.until(t, "what was claimed is back", func() bool { return s.campaign(c.ID).Sending == 0 })
	if _, err := s.campaigns.Resume(s.owner, c.ID); err == nil {
		t.Error("it was resumed before it is mended")
	}

	mend(t, s)
	s.until(t, "it can be resumed", func() bool { _, err := s.campaigns.Resume(s.owner, c.ID); return err == nil })
	s.until(t, "everything is read", func() bool { return s.campaign(c.ID).Read == n })
	s.judge(t, c.ID, n)
}

func TestACampaignWhoseTemplateMetaPausesGoesOnWhenItIsApprovedAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		mended(t, db, enum.CampaignStatusReasonTemplatePaused,
			func(_ *testing.T, s *stage) { s.sandbox.PauseTemplate(waba, "hello") },
			func(_ *testing.T, s *stage) { s.sandbox.ApproveTemplate(waba, "hello") })
	})
}

func TestACampaignWhoseTokenIsRevokedGoesOnWithAnother(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		mended(t, db, enum.CampaignStatusReasonTokenInvalid,
			func(_ *testing.T, s *stage) { s.sandbox.InvalidateToken(token) },
			func(t *testing.T, s *stage) {
				s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Token: "EAAanother"})
				if _, err := s.accounts.Connect(s.owner,
					account.Connect{WABAID: waba, AccessToken: "EAAanother", ConsentToTransfer: true}); err != nil {
					t.Fatal(err)
				}
			})
	})
}

func TestACampaignWhoseAccountIsRestrictedGoesOnWhenThatIsOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		mended(t, db, enum.CampaignStatusReasonAccountRestricted,
			func(t *testing.T, s *stage) {
				news := json.RawMessage(fmt.Sprintf(`{"event":"ACCOUNT_RESTRICTION","restriction_info":[
					{"restriction_type":"RESTRICTED_BIZ_INITIATED_MESSAGING","expiration":%d}]}`, time.Now().AddDate(0, 0, 7).Unix()))
				if err := s.sandbox.SendEvent(waba, "account_update", news); err != nil {
					t.Fatal(err)
				}
			},
			func(t *testing.T, s *stage) {
				if _, err := s.accounts.Sync(s.owner, s.account.ID); err != nil {
					t.Fatal(err)
				}
			})
	})
}

func TestACampaignThatFailsTooOftenStopsItself(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		const n = 150
		s := stand(t, db, sandbox.Options{Throughput: 40, NoPairLimit: true, Undeliverable: 1, DuplicateWebhooks: 0.3,
			ShuffleWebhooks: 0.3})
		c := s.launch(t, s.contacts(t, n))
		second := s.start(t)
		s.work(t, s.process)
		s.work(t, second)
		s.until(t, "it is paused", func() bool { return s.isPaused(c.ID) })
		got := s.campaign(c.ID)
		if *got.StatusReason != enum.CampaignStatusReasonFailureRate || !strings.Contains(*got.StatusDetail,
			"answers were failures: 131026 Undeliverable (") || !strings.Contains(*got.StatusDetail, "threshold 20 %") {
			t.Errorf("it is paused because of %s: %s", *got.StatusReason, *got.StatusDetail)
		}

		s.until(t, "what was claimed has an end", func() bool {
			row := s.campaign(c.ID)
			return row.Sending == 0 && row.Queued+row.Failed == n
		})

		row := s.campaign(c.ID)
		if row.Queued == 0 {
			t.Error("it was stopped when everything had been sent")
		}

		s.sandbox.Change(func(o *sandbox.Options) { o.Undeliverable = 0 })
		if _, err := s.campaigns.Resume(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		s.until(t, "the rest is read", func() bool { return s.campaign(c.ID).Read == row.Queued })
		s.judge(t, c.ID, n)
	})
}

func TestARetrySendsAgainOnceWhatFailedForAPassingReason(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		const n = 40
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true, NoWebhooks: true})
		c := s.launch(t, s.contacts(t, n))
		s.work(t, s.process)
		s.until(t, "it is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
		fails := map[string]int{} // by address, how it failed
		old := map[uid.ID]delivery.Fact{}

		for i, m := range s.messages(c.ID) {
			f := delivery.Fact{Message: m.ID, WAMID: *m.Wamid, Attempt: m.Attempts, Kind: delivery.Failed, At: database.Now(),
				ErrorCode: []int{131000, 131026, 0, 131000}[i%4]}
			switch i % 4 {
			case 2:
				f.Kind = delivery.Read
			case 3: // and arrived after all
				s.record(t, f)
				f.Kind, f.ErrorCode = delivery.Delivered, 0
			default:
				fails[m.Address] = f.ErrorCode
				old[m.ID] = f
			}

			s.record(t, f)
		}

		got, err := s.campaigns.Retry(s.owner, c.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Queued+got.Sending+got.Accepted != n/4 {
			t.Errorf("%d are queued, %d sending, %d accepted after a retry of %d", got.Queued, got.Sending, got.Accepted, n/4)
		}

		for _, f := range old { // Meta repeats itself
			s.record(t, f)
		}

		s.until(t, "it is over again", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
		sent := map[string]int{}
		for _, a := range s.sandbox.Accepted() {
			sent["+"+strings.TrimPrefix(a.To, "+")]++
		}

		for _, m := range s.messages(c.ID) {
			want := 1
			if fails[m.Address] == 131000 {
				want = 2
			}
			if sent[m.Address] != want || m.Attempts != want {
				t.Errorf("%s got %d messages in %d attempts, want %d", m.Address, sent[m.Address], m.Attempts, want)
			}
		}

		if row := s.campaign(c.ID); row.Accepted != n/4 || row.Failed != n/4 || row.Read != n/4 || row.Delivered != n/4 {
			t.Errorf("counts are %d accepted, %d failed, %d read, %d delivered", row.Accepted, row.Failed, row.Read,
				row.Delivered)
		}

		differences, err := s.queue.Verify(s.system)
		if err != nil || len(differences) > 0 {
			t.Error(differences, err)
		}
	})
}

func (s *stage) record(t *testing.T, facts ...delivery.Fact) {
	t.Helper()
	if unmatched, err := s.journal.Record(s.system, facts...); err != nil || len(unmatched) > 0 {
		t.Fatalf("%d unmatched, %v", len(unmatched), err)
	}
}
