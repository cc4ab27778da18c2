package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/auditevent"
	"carillon/ent/enum"
	entmessage "carillon/ent/message"
	"carillon/ent/retention"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// past makes n messages of a time, which say something.
func (s *service) past(made time.Time, n int) {
	s.t.Helper()
	system := caller.System(s.t.Context())
	number := s.db.Client.PhoneNumber.Query().OnlyX(system)
	messages, listings := make([]*ent.MessageCreate, n), make([]*ent.ListingCreate, n)

	for i := range n {
		id := uid.From(made.Add(time.Duration(i) * time.Millisecond))
		id[15] = byte(uid.Message)
		messages[i] = s.db.Client.Message.Create().SetID(id).SetOrganizationID(number.OrganizationID).
			SetDirection(enum.DirectionInbound).SetPhoneNumberID(number.ID).SetAccountID(number.AccountID).
			SetAddress(personPhone).SetType(enum.MessageTypeText).SetStatus(enum.MessageStatusReceived).
			SetContent(json.RawMessage(`{"text":{"body":"words"}}`)).SetNotBefore(made).SetSentAt(made).SetCreatedAt(made).
			SetWamid(fmt.Sprintf("wamid.past%d", i)).SetCountry("CA")
		listings[i] = s.db.Client.Listing.Create().SetID(id).SetOrganizationID(number.OrganizationID).
			SetPhoneNumberID(number.ID).SetAddress(personPhone).SetType(enum.MessageTypeText).SetCreatedAt(made)
	}

	for at := 0; at < n; at += 500 {
		end := min(n, at+500)
		s.db.Client.Message.CreateBulk(messages[at:end]...).ExecX(system)
		s.db.Client.Listing.CreateBulk(listings[at:end]...).ExecX(system)
	}
}

func TestARetentionKilledInItsMidstGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		const n = 12_000
		s, system := deploy(t, dsn, sandbox.Options{}), caller.System(t.Context())
		kill := s.start("")
		s.ready()
		s.draft(1)
		kill(syscall.SIGTERM)
		s.past(database.Now().Add(-400*24*time.Hour), n)
		s.db.Client.Retention.Delete().ExecX(system) // it may have run at sign-up

		gone := func() int {
			return s.db.Client.Message.Query().Where(entmessage.ErasedAtNotNil()).CountX(system)
		}

		kill = s.start("")
		s.until("messages are erased", func() bool { return gone() >= 1500 })
		kill(syscall.SIGKILL)
		r := s.db.Client.Retention.Query().Where(retention.BeforeNotNil()).OnlyX(system)
		if done := gone(); done == n || r.Counts["message"] != done {
			t.Fatalf("killed, it says %d of %d that are erased", r.Counts["message"], done)
		}

		s.start("")
		s.until("the run is over", func() bool {
			return s.db.Client.Retention.Query().Where(retention.BeforeIsNil()).ExistX(system)
		})

		if left := s.db.Client.Message.Query().Where(entmessage.ContentNotNil(), entmessage.WamidHasPrefix("wamid.past")).
			CountX(system); left != 0 || gone() != n {
			t.Errorf("%d of %d messages say something, %d are erased", left, n, gone())
		}

		events := s.db.Client.AuditEvent.Query().Where(auditevent.Action(audit.ActionOrganizationRetain)).AllX(system)
		if len(events) != 1 || !strings.HasSuffix(events[0].Summary, fmt.Sprintf(": %d of message", n)) {
			t.Errorf("the audit trail has %v", events)
		}
	})
}
