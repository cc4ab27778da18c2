package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"carillon/database"
)

// Each question is asked so often, or for so long; the median counts.
const (
	timedRuns = 7
	timedFor  = 3 * time.Second
)

// time says how long each question takes, from the request to the whole answer, on connections that
// nothing listens to.
func (s *stage) time(ctx context.Context, p *past) error {
	db, err := database.Open(ctx, s.dsn, databaseConns)
	if err != nil {
		return err
	}

	defer db.Close()
	some, err := s.someOf(p)
	if err != nil {
		return err
	}

	api := s.api(db)
	questions := p.timed(s.account.ID, s.number.ID, *some.TemplateID, *some.ContactID, some.Address)

	for _, name := range slices.Sorted(maps.Keys(questions)) {
		var took []float64
		for begun := time.Now(); len(took) < timedRuns && time.Since(begun) < timedFor; {
			asked := time.Now()
			if err := s.ask(ctx, api, questions[name]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}

			took = append(took, float64(time.Since(asked).Microseconds())/1000)
		}

		first := took[0]
		slices.Sort(took)

		f := figures{"name": name, "messages": p.messages, "runs": len(took), "first_ms": first,
			"median_ms": took[len(took)/2], "most_ms": took[len(took)-1]}
		if err := f.print("times"); err != nil {
			return err
		}
	}

	return nil
}
