package app_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"carillon/app"
	"carillon/caller"
	"carillon/database"
	"carillon/ent/deliveryevent"
	"carillon/ent/enum"
	entexport "carillon/ent/export"
	"carillon/ent/jsonfield"
	entmessage "carillon/ent/message"
	"carillon/ent/migrate"
	"carillon/uid"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

// Somebody of whom something is in every table that can hold it.
const (
	personPhone    = "+16045550188"
	personDigits   = "16045550188"
	personName     = "Wilhelmina Erasmus"
	personUserID   = "CA.wilhelmina1234567"
	personUsername = "wilma.e"
)

// traces are texts by which the person could be known, wherever they stand.
var traces = []string{"6045550188", "604-555-0188", "604 555 0188", "wilhelmina", "erasmus", "wilma.e",
	"words of theirs", "words to them", "their parcel",
	"wamid.theirs"}

// found are the columns of all tables that hold one of some texts, e.g. message.address.
func (s *service) found(texts []string) (columns []string) {
	s.t.Helper()
	for _, table := range migrate.Tables {
		rows, err := s.db.Query(s.t.Context(), "SELECT * FROM "+table.Name)
		if err != nil {
			s.t.Fatal(err)
		}

		names, _ := rows.Columns()
		for rows.Next() {
			values, into := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				s.t.Fatal(err)
			}

			for i, v := range values {
				text := strings.ToLower(fmt.Sprint(v))
				if raw, is := v.([]byte); is {
					text = strings.ToLower(string(raw)) + hex.EncodeToString(raw)
				}

				column := table.Name + "." + names[i]
				if slices.ContainsFunc(texts, func(trace string) bool { return strings.Contains(text, strings.ToLower(trace)) }) &&
					!slices.Contains(columns, column) {
					columns = append(columns, column)
				}
			}
		}

		if err := rows.Close(); err != nil {
			s.t.Fatal(err)
		}
	}

	return columns
}

// webhook posts what Meta would, signed.
func (s *service) webhook(field, value string) {
	s.t.Helper()
	body := fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":%q,"changes":[{"field":%q,"value":
		{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":%q},%s}}]}]}`,
		app.SandboxWABA, field, app.SandboxNumber, value)
	r, _ := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/webhooks/whatsapp", strings.NewReader(body))
	r.Header.Set("X-Hub-Signature-256", whatsapp.Sign(testSecret, []byte(body)))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}

	defer response.Body.Close()
	if _, _ = io.Copy(io.Discard, response.Body); response.StatusCode != http.StatusOK {
		s.t.Fatalf("a webhook was answered with %d", response.StatusCode)
	}
}

// wrote is a message of the person's to us.
func wrote(wamid, text string, at time.Time, more string) string {
	return fmt.Sprintf(`"contacts":[{"profile":{"name":%q,"username":%q},"wa_id":%q,"user_id":%q}],
		"messages":[{"from":%q,"from_user_id":%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":%q}%s}]`,
		personName, personUsername, personDigits, personUserID, personDigits, personUserID, wamid, at.Unix(), text, more)
}

// receipt is a status of a message to the person.
func receipt(wamid, callback, status string) string {
	return fmt.Sprintf(`"contacts":[{"wa_id":%q,"user_id":%q}],"statuses":[{"id":%q,"status":%q,"timestamp":"%d",
		"recipient_id":%q,"recipient_user_id":%q,"biz_opaque_callback_data":%q}]`, personDigits, personUserID, wamid, status,
		time.Now().Unix(), personDigits, personUserID, callback)
}

// know has the whole service learn of the person, and returns the contact's id.
func (s *service) know(campaign string) (contact string) {
	s.t.Helper()
	var made struct {
		CreateContact struct{ Contact struct{ ID string } }
	}
	s.ask(`mutation($i: CreateContactInput!) { createContact(input: $i) { contact { id } userErrors { field message } } }`,
		map[string]any{"i": map[string]any{"phone": personPhone, "name": personName, "tags": []string{"erasmus prize"},
			"attributes": []any{map[string]any{"key": "partner", "value": "Desiderius Erasmus"}},
			"consent": map[string]any{"consent": "OPTED_IN", "source": "form",
				"evidence": "signed by " + personName}}}, &made)
	contact = made.CreateContact.Contact.ID

	s.do("launchCampaign", campaign)
	s.until("the campaign is over", func() bool {
		status, p := s.progress(campaign)
		return status == "COMPLETED" && p.Read == p.Total
	})

	s.webhook("messages", wrote("wamid.theirs1", "words of theirs", time.Now(), ""))
	s.webhook("messages", receipt("wamid.theirs2", "", "read")) // of a message that is not here
	system := caller.System(s.t.Context())
	number := s.db.Client.PhoneNumber.Query().OnlyX(system)
	s.ask(`mutation($i: SendMessageInput!) { sendMessage(input: $i) { message { id } userErrors { field message } } }`,
		map[string]any{"i": map[string]any{"phoneNumberId": number.ID.String(), "to": personPhone,
			"content":   map[string]any{"text": map[string]any{"body": "words to them"}},
			"reference": "their parcel", "idempotencyKey": "parcel of " + personDigits}}, nil)
	s.until("the text is read", func() bool { return s.sandbox.Pending() == 0 && len(s.sandbox.Accepted()) == 5 })

	s.importText("phone,name\n" + personPhone + " ext 99999999,Somebody\n+8613800138000,Li Lei\n")
	s.ask(`mutation { addSuppressions(input: {phones: ["+16045550199"], reason: "husband of 604-555-0188"}) { added userErrors { message } } }`,
		nil, nil)
	s.ask(`mutation { createSegment(input: {name: "one", filter: {search: "+1 604 555 0188"}}) { segment { id } userErrors { message } } }`,
		nil, nil)
	s.db.Client.Campaign.Create().SetOrganizationID(number.OrganizationID).SetName("To one").
		SetTemplateID(s.db.Client.Template.Query().OnlyX(system).ID).SetPhoneNumberID(number.ID).
		SetStatusDetail("Meta refuses " + personPhone).SetParameters([]jsonfield.ParameterBinding{}).
		SetAudienceRule(jsonfield.Audience{ContactIDs: []uid.ID{s.id(contact)},
			Filter: &jsonfield.ContactFilter{Search: personName}}).ExecX(system)
	s.rest(contact)

	return contact
}

// rest fills the tables that need another app at Meta, or a limit, to be filled by themselves.
func (s *service) rest(contact string) {
	system := caller.System(s.t.Context())
	number, campaign := s.db.Client.PhoneNumber.Query().OnlyX(system), s.db.Client.Campaign.Query().FirstX(system)
	message := s.db.Client.Message.Query().FirstX(system)
	s.db.Client.Thread.Create().SetOrganizationID(number.OrganizationID).SetPhoneNumberID(number.ID).
		SetAddress(personPhone).SetOurs(true).SetAt(database.Now()).ExecX(system)
	s.db.Client.MessagingWindow.Create().SetOrganizationID(number.OrganizationID).SetAccountID(number.AccountID).
		SetAddress(personPhone).SetMessageID(message.ID).SetAt(database.Now()).ExecX(system)
	s.db.Client.CampaignRecipient.Create().SetOrganizationID(number.OrganizationID).SetCampaignID(campaign.ID).
		SetContactID(s.id(contact)).SetParameters(map[string]string{"1": personName}).
		SetReference("their parcel").ExecX(system)
	s.db.Client.Notification.Create().SetOrganizationID(number.OrganizationID).
		SetCreatedAt(database.Now().Add(time.Hour)). // where no mails are sent, a sweep deletes what is past
		SetKind(enum.NotificationKindCampaignPaused).
		SetCause("one").SetScope("one").SetSubjectID(campaign.ID).SetDetail("Meta refuses " + personPhone).
		ExecX(system)
	s.db.Client.FormerIdentifier.Create().SetOrganizationID(number.OrganizationID).SetKind(enum.IdentifierKindUserID).
		SetValue("CA.wilhelminaformer").SetContactID(s.id(contact)).SetUntil(database.Now()).ExecX(system)
	ids := s.db.Client.Message.Query().Where(entmessage.Address(personPhone)).IDsX(system)
	s.db.Client.Message.Update().Where(entmessage.IDIn(ids...)).SetErrorDetail("no " + personDigits).ExecX(system)
	s.db.Client.DeliveryEvent.Update().Where(deliveryevent.MessageIDIn(ids...)).SetErrorDetail("no " + personDigits).
		ExecX(system)
	s.db.Client.SendAttempt.Create().SetOrganizationID(number.OrganizationID).SetMessageID(ids[0]).SetNumber(99).
		SetAt(database.Now()).SetTookMs(1).SetEndpoint("1/messages").SetRequest("{}").SetHTTPStatus(400).SetCode(100).
		SetDetail("no " + personDigits).ExecX(system)
}

func (s *service) id(text string) uid.ID {
	s.t.Helper()
	id, err := uid.Parse(text)
	if err != nil {
		s.t.Fatal(err)
	}

	return id
}

// erase asks for it, dies at once, and waits until another process is done.
func (s *service) erase(kill func(os.Signal), contact string) {
	s.t.Helper()
	var erased struct {
		EraseContact struct{ ErasedContactID string }
	}
	s.ask(`mutation($id: ID!) { eraseContact(input: {contactId: $id}) { erasedContactId userErrors { message } } }`,
		map[string]any{"id": contact}, &erased)
	kill(syscall.SIGKILL)
	if erased.EraseContact.ErasedContactID != contact {
		s.t.Errorf("erased %q", erased.EraseContact.ErasedContactID)
	}

	s.start("")
	s.ready()
	s.until("the erasure is finished", func() bool { return s.proof(contact).FinishedAt != nil })
}

type proof struct {
	RequestedBy string
	FinishedAt  *time.Time
	Rows        []struct {
		Table string
		Count int
	}
}

func (s *service) proof(contact string) proof {
	s.t.Helper()
	var got struct{ Erasure proof }
	s.ask(`query($id: ID!) { erasure(contactId: $id) { requestedBy requestedAt finishedAt rows { table count } } }`,
		map[string]any{"id": contact}, &got)

	return got.Erasure
}

// Every column of every table is read after an erasure, and after what Meta tells late.
func TestNothingIsLeftOfAPersonWhoWasErased(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		s := deploy(t, dsn, sandbox.Options{Throughput: 200, NoPairLimit: true})
		stop := s.start("")
		s.ready()
		contact := s.know(s.draft(3))
		for _, known := range []string{"contact.phone", "contact_identifier.value", "former_identifier.value",
			"contact_tag.tag",
			"consent_record.evidence", "message.address", "message.content", "message.parameters", "message.wamid",
			"message.reference", "message.error_detail", "listing.address", "delivery_event.error_detail",
			"send_attempt.detail",
			"campaign_recipient.parameters", "messaging_window.address", "thread.address", "import_rejection.value",
			"suppression.reason", "segment.rule", "campaign.audience_rule", "campaign.status_detail", "notification.detail",
			"unmatched_webhook.body", "idempotency_key.key"} {
			if found := s.found(traces); !slices.Contains(found, known) {
				t.Errorf("before, nothing is in %s", known)
			}
		}

		var theirs []string // what WhatsApp calls the messages
		late := ""
		for _, a := range s.sandbox.Accepted() {
			if a.To == personDigits {
				theirs, late = append(theirs, a.WAMID), receipt(a.WAMID, a.CallbackData, "failed")
			}
		}

		s.exportPerson(contact)
		if files := s.filesWith(traces); len(files) == 0 {
			t.Error("before, no file holds anything")
		}

		before := time.Now()
		s.erase(stop, contact)
		all := append(slices.Clone(theirs), traces...)
		s.until("no file holds anything", func() bool { return len(s.filesWith(all)) == 0 })
		if found := s.found(all); len(found) > 0 {
			t.Errorf("after the erasure something is in %v", found)
		}

		s.webhook("messages", late)
		s.webhook("messages", receipt("wamid.theirs2", "", "read"))
		s.webhook("messages", wrote("wamid.theirs1", "words of theirs", before, ""))
		s.webhook("user_preferences", fmt.Sprintf(`"user_preferences":[{"wa_id":%q,"user_id":%q,
			"category":"marketing_messages","value":"stop","timestamp":%d}]`, personDigits, personUserID, time.Now().Unix()))
		if found := s.found(all); len(found) > 0 {
			t.Errorf("after late webhooks something is in %v", found)
		}

		s.judgeErased(contact, len(theirs))
	})
}

// exportPerson makes a file of all that is kept of somebody.
func (s *service) exportPerson(contact string) {
	s.t.Helper()
	s.ask(`mutation($id: ID!) { exportPersonalData(input: {contactId: $id}) { export { id } userErrors { message } } }`,
		map[string]any{"id": contact}, nil)
	s.until("the file is made", func() bool {
		return s.db.Client.Export.Query().Where(entexport.StatusEQ(enum.JobStatusCompleted)).
			ExistX(caller.System(s.t.Context()))
	})
}

// filesWith are the files of the service's folder that hold one of some texts: exports, and what
// the Redis within has written down.
func (s *service) filesWith(texts []string) (paths []string) {
	s.t.Helper()
	at := slices.IndexFunc(s.environ, func(v string) bool { return strings.HasPrefix(v, "DATA_DIR=") })
	folder := strings.TrimPrefix(s.environ[at], "DATA_DIR=")
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // it went meanwhile
		}

		content, _ := os.ReadFile(path)
		text := strings.ToLower(string(content))
		if slices.ContainsFunc(texts, func(trace string) bool { return strings.Contains(text, strings.ToLower(trace)) }) {
			paths = append(paths, path)
		}

		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}

	return paths
}

// judgeErased holds that the proof tells what went, that the counts are as before, and that nobody
// writes to the person when they are added anew.
func (s *service) judgeErased(contact string, messages int) {
	s.t.Helper()
	rows := map[string]int{}
	proof := s.proof(contact)
	for _, r := range proof.Rows {
		rows[r.Table] = r.Count
	}

	if rows["message"] != messages+1 || rows["consent_record"] != 1 || rows["campaign_recipient"] != 1 ||
		rows["unmatched_webhook"] == 0 || rows["contact_book"] != 1 || proof.RequestedBy != "owner@example.com" {
		s.t.Errorf("the proof says %v by %q; %d messages were to them", rows, proof.RequestedBy, messages)
	}

	s.recount()
	s.ask(`mutation { createContact(input: {phone: "`+personPhone+`"}) { contact { id } userErrors { message } } }`, nil, nil)
	var again struct {
		Contacts struct {
			Edges []struct{ Node struct{ Suppressed bool } }
		}
	}
	s.ask(`{ contacts(filter: {search: "`+personPhone+`"}) { edges { node { suppressed } } } }`, nil, &again)
	if len(again.Contacts.Edges) != 1 || !again.Contacts.Edges[0].Node.Suppressed {
		s.t.Errorf("added anew they are %+v", again.Contacts.Edges)
	}
}
