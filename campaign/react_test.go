package campaign_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// house is campaigns that send: "both" with the stage's template and number, and others that share
// one of these, the account or nothing with it.
type house struct {
	*stage
	campaigns map[string]*ent.Campaign
}

func furnish(t *testing.T, db *database.DB) house {
	t.Helper()
	s := stand(t, db)
	c, o := db.Client, s.account.OrganizationID
	h := house{s, map[string]*ent.Campaign{}}
	foreign := c.Account.Create().SetOrganizationID(o).SetWabaID("9").SetName("other").SetToken([]byte{1}).SaveX(s.owner)
	number := func(a *ent.Account, id string) *ent.PhoneNumber {
		return c.PhoneNumber.Create().SetOrganizationID(o).SetAccountID(a.ID).SetMetaID(id).SetDisplayNumber("+1 " + id).
			SetVerifiedName("n").SaveX(s.owner)
	}

	template := func(a *ent.Account, name string) *ent.Template {
		return c.Template.Create().SetOrganizationID(o).SetAccountID(a.ID).SetName(name).SetUpdatedAt(s.now).
			SetLanguage("en").SetCategory(enum.TemplateCategoryMarketing).
			SetStatus(enum.TemplateStatusApproved).SetComponents([]byte(`[{"type":"BODY","text":"Hi"}]`)).SaveX(s.owner)
	}

	secondNumber, secondTemplate := number(s.account, "3"), template(s.account, "second")
	for name, of := range map[string]struct {
		template *ent.Template
		number   *ent.PhoneNumber
	}{
		"both": {s.template, s.number}, "twin": {s.template, s.number}, "template": {s.template, secondNumber},
		"number":  {secondTemplate, s.number},
		"account": {secondTemplate, secondNumber}, "stranger": {template(foreign, "third"), number(foreign, "8")},
	} {
		h.campaigns[name] = c.Campaign.Create().SetOrganizationID(o).SetName(name).SetTemplateID(of.template.ID).
			SetPhoneNumberID(of.number.ID).
			SetStatus(enum.CampaignStatusRunning).SetAudienceRule(jsonfield.Audience{}).
			SetParameters([]jsonfield.ParameterBinding{}).SetEnrolledAt(s.now).SaveX(s.owner)
	}

	return h
}

// paused names the campaigns that stand still, and checks that they all say why.
func (h house) paused(t *testing.T, reason enum.CampaignStatusReason) (names []string) {
	t.Helper()
	for _, c := range h.db.Client.Campaign.Query().AllX(h.system) {
		if c.Status != enum.CampaignStatusPaused {
			continue
		}

		names = append(names, c.Name)
		if c.StatusReason == nil || *c.StatusReason != reason || c.StatusDetail == nil || *c.StatusDetail == "" {
			t.Errorf("campaign %s is paused because of %v, want %s; it says %v", c.Name, c.StatusReason, reason, c.StatusDetail)
		}
	}

	slices.Sort(names)

	return names
}

func (h house) failure(code int) campaign.Failure {
	return campaign.Failure{
		Organization: h.account.OrganizationID, Campaign: h.campaigns["both"].ID, Template: h.template.ID,
		PhoneNumber: h.number.ID, Account: h.account.ID,
		Address: "+8613800000001", Rule: whatsapp.RuleFor(code, 0, 0, false), Detail: "in Meta's words", At: h.now,
	}
}

func (h house) react(t *testing.T, f campaign.Failure) (stopped bool) {
	t.Helper()
	stopped, err := h.React(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}

	return stopped
}

var (
	ofTemplate = []string{"both", "template", "twin"}
	ofNumber   = []string{"both", "number", "twin"}
	ofAccount  = []string{"account", "both", "number", "template", "twin"}
)

func TestAnErrorPausesExactlyTheCampaignsThatItConcerns(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code     int
		times    int
		paused   []string
		reason   enum.CampaignStatusReason
		account  enum.AccountStatus
		template enum.TemplateStatus
	}{
		"a campaign": {131064, 1, []string{"both"}, enum.CampaignStatusReasonAccountRestricted,
			enum.AccountStatusConnected, enum.TemplateStatusApproved},
		"a paused template": {132015, 1, ofTemplate, enum.CampaignStatusReasonTemplatePaused,
			enum.AccountStatusConnected, enum.TemplateStatusPaused},
		"a disabled template": {132016, 1, ofTemplate, enum.CampaignStatusReasonTemplateDisabled,
			enum.AccountStatusConnected, enum.TemplateStatusDisabled},
		"a template that does not exist": {132001, 1, ofTemplate, enum.CampaignStatusReasonTemplateDisabled,
			enum.AccountStatusConnected, enum.TemplateStatusApproved},
		"a number's quality": {131048, 1, ofNumber, enum.CampaignStatusReasonQualityLow,
			enum.AccountStatusConnected, enum.TemplateStatusApproved},
		"a number that is not registered": {133010, 1, ofNumber, enum.CampaignStatusReasonAccountRestricted,
			enum.AccountStatusConnected, enum.TemplateStatusApproved},
		"an expired token": {190, 1, ofAccount, enum.CampaignStatusReasonTokenInvalid,
			enum.AccountStatusTokenExpired, enum.TemplateStatusApproved},
		"a locked account": {131031, 1, ofAccount, enum.CampaignStatusReasonAccountRestricted,
			enum.AccountStatusRestricted, enum.TemplateStatusApproved},
		"a policy violation": {368, 1, ofAccount, enum.CampaignStatusReasonAccountRestricted,
			enum.AccountStatusRestricted, enum.TemplateStatusApproved},
		"a missing payment": {131042, 1, ofAccount, enum.CampaignStatusReasonPaymentIssue,
			enum.AccountStatusConnected, enum.TemplateStatusApproved},
		"a permission refused once": {10, 1, nil, "", enum.AccountStatusConnected, enum.TemplateStatusApproved},
		"a permission refused twice": {10, 2, ofAccount, enum.CampaignStatusReasonTokenInvalid,
			enum.AccountStatusTokenExpired, enum.TemplateStatusApproved},
		"an undeliverable message":         {131026, 3, nil, "", enum.AccountStatusConnected, enum.TemplateStatusApproved},
		"content that WhatsApp cannot use": {132000, 3, nil, "", enum.AccountStatusConnected, enum.TemplateStatusApproved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				h := furnish(t, db)
				stopped := false
				for range tc.times {
					stopped = h.react(t, h.failure(tc.code))
				}

				if diff := cmp.Diff(tc.paused, h.paused(t, tc.reason)); diff != "" {
					t.Error(diff)
				}
				if stopped != (len(tc.paused) > 0) {
					t.Errorf("reported stopped: %t", stopped)
				}
				if a := db.Client.Account.GetX(h.system, h.account.ID); a.Status != tc.account {
					t.Errorf("the account is %s", a.Status)
				}
				if p := db.Client.Template.GetX(h.system, h.template.ID); p.Status != tc.template {
					t.Errorf("the template is %s", p.Status)
				}
				if len(tc.paused) == 0 {
					return
				}

				detail := *db.Client.Campaign.GetX(h.system, h.campaigns["both"].ID).StatusDetail
				rule := whatsapp.RuleFor(tc.code, 0, 0, false)

				for _, part := range []string{rule.Title, rule.Advice, "in Meta's words"} {
					if !strings.Contains(detail, part) {
						t.Errorf("the detail %q lacks %q", detail, part)
					}
				}
			})
		})
	}
}

func TestAnErrorThatHasToBeRepeatedIsBelievedOnlyWithinAMinuteAndOfTheSameAccount(t *testing.T) {
	t.Parallel()
	h := furnish(t, dbtest.Open(t, dbtest.SQLite(t)))
	h.react(t, h.failure(10))
	other := h.failure(10)
	other.Account = uid.New(uid.Account)
	h.react(t, other)
	h.now = h.now.Add(61 * time.Second)
	h.react(t, h.failure(10))
	if got := h.paused(t, ""); len(got) > 0 {
		t.Errorf("%v were paused by single errors", got)
	}

	h.now = h.now.Add(59 * time.Second)
	h.react(t, h.failure(10))
	if diff := cmp.Diff(ofAccount, h.paused(t, enum.CampaignStatusReasonTokenInvalid)); diff != "" {
		t.Error(diff)
	}
}

func TestAnErrorOfThePastPausesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := furnish(t, db)
		old, replaced := h.failure(131042), h.failure(190)
		old.At = h.now.Add(-time.Hour)
		replaced.Token = []byte("the token before")

		for _, f := range []campaign.Failure{old, replaced} {
			if h.react(t, f) {
				t.Errorf("%d was believed", f.Rule.Code)
			}
		}

		if got := h.paused(t, ""); len(got) > 0 {
			t.Errorf("%v were paused", got)
		}
		if a := db.Client.Account.GetX(h.system, h.account.ID); a.Status != enum.AccountStatusConnected {
			t.Errorf("the account is %s", a.Status)
		}
	})
}

func TestThePauseOfAUserStandsAgainstALaterError(t *testing.T) {
	t.Parallel()
	h := furnish(t, dbtest.Open(t, dbtest.SQLite(t)))
	if _, err := h.Pause(h.owner, h.campaigns["both"].ID); err != nil {
		t.Fatal(err)
	}

	h.react(t, h.failure(131064))
	if c := h.db.Client.Campaign.GetX(h.system,
		h.campaigns["both"].ID); *c.StatusReason != enum.CampaignStatusReasonPausedByUser {
		t.Errorf("the campaign is paused because of %s", *c.StatusReason)
	}
}

func TestWhoStopsMarketingIsNotWrittenToAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := furnish(t, db)
		ana := h.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentOptedIn)
		bo := h.contact("+8613800000002", "Bo", "Rome", enum.ConsentUnknown)
		cy := h.contact("+8613800000003", "Cy", "Rome", enum.ConsentOptedIn)
		db.Client.ConsentRecord.Create().SetOrganizationID(ana.OrganizationID).SetContactID(cy.ID).
			SetConsent(enum.ConsentOptedIn).SetSource("keyword").
			SetSaidBy(enum.ConsentSpeakerContact).SetSaidAt(h.now.Add(time.Second)).ExecX(h.owner)
		byAddress, byID, late := h.failure(131050), h.failure(131050), h.failure(131050)
		byID.Contact, byID.Address, late.Contact = bo.ID, "", cy.ID
		for _, f := range []campaign.Failure{byAddress, byAddress, byID, late} {
			h.react(t, f)
		}

		for _, want := range []struct {
			*ent.Contact
			consent enum.Consent
			records int
		}{{ana, enum.ConsentOptedOut, 1}, {bo, enum.ConsentOptedOut, 1}, {cy, enum.ConsentOptedIn, 2}} {
			got := db.Client.Contact.GetX(h.owner, want.ID)
			records := got.QueryConsentHistory().AllX(h.owner)
			if got.MarketingConsent != want.consent || len(records) != want.records {
				t.Errorf("%s is %s with %d records", *got.Name, got.MarketingConsent, len(records))
			}

			if got.ID != cy.ID && (len(records) == 0 || records[0].Source != "whatsapp 131050" ||
				records[0].Consent != enum.ConsentOptedOut) {
				t.Errorf("%s has %v", *got.Name, records)
			}
		}

		if got := h.paused(t, ""); len(got) > 0 {
			t.Errorf("%v were paused", got)
		}
	})
}

func TestWhatMetaTellsPausesTheCampaignsConcernedUntilItIsMended(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(h house) error
		mend   func(h house)
		paused []string
		reason enum.CampaignStatusReason
		free   bool // may be resumed at once, by somebody's own will
	}{
		"a template is paused": {
			func(h house) error {
				return h.TemplateChanged(h.system, h.template.Update().SetStatus(enum.TemplateStatusPaused).SaveX(h.system))
			},
			func(h house) {
				h.template.Update().SetStatus(enum.TemplateStatusApproved).ExecX(h.system)
			}, ofTemplate, enum.CampaignStatusReasonTemplatePaused, false,
		},
		"a template is rejected": {
			func(h house) error {
				return h.TemplateChanged(h.system, h.template.Update().SetStatus(enum.TemplateStatusRejected).
					SetRejectionReason("SCAM").SaveX(h.system))
			},
			func(h house) {
				h.template.Update().SetStatus(enum.TemplateStatusApproved).ExecX(h.system)
			}, ofTemplate, enum.CampaignStatusReasonTemplateDisabled, false,
		},
		"a number is flagged": {
			func(h house) error {
				return h.NumberChanged(h.system, h.number.Update().SetStatus("FLAGGED").SaveX(h.system))
			},
			func(h house) {
				h.number.Update().SetStatus("CONNECTED").ExecX(h.system)
			}, ofNumber, enum.CampaignStatusReasonQualityLow, false,
		},
		"a number is gone": {
			func(h house) error {
				return h.NumberChanged(h.system, h.number.Update().SetStatus("DELETED").SaveX(h.system))
			},
			func(h house) {
				h.number.Update().SetStatus("CONNECTED").ExecX(h.system)
			}, ofNumber, enum.CampaignStatusReasonAccountRestricted, false,
		},
		"a number turns red": {
			func(h house) error {
				return h.NumberChanged(h.system, h.number.Update().SetQualityRating(enum.QualityRatingRed).SaveX(h.system))
			},
			func(house) {}, ofNumber, enum.CampaignStatusReasonQualityLow, true,
		},
		"an account is restricted": {
			func(h house) error {
				return h.AccountChanged(h.system, h.account.Update().SetStatus(enum.AccountStatusRestricted).
					SetStatusReason("spam").SaveX(h.system))
			},
			func(h house) {
				h.account.Update().SetStatus(enum.AccountStatusConnected).ExecX(h.system)
			}, ofAccount, enum.CampaignStatusReasonAccountRestricted, false,
		},
		"a token is taken away": {
			func(h house) error {
				return h.AccountChanged(h.system, h.account.Update().SetStatus(enum.AccountStatusTokenExpired).SaveX(h.system))
			},
			func(h house) {
				h.account.Update().SetStatus(enum.AccountStatusConnected).ExecX(h.system)
			}, ofAccount, enum.CampaignStatusReasonTokenInvalid, false,
		},
		"a template gets better": {
			func(h house) error {
				return h.TemplateChanged(h.system, h.template.Update().SetQualityScore(enum.QualityRatingGreen).SaveX(h.system))
			}, nil, nil, "", false,
		},
		"a number changes its name": {
			func(h house) error {
				return h.NumberChanged(h.system, h.number.Update().SetVerifiedName("new").SaveX(h.system))
			}, nil, nil, "", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				h := furnish(t, db)
				for range 2 {
					if err := tc.change(h); err != nil {
						t.Fatal(err)
					}
				}

				if diff := cmp.Diff(tc.paused, h.paused(t, tc.reason)); diff != "" {
					t.Fatal(diff)
				}
				if len(tc.paused) == 0 {
					return
				}

				id := h.campaigns["both"].ID
				if _, err := h.Resume(h.owner, id); (err == nil) != tc.free {
					t.Errorf("resumed before it is mended: %v", err)
				}

				tc.mend(h)
				if c, err := h.Resume(h.owner, id); !tc.free &&
					(err != nil || c.Status == enum.CampaignStatusPaused || c.StatusReason != nil) {
					t.Errorf("resumed to %v, %v", c, err)
				}
			})
		})
	}
}

func TestAScheduledCampaignThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	h := furnish(t, dbtest.Open(t, dbtest.SQLite(t)))
	h.campaigns["both"].Update().SetStatus(enum.CampaignStatusScheduled).SetScheduledAt(h.now).ExecX(h.system)
	h.number.Update().SetStatus("BANNED").ExecX(h.system)
	if err := h.Sweep(h.system); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"both"}, h.paused(t, enum.CampaignStatusReasonQualityLow)); diff != "" {
		t.Error(diff)
	}
}

func TestTheBrakeNamesTheCodesAndIsReleasedByResuming(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := furnish(t, db)
		claimed := h.claim(t, h.campaigns["both"], 40)
		for i, m := range claimed {
			f := delivery.Fact{Message: m.ID, WAMID: m.ID.String(), Attempt: m.Attempt, Kind: delivery.Accepted, At: h.now}
			if i >= 30 {
				f.Kind, f.ErrorCode = delivery.Refused, []int{131026, 131026, 131009}[i%3]
			}

			h.record(t, f)
		}

		c := db.Client.Campaign.GetX(h.system, h.campaigns["both"].ID)
		if diff := cmp.Diff([]string{"both"}, h.paused(t, enum.CampaignStatusReasonFailureRate)); diff != "" {
			t.Fatal(diff)
		}

		const want = "8 of the last 38 answers were failures: 131026 Undeliverable (6), 131009 A parameter's value is " +
			"not valid (2); threshold 20 %. "
		if !strings.HasPrefix(*c.StatusDetail, want) {
			t.Errorf("it says %q, want %q", *c.StatusDetail, want)
		}
		if c, err := h.Resume(h.owner, c.ID); err != nil || c.RecentAnswers != nil || c.Status != enum.CampaignStatusRunning {
			t.Errorf("resumed to %v, %v", c, err)
		}

		for _, m := range h.claim(t, h.campaigns["both"], 19) {
			h.record(t, delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Refused, At: h.now, ErrorCode: 131026})
		}

		if got := h.paused(t, ""); len(got) > 0 {
			t.Errorf("%v were paused before twenty answers", got)
		}
	})
}

// claim gives a campaign n messages and takes them as a worker does.
func (h house) claim(t *testing.T, c *ent.Campaign, n int) []delivery.Claimed {
	t.Helper()
	messages := make([]delivery.Outgoing, n)
	for i := range messages {
		messages[i] = delivery.Outgoing{Campaign: c.ID, Template: c.TemplateID, PhoneNumber: c.PhoneNumberID,
			Account: h.account.ID, Address: "+86138", Country: "CN", Type: enum.MessageTypeTemplate}
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

	return claimed
}

// record returns when the journal has told what came of the facts.
func (h house) record(t *testing.T, facts ...delivery.Fact) {
	t.Helper()
	for _, facts := range [][]delivery.Fact{facts, {{WAMID: "nobody's", Kind: delivery.Read, At: h.now}}} {
		if _, err := h.journal.Record(h.system, facts...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARetryIsRefusedWhereItMakesNoSense(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit  func(h house)
		codes []int
		want  map[string]usererror.Code // nil is CONFLICT
	}{
		"a canceled campaign": {edit: func(h house) {
			h.campaigns["both"].Update().SetStatus(enum.CampaignStatusCanceled).ExecX(h.system)
		}},
		"a draft": {edit: func(h house) {
			h.campaigns["both"].Update().SetStatus(enum.CampaignStatusDraft).ExecX(h.system)
		}},
		"codes that will fail again": {codes: []int{131000, 131026, 132016},
			want: map[string]usererror.Code{"errorCodes.1": usererror.Invalid, "errorCodes.2": usererror.Invalid}},
		"a campaign that expired": {edit: func(h house) { h.campaigns["both"].Update().SetExpiresAt(h.now).ExecX(h.system) },
			want: map[string]usererror.Code{"campaignId": usererror.Stale}},
		"a template that cannot be sent": {edit: func(h house) {
			h.template.Update().SetStatus(enum.TemplateStatusPaused).ExecX(h.system)
		},
			want: map[string]usererror.Code{"campaignId": usererror.Invalid}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := furnish(t, dbtest.Open(t, dbtest.SQLite(t)))
			if tc.edit != nil {
				tc.edit(h)
			}

			_, err := h.Retry(h.owner, h.campaigns["both"].ID, tc.codes)
			if tc.want == nil && !usererror.Is(err, usererror.Conflict) {
				t.Errorf("retried: %v", err)
			}
			if diff := cmp.Diff(tc.want, codes(err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARetryQueuesWhatMayPassAndLetsTheCampaignRunAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		codes []int
		want  int
	}{
		"by itself all but lost answers": {nil, 2},
		"named codes only":               {[]int{131000}, 1},
		"a lost answer when it is named": {[]int{whatsapp.CodeLostAnswer}, 1},
		"nothing of that kind":           {[]int{131016}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				h := furnish(t, db)
				c := h.campaigns["both"]
				for i, m := range h.claim(t, c, 5) {
					f := delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Refused, At: h.now,
						ErrorCode: []int{131000, 131042, 131026, 0, 0}[i]}
					switch i {
					case 3:
						h.record(t, delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Lost, At: h.now})
						f.Kind, f.ErrorCode = delivery.GiveUp, whatsapp.CodeLostAnswer
					case 4:
						f.Kind = delivery.Accepted
					}

					h.record(t, f)
				}

				if err := h.Finish(h.system, c.PhoneNumberID); err != nil {
					t.Fatal(err)
				}
				if got := db.Client.Campaign.GetX(h.system, c.ID); got.Status != enum.CampaignStatusCompleted {
					t.Fatalf("the campaign is %s", got.Status)
				}

				got, err := h.Retry(h.owner, c.ID, tc.codes)
				if err != nil {
					t.Fatal(err)
				}

				running := got.Status == enum.CampaignStatusRunning && got.CompletedAt == nil
				if got.Queued != tc.want || running != (tc.want > 0) {
					t.Errorf("it is %s with %d queued", got.Status, got.Queued)
				}
				if running && h.woken[c.PhoneNumberID] == 0 {
					t.Error("nobody woke the lane")
				}

				differences, err := h.queue.Verify(h.system)
				if err != nil || len(differences) > 0 {
					t.Error(differences, err)
				}
			})
		})
	}
}

func TestARetryWhoseProcessDiedIsFinishedByTheSweep(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := furnish(t, db)
		c := h.campaigns["both"]
		for _, m := range h.claim(t, c, 1) {
			h.record(t, delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Refused, At: h.now, ErrorCode: 131000})
		}

		if err := h.Finish(h.system, c.PhoneNumberID); err != nil {
			t.Fatal(err)
		}
		if n, err := h.queue.Requeue(h.system, c.ID, func(int) bool { return true }); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if err := h.Sweep(h.system); err != nil {
			t.Fatal(err)
		}
		if got := db.Client.Campaign.GetX(h.system, c.ID); got.Status != enum.CampaignStatusRunning {
			t.Errorf("the campaign is %s", got.Status)
		}
	})
}
