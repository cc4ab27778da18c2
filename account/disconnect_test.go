package account_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"carillon/ent/enum"
	"carillon/uid"
	"carillon/usererror"
)

// subscribed reports whether Meta posts webhooks of the account.
func (s *stage) subscribed() bool {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"/v26.0/"+waba+"/subscribed_apps", nil)
	if err != nil {
		s.t.Fatal(err)
	}

	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}

	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%d %s %v", resp.StatusCode, body, err)
	}

	return strings.Contains(string(body), "whatsapp_business_api_data")
}

func TestADisconnectedAccountHasNoTokenAndIsRevivedByConnectingItAgain(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		number := s.db.Client.PhoneNumber.Query().OnlyX(ctx).ID
		if now, err := s.Sender(ctx, number); err != nil || now.Token == "" || !s.subscribed() {
			s.t.Fatalf("%+v, %v", now, err)
		}

		for range 2 {
			got, err := s.Disconnect(ctx, a.ID)
			if err != nil || got.Status != enum.AccountStatusDisconnected || got.StatusReason == nil || len(got.Token) != 0 {
				s.t.Fatalf("%+v, %v", got, err)
			}
		}

		if s.subscribed() {
			s.t.Error("webhooks are still posted")
		}

		if now, err := s.Sender(ctx, number); err != nil || now.Token != "" ||
			now.Account.Status != enum.AccountStatusDisconnected {
			s.t.Errorf("the sender is %+v, %v", now, err)
		}

		if _, err := s.ByMetaNumber(s.system(), phone); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("its webhooks find %v", err)
		}
		if _, err := s.Sync(ctx, a.ID); !usererror.Is(err, usererror.Conflict) {
			s.t.Errorf("sync: %v", err)
		}

		again, err := s.Connect(ctx, credentials)
		if err != nil || again.ID != a.ID || again.Status != enum.AccountStatusConnected || again.StatusReason != nil ||
			!s.subscribed() {
			s.t.Errorf("%+v, %v", again, err)
		}

		if now, err := s.Sender(ctx, number); err != nil || now.Token == "" {
			s.t.Errorf("the sender is %+v, %v", now, err)
		}
	})
}

func TestAnAccountIsDisconnectedAlsoWhenMetaDoesNotAnswer(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		stranger := s.organization("stranger@example.com")
		for _, id := range []uid.ID{a.ID, uid.New(uid.Account), {}} {
			if _, err := s.Disconnect(stranger, id); !usererror.Is(err, usererror.NotFound) {
				s.t.Errorf("another organization's: %v", err)
			}
		}

		s.breaks("DELETE subscribed_apps", says(500, "away"))
		if got, err := s.Disconnect(ctx, a.ID); err != nil || got.Status != enum.AccountStatusDisconnected {
			s.t.Errorf("%+v, %v", got, err)
		}
		if again, err := s.Connect(stranger, credentials); err != nil || again.ID == a.ID {
			s.t.Errorf("another organization connects it: %+v, %v", again, err)
		}
	})
}
