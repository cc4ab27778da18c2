package metawebhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/metawebhook"
	"carillon/whatsapp"
)

// samplePayloads are Meta's webhooks as others recorded them, by name.
func samplePayloads(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../whatsapp/testdata/*/webhook__*.json")
	if err != nil || len(paths) < 100 {
		t.Fatalf("%d samples, %v", len(paths), err)
	}

	out := map[string][]byte{}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}

		out[filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path)] = body
	}

	return out
}

// values has a value for each field of which there may be no sample. They name what is called
// WAMID, MESSAGE and so on.
var values = map[string]string{
	"account_alerts":                      `{"entity_type":"PHONE_NUMBER","entity_id":"PHONE","alert_info":{"alert_severity":"CRITICAL","alert_status":"ACTIVE","alert_type":"X","alert_description":"d"}}`,
	"account_review_update":               `{"decision":"REJECTED","waba_id":"WABA"}`,
	"account_settings_update":             `{"type":"phone_number_settings","phone_number_settings":{"phone_number_id":"PHONE"}}`,
	"account_update":                      `{"event":"PARTNER_REMOVED","phone_number":"DISPLAY","waba_info":{"waba_id":"WABA","owner_business_id":"1"}}`,
	"business_capability_update":          `{"max_daily_conversations_per_business":"TIER_250","waba_id":"WABA"}`,
	"business_username_update":            `{"display_phone_number":"DISPLAY","username":"shop","status":"approved"}`,
	"business_username_updates":           `{"display_phone_number":"DISPLAY","username":"shop","status":"deleted"}`,
	"calls":                               `{"metadata":{"phone_number_id":"AT"},"calls":[{"id":"WAMID","from":"16505551234","to":"DISPLAY","event":"connect","direction":"USER_INITIATED","biz_opaque_callback_data":"CALLBACK"}]}`,
	"history":                             `{"metadata":{"phone_number_id":"AT"},"history":[{"threads":[{"id":"16505551234","messages":[{"id":"WAMID","from":"16505551234","type":"text","text":{"body":"STOP"}}]}]}]}`,
	"message_echoes":                      `{"metadata":{"phone_number_id":"AT"},"message_echoes":[{"id":"WAMID","to":"16505551234","type":"text","text":{"body":"theirs"}}]}`,
	"message_template_components_update":  `{"message_template_id":"TEMPLATE","message_template_name":"t","message_template_language":"en","message_template_element":"theirs"}`,
	"message_template_quality_update":     `{"message_template_id":"TEMPLATE","message_template_name":"t","message_template_language":"en","new_quality_score":"RED"}`,
	"message_template_status_update":      `{"message_template_id":"TEMPLATE","message_template_name":"t","message_template_language":"en","event":"DELETED"}`,
	"messaging_handovers":                 `{"recipient":{"phone_number_id":"PHONE"},"sender":{"phone_number":"16505551234"},"type":"control_passed"}`,
	"phone_number_name_update":            `{"display_phone_number":"DISPLAY","decision":"APPROVED","requested_verified_name":"theirs"}`,
	"phone_number_quality_update":         `{"display_phone_number":"DISPLAY","event":"FLAGGED","current_limit":"TIER_50"}`,
	"security":                            `{"display_phone_number":"DISPLAY","event":"PIN_CHANGED"}`,
	"smb_message_echoes":                  `{"metadata":{"phone_number_id":"AT"},"message_echoes":[{"id":"wamid.new","to":"16505551234","type":"revoke","revoke":{"original_message_id":"WAMID"}}]}`,
	"standby":                             `{"metadata":{"phone_number_id":"AT"},"standby":{"statuses":[{"id":"WAMID","status":"read","biz_opaque_callback_data":"CALLBACK"}],"messages":[{"id":"wamid.new2","from":"16505551234","type":"revoke","revoke":{"original_message_id":"WAMID"}}]}}`,
	"template_category_update":            `{"message_template_id":"TEMPLATE","message_template_name":"t","message_template_language":"en","previous_category":"UTILITY","new_category":"MARKETING"}`,
	"template_correct_category_detection": `{"message_template_id":"TEMPLATE","message_template_name":"t","message_template_language":"en","category":"UTILITY","correct_category":"MARKETING"}`,
	"user_preferences":                    `{"metadata":{"phone_number_id":"AT"},"user_preferences":[{"wa_id":"16505551234","category":"marketing_messages","value":"stop","timestamp":1750030073}]}`,
	"messages": `{"metadata":{"phone_number_id":"AT"},"contacts":[{"wa_id":"16505551234","profile":{"name":"theirs"}}],"messages":[
		{"id":"WAMID","from":"16505551234","type":"text","text":{"body":"STOP"}},{"id":"wamid.new3","from":"16505551234","type":"edit","edit":{"original_message_id":"WAMID","message":{"type":"text","text":{"body":"theirs"}}}},
		{"id":"wamid.new4","from":"16505551234","type":"revoke","revoke":{"original_message_id":"WAMID"}},{"id":"wamid.new5","from":"16505551234","type":"reaction","reaction":{"message_id":"WAMID","emoji":"x"}},
		{"id":"wamid.new6","from":"16505551234","type":"button","button":{"text":"STOP"},"context":{"id":"WAMID"}},
		{"id":"wamid.new7","from":"16505551234","type":"system","system":{"type":"user_changed_number","wa_id":"16505559999"}}]}`,
}

// failing is a receipt of each status, and of the codes that reach beyond their message.
func failing() (all []string) {
	for _, status := range []string{"sent", "delivered", "read", "played"} {
		all = append(all, fmt.Sprintf(`{"id":"WAMID","status":%q,"biz_opaque_callback_data":"CALLBACK"}`, status),
			fmt.Sprintf(`{"id":"WAMID","status":%q}`, status))
	}

	for _, code := range []int{190, 368, 131005, 131026, 131031, 131042, 131048, 131050, 132015, 132016} {
		all = append(all,
			fmt.Sprintf(`{"id":"WAMID","status":"failed","biz_opaque_callback_data":"CALLBACK","errors":[{"code":%d}]}`, code),
			fmt.Sprintf(`{"id":"WAMID","status":"failed","errors":[{"code":%d}]}`, code))
	}

	return all
}

func TestAWebhookOfOneOrganizationsNumberChangesNothingOfAnother(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, func(o *setting) { o.meta = newMeta(t).url })
		victim, caller := s.world, s.open("2", "2000")
		s.busy(victim)
		s.busy(caller)
		before, told := s.rows(victim), 0
		var since []string // the last look

		look := func() {
			t.Helper()
			for table, rows := range s.rows(victim) {
				if !slices.Equal(rows, before[table]) {
					t.Fatalf("one of these changed %s:\n%s\nto\n%s\nwas\n%s", table, strings.Join(since, "\n"),
						strings.Join(rows, "\n"), strings.Join(before[table], "\n"))
				}
			}

			since = nil
		}

		tell := func(what, body string) {
			t.Helper()
			told++
			if code := s.told(body); code != http.StatusOK {
				t.Errorf("%s: answered %d", what, code)
			}
			if since = append(since, what); len(since) == 20 {
				look()
			}
		}

		for _, m := range db.Client.Message.Query().Where(message.OrganizationID(victim.org)).AllX(s.system) {
			names := []string{"WAMID", "wamid.nobody's", "CALLBACK", whatsapp.CallbackData(m.ID.String(), m.Attempts),
				"TEMPLATE", "7" + victim.waba, "WABA", victim.waba, "PHONE", victim.phone, "DISPLAY", "+1"}
			if m.Wamid != nil {
				names[1] = *m.Wamid
			}

			for _, at := range []struct{ waba, phone string }{{caller.waba, caller.phone}, {caller.waba, victim.phone}} {
				name := strings.NewReplacer(append(slices.Clone(names), "AT", at.phone)...)
				for _, field := range whatsapp.Fields() {
					if value := values[field]; value != "" {
						tell(field+" of "+string(m.Status), change(at.waba, field, name.Replace(value)))
					}
				}

				for _, receipt := range failing() {
					tell("receipt "+receipt,
						change(at.waba, "messages", name.Replace(`{"metadata":{"phone_number_id":"AT"},"statuses":[`+receipt+`]}`)))
				}
			}
		}

		for _, waba := range []string{"0", victim.waba} { // with the caller's number
			tell("a receipt that came for "+waba, change(waba, "messages", fmt.Sprintf(
				`{"metadata":{"phone_number_id":%q},"statuses":[{"id":"wamid.victim-out","status":"read","biz_opaque_callback_data":%q}]}`,
				caller.phone, whatsapp.CallbackData(victim.message.String(), 1))))
		}

		for name, body := range samplePayloads(t) {
			tell(name, rename(t, body, victim, caller))
		}

		look()
		t.Logf("%d webhooks", told)
	})
}

// rename makes a recorded webhook come to the caller, and name what is the victim's.
func rename(t *testing.T, body []byte, victim, caller *world) string {
	t.Helper()
	var tree any
	if err := json.Unmarshal(body, &tree); err != nil {
		t.Fatal(err)
	}

	foreign := map[string]string{
		"message_template_id": "7" + victim.waba, "message_template_name": "t", "message_template_language": "en",
		"waba_id": victim.waba, "display_phone_number": "+1",
		"original_message_id": "wamid.victim-in", "message_id": "wamid.victim-in",
		"biz_opaque_callback_data": whatsapp.CallbackData(victim.message.String(), 1),
		"phone_number_id":          caller.phone, "from": "16505551234", "wa_id": "16505551234",
		"recipient_id": "16505551234",
	}

	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			if v["changes"] != nil {
				v["id"] = caller.waba
			} else if _, named := v["id"].(string); named && v["timestamp"] != nil {
				v["id"] = "wamid.victim-out"
			}

			if v["status"] != nil && v["timestamp"] != nil {
				v["biz_opaque_callback_data"] = foreign["biz_opaque_callback_data"]
			}

			for key, one := range v {
				if name, known := foreign[key]; known {
					v[key] = name
				}

				walk(one)
			}
		}
	}

	walk(tree)
	out, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}

	return string(out)
}

// busy gives a world messages in several states, a person who wrote and a running campaign.
func (s *stage) busy(w *world) {
	s.t.Helper()
	name := map[string]string{"1": "victim", "2": "caller"}[w.waba]
	at := func(value string) string { return change(w.waba, "messages", strings.ReplaceAll(value, "AT", w.phone)) }
	s.db.Client.Campaign.UpdateOneID(w.campaign).SetStatus(enum.CampaignStatusRunning).ExecX(s.system)
	failed := s.send(w, "+16505550009")

	for _, body := range []string{
		at(fmt.Sprintf(`{"metadata":{"phone_number_id":"AT"},"messages":[{"id":"wamid.%s-in","from":"16505551234","timestamp":"1750030073","type":"text","text":{"body":"hello"}}]}`, name)),
		at(fmt.Sprintf(`{"metadata":{"phone_number_id":"AT"},"statuses":[{"id":"wamid.%s-out","status":"sent","timestamp":"1750030073","biz_opaque_callback_data":%q}]}`,
			name, whatsapp.CallbackData(w.message.String(), 1))),
		at(fmt.Sprintf(`{"metadata":{"phone_number_id":"AT"},"statuses":[{"id":"wamid.%s-failed","status":"failed","timestamp":"1750030073","errors":[{"code":131026}],"biz_opaque_callback_data":%q}]}`,
			name, whatsapp.CallbackData(failed.String(), 1))),
	} {
		if code := s.told(body); code != http.StatusOK {
			s.t.Fatalf("answered %d", code)
		}
	}

	s.send(w, "+16505550008") // waits for its answer
}

// rows are all rows of a world, as text, by table.
func (s *stage) rows(w *world) map[string][]string {
	s.t.Helper()
	tables := map[string]string{"organization": "id", "event_counter": "id"}
	query := "SELECT table_name FROM information_schema.columns WHERE column_name = 'organization_id' " +
		"AND table_schema = current_schema()"
	if s.db.Dialect == "sqlite3" {
		query = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' " +
			"AND c.name = 'organization_id'"
	}

	s.each(query, func(values []any) { tables[fmt.Sprint(values[0])] = "organization_id" })
	all := map[string][]string{}

	for table, column := range tables {
		s.each("SELECT * FROM "+table+" WHERE "+column+" = $1", func(values []any) {
			all[table] = append(all[table], fmt.Sprint(values))
		}, w.org)
		slices.Sort(all[table])
	}

	return all
}

// each reads rows of any columns.
func (s *stage) each(query string, row func(values []any), args ...any) {
	s.t.Helper()
	rows, err := s.db.Query(s.system, query, args...)
	if err != nil {
		s.t.Fatal(err)
	}

	defer rows.Close()
	names, _ := rows.Columns()

	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}

		if err := rows.Scan(into...); err != nil {
			s.t.Fatal(err)
		}

		row(values)
	}
}

func TestThereIsAForeignWebhookOfEveryField(t *testing.T) {
	t.Parallel()
	harmless := []string{ // they name nothing that is looked up
		"automatic_events", "business_status_update", "flows", "group_lifecycle_update", "group_participants_update",
		"group_settings_update", "group_status_update",
		"partner_solutions", "payment_configuration_update", "smb_app_state_sync", "tracking_events", "whatsapp_account",
	}

	for _, field := range whatsapp.Fields() {
		if (values[field] == "") != slices.Contains(harmless, field) {
			t.Errorf("field %s", field)
		}
	}
}

func TestAnAccountThatChangesHandsKeepsItsOldReceiptsRight(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		before := s.world
		db.Client.Account.UpdateOneID(before.account).SetStatus(enum.AccountStatusDisconnected).ExecX(s.system)
		after := s.open("1", metaNumber) // another organization has it now

		for wamid, of := range map[string]*world{"wamid.before": before, "wamid.after": after} {
			s.told(status(metaNumber, wamid, whatsapp.CallbackData(of.message.String(), 1), "sent"))
			s.told(status(metaNumber, wamid, "", "delivered"))
			if m := db.Client.Message.GetX(s.system, of.message); m.Status != enum.MessageStatusDelivered || *m.Wamid != wamid {
				t.Errorf("%s: the message is %s", wamid, m.Status)
			}
		}

		s.told(inbound("wamid.in1", "16505551234", "hello"))
		if m := db.Client.Message.Query().Where(message.Wamid("wamid.in1")).OnlyX(s.system); m.OrganizationID != after.org {
			t.Error("what somebody writes goes to who had the account before")
		}
		if kept := s.kept(); len(kept) > 0 {
			t.Errorf("kept %+v", kept)
		}
	})
}

func TestTheSameWAMIDAtTwoNumbersIsTwoMessages(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		worlds := []*world{s.world, s.open("2", "2000")}
		for _, w := range worlds {
			s.told(change(w.waba, "messages", fmt.Sprintf(
				`{"metadata":{"phone_number_id":%q},"statuses":[{"id":"wamid.same","status":"sent","biz_opaque_callback_data":%q}]}`,
				w.phone, whatsapp.CallbackData(w.message.String(), 1))))
		}

		for i, w := range worlds {
			s.told(change(w.waba, "messages",
				fmt.Sprintf(`{"metadata":{"phone_number_id":%q},"statuses":[{"id":"wamid.same","status":"read"}]}`, w.phone)))
			for j, other := range worlds {
				want := map[bool]enum.MessageStatus{true: enum.MessageStatusRead, false: enum.MessageStatusSent}[j <= i]
				if m := db.Client.Message.GetX(s.system, other.message); m.Status != want {
					t.Errorf("after the receipt of %d the message of %d is %s, want %s", i, j, m.Status, want)
				}
			}
		}

		if kept := s.kept(); len(kept) > 0 {
			t.Errorf("kept %+v", kept)
		}
	})
}

func TestAReceiptOfWhatAPersonWroteIsUnknown(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.told(inbound("wamid.in1", "16505551234", "hello"))
		s.told(status(metaNumber, "wamid.in1", "", "read"))
		if m := db.Client.Message.Query().Where(message.Wamid("wamid.in1")).
			OnlyX(s.system); m.Status != enum.MessageStatusReceived {
			t.Errorf("the message is %s", m.Status)
		}

		if kept := s.kept(); len(kept) != 1 || kept[0].Reason != metawebhook.UnknownMessage {
			t.Errorf("kept %+v", kept)
		}
	})
}
