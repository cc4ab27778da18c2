package audience_test

import (
	"testing"
	"time"

	"carillon/audience"
	"carillon/column"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/auditevent"
	"carillon/ent/contact"
	"carillon/enum"
	"carillon/identity"
	"carillon/uid"
)

func TestAContactFollowsItsPersonToAnotherNumber(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		list := h.list(t, "Newsletter")
		c, err := h.CreateContact(h.ctx, audience.NewContact{Phone: "+4915112345678", ListIDs: []uid.ID{list}, Attributes: []audience.Attribute{{Key: "city", Value: "Ulm"}},
			Consent: &column.ImportConsent{Consent: enum.ConsentOptedOut, Source: "form"}})
		if err != nil {
			t.Fatal(err)
		}
		c = c.Update().SetWaUserID("DE.1").SetServiceWindowClosesAt(h.present.Add(time.Hour)).SaveX(h.system)
		same := h.neighbor(t)
		theirs := db.Client.Contact.Create().SetOrganizationID(same.owner).SetPhone("+4915112345678").SetWaUserID("DE.1").SaveX(h.system)
		news := audience.Renumbered{From: "4915112345678", FromUserID: "DE.1", To: "16505551234", ToUserID: "US.2", At: h.present}
		for range 2 { // WhatsApp repeats itself
			if id, err := h.Renumber(h.system, h.owner, news); err != nil || id != c.ID {
				t.Fatalf("%v, %v", id, err)
			}
		}
		got := db.Client.Contact.Query().Where(contact.ID(c.ID)).WithLists().WithConsentHistory().OnlyX(h.system)
		if *got.Phone != "+16505551234" || *got.WaUserID != "US.2" || *got.Country != "US" || got.ServiceWindowClosesAt != nil {
			t.Errorf("%v", got)
		}
		if got.MarketingConsent != enum.ConsentOptedOut || got.Attributes["city"] != "Ulm" || len(got.Edges.Lists) != 1 || len(got.Edges.ConsentHistory) != 1 {
			t.Errorf("%v, %v, %v", got, got.Edges.Lists, got.Edges.ConsentHistory)
		}
		if got := db.Client.Contact.GetX(h.system, theirs.ID); *got.Phone != "+4915112345678" {
			t.Errorf("another organization's contact has %s now", *got.Phone)
		}
		entry := db.Client.AuditEvent.Query().Where(auditevent.Action(identity.ActionContactUpdate)).OnlyX(h.system)
		if entry.Summary != "contact …5678 has the number …1234 now, as WhatsApp tells" || *entry.SubjectID != c.ID || entry.OrganizationID != h.owner {
			t.Errorf("%v", entry)
		}
	})
}

func TestANumberThatIsNotFreeIsLeftWhereItIs(t *testing.T) {
	t.Parallel()
	const old, other = "+4915112345678", "+16505551234"
	for name, tc := range map[string]struct {
		have     []string // numbers of contacts, the first of which is returned
		made     time.Duration
		from, to string
	}{
		"another contact has the new number":            {[]string{old, other}, 0, old, other},
		"the old number is a later contact's":           {[]string{old}, time.Minute, old, other},
		"the contact has moved already":                 {[]string{other}, 0, old, other},
		"nobody is known":                               {nil, 0, old, other},
		"the new number is the old one":                 {[]string{old}, 0, old, old},
		"the contact moved, and its number has an heir": {[]string{old, other}, time.Minute, old, other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				h := open(t, db)
				var want uid.ID
				for _, phone := range tc.have {
					c := db.Client.Contact.Create().SetOrganizationID(h.owner).SetPhone(phone).SetCreatedAt(h.present.Add(tc.made)).SaveX(h.system)
					if want.IsZero() {
						want = c.ID
					}
				}
				id, err := h.Renumber(h.system, h.owner, audience.Renumbered{From: tc.from[1:], To: tc.to[1:], At: h.present})
				if err != nil || id != want {
					t.Errorf("%v, %v; want %v", id, err, want)
				}
				var now []string
				for _, c := range db.Client.Contact.Query().Order(contact.ByID()).AllX(h.system) {
					now = append(now, *c.Phone)
				}
				if len(now) != len(tc.have) || len(now) > 0 && now[0] != tc.have[0] {
					t.Errorf("contacts are %v, want %v", now, tc.have)
				}
				if n := db.Client.AuditEvent.Query().CountX(h.system); n != 0 {
					t.Errorf("%d entries of the audit trail", n)
				}
			})
		})
	}
}
