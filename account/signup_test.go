package account_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"carillon/account"
	"carillon/ent/enum"
	"carillon/whatsapp/sandbox"
)

const (
	onCode     = "credentials.embeddedSignup.code"
	onShared   = "credentials.embeddedSignup.wabaId"
	onSignUp   = "credentials.embeddedSignup"
	onSignedUp = "credentials.embeddedSignup.phoneNumberId"
)

// signedUp is what a page hands in after a customer has signed up.
func signedUp(code, waba string) account.Connect {
	return account.Connect{SignUp: &account.SignUp{Code: code, WABAID: waba}, ConsentToTransfer: true}
}

// signs has a customer sign up, with an account of their own.
func (s *stage) signs() (code, waba, number string) {
	s.t.Helper()
	code, waba, number, err := s.sandbox.SignUp("Lucky Shrub", "")
	if err != nil {
		s.t.Fatal(err)
	}

	return code, waba, number
}

func TestASignUpConnectsItsAccountAndRegistersItsNumber(t *testing.T) {
	for name, lost := range map[string]bool{"with the account's id": false, "with the id lost on the way": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(s *stage) {
				code, waba, number := s.signs()
				ctx := s.organization("ann@example.com")
				in := signedUp(" "+code+"\n", waba)
				if lost {
					in.SignUp.WABAID = ""
				}

				a, err := s.Connect(ctx, in)
				if err != nil || a.WabaID != waba || a.Status != enum.AccountStatusConnected || a.SyncedAt == nil || a.Sandbox {
					s.t.Fatalf("%v, %v", a, err)
				}

				n := a.QueryPhoneNumbers().OnlyX(ctx)
				if n.MetaID != number || n.Status != "CONNECTED" || n.Pin == nil {
					s.t.Errorf("number %v", n)
				}

				// whoever has the PIN sealed can register the number again
				pin, err := s.keys.Open(n.Pin, n.ID[:])
				if err != nil || len(pin) != 6 {
					s.t.Fatalf("PIN %q, %v", pin, err)
				}

				at, err := s.Access(a)
				if err != nil {
					s.t.Fatal(err)
				}
				if err := at.Client.Register(ctx, at.Token, number, string(pin)); err != nil {
					s.t.Error(err)
				}
				if bytes.Contains(a.Token, []byte(at.Token.Reveal())) {
					s.t.Error("the token is stored in the open")
				}
			})
		})
	}
}

func TestACodeServesOnceAndItsReplayAnswersWithTheAccount(t *testing.T) {
	each(t, func(s *stage) {
		code, waba, _ := s.signs()
		ann, bob := s.organization("ann@example.com"), s.organization("bob@example.com")
		a, err := s.Connect(ann, signedUp(code, waba))
		if err != nil {
			s.t.Fatal(err)
		}

		if again, err := s.Connect(ann, signedUp(code, "")); err != nil || again.ID != a.ID {
			s.t.Errorf("again: %v, %v", again, err)
		}
		_, err = s.Connect(bob, signedUp(code, waba))
		s.wrong(err, onCode+":INVALID")
		if err == nil || !strings.Contains(err.Error(), "used") || strings.Contains(err.Error(), code) {
			s.t.Errorf("another organization's replay reads %v", err)
		}

		if _, err := s.Disconnect(ann, a.ID); err != nil {
			s.t.Fatal(err)
		}

		_, err = s.Connect(ann, signedUp(code, waba))
		s.wrong(err, onCode+":INVALID")
		fresh, _, _, err := s.sandbox.SignUp("", waba)
		if err != nil {
			s.t.Fatal(err)
		}
		if again, err := s.Connect(ann, signedUp(fresh, "")); err != nil || again.ID != a.ID ||
			again.Status != enum.AccountStatusConnected {
			s.t.Errorf("a new sign-up: %v, %v", again, err)
		}
	})
}

func TestOfManyWhoHandInOneCodeAtOnceOneConnects(t *testing.T) {
	each(t, func(s *stage) {
		code, waba, _ := s.signs()
		ctx := s.organization("ann@example.com")
		var connected, refused atomic.Int32
		var wait sync.WaitGroup

		for range 6 {
			wait.Go(func() {
				if a, err := s.Connect(ctx, signedUp(code, waba)); err == nil && a.WabaID == waba {
					connected.Add(1)
				} else if slices.Equal(codes(s.t, err), []string{onCode + ":INVALID"}) {
					refused.Add(1)
				}
			})
		}

		wait.Wait()
		if connected.Load() < 1 || connected.Load()+refused.Load() != 6 ||
			s.db.Client.Account.Query().CountX(s.system()) != 1 {
			s.t.Errorf("%d connected, %d were refused", connected.Load(), refused.Load())
		}
	})
}

func TestASignUpSaysWhichFieldIsWrong(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx := s.organization("ann@example.com")
	code, _, _ := s.signs()

	for name, tc := range map[string]struct {
		in   account.Connect
		want []string
	}{
		"without anything": {account.Connect{SignUp: &account.SignUp{}},
			[]string{"consentToTransfer:NOT_ALLOWED", onCode + ":REQUIRED"}},
		"with letters in the ids": {account.Connect{ConsentToTransfer: true,
			SignUp: &account.SignUp{Code: "a", WABAID: "x", PhoneNumberID: "../1"}},
			[]string{onSignedUp + ":INVALID", onShared + ":INVALID"}},
		"with a line in the code":             {signedUp("a\nb", ""), []string{onCode + ":INVALID"}},
		"with an endless code":                {signedUp(strings.Repeat("a", 1001), ""), []string{onCode + ":TOO_LONG"}},
		"with a code of nobody":               {signedUp("AQnone", waba), []string{onCode + ":INVALID"}},
		"with an account that was not shared": {signedUp(code, otherWABA), []string{onShared + ":NOT_FOUND"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Connect(ctx, tc.in)
			if got := codes(t, err); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}

	_, err := s.with(account.Options{}).Connect(ctx, signedUp("AQ", ""))
	s.wrong(err, onSignUp+":NOT_ALLOWED")
	if n := s.db.Client.Account.Query().CountX(s.system()); n != 0 {
		t.Errorf("%d accounts are stored", n)
	}
}

func TestOfSeveralAccountsASignUpMeansTheOneThatIsNotConnectedYet(t *testing.T) {
	each(t, func(s *stage) {
		ctx, _ := s.connected()
		second, third := "200000000000002", "300000000000003"
		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: second, Name: "Second", Token: token})
		if a, err := s.Connect(ctx, signedUp("code_"+waba+"_1", "")); err != nil || a.WabaID != second {
			s.t.Errorf("%v, %v", a, err)
		}

		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: third, Name: "Third", Token: token})
		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: "400000000000004", Name: "Fourth", Token: token})
		_, err := s.Connect(ctx, signedUp("code_"+waba+"_2", ""))
		s.wrong(err, onShared+":REQUIRED")
		if err == nil || !strings.Contains(err.Error(), third) {
			s.t.Errorf("it reads %v", err)
		}
		if a, err := s.Connect(ctx, signedUp("code_"+waba+"_3", third)); err != nil || a.WabaID != third {
			s.t.Errorf("%v, %v", a, err)
		}
	})
}

func TestASignUpWhoseNumberCannotBeRegisteredStaysConnectedAndSaysSo(t *testing.T) {
	each(t, func(s *stage) {
		ctx := s.organization("ann@example.com")
		code, waba, number := s.signs()
		s.breaks("POST register", says(http.StatusBadRequest, `{"error":{"message":"(#133005) Two step verification PIN `+
			`mismatch","type":"OAuthException","code":133005,"fbtrace_id":"A"}}`))
		_, err := s.Connect(ctx, signedUp(code, waba))
		s.wrong(err, ":UPSTREAM")
		a := s.db.Client.Account.Query().OnlyX(ctx)
		n := a.QueryPhoneNumbers().OnlyX(ctx)
		if a.Status != enum.AccountStatusConnected || a.SyncedAt == nil || n.Status != "PENDING" {
			s.t.Errorf("%v, %v", a, n)
		}

		s.breaks("POST register", nil)
		fresh, _, _, err := s.sandbox.SignUp("", waba)
		if err != nil {
			s.t.Fatal(err)
		}

		in := signedUp(fresh, waba)
		in.SignUp.PhoneNumberID = number
		if _, err := s.Connect(ctx, in); err != nil {
			s.t.Fatal(err)
		}

		again := a.QueryPhoneNumbers().OnlyX(ctx)
		if again.Status != "CONNECTED" || !bytes.Equal(again.Pin, n.Pin) {
			s.t.Errorf("%v with another PIN, or not registered", again)
		}
	})
}

func TestASignUpSaysWhatWhatsAppDidNotDo(t *testing.T) {
	t.Parallel()
	refusal := func(status, code int) http.HandlerFunc {
		return says(status, fmt.Sprintf(`{"error":{"message":"Meta's words","type":"OAuthException","code":%d}}`, code))
	}

	for name, tc := range map[string]struct {
		call   string
		answer http.HandlerFunc
		want   string
	}{
		"when our secret is wrong":          {"GET access_token", refusal(400, 1), ":UPSTREAM"},
		"when the exchange is HTML":         {"GET access_token", says(502, "<html>"), ":UPSTREAM"},
		"when there is no token in it":      {"GET access_token", says(200, "{}"), ":UPSTREAM"},
		"when a permission was not granted": {"GET debug_token", says(200, `{"data":{"is_valid":true,"app_id":"4200","scopes":[]}}`), onCode + ":NOT_ALLOWED"},
		"when the account cannot be read":   {"GET phone_numbers", refusal(403, 200), onCode + ":NOT_ALLOWED"},
		"when webhooks cannot be asked for": {"POST subscribed_apps", refusal(403, 10), onCode + ":NOT_ALLOWED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onSQLite(t)
			code, waba, _ := s.signs()
			s.breaks(tc.call, tc.answer)
			_, err := s.Connect(s.organization("ann@example.com"), signedUp(code, waba))
			s.wrong(err, tc.want)
			if n := s.db.Client.Account.Query().CountX(s.system()); n != 0 {
				t.Errorf("%d accounts are stored", n)
			}
		})
	}
}

func TestEachPermissionThatATokenLacksIsNamed(t *testing.T) {
	t.Parallel()
	const managing, sending = "whatsapp_business_management", "whatsapp_business_messaging"
	for _, examined := range []bool{true, false} { // by our app, or by the token itself
		for _, scopes := range [][]string{{managing}, {sending}, {"business_management"}} {
			s := onSQLite(t)
			s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Token: token, Scopes: scopes})
			service := s.Service
			if !examined {
				service = s.with(account.Options{})
			}

			_, err := service.Connect(s.organization("ann@example.com"), credentials)
			s.wrong(err, onToken+":NOT_ALLOWED")
			for _, scope := range []string{managing, sending} {
				if lacks := !slices.Contains(scopes, scope); err == nil || strings.Contains(err.Error(), scope) != lacks {
					t.Errorf("with %v it reads %v", scopes, err)
				}
			}
		}
	}
}

func TestWhereATokenCannotBeExaminedTheRefusedCallNamesThePermission(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Token: token, Scopes: []string{"whatsapp_business_messaging"}})
	s.breaks("GET debug_token", says(http.StatusBadRequest,
		`{"error":{"message":"You must provide an app access token","type":"OAuthException","code":100}}`))
	ctx := s.organization("ann@example.com")
	service := s.with(account.Options{})
	_, err := service.Connect(ctx, credentials)
	s.wrong(err, onToken+":NOT_ALLOWED")
	if err == nil || !strings.Contains(err.Error(), "whatsapp_business_management") {
		t.Errorf("it reads %v", err)
	}

	s.renew(token)
	if _, err := service.Connect(ctx, credentials); err != nil {
		t.Errorf("with all permissions: %v", err)
	}
}
