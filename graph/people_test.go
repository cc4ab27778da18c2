package graph_test

import (
	"testing"
	"time"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/ent/enum"
)

// identify tells of a person as WhatsApp does.
func (s *stage) identify(t *testing.T, in audience.Identity) (p audience.Person) {
	t.Helper()
	system := caller.System(t.Context())
	err := s.db.InTx(system, func(tx *database.Tx) error {
		people, err := s.audience.Identify(system, tx, in)
		if err == nil {
			p = people[0]
		}

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return p
}

func TestAPersonIsFoundByEachOfTheirIdentifiers(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		const at = audience.MakeContact
		who := s.identify(t, audience.Identity{Organization: o.org, Phone: "551187654321",
			UserID: "BR.13491208655302741918", Username: "@ana.lima", Name: "Ana Lima", Make: at})
		s.identify(t, audience.Identity{Organization: o.org, Phone: "14155552671", UserID: "US.2", Username: "bo",
			Name: "Bo", Make: at})

		for _, search := range []string{"ana lima", "@ana.lima", "ANA.LIMA", "+55 11 98765-4321", "+551187654321",
			"5511", "BR.13491208655302741918"} {
			a := o.must(`query($s: String!) { contacts(filter: {search: $s}) { totalCount edges { node { id phone waUserId username waPhone country } } } }`,
				vars{"s": search})
			if a.at("contacts.totalCount") != 1.0 || a.text("contacts.edges.0.node.id") != who.ID.String() ||
				a.text("contacts.edges.0.node.username") != "ana.lima" {
				t.Errorf("%q finds %v", search, a.at("contacts"))
			}
		}

		for _, to := range []string{"+55 11 98765-4321", "+551187654321", "BR.13491208655302741918"} {
			sent := o.must(`mutation($n: ID!, $to: String!, $t: ID!) { sendMessage(input: {phoneNumberId: $n, to: $to, content: {template: {templateId: $t, values: [{parameter: "first_name", value: "x"}]}}}) { message { to } userErrors { message } } }`,
				vars{"n": o.number.ID.String(), "to": to, "t": o.template.ID.String()})
			if sent.at("sendMessage.message") == nil {
				t.Fatalf("%s: %v", to, sent.at("sendMessage"))
			}
		}

		for _, to := range []string{"+55 11 98765-4321", "+551187654321", "BR.13491208655302741918"} {
			a := o.must(
				`query($to: String!) { messages(filter: {to: $to}) { totalCount edges { node { to contact { id } } } } }`,
				vars{"to": to})
			if a.at("messages.totalCount") != 3.0 || a.text("messages.edges.0.node.contact.id") != who.ID.String() {
				t.Errorf("%s finds %v", to, a.at("messages"))
			}
		}
	})
}

func TestAMessageToAPersonWithoutANumberShowsTheirUserID(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		a := o.must(`mutation($n: ID!, $t: ID!) { sendMessage(input: {phoneNumberId: $n, to: "CA.123", content: {template: {templateId: $t, values: [{parameter: "first_name", value: "x"}]}}}) { message { to from } userErrors { message } } }`,
			vars{"n": o.number.ID.String(), "t": o.template.ID.String()})
		if a.text("sendMessage.message.to") != "CA.123" || a.at("sendMessage.message.from") != nil {
			t.Errorf("%v", a.at("sendMessage"))
		}
	})
}

func TestAWindowThatIsShutIsNull(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		system := caller.System(t.Context())
		s.db.Client.Contact.UpdateOneID(o.contacts[0].ID).SetServiceWindowClosesAt(database.Now().Add(-time.Second)).
			ExecX(system)
		s.db.Client.Contact.UpdateOneID(o.contacts[1].ID).SetServiceWindowClosesAt(database.Now().Add(time.Hour)).
			ExecX(system)
		a := o.must(`{ contacts { edges { node { serviceWindowClosesAt } } } }`)
		if a.at("contacts.edges.0.node.serviceWindowClosesAt") != nil ||
			a.at("contacts.edges.1.node.serviceWindowClosesAt") == nil {
			t.Errorf("%v", a.at("contacts"))
		}
	})
}

func TestAConsentHistoryIsInTheOrderInWhichItWasSaid(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		now := database.Now()
		for _, ago := range []time.Duration{time.Minute, time.Hour, time.Second} { // told in another order
			st := audience.Statement{Consent: enum.ConsentOptedOut, By: enum.ConsentSpeakerContact, Source: "keyword",
				SaidAt: now.Add(-ago)}
			if ago == time.Minute {
				st.Consent = enum.ConsentOptedIn
			}

			err := s.audience.RecordConsentOf(caller.System(t.Context()),
				audience.Identity{Organization: o.org, Phone: "14155552671", Make: audience.MakeContact}, st)
			if err != nil {
				t.Fatal(err)
			}
		}

		const history = "contacts.edges.0.node.consentHistory."
		for _, query := range []string{`{ contacts { edges { node { marketingConsent consentHistory { consent saidBy saidAt recordedAt } } } } }`,
			`{ contacts { edges { node { marketingConsent consentHistory { consent } } } } }`} {
			a := o.must(query)
			if a.text(history+"0.consent") != "OPTED_OUT" || a.text(history+"1.consent") != "OPTED_IN" ||
				a.text(history+"2.consent") != "OPTED_OUT" {
				t.Errorf("%v", a.at("contacts"))
			}
		}
	})
}
