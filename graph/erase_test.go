package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"carillon/caller"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
)

const erase = `mutation($id: ID!) { eraseContact(input: {contactId: $id, clientMutationId: "m"}) {
	erasedContactId clientMutationId userErrors { code } } }`

func TestAnErasedContactIsFoundNoMoreAndIsNotWrittenToAnew(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		id, phone := o.contacts[0].ID, *o.contacts[0].Phone
		waiting := o.queued(uid.ID{}, 1)[0]

		for range 2 { // the second call has nothing left to do
			if a := o.must(erase, vars{"id": id.String()}); a.text("eraseContact.erasedContactId") != id.String() {
				t.Errorf("got %v", a.Data)
			}
		}

		a := o.must(`query($id: ID!, $p: String!) { contacts(filter: {search: $p}) { totalCount }
			erasure(contactId: $id) { contactId requestedBy finishedAt rows { table count } } }`,
			vars{"id": id.String(), "p": phone})
		if node := o.ask(`query($id: ID!) { node(id: $id) { id } }`, vars{"id": id.String()}); node.code() != "NOT_FOUND" ||
			a.at("contacts.totalCount") != 0.0 || a.text("erasure.requestedBy") != o.email {
			t.Errorf("got %v", a.Data)
		}

		system := caller.System(o.ctx)
		claimed, _, err := o.queue.Claim(system, o.number.ID, 10, nil, delivery.Limit{})
		m := o.db.Client.Message.GetX(system, waiting)
		if err != nil || len(claimed) > 0 || m.Status != enum.MessageStatusSkipped ||
			*m.SkipReason != enum.SkipReasonContactDeleted {
			t.Errorf("%d messages were claimed, %v; the one that waited is %s", len(claimed), err, m.Status)
		}

		o.finish()
		if a := o.must(`query($id: ID!) { erasure(contactId: $id) { finishedAt rows { table count } } }`,
			vars{"id": id.String()}); a.text("erasure.finishedAt") == "" ||
			!strings.Contains(fmt.Sprint(a.Data), "map[count:1 table:message]") {
			t.Errorf("got %v", a.Data)
		}
	})
}

// finish has a worker's work done.
func (o *shop) finish() {
	o.t.Helper()
	system := caller.System(o.ctx)
	waiting, err := o.privacy.Waiting(system)
	for _, id := range waiting {
		if err == nil {
			err = o.privacy.Run(system, id)
		}
	}

	if err != nil {
		o.t.Fatal(err)
	}
}

func TestWhoWasErasedIsSuppressedHoweverTheyAreAddedUntilTheirNumberIsTakenOffTheList(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		const phone, send = "+14167010142", `mutation($n: ID!, $t: ID!, $p: String!) { sendMessage(input: {phoneNumberId: $n, to: $p,
			content: {template: {templateId: $t, values: [{parameter: "first_name", value: "Ana"}]}}}) { message { id } userErrors { field code } } }`
		o.must(erase, vars{"id": o.newContact(phone)})
		o.finish()

		to := vars{"n": o.number.ID.String(), "t": o.template.ID.String(), "p": phone}
		if a := o.must(send, to); a.text("sendMessage.userErrors.0.code") != "NOT_ALLOWED" {
			t.Errorf("a message to somebody who was erased: %v", a.Data)
		}

		suppressed := func() any {
			return o.must(`query($p: String!) { contacts(filter: {search: $p}) { edges { node { suppressed } } } }`,
				vars{"p": phone}).at("contacts.edges.0.node.suppressed")
		}
		if o.newContact("+1 416-701-0142"); suppressed() != true {
			t.Error("added anew, they are not suppressed")
		}
		if a := o.must(send, to); a.text("sendMessage.userErrors.0.code") != "NOT_ALLOWED" {
			t.Errorf("a message to somebody who was erased and added anew: %v", a.Data)
		}

		entry := o.suppress(phone)
		o.must(`mutation($id: ID!) { removeSuppression(input: {suppressionId: $id}) { userErrors { code } } }`, vars{"id": entry})
		if suppressed() != false {
			t.Error("they stay suppressed once their number is taken off the list")
		}
		if a := o.must(send, to); a.text("sendMessage.message.id") == "" {
			t.Errorf("got %v", a.Data)
		}
	})
}

func TestNobodyErasesAnothersContact(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o, other := s.signUp().open(1), s.signUp()
		for _, id := range []string{o.contacts[0].ID.String(), uid.New(uid.Contact).String()} {
			if a := other.ask(erase, vars{"id": id}); a.code() != "NOT_FOUND" {
				t.Errorf("%s: %v", id, a.Data)
			}
		}

		o.must(erase, vars{"id": o.contacts[0].ID.String()})
		a := other.must(`query($id: ID!) { erasure(contactId: $id) { contactId } }`, vars{"id": o.contacts[0].ID.String()})
		if a.at("erasure") != nil {
			t.Errorf("got %v", a.Data)
		}
	})
}
