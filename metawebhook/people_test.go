package metawebhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/whatsapp"
)

// said is a webhook with one message, of which parts are given as JSON.
func said(wamid string, at time.Time, parts string) string {
	return change("1", "messages",
		fmt.Sprintf(`{"metadata":{"phone_number_id":%q},"messages":[{"id":%q,"timestamp":"%d",%s}]}`, metaNumber,
			wamid, at.Unix(), parts))
}

func textFrom(who, body string) string {
	quoted, _ := json.Marshal(body)
	return who + `,"type":"text","text":{"body":` + string(quoted) + `}`
}

// receipt is a status of the stage's message, of which parts are given as JSON.
func (s *stage) receipt(status string, parts string) string {
	return change("1", "messages", fmt.Sprintf(
		`{"metadata":{"phone_number_id":%q},"statuses":[{"id":"wamid.1","status":%q,"timestamp":"%d","biz_opaque_callback_data":%q%s}]}`,
		metaNumber, status, time.Now().Unix(), whatsapp.CallbackData(s.message.String(), 1), parts))
}

func (s *stage) mustTell(bodies ...string) {
	s.t.Helper()
	for _, body := range bodies {
		if code := s.told(body); code != http.StatusOK {
			s.t.Fatalf("answered %d: %s", code, body)
		}
	}
}

// words has the organization's words be STOP and START.
func (s *stage) words() {
	s.db.Client.Organization.UpdateOneID(s.org).
		SetSendingPolicy(jsonfield.SendingPolicy{OptOutKeywords: []string{"STOP"}, OptInKeywords: []string{"START"}}).
		ExecX(s.system)
}

// one is the only contact of the organization.
func (s *stage) one() *ent.Contact {
	s.t.Helper()
	all := s.db.Client.Contact.Query().Where(contact.OrganizationID(s.org)).AllX(s.system)
	if len(all) != 1 {
		s.t.Fatalf("%d contacts, want one: %v", len(all), all)
	}

	return all[0]
}

func ago(d time.Duration) time.Time { return time.Now().Add(-d).Truncate(time.Second) }

// TestAStopReachesTheContactByWhateverItIsToldUnder has the kinds F1, F2 and F3 of the field trial,
// and the webhooks that named a person by one of two identifiers.
func TestAStopReachesTheContactByWhateverItIsToldUnder(t *testing.T) {
	t.Parallel()
	const number = `"from":"16505551234"`
	for name, tc := range map[string]struct {
		phone string // on file
		told  func(s *stage) []string
	}{
		"Brazil's ninth digit": {"+5511987654321", func(*stage) []string {
			return []string{said("wamid.a", ago(time.Minute), textFrom(`"from":"551187654321"`, "STOP"))}
		}},
		"Mexico's 1": {"+525512345678", func(*stage) []string {
			return []string{said("wamid.a", ago(time.Minute), textFrom(`"from":"5215512345678"`, "STOP"))}
		}},
		"a number that changed by a plan that nobody knows, quoting our message": {"+16505551234", func(s *stage) []string {
			return []string{s.receipt("sent", ""), said("wamid.a", ago(time.Minute),
				`"context":{"from":"1","id":"wamid.1"},`+textFrom(`"from":"16505559999"`, "STOP"))}
		}},
		"another number that a receipt has told": {"+16505551234", func(s *stage) []string {
			return []string{s.receipt("read", `,"recipient_id":"16505559999"`),
				said("wamid.a", ago(time.Minute), textFrom(`"from":"16505559999"`, "STOP"))}
		}},
		"a user id that a receipt has told": {"+16505551234", func(s *stage) []string {
			return []string{s.receipt("delivered", `,"recipient_id":"16505551234","recipient_user_id":"US.77"`),
				said("wamid.a", ago(time.Minute), textFrom(`"from_user_id":"US.77"`, "STOP"))}
		}},
		"a user id that a receipt without a number has told": {"+16505551234", func(s *stage) []string {
			return []string{s.receipt("delivered", `,"recipient_user_id":"US.77"`),
				said("wamid.a", ago(time.Minute), textFrom(`"from_user_id":"US.77"`, "STOP"))}
		}},
		"a user id that came with an earlier message": {"+16505551234", func(*stage) []string {
			return []string{said("wamid.a", ago(time.Hour), textFrom(number+`,"from_user_id":"US.77"`, "hello")),
				said("wamid.b", ago(time.Minute), textFrom(`"from_user_id":"US.77"`, "STOP"))}
		}},
		"a user id in the place of the number": {"+16505551234", func(*stage) []string {
			return []string{said("wamid.a", ago(time.Hour), textFrom(number+`,"from_user_id":"US.77"`, "hello")),
				said("wamid.b", ago(time.Minute), textFrom(`"from":"US.77"`, "STOP"))}
		}},
		"a setting at WhatsApp under the other spelling": {"+5511987654321", func(*stage) []string {
			return []string{change("1", "user_preferences", fmt.Sprintf(
				`{"metadata":{"phone_number_id":%q},"user_preferences":[{"wa_id":"551187654321","category":"marketing_messages","value":"stop","timestamp":%d}]}`,
				metaNumber, ago(0).Unix()))}
		}},
		"a setting at WhatsApp under a number that nobody knows and a user id": {"+16505551234", func(*stage) []string {
			return []string{said("wamid.a", ago(time.Hour), textFrom(number+`,"from_user_id":"US.77"`, "hello")),
				change("1", "user_preferences", fmt.Sprintf(
					`{"metadata":{"phone_number_id":%q},"user_preferences":[{"wa_id":"16505558888","user_id":"US.77","category":"marketing_messages","value":"stop","timestamp":%d}]}`,
					metaNumber, ago(0).Unix()))}
		}},
		"a user id that changed": {"+16505551234", func(*stage) []string {
			return []string{said("wamid.a", ago(time.Hour), textFrom(number+`,"from_user_id":"US.77"`, "hello")),
				said("wamid.b", ago(time.Minute),
					`"type":"system","system":{"type":"user_changed_user_id","user_id":"US.78","previous_user_id":"US.77"}`),
				said("wamid.c", ago(time.Second), textFrom(`"from_user_id":"US.78"`, "STOP"))}
		}},
		"the answer to a message that was sent in the app": {"+16505551234", func(*stage) []string {
			return []string{change("1", "smb_message_echoes", fmt.Sprintf(
				`{"metadata":{"phone_number_id":%q},"message_echoes":[{"from":"1","to":"16505551234","to_user_id":"US.77","id":"wamid.e","timestamp":"%d","type":"text","text":{"body":"x"}}]}`,
				metaNumber, ago(time.Hour).Unix())),
				said("wamid.c", ago(time.Second), textFrom(`"from_user_id":"US.77"`, "STOP"))}
		}},
		"blanks around the number": {"+16505551234", func(*stage) []string {
			return []string{said("wamid.a", ago(time.Minute), textFrom(`"from":" 16505551234 "`, "STOP")),
				said("wamid.b", ago(time.Second), textFrom(`"from":" 16505551234 "`, "hello"))}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				s.words()
				who := s.contact(t, tc.phone)
				told := tc.told(s)
				s.mustTell(told...)
				s.mustTell(told...) // Meta repeats itself
				c := s.one()
				if c.ID != who.ID || *c.Phone != tc.phone || c.MarketingConsent != enum.ConsentOptedOut {
					t.Errorf("the contact is %v", c)
				}

				s.mustAddUp()
			})
		})
	}
}

func TestAStopThatIsToldBeforeTheLinkHoldsAsWell(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.words()
		who := s.contact(t, "+16505551234")
		s.mustTell(said("wamid.a", ago(time.Minute), textFrom(`"from_user_id":"US.77"`, "STOP")))
		if n := db.Client.Contact.Query().CountX(s.system); n != 2 {
			t.Fatalf("%d contacts before anybody knows", n)
		}

		s.mustTell(s.receipt("delivered", `,"recipient_id":"16505551234","recipient_user_id":"US.77"`))
		if c := s.one(); c.ID != who.ID || c.MarketingConsent != enum.ConsentOptedOut || c.ServiceWindowClosesAt == nil {
			t.Errorf("the contact is %v", c)
		}

		if m := db.Client.Message.Query().Where(message.DirectionEQ(enum.DirectionInbound)).
			OnlyX(s.system); *m.ContactID != who.ID {
			t.Errorf("the message is %v's", m.ContactID)
		}

		s.mustAddUp()
	})
}

// TestOnlyWhatAPersonWroteOrPressedChangesTheirConsent has what the field trial saw besides.
func TestOnlyWhatAPersonWroteOrPressedChangesTheirConsent(t *testing.T) {
	t.Parallel()
	const from = `"from":"16505551234",`
	const in, out = enum.ConsentOptedIn, enum.ConsentOptedOut

	for name, tc := range map[string]struct {
		before, want enum.Consent
		parts        string
	}{
		"a place called Start": {out, out,
			`"type":"location","location":{"latitude":1,"longitude":2,"name":"START"}`},
		"a place called Stop": {in, in,
			`"type":"location","location":{"latitude":1,"longitude":2,"name":"Stop","address":""}`},
		"a contact card called START": {out, out,
			`"type":"contacts","contacts":[{"name":{"formatted_name":"START"}}]`},
		"a contact card called Stop": {in, in,
			`"type":"contacts","contacts":[{"name":{"formatted_name":"Stop"}}]`},
		"an order's text": {in, in,
			`"type":"order","order":{"catalog_id":"1","text":"STOP","product_items":[]}`},
		"a reaction": {in, in,
			`"type":"reaction","reaction":{"message_id":"wamid.1","emoji":"STOP"}`},
		"WhatsApp's own text": {in, in,
			`"type":"system","system":{"type":"customer_identity_changed","body":"STOP"}`},
		"a caption":           {in, out, `"type":"image","image":{"id":"1","caption":"Stop"}`},
		"a template's button": {in, out, `"type":"button","button":{"payload":"p","text":"stop"}`},
		"a button of a reply": {in, out,
			`"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"1","title":"STOP"}}`},
		"an entry of a list": {out, in,
			`"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"1","title":"Start"}}`},
		"Meta's own button": {in, out,
			`"type":"button","button":{"payload":"Stop promotions","text":"Stop promotions"}`},
		"Meta's own button in Portuguese": {in, out,
			`"type":"button","button":{"payload":"Parar promoções","text":"Parar promoções"}`},
		"full-width letters":                {in, out, `"type":"text","text":{"body":"ＳＴＯＰ"}`},
		"invisible marks":                   {in, out, `"type":"text","text":{"body":"\u200fST\u200bOP\ufeff"}`},
		"signs and blanks around":           {in, out, `"type":"text","text":{"body":"\u00a0 \"Stop!!\" …\n"}`},
		"another word beside it":            {in, in, `"type":"text","text":{"body":"Don't stop"}`},
		"small letters of another language": {in, in, `"type":"text","text":{"body":"ştop"}`},
		"the text of a form that was filled in": {in, in,
			`"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"STOP","response_json":"{}"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				s.words()
				word := map[enum.Consent]string{in: "START", out: "STOP"}[tc.before]
				s.mustTell(said("wamid.a", ago(time.Hour), textFrom(`"from":"16505551234"`, word)),
					said("wamid.b", ago(time.Minute), from+tc.parts))
				if c := s.one(); c.MarketingConsent != tc.want {
					t.Errorf("the contact is %s, want %s", c.MarketingConsent, tc.want)
				}
			})
		})
	}
}

// TestWhatWasSaidLastHoldsInWhateverOrderItIsTold has F12 of the field trial.
func TestWhatWasSaidLastHoldsInWhateverOrderItIsTold(t *testing.T) {
	t.Parallel()
	start := func(at time.Time) string {
		return said(fmt.Sprint("wamid.start", at.Unix()), at, textFrom(`"from":"16505551234"`, "START"))
	}
	stop := func(at time.Time) string {
		return said(fmt.Sprint("wamid.stop", at.Unix()), at, textFrom(`"from":"16505551234"`, "STOP"))
	}

	for name, tc := range map[string]struct {
		told []string
		want enum.Consent
	}{
		"an hour late, in order": {[]string{start(ago(time.Hour)), stop(ago(5 * time.Minute))}, enum.ConsentOptedOut},
		"three seconds late, in order": {[]string{start(ago(3 * time.Second)), stop(ago(time.Second))},
			enum.ConsentOptedOut},
		"the stop first": {[]string{stop(ago(time.Second)), start(ago(3 * time.Second))},
			enum.ConsentOptedOut},
		"the start last, told first": {[]string{start(ago(time.Second)), stop(ago(3 * time.Second))}, enum.ConsentOptedIn},
		"a setting of WhatsApp's, late": {[]string{preference("resume", int(ago(time.Hour).Unix())),
			preference("stop", int(ago(time.Minute).Unix()))}, enum.ConsentOptedOut},
		"a word and a setting": {[]string{preference("stop", int(ago(time.Minute).Unix())), start(ago(time.Hour))},
			enum.ConsentOptedOut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				s.words()
				s.contact(t, "+16505551234")
				s.mustTell(tc.told...)
				s.mustTell(tc.told...)
				c := s.one()
				if c.MarketingConsent != tc.want {
					t.Errorf("the contact is %s, want %s", c.MarketingConsent, tc.want)
				}
				if n := c.QueryConsentHistory().CountX(s.system); n != len(tc.told) {
					t.Errorf("%d records of %d statements", n, len(tc.told))
				}
			})
		})
	}
}

func TestAPreferenceThatNobodyKnowsOptsNobodyIn(t *testing.T) {
	t.Parallel()
	wish := func(category, value string) string {
		return change("1", "user_preferences", fmt.Sprintf(
			`{"metadata":{"phone_number_id":%q},"user_preferences":[{"wa_id":"16505551234","category":%q,"value":%q,"timestamp":%d}]}`,
			metaNumber, category, value, ago(0).Unix()))
	}

	for name, tc := range map[string]struct {
		told string
		want enum.Consent
	}{
		"a value of the future":              {wish("marketing_messages", "snooze"), enum.ConsentOptedOut},
		"a resumption of something else":     {wish("utility_messages", "resume"), enum.ConsentOptedOut},
		"a resumption of nothing in special": {wish("", "resume"), enum.ConsentOptedOut},
		"a resumption":                       {wish("marketing_messages", "resume"), enum.ConsentOptedIn},
		"a sign-up":                          {wish("marketing_messages", "signup"), enum.ConsentOptedIn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				s.words()
				s.mustTell(said("wamid.a", ago(time.Hour), textFrom(`"from":"16505551234"`, "STOP")), tc.told)
				if c := s.one(); c.MarketingConsent != tc.want {
					t.Errorf("the contact is %s, want %s", c.MarketingConsent, tc.want)
				}
			})
		})
	}
}

func TestAStopOfSomebodyUnknownHoldsWhenTheyBecomeAContact(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.mustTell(preference("stop", int(ago(time.Minute).Unix())))
		if n := db.Client.Contact.Query().CountX(s.system); n != 0 {
			t.Fatalf("%d contacts", n)
		}

		c, err := s.Audience.CreateContact(caller.In(t.Context(), s.org), audience.NewContact{Phone: "+1 650 555 1234",
			Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "form"}})
		if err != nil || c.MarketingConsent != enum.ConsentOptedOut {
			t.Errorf("%v, %v", c, err)
		}
	})
}

func TestWhatWhatsAppWritesOpensNoWindowAndMakesNobodyAContact(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string]string{
		"another number":  `"from":"16505551234","type":"system","system":{"type":"user_changed_number","body":"x","wa_id":"16505559999"}`,
		"another user id": `"type":"system","system":{"type":"user_changed_user_id","user_id":"US.2","previous_user_id":"US.1"}`,
		"another device":  `"from":"16505551234","type":"system","system":{"type":"customer_identity_changed","body":"x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				s.mustTell(said("wamid.a", ago(time.Minute), parts))
				if n := db.Client.Contact.Query().CountX(s.system); n != 0 {
					t.Errorf("%d contacts", n)
				}

				who := s.contact(t, "+16505551234")
				s.mustTell(said("wamid.b", ago(time.Second), parts), s.receipt("read", ""))
				if c := db.Client.Contact.GetX(s.system, who.ID); c.ServiceWindowClosesAt != nil {
					t.Errorf("the window of %v is open", c)
				}
				if n := db.Client.Message.Query().Where(message.DirectionEQ(enum.DirectionInbound)).CountX(s.system); n != 2 {
					t.Errorf("%d messages are stored, want both", n)
				}
			})
		})
	}
}

func TestJunkInThePlaceOfANumberIsNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for i, junk := range []string{"abc", "+", "null", "1", "16505551234x", strings.Repeat("9", 400), "0016505551234"} {
			s.mustTell(said(fmt.Sprint("wamid.", i), ago(0), textFrom(fmt.Sprintf(`"from":%q`, junk), "hello")))
		}

		for _, c := range db.Client.Contact.Query().AllX(s.system) {
			t.Errorf("%v is a contact", c)
		}

		s.mustTell(said("wamid.id", ago(0), textFrom(`"from":"US.1234"`, "hello")))
		if c := s.one(); c.Phone != nil || *c.WaUserID != "US.1234" || *c.Country != "US" {
			t.Errorf("%v", c)
		}
	})
}

func TestAMessageCountsInTheHourInWhichItWasWritten(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		at := ago(72 * time.Hour)
		s.mustTell(said("wamid.a", at, textFrom(`"from":"16505551234"`, "hello")))
		var hour database.NullTime
		if err := db.QueryRow(s.system, "SELECT max(hour) FROM statistic WHERE received = 1").Scan(&hour); err != nil ||
			!hour.Time.Equal(at.UTC().Truncate(time.Hour)) {
			t.Errorf("it counts in %v, %v", hour.Time, err)
		}

		m := db.Client.Message.Query().Where(message.Wamid("wamid.a")).OnlyX(s.system)
		if !m.SentAt.Equal(at) || time.Since(m.CreatedAt) > time.Hour {
			t.Errorf("written %v, received %v", m.SentAt, m.CreatedAt)
		}

		s.mustAddUp()
	})
}

func TestAUserNameIsKept(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.mustTell(change("1", "messages", fmt.Sprintf(`{"metadata":{"phone_number_id":%q},"contacts":[{"profile":{"name":"Pablo","username":"@pablo"},"wa_id":"16505551234","user_id":"US.7"}],
			"messages":[{"from":"16505551234","from_user_id":"US.7","id":"wamid.a","timestamp":"%d","type":"text","text":{"body":"hello"}}]}`, metaNumber, ago(0).Unix())))
		if c := s.one(); *c.Username != "pablo" || *c.Name != "Pablo" || *c.WaUserID != "US.7" {
			t.Errorf("%v", c)
		}
	})
}
