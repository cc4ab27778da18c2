package metawebhook_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/metawebhook"
	"carillon/whatsapp"
)

// value is a webhook with one value of the field messages, of the stage's number.
func value(parts string) string {
	return change("1", "messages", fmt.Sprintf(`{"metadata":{"phone_number_id":%q},%s}`, metaNumber, parts))
}

// message1 is a text message with something odd in it.
func message1(wamid, odd string) string {
	return fmt.Sprintf(
		`{"id":%q,"from":"16505551234","timestamp":"1750030073","type":"text","text":{"body":"hello"},%s}`, wamid, odd)
}

// A webhook whose signature is right is never refused because of what it says. Beside each odd part
// stand a message and a receipt that are right, and are applied.
func TestAWebhookIsNeverRefusedForWhatItSays(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x1y2z3", 1000)
	var cases []func(s *stage)

	for name, tc := range map[string]struct {
		part   string // of a value, beside the rest; %s is in the list of messages
		reason string // why the payload is kept; empty: it is not
		text   string // of the odd message, where it is stored
	}{
		"U+0000 in a text": {`{"id":"wamid.odd","from":"16505551234","timestamp":"1750030073","type":"text","text":{"body":"a\u0000b"}}`,
			"", "ab"},
		"half a surrogate pair in a text": {`{"id":"wamid.odd","from":"16505551234","timestamp":"1750030073","type":"text","text":{"body":"a\ud83d"}}`,
			"", "a\uFFFD"},
		"the other half": {`{"id":"wamid.odd","from":"16505551234","timestamp":"1750030073","type":"text","text":{"body":"\ude00a"}}`,
			"", "\uFFFDa"},
		"text that is not UTF-8": {
			"{\"id\":\"wamid.odd\",\"from\":\"16505551234\"," +
				"\"timestamp\":\"1750030073\",\"type\":\"text\",\"text\":{\"body\":\"a\xff\xfeb\"}}",
			"", "a\uFFFDb"},
		"U+0000 in a key": {message1("wamid.odd", `"o\u0000dd":1`), "", "hello"},
		"U+0000 in an id": {`{"id":"wamid.\u0000odd","from":"16505551234","timestamp":"1750030073","type":"text","text":{"body":"hello"}}`, "", ""},
		"U+0000 in a sender": {`{"id":"wamid.odd","from":"1650555\u00001234","timestamp":"1750030073","type":"text","text":{"body":"hello"}}`,
			"", "hello"},
		"U+0000 in a name of Meta's": {message1("wamid.odd",
			`"context":{"id":"\u0000"},"referral":{"ctwa_clid":"\u0000"}`), "", "hello"},
		"blanks around its ids": {`{"id":" wamid.odd ","from":" +16505551234 ","timestamp":" 1750030073 ","type":"text","text":{"body":"hello"}}`,
			"", "hello"},
		"ids as numbers": {`{"id":"wamid.odd","from":16505551234,"timestamp":1750030073,"type":"text","text":{"body":"hello"}}`,
			"", "hello"},
		"numbers with exponents": {`{"id":"wamid.odd","from":1.6505551234e10,"timestamp":1.750030073e9,"type":"text","text":{"body":"hello"}}`,
			"", "hello"},
		"the end of the year 9999": {`{"id":"wamid.odd","from":"16505551234","timestamp":"253402300799","type":"text","text":{"body":"hello"}}`,
			"", "hello"},
		"a time in milliseconds, beyond": {`{"id":"wamid.odd","from":"16505551234","timestamp":"253402300799999","type":"text","text":{"body":"hello"}}`,
			"", "hello"},
		"a time before there was any": {`{"id":"wamid.odd","from":"16505551234","timestamp":"-62135596800","type":"text","text":{"body":"hello"}}`,
			"", "hello"},
		"no time": {`{"id":"wamid.odd","from":"16505551234","type":"text","text":{"body":"hello"}}`,
			"", "hello"},
		"an id that is too long": {fmt.Sprintf(
			`{"id":"wamid.%s","from":"16505551234","type":"text","text":{"body":"hello"}}`, long),
			metawebhook.NotUnderstood, ""},
		"a user id that is too long": {fmt.Sprintf(
			`{"id":"wamid.odd","from_user_id":"US.%s","type":"text","text":{"body":"hello"}}`, long), metawebhook.Nobody, ""},
		"a sender that is too long": {fmt.Sprintf(
			`{"id":"wamid.odd","from":"%s","type":"text","text":{"body":"hello"}}`, strings.Repeat("1", 9000)),
			metawebhook.Nobody, ""},
		"a sender that is junk": {`{"id":"wamid.odd","from":"hello","type":"text","text":{"body":"hello"}}`,
			metawebhook.Nobody, ""},
		"no sender": {`{"id":"wamid.odd","type":"text","text":{"body":"hello"}}`,
			metawebhook.Nobody, ""},
		"no id": {`{"from":"16505551234","type":"text","text":{"body":"hello"}}`,
			metawebhook.NotUnderstood, ""},
		"a number that is too large": {message1("wamid.odd", `"odd":1e999999`), metawebhook.NotUnderstood, "hello"},
		"a part that is nested deeply": {message1("wamid.odd", `"odd":`+strings.Repeat(`[`, 900)+
			strings.Repeat(`]`, 900)), metawebhook.NotUnderstood, "hello"},
		"a part that is nested very deeply": {message1("wamid.odd", `"odd":`+strings.Repeat(`{"a":`, 8000)+
			"1"+strings.Repeat(`}`, 8000)), metawebhook.NotUnderstood, "hello"},
		"a part that is too large": {message1("wamid.odd", `"odd":"`+strings.Repeat("x", 300<<10)+`"`),
			metawebhook.NotUnderstood, "hello"},
		"a huge list": {message1("wamid.odd", `"odd":[`+strings.Repeat("1,", 200_000)+`1]`),
			metawebhook.NotUnderstood, "hello"},
		"a text of a hundred thousand": {`{"id":"wamid.odd","from":"16505551234","type":"text","text":{"body":"` +
			strings.Repeat("é", 100_000) + `"}}`, "", strings.Repeat("é", 65_536)},
		"a key twice":                  {message1("wamid.odd", `"type":"text"`), metawebhook.NotUnderstood, "hello"},
		"a text of the wrong type":     {`{"id":"wamid.odd","from":"16505551234","timestamp":"1750030073","type":"text","text":["hello"]}`, "", ""},
		"a list instead of a message":  {`["hello"]`, metawebhook.NotUnderstood, ""},
		"nothing instead of a message": {`null`, metawebhook.NotUnderstood, ""},
		"a type of the future":         {`{"id":"wamid.odd","from":"16505551234","timestamp":"1750030073","type":"telepathy","telepathy":{"a":1}}`, "", ""},
	} {
		i := len(cases)
		ids := strings.NewReplacer("wamid.odd", fmt.Sprint("wamid.odd", i), "wamid.right", fmt.Sprint("wamid.right", i))
		cases = append(cases, func(s *stage) {
			ours := s.send(s.world, fmt.Sprint("+1303555", 1000+i))
			receipt := fmt.Sprintf(
				`{"id":"wamid.out%d","status":"delivered","timestamp":"1750030073","biz_opaque_callback_data":%q}`, i,
				whatsapp.CallbackData(ours.String(), 1))
			body := ids.Replace(value(`"messages":[` + tc.part + `,` + message1("wamid.right", `"a":1`) + `],"statuses":[` +
				receipt + `]`))

			for range 2 { // Meta repeats itself
				if code := s.told(body); code != http.StatusOK {
					s.t.Fatalf("%s: answered %d", name, code)
				}
			}

			kept := s.takeKept()
			if tc.reason == "" && len(kept) > 0 {
				s.t.Errorf("%s: kept as %s, %v", name, kept[0].Reason, *kept[0].Detail)
			}

			if tc.reason != "" && (len(kept) != 1 || kept[0].Reason != tc.reason || kept[0].Seen != 2 ||
				string(kept[0].Body) != body) {
				s.t.Errorf("%s: kept %d, want one as %s", name, len(kept), tc.reason)
			}

			if m := s.db.Client.Message.GetX(s.system, ours); m.Status != enum.MessageStatusDelivered {
				s.t.Errorf("%s: the receipt beside it left the message %s", name, m.Status)
			}

			s.mustHave(ids.Replace("wamid.right"), "hello")
			if tc.text != "" {
				s.mustHave(ids.Replace("wamid.odd"), tc.text)
			}
		})
	}

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for _, check := range cases {
			check(s)
		}

		for _, c := range db.Client.Contact.Query().AllX(s.system) {
			if c.ServiceWindowClosesAt.After(time.Now().Add(25 * time.Hour)) {
				t.Errorf("a window is open until %v", c.ServiceWindowClosesAt)
			}
		}

		s.mustAddUp()
	})
}

// takeKept is what has been kept since it was last asked for.
func (s *stage) takeKept() []*ent.UnmatchedWebhook {
	s.t.Helper()
	kept := s.kept()
	s.db.Client.UnmatchedWebhook.Delete().ExecX(s.system)

	return kept
}

// mustHave looks for an inbound message and its text.
func (s *stage) mustHave(wamid, text string) {
	s.t.Helper()
	m, err := s.db.Client.Message.Query().Where(message.Wamid(wamid)).Only(s.system)
	if err != nil {
		s.t.Errorf("%s: %v", wamid, err)
	} else if got := textOf(m.Content); got != text {
		s.t.Errorf("%s has the text %.80q, want %.80q", wamid, got, text)
	}
}

// mustAddUp recounts everything.
func (s *stage) mustAddUp() {
	s.t.Helper()
	if wrong, err := s.Queue.Verify(s.system); err != nil || len(wrong) > 0 {
		s.t.Errorf("a recount finds %v, %v", wrong, err)
	}
}

func TestAReceiptIsNeverRefusedForWhatItSays(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 100_000)
	var cases []func(s *stage)

	for name, tc := range map[string]struct{ odd, reason string }{
		"U+0000 in an error's words": {`{"id":"wamid.2","status":"failed","timestamp":"1750030073","errors":[{"code":131026,"title":"\u0000","error_data":{"details":"a\u0000b\ud83d"}}]}`,
			metawebhook.UnknownMessage},
		"words that are too long": {`{"id":"wamid.2","status":"failed","timestamp":"1750030073","errors":[{"code":131026,"title":"` +
			long + `","error_data":{"details":"` + long + `"}}]}`, metawebhook.UnknownMessage},
		"a price with U+0000": {`{"id":"wamid.2","status":"sent","timestamp":"1750030073","pricing":{"billable":true,"category":"\u0000","pricing_model":"PMP","type":"regular"}}`,
			metawebhook.UnknownMessage},
		"an id that is too long": {`{"id":"wamid.` + long + `","status":"sent","timestamp":"1750030073"}`,
			metawebhook.NotUnderstood},
		"a status of the future": {`{"id":"wamid.2","status":"in_orbit","timestamp":"1750030073"}`,
			metawebhook.NotUnderstood},
		"no status": {`{"id":"wamid.2","timestamp":"1750030073"}`, metawebhook.NotUnderstood},
		"no object": {`[]`, metawebhook.NotUnderstood},
		"a far future": {`{"id":"wamid.2","status":"sent","timestamp":"253402300799"}`,
			metawebhook.UnknownMessage},
		"a code beyond all measure": {`{"id":"wamid.2","status":"failed","timestamp":"1750030073","errors":[{"code":1e300}]}`,
			metawebhook.UnknownMessage},
	} {
		i := len(cases)
		cases = append(cases, func(s *stage) {
			ours, wamid := s.send(s.world, fmt.Sprint("+1303555", 1000+i)), fmt.Sprintf(`"wamid.ours%d"`, i)
			right := fmt.Sprintf(`{"id":%s,"status":"sent","timestamp":"1750030073","biz_opaque_callback_data":%q}`,
				wamid, whatsapp.CallbackData(ours.String(), 1))
			if code := s.told(value(`"statuses":[` + tc.odd + `,` + right + `]`)); code != http.StatusOK {
				s.t.Fatalf("%s: answered %d", name, code)
			}
			if kept := s.takeKept(); len(kept) != 1 || kept[0].Reason != tc.reason {
				s.t.Errorf("%s: kept %d, want one as %s", name, len(kept), tc.reason)
			}
			if m := s.db.Client.Message.GetX(s.system, ours); m.Status != enum.MessageStatusSent {
				s.t.Errorf("%s: the message is %s", name, m.Status)
			}

			// The same about a message that is ours.
			if code := s.told(value(`"statuses":[` + strings.Replace(tc.odd, `"wamid.2"`, wamid, 1) +
				`]`)); code != http.StatusOK {
				s.t.Fatalf("%s: answered %d", name, code)
			}

			s.takeKept()
			if m := s.db.Client.Message.GetX(s.system, ours); m.ErrorDetail != nil && len(*m.ErrorDetail) > 4000 ||
				m.SentAt.After(time.Now().Add(time.Hour)) {
				s.t.Errorf("%s: the message says %v, and was sent at %v", name, m.ErrorDetail, m.SentAt)
			}
		})
	}

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for _, check := range cases {
			check(s)
		}

		s.mustAddUp()
	})
}

func TestWhateverComesIsKeptOnceAndCounted(t *testing.T) {
	t.Parallel()
	var cases []func(s *stage)
	for name, tc := range map[string]struct{ body, reason, detail string }{
		"nothing":                {"", metawebhook.NotUnderstood, "not JSON"},
		"blanks":                 {" \n", metawebhook.NotUnderstood, "not JSON"},
		"a word":                 {"hello", metawebhook.NotUnderstood, "not JSON"},
		"a page":                 {"<html></html>", metawebhook.NotUnderstood, "not JSON"},
		"bytes that are no text": {"\x00\xff\xfe\x00", metawebhook.NotUnderstood, "not JSON"},
		"UTF-16":                 {"\xff\xfe{\x00}\x00", metawebhook.NotUnderstood, "not JSON"},
		"half an object": {`{"object":"whatsapp_business_account","entry":[`,
			metawebhook.NotUnderstood, "not JSON"},
		"a number":        {"7", metawebhook.NotUnderstood, "not JSON"},
		"an empty object": {`{}`, metawebhook.NotUnderstood, "a payload without entries"},
		"an object without entry": {`{"object":"whatsapp_business_account"}`, metawebhook.NotUnderstood,
			"a payload without entries"},
		"an entry of the wrong type": {`{"object":"whatsapp_business_account","entry":7}`,
			metawebhook.NotUnderstood, "a payload without entries"},
		"an entry without changes": {`{"object":"whatsapp_business_account","entry":[{"id":"1"}]}`,
			metawebhook.NotUnderstood, "an entry without changes"},
		"another object": {`{"object":"page","entry":[{"id":"1"}]}`, metawebhook.NotUnderstood,
			`object "page"`},
		"objects in a list": {`[{"object":"page","entry":[]}]`, metawebhook.NotUnderstood,
			`object "page"`},
		"a field of the future": {change("1", "telepathy", `{"a":1}`), metawebhook.NotUnderstood,
			`field "telepathy"`},
		"a status word of the future": {value(`"statuses":[{"id":"w","status":"in_orbit"}]`),
			metawebhook.NotUnderstood, `status "in_orbit"`},
		"a chat history": {change("1", "history",
			`{"metadata":{"phone_number_id":"106540352242922"},"history":[{"threads":[{"id":"16505551234","messages":[]}]}]}`),
			metawebhook.NotApplied, "field history"},
		"contacts of the WhatsApp Business app": {change("1", "smb_app_state_sync", `{"state_sync":[]}`),
			metawebhook.NotApplied, "field smb_app_state_sync"},
		"a message of nobody": {value(
			`"messages":[{"id":"wamid.1","type":"text","text":{"body":"hello"}}]`), metawebhook.Nobody,
			"a message without a sender"},
		"an echo to nobody": {value(
			`"message_echoes":[{"id":"wamid.1","to":"?","type":"text","text":{"body":"hello"}}]`), metawebhook.Nobody,
			"an echo without a recipient"},
	} {
		cases = append(cases, func(s *stage) {
			before := counted(s.t, s.Metrics(), "carillon_webhook_changes_total", "unknown")
			for range 3 {
				if code := s.told(tc.body); code != http.StatusOK {
					s.t.Fatalf("%s: answered %d", name, code)
				}
			}

			after := counted(s.t, s.Metrics(), "carillon_webhook_changes_total", "unknown")
			if tc.reason == metawebhook.NotUnderstood && after-before != 3 {
				s.t.Errorf("%s: counted %v", name, after-before)
			}

			listed, err := s.Unmatched(s.system)
			if err != nil || len(listed) != 1 || listed[0].Reason != tc.reason || listed[0].Detail != tc.detail ||
				listed[0].Seen != 3 {
				s.t.Errorf("%s: listed %+v, %v", name, listed, err)
			}

			if done, err := s.Replay(s.system); err != nil || done != (metawebhook.Replayed{Kept: 1}) {
				s.t.Errorf("%s: replaying gave %+v, %v", name, done, err)
			}

			kept := s.takeKept()
			if len(kept) != 1 || kept[0].Reason != tc.reason || *kept[0].Detail != tc.detail || kept[0].Seen != 3 ||
				string(kept[0].Body) != tc.body {
				s.t.Fatalf("%s: kept %+v", name, kept)
			}
		})
	}

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for _, check := range cases {
			check(s)
		}
	})
}

func TestAPayloadWithAByteOrderMarkOrInAListIsTakenIn(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a byte order mark": "\uFEFF" + inbound("wamid.in1", "16505551234", "hello"),
		"a list":            "[" + inbound("wamid.in1", "16505551234", "hello") + "]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
			if code := s.told(body); code != http.StatusOK || len(s.kept()) > 0 {
				t.Errorf("answered %d, kept %v", code, s.kept())
			}

			s.mustHave("wamid.in1", "hello")
		})
	}
}

// The wamid and a number may be read from a log by people who should not know them.
func TestTheLogNamesNobody(t *testing.T) {
	t.Parallel()
	for _, db := range []string{"sqlite", "postgres"} {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			dsn := map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres}[db]
			s := stand(t, dbtest.Open(t, dsn(t)))
			for _, status := range []string{"deleted", "warning", "in_orbit", "sent"} {
				s.told(value(fmt.Sprintf(
					`"statuses":[{"id":"wamid.SECRET","status":%q,"timestamp":"1","recipient_id":"16505551234"}]`, status)))
			}

			s.told(value(`"messages":[{"id":"wamid.SECRET","type":"text","text":{"body":"16505551234"}}],"message_echoes":[{"id":"wamid.SECRET","type":"text"}],"errors":[{"code":1}]`))
			s.told(inbound("wamid.SECRET", "16505551234", "16505551234"))

			for _, secret := range []string{"SECRET", "16505551234"} {
				if strings.Contains(s.log.String(), secret) {
					t.Errorf("the log has %s: %s", secret, s.log.String())
				}
			}
		})
	}
}

func TestWhatWhatsAppCouldNotBeAskedAboutIsTriedAgainByItself(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		meta := newMeta(t)
		s := stand(t, db, func(o *setting) { o.meta = meta.url })
		meta.away.Store(true)
		body := change("1", "phone_number_name_update",
			`{"display_phone_number":"1","decision":"APPROVED","requested_verified_name":"new"}`)
		if code := s.told(body); code != http.StatusOK {
			t.Fatalf("answered %d", code)
		}

		kept := s.kept()
		if len(kept) != 1 || kept[0].Reason != metawebhook.NotAsked || kept[0].RetryAt == nil ||
			kept[0].RetryAt.Sub(kept[0].ReceivedAt) != time.Minute {
			t.Fatalf("kept %+v", kept)
		}

		due := func() { kept[0].Update().SetRetryAt(database.Now().Add(-time.Second)).ExecX(s.system) }
		if err := s.Retry(s.system); err != nil || len(s.kept()) != 1 {
			t.Errorf("before its time: %v, %d are kept", err, len(s.kept()))
		}

		due()
		if err := s.Retry(s.system); err != nil || len(s.kept()) != 1 || !s.kept()[0].RetryAt.After(database.Now()) {
			t.Errorf("while WhatsApp is away: %v, kept %+v", err, s.kept())
		}

		meta.away.Store(false)
		due()
		if err := s.Retry(s.system); err != nil || len(s.kept()) != 0 {
			t.Errorf("when it is back: %v, kept %+v", err, s.kept())
		}
		if n := db.Client.PhoneNumber.GetX(s.system, s.number); n.VerifiedName != "Name of 1" {
			t.Errorf("the number is called %s", n.VerifiedName)
		}
	})
}

func TestAFactThatTheDatabaseRefusesCostsItsSiblingsNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		ids := []string{s.message.String()}
		for i := range 4 {
			ids = append(ids, s.send(s.world, fmt.Sprint("+1650555000", i)).String())
		}

		refuse := map[string]string{
			"sqlite3": "CREATE TRIGGER odd BEFORE UPDATE ON message WHEN new.wamid = 'wamid.2' BEGIN " +
				"SELECT RAISE(ABORT, 'odd'); END",
			"postgres": "ALTER TABLE message ADD CONSTRAINT odd CHECK (wamid <> 'wamid.2')",
		}[db.Dialect]
		if err := db.InTx(s.system, func(tx *database.Tx) error {
			_, err := tx.ExecContext(s.system, refuse)
			return err
		}); err != nil {
			t.Fatal(err)
		}

		var statuses []string
		for i, id := range ids {
			statuses = append(statuses,
				fmt.Sprintf(`{"id":"wamid.%d","status":"delivered","timestamp":"1750030073","biz_opaque_callback_data":%q}`,
					i, whatsapp.CallbackData(id, 1)))
		}

		if code := s.told(value(`"statuses":[` + strings.Join(statuses, ",") + `]`)); code != http.StatusOK {
			t.Fatalf("answered %d", code)
		}

		var left []string
		for _, m := range db.Client.Message.Query().Where(message.StatusNEQ(enum.MessageStatusDelivered)).AllX(s.system) {
			left = append(left, m.ID.String())
		}

		if !slices.Equal(left, []string{ids[2]}) {
			t.Errorf("%v were not delivered", left)
		}
		if kept := s.kept(); len(kept) != 1 || kept[0].Reason != metawebhook.NotStored {
			t.Errorf("kept %+v", kept)
		}

		s.mustAddUp()
	})
}
