package database

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"entgo.io/ent/dialect"
)

const (
	measureEvery  = time.Minute
	measureWithin = 5 * time.Second
)

// Clock tells the time of the database's server, which is the same for all processes however far
// apart the clocks of their machines are. On SQLite, whose processes share a machine, it is that
// machine's.
type Clock struct {
	db       *DB
	local    func() time.Time
	measured atomic.Bool
	ahead    atomic.Int64 // how far the server's clock is ahead of ours, in nanoseconds
}

// Clock reads the server's clock beside the machine's own. Run follows it.
func (db *DB) Clock(ctx context.Context, local func() time.Time) (*Clock, error) {
	c := &Clock{db: db, local: local}
	return c, c.measure(ctx)
}

// Now is the server's present, to some milliseconds.
func (c *Clock) Now() time.Time {
	return Moment(c.local().Add(time.Duration(c.ahead.Load())))
}

// Run measures anew every minute, until ctx ends. A server that does not answer keeps the time that
// it had.
func (c *Clock) Run(ctx context.Context) error {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			_ = c.measure(ctx) // whoever needs the database says that it is away
		}
	}
}

// measure takes the server's time for that of the middle between question and answer. What took
// long tells too little.
func (c *Clock) measure(ctx context.Context) error {
	if c.db.Dialect != dialect.Postgres {
		return nil
	}

	ctx, cancel := context.WithTimeout(ctx, measureWithin)
	defer cancel()
	var server time.Time
	asked := c.local()
	if err := c.db.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&server); err != nil {
		return fmt.Errorf("read the database's clock: %w", err)
	}

	took := c.local().Sub(asked)
	if took > time.Second && c.measured.Load() {
		return nil
	}

	c.measured.Store(true)
	c.ahead.Store(int64(server.Sub(asked.Add(took / 2))))

	return nil
}
