package account

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"carillon/ent"
	"carillon/enum"
	"carillon/tenant"
	"carillon/whatsapp"
)

// restrictedBusiness is the restriction under which no template can be sent; others leave campaigns alone.
const restrictedBusiness = "RESTRICTED_BIZ_INITIATED_MESSAGING"

// offboarded is why an account is RESTRICTED whose owner moved the WhatsApp Business app to another phone. WhatsApp takes its
// number into the API again by itself, and tells.
// developers.facebook.com, "Reconnect offboarded coexistence clients" (updated 2026-05).
const offboarded = "Its number left WhatsApp's API, because the WhatsApp Business app was moved or registered anew. " +
	"It is mostly back within minutes; if it is not, connect the account again."

// ApplyAccountUpdate takes a webhook about an account, as the system, and returns the account if that changed it.
func (s *Service) ApplyAccountUpdate(ctx context.Context, u whatsapp.AccountUpdate) (changed *ent.Account, err error) {
	ctx = tenant.System(ctx)
	a, err := s.bound(ctx, u.WABAID)
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
		if status, reason := s.verdict(a, u); status != "" {
			moved, err = s.SetStatus(ctx, a.ID, status, reason)
		} else {
			note = reason
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

// verdict is the status that an event means for an account, and why; without a status only something to know, or nothing.
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
	case "ACCOUNT_RESTRICTION":
		return restriction(u)
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

func restriction(u whatsapp.AccountUpdate) (status enum.AccountStatus, reason string) {
	var texts []string
	for _, r := range u.Restrictions {
		text := r.Type
		if !r.ExpiresAt.IsZero() {
			text += " until " + r.ExpiresAt.UTC().Format("2006-01-02 15:04 MST")
		}
		if r.Type == restrictedBusiness {
			status = enum.AccountStatusRestricted
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return "", ""
	}
	return status, "WhatsApp has restricted the account: " + strings.Join(texts, ", ")
}
