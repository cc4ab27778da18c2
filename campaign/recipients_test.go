package campaign_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"carillon/audience"
	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/campaignrecipient"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/uid"
)

func to(phone string, values ...string) campaign.Recipient {
	r := campaign.Recipient{Phone: phone}
	for i := 0; i < len(values); i += 2 {
		r.Values = append(r.Values, campaign.Value{Parameter: values[i], Value: values[i+1]})
	}

	return r
}

func (s *stage) add(t *testing.T, id uid.ID, recipients ...campaign.Recipient) *campaign.Added {
	t.Helper()
	added, err := s.AddRecipients(s.owner, campaign.AddRecipients{CampaignID: id, Recipients: recipients})
	if err != nil {
		t.Fatal(err)
	}

	return added
}

// gets are what the people of a campaign get, by their address.
func (s *stage) gets(c uid.ID) map[string]string {
	got := map[string]string{}
	for _, m := range s.db.Client.Message.Query().Where(message.CampaignID(c)).AllX(s.owner) {
		text := m.Parameters["1"] + "/" + m.Parameters["2"]
		if m.SkipReason != nil {
			text += " " + string(*m.SkipReason)
		}
		if m.Reference != nil {
			text += " #" + *m.Reference
		}
		if got[m.Address] != "" {
			text = "twice"
		}

		got[m.Address] = text
	}

	return got
}

// sent launches a campaign and enrolls its people.
func (s *stage) sent(t *testing.T, id uid.ID) map[string]string {
	t.Helper()
	if _, err := s.Launch(s.owner, id, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Enroll(t.Context(), id); err != nil {
		t.Fatal(err)
	}

	return s.gets(id)
}

func (s *stage) drafted(t *testing.T, change func(*campaign.Draft)) uid.ID {
	t.Helper()
	d := s.draft()
	if change != nil {
		change(&d)
	}

	c, err := s.Create(s.owner, d)
	if err != nil {
		t.Fatal(err)
	}

	return c.ID
}

func TestRecipientsGetTheirOwnValuesAndEachPersonOneMessage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentOptedIn)
		s.contact("+8613800000002", "Bo", "Rome", enum.ConsentOptedIn)
		s.contact("+8613800000003", "Cy", "Oslo", enum.ConsentOptedOut)
		id := s.drafted(t, nil)
		own := to("+86 138 0000 0001", "2", "Paris", "1", "")
		own.Reference = of("order-1")
		added := s.add(t, id, own, to("+447400001010", "1", "Di", "2", "Bonn"), to("+447400001020", "1", "Ed"),
			to("8613800000003", "1", "C"))
		if added.People != 4 || added.Campaign.ID != id {
			t.Errorf("added %d", added.People)
		}

		// what is given later takes the place of what was, value by value
		s.add(t, id, to("+447400001010", "2", "Rio"), to("+447400001010", "2", "Lima"), to("+447400001020", "1", ""))
		sample, err := s.SampleFor(s.owner, id, "+447400001010")
		if err != nil || sample.Values["1"] != "Di" || sample.Values["2"] != "Lima" {
			t.Errorf("the sample has %v, %v", sample.Values, err)
		}

		want := map[string]string{"+8613800000001": "Ana/Paris #order-1", "+8613800000002": "Bo/Rome",
			"+8613800000003": "C/Oslo OPTED_OUT", "+447400001010": "Di/Lima",
			"+447400001020": "/ MISSING_PARAMETER"}
		if diff := cmp.Diff(want, s.sent(t, id)); diff != "" {
			t.Error(diff)
		}

		made := db.Client.Contact.Query().Where(contact.Phone("+447400001010")).OnlyX(s.owner)
		if made.Name != nil || len(made.Attributes) > 0 || made.MarketingConsent != enum.ConsentUnknown {
			t.Errorf("the new contact is %v", made)
		}
		if old := db.Client.Contact.Query().Where(contact.Phone("+8613800000001")).OnlyX(s.owner); *old.Name != "Ana" ||
			old.Attributes["city"] != "Lisbon" {
			t.Errorf("the old contact is %v", old)
		}
	})
}

func TestRecipientsAloneNeedNoAudienceAndNoBindings(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		excluded := s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentOptedIn)
		id := s.drafted(t, func(d *campaign.Draft) {
			d.Audience, d.Parameters = jsonfield.Audience{ExcludeListIDs: []uid.ID{s.list.ID}}, nil
		})
		if got := codes(second(s.Launch(s.owner, id, nil))); len(got) == 0 {
			t.Error("an empty campaign was launched")
		}

		s.add(t, id, to(*excluded.Phone, "1", "A", "2", "B"), to("+447400001010", "1", "Di", "2", "Bonn"))
		if diff := cmp.Diff(map[string]string{"+447400001010": "Di/Bonn"}, s.sent(t, id)); diff != "" {
			t.Error(diff)
		}

		copied, err := s.Duplicate(s.owner, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := db.Client.CampaignRecipient.Query().Where(campaignrecipient.CampaignID(copied.ID)).CountX(s.owner); n != 0 {
			t.Errorf("the copy has %d recipients", n)
		}
	})
}

func TestARecipientsLanguageChoosesTheTranslationWhoseValuesTheyHave(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		german := db.Client.Template.Create().SetOrganizationID(s.account.OrganizationID).SetAccountID(s.account.ID).
			SetName("sale").SetUpdatedAt(s.now).SetLanguage("de").SetCategory(enum.TemplateCategoryMarketing).
			SetStatus(enum.TemplateStatusApproved).
			SetComponents([]byte(`[{"type":"BODY","text":"{{1}}, {{2}}, {{3}}!"}]`)).SaveX(s.owner)
		id := s.drafted(t, func(d *campaign.Draft) { d.Translate = true; d.Audience = jsonfield.Audience{} })
		s.template.Update().SetComponents([]byte(`[{"type":"BODY","text":"{{1}}, {{2}} {{3}}"}]`)).ExecX(s.owner)
		full, part := to("+447400001010", "1", "Di", "2", "Bonn", "3", "bald"), to("+447400001020", "1", "Ed", "2", "Ulm")
		full.Language, part.Language = of("de"), of("de")
		s.add(t, id, full, part)
		s.sent(t, id)
		for phone, want := range map[string]uid.ID{"+447400001010": german.ID, "+447400001020": s.template.ID} {
			if m := db.Client.Message.Query().Where(message.Address(phone)).OnlyX(s.owner); *m.TemplateID != want {
				t.Errorf("%s gets %s", phone, *m.TemplateID)
			}
		}
	})
}

func TestWhatIsWrongWithRecipientsIsSaidFieldByFieldAndNobodyIsAdded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		id := s.drafted(t, nil)
		wrong := to("+447400001050", "1", "Ann")
		wrong.Language, wrong.Reference = of("Klingon"), of("two\nlines")
		for name, tc := range map[string]struct {
			in   []campaign.Recipient
			want []string
		}{
			"nobody":   {nil, []string{"recipients REQUIRED"}},
			"too many": {make([]campaign.Recipient, 1001), []string{"recipients LIMIT_EXCEEDED"}},
			"values": {[]campaign.Recipient{to("+447400001010", "9", "x", "1", "a", "1", "b"),
				to("+447400001020", "1", strings.Repeat("x", 1025))},
				[]string{"recipients.0.values.0.parameter INVALID", "recipients.0.values.2.parameter INVALID",
					"recipients.1.values.0.value TOO_LONG"}},
			"texts": {[]campaign.Recipient{to("12"), wrong},
				[]string{"recipients.0.phone INVALID", "recipients.1.language INVALID", "recipients.1.reference INVALID"}},
		} {
			_, err := s.AddRecipients(s.owner, campaign.AddRecipients{CampaignID: id, Recipients: tc.in})
			var got []string
			for field, code := range codes(err) {
				got = append(got, field+" "+string(code))
			}

			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}

		s.db.Client.Organization.UpdateOneID(s.account.OrganizationID).SetQuotaContacts(1).ExecX(s.system)
		_, err := s.AddRecipients(s.owner, campaign.AddRecipients{CampaignID: id,
			Recipients: []campaign.Recipient{to("+447400001010"), to("+447400001020")}})
		if got := codes(err); got["recipients.1.phone"] != "LIMIT_EXCEEDED" {
			t.Errorf("beyond the quota: %v", got)
		}
		if n := db.Client.CampaignRecipient.Query().CountX(s.system) + db.Client.Contact.Query().CountX(s.system); n > 0 {
			t.Errorf("%d rows are there", n)
		}
	})
}

func TestRecipientsAreAddedUntilTheCampaignBeginsAndOnceByOneKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		id := s.drafted(t, nil)
		one := campaign.AddRecipients{CampaignID: id, IdempotencyKey: "k", Recipients: []campaign.Recipient{
			to("+447400001010", "1", "Ann", "2", "Rome"), to("+44 7400 001010", "2", "Oslo")}}
		for range 2 {
			if added, err := s.AddRecipients(s.owner, one); err != nil || added.People != 1 {
				t.Fatal(added, err)
			}

			s.add(t, id, to("+447400001010", "2", "Lima")) // which a repetition does not undo
		}

		if diff := cmp.Diff(map[string]string{"+447400001010": "Ann/Lima"}, s.sent(t, id)); diff != "" {
			t.Error(diff)
		}

		_, err := s.AddRecipients(s.owner, campaign.AddRecipients{CampaignID: id, Recipients: one.Recipients})
		if got := codes(err); got["campaignId"] != "NOT_ALLOWED" {
			t.Errorf("one that has begun: %v", err)
		}

		_, err = s.ImportRecipients(s.owner, file(id, "phone\n+447400001090\n"))
		if got := codes(err); got["campaignId"] != "NOT_ALLOWED" {
			t.Errorf("a file for one that has begun: %v", err)
		}
	})
}

func file(id uid.ID, text string) campaign.RecipientsFile {
	return campaign.RecipientsFile{CampaignID: id, FileName: "people.csv", File: strings.NewReader(text)}
}

func (s *stage) importing(t *testing.T, id uid.ID, text string) *ent.ContactImport {
	t.Helper()
	im, err := s.ImportRecipients(s.owner, file(id, text))
	if err != nil {
		t.Fatal(err)
	}

	return im
}

func TestAFileOfRecipientsIsReadByItsParameters(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.template.Update().SetParameterFormat(enum.ParameterFormatNamed).
			SetComponents([]byte(`[{"type":"BODY","text":"Hi {{first_name}}, see you in {{city}} soon."}]`)).ExecX(s.owner)
		id := s.drafted(t, func(d *campaign.Draft) { d.Audience, d.Parameters = jsonfield.Audience{}, nil })
		im := s.importing(t, id, "First_Name;Mobile;Reference;city;Notes\nAnn;+447400001010;r1;Rome;vip\n"+
			"Bo;nonsense;;;\nCy;+447400001030;;"+strings.Repeat("x", 1025)+";\nAnna;+447400001010;;;\n")
		if got := codes(second(s.Launch(s.owner, id, nil))); got["campaignId"] == "" {
			t.Error("it was launched while its recipients are read")
		}
		if err := s.audience.RunImport(s.system, im.ID); err != nil {
			t.Fatal(err)
		}

		im = db.Client.ContactImport.GetX(s.owner, im.ID)
		if im.Status != enum.JobStatusCompleted || im.RowsRead != 4 || im.Rejected != 2 || im.Created != 1 ||
			im.Updated != 1 {
			t.Errorf("the import is %v", im)
		}

		rejected, err := s.audience.Rejections(s.owner, []uid.ID{im.ID}, 10)
		if err != nil || len(rejected[im.ID]) != 2 || rejected[im.ID][0].Line != 3 || rejected[im.ID][1].Line != 4 {
			t.Errorf("rejected are %v, %v", rejected[im.ID], err)
		}

		s.sent(t, id)
		m := db.Client.Message.Query().Where(message.CampaignID(id)).OnlyX(s.owner)
		if diff := cmp.Diff(map[string]string{"first_name": "Anna", "city": "Rome"}, m.Parameters); diff != "" ||
			m.Reference == nil || *m.Reference != "r1" {
			t.Error(diff, m.Reference)
		}
		if c := db.Client.Contact.Query().OnlyX(s.owner); len(c.Attributes) > 0 || c.Name != nil {
			t.Errorf("the contact got %v", c)
		}
	})
}

func TestAWorkbookOfRecipientsIsReadAsItsRowsInCSVAre(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		rows := [][]any{{"Phone", "1", "2", "Reference"}, {447400001010, "Ann", "Rome", "r1"},
			{"+447400001020", "Bo", 7, nil}, {"nonsense", "Cy", "Oslo", "r3"}}
		var text strings.Builder
		book := excelize.NewFile()
		defer book.Close()

		for i, row := range rows {
			if err := book.SetSheetRow("Sheet1", fmt.Sprint("A", i+1), &row); err != nil {
				t.Fatal(err)
			}

			line := strings.TrimSpace(strings.ReplaceAll(fmt.Sprintln(row...), " ", ","))
			text.WriteString(strings.ReplaceAll(line, "<nil>", "") + "\n")
		}

		packed, err := book.WriteToBuffer()
		if err != nil {
			t.Fatal(err)
		}

		got := map[string][]map[string]string{}
		for name, content := range map[string]string{"CSV": text.String(), "workbook": packed.String()} {
			id := s.drafted(t, func(d *campaign.Draft) { d.Audience = jsonfield.Audience{} })
			im := s.importing(t, id, content)
			if err := s.audience.RunImport(s.system, im.ID); err != nil {
				t.Fatal(err)
			}

			im = db.Client.ContactImport.GetX(s.owner, im.ID)
			if im.Status != enum.JobStatusCompleted || im.RowsRead != 3 || im.Rejected != 1 {
				t.Errorf("the import of the %s is %v", name, im)
			}

			added := db.Client.CampaignRecipient.Query().Where(campaignrecipient.CampaignID(id)).
				Order(ent.Asc(campaignrecipient.FieldContactID)).AllX(s.owner)
			for _, r := range added {
				got[name] = append(got[name], r.Parameters)
			}
		}

		want := []map[string]string{{"1": "Ann", "2": "Rome"}, {"1": "Bo", "2": "7"}}
		if diff := cmp.Diff(map[string][]map[string]string{"CSV": want, "workbook": want}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnImportOfRecipientsGoesOnWhereItStoppedAndTwoWorkersTakeEachRowOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		id := s.drafted(t, func(d *campaign.Draft) { d.Audience = jsonfield.Audience{} })
		var text strings.Builder
		text.WriteString("phone,1,2\n")
		for i := range 2500 {
			fmt.Fprintf(&text, "+447400%06d,P%d,Rome\n", i%2400, i)
		}

		im := s.importing(t, id, text.String())
		dying, die := context.WithCancel(s.system)
		pages := 0
		s.imported = func() {
			if pages++; pages == 2 { // it is counted, and one page is taken
				die()
			}
		}
		if err := s.audience.RunImport(dying, im.ID); err == nil {
			t.Fatal("it went on")
		}

		s.imported = nil
		if read := db.Client.ContactImport.GetX(s.owner, im.ID).RowsRead; read != 1000 {
			t.Fatalf("%d rows are read", read)
		}

		var workers sync.WaitGroup
		for range 2 {
			workers.Go(func() {
				if err := s.audience.RunImport(s.system, im.ID); err != nil {
					t.Error(err)
				}
			})
		}

		workers.Wait()
		im = db.Client.ContactImport.GetX(s.owner, im.ID)
		if im.Status != enum.JobStatusCompleted || im.RowsRead != 2500 || im.Created != 2400 || im.Rejected != 0 {
			t.Errorf("the import is %v", im)
		}

		got := s.sent(t, id)
		if len(got) != 2400 || got["+447400000000"] != "P2400/Rome" || got["+447400002399"] != "P2399/Rome" {
			t.Errorf("%d people get %s", len(got), got["+447400000000"])
		}
	})
}

func TestAnImportOfRecipientsEndsWhereTheCampaignHasBegun(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentOptedIn)
		id := s.drafted(t, nil)
		im := s.importing(t, id, "phone\n+447400001010\n")
		db.Client.Campaign.UpdateOneID(id).SetStatus(enum.CampaignStatusRunning).SetEnrolledAt(s.now).ExecX(s.owner)
		if err := s.audience.RunImport(s.system, im.ID); err != nil {
			t.Fatal(err)
		}

		im = db.Client.ContactImport.GetX(s.owner, im.ID)
		if im.Status != enum.JobStatusFailed || im.StatusReason == nil || !strings.Contains(*im.StatusReason, "under way") {
			t.Errorf("the import is %v", im)
		}
		if n := db.Client.CampaignRecipient.Query().CountX(s.owner); n != 0 {
			t.Errorf("%d recipients were added", n)
		}
	})
}

// TestAnEstimateWithRecipientsIsWhatTheLaunchDoes compares both with a naive model, on random data.
func TestAnEstimateWithRecipientsIsWhatTheLaunchDoes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		want, names, cities := map[string]string{}, map[string]string{}, map[string]string{}
		consents := []enum.Consent{enum.ConsentOptedIn, enum.ConsentOptedOut, enum.ConsentUnknown}
		consent := map[string]enum.Consent{}
		for i := range 20 {
			phone := fmt.Sprintf("+86138000000%02d", i)
			names[phone], cities[phone] = []string{"", "Ana"}[rand.IntN(2)], []string{"", "Rome"}[rand.IntN(2)]
			consent[phone] = consents[rand.IntN(3)]
			s.contact(phone, names[phone], cities[phone], consent[phone])
			want[phone] = ""
		}

		id := s.drafted(t, nil)
		for range 60 {
			phone := fmt.Sprintf("+86138000000%02d", rand.IntN(30))
			which := rand.IntN(2)
			value := []string{"", "own"}[rand.IntN(2)]
			s.add(t, id, to(phone, []string{"1", "2"}[which], value))
			want[phone] = ""
			of := []map[string]string{names, cities}[which]
			if value != "" {
				of["own "+phone] = value
			} else {
				delete(of, "own "+phone)
			}
		}

		skipped := map[enum.SkipReason]int{}
		for phone := range want {
			name, city := names[phone], cities[phone]
			if own := names["own "+phone]; own != "" {
				name = own
			}
			if own := cities["own "+phone]; own != "" {
				city = own
			}

			want[phone] = name + "/" + city
			var reason enum.SkipReason
			switch {
			case consent[phone] == enum.ConsentOptedOut:
				reason = enum.SkipReasonOptedOut
			case name == "" || city == "":
				reason = enum.SkipReasonMissingParameter
			}
			if reason != "" {
				want[phone] += " " + string(reason)
				skipped[reason]++
			}
		}

		estimate, err := s.Estimate(s.owner, id)
		if err != nil {
			t.Fatal(err)
		}
		n := len(want) - skipped[enum.SkipReasonOptedOut] - skipped[enum.SkipReasonMissingParameter]
		if estimate.Recipients != n {
			t.Errorf("%d are estimated, want %d", estimate.Recipients, n)
		}
		for _, k := range estimate.Skipped {
			if k.Count != skipped[k.Reason] {
				t.Errorf("%d are estimated to be %s, want %d", k.Count, k.Reason, skipped[k.Reason])
			}
		}

		if diff := cmp.Diff(want, s.sent(t, id)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRecipientsWhoTurnOutToBeOnePersonGetOneMessage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		id := s.drafted(t, func(d *campaign.Draft) { d.Audience = jsonfield.Audience{} })
		s.add(t, id, to("+447400001010", "1", "Ann", "2", "Rome"), to("+447400001020", "1", "Bo", "2", "Oslo"))
		older := db.Client.Contact.Query().Where(contact.Phone("+447400001010")).OnlyX(s.owner)
		younger := db.Client.Contact.Query().Where(contact.Phone("+447400001020")).OnlyX(s.owner)
		err := db.InTx(s.system, func(tx *database.Tx) error {
			_, err := s.audience.Identify(s.system, tx, audience.Identity{Organization: s.account.OrganizationID,
				Contact: older.ID, Phone: *younger.Phone, At: s.now, Make: audience.MakeContact})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		// both numbers are now one contact's, in one call too
		s.add(t, id, to("+447400001020", "2", "Lima"), to("+447400001010", "2", "Rio"))
		got := s.sent(t, id)
		if len(got) != 1 || db.Client.Contact.Query().CountX(s.owner) != 1 {
			t.Errorf("they get %v", got)
		}
		for _, text := range got {
			if !strings.HasSuffix(text, "/Rio") {
				t.Errorf("they get %s", text)
			}
		}
	})
}
