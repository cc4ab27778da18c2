package audience_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/audit"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/auditevent"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/uid"
)

// identify is told one thing after the other.
func (h *house) identify(t testing.TB, all ...audience.Identity) (people []audience.Person) {
	t.Helper()
	for _, one := range all {
		one.Organization = h.owner
		err := h.db.InTx(h.system, func(tx *database.Tx) error {
			found, err := h.Identify(h.system, tx, one)
			if err == nil {
				people = append(people, found...)
			}

			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	return people
}

// says records a statement of who has that address.
func (h *house) says(t testing.TB, address string, consent enum.Consent, at time.Time) {
	t.Helper()
	err := h.RecordConsentOf(h.system, audience.Identity{Organization: h.owner, Phone: address, At: at},
		audience.Statement{Consent: consent, By: enum.ConsentSpeakerContact, Source: "whatsapp user_preferences", SaidAt: at})
	if err != nil {
		t.Fatal(err)
	}
}

// known is the contact with that address; nil for none.
func (h *house) known(t testing.TB, address string) *ent.Contact {
	t.Helper()
	found, err := audience.FindByAddress(h.system, h.db.Client, h.owner, address)
	if err != nil {
		t.Fatal(err)
	}

	return found.Contact
}

func TestEveryIdentifierFindsOnePerson(t *testing.T) {
	t.Parallel()
	const made = audience.MakeContact
	for name, tc := range map[string]struct {
		told  []audience.Identity
		find  []string
		other string // finds somebody else, or nobody
	}{
		"who is known by number gets a user id": {
			told: []audience.Identity{{Phone: "14155552671", Make: made}, {Phone: "14155552671", UserID: "US.1", Make: made},
				{UserID: "US.1", Make: made}},
			find: []string{"+14155552671", "US.1"}, other: "US.2",
		},
		"who is known by user id gets a number": {
			told: []audience.Identity{{UserID: "US.1", Make: made}, {Phone: "14155552671", UserID: "US.1"}},
			find: []string{"+14155552671", "US.1"}, other: "+14155552672",
		},
		"both spellings of Brazil are one number": {
			told: []audience.Identity{{Phone: "+5511987654321", Make: made}, {Phone: "551187654321", Make: made}},
			find: []string{"+5511987654321", "+551187654321"}, other: "+5511987654322",
		},
		"both spellings of Mexico are one number": {
			told: []audience.Identity{{Phone: "5215512345678", Make: made}, {Phone: "525512345678", Make: made}},
			find: []string{"+525512345678", "+5215512345678"}, other: "+525512345679",
		},
		"the answer to a send gives another number": {
			told: []audience.Identity{{Phone: "+14155552671", Make: made},
				{Phone: "14155550000", Others: []string{"+14155552671"}}},
			find: []string{"+14155552671", "+14155550000"}, other: "+14155550001",
		},
		"what was told before there was a contact is kept": {
			told: []audience.Identity{{Phone: "14155552671", UserID: "US.1"}, {UserID: "US.1", Make: made}},
			find: []string{"+14155552671", "US.1"}, other: "US.2",
		},
		"a user id may stand where a number should": {
			told: []audience.Identity{{Phone: "US.1234", Make: made}, {UserID: "US.1234", Phone: "14155552671"}},
			find: []string{"US.1234", "+14155552671"}, other: "+1234",
		},
		"blanks and invisible marks are not part of an identifier": {
			told: []audience.Identity{{Phone: " \u200e14155552671 ", UserID: "\tUS.1\n", Make: made},
				{UserID: "US.1", Make: made}, {Phone: "+14155552671", Make: made}},
			find: []string{"+14155552671", "US.1"}, other: " US.1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				h := open(t, db)
				h.identify(t, tc.told...)
				if n := db.Client.Contact.Query().CountX(h.system); n != 1 {
					t.Errorf("%d contacts, want one", n)
				}

				for _, address := range tc.find {
					if h.known(t, address) == nil {
						t.Errorf("%s finds nobody", address)
					}
				}

				if c := h.known(t, tc.other); c != nil {
					t.Errorf("%s finds %v", tc.other, c)
				}
			})
		})
	}
}

func TestWhatNamesNobodyMakesNobodyAContact(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		for _, junk := range []string{"", "+", "abc", "+US.1234x!", "1415555267112345678", "0049151", "12",
			"status@broadcast", "120363025343298765@g.us", "1.5e9", "１４１５５５５２６７１", strings.Repeat("9", 5000)} {
			if p := h.identify(t, audience.Identity{Phone: junk, Name: "Ann", Make: audience.MakeContact})[0]; !p.ID.IsZero() {
				t.Errorf("%q is %v", junk, p)
			}
		}

		if p := h.identify(t, audience.Identity{UserID: strings.Repeat("x", 5000),
			Make: audience.MakeContact})[0]; !p.ID.IsZero() {
			t.Errorf("a user id of 5000 letters is %v", p)
		}

		if n := db.Client.ContactIdentifier.Query().CountX(h.system) + db.Client.Contact.Query().CountX(h.system); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestTwoContactsThatAreOnePersonAreMerged(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		both, one := h.list(t, "Both"), h.list(t, "One")
		older, err := h.CreateContact(h.ctx,
			audience.NewContact{Phone: "+14155552671", Name: ptr("Ann"), ListIDs: []uid.ID{both},
				Attributes: []audience.Attribute{{Key: "city", Value: "Ulm"}},
				Consent:    &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "form"}})
		if err != nil {
			t.Fatal(err)
		}

		h.present = h.present.Add(time.Hour)
		younger := h.identify(t, audience.Identity{UserID: "US.1", Name: "Annie", Username: "@ann",
			Make: audience.MakeContact})[0].Contact
		db.Client.ListMember.Create().SetOrganizationID(h.owner).SetContactID(younger.ID).SetContactListID(both).
			ExecX(h.system)
		db.Client.ListMember.Create().SetOrganizationID(h.owner).SetContactID(younger.ID).SetContactListID(one).
			ExecX(h.system)
		opens := h.present.Add(24 * time.Hour)
		db.Client.Contact.UpdateOneID(younger.ID).SetLanguage("de").
			SetAttributes(map[string]string{"city": "Bonn", "size": "L"}).SetServiceWindowClosesAt(opens).ExecX(h.system)
		h.says(t, "US.1", enum.ConsentOptedOut, h.present)
		sent := h.message(t, younger.ID, "US.1")

		h.identify(t, audience.Identity{Phone: "14155552671", UserID: "US.1"})

		got := db.Client.Contact.Query().WithLists().WithConsentHistory().OnlyX(h.system)
		if got.ID != older.ID || *got.Name != "Ann" || *got.Language != "de" || *got.WaUserID != "US.1" ||
			*got.Username != "ann" || *got.Phone != "+14155552671" {
			t.Errorf("%v", got)
		}

		if got.MarketingConsent != enum.ConsentOptedOut || len(got.Edges.ConsentHistory) != 2 {
			t.Errorf("%s after %v", got.MarketingConsent, got.Edges.ConsentHistory)
		}
		if diff := cmp.Diff(got.Attributes, map[string]string{"city": "Ulm", "size": "L"}); diff != "" {
			t.Error(diff)
		}
		if len(got.Edges.Lists) != 2 || got.ServiceWindowClosesAt == nil || !got.ServiceWindowClosesAt.Equal(opens) {
			t.Errorf("lists %v, window %v", got.Edges.Lists, got.ServiceWindowClosesAt)
		}
		if m := db.Client.Message.Query().Where(message.ID(sent)).OnlyX(h.system); *m.ContactID != older.ID {
			t.Errorf("the message is still %s's", m.ContactID)
		}
		if l := db.Client.Listing.GetX(h.system, sent); *l.ContactID != older.ID {
			t.Errorf("lists still find the message with %s", l.ContactID)
		}

		entry := db.Client.AuditEvent.Query().Where(auditevent.Action(audit.ActionContactMerge)).OnlyX(h.system)
		if *entry.SubjectID != older.ID || !strings.Contains(entry.Summary, younger.ID.String()) {
			t.Errorf("%v", entry)
		}
		if again := h.identify(t, audience.Identity{Contact: younger.ID})[0]; again.ID != older.ID {
			t.Errorf("the merged contact's id leads to %v", again)
		}
	})
}

func TestAContactWithManyMessagesIsMergedInFewStatements(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		older := h.identify(t, audience.Identity{Phone: "14155552671", Make: audience.MakeContact})[0].ID
		younger := h.identify(t, audience.Identity{UserID: "US.1", Make: audience.MakeContact})[0].ID
		const n = 3000
		h.messages(t, younger, "US.1", n)
		h.identify(t, audience.Identity{Phone: "14155552671", UserID: "US.1"})
		var moved int

		if err := db.QueryRow(h.system,
			"SELECT count(*) FROM message JOIN listing ON listing.id = message.id WHERE message.contact_id = $1 "+
				"AND listing.contact_id = $1",
			older).Scan(&moved); err != nil || moved != n {
			t.Errorf("%d messages moved, %v", moved, err)
		}
	})
}

func TestOnlyThePersonsOwnLaterWordBeatsAnOptOut(t *testing.T) {
	t.Parallel()
	const in, out = enum.ConsentOptedIn, enum.ConsentOptedOut
	const they, we = enum.ConsentSpeakerContact, enum.ConsentSpeakerOrganization
	type said struct {
		consent enum.Consent
		by      enum.ConsentSpeaker
		minute  int
	}

	for name, tc := range map[string]struct {
		said []said
		want enum.Consent
	}{
		"the last word is a stop":               {[]said{{in, they, 1}, {out, they, 2}}, out},
		"the last word is a start":              {[]said{{out, they, 1}, {in, they, 2}}, in},
		"both at once":                          {[]said{{out, they, 1}, {in, they, 1}}, out},
		"a file opts in who has stopped":        {[]said{{out, they, 1}, {in, we, 2}}, out},
		"a file opts in who stops later":        {[]said{{in, we, 1}, {out, they, 2}}, out},
		"a file opts out and the person starts": {[]said{{out, we, 1}, {in, they, 2}}, in},
		"the person starts and a file opts out": {[]said{{in, they, 1}, {out, we, 2}}, out},
		"a file alone":                          {[]said{{in, we, 1}}, in},
		"stop, start and stop":                  {[]said{{out, they, 1}, {in, they, 2}, {out, they, 3}}, out},
		"a start between two stops, and a file": {[]said{{out, they, 1}, {in, they, 2}, {out, they, 3}, {in, we, 4}},
			out},
		"a file between a stop and a start":         {[]said{{out, they, 1}, {in, we, 2}, {in, they, 3}}, in},
		"a stop that a file has in a later version": {[]said{{out, they, 1}, {in, they, 2}, {out, we, 3}, {in, we, 4}}, out},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				for round, order := range orders(len(tc.said)) {
					h := open(t, db)
					phone := fmt.Sprintf("1415555%04d", round)
					for step, i := range order {
						if step == round%len(order) { // a contact only now
							h.identify(t, audience.Identity{Phone: phone, Make: audience.MakeContact})
						}

						st := tc.said[i]
						for range 2 { // told twice
							err := h.RecordConsentOf(h.system, audience.Identity{Organization: h.owner, Phone: phone}, audience.Statement{
								Consent: st.consent, By: st.by, Source: "test",
								SaidAt: h.present.Add(time.Duration(st.minute-10) * time.Minute)})
							if err != nil {
								t.Fatal(err)
							}
						}
					}

					c := h.known(t, "+"+phone)
					if c == nil || c.MarketingConsent != tc.want {
						t.Errorf("told in the order %v: %v, want %s", order, c, tc.want)
					}
					if n := c.QueryConsentHistory().CountX(h.system); n != len(tc.said) {
						t.Errorf("told in the order %v: %d records", order, n)
					}
				}
			})
		})
	}
}

// orders are all orders of n things.
func orders(n int) (all [][]int) {
	if n == 0 {
		return [][]int{{}}
	}

	for _, rest := range orders(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(rest), at, n-1))
		}
	}

	return all
}

func TestAStrangersStopHoldsByWhateverDoorTheyBecomeAContact(t *testing.T) {
	t.Parallel()
	const phone = "+5511987654321"
	optIn := &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "form"}

	for name, door := range map[string]func(t *testing.T, h *house){
		"the API": func(t *testing.T, h *house) {
			if _, err := h.CreateContact(h.ctx, audience.NewContact{Phone: phone, Consent: optIn}); err != nil {
				t.Fatal(err)
			}
		},
		"an import": func(t *testing.T, h *house) {
			if im := h.load(t, audience.NewImport{Consent: optIn}, "phone\n"+phone+"\n+14155552671\n"); im.Created != 2 {
				t.Errorf("%v", im)
			}
		},
		"a message under their number": func(t *testing.T, h *house) {
			h.identify(t, audience.Identity{Phone: phone, Make: audience.MakeContact})
		},
		"a message under their user id, which is linked later": func(t *testing.T, h *house) {
			h.identify(t, audience.Identity{UserID: "BR.1", Make: audience.MakeContact},
				audience.Identity{Phone: phone, UserID: "BR.1"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				h := open(t, db)
				h.says(t, "551187654321", enum.ConsentOptedOut, h.present.Add(-time.Hour))
				if found, err := audience.FindByAddress(h.system, db.Client, h.owner, phone); err != nil ||
					found.Contact != nil || found.Consent != enum.ConsentOptedOut {
					t.Fatalf("the stranger is %v, %v", found, err)
				}

				door(t, h)
				c := h.known(t, phone)
				if c == nil || c.MarketingConsent != enum.ConsentOptedOut {
					t.Errorf("%v", c)
				}
				if other := h.known(t, "+14155552671"); other != nil && other.MarketingConsent != enum.ConsentOptedIn {
					t.Errorf("the other row is %v", other)
				}
			})
		})
	}
}

// TestWhoIsWhoDoesNotDependOnTheOrderOfTheTelling is the promise of the identifiers: whatever is
// told of people, in whatever order and by whomever, leads to the same contacts with the same
// consent.
func TestWhoIsWhoDoesNotDependOnTheOrderOfTheTelling(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for seed := range uint64(12) {
			random := rand.New(rand.NewPCG(seed, 7))
			facts := tellings(random)
			var want string

			for round := range 3 {
				h := open(t, db)
				random.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
				if round == 2 {
					h.tellAtOnce(t, facts)
				} else {
					for _, f := range facts {
						if err := f(h); err != nil {
							t.Fatal(err)
						}
					}
				}

				got := h.whoIsWho(t)
				if round == 0 {
					want = got
				} else if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d, told again in another order: (-first +later)\n%s", seed, diff)
				}
			}
		}
	})
}

// tellings are random facts about random people. Each has a number, of which some have two
// spellings, and user ids.
func tellings(random *rand.Rand) (facts []func(*house) error) {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	for person := range 4 {
		phones := []string{fmt.Sprintf("+1415555%04d", person)}
		if person%2 == 0 {
			phones = []string{fmt.Sprintf("+551198765%04d", person), fmt.Sprintf("+55118765%04d", person)}
		}

		ids := []string{fmt.Sprintf("US.%d", person), fmt.Sprintf("US.%d00", person)}
		names := slices.Concat(phones, ids)
		at := func() time.Time {
			return time.Date(2026, 9, 1, 0, random.IntN(20), 0, 0, time.UTC)
		}

		for range 2 + random.IntN(4) { // some people stay in pieces
			one := audience.Identity{Phone: pick(phones...), At: at(), Make: audience.Making(random.IntN(3))}
			switch random.IntN(3) {
			case 0:
				one.UserID = pick(ids...)
			case 1:
				one = audience.Identity{UserID: pick(ids...), Others: []string{pick(names...)}, At: at(),
					Make: audience.Making(random.IntN(3))}
			}

			facts = append(facts, func(h *house) error {
				one := one // two may tell it at once
				one.Organization = h.owner
				return h.db.InTx(h.system, func(tx *database.Tx) error {
					_, err := h.Identify(h.system, tx, one)
					return err
				})
			})
		}

		for range 1 + random.IntN(5) {
			who := pick(names...)
			st := audience.Statement{Consent: enum.ConsentOptedOut, By: enum.ConsentSpeakerContact, Source: "test", SaidAt: at()}
			if random.IntN(2) == 0 {
				st.Consent = enum.ConsentOptedIn
			}
			if random.IntN(4) == 0 {
				st.By = enum.ConsentSpeakerOrganization
			}

			facts = append(facts, func(h *house) error {
				return h.RecordConsentOf(h.system, audience.Identity{Organization: h.owner, Phone: who, At: st.SaidAt}, st)
			})
		}
	}

	return facts
}

// tellAtOnce has two tell the facts, each a half of them and some of the other half again.
func (h *house) tellAtOnce(t *testing.T, facts []func(*house) error) {
	t.Helper()
	var all sync.WaitGroup
	half := len(facts) / 2

	for _, mine := range [][]func(*house) error{facts[:half+2], facts[half-2:]} {
		all.Go(func() {
			for _, f := range mine {
				if err := f(h); err != nil {
					t.Error(err)
				}
			}
		})
	}

	all.Wait()
}

// whoIsWho says which identifiers are one person's, whether they are a contact and what counts of
// what they said.
func (h *house) whoIsWho(t testing.TB) string {
	t.Helper()
	names, people := map[uid.ID][]string{}, []string{}
	for _, i := range h.db.Client.ContactIdentifier.Query().AllX(h.ctx) {
		if i.Kind != enum.IdentifierKindContact {
			names[i.ContactID] = append(names[i.ContactID], i.Value)
		}
	}

	for id, of := range names {
		slices.Sort(of)
		says := "is no contact"
		if c, err := h.db.Client.Contact.Query().Where(contact.ID(id)).WithConsentHistory().Only(h.ctx); err == nil {
			says = fmt.Sprintf("is a contact, %s by %d records", c.MarketingConsent, len(c.Edges.ConsentHistory))
		} else if !ent.IsNotFound(err) {
			t.Fatal(err)
		}

		people = append(people, strings.Join(of, " ")+" "+says)
	}

	slices.Sort(people)
	if n := h.db.Client.Contact.Query().CountX(h.ctx); n > len(people) {
		t.Errorf("%d contacts, but %d people have identifiers", n, len(people))
	}

	return strings.Join(people, "\n")
}

func ptr[T any](v T) *T { return &v }

// message stores a message to a contact.
func (h *house) message(t testing.TB, to uid.ID, address string) uid.ID {
	return h.messages(t, to, address, 1)[0]
}

func (h *house) messages(t testing.TB, to uid.ID, address string, n int) (ids []uid.ID) {
	t.Helper()
	err := h.db.InTx(context.WithoutCancel(h.system), func(tx *database.Tx) error {
		number := uid.New(uid.PhoneNumber)
		messages, listings := make([]*ent.MessageCreate, n), make([]*ent.ListingCreate, n)
		ids = nil

		for i := range n {
			ids = append(ids, uid.New(uid.Message))
			messages[i] = tx.Client.Message.Create().SetID(ids[i]).SetOrganizationID(h.owner).
				SetDirection(enum.DirectionOutbound).SetPhoneNumberID(number).SetAccountID(uid.New(uid.Account)).
				SetContactID(to).SetAddress(address).SetType(enum.MessageTypeText).SetStatus(enum.MessageStatusSent).
				SetNotBefore(h.present)

			listings[i] = tx.Client.Listing.Create().SetID(ids[i]).SetOrganizationID(h.owner).SetPhoneNumberID(number).
				SetContactID(to).SetAddress(address).SetCreatedAt(h.present)
		}

		for start := 0; start < n; start += 500 {
			end := min(n, start+500)
			if err := tx.Client.Message.CreateBulk(messages[start:end]...).Exec(h.system); err != nil {
				return err
			}
			if err := tx.Client.Listing.CreateBulk(listings[start:end]...).Exec(h.system); err != nil {
				return err
			}
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	return ids
}
