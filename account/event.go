package account

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"carillon/caller"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/usererror"
	"carillon/whatsapp"
)

// offboarded is why an account is RESTRICTED whose owner moved the WhatsApp Business app to another
// phone. WhatsApp takes its number into the API again by itself, and tells.
// developers.facebook.com, "Reconnect offboarded coexistence clients" (updated 2026-05).
const offboarded = "Its number left WhatsApp's API, because the WhatsApp Business app was moved or registered anew. " +
	"It is mostly back within minutes; if it is not, connect the account again."

// marketingEvents may change an account's part in the Marketing Messages API. They do not say what
// came of it, so Meta is asked.
var marketingEvents = map[string]bool{"MM_LITE_TERMS_SIGNED": true, "AD_ACCOUNT_LINKED": true}

// ApplyAccountUpdate takes a webhook about an account, as the system, and returns the account if
// that changed it.
func (s *Service) ApplyAccountUpdate(ctx context.Context, u whatsapp.AccountUpdate) (changed *ent.Account, err error) {
	ctx = caller.System(ctx)
	a, err := s.concerned(ctx, u)
	if err != nil {
		return nil, err
	}

	moved, note := false, ""
	switch u.Kind {
	case whatsapp.AccountReviewed:
		if a.ReviewStatus == nil || *a.ReviewStatus != u.Event {
			if err = s.db.Client.Account.UpdateOneID(a.ID).SetReviewStatus(u.Event).Exec(ctx); err != nil {
				return nil, fmt.Errorf("review status of account %s: %w", a.ID, err)
			}

			moved = true
		}
	case whatsapp.AccountChanged:
		if marketingEvents[u.Event] {
			return nil, s.readMarketing(ctx, a)
		}

		status, reason := s.verdict(a, u)
		if status == "" {
			note = reason
			break
		}

		if moved, err = s.SetStatus(ctx, a.ID, status, reason); err == nil && u.Event == accountRestriction {
			ends, wrong := s.restrictUntil(ctx, a.ID, reason, restrictedUntil(u))
			moved, err = moved || ends, wrong
		}
	case whatsapp.AccountAlerted:
		if u.Alert != nil && u.Alert.Severity == "CRITICAL" && u.Alert.Status == "ACTIVE" {
			note = "WhatsApp warns: " + cmp.Or(u.Alert.Description, u.Alert.Type)
		}
	}

	if note != "" && (a.StatusReason == nil || *a.StatusReason != note) {
		err, moved = s.db.Client.Account.UpdateOneID(a.ID).SetStatusReason(note).Exec(ctx), true
	}
	if err != nil || !moved {
		return nil, err
	}

	s.changed(ctx, a.OrganizationID, a.ID)

	return s.find(ctx, a.ID)
}

// concerned finds the account that an event is about. A partner's event may come for a portfolio
// and name the account inside; one that comes for an account that is known here is about no other.
func (s *Service) concerned(ctx context.Context, u whatsapp.AccountUpdate) (*ent.Account, error) {
	if u.PartnerWABAID == "" || u.PartnerWABAID == u.WABAID {
		return s.bound(ctx, u.WABAID)
	}

	known, err := s.db.Client.Account.Query().Where(entaccount.WabaID(u.WABAID)).Exist(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for account %s: %w", u.WABAID, err)
	}
	if known {
		return nil, usererror.Missing("account")
	}

	return s.bound(ctx, u.PartnerWABAID)
}

// verdict is the status that an event means for an account, and why; without a status only
// something to know, or nothing.
func (s *Service) verdict(a *ent.Account, u whatsapp.AccountUpdate) (enum.AccountStatus, string) {
	switch u.Event {
	case "ACCOUNT_DELETED":
		return enum.AccountStatusDisabled, "The account was deleted at WhatsApp."
	case "DISABLED_UPDATE":
		switch u.BanState {
		case "DISABLE":
			return enum.AccountStatusDisabled, "WhatsApp has disabled the account."
		case "REINSTATE":
			if a.Status == enum.AccountStatusDisabled {
				return enum.AccountStatusConnected, ""
			}
		case "SCHEDULE_FOR_DISABLE":
			return "", strings.TrimSpace("WhatsApp will disable the account. " + u.BanDate)
		}
	case accountRestriction:
		return restriction(u, s.now())
	case "ACCOUNT_VIOLATION":
		return "", "WhatsApp says that the account broke its policy: " + u.ViolationType
	case "ACCOUNT_OFFBOARDED":
		return enum.AccountStatusRestricted, offboarded
	case "ACCOUNT_RECONNECTED":
		if a.Status == enum.AccountStatusRestricted && a.StatusReason != nil && *a.StatusReason == offboarded {
			return enum.AccountStatusConnected, "" // another restriction is not ended by that
		}
	case "PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED":
		if u.PartnerAppID == "" || s.options.AppID == "" || u.PartnerAppID == s.options.AppID {
			return enum.AccountStatusTokenExpired, "This service's access was taken away at WhatsApp. Connect the account again."
		}
	}

	return "", ""
}
