package operator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"carillon/database"
)

// rememberFor is how old a state may be that a process acts on.
const rememberFor = time.Second

// State is what the operator has said to the whole service.
type State struct {
	Maintenance bool    // nothing is sent, and nothing changed by the API
	Notice      *string // what everybody is to know; nil is nothing
}

// States reads the state for one process, and remembers it for a second.
type States struct {
	db  *database.DB
	now func() time.Time

	mu    sync.Mutex
	known State
	until time.Time
}

// NewStates reads from db.
func NewStates(db *database.DB, now func() time.Time) *States { return &States{db: db, now: now} }

// State is the present state, at most a second old.
func (s *States) State(ctx context.Context) (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Before(s.until) {
		return s.known, nil
	}

	state, err := read(ctx, s.db)
	if err != nil {
		return State{}, err
	}

	s.known, s.until = state, now.Add(rememberFor)

	return state, nil
}

func read(ctx context.Context, db *database.DB) (state State, err error) {
	err = db.QueryRow(ctx, "SELECT maintenance, notice FROM service_state WHERE id = 1").
		Scan(&state.Maintenance, &state.Notice)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return State{}, fmt.Errorf("read the service's state: %w", err)
	}

	return state, nil
}

// Maintain begins or ends maintenance: while it goes on, workers send nothing and the API changes
// nothing. It takes hold in every process within about a second. The notice is what everybody is
// told; nil is nothing.
func (s *Service) Maintain(ctx context.Context, on bool, notice *string) error {
	return s.say(ctx, State{on, notice}, "maintenance = excluded.maintenance, notice = excluded.notice")
}

// Announce sets the notice alone, or takes it away with nil.
func (s *Service) Announce(ctx context.Context, notice *string) error {
	return s.say(ctx, State{false, notice}, "notice = excluded.notice")
}

func (s *Service) say(ctx context.Context, state State, sets string) error {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx,
			"INSERT INTO service_state (id, maintenance, notice, changed_at) VALUES (1, $1, $2, $3) ON CONFLICT (id) "+
				"DO UPDATE SET changed_at = excluded.changed_at, "+sets,
			state.Maintenance, state.Notice, s.now())

		return err
	})
	if err != nil {
		return fmt.Errorf("change the service's state: %w", err)
	}

	return nil
}
