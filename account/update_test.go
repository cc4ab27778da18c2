package account_test

import (
	"testing"
	"time"

	"carillon/account"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/usererror"
	"carillon/whatsapp"
)

// update is a webhook that says a template's status.
func update(id, event string) whatsapp.TemplateUpdate {
	return whatsapp.TemplateUpdate{WABAID: waba, Kind: whatsapp.TemplateStatusChanged, TemplateID: id, Event: event}
}

func TestATemplatesWebhookIsCheckedWithMeta(t *testing.T) {
	each(t, func(s *stage) {
		ctx, _ := s.connected()
		id := s.atMeta(offer("spring"))
		made, err := s.ApplyTemplateUpdate(s.system(), update(id, "PENDING")) // late: it is approved by now
		if err != nil || made == nil || made.Status != enum.TemplateStatusApproved {
			s.t.Fatal(made, err)
		}
		if again, err := s.ApplyTemplateUpdate(s.system(), update(id, "APPROVED")); again != nil || err != nil {
			s.t.Errorf("the same again: %v, %v", again, err)
		}

		s.advance(time.Second)
		s.sandbox.PauseTemplate(waba, "spring")
		if paused, err := s.ApplyTemplateUpdate(s.system(), update(id, "APPROVED")); err != nil || paused == nil ||
			paused.Status != enum.TemplateStatusPaused {
			s.t.Errorf("an old word: %v, %v", paused, err)
		}

		other := update(id, "DISABLED")
		other.WABAID = otherWABA
		if none, err := s.ApplyTemplateUpdate(s.system(), other); none != nil || !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("an account that is not bound: %v, %v", none, err)
		}
		if n := s.db.Client.Template.Query().CountX(ctx); n != 1 {
			s.t.Errorf("%d templates", n)
		}
	})
}

func TestARejectionKeepsItsSentence(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		made, err := s.create(ctx, a, offer("spring_rejected"), "")
		if err != nil {
			s.t.Fatal(err)
		}

		u := update(*made.MetaID, "REJECTED")
		u.Reason, u.RejectionText, u.Recommendation = "INVALID_FORMAT", "Variables stand side by side.",
			"Put text between them."
		const want = "INVALID_FORMAT: Variables stand side by side. Put text between them."
		changed, err := s.ApplyTemplateUpdate(s.system(), u)
		if err != nil || changed.Status != enum.TemplateStatusRejected || *changed.RejectionReason != want {
			s.t.Fatal(changed, err)
		}

		s.advance(time.Minute)
		if _, err := s.Sync(ctx, a.ID); err != nil {
			s.t.Fatal(err)
		}
		if kept := s.template("spring_rejected"); *kept.RejectionReason != want || !kept.UpdatedAt.Equal(changed.UpdatedAt) {
			s.t.Errorf("after a sync: %v", kept)
		}
	})
}

func TestATemplatesWebhookIsBelievedWhileMetaIsAway(t *testing.T) {
	each(t, func(s *stage) {
		id := s.atMeta(offer("spring"))
		s.connected()
		s.sandbox.SetDown(true)

		for _, step := range []struct {
			name   string
			u      whatsapp.TemplateUpdate
			status enum.TemplateStatus
			change bool
		}{
			{"a pause", update(id, "PAUSED"), enum.TemplateStatusPaused, true},
			{"the same pause", update(id, "PAUSED"), enum.TemplateStatusPaused, false},
			{"a flag", update(id, "FLAGGED"), enum.TemplateStatusPaused, false},
			{"a reinstatement", update(id, "REINSTATED"), enum.TemplateStatusApproved, true},
			{"an unknown event", update(id, "SINGING"), enum.TemplateStatusApproved, false},
			{"a quality", whatsapp.TemplateUpdate{WABAID: waba, Kind: whatsapp.TemplateQualityChanged, TemplateID: id,
				NewQuality: "RED"}, enum.TemplateStatusApproved, true},
			{"a category to come", whatsapp.TemplateUpdate{WABAID: waba, Kind: whatsapp.TemplateCategoryChanged,
				TemplateID: id, NewCategory: "MARKETING", CorrectCategory: "UTILITY"}, enum.TemplateStatusApproved, true},
			{"a category", whatsapp.TemplateUpdate{WABAID: waba, Kind: whatsapp.TemplateCategoryChanged, TemplateID: id,
				PreviousCategory: "MARKETING", NewCategory: "UTILITY"}, enum.TemplateStatusApproved, true},
			{"a deletion", update(id, "DELETED"), enum.TemplateStatusDeleted, true},
			{"an unknown template", update("1", "APPROVED"), enum.TemplateStatusDeleted, false},
		} {
			changed, err := s.ApplyTemplateUpdate(s.system(), step.u)
			if err != nil || (changed != nil) != step.change || s.template("spring").Status != step.status {
				s.t.Errorf("%s: %v, %v", step.name, changed, err)
			}
		}

		if got := s.template("spring"); got.QualityScore != enum.QualityRatingRed ||
			got.Category != enum.TemplateCategoryUtility || got.ComingCategory != nil {
			s.t.Errorf("%v", got)
		}

		if _, err := s.ApplyTemplateUpdate(s.system(),
			whatsapp.TemplateUpdate{WABAID: waba, Kind: whatsapp.TemplateComponentsChanged, TemplateID: id}); err == nil {
			s.t.Error("components that nobody knows were applied")
		}
	})
}

func TestAnUpdateFindsTheDraftThatIsBeingSubmitted(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		draft, err := s.CreateTemplate(ctx, account.CreateTemplate{AccountID: a.ID, Template: offer("spring")})
		if err != nil {
			s.t.Fatal(err)
		}

		id := s.atMeta(offer("spring")) // the answer is on its way
		u := update(id, "APPROVED")
		u.Name, u.Language = "spring", "en_US"
		s.sandbox.SetDown(true)
		changed, err := s.ApplyTemplateUpdate(s.system(), u)
		if err != nil || changed == nil || changed.ID != draft.ID || changed.MetaID == nil ||
			changed.Status != enum.TemplateStatusApproved {
			s.t.Error(changed, err)
		}
	})
}

func TestANumbersWebhookReadsTheNumbersAgain(t *testing.T) {
	each(t, func(s *stage) {
		s.connected()
		u := whatsapp.NumberUpdate{WABAID: waba, Kind: whatsapp.NumberQualityChanged, DisplayPhoneNumber: "15550783881",
			Event: "THROUGHPUT_UPGRADE", Limit: "TIER_100K"}
		if none, err := s.ApplyNumberUpdate(s.system(), u); none != nil || err != nil {
			s.t.Errorf("nothing new: %v, %v", none, err)
		}

		s.edits("GET phone_numbers", func(answer map[string]any) {
			answer["data"].([]any)[0].(map[string]any)["throughput"] = map[string]any{"level": "HIGH"}
		})
		changed, err := s.ApplyNumberUpdate(s.system(), u)
		if err != nil || changed == nil || changed.MetaID != phone || changed.Throughput != 1000 {
			s.t.Error(changed, err)
		}
		if a := s.db.Client.Account.Query().OnlyX(s.system()); *a.MessagingLimit != 100_000 {
			s.t.Errorf("limit %d", *a.MessagingLimit)
		}

		s.sandbox.SetDown(true)
		s.breaks("GET phone_numbers", nil)
		if _, err := s.ApplyNumberUpdate(s.system(), u); err == nil {
			s.t.Error("an outage is no news")
		}

		u.WABAID = otherWABA
		if none, err := s.ApplyNumberUpdate(s.system(), u); none != nil || !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("an account that is not bound: %v, %v", none, err)
		}
	})
}

func TestAnAccountsWebhooksMoveItsStatus(t *testing.T) {
	each(t, func(s *stage) {
		s.connected()
		soon := time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)
		changed := func(event string) whatsapp.AccountUpdate {
			return whatsapp.AccountUpdate{WABAID: waba, Kind: whatsapp.AccountChanged, Event: event}
		}

		ban := func(state string) whatsapp.AccountUpdate {
			u := changed("DISABLED_UPDATE")
			u.BanState = state
			return u
		}

		restriction := func(kind string) whatsapp.AccountUpdate {
			u := changed("ACCOUNT_RESTRICTION")
			u.Restrictions = []whatsapp.Restriction{{Type: kind, ExpiresAt: soon}}
			return u
		}

		const left = "Its number left WhatsApp's API, because the WhatsApp Business app was moved or registered anew. " +
			"It is mostly back within minutes; if it is not, connect the account again."
		foreign := changed("PARTNER_REMOVED")
		foreign.PartnerAppID = "666"

		for _, step := range []struct {
			name   string
			u      whatsapp.AccountUpdate
			status enum.AccountStatus
			reason string
			change bool
		}{
			{"a reinstatement of what was not disabled", ban("REINSTATE"), enum.AccountStatusConnected, "", false},
			{"a ban to come", ban("SCHEDULE_FOR_DISABLE"), enum.AccountStatusConnected,
				"WhatsApp will disable the account.", true},
			{"a ban", ban("DISABLE"), enum.AccountStatusDisabled, "WhatsApp has disabled the account.", true},
			{"the same ban", ban("DISABLE"), enum.AccountStatusDisabled, "WhatsApp has disabled the account.", false},
			{"a reinstatement", ban("REINSTATE"), enum.AccountStatusConnected, "", true},
			{"a number that left", changed("ACCOUNT_OFFBOARDED"), enum.AccountStatusRestricted, left, true},
			{"the same number", changed("ACCOUNT_OFFBOARDED"), enum.AccountStatusRestricted, left, false},
			{"a reinstatement of what has left", ban("REINSTATE"), enum.AccountStatusRestricted, "", false},
			{"its return", changed("ACCOUNT_RECONNECTED"), enum.AccountStatusConnected, "", true},
			{"a return of what was there", changed("ACCOUNT_RECONNECTED"), enum.AccountStatusConnected, "", false},
			{"a restriction of calls", restriction("RESTRICTED_BUSINESS_INITIATED_CALLING"), enum.AccountStatusConnected,
				"WhatsApp has restricted the account: RESTRICTED_BUSINESS_INITIATED_CALLING until 2026-12-01 08:00 UTC", true},
			{"a restriction of templates", restriction("RESTRICTED_BIZ_INITIATED_MESSAGING"), enum.AccountStatusRestricted,
				"WhatsApp has restricted the account: RESTRICTED_BIZ_INITIATED_MESSAGING until 2026-12-01 08:00 UTC", true},
			{"a return of what is restricted", changed("ACCOUNT_RECONNECTED"), enum.AccountStatusRestricted, "", false},
			{"an alert", whatsapp.AccountUpdate{WABAID: waba, Kind: whatsapp.AccountAlerted, Event: "OBA_APPROVED"},
				enum.AccountStatusRestricted, "", false},
			{"a price", changed("VOLUME_BASED_PRICING_TIER_UPDATE"), enum.AccountStatusRestricted, "", false},
			{"another app's removal", foreign, enum.AccountStatusRestricted, "", false},
			{"our removal", changed("PARTNER_APP_UNINSTALLED"), enum.AccountStatusTokenExpired,
				"This service's access was taken away at WhatsApp. Connect the account again.", true},
			{"a deletion", changed("ACCOUNT_DELETED"), enum.AccountStatusDisabled, "The account was deleted at WhatsApp.", true},
		} {
			got, err := s.ApplyAccountUpdate(s.system(), step.u)
			a := s.db.Client.Account.Query().OnlyX(s.system())
			if err != nil || (got != nil) != step.change || a.Status != step.status {
				s.t.Errorf("%s: %v, %v, %s", step.name, got, err, a.Status)
			}

			if reason := a.StatusReason; step.change &&
				(reason == nil && step.reason != "" || reason != nil && *reason != step.reason) {
				s.t.Errorf("%s: reason %v", step.name, a)
			}
		}

		review := whatsapp.AccountUpdate{WABAID: waba, Kind: whatsapp.AccountReviewed, Event: "REJECTED"}
		for i := range 2 {
			got, err := s.ApplyAccountUpdate(s.system(), review)
			if err != nil || (got != nil) != (i == 0) {
				s.t.Errorf("review %d: %v, %v", i, got, err)
			}
		}
	})
}

func TestAPortfoliosLimitFollowsItsWebhook(t *testing.T) {
	each(t, func(s *stage) {
		s.connected()
		for _, step := range []struct {
			tier   whatsapp.Tier
			change bool
			limit  int
		}{{"TIER_2K", false, 2000}, {"10000", true, 10_000}, {"TIER_NEW", false, 10_000}, {"-1", true, -1},
			{"TIER_UNLIMITED", false, -1}, {"TIER_250", true, 250}} {
			got, err := s.ApplyCapabilityUpdate(s.system(), whatsapp.CapabilityUpdate{WABAID: waba, MessagingLimit: step.tier})
			limit := -1
			if a := s.db.Client.Account.Query().OnlyX(s.system()); a.MessagingLimit != nil {
				limit = *a.MessagingLimit
			}
			if err != nil || (got != nil) != step.change || limit != step.limit {
				s.t.Errorf("%s: %v, %v, %d", step.tier, got, err, limit)
			}
		}
	})
}

func TestARestrictionThatEndsByTimeEndsByItself(t *testing.T) {
	each(t, func(s *stage) {
		s.connected()
		now := s.now()
		tell := func(ends ...time.Time) *ent.Account {
			s.t.Helper()
			u := whatsapp.AccountUpdate{WABAID: waba, Kind: whatsapp.AccountChanged, Event: "ACCOUNT_RESTRICTION"}
			for _, end := range ends {
				u.Restrictions = append(u.Restrictions,
					whatsapp.Restriction{Type: "RESTRICTED_BIZ_INITIATED_MESSAGING", ExpiresAt: end})
			}

			if _, err := s.ApplyAccountUpdate(s.system(), u); err != nil {
				s.t.Fatal(err)
			}

			return s.db.Client.Account.Query().OnlyX(s.system())
		}

		sweep := func(after time.Duration, want enum.AccountStatus) {
			s.t.Helper()
			s.nanos.Store(now.Add(after).UnixNano())
			if err := s.EndRestrictions(s.system()); err != nil {
				s.t.Fatal(err)
			}

			if a := s.db.Client.Account.Query().OnlyX(s.system()); a.Status != want || want == enum.AccountStatusConnected &&
				(a.StatusReason != nil || a.RestrictedUntil != nil) {
				s.t.Errorf("after %v the account is %s, %v, until %v", after, a.Status, a.StatusReason, a.RestrictedUntil)
			}
		}
		if a := tell(now.Add(-time.Minute)); a.Status != enum.AccountStatusConnected {
			s.t.Errorf("one that is over made it %s", a.Status)
		}

		tell(now.Add(time.Hour))
		sweep(59*time.Minute, enum.AccountStatusRestricted)
		tell(now.Add(2 * time.Hour)) // a later end is told
		sweep(61*time.Minute, enum.AccountStatusRestricted)
		sweep(2*time.Hour, enum.AccountStatusConnected)
		tell(now.Add(3*time.Hour), time.Time{}) // one of two has no end
		sweep(9*time.Hour, enum.AccountStatusRestricted)
		if _, err := s.SetStatus(s.system(), s.db.Client.Account.Query().OnlyX(s.system()).ID, enum.AccountStatusConnected,
			""); err != nil {
			s.t.Fatal(err)
		}

		left := whatsapp.AccountUpdate{WABAID: waba, Kind: whatsapp.AccountChanged, Event: "ACCOUNT_OFFBOARDED"}
		if _, err := s.ApplyAccountUpdate(s.system(), left); err != nil {
			s.t.Fatal(err)
		}

		tell(now.Add(10 * time.Hour)) // while it is restricted for another reason
		sweep(11*time.Hour, enum.AccountStatusRestricted)
	})
}

func TestAPartnersEventIsAboutTheAccountItCameFor(t *testing.T) {
	each(t, func(s *stage) {
		s.connected()
		gone := whatsapp.AccountUpdate{WABAID: waba, PartnerWABAID: otherWABA, Kind: whatsapp.AccountChanged,
			Event: "PARTNER_REMOVED"}
		if _, err := s.ApplyAccountUpdate(s.system(), gone); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("one that came for our account and names another: %v", err)
		}

		gone.WABAID, gone.PartnerWABAID = otherWABA, waba
		other := s.db.Client.Organization.Create().SetName("b").SaveX(s.system())
		theirs := s.db.Client.Account.Create().SetOrganizationID(other.ID).SetWabaID(otherWABA).SetName("b").
			SetToken([]byte{1}).
			SetStatus(enum.AccountStatusDisconnected).SaveX(s.system())
		s.hear(s.system(), other.ID, theirs.ID)
		if _, err := s.ApplyAccountUpdate(s.system(), gone); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("one that came for another's account and names ours: %v", err)
		}

		gone.WABAID = "a portfolio"
		if a, err := s.ApplyAccountUpdate(s.system(), gone); err != nil || a == nil ||
			a.Status != enum.AccountStatusTokenExpired {
			s.t.Errorf("one that came for a portfolio: %v, %v", a, err)
		}
	})
}

func TestAWebhookThatNamesNoTemplateByIDIsOfNoDraft(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		draft, err := s.CreateTemplate(ctx, account.CreateTemplate{AccountID: a.ID, Template: offer("spring")})
		if err != nil {
			s.t.Fatal(err)
		}

		told := update("", "REJECTED")
		told.Name, told.Language = "spring", "en_US"
		if changed, err := s.ApplyTemplateUpdate(s.system(), told); changed != nil || err != nil {
			s.t.Errorf("%v, %v", changed, err)
		}
		if sent, err := s.SubmitTemplate(ctx, draft.ID); err != nil || sent.Status != enum.TemplateStatusPending {
			s.t.Errorf("%v, %v", sent, err)
		}
	})
}
