package graph_test

import (
	"testing"

	"carillon/caller"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
)

func TestMessagesAreFoundByWhyTheyWereSkippedAndEventsByTheirContact(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		ids := o.queued(uid.ID{}, 4) // to one and the other in turn
		o.suppress(*o.contacts[0].Phone)
		if _, _, err := o.queue.Claim(caller.System(o.ctx), o.number.ID, 10, nil, delivery.Limit{}); err != nil {
			t.Fatal(err)
		}

		found := o.must(`query($r: [SkipReason!]) { messages(filter: {skipReason: $r}) { totalCount edges { node { skipReason } } } }`,
			vars{"r": []enum.SkipReason{enum.SkipReasonSuppressed, enum.SkipReasonExpired}})
		none := o.must(`{ messages(filter: {skipReason: [EXPIRED]}) { totalCount } }`)
		if found.at("messages.totalCount") != 2.0 || none.at("messages.totalCount") != 0.0 ||
			found.text("messages.edges.0.node.skipReason") != "SUPPRESSED" {
			t.Errorf("by reason: %v, by another: %v", found.Data, none.Data)
		}

		o.record(delivery.Delivered, ids[1], ids[3])
		const events = `query($c: ID!, $f: Int!) { deliveryEvents(filter: {contactId: $c}, first: $f) { cursor events { status message { id } } } }`
		a := o.must(events, vars{"c": o.contacts[1].ID.String(), "f": 10})
		if got := a.list("deliveryEvents.events"); len(got) != 2 ||
			a.text("deliveryEvents.events.0.message.id") != ids[1].String() {
			t.Errorf("events of a contact: %v", a.Data)
		}

		one := o.must(events, vars{"c": o.contacts[1].ID.String(), "f": 1})
		if len(one.list("deliveryEvents.events")) != 1 || one.at("deliveryEvents.cursor") == a.at("deliveryEvents.cursor") {
			t.Errorf("the first event of a contact: %v", one.Data)
		}
		if a := o.ask(events, vars{"c": uid.New(uid.Contact).String(), "f": 1}); a.code() != "NOT_FOUND" {
			t.Errorf("events of nobody: %v", a.Data)
		}

		o.answer(ids[1], "Yes")
		kinds := o.must(`{ buttons: messages(filter: {type: [BUTTON, IMAGE]}) { totalCount edges { node { type } } }
			templates: messages(filter: {type: [TEMPLATE], status: [SKIPPED]}) { totalCount }
			none: messages(filter: {type: [STICKER]}) { totalCount } }`)
		if kinds.at("buttons.totalCount") != 1.0 || kinds.text("buttons.edges.0.node.type") != "BUTTON" ||
			kinds.at("templates.totalCount") != 2.0 || kinds.at("none.totalCount") != 0.0 {
			t.Errorf("by type: %v", kinds.Data)
		}
	})
}
