// Package identity is who is calling: organizations, users and their sessions, API keys, and the terms of service. It hides
// passwords and tokens, of which only hashes are stored, and puts the caller into the context as a Viewer, which also says
// whose rows may be touched. It promises that a revoked or expired token is refused from the next call on, that sign-in
// does not tell which addresses are known, and that a creating call repeated with the same idempotency key within 24 hours
// makes nothing twice.
package identity

import (
	"context"
	"time"

	"carillon/database"
)

const (
	sessionAge  = 30 * 24 * time.Hour
	touchEvery  = time.Minute         // how exact last_used_at is
	forgetAfter = 30 * 24 * time.Hour // how long a session stays listed in the database once it is over
)

// Limiter says how often a sign-in may be tried. Keys begin with "account:" (an e-mail address; 10 in 5 minutes are usual)
// or "address:" (where calls come from; 30 in 5 minutes). Allow counts one try and returns zero, or how long to wait. A
// limiter that cannot tell decides itself whether that is a yes; an error of its own fails the call.
type Limiter interface {
	Allow(ctx context.Context, key string) (retryAfter time.Duration, err error)
}

// Options may all be left zero.
type Options struct {
	Limiter          Limiter       // nil does not limit
	SessionAge       time.Duration // from sign-in to expiry; 30 days
	Costs            Costs         // of hashing a password; DefaultCosts
	ConcurrentHashes int           // each takes Costs.MemoryKiB; the number of processors, at least 2
}

// Service answers for all organizations.
type Service struct {
	db         *database.DB
	terms      Terms
	now        func() time.Time
	limiter    Limiter
	sessionAge time.Duration
	passwords  *passwords
}

// New returns the service; terms are those in force.
func New(db *database.DB, terms Terms, now func() time.Time, o Options) *Service {
	if o.SessionAge == 0 {
		o.SessionAge = sessionAge
	}
	return &Service{
		db: db, terms: terms, limiter: o.Limiter, sessionAge: o.SessionAge, passwords: newPasswords(o.Costs, o.ConcurrentHashes),
		now: func() time.Time { return now().UTC().Truncate(time.Microsecond) },
	}
}
