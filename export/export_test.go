package export_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/audience"
	"carillon/audit"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/auditevent"
	"carillon/ent/enum"
	"carillon/ent/exportpart"
	"carillon/ent/jsonfield"
	"carillon/export"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

func TestAFileOfMessagesHoldsEachOnceAndTheSameInEachFormat(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		want := append(numbered(19), `=HYPERLINK("http://x")`, "two\nlines, \"quoted\"", "退订 🎉")
		d.messages(d.contact("+14155550101", "@SUM(A1)"), want...)
		d.SetSheetRows(10)
		e := d.startMessages(enum.ExportFormatNDJSON)
		d.wait(time.Minute)
		d.message(d.contact("+14155550102", "later"), d.idNow(), "made after the call")

		plain := d.table(d.run(e.ID))
		if got := column(plain, "text"); !same(got, want) {
			t.Errorf("the file has %q", got)
		}
		if parts := db.Client.ExportPart.Query().Where(exportpart.ExportID(e.ID)).CountX(d.system); parts < 5 {
			t.Errorf("it was written in %d parts", parts)
		}

		first := plain[0]
		if first["to"] != "+14155550101" || first["phone_number"] != "+15550783881" ||
			first["contact_name"] != "@SUM(A1)" || first["status"] != "DELIVERED" || first["delivered_at"] == "" ||
			first["read_at"] != "" || first["attempts"] != "0" {
			t.Errorf("the first row is %v", first)
		}

		only := jsonfield.ExportQuestion{Messages: &jsonfield.MessageFilter{To: new("+1 415 555 0101")}}
		book := d.table(d.run(d.start(enum.ExportKindMessages, enum.ExportFormatXLSX, only).ID))
		lines := d.table(d.run(d.start(enum.ExportKindMessages, enum.ExportFormatCSV, only).ID))
		for i := range plain {
			if !maps.Equal(book[i], plain[i]) {
				t.Errorf("the workbook's row %d is %v,\nwant %v", i, book[i], plain[i])
			}
			for name, value := range plain[i] {
				if got := lines[i][name]; got != value && got != "'"+value {
					t.Errorf("the CSV's row %d has %q as %s, want %q", i, got, name, value)
				}
			}
		}

		if len(book) != len(plain) || len(lines) != len(plain) {
			t.Errorf("%d, %d and %d rows", len(plain), len(book), len(lines))
		}
		if lines[19]["text"] != "'"+want[19] || lines[0]["contact_name"] != "'@SUM(A1)" || lines[0]["to"] != "+14155550101" {
			t.Errorf("formulas are %q and %q, a number %q", lines[19]["text"], lines[0]["contact_name"], lines[0]["to"])
		}
	})
}

func TestAFileOfContactsCanBeImported(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		c := d.contact("+14155550101", "Ann Lee", audience.Attribute{Key: "city", Value: "Köln, =1+1"},
			audience.Attribute{Key: "phone", Value: "a desk's"})
		tagged := audience.ContactChange{AddTags: []string{"vip", "old"}}
		if _, err := d.people.UpdateContact(d.ctx, c.ID, tagged); err != nil {
			t.Fatal(err)
		}

		if _, err := d.people.CreateList(d.ctx, "Spring"); err != nil {
			t.Fatal(err)
		}

		d.contact("+491711234567", "Übermut", audience.Attribute{Key: "age", Value: "-3"})
		d.wait(time.Second)
		e := d.run(d.start(enum.ExportKindContacts, enum.ExportFormatCSV, jsonfield.ExportQuestion{}).ID)
		rows := d.table(e)
		if len(rows) != 2 || rows[0]["tags"] != "old, vip" || rows[0]["city"] != "Köln, =1+1" ||
			rows[0]["attribute phone"] != "a desk's" || rows[1]["age"] != "'-3" || rows[1]["country"] != "DE" || e.Rows != 2 {
			t.Errorf("the file has %v", rows)
		}

		object := d.table(d.run(d.start(enum.ExportKindContacts, enum.ExportFormatNDJSON, jsonfield.ExportQuestion{
			Contacts: &jsonfield.ContactFilter{Search: "Ann"}}).ID))
		if len(object) != 1 || object[0]["attributes"] != "map[city:Köln, =1+1 phone:a desk's]" ||
			object[0]["tags"] != "[old vip]" {
			t.Errorf("as NDJSON it is %v", object)
		}

		other := open(t, db)
		im, err := other.people.StartImport(other.ctx, audience.NewImport{FileName: "contacts.csv",
			File: strings.NewReader(string(d.content(e)))})
		if err != nil {
			t.Fatal(err)
		}
		if err := other.people.RunImport(other.system, im.ID); err != nil {
			t.Fatal(err)
		}

		other.wait(time.Minute)
		back := other.table(other.run(other.start(enum.ExportKindContacts, enum.ExportFormatCSV,
			jsonfield.ExportQuestion{}).ID))
		for _, name := range []string{"phone", "name", "city", "age", "country"} {
			if got, want := column(back, name), column(rows, name); !same(got, want) {
				t.Errorf("imported and exported again %s is %q, want %q", name, got, want)
			}
		}
	})
}

func TestAFileShowsWhatWhoAskedForItMaySee(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		d.messages(d.contact("+14155550101", "Ann Lee"), "a secret")
		d.ctx = identity.With(t.Context(), &identity.Viewer{Organization: d.org, Role: enum.RoleViewer, Masked: true})
		row := d.table(d.run(d.startMessages(enum.ExportFormatCSV).ID))[0]
		if row["to"] != "'+1•••••••01" || row["text"] != audience.Hidden || row["wamid"] != audience.Hidden ||
			row["status"] != "DELIVERED" {
			t.Errorf("masked it is %v", row)
		}

		person := d.table(d.run(d.start(enum.ExportKindContacts, enum.ExportFormatXLSX, jsonfield.ExportQuestion{}).ID))[0]
		if person["phone"] != "+1•••••••01" || person["name"] != "Ann Lee" {
			t.Errorf("masked it is %v", person)
		}

		contact := db.Client.Contact.Query().OnlyX(d.system).ID
		if _, err := d.StartOfPerson(d.ctx, contact); !usererror.Is(err, usererror.Forbidden) {
			t.Errorf("a VIEWER who asks for a person's data gets %v", err)
		}
	})
}

func TestAFileOfStatisticsHasTheReportsRowsAndFailsWithoutAZone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		hour := d.now.Truncate(time.Hour)
		for i := range 3 {
			db.Client.Statistic.Create().SetOrganizationID(d.org).SetHour(hour.Add(time.Duration(-i) * 24 * time.Hour)).
				SetAccountID(d.number.AccountID).SetPhoneNumberID(d.number.ID).SetTemplateID(uid.ID{15: 0xff}).
				SetCampaignID(uid.ID{15: 0xff}).SetCategory("").SetCountry("US").SetErrorCode(0).SetAccepted(int64(10 + i)).
				SetDelivered(7).SetCostMicros(3400).SetCostCurrency("USD").ExecX(d.system)
		}

		q := jsonfield.Statistics{Since: hour.AddDate(0, 0, -3), Until: hour.Add(time.Hour), TimeZone: "UTC",
			Interval: enum.StatisticsIntervalDay, GroupBy: []enum.StatisticsDimension{enum.StatisticsDimensionPhoneNumber,
				enum.StatisticsDimensionCountry}}
		for _, format := range (enum.ExportFormat("")).Values() {
			e := d.run(d.start(enum.ExportKindStatistics, enum.ExportFormat(format),
				jsonfield.ExportQuestion{Statistics: &q}).ID)
			rows := d.table(e)
			if got := column(rows, "accepted"); !same(got, []string{"12", "11", "10"}) ||
				rows[0]["phone_number"] != "+15550783881" || rows[0]["country"] != "US" || rows[0]["cost"] != "0.0034" ||
				rows[0]["start"] != hour.AddDate(0, 0, -2).Truncate(24*time.Hour).Format("2006-01-02 15:04:05") {
				t.Errorf("%s has %v", format, rows)
			}
		}

		q.TimeZone = "Atlantis"
		e := d.run(d.start(enum.ExportKindStatistics, enum.ExportFormatCSV, jsonfield.ExportQuestion{Statistics: &q}).ID)
		told := db.Client.Notification.Query().OnlyX(d.system)
		if e.Status != enum.JobStatusFailed || !strings.Contains(*e.StatusReason, "timeZone") ||
			told.Kind != enum.NotificationKindExportFailed || told.SubjectID != e.ID {
			t.Errorf("without a zone it is %s: %v", e.Status, e.StatusReason)
		}
	})
}

func TestAPersonsFileHoldsAllThatIsKeptOfThemAndNothingOfOthers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		ann, ben := d.contact("+14155550101", "Ann Lee"), d.contact("+14155550102", "Ben")
		d.messages(ann, numbered(8)...)
		d.messages(ben, "of another")
		if _, err := d.people.RecordConsent(d.ctx, ann.ID, jsonfield.ImportConsent{Consent: enum.ConsentOptedIn,
			Source: "a fair", Evidence: "form 7"}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.people.Suppress(d.ctx, []string{"+14155550101"}, new("asked")); err != nil {
			t.Fatal(err)
		}

		d.traces(ann)
		e, err := d.StartOfPerson(d.ctx, ann.ID)
		if err != nil {
			t.Fatal(err)
		}

		kinds, content := map[string]int{}, string(d.content(d.run(e.ID)))
		for line := range strings.Lines(content) {
			var row struct {
				Kind string
				Data map[string]any
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}

			kinds[row.Kind]++
		}

		want := map[string]int{"contact": 1, "identifier": 1, "consent": 1, "suppression": 1, "message": 8, "reply": 1,
			"conversation": 1, "messaging_window": 1, "notification": 1, "import_rejection": 2, "kept_webhook": 1}
		if !maps.Equal(kinds, want) {
			t.Errorf("the file has %v, want %v", kinds, want)
		}

		for _, part := range []string{"Ann Lee", "form 7", "asked", "text 7", "+14155550101", "(415) 555-0101",
			"no such zone", "Meta refuses 14155550101", "words of hers", "Of course"} {
			if !strings.Contains(content, part) {
				t.Errorf("the file lacks %q", part)
			}
		}

		for _, others := range []string{"of another", "Ben", "4155550102"} {
			if strings.Contains(content, others) {
				t.Errorf("the file holds %q of another person", others)
			}
		}
	})
}

// traces are what is kept of a person, and in the same places of another, beside their messages.
func (d *desk) traces(of *ent.Contact) {
	c, at, other := d.db.Client, database.Now(), "+14155550102"
	campaign, answered := uid.New(uid.Campaign), uid.New(uid.Message)
	c.Reply.Create().SetOrganizationID(d.org).SetCampaignID(campaign).SetMessageID(answered).SetContactID(of.ID).
		SetButton("Of course").SetCreatedAt(at).ExecX(d.system)
	c.Reply.Create().SetOrganizationID(d.org).SetCampaignID(campaign).SetMessageID(answered).SetButton("of another").
		SetCreatedAt(at).ExecX(d.system)
	for _, address := range []string{*of.Phone, other} {
		c.Thread.Create().SetOrganizationID(d.org).SetPhoneNumberID(d.number.ID).SetAddress(address).SetOurs(true).
			SetAt(at).ExecX(d.system)
		c.MessagingWindow.Create().SetOrganizationID(d.org).SetAccountID(d.number.AccountID).SetAddress(address).
			SetMessageID(answered).SetAt(at).ExecX(d.system)
		c.Notification.Create().SetOrganizationID(d.org).SetKind(enum.NotificationKindCampaignPaused).SetCause(address).
			SetScope("one").SetSubjectID(campaign).SetDetail("Meta refuses " + address[1:]).ExecX(d.system)
	}

	for value, reason := range map[string]string{"(415) 555-0101": "no such country", "Ann Lee": "no such zone",
		other: "of another"} {
		c.ImportRejection.Create().SetOrganizationID(d.org).SetContactImportID(uid.New(uid.ContactImport)).SetLine(2).
			SetValue(value).SetReason(reason).ExecX(d.system)
	}

	for number, text := range map[string]string{d.number.MetaID: "words of hers", "another": "of another organization"} {
		body := fmt.Sprintf(`{"metadata":{"phone_number_id":%q},"messages":[{"from":"14155550101","text":%q},
			{"from":"14155550102","text":"of another"}]}`, number, text)
		c.UnmatchedWebhook.Create().SetReason("UNKNOWN_MESSAGE").SetBody([]byte(body)).SetBodyHash([]byte(number)).
			ExecX(d.system)
	}
}

func TestAnOrderIsAuditedAndAFourthAtATimeIsRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		other := open(t, db)
		var first uid.ID
		for range 3 {
			first = d.startMessages(enum.ExportFormatCSV).ID
		}

		_, err := d.Start(d.ctx, export.Order{Kind: enum.ExportKindMessages, Format: enum.ExportFormatCSV})
		if fields, is := err.(usererror.Fields); !is || fields[0].Code != usererror.LimitExceeded {
			t.Errorf("a fourth one gives %v", err)
		}

		other.startMessages(enum.ExportFormatCSV)
		d.run(first)
		d.startMessages(enum.ExportFormatCSV)

		events := db.Client.AuditEvent.Query().Where(auditevent.OrganizationID(d.org), auditevent.Action(audit.ActionExport)).
			CountX(d.system)
		if len(d.woken) != 4 || !slices.Contains(d.woken, first) || events != 4 {
			t.Errorf("%d were told to workers, %d are in the audit trail", len(d.woken), events)
		}
		if waiting, err := d.Waiting(d.system); err != nil || len(waiting) != 4 {
			t.Errorf("%d wait, %v", len(waiting), err)
		}

		unheard := fmt.Sprint(d.table(d.row(first)))
		if unheard != "[]" {
			t.Errorf("the file of nothing has %s", unheard)
		}
	})
}
