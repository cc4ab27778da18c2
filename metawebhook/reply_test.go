package metawebhook_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/ent/reply"
	"carillon/uid"
	"carillon/whatsapp"
)

// campaigned is a message of the stage's campaign that has arrived.
func (s *stage) campaigned(t *testing.T, phone, wamid string) (id uid.ID) {
	t.Helper()
	to := s.contact(t, phone)
	err := s.db.InTx(s.system, func(tx *database.Tx) error {
		ids, err := s.Queue.Enqueue(s.system, tx, s.org, []delivery.Outgoing{{Campaign: s.campaign, Template: s.template,
			PhoneNumber: s.number, Account: s.account, Contact: to.ID, Address: phone, Country: "US",
			Type: enum.MessageTypeTemplate}}, func() error { return nil })
		id = ids[0]

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	s.mustTell(change("1", "messages", fmt.Sprintf(`{"metadata":{"phone_number_id":%q},"statuses":[{"id":%q,`+
		`"status":"delivered","timestamp":"%d","biz_opaque_callback_data":%q}]}`, metaNumber, wamid,
		ago(time.Hour).Unix(), whatsapp.CallbackData(id.String(), 1))))

	return id
}

func TestWhatPeopleAnswerIsStoredOnceHoweverOftenItIsTold(t *testing.T) {
	t.Parallel()
	const from, context = `"from":"16505550001"`, `,"context":{"from":"15550783881","id":"wamid.out"}`
	for name, tc := range map[string]struct {
		parts    string // of the message
		reply    *jsonfield.Reply
		answered bool
		button   string
		quotes   bool
	}{
		"a template's button": {
			from + context + `,"type":"button","button":{"text":"Yes, please","payload":"YES"}`,
			&jsonfield.Reply{Title: "Yes, please", Payload: "YES"}, true, "Yes, please", true},
		"a button": {
			from + context + `,"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"y","title":"Yes"}}`,
			&jsonfield.Reply{ID: "y", Title: "Yes"}, true, "Yes", true},
		"a list row": {
			from + context + `,"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"y","title":"Yes"}}`,
			&jsonfield.Reply{ID: "y", Title: "Yes"}, true, "Yes", true},
		"a Flow": {
			from + context + `,"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent",` +
				`"response_json":"{\"size\":\"M\"}"}}`,
			&jsonfield.Reply{ID: "flow", Title: "Sent", Payload: `{"size":"M"}`}, true, "Sent", true},
		"a reaction": {from + `,"type":"reaction","reaction":{"message_id":"wamid.out","emoji":"👍"}`, nil, true, "", true},
		"words":      {textFrom(from, "hello"), nil, true, "", false},
		"words to a group": {
			from + `,"group_id":"g"` + context + `,"type":"text","text":{"body":"hello"}`, nil, false, "", true},
		"a stranger's words": {textFrom(`"from":"16505550002"`, "hello"), nil, false, "", false},
		"WhatsApp's words":   {from + `,"type":"system","system":{"type":"customer_identity_changed","body":"x"}`, nil, false, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				ours := s.campaigned(t, "+16505550001", "wamid.out")
				in := said("wamid.in", ago(time.Minute), tc.parts)
				s.mustTell(in, in)
				stored := db.Client.Message.Query().Where(message.Wamid("wamid.in")).OnlyX(s.system)
				if diff := cmp.Diff(tc.reply, stored.Reply); diff != "" {
					t.Error(diff)
				}
				if quoted := stored.ReplyToID != nil && *stored.ReplyToID == ours; quoted != tc.quotes {
					t.Errorf("it quotes %v", stored.ReplyToID)
				}

				replies := db.Client.Reply.Query().Where(reply.MessageID(ours)).AllX(s.system)
				if replied := db.Client.Campaign.GetX(s.system, s.campaign).Replied; len(replies) != replied ||
					(replied == 1) != tc.answered {
					t.Errorf("%d answers are stored, and %d people answered", len(replies), replied)
				}
				if tc.button != "" && (replies[0].Button == nil || *replies[0].Button != tc.button) {
					t.Errorf("pressed %v", replies[0].Button)
				}
			})
		})
	}
}

func TestAnswersGoWithPeopleWhoAreMergedAndRevokedOnesAreErased(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		older := s.contact(t, "+16505550009")
		ours := s.campaigned(t, "+16505550001", "wamid.out")
		s.mustTell(said("wamid.in", ago(time.Minute), `"from":"16505550001","type":"interactive","interactive":`+
			`{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent","response_json":"{}"}}`))
		s.mustTell(said("wamid.gone", ago(time.Second), `"from":"16505550001","type":"revoke",`+
			`"revoke":{"original_message_id":"wamid.in"}`))
		if kept := db.Client.Message.Query().Where(message.Wamid("wamid.in")).OnlyX(s.system).Reply; kept != nil {
			t.Errorf("what was taken back is kept: %v", kept)
		}

		// a message to the older contact is answered under the other one's number: they are one person
		single := s.send(s.world, "+16505550009")
		s.mustTell(change("1", "messages", fmt.Sprintf(`{"metadata":{"phone_number_id":%q},"statuses":[{"id":"wamid.s",`+
			`"status":"delivered","timestamp":"%d","biz_opaque_callback_data":%q}]}`, metaNumber, ago(time.Minute).Unix(),
			whatsapp.CallbackData(single.String(), 1))))
		s.mustTell(said("wamid.in2", ago(time.Second), `"context":{"id":"wamid.s"},`+textFrom(`"from":"16505550001"`, "it is me")))

		got := db.Client.Reply.Query().Where(reply.MessageID(ours)).OnlyX(s.system)
		if merged := s.one(); merged.ID != older.ID || got.ContactID == nil || *got.ContactID != merged.ID {
			t.Errorf("the answer is %v's, the contact is %s", got.ContactID, merged.ID)
		}
	})
}
