package worker_test

import (
	"fmt"
	"slices"
	"testing"

	"carillon/account"
	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

// attributes are what contacts hold who were imported from spreadsheets, web pages and other
// programs.
var attributes = []string{
	"AB12", "AB 12", "a\nb", "a\r\nb", "a\tb", "a     b", "a\u2028b", "a\u2029b", "a\u0085b\vc\fd", "a\u00a0\u2003b",
	"{{1}}", "👍", "50%", "é", `<b>"|"</b>`, "https://shop.example.com/track/AB12", "shop.example.com/track/AB12",
	"", " ", "\u200b", "https://shop.example.com/cart", "https://shop.example.com/track/",
}

func TestWhatIsNotSkippedIsTakenByWhatsAppWhateverPeopleHoldAsValues(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true})
		track := whatsapp.Button{Type: "URL", Text: "Track", URL: "https://shop.example.com/track/{{1}}",
			Example: whatsapp.Texts{"https://shop.example.com/track/a"}}
		again := track
		again.Text = "Again"

		template, err := s.accounts.CreateTemplate(s.owner,
			account.CreateTemplate{AccountID: s.account.ID, Submit: true, Template: whatsapp.Template{
				Name: "parcel", Language: "en_US", Category: "UTILITY", Components: []whatsapp.Component{
					{Type: "HEADER", Format: "IMAGE", Example: &whatsapp.Example{HeaderHandle: whatsapp.Texts{"4::a"}}},
					{Type: "BODY", Text: "Hello {{1}}, your parcel is on its way.",
						Example: &whatsapp.Example{BodyText: whatsapp.Rows{{"Ana"}}}},
					{Type: "BUTTONS", Buttons: []whatsapp.Button{track, again}}}}})
		if err != nil {
			t.Fatal(err)
		}

		s.sandbox.ApproveTemplate(waba, "parcel")
		template.Update().SetStatus(enum.TemplateStatusApproved).ExecX(s.system)

		list := s.contacts(t, len(attributes))
		want := map[string][]string{} // by address, what the sandbox is to take

		sent := map[string][2]string{ // as the text and as the suffix
			"AB12": {"AB12", "AB12"}, "AB 12": {"AB 12", "AB%2012"}, "a\nb": {"a b", "ab"}, "a\r\nb": {"a b", "ab"},
			"a\tb": {"a b", "ab"}, "a     b": {"a b", "a%20%20%20%20%20b"},
			"a\u2028b": {"a b", "ab"}, "a\u2029b": {"a b", "ab"}, "a\u0085b\vc\fd": {"a b c d", "abcd"},
			"a\u00a0\u2003b": {"a\u00a0\u2003b", "a%20%20b"},
			"{{1}}":          {"{{1}}", "%7B%7B1%7D%7D"}, "👍": {"👍", "%F0%9F%91%8D"}, "50%": {"50%", "50%25"},
			"é":                                   {"é", "%C3%A9"},
			`<b>"|"</b>`:                          {`<b>"|"</b>`, "%3Cb%3E%22%7C%22%3C/b%3E"},
			"https://shop.example.com/track/AB12": {"https://shop.example.com/track/AB12", "AB12"},
			"shop.example.com/track/AB12":         {"shop.example.com/track/AB12", "AB12"},
		}

		for i, value := range attributes {
			phone := fmt.Sprintf("+1416%d", 2_000_000+i)
			db.Client.Contact.Update().Where(contact.Phone(phone)).SetAttributes(map[string]string{"a": value}).ExecX(s.system)
			if as, takes := sent[value]; takes {
				want[phone] = []string{"https://example.com/a.jpg", as[0], as[1], as[1]}
			}
		}

		bind := func(parameter string) jsonfield.ParameterBinding {
			attribute := "a"
			return jsonfield.ParameterBinding{Parameter: parameter, Attribute: &attribute}
		}

		picture := "HTTPS://example.com/a.jpg"
		c, err := s.campaigns.Create(s.owner, campaign.Draft{Name: "c", TemplateID: template.ID, PhoneNumberID: s.number.ID,
			Audience: jsonfield.Audience{ListIDs: []uid.ID{list}},
			Parameters: []jsonfield.ParameterBinding{{Parameter: "header_image", Value: &picture}, bind("1"),
				bind("button_0_url"), bind("button_1_url")}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.campaigns.Launch(s.owner, c.ID, nil); err != nil {
			t.Fatal(err)
		}

		s.work(t, s.process)
		s.until(t, "the campaign is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })

		for _, m := range s.messages(c.ID) {
			got := s.accepted(m.Address)
			switch wanted := want[m.Address]; {
			case wanted == nil && (m.Status != enum.MessageStatusSkipped || len(got) > 0):
				t.Errorf("%q is %s: %v", m.Parameters, status(m), got)
			case wanted != nil && (len(got) != 1 || !slices.Equal(got[0].Params, wanted)):
				t.Errorf("%q is %s: WhatsApp got %+v, want %q", m.Parameters, status(m), got, wanted)
			}
		}

		if row := s.campaign(c.ID); row.Failed != 0 || row.Skipped != len(attributes)-len(want) {
			t.Errorf("%d failed, %d are skipped", row.Failed, row.Skipped)
		}
	})
}
