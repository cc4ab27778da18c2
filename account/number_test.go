package account_test

import (
	"testing"

	"carillon/account"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

func TestANumberKeepsItsCapUntilItIsTakenAway(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		n := a.QueryPhoneNumbers().OnlyX(ctx)
		if _, err := s.Sender(ctx, n.ID); err != nil { // which is cached from now on
			s.t.Fatal(err)
		}

		change := func(c account.NumberChange) *int {
			s.t.Helper()
			changed, err := s.UpdateNumber(ctx, n.ID, c)
			if err != nil {
				s.t.Fatal(err)
			}

			sender, err := s.Sender(ctx, n.ID)
			if err != nil || (sender.PhoneNumber.ThroughputCap == nil) != (changed.ThroughputCap == nil) {
				s.t.Errorf("a sender has the cap %v: %v", sender.PhoneNumber.ThroughputCap, err)
			}

			return changed.ThroughputCap
		}

		five := 5
		if got := change(account.NumberChange{SetThroughputCap: true, ThroughputCap: &five}); got == nil || *got != five {
			s.t.Errorf("set: %v", got)
		}
		if _, err := s.Sync(ctx, a.ID); err != nil {
			s.t.Fatal(err)
		}
		if got := change(account.NumberChange{}); got == nil || *got != five {
			s.t.Errorf("left as it is: %v", got)
		}
		if got := change(account.NumberChange{SetThroughputCap: true}); got != nil {
			s.t.Errorf("taken away: %v", *got)
		}

		for _, wrong := range []int{0, -1, 1001} {
			_, err := s.UpdateNumber(ctx, n.ID, account.NumberChange{SetThroughputCap: true, ThroughputCap: &wrong})
			s.wrong(err, "throughputCap:INVALID")
		}

		if _, err := s.UpdateNumber(s.organization("bob@example.com"), n.ID, account.NumberChange{}); !usererror.Is(err,
			usererror.NotFound) {
			s.t.Errorf("another organization's number: %v", err)
		}

		if _, err := s.UpdateNumber(ctx, uid.New(uid.PhoneNumber), account.NumberChange{}); !usererror.Is(err,
			usererror.NotFound) {
			s.t.Errorf("a made-up number: %v", err)
		}

		campaigner := identity.With(s.t.Context(),
			&identity.Viewer{Organization: a.OrganizationID, Role: enum.RoleCampaigner})
		if _, err := s.UpdateNumber(campaigner, n.ID, account.NumberChange{}); !usererror.Is(err, usererror.Forbidden) {
			s.t.Errorf("a campaigner: %v", err)
		}
	})
}
