package account_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/account"
	"carillon/audit"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/usererror"
	"carillon/whatsapp/sandbox"
)

// fresh is a number of a connected account that is neither verified nor registered.
func (s *stage) fresh() (context.Context, *ent.PhoneNumber) {
	s.t.Helper()
	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Numbers: []sandbox.NumberSpec{
		{ID: "7", DisplayNumber: "+1 555-078-3882", VerifiedName: "New", Unverified: true, Unregistered: true}}})
	ctx, a := s.connected()
	for _, n := range a.QueryPhoneNumbers().AllX(ctx) {
		if n.MetaID == "7" {
			return ctx, n
		}
	}

	s.t.Fatal("the number is not there")
	return nil, nil
}

// verified has the number's code sent and given.
func (s *stage) verified(ctx context.Context, n *ent.PhoneNumber) {
	s.t.Helper()
	if _, err := s.RequestCode(ctx, n.ID, "SMS", "en_US"); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.VerifyNumber(ctx, n.ID, "123-456"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) audited(ctx context.Context) (all []string) {
	for _, e := range s.db.Client.AuditEvent.Query().AllX(ctx) {
		if strings.HasPrefix(e.Action, "phone_number.") {
			all = append(all, e.Action)
		}
	}

	return all
}

func TestANumberIsVerifiedRegisteredAndTakenOut(t *testing.T) {
	each(t, func(s *stage) {
		ctx, n := s.fresh()
		if n.Status != "UNVERIFIED" {
			s.t.Errorf("it begins as %s", n.Status)
		}

		_, err := s.RegisterNumber(ctx, n.ID, "111222")
		s.wrong(err, "phoneNumberId:NOT_ALLOWED")
		_, err = s.VerifyNumber(ctx, n.ID, "654321")
		s.wrong(err, "code:INVALID")
		s.verified(ctx, n)

		done, err := s.RegisterNumber(ctx, n.ID, "111222")
		if err != nil || done.PhoneNumber.Status != "CONNECTED" || done.PIN != "" {
			s.t.Fatal(done, err)
		}

		_, err = s.RegisterNumber(ctx, n.ID, "222111")
		s.wrong(err, "pin:INVALID")
		if out, err := s.DeregisterNumber(ctx, n.ID); err != nil || out.Status == "CONNECTED" {
			s.t.Errorf("taken out: %v, %v", out, err)
		}

		_, err = s.DeregisterNumber(ctx, n.ID)
		s.wrong(err, "phoneNumberId:NOT_ALLOWED")

		got := s.audited(ctx)
		for _, want := range []string{audit.ActionPhoneNumberRegister, audit.ActionNumberDeregister,
			audit.ActionNumberVerify} {
			if !slices.Contains(got, want) {
				s.t.Errorf("%s is not in the trail: %v", want, got)
			}
		}
	})
}

func TestAPINThatWasMadeHereIsKeptSealedAndTakenAgain(t *testing.T) {
	each(t, func(s *stage) {
		ctx, n := s.fresh()
		s.verified(ctx, n)
		first, err := s.RegisterNumber(ctx, n.ID, "")
		if err != nil || !regexp.MustCompile(`^\d{6}$`).MatchString(first.PIN) {
			s.t.Fatal(first, err)
		}

		row := s.db.Client.PhoneNumber.GetX(ctx, n.ID)
		if len(row.Pin) == 0 || strings.Contains(string(row.Pin), first.PIN) {
			s.t.Errorf("it is stored as %q", row.Pin)
		}
		if plain, err := s.keys.Open(row.Pin, n.ID[:]); err != nil || string(plain) != first.PIN {
			s.t.Errorf("it opens as %q, %v", plain, err)
		}
		if _, err := s.DeregisterNumber(ctx, n.ID); err != nil {
			s.t.Fatal(err)
		}
		if again, err := s.RegisterNumber(ctx, n.ID, ""); err != nil || again.PIN != first.PIN {
			s.t.Errorf("once more: %v, %v", again, err)
		}

		for _, e := range s.db.Client.AuditEvent.Query().AllX(ctx) {
			if strings.Contains(e.Summary, first.PIN) {
				s.t.Errorf("the trail tells it: %s", e.Summary)
			}
		}
	})
}

func TestAPINThatIsNotTheNumbersIsForgotten(t *testing.T) {
	each(t, func(s *stage) {
		ctx, n := s.fresh()
		s.verified(ctx, n)
		if _, err := s.RegisterNumber(ctx, n.ID, "111222"); err != nil { // set elsewhere, before us
			s.t.Fatal(err)
		}

		_, err := s.RegisterNumber(ctx, n.ID, "")
		s.wrong(err, "pin:INVALID")
		if row := s.db.Client.PhoneNumber.GetX(ctx, n.ID); len(row.Pin) > 0 {
			s.t.Error("a PIN that is not the number's is kept")
		}
	})
}

func TestTwoWhoRegisterAtOnceMakeOnePIN(t *testing.T) {
	each(t, func(s *stage) {
		ctx, n := s.fresh()
		s.verified(ctx, n)
		pins := make([]string, 4)
		var all sync.WaitGroup
		for i := range pins {
			all.Go(func() {
				if done, err := s.RegisterNumber(ctx, n.ID, ""); err != nil {
					s.t.Error(err)
				} else {
					pins[i] = done.PIN
				}
			})
		}

		all.Wait()
		if slices.Sort(pins); pins[0] == "" || pins[0] != pins[3] {
			s.t.Errorf("they got %v", pins)
		}
	})
}

func TestAPINIsKeptBeforeWhatsAppIsAsked(t *testing.T) {
	each(t, func(s *stage) {
		ctx, n := s.fresh()
		s.breaks("POST register", says(http.StatusBadGateway, "<html>"))
		_, err := s.RegisterNumber(ctx, n.ID, "")
		s.wrong(err, ":UPSTREAM")
		if row := s.db.Client.PhoneNumber.GetX(ctx, n.ID); len(row.Pin) == 0 {
			s.t.Error("an answer that was lost may have set a PIN that nobody knows")
		}
	})
}

func TestTheTenthRegistrationInThreeDaysIsTheLast(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, n := s.fresh()
	s.verified(ctx, n)
	s.sandbox.Change(func(o *sandbox.Options) { o.NoLimits = false })
	for range 10 {
		if _, err := s.RegisterNumber(ctx, n.ID, "111222"); err != nil {
			t.Fatal(err)
		}
	}

	_, err := s.RegisterNumber(ctx, n.ID, "111222")
	s.wrong(err, "phoneNumberId:LIMIT_EXCEEDED")
	var in usererror.Fields
	if !errors.As(err, &in) || !strings.Contains(in[0].Message, "ten times in 72 hours") ||
		!strings.Contains(in[0].Message, "Wait 72 hours") {
		t.Errorf("it is explained as %v", err)
	}
}

func TestWhoGuessesAPINIsToldHowLongToWait(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, n := s.fresh()
	s.verified(ctx, n)
	if _, err := s.RegisterNumber(ctx, n.ID, "111222"); err != nil {
		t.Fatal(err)
	}

	for range 3 {
		_, err := s.RegisterNumber(ctx, n.ID, "999999")
		s.wrong(err, "pin:INVALID")
		s.advance(time.Minute)
	}

	_, err := s.RegisterNumber(ctx, n.ID, "111222") // the right one
	if s.wrong(err, "pin:LIMIT_EXCEEDED"); !strings.Contains(err.Error(), "after 3420 seconds") {
		t.Error(err)
	}

	s.advance(57 * time.Minute)
	if _, err := s.RegisterNumber(ctx, n.ID, "111222"); err != nil {
		t.Error(err)
	}
}

func TestMetasRefusalsOfANumberAreSaidInOurWords(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, n := s.fresh()
	register := func() error { _, err := s.RegisterNumber(ctx, n.ID, "111222"); return err }
	code := func() error { _, err := s.RequestCode(ctx, n.ID, "SMS", "en_US"); return err }
	verify := func() error { _, err := s.VerifyNumber(ctx, n.ID, "123456"); return err }
	for name, tc := range map[string]struct {
		edge, body string
		do         func() error
		want, says string
	}{
		"a wrong PIN":          {"register", `{"error":{"code":133005}}`, register, "pin:INVALID", "Wrong PIN"},
		"too many wrong PINs":  {"register", `{"error":{"code":133008,"error_data":{"details":"Try in 9 minutes"}}}`, register, "pin:LIMIT_EXCEEDED", "9 minutes"},
		"PINs too fast":        {"register", `{"error":{"code":133009}}`, register, "pin:LIMIT_EXCEEDED", "too fast"},
		"not verified":         {"register", `{"error":{"code":133006}}`, register, "phoneNumberId:NOT_ALLOWED", "Verify"},
		"just deleted":         {"register", `{"error":{"code":133015}}`, register, "phoneNumberId:NOT_ALLOWED", "five minutes"},
		"too often":            {"register", `{"error":{"code":133016}}`, register, "phoneNumberId:LIMIT_EXCEEDED", "ten times"},
		"in maintenance":       {"register", `{"error":{"code":100,"error_subcode":2494100}}`, register, "phoneNumberId:NOT_ALLOWED", "maintenance"},
		"no code, by its code": {"request_code", `{"error":{"code":136024}}`, code, "phoneNumberId:LIMIT_EXCEEDED", "verification code"},
		"no code, by subcode":  {"request_code", `{"error":{"code":136024,"error_subcode":2388091}}`, code, "phoneNumberId:LIMIT_EXCEEDED", "verification code"},
		"a wrong code":         {"verify_code", `{"error":{"code":136025,"error_subcode":2388093}}`, verify, "code:INVALID", "Enter it again"},
		"an old code":          {"verify_code", `{"error":{"code":136025}}`, verify, "code:INVALID", "too old"},
		"no permission":        {"register", `{"error":{"code":200,"message":"no"}}`, register, ":NOT_ALLOWED", "permission"},
		"a problem of its own": {"register", `{"error":{"code":131000,"message":"oops"}}`, register, ":UPSTREAM", "oops"},
	} {
		s.breaks("POST "+tc.edge, says(400, tc.body))
		err := tc.do()
		if got := codes(t, err); !slices.Equal(got, []string{tc.want}) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v, want %s: %v", name, got, tc.want, err)
		}

		s.breaks("POST "+tc.edge, nil)
	}
}

func TestWhatIsNoPINOrCodeNeverReachesWhatsApp(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, n := s.fresh()
	for _, edge := range []string{"register", "verify_code", "request_code"} {
		s.breaks("POST "+edge, func(http.ResponseWriter, *http.Request) { t.Error("WhatsApp was asked") })
	}

	for _, pin := range []string{"12345", "1234567", "abcdef", "12345６", " 111222"} {
		_, err := s.RegisterNumber(ctx, n.ID, pin)
		s.wrong(err, "pin:INVALID")
	}

	for _, code := range []string{"", "abc", "123", "123456789"} {
		_, err := s.VerifyNumber(ctx, n.ID, code)
		s.wrong(err, "code:INVALID")
	}

	for _, language := range []string{"", "EN", "en-US", "en_us", "en_US\n"} {
		_, err := s.RequestCode(ctx, n.ID, "SMS", language)
		s.wrong(err, "language:INVALID")
	}
}

func TestOnlyAdministratorsManageNumbersAndOnlyTheirs(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, n := s.fresh()
	campaigner := identity.With(t.Context(), &identity.Viewer{Organization: n.OrganizationID, Role: enum.RoleCampaigner})
	about := "a"
	for name, do := range map[string]func(context.Context) error{
		"register":   func(ctx context.Context) error { _, err := s.RegisterNumber(ctx, n.ID, "111222"); return err },
		"deregister": func(ctx context.Context) error { _, err := s.DeregisterNumber(ctx, n.ID); return err },
		"code":       func(ctx context.Context) error { _, err := s.RequestCode(ctx, n.ID, "SMS", "en"); return err },
		"verify":     func(ctx context.Context) error { _, err := s.VerifyNumber(ctx, n.ID, "123456"); return err },
		"profile": func(ctx context.Context) error {
			_, err := s.UpdateProfile(ctx, n.ID, account.Profile{About: &about})
			return err
		},
	} {
		if err := do(campaigner); !usererror.Is(err, usererror.Forbidden) {
			t.Errorf("%s by a campaigner: %v", name, err)
		}
		if err := do(s.organization(name + "@example.com")); !usererror.Is(err, usererror.NotFound) {
			t.Errorf("%s of another's: %v", name, err)
		}
	}

	if _, err := s.Disconnect(ctx, n.AccountID); err != nil {
		t.Fatal(err)
	}

	_, err := s.RegisterNumber(ctx, n.ID, "111222")
	s.wrong(err, "phoneNumberId:NOT_ALLOWED")
}

func TestWhatWhatsAppHasDoneIsSaidWhenTheNumberCannotBeReadAgain(t *testing.T) {
	each(t, func(s *stage) {
		ctx, n := s.fresh()
		s.verified(ctx, n)
		s.breaks("GET phone_numbers", says(http.StatusBadGateway, "<html>"))
		_, err := s.RegisterNumber(ctx, n.ID, "111222")
		s.wrong(err, ":UPSTREAM")
		if !strings.Contains(err.Error(), "has done it") {
			s.t.Error(err)
		}

		s.breaks("GET phone_numbers", nil)
		s.advance(time.Minute)
		if _, err := s.Sync(ctx, n.AccountID); err != nil {
			s.t.Fatal(err)
		}
		if row := s.db.Client.PhoneNumber.GetX(ctx, n.ID); row.Status != "CONNECTED" {
			s.t.Errorf("after a sync it is %s", row.Status)
		}
	})
}
