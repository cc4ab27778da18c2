package campaign_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// told stops a campaign by an error that WhatsApp gave to its messages.
func told(code int) func(house) error {
	return func(h house) error {
		for range 2 { // some are believed when they come again
			if _, err := h.React(h.system, h.failure(code)); err != nil {
				return err
			}
		}

		return nil
	}
}

func TestEveryPauseEndsByResumingOnceItsCauseIsMended(t *testing.T) {
	t.Parallel()
	type pause struct {
		stop   func(h house) error
		before string // what resuming says before it is mended; empty where only the next message can tell
		mend   func(h house) error
	}
	nothing := func(house) error { return nil }
	account := func(status enum.AccountStatus) func(house) error {
		return func(h house) error { return h.account.Update().SetStatus(status).ClearStatusReason().Exec(h.system) }
	}
	number := func(status string) func(house) error {
		return func(h house) error { return h.number.Update().SetStatus(status).Exec(h.system) }
	}
	template := func(status enum.TemplateStatus) func(house) error {
		return func(h house) error { return h.template.Update().SetStatus(status).Exec(h.system) }
	}

	organization := func(status enum.OrganizationStatus) func(house) error {
		return func(h house) error {
			return h.db.Client.Organization.UpdateOneID(h.account.OrganizationID).SetStatus(status).Exec(h.system)
		}
	}

	// then stops what a change concerns, as a webhook's handler does.
	then := func(change func(house) error) func(house) error {
		return func(h house) error {
			if err := change(h); err != nil {
				return err
			}
			return errors.Join(h.AccountChanged(h.system, h.account.Update().SaveX(h.system)),
				h.NumberChanged(h.system, h.number.Update().SaveX(h.system)),
				h.TemplateChanged(h.system, h.template.Update().SaveX(h.system)), h.Sweep(h.system))
		}
	}

	terms := identity.Terms{Version: "2", Body: "text\n", EffectiveAt: time.Now().Add(-time.Minute)}
	pauses := map[enum.CampaignStatusReason]map[string]pause{
		enum.CampaignStatusReasonPausedByUser: {"": {func(h house) error {
			_, err := h.Pause(h.owner, h.campaigns["both"].ID)
			return err
		}, "", nothing}},
		enum.CampaignStatusReasonMessagingLimit: {"": {func(h house) error {
			h.account.Update().SetMessagingLimit(1).ExecX(h.system)
			h.db.Client.MessagingWindow.Create().SetOrganizationID(h.account.OrganizationID).SetAccountID(h.account.ID).
				SetAddress("+1").SetMessageID(uid.New(uid.Message)).SetAt(h.now).ExecX(h.system)
			return h.AtLimit(h.system, h.account.ID, 1)
		}, "as many new people as it may within 24 hours (1)", func(h house) error {
			h.now = h.now.Add(25 * time.Hour)
			return nil
		}}},
		enum.CampaignStatusReasonQuotaReached: {"": {func(h house) error {
			owner := h.account.OrganizationID
			h.db.Client.Organization.UpdateOneID(owner).SetQuotaMessagesPerDay(2).ExecX(h.system)
			h.db.Client.QuotaUsage.Create().SetID(owner).SetDay(h.now.UTC().Truncate(24 * time.Hour)).SetMessages(2).
				ExecX(h.system)

			return h.AtQuota(h.system, owner, 2)
		}, "as many messages today (in UTC) as the operator allows: 2", func(h house) error {
			h.now = h.now.Add(24 * time.Hour)
			return nil
		}}},
		enum.CampaignStatusReasonOrganizationSuspended: {"": {then(organization(enum.OrganizationStatusSuspended)),
			"the organization is SUSPENDED", organization(enum.OrganizationStatusActive)}},
		enum.CampaignStatusReasonTermsNotAccepted: {"": {func(h house) error {
			h.Service = h.under(identity.New(h.db, terms, database.Now, identity.Options{}))
			return h.Sweep(h.system)
		}, "terms of service of version 2", func(h house) error {
			return identity.New(h.db, terms, database.Now, identity.Options{}).AcceptTerms(h.owner, "2")
		}}},
		enum.CampaignStatusReasonTemplatePaused: {
			"by an error": {told(132015), "template sale is PAUSED", template(enum.TemplateStatusApproved)},
			"in review": {then(template(enum.TemplateStatusPending)), "template sale is PENDING",
				template(enum.TemplateStatusApproved)},
		},
		enum.CampaignStatusReasonTemplateDisabled: {
			"by an error":               {told(132016), "template sale is DISABLED", template(enum.TemplateStatusApproved)},
			"by an error of one answer": {told(132007), "", nothing},
			"rejected": {then(template(enum.TemplateStatusRejected)), "template sale is REJECTED",
				template(enum.TemplateStatusApproved)},
		},
		enum.CampaignStatusReasonQualityLow: {
			"the spam limit":   {told(131048), "", nothing},
			"a flagged number": {then(number("FLAGGED")), "phone number +1 555 is FLAGGED", number("CONNECTED")},
			"a number that is red": {then(func(h house) error {
				return h.number.Update().SetQualityRating(enum.QualityRatingRed).Exec(h.system)
			}), "", nothing},
		},
		enum.CampaignStatusReasonAccountRestricted: {
			"by an error": {told(131031), "WhatsApp account account is RESTRICTED",
				account(enum.AccountStatusConnected)},
			"by the number's error": {told(133010), "", nothing},
			"disabled": {then(account(enum.AccountStatusDisabled)), "WhatsApp account account is DISABLED",
				account(enum.AccountStatusConnected)},
			"disconnected": {then(account(enum.AccountStatusDisconnected)),
				"WhatsApp account account is DISCONNECTED", account(enum.AccountStatusConnected)},
			"a number that was taken": {then(number("DISCONNECTED")), "phone number +1 555 is DISCONNECTED",
				number("CONNECTED")},
		},
		enum.CampaignStatusReasonTokenInvalid: {"": {told(190), "WhatsApp account account is TOKEN_EXPIRED",
			account(enum.AccountStatusConnected)}},
		enum.CampaignStatusReasonPaymentIssue: {"": {told(131042), "", nothing}},
		enum.CampaignStatusReasonFailureRate: {"": {func(h house) error {
			return h.Brake(h.system, delivery.Tally{Organization: h.account.OrganizationID, Campaign: h.campaigns["both"].ID,
				Failures: 8, Answers: 10, Threshold: 0.2})
		}, "", nothing}},
		enum.CampaignStatusReasonCanaryFailed: {"": {func(h house) error {
			h.campaigns["both"].Update().SetCanary(&jsonfield.Canary{Size: 1}).SetCanaryState(enum.CanaryStateWaiting).
				SetCanaryUntil(h.now).AddQueued(-1).AddFailed(1).ExecX(h.system)
			return h.Sweep(h.system)
		}, "", nothing}},
	}

	// Nothing pauses for the first two: one is not enforced, and what becomes of a number is said as
	// above. The others are of campaigns that cannot start, which schedule_test.go tries.
	never := []enum.CampaignStatusReason{enum.CampaignStatusReasonQuietHours,
		enum.CampaignStatusReasonNumberUnavailable, enum.CampaignStatusReasonMissingParameter,
		enum.CampaignStatusReasonScheduleMissed, enum.CampaignStatusReasonAudienceEmpty,
		enum.CampaignStatusReasonRecipientsPending}
	for _, text := range enum.CampaignStatusReason("").Values() {
		reason := enum.CampaignStatusReason(text)
		if len(pauses[reason]) == 0 && !slices.Contains(never, reason) {
			t.Errorf("no pause for %s is tried", reason)
		}

		for name, tc := range pauses[reason] {
			t.Run(strings.TrimSuffix(text+"/"+name, "/"), func(t *testing.T) {
				t.Parallel()
				dbtest.Each(t, func(t *testing.T, db *database.DB) {
					h := furnish(t, db)
					id := h.campaigns["both"].ID
					if err := tc.stop(h); err != nil {
						t.Fatal(err)
					}

					c := db.Client.Campaign.GetX(h.system, id)
					if c.Status != enum.CampaignStatusPaused || c.StatusReason == nil || *c.StatusReason != reason {
						t.Fatalf("the campaign is %s because of %v", c.Status, c.StatusReason)
					}

					if tc.before != "" {
						var wrong usererror.Fields
						if _, err := h.Resume(h.owner, id); !errors.As(err, &wrong) || !strings.Contains(err.Error(), tc.before) {
							t.Errorf("resuming it before says %v, want %q", err, tc.before)
						}
					}

					if err := tc.mend(h); err != nil {
						t.Fatal(err)
					}

					if c, err := h.Resume(h.owner, id); err != nil || c.Status != enum.CampaignStatusRunning ||
						c.StatusReason != nil || c.StatusDetail != nil {
						t.Errorf("resumed to %v, %v", c, err)
					}
				})
			})
		}
	}
}
