package privacy

import (
	"context"
	"fmt"

	"carillon/database"
)

// page is how many rows one transaction erases or looks at, and bodies how many kept webhooks:
// those are up to megabytes.
const (
	page   = 500
	bodies = 50
)

// steps is what is erased of a person after they were taken out of the audience, in this order. An
// erasure that is under way knows its step by its number: add new ones at the end. Whoever makes a
// table that holds something of people adds it here, or to inventory with the reason why not.
var steps = []struct {
	what string
	page func(ctx context.Context, w *work) (more bool, err error)
}{
	{"messages", messages},
	{"consent", ofContact("consent_record", "DELETE FROM consent_record WHERE ")},
	{"recipients of campaigns", ofContact("campaign_recipient", "DELETE FROM campaign_recipient WHERE ")},
	{"replies", ofContact("reply", "UPDATE reply SET contact_id = NULL WHERE ")},
	{"messaging windows", ofAddress("messaging_window",
		"DELETE FROM messaging_window WHERE account_id IN (SELECT id FROM account WHERE organization_id = $1)")},
	{"conversations", ofAddress("thread",
		"DELETE FROM thread WHERE phone_number_id IN (SELECT id FROM phone_number WHERE organization_id = $1)")},
	{"rejected rows", search{table: "import_rejection", columns: []string{"value", "reason"}}.page},
	{"imports", search{table: "contact_import", columns: []string{"status_reason"}, keep: true}.page},
	{"notifications", search{table: "notification", columns: []string{"detail"}, keep: true}.page},
	{"suppression list", search{table: "suppression", columns: []string{"reason"}, keep: true}.page},
	{"campaigns", search{table: "campaign", columns: []string{"status_detail"}, keep: true}.page},
	{"audiences", rules{table: "campaign", column: "audience_rule"}.page},
	{"segments", rules{table: "segment", column: "rule"}.page},
	{"kept webhooks", webhooks},
	{"exports", exports},
	{metasBook, contactBook},
	{"webhooks about them", func(ctx context.Context, w *work) (more bool, err error) {
		_, err = w.exec(ctx, "webhook_delivery", "DELETE FROM webhook_delivery WHERE subject_id = $1", w.contact)
		return false, err
	}},
}

// exports are files of the organization that may hold the person: those that were made of what was
// still there after they were taken out of the audience.
func exports(ctx context.Context, w *work) (more bool, err error) {
	w.counts["export"], err = w.files.Forget(ctx, w.Tx, w.organization)
	return false, err
}

func messages(ctx context.Context, w *work) (more bool, err error) {
	counts, more, err := w.queue.Erase(ctx, w.Tx, w.erasee(w.organization), page)
	w.counts = counts

	return more, err
}

// ofContact erases rows that have the contact's id.
func ofContact(table, statement string) func(context.Context, *work) (bool, error) {
	query := fmt.Sprintf("%sid IN (SELECT id FROM %s WHERE contact_id = $1 LIMIT %d)", statement, table, page)
	return func(ctx context.Context, w *work) (more bool, err error) {
		n, err := w.exec(ctx, table, query, w.contact)
		return n == page, err
	}
}

// ofAddress erases rows that have one of the person's addresses: a few for each number.
func ofAddress(table, statement string) func(context.Context, *work) (bool, error) {
	return func(ctx context.Context, w *work) (more bool, err error) {
		from, args := w.DB.Rowset([]any{w.organization}, database.Texts("address", w.Addresses))
		_, err = w.exec(ctx, table, statement+" AND address IN (SELECT address FROM "+from+")", args...)

		return false, err
	}
}

// exec runs a statement and counts its rows as erased of a table.
func (w *work) exec(ctx context.Context, table, query string, args ...any) (n int, err error) {
	result, err := w.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}

	changed, err := result.RowsAffected()
	n = int(changed)
	w.counts[table] += n

	return n, err
}

// withheld stands in place of a text that named somebody who was erased.
const withheld = "(it named a person who was erased)"
