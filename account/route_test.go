package account_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"carillon/account"
	"carillon/ent"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

// route is where the account's marketing goes, as it is kept.
func (s *stage) route(a *ent.Account) whatsapp.Route {
	return account.MarketingRoute(s.db.Client.Account.GetX(s.system(), a.ID))
}

func (s *stage) onboard(status string, onlyThere bool) {
	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, MarketingMessages: status, MarketingOnlyThere: &onlyThere})
}

func TestWhereMarketingGoesIsReadAndNotGuessed(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		for _, step := range []struct {
			status    string
			onlyThere bool
			want      whatsapp.Route
		}{{"ELIGIBLE", false, whatsapp.RouteMessages}, {"ONBOARDED", false, whatsapp.RouteMarketing},
			{"ELIGIBLE", false, whatsapp.RouteMessages}, {"ELIGIBLE", true, whatsapp.RouteMarketing}} {
			s.onboard(step.status, step.onlyThere)
			s.advance(time.Minute)
			if _, err := s.Sync(ctx, a.ID); err != nil {
				s.t.Fatal(err)
			}
			if got := s.route(a); got != step.want {
				s.t.Errorf("%s, %t: it goes to %s", step.status, step.onlyThere, got)
			}
		}
	})
}

func TestAnAccountThatTakesPartGoesTheNewWayFromItsConnectionOn(t *testing.T) {
	each(t, func(s *stage) {
		s.onboard("ONBOARDED", false)
		if _, a := s.connected(); s.route(a) != whatsapp.RouteMarketing {
			s.t.Errorf("it goes to %s", s.route(a))
		}
	})
}

func TestTheWebhookOfSigningHasTheAccountReadAgain(t *testing.T) {
	each(t, func(s *stage) {
		_, a := s.connected()
		s.onboard("ONBOARDED", false)
		signed := whatsapp.AccountUpdate{WABAID: waba, Kind: whatsapp.AccountChanged, Event: "MM_LITE_TERMS_SIGNED"}
		s.breaks("GET "+waba, says(http.StatusBadGateway, "<html>"))
		if _, err := s.ApplyAccountUpdate(s.system(), signed); !errors.Is(err, account.ErrNotAsked) {
			s.t.Errorf("while Meta is away: %v", err)
		}

		s.breaks("GET "+waba, nil)
		if _, err := s.ApplyAccountUpdate(s.system(), signed); err != nil || s.route(a) != whatsapp.RouteMarketing {
			s.t.Errorf("it goes to %s, %v", s.route(a), err)
		}
	})
}

func TestATemplatesRouteIsReadAgain(t *testing.T) {
	each(t, func(s *stage) {
		dear := offer("spring")
		id := s.atMeta(dear)
		_, a := s.connected()
		row := s.template("spring")
		s.db.Client.Template.UpdateOneID(row.ID).SetCategory("UTILITY").SetUpdatedAt(s.now()).ExecX(s.system())
		s.onboard("ONBOARDED", false)
		s.advance(time.Second)
		if err := s.ReadRoute(s.system(), a.ID, row.ID); err != nil {
			s.t.Fatal(err)
		}

		read, err := s.Template(s.system(), row.ID)
		if err != nil || read.ID != id || read.Route(s.route(a)) != whatsapp.RouteMarketing {
			s.t.Errorf("it is %+v, %v", read, err)
		}

		s.hear(s.system(), a.OrganizationID, row.ID, a.ID)
	})
}

func TestAMaxPriceIsKeptWithItsTemplate(t *testing.T) {
	each(t, func(s *stage) {
		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, MarketingMessages: "ONBOARDED"})
		s.priced("dear", 87000)
		ctx, a := s.connected()
		row := s.template("dear")
		if row.MaxPrice == nil || *row.MaxPrice != 87000 {
			s.t.Errorf("connected with %v", text(row.MaxPrice))
		}

		if got, err := s.Template(ctx, row.ID); err != nil || got.MaxPrice != 87000 {
			s.t.Errorf("sent with %d, %v", got.MaxPrice, err)
		}

		s.advance(time.Minute)
		if _, err := s.Sync(ctx, a.ID); err != nil {
			s.t.Fatal(err)
		}
		if again := s.template("dear"); !again.UpdatedAt.Equal(row.UpdatedAt) {
			s.t.Error("a sync that finds the same changes it")
		}
	})
}

// priced makes a template with a max price at Meta.
func (s *stage) priced(name string, amount int) {
	s.t.Helper()
	if err := s.sandbox.SetMaxPrice(waba, s.atMetaNamed(name), amount); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) atMetaNamed(name string) string {
	s.atMeta(offer(name))
	return name
}
