package metawebhook_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/metawebhook"
	"carillon/whatsapp"
)

// unbind takes the number's account away, and returns how to give it back.
func (s *stage) unbind() (bind func()) {
	s.db.Client.Account.Update().SetStatus(enum.AccountStatusDisconnected).ExecX(s.system)
	return func() { s.db.Client.Account.Update().SetStatus(enum.AccountStatusConnected).ExecX(s.system) }
}

func TestReplayTakesInWhatIsKnownByNow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		ours := status(metaNumber, "wamid.1", whatsapp.CallbackData(s.message.String(), 1), "delivered")
		bind := s.unbind() // it is bound again only after it was told of

		for _, body := range []string{`{"object":`, ours, ours, status("998", "wamid.9", "", "sent"),
			status(metaNumber, "wamid.8", "theirs", "sent")} {
			if code := s.told(body); code != http.StatusOK {
				t.Fatalf("answered %d", code)
			}
		}

		for i := range 40 { // more than a page
			s.told(status("999", fmt.Sprint("wamid.", i), "", "sent"))
		}

		check := func(want metawebhook.Replayed) {
			t.Helper()
			if got, err := s.Replay(s.system); got != want || err != nil {
				t.Errorf("replay gave %+v, %v, want %+v", got, err, want)
			}
		}

		check(metawebhook.Replayed{Kept: 44})
		bind()
		check(metawebhook.Replayed{Matched: 1, Kept: 43})
		check(metawebhook.Replayed{Kept: 43})
		if m := db.Client.Message.GetX(s.system, s.message); m.Status != enum.MessageStatusDelivered {
			t.Errorf("message is %s", m.Status)
		}

		for _, row := range s.kept() {
			if row.Seen != 1 {
				t.Errorf("a replay counts as seen: %+v", row)
			}
		}
	})
}

func TestReplayGoesOnAfterOneThatCannotBeCommitted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		bind := s.unbind()
		s.told(status(metaNumber, "wamid.1", whatsapp.CallbackData(s.message.String(), 1), "delivered"))
		s.told(status("999", "wamid.9", "", "sent"))
		bind()

		rename := func(from, to string) {
			if err := db.InTx(s.system, func(tx *database.Tx) error {
				_, err := tx.ExecContext(s.system, "ALTER TABLE "+from+" RENAME TO "+to)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}

		rename("delivery_event", "gone")
		if got, err := s.Replay(s.system); got != (metawebhook.Replayed{Kept: 1, Failed: 1}) || err != nil {
			t.Errorf("replay gave %+v, %v", got, err)
		}

		rename("gone", "delivery_event")
		if got, err := s.Replay(s.system); got != (metawebhook.Replayed{Kept: 1, Matched: 1}) || err != nil {
			t.Errorf("replay gave %+v, %v", got, err)
		}
	})
}

func TestUnmatchedCountsByReason(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		before := time.Now().Add(-time.Second)
		for _, body := range []string{`[`, `[`, `{`, status("999", "wamid.9", "", "sent")} {
			s.told(body)
		}

		got, err := s.Unmatched(s.system)
		if err != nil || len(got) != 2 {
			t.Fatalf("got %+v, %v", got, err)
		}

		if u := got[0]; u.Reason != metawebhook.NotUnderstood || u.Payloads != 2 || u.Seen != 3 ||
			u.Newest.Before(u.Oldest) || u.Oldest.Before(before) {
			t.Errorf("got %+v", u)
		}

		if u := got[1]; u.Reason != metawebhook.UnknownNumber || u.Payloads != 1 || u.Seen != 1 {
			t.Errorf("got %+v", u)
		}
	})
}

func TestProcessSaysWhatItKept(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
	for body, want := range map[string]bool{`[`: true, status("999", "wamid.9", "", "sent"): true,
		status(metaNumber, "wamid.1", whatsapp.CallbackData(s.message.String(), 1), "sent"): false} {
		if kept, err := s.Process(s.system, []byte(body)); kept != want || err != nil {
			t.Errorf("%s: kept %v, %v, want %v", body, kept, err, want)
		}
	}
}
