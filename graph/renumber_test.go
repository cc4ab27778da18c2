package graph_test

import (
	"testing"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent/enum"
)

func TestMessagesAreFoundByTheNumberThatTheyWentTo(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		const before, after = "+14167010000", "+14167010777"
		system := caller.System(t.Context())
		o.queued(o.campaign("Spring"), 1)
		change := delivery.Received{Organization: o.org, PhoneNumber: o.number.ID, Account: o.account.ID,
			Contact: o.contacts[0].ID, Address: before,
			Country: "US", Type: enum.MessageTypeSystem, WAMID: "change", Content: []byte(`{}`), At: database.Now()}
		if _, err := s.queue.Receive(system, change); err != nil {
			t.Fatal(err)
		}

		err := s.db.InTx(system, func(tx *database.Tx) error {
			_, err := s.audience.Renumber(system, tx,
				audience.Renumbered{Organization: o.org, From: before, To: after, At: database.Now()})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		o.contacts[0] = s.db.Client.Contact.GetX(system, o.contacts[0].ID)
		o.queued(o.campaign("Summer"), 1)
		found := func(to string) any {
			return o.must(`query($to: String!) { messages(filter: {to: $to}) { totalCount } }`, vars{"to": to}).
				at("messages.totalCount")
		}
		if found(before) != 2.0 || found(after) != 1.0 {
			t.Errorf("%v by the old number and %v by the new one, want a campaign's and the news, and another campaign's",
				found(before), found(after))
		}

		name := "Heir" // somebody else has the old number now
		c, err := s.audience.CreateContact(o.ctx, audience.NewContact{Phone: before, Name: &name})
		if err != nil {
			t.Fatal(err)
		}

		o.contacts[0] = c
		o.queued(o.campaign("Autumn"), 1)
		if found(before) != 3.0 {
			t.Errorf("%v by the number that two have had, want all", found(before))
		}
	})
}
