package account_test

import (
	"net/http"
	"testing"

	"carillon/ent"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

// named is a webhook about the number's username.
func named(name, status string) whatsapp.NumberUpdate {
	return whatsapp.NumberUpdate{WABAID: waba, Kind: whatsapp.NumberUsernameChanged, DisplayPhoneNumber: "15550783881",
		Username: name, Event: status}
}

func (s *stage) username(n *ent.PhoneNumber) string {
	return text(s.db.Client.PhoneNumber.GetX(s.system(), n.ID).Username)
}

func TestAUsernameIsReadWhenItsWebhookComes(t *testing.T) {
	each(t, func(s *stage) {
		s.connected()
		if err := s.sandbox.ChangeNumber(phone, sandbox.NumberChange{Username: "lucky.shrub"}); err != nil {
			s.t.Fatal(err)
		}

		late := named("older", "approved") // told late: it is another by now
		changed, err := s.ApplyNumberUpdate(s.system(), late)
		if err != nil || changed == nil || text(changed.Username) != "lucky.shrub" {
			s.t.Fatal(changed, err)
		}
		if again, err := s.ApplyNumberUpdate(s.system(), late); again != nil || err != nil {
			s.t.Errorf("the same again: %v, %v", again, err)
		}
	})
}

func TestAUsernamesWebhookIsBelievedWhileMetaIsAway(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		n := a.QueryPhoneNumbers().OnlyX(ctx)
		s.breaks("GET username", says(http.StatusBadGateway, "<html>"))
		for _, step := range []struct{ name, status, want string }{
			{"lucky", "reserved", "nothing"}, {"lucky", "approved", "lucky"}, {"other", "reserved", "lucky"},
			{"", "deleted", "nothing"},
		} {
			if _, err := s.ApplyNumberUpdate(s.system(), named(step.name, step.status)); err != nil {
				s.t.Fatal(err)
			}
			if got := s.username(n); got != step.want {
				s.t.Errorf("after %s of %q it is %s", step.status, step.name, got)
			}
		}
	})
}

func TestASyncReadsUsernamesAndKeepsThoseThatItCannotRead(t *testing.T) {
	each(t, func(s *stage) {
		if err := s.sandbox.ChangeNumber(phone, sandbox.NumberChange{Username: "lucky"}); err != nil {
			s.t.Fatal(err)
		}

		ctx, a := s.connected()
		n := a.QueryPhoneNumbers().OnlyX(ctx)
		if got := s.username(n); got != "lucky" {
			s.t.Errorf("connected with %s", got)
		}

		s.breaks("GET username", says(400, `{"error":{"code":100,"message":"(#100) Unknown path"}}`))
		if _, err := s.Sync(ctx, a.ID); err != nil {
			s.t.Fatal(err)
		}
		if got := s.username(n); got != "lucky" {
			s.t.Errorf("where it cannot be read it is %s", got)
		}
	})
}
