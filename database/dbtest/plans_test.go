package dbtest

import (
	"database/sql"
	"strings"
	"testing"

	"carillon/database"
	"carillon/uid"
)

// Every statement here was one of the service's, or is what became of it.
func TestAWastefulPlanIsTold(t *testing.T) {
	t.Parallel()
	db := Open(t, SQLite(t))
	rowset, _ := db.Rowset([]any{1}, database.IDs("id", []uid.ID{uid.New(uid.Contact)}))

	for name, tc := range map[string]struct{ query, why string }{
		"a table that is read whole": {"SELECT count(*) FROM message", "reads the whole of message"},
		"a table that is read whole under another name": {"SELECT 1 FROM contact AS c WHERE c.name = $1",
			"reads the whole of contact"},
		"a log from its beginning": {"SELECT 1 FROM event_counter JOIN delivery_event ON organization_id = id" +
			" AND sequence = expired + 1 WHERE recorded_at < $1", "reads the whole of delivery_event"},
		"a log from its counters": {"SELECT 1 FROM event_counter CROSS JOIN delivery_event WHERE organization_id = id" +
			" AND sequence = expired + 1 AND recorded_at < $1", ""},
		"rows that are looked for one by one": {"SELECT tag FROM contact_tag JOIN " + rowset +
			" ON contact_id = f.id WHERE organization_id = $1", "reads an organization's part of contact_tag"},
		"an index of the organization's, for each row": {"SELECT tag FROM " + rowset +
			" CROSS JOIN contact_tag WHERE organization_id = $1 AND contact_id = f.id",
			"reads an organization's part of contact_tag"},
		"an index of the row's": {"SELECT tag FROM " + rowset + " CROSS JOIN contact_tag WHERE " +
			db.NoIndex("organization_id") + " = $1 AND contact_id = f.id", ""},
		"all numbers of an organization, against each row": {"SELECT 1 FROM contact_identifier i JOIN " + rowset +
			" ON i.value = f.id WHERE i.organization_id = $1 AND i.kind = 'PHONE'",
			"reads all given rows for each row of contact_identifier"},
		"an organization's contacts for each message": {"SELECT (SELECT contact.name FROM contact" +
			" WHERE contact.organization_id = message.organization_id AND contact.phone = message.address" +
			" ORDER BY contact.id LIMIT 1) FROM message WHERE message.id = $1", "reads an organization's part of contact"},
		"a list of an organization's":      {"SELECT name FROM contact WHERE organization_id = $1 ORDER BY id LIMIT 9", ""},
		"a small table that is read whole": {"SELECT 1 FROM service_state", ""},
		"rows that are looked for by id": {"SELECT name FROM contact WHERE " + db.NoIndex("organization_id") +
			" = $1 AND id IN (SELECT id FROM " + rowset + ")", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := planOf(t, db, tc.query)
			if why := waste(tc.query, steps); why != tc.why {
				t.Errorf("%q, not %q:\n%s", why, tc.why, strings.Join(steps, "\n"))
			}
		})
	}
}

func planOf(t *testing.T, db *database.DB, query string) []string {
	t.Helper()
	args := []any{"[]"}
	if strings.Contains(query, "$2") {
		args = append(args, "[]")
	}
	if !strings.Contains(query, "$1") {
		args = nil
	}

	rows, err := db.Query(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	steps, err := database.Collect(rows, err, func(rows *sql.Rows) (step string, err error) {
		var number, parent, unused, text string
		err = rows.Scan(&number, &parent, &unused, &text)

		return parent + " " + number + " " + text, err
	})
	if err != nil {
		t.Fatal(err)
	}

	return steps
}

func TestWhatATestAsksForItselfIsNotLookedAt(t *testing.T) {
	t.Parallel()
	if function, isTest := asker(); !isTest {
		t.Errorf("%s is no test", function)
	}
}
