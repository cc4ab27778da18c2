package account_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/account"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/usererror"
	"carillon/whatsapp"
)

const (
	onToken = "credentials.token.accessToken"
	onWABA  = "credentials.token.wabaId"
)

func TestConnectingReadsTheAccountItsNumbersAndItsTemplates(t *testing.T) {
	each(t, func(s *stage) {
		s.atMeta(offer("spring"))
		ctx, a := s.connected()
		if a.Name != "Lucky Shrub" || *a.Currency != "USD" || a.Status != enum.AccountStatusConnected ||
			*a.ReviewStatus != "APPROVED" ||
			*a.MessagingLimit != 2000 || !a.SyncedAt.Equal(s.now()) {
			s.t.Errorf("account %v", a)
		}

		n := s.db.Client.PhoneNumber.Query().OnlyX(ctx)
		if n.MetaID != phone || n.DisplayNumber != "+1 555-078-3881" || n.VerifiedName != "Lucky Shrub" ||
			n.Throughput != 80 ||
			n.Status != "CONNECTED" || n.QualityRating != enum.QualityRatingGreen || n.AccountID != a.ID {
			s.t.Errorf("number %v", n)
		}

		tpl := s.db.Client.Template.Query().OnlyX(ctx)
		if of := account.Of(tpl); of.Name != "spring" || of.Status != "APPROVED" || of.ID == "" ||
			of.Components[0].Example.BodyText[0][0] != "Ann" {
			s.t.Errorf("template %+v", of)
		}

		if bytes.Contains(a.Token, []byte(token)) {
			s.t.Error("the token is stored in the open")
		}
		if got, err := s.Access(a); err != nil || got.Token.Reveal() != token {
			s.t.Errorf("token %q, %v", got.Token.Reveal(), err)
		}
	})
}

func TestConnectingNamesEveryFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx := s.organization("ann@example.com")

	for name, tc := range map[string]struct {
		in   account.Connect
		want []string
	}{
		"without anything": {account.Connect{},
			[]string{"consentToTransfer:NOT_ALLOWED", onToken + ":REQUIRED", onWABA + ":REQUIRED"}},
		"without consent": {account.Connect{WABAID: waba, AccessToken: token},
			[]string{"consentToTransfer:NOT_ALLOWED"}},
		"with letters in the id": {account.Connect{WABAID: "1/../2", AccessToken: token, ConsentToTransfer: true},
			[]string{onWABA + ":INVALID"}},
		"with a line in the token": {account.Connect{WABAID: waba, AccessToken: "a\r\nb", ConsentToTransfer: true},
			[]string{onToken + ":INVALID"}},
		"with an endless token": {account.Connect{WABAID: waba, AccessToken: strings.Repeat("a", 1001),
			ConsentToTransfer: true}, []string{onToken + ":TOO_LONG"}},
		"with a token nobody gave": {account.Connect{WABAID: waba, AccessToken: "EAAwrong", ConsentToTransfer: true},
			[]string{onToken + ":INVALID"}},
		"with another's account": {account.Connect{WABAID: otherWABA, AccessToken: token, ConsentToTransfer: true},
			[]string{onWABA + ":NOT_FOUND"}},
		"with no account of anyone": {account.Connect{WABAID: "100000000000000", AccessToken: token,
			ConsentToTransfer: true}, []string{onWABA + ":NOT_FOUND"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, service := range []*account.Service{s.Service, s.with(account.Options{})} {
				_, err := service.Connect(ctx, tc.in)
				if got := codes(t, err); !slices.Equal(got, tc.want) {
					t.Errorf("got %v, want %v", got, tc.want)
				}
				if err != nil && strings.Contains(err.Error(), "EAA") {
					t.Errorf("the token is told: %v", err)
				}
			}
		})
	}
}

func TestConnectingSaysWhatMetaDidNotDo(t *testing.T) {
	t.Parallel()
	html := says(http.StatusBadGateway, "<html><body>Sorry, something went wrong.</body></html>")
	refusal := func(status int, code, subcode string) http.HandlerFunc {
		return says(status, `{"error":{"message":"Meta's words","type":"OAuthException","code":`+code+`,"error_subcode":`+
			subcode+`,"fbtrace_id":"A"}}`)
	}

	for name, tc := range map[string]struct {
		call   string
		answer http.HandlerFunc
		want   string
	}{
		"when a token is examined by a gateway": {"GET debug_token", html, ":UPSTREAM"},
		"when the token lacks a permission": {"GET debug_token", says(200,
			`{"data":{"is_valid":true,"app_id":"4200","scopes":["whatsapp_business_messaging"]}}`), onToken + ":NOT_ALLOWED"},
		"when the token is another app's": {"GET debug_token", says(200,
			`{"data":{"is_valid":true,"app_id":"666","scopes":["whatsapp_business_messaging","whatsapp_business_management"]}}`),
			onToken + ":NOT_ALLOWED"},
		"when the account is HTML":          {"GET " + waba, html, ":UPSTREAM"},
		"when the account is HTML with 200": {"GET " + waba, says(200, "<html>"), ":UPSTREAM"},
		"when the account is empty":         {"GET " + waba, says(200, "{}"), ":UPSTREAM"},
		"when the account is 500":           {"GET " + waba, refusal(500, "1", "0"), ":UPSTREAM"},
		"when the account is forbidden":     {"GET " + waba, refusal(403, "200", "0"), onToken + ":NOT_ALLOWED"},
		"when the permission is missing":    {"GET phone_numbers", refusal(403, "10", "0"), onToken + ":NOT_ALLOWED"},
		"when the token dies on the way":    {"POST subscribed_apps", refusal(401, "190", "460"), onToken + ":INVALID"},
		"when the app cannot be subscribed": {"POST subscribed_apps", html, ":UPSTREAM"},
		"when the numbers cannot be read":   {"GET phone_numbers", says(503, ""), ":UPSTREAM"},
		"when Meta hangs":                   {"GET " + waba, hangs, ":UPSTREAM"},
		"when calls are limited":            {"GET " + waba, refusal(400, "80007", "2494055"), ":UPSTREAM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onSQLite(t)
			ctx := s.organization("ann@example.com")
			s.breaks(tc.call, tc.answer)
			service := s.Service
			if name == "when Meta hangs" {
				s.meta = whatsapp.NewClient(s.url, "v26.0", whatsapp.WithTimeout(50*time.Millisecond))
				service = s.with(account.Options{})
			}

			_, err := service.Connect(ctx, credentials)
			s.wrong(err, tc.want)
			if n := s.db.Client.Account.Query().CountX(s.system()); n != 0 {
				t.Errorf("%d accounts are stored", n)
			}

			s.breaks(tc.call, nil)
			if _, err := s.Connect(ctx, credentials); err != nil {
				t.Errorf("later: %v", err)
			}
		})
	}
}

func TestConnectingWithoutTheRoleIsForbidden(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx := s.organization("ann@example.com")
	_, secret, err := s.who.CreateAPIKey(ctx, identity.NewAPIKey{Name: "key", Role: enum.RoleCampaigner})
	if err != nil {
		t.Fatal(err)
	}

	campaigner, err := s.who.Authenticate(t.Context(), "Bearer "+secret, identity.Client{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Connect(campaigner, credentials); !usererror.Is(err, usererror.Forbidden) {
		t.Error(err)
	}
	if _, err := s.Connect(t.Context(), credentials); !usererror.Is(err, usererror.Unauthenticated) {
		t.Error(err)
	}

	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Connect(gone, credentials); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who went away: %v", err)
	}
}

func TestConnectingStaysWhenOnlyTemplatesAreMissing(t *testing.T) {
	each(t, func(s *stage) {
		s.atMeta(offer("spring"))
		ctx := s.organization("ann@example.com")
		s.breaks("GET message_templates", says(500, "<html>"))
		_, err := s.Connect(ctx, credentials)
		s.wrong(err, ":UPSTREAM")
		a := s.db.Client.Account.Query().OnlyX(ctx)
		if a.SyncedAt != nil || a.Status != enum.AccountStatusConnected {
			s.t.Errorf("account %v", a)
		}

		s.breaks("GET message_templates", nil)
		if a, err = s.Sync(ctx, a.ID); err != nil || a.SyncedAt == nil || s.db.Client.Template.Query().CountX(ctx) != 1 {
			s.t.Errorf("later: %v, %v", a, err)
		}
	})
}

func TestOfTwoOrganizationsThatBindOneAccountAtOnceOneWins(t *testing.T) {
	each(t, func(s *stage) {
		organizations := []context.Context{s.organization("ann@example.com"), s.organization("bob@example.com")}
		var won, lost atomic.Int32
		var wait sync.WaitGroup

		for i := range 6 { // colleagues, too: their organization wins for all of them
			wait.Go(func() {
				if _, err := s.Connect(organizations[i%2], credentials); err == nil {
					won.Add(1)
				} else if got := codes(s.t, err); slices.Equal(got, []string{onWABA + ":TAKEN"}) {
					lost.Add(1)
				}
			})
		}

		wait.Wait()
		if won.Load() != 3 || lost.Load() != 3 || s.db.Client.Account.Query().CountX(s.system()) != 1 ||
			s.db.Client.PhoneNumber.Query().CountX(s.system()) != 1 {
			s.t.Errorf("%d won, %d lost", won.Load(), lost.Load())
		}
	})
}

func TestConnectingAgainReplacesTheToken(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		number := s.db.Client.PhoneNumber.Query().OnlyX(ctx)
		s.sandbox.InvalidateToken(token)
		_, err := s.Sync(ctx, a.ID)
		s.wrong(err, ":UPSTREAM")
		if a = s.db.Client.Account.Query().OnlyX(ctx); a.Status != enum.AccountStatusTokenExpired || *a.StatusReason == "" {
			s.t.Fatalf("account %v", a)
		}

		s.renew("EAAfresh")
		again, err := s.Connect(ctx, account.Connect{WABAID: " " + waba + " ", AccessToken: " EAAfresh\n",
			ConsentToTransfer: true})
		if err != nil || again.ID != a.ID || again.Status != enum.AccountStatusConnected || again.StatusReason != nil {
			s.t.Fatalf("%v, %v", again, err)
		}

		sender, err := s.Sender(s.system(), number.ID)
		if err != nil || sender.Token.Reveal() != "EAAfresh" {
			s.t.Errorf("sends with %q, %v", sender.Token.Reveal(), err)
		}
		if changed, err := s.ExpireToken(s.system(), a, "an answer to the old token that came late"); changed || err != nil {
			s.t.Errorf("the new token expired with the old one: %t, %v", changed, err)
		}
		if changed, err := s.ExpireToken(s.system(), again, "refused"); !changed || err != nil {
			s.t.Errorf("%t, %v", changed, err)
		}
	})
}

func TestAnAccountLeftByOneOrganizationIsFreeForAnother(t *testing.T) {
	each(t, func(s *stage) {
		_, a := s.connected()
		bob := s.organization("bob@example.com")
		_, err := s.Connect(bob, credentials)
		s.wrong(err, onWABA+":TAKEN")
		if changed, err := s.SetStatus(s.system(), a.ID, enum.AccountStatusDisconnected, ""); !changed || err != nil {
			s.t.Fatal(changed, err)
		}

		taken, err := s.Connect(bob, credentials)
		if err != nil || taken.ID == a.ID {
			s.t.Fatal(taken, err)
		}

		ann := s.organizationOf(a.OrganizationID)
		if _, err := s.Sync(ann, a.ID); !usererror.Is(err, usererror.Conflict) {
			s.t.Errorf("syncing what was left: %v", err)
		}

		n, err := s.ByMetaNumber(s.system(), phone)
		if err != nil || n.AccountID != taken.ID {
			s.t.Errorf("the number is %v, %v", n, err)
		}
	})
}
