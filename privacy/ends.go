package privacy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"carillon/uid"
)

// ends is what ends by an organization's retentionDays, in this order. A run that is under way
// knows its step by its number: add new ones at the end. People, what they said about marketing,
// statistics, counts and the audit trail do not end so.
var ends = []struct {
	what string
	page func(ctx context.Context, w *work) (more bool, err error)
}{
	{"texts and values of messages", endMessages},
	{"events", endEvents},
	{"recipients with values of their own", endRecipients},
	{"rejected rows", endRejections},
	{"imports", endImports},
	{"exports", endExports},
	{"kept webhooks", endWebhooks},
	{"attempts that failed", endAttempts},
}

// endMessages goes on behind its place, and begins where something may be left to erase.
func endMessages(ctx context.Context, w *work) (more bool, err error) {
	after := w.place
	if after.IsZero() {
		after = w.run.MessageAfter
	}

	done, err := w.queue.Retire(ctx, w.Tx, w.organization, after, uid.From(*w.run.Before), page)
	if err != nil {
		return false, err
	}

	w.place, w.counts["message"] = done.Last, done.Erased
	if w.run.WaitingAfter == nil {
		w.run.WaitingAfter = done.Waiting
	}

	return done.More, nil
}

func endEvents(ctx context.Context, w *work) (more bool, err error) {
	n, more, err := w.queue.ExpireLog(ctx, w.Tx, w.organization, *w.run.Before)
	w.counts["delivery_event"] = n

	return more, err
}

// endRecipients takes one campaign after the other, those that were over before.
func endRecipients(ctx context.Context, w *work) (more bool, err error) {
	var campaign uid.ID
	err = w.QueryRowContext(ctx, `SELECT id FROM campaign WHERE organization_id = $1 AND id >= $2
		AND status IN ('COMPLETED', 'CANCELED') AND completed_at < $3
		AND EXISTS (SELECT 1 FROM campaign_recipient WHERE campaign_recipient.campaign_id = campaign.id)
		ORDER BY id LIMIT 1`, w.organization, w.place, *w.run.Before).Scan(&campaign)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}

	w.place = campaign
	_, err = w.exec(ctx, "campaign_recipient", fmt.Sprintf("DELETE FROM campaign_recipient WHERE id IN"+
		" (SELECT id FROM campaign_recipient WHERE campaign_id = $1 LIMIT %d)", page), campaign)

	return true, err
}

func endRejections(ctx context.Context, w *work) (more bool, err error) {
	n, err := w.exec(ctx, "import_rejection", fmt.Sprintf("DELETE FROM import_rejection WHERE id IN (SELECT id"+
		" FROM import_rejection WHERE organization_id = $1 AND id < $2 ORDER BY id LIMIT %d)", page), w.organization,
		uid.From(*w.run.Before))

	return n == page, err
}

// endImports ends the rows of imports that were over before; the people that they took stay.
func endImports(ctx context.Context, w *work) (more bool, err error) {
	n, err := w.exec(ctx, "contact_import", fmt.Sprintf("DELETE FROM contact_import WHERE id IN (SELECT id"+
		" FROM contact_import WHERE organization_id = $1 AND created_at < $2 AND finished_at < $2 LIMIT %d)", page),
		w.organization, *w.run.Before)

	return n == page, err
}

func endExports(ctx context.Context, w *work) (more bool, err error) {
	w.counts["export"], err = w.files.Expire(ctx, w.Tx, w.organization, *w.run.Before)
	return false, err
}

func endWebhooks(ctx context.Context, w *work) (more bool, err error) {
	return w.dropWebhooks(ctx, uid.From(*w.run.Before), func([]byte) bool { return true })
}

func endAttempts(ctx context.Context, w *work) (more bool, err error) {
	w.counts["send_attempt"], more, err = w.queue.ExpireAttemptsOf(ctx, w.Tx, w.organization, *w.run.Before)
	return more, err
}
