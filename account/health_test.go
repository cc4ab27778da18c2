package account_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/account"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
)

// said writes issues as SEVERITY subject: code title (remedy).
func said(issues []jsonfield.HealthIssue) (out []string) {
	for _, i := range issues {
		out = append(out, fmt.Sprintf("%s %s: %s %s (%s)", i.Severity, i.Subject, text(i.Code), i.Title, text(i.Remedy)))
	}

	return out
}

func (s *stage) unwell(id, status string) {
	s.t.Helper()
	if err := s.sandbox.SetHealth(waba, id, json.RawMessage(status)); err != nil {
		s.t.Fatal(err)
	}
}

func TestHealthIsReadAtBindingAndAtEverySync(t *testing.T) {
	each(t, func(s *stage) {
		s.unwell(waba, `{"can_send_message":"BLOCKED","entities":[
			{"entity_type":"WABA","id":"`+waba+`","can_send_message":"AVAILABLE"},
			{"entity_type":"BUSINESS","id":"506914307656634","can_send_message":"LIMITED","additional_info":
				["The business has not passed business verification."]},
			{"entity_type":"APP","id":"`+appID+`","can_send_message":"BLOCKED"}]}`)
		s.unwell(phone, `{"can_send_message":"BLOCKED","entities":[
			{"entity_type":"PHONE_NUMBER","id":"`+phone+`","can_send_message":"BLOCKED","errors":[{"error_code":141000,
				"error_description":"The phone number is not registered.","possible_solution":"Register it."},
				{"error_description":"Something else."}]},
			{"entity_type":"APP","id":"`+appID+`","can_send_message":"BLOCKED"}]}`)
		ctx, a := s.connected()
		want := []string{
			"ERROR APP " + appID + ": nothing WhatsApp says BLOCKED, and not why. (nothing)",
			"ERROR PHONE_NUMBER +1 555-078-3881: 141000 The phone number is not registered. (Register it.)",
			"ERROR PHONE_NUMBER +1 555-078-3881: nothing Something else. (nothing)",
			"WARNING BUSINESS 506914307656634: nothing The business has not passed business verification. (nothing)",
		}
		if got := said(account.Health(a, s.now())); !slices.Equal(got, want) {
			s.t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}

		s.unwell(phone, "null")
		s.unwell(waba, "null")
		a, err := s.Sync(ctx, a.ID)
		if err != nil || len(account.Health(a, s.now())) != 0 {
			s.t.Errorf("well again: %v, %v", said(a.Health), err)
		}

		s.unwell(phone, `{"entities":[{"entity_type":"PHONE_NUMBER","can_send_message":"LIMITED","additional_info":["Slow."]}]}`)
		if a, err = s.Sync(ctx, a.ID); err != nil || !slices.Equal(said(a.Health),
			[]string{"WARNING PHONE_NUMBER: nothing Slow. (nothing)"}) {
			s.t.Errorf("later: %v, %v", said(a.Health), err)
		}
	})
}

func TestHealthIsBoundedWhateverWhatsAppSays(t *testing.T) {
	each(t, func(s *stage) {
		entity := `{"entity_type":"WABA","id":"%d","can_send_message":"BLOCKED","errors":[` +
			strings.Repeat(`{"error_code":1,"error_description":"`+strings.Repeat("x", 5000)+`"},`, 40) +
			`{"error_code":2,"error_description":"y"}],"additional_info":[{"a":1},7,"z"]}`
		var all []string
		for i := range 60 {
			all = append(all, fmt.Sprintf(entity, i))
		}

		s.unwell(waba, `{"entities":[`+strings.Join(all[:3], ",")+`]}`)
		for _, odd := range []string{`{"entities":7}`, `[]`, `"BLOCKED"`, `{"entities":[null,7,{"can_send_message":{}}]}`} {
			s.unwell(phone, odd)
			ctx := s.organization(fmt.Sprintf("a%d@example.com", len(odd)))
			a, err := s.Connect(ctx, credentials)
			if err != nil {
				s.t.Fatal(err)
			}

			for _, i := range a.Health {
				if len(i.Title) > 2000 {
					s.t.Errorf("a title of %d bytes", len(i.Title))
				}
			}

			if n := len(a.Health); n == 0 || n > 50 {
				s.t.Errorf("%d issues", n)
			}
			if _, err := s.Disconnect(ctx, a.ID); err != nil {
				s.t.Fatal(err)
			}
		}
	})
}

func TestTheEndOfATokenIsAnIssueThatGetsWorse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		left   time.Duration
		status enum.AccountStatus
		want   []string
	}{
		"far":          {15 * 24 * time.Hour, enum.AccountStatusConnected, nil},
		"near":         {14 * 24 * time.Hour, enum.AccountStatusConnected, []string{"WARNING"}},
		"over":         {0, enum.AccountStatusTokenExpired, []string{"ERROR"}},
		"disconnected": {0, enum.AccountStatusDisconnected, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &ent.Account{Status: tc.status, TokenExpiresAt: new(now.Add(tc.left))}
			var got []string
			for _, i := range account.Health(a, now) {
				got = append(got, string(i.Severity))
				if i.Subject != "TOKEN" || i.Remedy == nil || !strings.Contains(i.Title, "2026-") {
					t.Errorf("%+v", i)
				}
			}

			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}

	if got := account.Health(&ent.Account{Health: []jsonfield.HealthIssue{{Title: "a"}}}, now); len(got) != 1 {
		t.Errorf("without an end: %v", got)
	}
}
