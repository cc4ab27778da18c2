package delivery_test

import (
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/uid"
)

// The plans of all statements are watched wherever a test opens SQLite. This names those that once
// read a whole log for a few entries.
func TestFewEntriesAreReadWithoutTheRestOfTheLog(t *testing.T) {
	t.Parallel()
	db := dbtest.Open(t, dbtest.SQLite(t))
	log, queue := delivery.NewLog(db), delivery.NewQueue(db, nil, nil, database.Now)
	organization, message := uid.New(uid.Organization), uid.New(uid.Message)

	if events, err := log.OfMessages(t.Context(), organization, []uid.ID{message}); err != nil || len(events) > 0 {
		t.Errorf("%d entries of a message that is not there, %v", len(events), err)
	}
	if n, err := queue.ExpireEvents(t.Context(), database.Now()); err != nil || n > 0 {
		t.Errorf("%d entries of an empty log expired, %v", n, err)
	}
}
