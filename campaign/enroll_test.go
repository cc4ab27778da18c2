package campaign_test

import (
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/message"
)

func TestAWorkerLeavesACampaignToTheOneThatEnrollsIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		if db.Dialect != "postgres" {
			t.Skip("SQLite has one writer at a time")
		}

		s := stand(t, db)
		s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentUnknown)
		c, err := s.Create(s.owner, s.draft())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Launch(s.owner, c.ID, nil); err != nil {
			t.Fatal(err)
		}

		messages := func() int { return db.Client.Message.Query().Where(message.CampaignID(c.ID)).CountX(s.owner) }
		err = db.InTx(s.owner, func(tx *database.Tx) error { // as a page does
			if err := tx.Exclusive(t.Context(), "enrollment of "+c.ID.String()); err != nil {
				return err
			}
			if err := s.Enroll(t.Context(), c.ID); err != nil {
				t.Errorf("the second worker does not leave: %v", err)
			}

			return nil
		})
		if err != nil {
			t.Fatal(err)
		}

		if n := messages(); n != 0 {
			t.Fatalf("the second worker made %d messages beside the first", n)
		}
		if err := s.Enroll(t.Context(), c.ID); err != nil || messages() != 1 {
			t.Errorf("once the first is gone %d messages were made, %v; want 1", messages(), err)
		}
	})
}
