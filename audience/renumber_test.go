package audience_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/audience"
	"carillon/audit"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/auditevent"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

func (h *house) renumber(t testing.TB, r audience.Renumbered) (p audience.Person) {
	t.Helper()
	r.Organization = h.owner
	err := h.db.InTx(h.system, func(tx *database.Tx) (err error) {
		p, err = h.Renumber(h.system, tx, r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return p
}

func TestAContactFollowsItsPersonToAnotherNumber(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		list := h.list(t, "Newsletter")
		c, err := h.CreateContact(h.ctx, audience.NewContact{Phone: "+4915112345678", ListIDs: []uid.ID{list},
			Attributes: []audience.Attribute{{Key: "city", Value: "Ulm"}},
			Consent:    &jsonfield.ImportConsent{Consent: enum.ConsentOptedOut, Source: "form"}})
		if err != nil {
			t.Fatal(err)
		}

		h.identify(t, audience.Identity{Phone: "4915112345678", UserID: "DE.1"})
		db.Client.Contact.UpdateOneID(c.ID).SetServiceWindowClosesAt(h.present.Add(time.Hour)).ExecX(h.system)
		same := h.neighbor(t)
		theirs := same.identify(t, audience.Identity{Phone: "4915112345678", UserID: "DE.1", Make: audience.MakeContact})[0]
		news := audience.Renumbered{From: "4915112345678", FromUserID: "DE.1", To: "16505551234", ToUserID: "US.2",
			At: h.present}

		for range 2 { // WhatsApp repeats itself
			if p := h.renumber(t, news); p.ID != c.ID {
				t.Fatalf("%v", p)
			}
		}

		got := db.Client.Contact.Query().Where(contact.ID(c.ID)).WithLists().WithConsentHistory().OnlyX(h.system)
		if *got.Phone != "+16505551234" || *got.WaUserID != "US.2" || *got.Country != "US" ||
			got.ServiceWindowClosesAt != nil {
			t.Errorf("%v", got)
		}

		if got.MarketingConsent != enum.ConsentOptedOut || got.Attributes["city"] != "Ulm" || len(got.Edges.Lists) != 1 ||
			len(got.Edges.ConsentHistory) != 1 {
			t.Errorf("%v, %v, %v", got, got.Edges.Lists, got.Edges.ConsentHistory)
		}

		if got := db.Client.Contact.GetX(h.system, theirs.ID); *got.Phone != "+4915112345678" {
			t.Errorf("another organization's contact has %s now", *got.Phone)
		}

		entry := db.Client.AuditEvent.Query().Where(auditevent.Action(audit.ActionContactUpdate)).OnlyX(h.system)
		if entry.Summary != "contact …5678 has the number …1234 now, as WhatsApp tells" || *entry.SubjectID != c.ID ||
			entry.OrganizationID != h.owner {
			t.Errorf("%v", entry)
		}
	})
}

func TestWhoseANumberIsAfterItsPersonTookAnother(t *testing.T) {
	t.Parallel()
	const old, other = "+4915112345678", "+16505551234"
	write := func(phone, userID string, minute int) audience.Identity {
		return audience.Identity{Phone: phone, UserID: userID, At: time.Date(2026, 9, 1, 0, minute, 0, 0, time.UTC),
			Make: audience.MakeContact}
	}

	moves := func(minute int, from, fromID, to, toID string) audience.Renumbered {
		return audience.Renumbered{From: from, FromUserID: fromID, To: to, ToUserID: toID,
			At: time.Date(2026, 9, 1, 0, minute, 0, 0, time.UTC)}
	}

	for name, tc := range map[string]struct {
		told []any    // an Identity or a Renumbered, in this order
		want []string // contacts: what they show, by age
	}{
		"they write from both": {[]any{write(old, "DE.1", 1),
			moves(5, old, "DE.1", other, "US.2"), write(other, "US.2", 6)}, []string{other + " US.2"}},
		"they write from the new one first": {[]any{write(old, "DE.1", 1), write(other, "US.2", 6),
			moves(5, old, "DE.1", other, "US.2")}, []string{other + " US.2"}},
		"somebody else gets the old one": {[]any{write(old, "DE.1", 1),
			moves(5, old, "DE.1", other, "US.2"), write(old, "DE.9", 9)}, []string{other + " US.2", old + " DE.9"}},
		"what they wrote before is told late": {[]any{moves(5, old, "DE.1", other, "US.2"),
			write(old, "DE.1", 1)}, []string{other + " US.2"}},
		"it is told late, when another has the old one": {[]any{write(old, "DE.9", 9),
			moves(5, old, "DE.1", other, "US.2")}, []string{old + " DE.9"}},
		"it is told again, when another has the old one": {[]any{write(old, "DE.1", 1), moves(5, old, "DE.1", other,
			"US.2"), write(old, "DE.9", 9), moves(5, old, "DE.1", other, "US.2")}, []string{other + " US.2", old + " DE.9"}},
		"nobody is known": {[]any{moves(5, old, "DE.1", other, "US.2")}, nil},
		"the new number is the old one": {[]any{write(old, "DE.1", 1),
			moves(5, old, "DE.1", old, "")}, []string{old + " DE.1"}},
		"the new user id is not told": {[]any{write(old, "DE.1", 1), moves(5, old, "", other, "")},
			[]string{other + " DE.1"}},
		"only the user id is new": {[]any{write(old, "DE.1", 1),
			moves(5, "", "DE.1", "", "DE.2"), write("", "DE.2", 6)}, []string{old + " DE.2"}},
		"only the user id is new, and the number is told": {[]any{write(old, "DE.1", 1),
			moves(5, old, "DE.1", "", "DE.2"), write("", "DE.2", 6)}, []string{old + " DE.2"}},
		"they are known by the user id alone": {[]any{write("", "DE.1", 1),
			moves(5, old, "DE.1", other, "US.2")}, []string{other + " US.2"}},
		"they take a third number, and that is told first": {[]any{write(old, "DE.1", 1), moves(7, other, "US.2",
			"+3312345678", "FR.3"), moves(5, old, "DE.1", other, "US.2")}, []string{"+3312345678 FR.3"}},
		"two contacts turn out to be one by the number's move": {[]any{write(other, "US.2", 1), write(old, "DE.1", 2),
			moves(5, old, "DE.1", other, "US.2")}, []string{other + " US.2"}},
		"the old number is written in its other form": {[]any{write("+5511987654321", "", 1),
			moves(5, "551187654321", "", other, "")}, []string{other + " -"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				h := open(t, db)
				for _, one := range tc.told {
					switch one := one.(type) {
					case audience.Identity:
						h.identify(t, one)
					case audience.Renumbered:
						h.renumber(t, one)
					}
				}

				var got []string
				for _, c := range db.Client.Contact.Query().Order(contact.ByCreatedAt(), contact.ByID()).AllX(h.ctx) {
					shows := func(s *string) string {
						if s == nil {
							return "-"
						}
						return *s
					}

					got = append(got, shows(c.Phone)+" "+shows(c.WaUserID))
				}

				if slices.Sort(got); !slices.Equal(got, sorted(tc.want)) {
					t.Errorf("contacts show %q, want %q", got, tc.want)
				}
			})
		})
	}
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

func TestAStopThatWasSaidUnderAFormerNumberHoldsUnderTheNewOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for n, first := range []string{"the move", "the stop"} {
			h := open(t, db)
			old, other := fmt.Sprintf("491511234567%d", n), fmt.Sprintf("1650555123%d", n)
			stop := func() { h.says(t, old, enum.ConsentOptedOut, h.present.Add(-time.Hour)) }
			move := func() { h.renumber(t, audience.Renumbered{From: old, To: other, At: h.present.Add(-time.Minute)}) }
			steps := []func(){move, stop}
			if first == "the stop" {
				slices.Reverse(steps)
			}

			for _, step := range steps {
				step()
			}

			if _, err := h.CreateContact(h.ctx, audience.NewContact{Phone: "+" + other,
				Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "form"}}); err != nil {
				t.Fatal(err)
			}

			if c := h.known(t, "+"+other); c.MarketingConsent != enum.ConsentOptedOut {
				t.Errorf("told %s first: %v", first, c)
			}
			if _, err := h.CreateContact(h.ctx, audience.NewContact{Phone: "+" + old}); err != nil {
				t.Fatal(err)
			}
			if c := h.known(t, "+"+old); c.MarketingConsent != enum.ConsentUnknown {
				t.Errorf("told %s first: whoever has the old number now is %v", first, c)
			}
		}
	})
}

func TestAWindowThatTheNewNumberHasOpenedStaysOpen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		p := h.identify(t, audience.Identity{Phone: "4915112345678", At: h.present.Add(-time.Hour),
			Make: audience.MakeContact})[0]
		q := h.identify(t, audience.Identity{Phone: "16505551234", At: h.present.Add(-time.Minute),
			Make: audience.MakeContact})[0]
		opens := h.present.Add(-time.Minute).Add(24 * time.Hour)
		db.Client.Contact.UpdateOneID(q.ID).SetServiceWindowClosesAt(opens).ExecX(h.system)
		h.renumber(t, audience.Renumbered{From: "4915112345678", To: "16505551234", At: h.present.Add(-30 * time.Minute)})
		c := db.Client.Contact.Query().OnlyX(h.system)
		if c.ID != p.ID && c.ID != q.ID || c.ServiceWindowClosesAt == nil || !c.ServiceWindowClosesAt.Equal(opens) ||
			!strings.HasSuffix(*c.Phone, "1234") {
			t.Errorf("%v", c)
		}
	})
}
