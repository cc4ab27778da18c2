package metawebhook_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/metawebhook"
	"carillon/uid"
	"carillon/whatsapp"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

const (
	secretNow, secretBefore, verifyToken = "secret", "old-secret", "verify me"
	metaNumber                           = "106540352242922"
)

func (s *stage) post(body, signature string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/whatsapp", strings.NewReader(body))
	if signature != "" {
		r.Header.Set("X-Hub-Signature-256", signature)
	}

	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)

	return w
}

func (s *stage) told(body string) int {
	return s.post(body, whatsapp.Sign(secretNow, []byte(body))).Code
}

func (s *stage) kept() []*ent.UnmatchedWebhook {
	return s.db.Client.UnmatchedWebhook.Query().AllX(s.system)
}

func status(number, wamid, callback, status string) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",
		"metadata":{"display_phone_number":"1","phone_number_id":%q},"statuses":[{"id":%q,"status":%q,"timestamp":"1750030073","recipient_id":"16505551234",
		"biz_opaque_callback_data":%q,"pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"utility"}}]}}]}]}`, number, wamid, status, callback)
}

func TestASignedReceiptIsCommittedBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		body := status(metaNumber, "wamid.1", whatsapp.CallbackData(s.message.String(), 1), "delivered")
		for _, key := range []string{secretNow, secretBefore, secretNow} { // a repetition, and a secret that is being changed
			if w := s.post(body, whatsapp.Sign(key, []byte(body))); w.Code != http.StatusOK {
				t.Fatalf("answered %d: %s", w.Code, w.Body)
			}
		}

		m := db.Client.Message.GetX(s.system, s.message)
		if m.Status != enum.MessageStatusDelivered || *m.Wamid != "wamid.1" || m.Pricing == nil ||
			m.Pricing.Category != "utility" || !m.DeliveredAt.Equal(time.Unix(1750030073, 0)) {
			t.Errorf("message is %s %v %v at %v", m.Status, m.Wamid, m.Pricing, m.DeliveredAt)
		}

		if n := db.Client.DeliveryEvent.Query().CountX(s.system); n != 1 {
			t.Errorf("%d events for one receipt told three times", n)
		}
	})
}

func TestAReceiptWithoutOurCallbackDataIsFoundByItsWAMID(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.told(status(metaNumber, "wamid.1", whatsapp.CallbackData(s.message.String(), 1), "sent"))
		s.told(status(metaNumber, "wamid.1", "", "read"))
		if m := db.Client.Message.GetX(s.system, s.message); m.Status != enum.MessageStatusRead {
			t.Errorf("message is %s", m.Status)
		}
	})
}

func TestAnUnsignedWebhookIsRefusedAndToldNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		body := status(metaNumber, "wamid.1", whatsapp.CallbackData(s.message.String(), 1), "read")
		right := whatsapp.Sign(secretNow, []byte(body))

		for name, signature := range map[string]string{
			"none": "", "of another secret": whatsapp.Sign("guess", []byte(body)),
			"of another body": whatsapp.Sign(secretNow, []byte(body+" ")),
			"cut short":       right[:len(right)-2], "without its name": strings.TrimPrefix(right, "sha256="),
			"no hex": "sha256=zz",
		} {
			w := s.post(body, signature)
			if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), right[7:]) || len(w.Body.String()) > 40 {
				t.Errorf("signature %s: answered %d %q", name, w.Code, w.Body)
			}
		}

		if m := db.Client.Message.GetX(s.system, s.message); m.Status != enum.MessageStatusSending || len(s.kept()) != 0 {
			t.Errorf("an unsigned webhook changed the message to %s, and %d were kept", m.Status, len(s.kept()))
		}
	})
}

func TestWhatIsNotOursIsKeptAndCounted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, reason string }{
		"a number that nobody has bound": {status("999", "wamid.9", "", "sent"), metawebhook.UnknownNumber},
		"a message of another app":       {status(metaNumber, "wamid.9", "theirs", "sent"), metawebhook.UnknownMessage},
		"a message of ours that never was": {status(metaNumber, "wamid.9",
			whatsapp.CallbackData(uid.New(uid.Message).String(), 1), "sent"), metawebhook.UnknownMessage},
		"what is no JSON":                  {`{"object":`, metawebhook.NotUnderstood},
		"what is no payload of WhatsApp's": {`[1,2]`, metawebhook.NotUnderstood},
		"a field that Meta has yet to invent": {`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"telepathy","value":{"a":1}}]}]}`,
			metawebhook.NotUnderstood},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				for range 2 {
					if code := s.told(tc.body); code != http.StatusOK {
						t.Fatalf("answered %d", code)
					}
				}

				kept := s.kept()
				if len(kept) != 1 || kept[0].Reason != tc.reason || kept[0].Seen != 2 ||
					!bytes.Equal(kept[0].Body, []byte(tc.body)) {
					t.Errorf("kept %+v", kept)
				}
			})
		})
	}
}

func TestWhatCannotBeCommittedIsAskedForAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		body := status(metaNumber, "wamid.1", whatsapp.CallbackData(s.message.String(), 1), "read")
		if err := db.InTx(s.system, func(tx *database.Tx) error {
			_, err := tx.ExecContext(s.system, "ALTER TABLE delivery_event RENAME TO gone")
			return err
		}); err != nil {
			t.Fatal(err)
		}

		if code := s.told(body); code != http.StatusServiceUnavailable {
			t.Errorf("answered %d while the database could not take it", code)
		}

		if err := db.InTx(s.system, func(tx *database.Tx) error {
			_, err := tx.ExecContext(s.system, "ALTER TABLE gone RENAME TO delivery_event")
			return err
		}); err != nil {
			t.Fatal(err)
		}

		if code := s.told(body); code != http.StatusOK {
			t.Errorf("answered %d when told again", code)
		}
		if m := db.Client.Message.GetX(s.system, s.message); m.Status != enum.MessageStatusRead {
			t.Errorf("message is %s", m.Status)
		}
	})
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
	body := strings.Repeat("x", 5<<20)
	if w := s.post(body, whatsapp.Sign(secretNow, []byte(body))); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d", w.Code)
	}
}

func TestTheChallengeIsAnsweredToWhoKnowsTheVerifyToken(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
	for query, want := range map[string]int{
		"hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify+me": http.StatusOK,
		"hub.mode=subscribe&hub.challenge=1&hub.verify_token=guess":              http.StatusForbidden,
		"hub.mode=subscribe&hub.challenge=1":                                     http.StatusForbidden,
		"hub.challenge=1&hub.verify_token=verify+me":                             http.StatusForbidden,
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/webhooks/whatsapp?"+query, nil))
		body, _ := io.ReadAll(w.Body)
		if w.Code != want || want == http.StatusOK && string(body) != "1158201444" {
			t.Errorf("%s: answered %d %q", query, w.Code, body)
		}
	}
}

func inbound(wamid, from, body string) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",
		"metadata":{"display_phone_number":"1","phone_number_id":%q},"contacts":[{"profile":{"name":"Pablo"},"wa_id":%q}],
		"messages":[{"from":%q,"id":%q,"timestamp":"1750030073","type":"text","text":{"body":%q}}]}}]}]}`, metaNumber, from, from, wamid, body)
}

func TestWhatSomebodyWritesIsStoredOnceAndOpensTheServiceWindow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for range 3 {
			if code := s.told(inbound("wamid.in1", "16505551234", "hello")); code != http.StatusOK {
				t.Fatalf("answered %d", code)
			}
		}

		got := db.Client.Message.Query().Where(message.DirectionEQ(enum.DirectionInbound)).AllX(s.system)
		if len(got) != 1 || got[0].Status != enum.MessageStatusReceived || got[0].Address != "+16505551234" ||
			got[0].Type != enum.MessageTypeText {
			t.Fatalf("stored %+v", got)
		}

		c := db.Client.Contact.GetX(s.system, *got[0].ContactID)
		if *c.Name != "Pablo" || !c.ServiceWindowClosesAt.Equal(time.Unix(1750030073, 0).Add(24*time.Hour)) ||
			*c.Country != "US" {
			t.Errorf("contact is %+v", c)
		}

		if n := db.Client.DeliveryEvent.Query().CountX(s.system); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}

// renumbering is what WhatsApp writes when a person takes another number.
func renumbering(wamid, from, to string, at time.Time) string {
	return change("1", "messages", fmt.Sprintf(`{"metadata":{"phone_number_id":%q},"messages":[{"from":%q,"id":%q,"timestamp":"%d","type":"system",
		"system":{"type":"user_changed_number","body":"Ana changed from %s to %s","wa_id":%q}}]}`, metaNumber, from, wamid, at.Unix(), from, to, to))
}

func TestAPersonWhoChangesTheirNumberStaysTheSameContact(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.told(inbound("wamid.in1", "16505551234", "hello"))
		who, soon := db.Client.Contact.Query().OnlyX(s.system), time.Now().Add(time.Second) // whole seconds are told

		steps := []struct{ wamid, from, to string }{
			{"wamid.change1", "16505551234", "16505550001"},
			{"wamid.change1", "16505551234", "16505550001"},
			{"wamid.change2", "16505550001", "16505550002"},
			{"wamid.change1", "16505551234", "16505550001"}, // told late
			{"wamid.of a stranger", "16505559998", "16505559999"},
		}

		for _, step := range steps {
			if code := s.told(renumbering(step.wamid, step.from, step.to, soon)); code != http.StatusOK {
				t.Fatalf("answered %d", code)
			}
		}

		if c := db.Client.Contact.Query().OnlyX(s.system); c.ID != who.ID || *c.Phone != "+16505550002" ||
			*c.Name != "Pablo" || c.ServiceWindowClosesAt != nil {
			t.Errorf("contact is %+v", c)
		}

		got := db.Client.Message.Query().Where(message.TypeEQ(enum.MessageTypeSystem)).Order(message.ByID()).AllX(s.system)
		if len(got) != 3 || got[0].Address != "+16505551234" || *got[0].ContactID != who.ID ||
			got[1].Address != "+16505550001" || *got[1].ContactID != who.ID || got[2].ContactID != nil ||
			!strings.Contains(string(got[0].Content), "Ana changed from 16505551234 to 16505550001") {
			t.Errorf("stored %+v", got)
		}

		if kept := s.kept(); len(kept) > 0 {
			t.Errorf("kept %s", kept[0].Body)
		}
	})
}

func TestAKeywordAndAPreferenceChangeTheConsent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		consent := func() enum.Consent { return db.Client.Contact.Query().OnlyX(s.system).MarketingConsent }
		for _, step := range []struct {
			told string
			want enum.Consent
		}{
			{inbound("wamid.1", "16505551234", "Please stop asking"), enum.ConsentUnknown},
			{inbound("wamid.2", "16505551234", " stop "), enum.ConsentOptedOut},
		} {
			if code := s.told(step.told); code != http.StatusOK || consent() != step.want {
				t.Errorf("answered %d, consent is %s, want %s", code, consent(), step.want)
			}
		}

		preference := func(value string, at int) string {
			return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"user_preferences","value":{"messaging_product":"whatsapp",
				"metadata":{"display_phone_number":"1","phone_number_id":%q},"contacts":[{"wa_id":"16505551234"}],
				"user_preferences":[{"wa_id":"16505551234","detail":"d","category":"marketing_messages","value":%q,"timestamp":%d}]}}]}]}`, metaNumber, value, at)
		}

		later := int(time.Now().Add(time.Minute).Unix())
		if code := s.told(preference("resume", later)); code != http.StatusOK || consent() != enum.ConsentOptedIn {
			t.Errorf("answered %d, consent after resume is %s", code, consent())
		}
		if code := s.told(preference("stop", later+10)); code != http.StatusOK || consent() != enum.ConsentOptedOut {
			t.Errorf("answered %d, consent after stop is %s", code, consent())
		}
		if n := db.Client.ConsentRecord.Query().CountX(s.system); n != 3 {
			t.Errorf("%d consent records", n)
		}
	})
}

func TestWhatIsToldOfAClosedOrganizationIsDroppedAndCounted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		db.Client.Organization.Update().SetStatus(enum.OrganizationStatusClosed).ExecX(s.system)
		body := status(metaNumber, "wamid.1", whatsapp.CallbackData(s.message.String(), 1), "delivered")

		for range 2 {
			if code := s.told(body); code != http.StatusOK {
				t.Fatalf("answered %d", code)
			}
		}

		dropped := func(seen int) {
			t.Helper()
			kept := s.kept()
			if len(kept) != 1 || kept[0].Reason != metawebhook.OrganizationClosed || kept[0].Seen != seen ||
				len(kept[0].Body) != 0 {
				t.Errorf("kept %+v", kept)
			}
		}

		dropped(2)
		if m := db.Client.Message.GetX(s.system, s.message); m.Status != enum.MessageStatusSending {
			t.Errorf("the message is %s", m.Status)
		}

		db.Client.Account.Update().SetStatus(enum.AccountStatusDisconnected).ExecX(s.system) // as erasing leaves it
		if code := s.told(body); code != http.StatusOK {
			t.Fatalf("answered %d", code)
		}

		dropped(3)
		if done, err := s.Replay(s.system); err != nil || done != (metawebhook.Replayed{}) {
			t.Errorf("replaying gave %+v, %v", done, err)
		}

		dropped(3)
		if w := s.post(body, "sha256=00"); w.Code != http.StatusUnauthorized {
			t.Errorf("a forged one is answered %d", w.Code)
		}
	})
}
