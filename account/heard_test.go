package account_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"carillon/account"
	"carillon/ent"
	"carillon/uid"
)

func (s *stage) heardAt(a *ent.Account) *time.Time {
	return s.db.Client.Account.GetX(s.system(), a.ID).WebhookReceivedAt
}

func TestTheFirstWebhookIsNotedAtOnceAndLaterOnesOnceAMinute(t *testing.T) {
	each(t, func(s *stage) {
		if err := s.Heard(s.t.Context(), waba, "1"); err != nil { // before it is bound
			s.t.Fatal(err)
		}

		_, a := s.connected()
		if s.heardAt(a) != nil {
			s.t.Fatal("something was noted already")
		}

		first := s.now()
		for _, service := range []*account.Service{s.Service, s.with(account.Options{})} { // two processes
			for i := range 30 {
				if err := service.Heard(s.t.Context(), waba); err != nil {
					s.t.Fatal(err)
				}
				if at := s.heardAt(a); at == nil || !at.Equal(first) {
					s.t.Fatalf("after %d: noted at %v, want %v", i, at, first)
				}

				s.advance(time.Second)
			}
		}

		s.advance(10 * time.Second)
		if err := s.Heard(s.t.Context(), otherWABA, waba); err != nil {
			s.t.Fatal(err)
		}
		if at := s.heardAt(a); !at.Equal(first.Add(70 * time.Second)) {
			s.t.Errorf("noted at %v", at)
		}
	})
}

func TestMembersAreToldOfTheFirstWebhookAndOfNoLaterOne(t *testing.T) {
	each(t, func(s *stage) {
		_, a := s.connected()
		var told []uid.ID
		tells := account.New(s.db, s.keys, s.meta, s.who, account.Options{
			Tell: func(ctx context.Context, organization uid.ID, subjects ...uid.ID) {
				if organization == a.OrganizationID {
					told = append(told, subjects...)
				}

				s.hear(ctx, organization, subjects...)
			}}, s.now)

		for range 3 {
			if err := tells.Heard(s.t.Context(), waba); err != nil {
				s.t.Fatal(err)
			}

			s.advance(2 * time.Minute)
		}

		if !slices.Equal(told, []uid.ID{a.ID}) {
			s.t.Errorf("told of %v", told)
		}
	})
}
