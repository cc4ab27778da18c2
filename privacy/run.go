package privacy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/erasure"
	"carillon/uid"
)

// Waiting is every erasure that a worker should go on with.
func (s *Service) Waiting(ctx context.Context) ([]uid.ID, error) {
	ids, err := s.db.Client.Erasure.Query().Where(erasure.FinishedAtIsNil()).Order(erasure.ByID()).IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for erasures: %w", err)
	}

	return slices.DeleteFunc(ids, s.waitsForMeta), nil
}

// Run goes on with an erasure until it is finished. Each turn erases a page, moves on and counts in
// one transaction that holds the erasure's row: after a crash, and with several workers at once,
// nothing is counted twice or left out.
func (s *Service) Run(ctx context.Context, id uid.ID) error {
	for over := s.waitsForMeta(id); !over; {
		asked, err := s.tellMeta(ctx, id)
		if err == nil {
			err = s.db.InTx(ctx, func(tx *database.Tx) (err error) {
				over, err = s.turn(ctx, tx, id, asked)
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("go on with erasure %s: %w", id, err)
		}
	}

	return nil
}

// work is one turn of an erasure, or of a retention.
type work struct {
	*database.Tx
	*Service
	person
	organization uid.ID
	run          *ent.Retention // of a retention; nil of an erasure
	place        uid.ID         // behind which the step goes on; zero is the beginning
	counts       map[string]int
	asked        int // entries of Meta's contact book
}

func (s *Service) turn(ctx context.Context, tx *database.Tx, id uid.ID, asked int) (over bool, err error) {
	e, err := tx.Client.Erasure.Query().Where(erasure.ID(id), tx.DB.Locked).Only(ctx)
	switch {
	case ent.IsNotFound(err): // its organization is gone
		return true, nil
	case err != nil:
		return false, fmt.Errorf("read it: %w", err)
	case e.FinishedAt != nil:
		return true, nil
	}

	who, err := s.open(e)
	if err != nil {
		return false, err
	}

	w := &work{Tx: tx, Service: s, person: who, organization: e.OrganizationID, counts: map[string]int{},
		asked: asked}
	if e.Place != nil {
		w.place = *e.Place
	}

	more, err := steps[e.Step].page(ctx, w)
	if err != nil {
		return false, fmt.Errorf("erase of %s: %w", steps[e.Step].what, err)
	}

	for table, n := range w.counts {
		e.Counts[table] += n
	}

	update := tx.Client.Erasure.UpdateOneID(id).SetCounts(e.Counts).SetPlace(w.place)
	if !more {
		e.Step++
		update.SetStep(e.Step).ClearPlace()
	}

	over = e.Step == len(steps)
	if over {
		update.SetFinishedAt(s.now()).ClearPerson()
	}
	if err := update.Exec(ctx); err != nil || !over {
		return false, err
	}

	return true, audit.Record(ctx, tx, audit.Entry{Organization: e.OrganizationID, Subject: e.ContactID,
		Action: audit.ActionContactErase, Summary: "erased what was left of a contact: " + written(e.Counts)})
}

// nothing is written of no rows.
const nothing = "nothing"

// written are counts of rows in words.
func written(counts map[string]int) string {
	var parts []string
	for _, table := range slices.Sorted(maps.Keys(counts)) {
		if counts[table] > 0 {
			parts = append(parts, fmt.Sprintf("%d of %s", counts[table], table))
		}
	}

	if len(parts) == 0 {
		return nothing
	}

	return strings.Join(parts, ", ")
}
