package metawebhook_test

import (
	"fmt"
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/thread"
)

// holder is who holds the conversation with the person who writes in these tests.
func (s *stage) holder() string {
	s.t.Helper()
	t, err := s.db.Client.Thread.Query().Where(thread.Address("+16505551234"), thread.PhoneNumberID(s.number)).
		Only(s.system)
	switch {
	case ent.IsNotFound(err):
		return "nobody"
	case err != nil:
		s.t.Fatal(err)
	}

	return fmt.Sprint(t.Ours, " ", t.Role)
}

func (s *stage) shared() bool {
	return s.Accounts.Shared(s.db.Client.PhoneNumber.GetX(s.system, s.number))
}

func TestHandoversCopiesAndMessagesTellWhoHoldsAConversation(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		begin := int(database.Now().Unix()) - 100
		copied := func(wamid, by, fields string, at int) string {
			return fmt.Sprintf(`"%s":[{"id":%q,"timestamp":"%d",%s}]`, by, wamid, begin+at, fields)
		}
		handover := func(kind, role string, at int) string {
			return change(s.waba, "messaging_handovers", fmt.Sprintf(`{"recipient":{"phone_number_id":%q},
				"sender":{"phone_number":"16505551234"},"timestamp":"%d","type":%q,%q:{"new_owner_role":%q}}`,
				s.phone, begin+at, kind, kind, role))
		}
		standby := func(part string) string {
			return change(s.waba, "standby", fmt.Sprintf(`{"metadata":{"phone_number_id":%q},"standby":{%s}}`, s.phone, part))
		}

		if s.shared() {
			t.Error("it is shared before any sign")
		}

		for i, step := range []struct{ body, want string }{
			{wrote("wamid.1", int64(begin+1), "Hello"), "nobody"}, // ours, of a number that nobody shares
			{handover("control_taken", "customer_service", 10), "false customer_service"},
			{handover("control_passed", "marketing", 5), "false customer_service"}, // told late
			{wrote("wamid.2", int64(begin+20), "Hello"), "true "},
			{standby(copied("wamid.3", "messages", `"from":"16505551234","type":"text","text":{"body":"STOP"}`, 30)), "false "},
			{handover("control_passed", "escalation", 40), "true escalation"},
			{standby(copied("wamid.4", "message_echoes",
				`"message":{"to":"16505551234","type":"text","text":{"body":"Hi"}}`, 50)), "false "},
		} {
			s.mustTell(step.body)
			if got := s.holder(); got != step.want {
				t.Errorf("after step %d it is %q, want %q", i, got, step.want)
			}
		}

		if !s.shared() {
			t.Error("it is not shared")
		}
	})
}

func TestAHandoverOfANumberThatIsNotHereIsKept(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		body := change(s.waba, "messaging_handovers", `{"recipient":{"phone_number_id":"404"},"type":"control_taken"}`)
		s.mustTell(body)
		if got := s.db.Client.UnmatchedWebhook.Query().OnlyX(s.system); got.Reason != "UNKNOWN_NUMBER" {
			t.Errorf("kept as %s", got.Reason)
		}
	})
}
