package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// frequencyWindow is the time in which a person gets no more marketing than their organization
// allows.
const frequencyWindow = 24 * time.Hour

// marketingOf counts, in SQL, the marketing messages that a contact got since the time $1, or may
// be getting now, beside those of the claim $2. What failed, was skipped or still waits does not
// count.
func marketingOf(contact string) string {
	return `(SELECT count(*) FROM listing AS listed JOIN message AS other ON other.id = listed.id
		WHERE listed.contact_id = ` + contact + ` AND other.category = 'MARKETING'
		AND (other.claim_id IS NULL OR other.claim_id <> $2)
		AND (other.status = 'SENDING'
			OR other.status IN ('ACCEPTED', 'HELD', 'SENT', 'DELIVERED', 'READ', 'UNKNOWN')
				AND coalesce(other.accepted_at, other.sent_at, other.delivered_at, other.unknown_at) > $1))`
}

// MarketingSince is how many marketing messages each of some contacts got in the window that ends
// now, for those that got any.
func (q *Queue) MarketingSince(ctx context.Context, organization uid.ID, contacts []uid.ID) (map[uid.ID]int, error) {
	from, args := q.db.Rowset([]any{q.now().Add(-frequencyWindow), uid.ID{}, organization},
		database.IDs("id", contacts))
	rows, err := q.db.Query(ctx, "SELECT id, n FROM (SELECT contact.id, "+marketingOf("contact.id")+" AS n FROM "+from+
		" CROSS JOIN contact WHERE contact.id = f.id AND contact.organization_id = $3) AS counted WHERE n > 0", args...)
	counts, err := database.CollectMap(rows, err, func(rows *sql.Rows) (id uid.ID, n int, err error) {
		err = rows.Scan(&id, &n)
		return id, n, err
	})
	if err != nil {
		return nil, fmt.Errorf("count the marketing of %d contacts: %w", len(contacts), err)
	}

	return counts, nil
}

// limitFrequency bars the messages from the place from on that would be more marketing than the
// organization allows their person in 24 hours. It holds the contacts' rows until the claim is
// committed: of two claims at once, in whatever processes, the second counts what the first took.
func (t *taking) limitFrequency(ctx context.Context, from int) error {
	var marketing []uid.ID
	for _, c := range t.claimed[from:] {
		if c.Category == enum.TemplateCategoryMarketing {
			marketing = append(marketing, c.ID)
		}
	}

	if t.perContact <= 0 || len(marketing) == 0 {
		return nil
	}

	set, args := t.DB.Rowset(nil, database.IDs("id", marketing))
	if _, err := database.ScanIDs(t.QueryContext(ctx, `SELECT contact.id FROM contact WHERE contact.id IN
		(SELECT message.contact_id FROM `+set+` CROSS JOIN message WHERE message.id = f.id)
		ORDER BY contact.id`+t.DB.ForNoKeyUpdate(), args...)); err != nil {
		return fmt.Errorf("hold the contacts of %d messages: %w", len(marketing), err)
	}

	over, err := t.tooMuch(ctx, marketing)
	if err != nil {
		return err
	}

	return t.bar(ctx, over, enum.SkipReasonFrequencyCap)
}

// tooMuch are those of a claim's marketing messages for which their person has no place left. Of
// several to one person the first ones go.
func (t *taking) tooMuch(ctx context.Context, marketing []uid.ID) (over []uid.ID, err error) {
	set, args := t.DB.Rowset([]any{t.now.Add(-frequencyWindow), t.claim}, database.IDs("id", marketing))
	rows, err := t.QueryContext(ctx, "SELECT message.id, message.contact_id, "+marketingOf("message.contact_id")+
		" FROM "+set+" CROSS JOIN message WHERE message.id = f.id AND message.contact_id IS NOT NULL"+
		" ORDER BY message.id", args...)
	if t.marketed == nil {
		t.marketed = map[uid.ID]int{}
	}

	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var id, contact uid.ID
		var before int
		if err := rows.Scan(&id, &contact, &before); err != nil {
			return err
		}

		if before+t.marketed[contact] >= t.perContact {
			over = append(over, id)
		} else {
			t.marketed[contact]++
		}

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count marketing: %w", err)
	}

	return over, nil
}
