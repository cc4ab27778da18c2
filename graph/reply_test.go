package graph_test

import (
	"testing"

	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// answer has the person whom a message went to press a button of it.
func (o *shop) answer(sent uid.ID, button string) {
	o.t.Helper()
	system, wamid := caller.System(o.ctx), "wamid."+sent.String()
	m := o.db.Client.Message.UpdateOneID(sent).SetWamid(wamid).SaveX(system)
	_, err := o.queue.Receive(system, delivery.Received{Organization: o.org, PhoneNumber: o.number.ID,
		Account: o.account.ID, Contact: *m.ContactID, Address: m.Address, Country: "CA",
		Type: enum.MessageTypeButton, WAMID: wamid + button,
		Content: []byte(`{"text":{"body":"` + button + `"}}`), At: database.Now(), Quotes: wamid, Writes: true,
		Reply: &jsonfield.Reply{Title: button, Payload: button + "!"}})
	if err != nil {
		o.t.Fatal(err)
	}
}

func TestACampaignShowsWhoAnsweredAndWhoWasSkippedAndWhy(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(4)
		id := o.campaign("Spring")
		sent := o.queued(id, 3)
		o.record(delivery.Accepted, sent...)
		o.answer(sent[0], "Yes")
		o.answer(sent[1], "Yes")
		o.answer(sent[1], "No")
		err := o.db.InTx(caller.System(o.ctx), func(tx *database.Tx) error {
			_, err := o.queue.Enqueue(caller.System(o.ctx), tx, o.org, []delivery.Outgoing{{Campaign: id,
				Template: o.template.ID, PhoneNumber: o.number.ID, Account: o.account.ID, Contact: o.contacts[3].ID,
				Type: enum.MessageTypeTemplate, Skip: enum.SkipReasonInvalidNumber}}, func() error { return nil })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		a := o.must(`query($id: ID!) { node(id: $id) { ... on Campaign { progress { total skipped skips { reason count } replied
			buttons { title count } } } }
			messages(filter: {direction: INBOUND}) { edges { node { replyTo { id campaign { name } replyTo { id } }
				reply { id title payload } } } }
			untouched: messages(filter: {direction: OUTBOUND}, first: 1) { edges { node { replyTo { id } reply { title } } } } }`,
			vars{"id": id.String()})
		for at, want := range map[string]string{
			"node.progress.skips":                    "[map[count:1 reason:INVALID_NUMBER]]",
			"node.progress.replied":                  "2",
			"node.progress.buttons":                  "[map[count:2 title:Yes] map[count:1 title:No]]",
			"messages.edges.0.node.reply":            "map[id:<nil> payload:Yes! title:Yes]",
			"messages.edges.0.node.replyTo.id":       sent[0].String(),
			"messages.edges.2.node.replyTo.id":       sent[1].String(),
			"messages.edges.0.node.replyTo.campaign": "map[name:Spring]",
			"messages.edges.0.node.replyTo.replyTo":  "<nil>",
			"untouched.edges.0.node":                 "map[reply:<nil> replyTo:<nil>]",
		} {
			if got := a.shown(at); got != want {
				t.Errorf("%s is %s, want %s", at, got, want)
			}
		}
	})
}
