package metawebhook_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/message"
)

func wrote(wamid string, at int64, text string) string {
	return value(fmt.Sprintf(
		`"messages":[{"id":%q,"from":"16505551234","timestamp":"%d","type":"text","text":{"body":%q}}]`, wamid, at, text))
}

func edited(wamid, original string, at int64, text string) string {
	return value(fmt.Sprintf(
		`"messages":[{"id":%q,"from":"16505551234","timestamp":"%d","type":"edit","edit":{"original_message_id":%q,"message":{"type":"text","text":{"body":%q}}}}]`,
		wamid, at, original, text))
}

func revoked(wamid, original string, at int64) string {
	return value(fmt.Sprintf(
		`"messages":[{"id":%q,"from":"16505551234","timestamp":"%d","type":"revoke","revoke":{"original_message_id":%q}}]`,
		wamid, at, original))
}

// echoed makes of what a person did what the business did in its own app.
func echoed(body string) string {
	return strings.NewReplacer(`"messages":[`, `"message_echoes":[`, `"field":"messages"`,
		`"field":"smb_message_echoes"`, `"from":"16505551234"`, `"from":"1","to":"16505551234"`).Replace(body)
}

// history are the statuses of a message's events, without their order.
func (s *stage) history(id any) (all []string) {
	s.t.Helper()
	s.each("SELECT status FROM delivery_event WHERE message_id = $1", func(values []any) {
		all = append(all, fmt.Sprint(values[0]))
	}, id)
	slices.Sort(all)

	return all
}

func TestAMessageReadsAsItsAuthorLeftItInWhateverOrderThatIsTold(t *testing.T) {
	t.Parallel()
	const at = 1750030073
	original, first, second, again, gone, late := wrote("wamid.O", at, "one"),
		edited("wamid.E1", "wamid.O", at+10, "two"), edited("wamid.E2", "wamid.O", at+20, "three"),
		edited("wamid.E0", "wamid.O", at+20, "not the last"), revoked("wamid.R", "wamid.O", at+30),
		edited("wamid.E3", "wamid.O", at+40, "after the end")

	cases := map[string]struct {
		told    []string
		text    string
		edited  int64
		revoked int64
		history []string
	}{
		"edited": {[]string{original, first}, "two", at + 10, 0, []string{"EDITED", "RECEIVED"}},
		"edited, told again": {[]string{original, first, original, first}, "two", at + 10, 0,
			[]string{"EDITED", "RECEIVED"}},
		"edited twice": {[]string{original, first, second}, "three", at + 20, 0,
			[]string{"EDITED", "EDITED", "RECEIVED"}},
		"edited twice, told backwards": {[]string{original, second, first}, "three", at + 20, 0,
			[]string{"EDITED", "RECEIVED"}},
		"edited twice in one second": {[]string{original, second, again}, "three", at + 20, 0,
			[]string{"EDITED", "RECEIVED"}},
		"and told the other way": {[]string{original, again, second}, "three", at + 20, 0,
			[]string{"EDITED", "EDITED", "RECEIVED"}},
		"edited before it was told":       {[]string{first, original}, "two", at + 10, 0, []string{"EDITED", "RECEIVED"}},
		"edited twice before it was told": {[]string{second, first, original}, "three", at + 20, 0, nil},
		"taken back":                      {[]string{original, gone}, "", 0, at + 30, []string{"RECEIVED", "REVOKED"}},
		"taken back, told again": {[]string{original, gone, original, gone}, "", 0, at + 30,
			[]string{"RECEIVED", "REVOKED"}},
		"taken back before it was told": {[]string{gone, original}, "", 0, at + 30, []string{"RECEIVED", "REVOKED"}},
		"edited after it was taken back": {[]string{original, gone, late, first}, "", 0, at + 30,
			[]string{"RECEIVED", "REVOKED"}},
		"edited and taken back, backwards": {[]string{gone, first, original}, "", 0, at + 30, nil},
	}

	for _, side := range []string{"person", "business"} {
		t.Run("by the "+side, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				i := 0
				for name, tc := range cases {
					i++
					wamids := strings.NewReplacer("wamid.", fmt.Sprintf("wamid.%d.", i))
					for _, body := range tc.told {
						body = wamids.Replace(body)
						if side == "business" {
							body = echoed(body)
						}
						if code := s.told(body); code != http.StatusOK {
							t.Fatalf("%s: answered %d", name, code)
						}
					}

					m := db.Client.Message.Query().Where(message.Wamid(fmt.Sprintf("wamid.%d.O", i))).OnlyX(s.system)
					if textOf(m.Content) != tc.text || seconds(m.EditedAt) != tc.edited && tc.revoked == 0 ||
						seconds(m.RevokedAt) != tc.revoked {
						t.Errorf("%s: %q, edited %v, revoked %v", name, m.Content, m.EditedAt, m.RevokedAt)
					}

					if tc.revoked != 0 && len(m.Content) > 0 && string(m.Content) != "null" {
						t.Errorf("%s: it still holds %s", name, m.Content)
					}

					want := slices.Clone(tc.history)
					if side == "business" {
						for j, status := range want {
							if status == "RECEIVED" {
								want[j] = "SENT"
							}
						}

						slices.Sort(want)
					}

					if got := s.history(m.ID); tc.history != nil && !slices.Equal(got, want) {
						t.Errorf("%s: its history is %v, want %v", name, got, want)
					}
					if kept := s.takeKept(); len(kept) > 0 {
						t.Errorf("%s: kept as %s, %v", name, kept[0].Reason, *kept[0].Detail)
					}
				}

				if n := db.Client.Message.Query().Where(message.WamidNotNil()).CountX(s.system); n != len(cases) {
					t.Errorf("%d messages, want %d: a change is none", n, len(cases))
				}

				s.mustAddUp()
			})
		})
	}
}

func seconds(at *time.Time) int64 {
	if at == nil {
		return 0
	}
	return at.Unix()
}

func TestAnEditedCaptionIsShown(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
	s.told(value(`"messages":[{"id":"wamid.O","from":"16505551234","timestamp":"1750030073","type":"image","image":{"id":"1","caption":"one"}}]`))
	s.told(value(`"messages":[{"id":"wamid.E","from":"16505551234","timestamp":"1750030083","type":"edit","edit":{"original_message_id":"wamid.O","message":{"type":"image","image":{"id":"1","caption":"two"}}}}]`))
	s.mustHave("wamid.O", "two")
}

func TestAChangeOfAMessageThatNeverCameWaits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.told(revoked("wamid.R", "wamid.O", 1750030073))
		kept := s.kept()
		if len(kept) != 1 || kept[0].WaitsFor == nil || *kept[0].WaitsFor != "wamid.O" || kept[0].RetryAt == nil ||
			db.Client.Message.Query().Where(message.WamidNotNil()).CountX(s.system) != 0 {
			t.Errorf("kept %+v", kept)
		}
	})
}

func TestAStopThatIsWrittenIntoAMessageLaterCounts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for _, body := range []string{wrote("wamid.O", 1750030073, "hello"),
			edited("wamid.E", "wamid.O", 1750030083, "STOP"), edited("wamid.E", "wamid.O", 1750030083, "STOP")} {
			s.told(body)
		}

		c := db.Client.Contact.Query().OnlyX(s.system)
		if c.MarketingConsent != enum.ConsentOptedOut || c.ServiceWindowClosesAt.Unix() != 1750030073+24*60*60 {
			t.Errorf("the contact is %s, and its window open until %v", c.MarketingConsent, c.ServiceWindowClosesAt)
		}
	})
}

func TestACallOpensTheServiceWindow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		call := func(direction string) string {
			return change("1", "calls", fmt.Sprintf(
				`{"metadata":{"phone_number_id":%q},"calls":[{"id":"c","from":"16505551234","event":"connect","direction":%q,"timestamp":"1750030073"}]}`,
				metaNumber, direction))
		}

		s.told(call("BUSINESS_INITIATED"))
		if n := db.Client.Contact.Query().CountX(s.system); n != 0 {
			t.Errorf("our own call made %d contacts", n)
		}

		s.told(call("USER_INITIATED"))
		if c := db.Client.Contact.Query().OnlyX(s.system); c.ServiceWindowClosesAt == nil ||
			c.ServiceWindowClosesAt.Unix() != 1750030073+24*60*60 {
			t.Errorf("the window is open until %v", c.ServiceWindowClosesAt)
		}
	})
}

func TestNewsOfWhatsAppOpensNoWindowAndMakesNoContact(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.told(value(`"messages":[{"id":"wamid.S","from":"16505551234","timestamp":"1750030073","type":"system","system":{"type":"customer_identity_changed","body":"STOP"}}]`))
		if n := db.Client.Contact.Query().CountX(s.system); n != 0 {
			t.Errorf("%d contacts", n)
		}
		if m := db.Client.Message.Query().Where(message.Wamid("wamid.S")).OnlyX(s.system); m.Type != enum.MessageTypeSystem {
			t.Errorf("stored as %s", m.Type)
		}
	})
}

func TestAMessageWithoutATimeMovesTheWindowOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		body := value(`"messages":[{"id":"wamid.O","from":"16505551234","type":"text","text":{"body":"hello"}}]`)
		s.told(body)
		first := db.Client.Contact.Query().OnlyX(s.system).ServiceWindowClosesAt
		s.told(body)
		if again := db.Client.Contact.Query().OnlyX(s.system).ServiceWindowClosesAt; !again.Equal(*first) {
			t.Errorf("the window moved from %v to %v", first, again)
		}
	})
}

// Posts that come at once share commits, and each is answered for itself.
func TestInboundMessagesShareCommitsAndNoneCostsAnother(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		refuse := map[string]string{
			"sqlite3": "CREATE TRIGGER odd BEFORE INSERT ON message WHEN new.wamid LIKE 'wamid.odd%' BEGIN " +
				"SELECT RAISE(ABORT, 'odd'); END",
			"postgres": "ALTER TABLE message ADD CONSTRAINT odd CHECK (wamid NOT LIKE 'wamid.odd%')",
		}[db.Dialect]
		if err := db.InTx(s.system, func(tx *database.Tx) error {
			_, err := tx.ExecContext(s.system, refuse)
			return err
		}); err != nil {
			t.Fatal(err)
		}

		const posts = 60
		var all sync.WaitGroup

		for i := range posts {
			all.Go(func() {
				name := fmt.Sprintf("wamid.%d", i)
				if i%10 == 3 {
					name = fmt.Sprintf("wamid.odd%d", i)
				}

				for range 2 {
					if code := s.told(wrote(name, 1750030073+int64(i), "hello")); code != http.StatusOK {
						t.Errorf("answered %d", code)
					}

					m := db.Client.Message.Query().Where(message.Wamid(name)).CountX(s.system)
					if want := map[bool]int{true: 0, false: 1}[i%10 == 3]; m != want {
						t.Errorf("%s: %d messages when it was answered", name, m)
					}
				}
			})
		}

		all.Wait()
		var stored, kept []string
		for _, m := range db.Client.Message.Query().Where(message.DirectionEQ(enum.DirectionInbound)).
			Order(ent.Asc(message.FieldID)).AllX(s.system) {
			stored = append(stored, *m.Wamid)
		}

		for _, row := range s.kept() {
			kept = append(kept, row.Reason)
		}

		if len(stored) != posts-posts/10 || len(kept) != posts/10 {
			t.Errorf("%d stored, %d kept", len(stored), len(kept))
		}
		if n := db.Client.Contact.Query().CountX(s.system); n != 1 {
			t.Errorf("%d contacts", n)
		}

		s.mustAddUp()
	})
}
