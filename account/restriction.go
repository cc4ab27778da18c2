package account

import (
	"context"
	"fmt"
	"strings"
	"time"

	"carillon/caller"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/uid"
	"carillon/whatsapp"
)

const (
	// accountRestriction is the event of what an account may not do, mostly for a time.
	accountRestriction = "ACCOUNT_RESTRICTION"

	// restrictedBusiness is the restriction under which no template can be sent; others leave
	// campaigns alone.
	restrictedBusiness = "RESTRICTED_BIZ_INITIATED_MESSAGING"

	restrictedReason = "WhatsApp has restricted the account: "
)

// restriction is the status that a restriction means, and why. One that is told late may be over.
func restriction(u whatsapp.AccountUpdate, now time.Time) (status enum.AccountStatus, reason string) {
	var texts []string
	for _, r := range u.Restrictions {
		text := r.Type
		if !r.ExpiresAt.IsZero() {
			text += " until " + r.ExpiresAt.UTC().Format("2006-01-02 15:04 MST")
		}
		if r.Type == restrictedBusiness && (r.ExpiresAt.IsZero() || r.ExpiresAt.After(now)) {
			status = enum.AccountStatusRestricted
		}

		texts = append(texts, text)
	}

	if len(texts) == 0 {
		return "", ""
	}

	return status, restrictedReason + strings.Join(texts, ", ")
}

// restrictedUntil is when the account may send templates again; zero where that is not said.
func restrictedUntil(u whatsapp.AccountUpdate) (until time.Time) {
	for _, r := range u.Restrictions {
		switch {
		case r.Type != restrictedBusiness:
		case r.ExpiresAt.IsZero():
			return time.Time{}
		case r.ExpiresAt.After(until):
			until = r.ExpiresAt
		}
	}

	return until
}

// restrictUntil writes down when a restriction ends, and reports whether that is new. It leaves an
// account alone that is restricted for another reason.
func (s *Service) restrictUntil(ctx context.Context, id uid.ID, reason string, until time.Time) (changed bool,
	err error) {
	a, err := s.find(ctx, id)
	if err != nil {
		return false, err
	}

	ends := &until
	if until.IsZero() {
		ends = nil
	}

	same := a.StatusReason != nil && *a.StatusReason == reason &&
		(ends == nil && a.RestrictedUntil == nil || ends != nil && a.RestrictedUntil != nil && ends.Equal(*a.RestrictedUntil))
	if same {
		return false, nil
	}

	row := s.db.Client.Account.Update().Where(entaccount.ID(id), entaccount.StatusEQ(enum.AccountStatusRestricted),
		entaccount.StatusReasonHasPrefix(restrictedReason)).SetStatusReason(reason).SetNillableRestrictedUntil(ends)
	if ends == nil {
		row.ClearRestrictedUntil()
	}

	n, err := row.Save(ctx)
	if err != nil {
		return false, fmt.Errorf("end of the restriction of account %s: %w", id, err)
	}

	return n > 0, nil
}

// EndRestrictions lets accounts send again whose restriction is over. Campaigns that it paused wait
// for somebody to resume them.
func (s *Service) EndRestrictions(ctx context.Context) error {
	ctx = caller.System(ctx)
	over := []predicate.Account{entaccount.StatusEQ(enum.AccountStatusRestricted), entaccount.RestrictedUntilLTE(s.now())}
	ids, err := s.db.Client.Account.Query().Where(over...).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look for restrictions that are over: %w", err)
	}

	for _, id := range ids {
		if _, err := s.move(ctx, id, enum.AccountStatusConnected, "", over...); err != nil {
			return err
		}
	}

	return nil
}
