package whatsapp

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// value is a webhook with one value of the field messages.
func value(value string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":` +
		value + `}]}]}`
}

func TestAMessageIsFromWhoSentIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		contacts, messages string
		want               []string // number, user id and name of each
	}{
		"whose profile comes along": {`[{"wa_id":"16505551234","user_id":"US.1","profile":{"name":"Ana"}}]`,
			`[{"id":"a","from":"16505551234"}]`, []string{"16505551234 US.1 Ana"}},
		"with its number spelled in another way": {`[{"wa_id":"5491155551234","profile":{"name":"Ana"}}]`,
			`[{"id":"a","from":"541155551234"},{"id":"b","from":"541155551234"}]`,
			[]string{"541155551234  Ana", "541155551234  Ana"}},
		"and not from the other one": {`[{"wa_id":"16505551234","user_id":"US.1","profile":{"name":"Ana"}}]`,
			`[{"id":"a","from":"16505551234"},{"id":"b","from":"16505559999"}]`,
			[]string{"16505551234 US.1 Ana", "16505559999  "}},
		"and not from the other one, who hides the number": {`[{"wa_id":"16505551234","user_id":"US.1","profile":{"name":"Ana"}}]`,
			`[{"id":"a","from_user_id":"US.2"},{"id":"b","from":"16505551234"}]`,
			[]string{" US.2 ", "16505551234 US.1 Ana"}},
		"and nobody's where one of two names none": {`[{"wa_id":"16505551234","user_id":"US.1","profile":{"name":"Ana"}}]`,
			`[{"id":"a"},{"id":"b","from":"16505551234"}]`,
			[]string{"  ", "16505551234 US.1 Ana"}},
		"known by its user id": {`[{"user_id":"US.1","profile":{"name":"Ana"}}]`,
			`[{"id":"a","from_user_id":"US.1"}]`, []string{" US.1 Ana"}},
		"known by a user id for number": {`[]`, `[{"id":"a","from":"US.13491208655302741918"}]`,
			[]string{" US.13491208655302741918 "}},
		"known by a linked user id": {`[]`, `[{"id":"a","from":"US.ENT.1181579"}]`, []string{" US.ENT.1181579 "}},
		"with a plus and blanks": {`[{"wa_id":" 16505551234 ","profile":{"name":"Ana"}}]`,
			`[{"id":" a ","from":"\t16505551234\n"},{"id":"b","from":"+16505551234"}]`,
			[]string{"16505551234  Ana", "16505551234  "}},
		"with a number as a number": {`[]`, `[{"id":"a","from":16505551234},{"id":"b","from":1.6505551234e10}]`,
			[]string{"16505551234  ", "16505551234  "}},
		"and nobody's where it is junk": {`[]`,
			`[{"id":"a","from":"nobody"},{"id":"b","from":"+"},{"id":"c","from":"12"},{"id":"d","from":"1650555123412345"},{"id":"e","from":"1650-555"},{"id":"f","from":["1"]}]`,
			[]string{"  ", "  ", "  ", "  ", "  ", "  "}},
		"and nobody's where its id is": {`[]`, `[{"id":"a","from_user_id":"a b"},{"id":"b","from_user_id":"` +
			strings.Repeat("a", 201) + `"}]`, []string{"  ", "  "}},
		"whatever the digits' script is": {`[]`, `[{"id":"a","from":"١٦٥٠٥٥٥١٢٣٤"}]`, []string{"  "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, m := range parse(t, value(`{"contacts":`+tc.contacts+`,"messages":`+tc.messages+`}`)).Inbound {
				got = append(got, m.From+" "+m.FromUserID+" "+m.ProfileName)
			}

			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOnlyWhatAPersonWroteOrPressedIsWritten(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		`"type":"text","text":{"body":"Stop"}`:                                                                            "Stop",
		`"text":{"body":"Stop"}`:                                                                                          "Stop",
		`"type":"image","image":{"id":"1","caption":"Stop"}`:                                                              "Stop",
		`"type":"video","video":{"id":"1","caption":"Stop"}`:                                                              "Stop",
		`"type":"document","document":{"id":"1","caption":"Stop","filename":"Start.pdf"}`:                                 "Stop",
		`"type":"button","button":{"text":"Stop","payload":"p"}`:                                                          "Stop",
		`"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"i","title":"Stop"}}`:             "Stop",
		`"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"i","title":"Stop"}}`:                 "Stop",
		`"type":"order","order":{"text":"Stop"}`:                                                                          "",
		`"type":"edit","edit":{"original_message_id":"o","message":{"type":"text","text":{"body":"Stop"}}}`:               "Stop",
		`"type":"edit","edit":{"original_message_id":"o","message":{"type":"image","image":{"caption":"Stop"}}}`:          "Stop",
		`"type":"edit","edit":{"original_message_id":"o","message":{"type":"location","location":{"name":"Stop"}}}`:       "",
		`"type":"revoke","revoke":{"original_message_id":"o"}`:                                                            "",
		`"type":"location","location":{"name":"Stop"}`:                                                                    "",
		`"type":"location","location":{"address":"Stop"}`:                                                                 "",
		`"type":"contacts","contacts":[{"name":{"formatted_name":"Stop"}}]`:                                               "",
		`"type":"system","system":{"type":"user_changed_number","body":"Stop"}`:                                           "",
		`"type":"system","text":{"body":"Stop"}`:                                                                          "",
		`"type":"unsupported","text":{"body":"Stop"}`:                                                                     "",
		`"type":"reaction","reaction":{"message_id":"o","emoji":"Stop"}`:                                                  "",
		`"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"body":"Stop","response_json":"{}"}}`:        "",
		`"type":"interactive","interactive":{"type":"call_permission_reply","call_permission_reply":{"response":"Stop"}}`: "",
	} {
		got := parse(t, value(`{"messages":[{"id":"a","from":"16505551234",`+message+`}]}`)).Inbound
		if len(got) != 1 || got[0].Written != want {
			t.Errorf("%s: %+v, want %q", message, got, want)
		}
	}
}

func TestNothingIsLongerThanItsBound(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 100_000)
	w := parse(t, value(fmt.Sprintf(`{"contacts":[{"wa_id":"16505551234","profile":{"name":%q}}],
		"messages":[{"id":"a","from":"16505551234","type":"text","text":{"body":%q}},{"id":%q,"from":"16505551234"}],
		"statuses":[{"id":"b","status":"failed","pricing":{"category":%q},"errors":[{"code":-7,"title":%q,"error_data":{"details":%q}}]},{"id":%q,"status":"sent"}]}`,
		long, long, long, long, long, long, long)))
	if len(w.Inbound) != 1 || len(w.Statuses) != 1 {
		t.Fatalf("%d messages and %d statuses", len(w.Inbound), len(w.Statuses))
	}

	m, s := w.Inbound[0], w.Statuses[0]
	if len(m.ProfileName) != 2*maxWord || len(m.Text) != 2*maxText || len(m.Written) != 2*maxText {
		t.Errorf("name of %d bytes, text of %d", len(m.ProfileName), len(m.Text))
	}

	if e := s.Errors[0]; e.Code != 0 || len(e.Title) != 2*maxWord || len(e.Details) != 2*maxNote ||
		len(s.Pricing.Category) != 2*maxWord {
		t.Errorf("code %d, title of %d bytes, details of %d, category of %d", e.Code, len(e.Title), len(e.Details),
			len(s.Pricing.Category))
	}

	if want := []string{"a status without an id", "a message without an id"}; !reflect.DeepEqual(w.Unknown, want) {
		t.Errorf("unknown: %q", w.Unknown)
	}
}

func TestAMessageThatCannotBeStoredAsItCameIsReadAllTheSame(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]string{
		"deep": strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "a huge number": "1e999999",
		"long": `"` + strings.Repeat("a", maxRaw) + `"`,
	} {
		w := parse(t, value(`{"messages":[{"id":"a","from":"16505551234","type":"text","text":{"body":"hi"},"odd":`+
			part+`},{"id":"b","from":"16505551234","type":"text","text":{"body":"ho"}}]}`))
		if len(w.Inbound) != 2 || w.Inbound[0].Text != "hi" || w.Inbound[0].Raw != nil || w.Inbound[1].Raw == nil ||
			len(w.Unknown) == 0 {
			t.Errorf("%s: %d messages, unknown: %q", name, len(w.Inbound), w.Unknown)
		}
	}
}

func TestAPartOfTheWrongTypeIsUnknownAndCostsItsSiblingsNothing(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]string{
		`"statuses":"none"`:                               "statuses of the wrong type",
		`"message_echoes":7`:                              "message_echoes of the wrong type",
		`"user_actions":true`:                             "user_actions of the wrong type",
		`"errors":[],"Errors":[]`:                         "a key that stands twice in an object",
		`"statuses":[{"id":"w"}]`:                         `status ""`,
		`"statuses":[[]]`:                                 "a status that is no object",
		`"message_echoes":[{"to":"1"}]`:                   "an echo without an id",
		`"user_actions":["click"]`:                        "a user action that is no object",
		`"statuses":[{"id":"w","status":"+16505551234"}]`: `status "????????????"`,
	} {
		w := parse(t, value(`{"messages":[{"id":"a","from":"16505551234","type":"text","text":{"body":"hi"}}],`+part+`}`))
		if len(w.Inbound) != 1 {
			t.Errorf("%s: %d messages", part, len(w.Inbound))
		}
		if len(w.Unknown) != 1 || w.Unknown[0] != want {
			t.Errorf("%s: unknown: %q, want %q", part, w.Unknown, want)
		}
	}
}

func TestNothingIsReadThatIsNestedTooDeeply(t *testing.T) {
	t.Parallel()
	const deep = 2_000_000
	body := `{"object":"whatsapp_business_account","statuses":` + strings.Repeat("[", deep) +
		strings.Repeat("]", deep) + `}`
	if _, err := ParseWebhook([]byte(body)); err == nil {
		t.Error("it was read")
	}
}

func TestATimeThatCannotBeBelievedIsThatOfNow(t *testing.T) {
	t.Parallel()
	now := at(1_800_000_000)
	for given, want := range map[string]time.Time{
		`"1750030073"`: at(1750030073), `1750030073`: at(1750030073), `1750030073000`: at(1750030073),
		`1.750030073e9`: at(1750030073), `"1750030073.5"`: at(1750030073),
		`1800000299`: at(1_800_000_299), `1800000301`: now, `253402300799`: now, `"9999999999999999999999"`: now,
		`1e300`: now,
		`0`:     now, `-1750030073`: now, `"-1"`: now, `1`: now, `1000000000`: now, `null`: now, `"soon"`: now, `{}`: now,
		`[1750030073]`: now, `true`: now,
	} {
		w := parse(t, value(`{"messages":[{"id":"a","from":"16505551234","timestamp":`+given+
			`}],"statuses":[{"id":"b","status":"sent","timestamp":`+given+`}]}`))
		w.Date(now)
		if m := w.Inbound[0]; !m.At.Equal(want) || !w.Statuses[0].At.Equal(want) || m.Undated != want.Equal(now) {
			t.Errorf("%s: %v (undated: %v) and %v, want %v", given, m.At, m.Undated, w.Statuses[0].At, want)
		}
	}
}

func TestDateReachesEveryFact(t *testing.T) {
	t.Parallel()
	now := at(1_800_000_000)
	var w Webhook
	v := reflect.ValueOf(&w).Elem()

	for i := range v.NumField() { // one of each, without a time
		if v.Field(i).Kind() == reflect.Slice {
			v.Field(i).Set(reflect.MakeSlice(v.Field(i).Type(), 1, 1))
		}
	}

	w.Date(now)
	for i := range v.NumField() {
		if of := v.Field(i).Index(0); of.Kind() == reflect.Struct {
			if at := of.FieldByName("At"); at.IsValid() && !at.Interface().(time.Time).Equal(now) {
				t.Errorf("%s have no time", v.Type().Field(i).Name)
			}
		}
	}
}
