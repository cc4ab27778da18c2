package privacy

import (
	"context"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/retention"
	"carillon/uid"
)

const (
	// retainEvery is how often an organization's retentionDays act.
	retainEvery = 24 * time.Hour
	// dueAtOnce is how many organizations one sweep wakes.
	dueAtOnce = 100
	// retainTurns is how many pages a task does before it lets others have its place; the next sweep
	// wakes it again.
	retainTurns = 1000
	day         = 24 * time.Hour
)

// Due is every organization whose retention is to act now, or was interrupted. One that was erased
// has no members, and nothing that would end.
func (s *Service) Due(ctx context.Context) ([]uid.ID, error) {
	fresh, err := database.ScanIDs(s.db.Query(ctx, "SELECT id FROM organization WHERE NOT EXISTS"+
		" (SELECT 1 FROM retention WHERE retention.id = organization.id) AND EXISTS"+
		" (SELECT 1 FROM member WHERE member.organization_id = organization.id) ORDER BY id"))
	if err != nil {
		return nil, fmt.Errorf("look for organizations without a retention: %w", err)
	}

	for _, id := range fresh {
		err := s.db.InTx(ctx, func(tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO retention (id, next_at, message_after, counts)"+
				" VALUES ($1, $2, $3, '{}') ON CONFLICT (id) DO NOTHING", id, s.now(), uid.ID{})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("begin the retention of %s: %w", id, err)
		}
	}

	due, err := s.db.Client.Retention.Query().Where(retention.NextAtLTE(s.now())).Order(retention.ByNextAt()).
		Limit(dueAtOnce).IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for retentions that are due: %w", err)
	}

	return due, nil
}

// Retain goes on with the run of an organization's retention: what is older than its retentionDays
// is erased. Each turn erases a page, moves on and counts in one transaction: after a crash, and
// with several workers at once, nothing is left out or counted twice. Between pages it rests for as
// long as the page took, so that sending goes first.
func (s *Service) Retain(ctx context.Context, organization uid.ID) error {
	for range retainTurns {
		began, over := time.Now(), false
		err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
			over, err = s.retainTurn(ctx, tx, organization)
			return err
		})
		if err != nil {
			return fmt.Errorf("go on with the retention of %s: %w", organization, err)
		}
		if over {
			return nil
		}

		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Since(began)):
		}
	}

	return nil
}

// retainTurn is one page of a run; over says that nothing is left to do, or that another worker is
// at it.
func (s *Service) retainTurn(ctx context.Context, tx *database.Tx, organization uid.ID) (over bool, err error) {
	if mine, err := tx.Try(ctx, "retention "+organization.String()); err != nil || !mine {
		return true, err
	}

	r, err := tx.Client.Retention.Query().Where(retention.ID(organization), tx.DB.Locked).Only(ctx)
	if ent.IsNotFound(err) { // the organization was erased
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read it: %w", err)
	}

	if r.Before == nil {
		if r.NextAt.After(s.now()) {
			return true, nil
		}
		if r, err = s.beginRun(ctx, tx, r); err != nil {
			return false, err
		}
	}

	w := &work{Tx: tx, Service: s, organization: organization, run: r, counts: map[string]int{}}
	if r.Place != nil {
		w.place = *r.Place
	}

	more, err := ends[r.Step].page(ctx, w)
	if err != nil {
		return false, fmt.Errorf("end of %s: %w", ends[r.Step].what, err)
	}

	return s.endTurn(ctx, w, more)
}

// beginRun fixes what the run erases: an organization that changes its days meanwhile is heard at
// the next one.
func (s *Service) beginRun(ctx context.Context, tx *database.Tx, r *ent.Retention) (*ent.Retention, error) {
	o, err := tx.Client.Organization.Get(ctx, r.ID)
	if err != nil {
		return nil, fmt.Errorf("read for how many days it keeps messages: %w", err)
	}

	before := database.Moment(s.now().Add(-time.Duration(o.RetentionDays) * day))
	r.Before = &before

	return r, tx.Client.Retention.UpdateOneID(r.ID).SetBefore(before).Exec(ctx)
}

// endTurn writes down where the run goes on, and after its last step what it has erased.
func (s *Service) endTurn(ctx context.Context, w *work, more bool) (over bool, err error) {
	r := w.run
	for table, n := range w.counts {
		r.Counts[table] += n
	}

	update := w.Client.Retention.UpdateOneID(r.ID).SetCounts(r.Counts).SetPlace(w.place).
		SetNillableWaitingAfter(r.WaitingAfter)

	if !more {
		r.Step++
		update.SetStep(r.Step).ClearPlace()
	}

	if over = r.Step == len(ends); !over {
		return false, update.Exec(ctx)
	}

	after := uid.From(*r.Before)
	if r.WaitingAfter != nil {
		after = *r.WaitingAfter
	} else if uid.Compare(after, r.MessageAfter) < 0 { // it keeps messages for longer than it did
		after = r.MessageAfter
	}

	err = update.SetMessageAfter(after).SetNextAt(s.now().Add(retainEvery)).SetStep(0).SetCounts(map[string]int{}).
		ClearBefore().ClearPlace().ClearWaitingAfter().Exec(ctx)
	said := written(r.Counts)
	if err != nil || said == nothing {
		return true, err
	}

	return true, audit.Record(ctx, w.Tx, audit.Entry{Organization: r.ID, Subject: r.ID,
		Action:  audit.ActionOrganizationRetain,
		Summary: fmt.Sprintf("erased what was of before %s: %s", r.Before.UTC().Format(time.RFC3339), said)})
}
