package privacy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/auditevent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/privacy"
	"carillon/uid"
)

const oneDay = 24 * time.Hour

// days sets for how many days the organization keeps messages, and gives it a member.
func (h *house) days(n int) {
	h.t.Helper()
	h.db.Client.Organization.UpdateOneID(h.org).SetRetentionDays(n).ExecX(h.system)
	if h.db.Client.Member.Query().CountX(h.system) == 0 {
		u := h.db.Client.User.Create().SetEmail("owner@example.com").SetName("Olive").SetPasswordHash("x").SaveX(h.system)
		h.db.Client.Member.Create().SetOrganizationID(h.org).SetUserID(u.ID).SetRole(enum.RoleOwner).ExecX(h.system)
	}
}

// in is the service as it is after some time.
func (h *house) in(span time.Duration) *privacy.Service {
	return privacy.New(h.db, h.keys, h.queue, h.people, h.files, nobody{},
		func() time.Time { return database.Now().Add(span) })
}

// retain runs what is due after some time, and gives how many organizations those were.
func (h *house) retain(span time.Duration) (due int) {
	h.t.Helper()
	s := h.in(span)
	all, err := s.Due(h.system)
	for _, id := range all {
		if err == nil {
			err = s.Retain(h.system, id)
		}
	}

	if err != nil {
		h.t.Fatal(err)
	}

	return len(all)
}

// old makes delivered messages of before now, with all that their senders could have put in.
func (h *house) old(made time.Time, n int) (ids []uid.ID) {
	h.t.Helper()
	messages, listings := make([]*ent.MessageCreate, n), make([]*ent.ListingCreate, n)
	for i := range n {
		id := uid.From(made.Add(time.Duration(i) * time.Millisecond))
		id[15] = byte(uid.Message)
		ids = append(ids, id)
		address := fmt.Sprintf("+1303555%04d", i)
		messages[i] = h.db.Client.Message.Create().SetID(id).SetOrganizationID(h.org).SetDirection(enum.DirectionInbound).
			SetPhoneNumberID(h.number.ID).SetAccountID(h.number.AccountID).SetAddress(address).SetType(enum.MessageTypeText).
			SetStatus(enum.MessageStatusReceived).SetContent(json.RawMessage(`{"text":{"body":"words"}}`)).
			SetParameters(map[string]string{"1": "words"}).SetReply(&jsonfield.Reply{Payload: "words"}).
			SetErrorDetail("words").SetNotBefore(made).SetWamid(fmt.Sprintf("wamid.%s.%d", made, i)).
			SetCountry("US").SetSentAt(made).SetCreatedAt(made)
		listings[i] = h.db.Client.Listing.Create().SetID(id).SetOrganizationID(h.org).SetPhoneNumberID(h.number.ID).
			SetAddress(address).SetType(enum.MessageTypeText).SetCreatedAt(made)
	}

	for at := 0; at < n; at += 500 {
		end := min(n, at+500)
		h.db.Client.Message.CreateBulk(messages[at:end]...).ExecX(h.system)
		h.db.Client.Listing.CreateBulk(listings[at:end]...).ExecX(h.system)
	}

	return ids
}

// saying is how many messages still say something.
func (h *house) saying() int {
	h.t.Helper()
	return h.db.Client.Message.Query().Where(message.Or(message.ContentNotNil(), message.ParametersNotNil(),
		message.ReplyNotNil(), message.ErrorDetailNotNil())).CountX(h.system)
}

func (h *house) retained() (summaries []string) {
	h.t.Helper()
	for _, e := range h.db.Client.AuditEvent.Query().Where(auditevent.Action(audit.ActionOrganizationRetain)).
		Order(auditevent.BySequence()).AllX(h.system) {
		summaries = append(summaries, e.Summary)
	}

	return summaries
}

// furnish fills everything else that ends, and gives what is to stay.
func (h *house) furnish(c *ent.Contact) (campaign *ent.Campaign) {
	h.t.Helper()
	client, now := h.db.Client, database.Now()
	template := client.Template.Create().SetOrganizationID(h.org).SetAccountID(h.number.AccountID).SetName("t").
		SetLanguage("en").SetCategory(enum.TemplateCategoryUtility).SetStatus(enum.TemplateStatusApproved).
		SetComponents([]byte("[]")).SaveX(h.system)
	for _, status := range []enum.CampaignStatus{enum.CampaignStatusCompleted, enum.CampaignStatusPaused} {
		create := client.Campaign.Create().SetOrganizationID(h.org).SetName("c").SetStatus(status).
			SetTemplateID(template.ID).SetPhoneNumberID(h.number.ID).SetAudienceRule(jsonfield.Audience{}).
			SetParameters([]jsonfield.ParameterBinding{})
		if status == enum.CampaignStatusCompleted {
			create.SetCompletedAt(now)
		}

		campaign = create.SaveX(h.system)
		client.CampaignRecipient.Create().SetOrganizationID(h.org).SetCampaignID(campaign.ID).SetContactID(c.ID).
			SetParameters(map[string]string{"1": "words"}).ExecX(h.system)
	}

	file := client.ContactImport.Create().SetOrganizationID(h.org).SetFileName("people.csv").SetFileBytes(1).
		SetStatus(enum.JobStatusCompleted).SetFinishedAt(now).SaveX(h.system)
	client.ImportRejection.Create().SetOrganizationID(h.org).SetContactImportID(file.ID).SetLine(2).SetValue("words").
		SetReason("no number").ExecX(h.system)
	client.Export.Create().SetOrganizationID(h.org).SetKind(enum.ExportKindMessages).SetFormat(enum.ExportFormatCSV).
		SetQuestion(jsonfield.ExportQuestion{}).SetMasked(false).SetStatus(enum.JobStatusCompleted).SetParts(1).
		SetExpiresAt(now.Add(oneDay * 365)).ExecX(h.system)
	for _, number := range []string{"2", "3"} { // theirs, and another organization's
		client.UnmatchedWebhook.Create().SetReason("UNKNOWN_MESSAGE").SetBodyHash([]byte(number)).
			SetBody([]byte(`{"phone_number_id":"` + number + `","words":1}`)).ExecX(h.system)
	}

	return campaign
}

func TestWhatIsOlderThanTheOrganizationsDaysEndsAndCountsAndPeopleStay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.days(2)
		c := h.contact("+13035550101")
		running := h.furnish(c)
		sent := h.messages(c.ID, "+13035550101", 2)
		claimed := h.claim(1)
		h.record(delivery.Fact{Message: claimed[0].ID, Kind: delivery.Accepted, Attempt: 1, Claim: claimed[0].Claim,
			WAMID: "wamid.1", At: time.Now()})
		if n := h.retain(oneDay); n != 1 || h.saying() != 2 || len(h.retained()) != 0 {
			t.Fatalf("of %d organizations %d messages say something after a day; %v", n, h.saying(), h.retained())
		}

		if n := h.retain(3 * oneDay); n != 1 || h.retain(3*oneDay) != 0 {
			t.Errorf("%d organizations were due", n)
		}

		said := h.retained()
		if len(said) != 1 || !strings.HasSuffix(said[0], ": 1 of campaign_recipient, 1 of contact_import, "+
			"1 of delivery_event, 1 of export, 1 of import_rejection, 1 of message, 1 of unmatched_webhook") {
			t.Errorf("the audit trail says %q", said)
		}

		kept := h.db.Client.Message.Query().Where(message.ContentNotNil()).OnlyX(h.system)
		if kept.Status != enum.MessageStatusQueued || len(sent) != 2 {
			t.Errorf("a message that is %s says something", kept.Status)
		}

		expired, last, err := delivery.NewLog(h.db).Bounds(h.system, h.org)
		if err != nil || expired != last || last != 1 {
			t.Errorf("the log is from %d to %d, %v", expired, last, err)
		}

		if r := h.db.Client.CampaignRecipient.Query().OnlyX(h.system); r.CampaignID != running.ID {
			t.Error("the recipients of a campaign that is not over went")
		}
		if w := h.db.Client.UnmatchedWebhook.Query().OnlyX(h.system); !strings.Contains(string(w.Body), `"3"`) {
			t.Error("another organization's webhook went")
		}
		if e := h.db.Client.Export.Query().OnlyX(h.system); e.ExpiresAt.After(time.Now()) || *e.StatusReason == "" {
			t.Errorf("the export is %+v", e)
		}
		if n := h.db.Client.Contact.Query().CountX(h.system); n != 1 {
			t.Errorf("%d contacts", n)
		}
		h.recount()
	})
}

func TestWhatWaitedEndsOnADayAfterItHasGone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.days(1)
		h.old(database.Now().Add(-oneDay/2), 700)
		h.messages(uid.ID{}, "+13035550101", 1)
		h.old(database.Now().Add(time.Minute), 3)
		h.retain(2 * oneDay)
		if n := h.saying(); n != 1 {
			t.Fatalf("%d messages say something, want the one that waits", n)
		}

		claimed := h.claim(1)
		h.record(delivery.Fact{Message: claimed[0].ID, Kind: delivery.Accepted, Attempt: 1, Claim: claimed[0].Claim,
			WAMID: "wamid.1", At: time.Now()})
		h.old(database.Now().Add(2*oneDay+oneDay/2), 1)
		h.retain(3*oneDay + time.Minute)
		if n := h.saying(); n != 1 {
			t.Errorf("%d messages say something, want the one that is half a day old", n)
		}
		if said := h.retained(); len(said) != 2 || !strings.Contains(said[1], "1 of message") {
			t.Errorf("the audit trail says %q", said)
		}
	})
}

func TestAShorterTimeActsAtTheNextRunAndALongerOneBringsNothingBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.days(30)
		for _, age := range []int{40, 20, 5} {
			h.old(database.Now().Add(-time.Duration(age)*oneDay), 1)
		}

		for day, kept := range []struct{ days, want int }{{30, 2}, {10, 1}, {90, 1}, {3, 0}} {
			h.days(kept.days)
			h.retain(time.Duration(day) * (oneDay + time.Minute))
			if n := h.saying(); n != kept.want {
				t.Errorf("with %d days %d messages say something, want %d", kept.days, n, kept.want)
			}
		}

		if n := len(h.retained()); n != 3 {
			t.Errorf("%d events in the audit trail, want one for each run that erased something", n)
		}
	})
}

func TestARunGoesOnWhereItStoppedWithManyWorkersAndCountsEachOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const n = 2600
		h.days(1)
		h.old(database.Now().Add(-2*oneDay), n)
		s, stopped := h.in(0), 0
		due, err := s.Due(h.system)
		if err != nil || len(due) != 1 {
			t.Fatalf("%d are due, %v", len(due), err)
		}

		for span := time.Millisecond; len(h.retained()) == 0; span += span / 2 {
			ctx, cancel := context.WithTimeout(h.system, span)
			var workers sync.WaitGroup
			for range 3 {
				workers.Go(func() { _ = s.Retain(ctx, h.org) })
			}

			workers.Wait()
			cancel()
			stopped++
		}

		want := fmt.Sprintf(": %d of message", n)
		if said := h.retained(); stopped < 2 || len(said) != 1 || !strings.HasSuffix(said[0], want) {
			t.Errorf("stopped %d times, the audit trail says %q", stopped-1, said)
		}
		if left := h.saying(); left != 0 {
			t.Errorf("%d messages say something", left)
		}
	})
}

func TestAnErasedOrganizationIsNotRetained(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if due, err := h.in(oneDay).Due(h.system); err != nil || len(due) != 0 {
			t.Errorf("%d are due that have no members, %v", len(due), err)
		}
		if err := h.service.Retain(h.system, h.org); err != nil {
			t.Error(err)
		}
	})
}
