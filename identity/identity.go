// Package identity is who is calling: organizations, users and their sessions, API keys, and the
// terms of service. It hides passwords and tokens, of which only hashes are stored, and puts the
// caller into the context as a Viewer, which also says whose rows may be touched. It promises that
// a revoked or expired token is refused from the next call on in the process that revoked it, and
// in others as soon as they hear of it, that sign-in does not tell which addresses are known, and
// that a creating call repeated with the same idempotency key within 24 hours makes nothing twice.
package identity

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"carillon/database"
	"carillon/secret"
	"carillon/uid"
)

const (
	sessionAge  = 30 * 24 * time.Hour
	touchEvery  = time.Minute         // how exact last_used_at is
	forgetAfter = 30 * 24 * time.Hour // how long a session stays listed in the database once it is over

	forgetKeysAfter = 90 * 24 * time.Hour // how long an API key stays listed once it is revoked or expired
)

// Limiter says how often a sign-in may be tried. Keys begin with "account:" (an e-mail address; 10
// in 5 minutes are usual) "address:" (where calls come from; 30 in 5 minutes), "code:" (a user's
// second factor; 10 in 15 minutes), "reset:" and "invited:" (an e-mail address that is mailed; 5 in
// an hour), "verify:" (a user who asks for a link; 5 in an hour), "inviter:" (a user who invites;
// 50 in an hour), "invite:" (an organization that does; 200), "invitations:" (everybody together;
// 2,000), "create:" (a user who makes organizations; 20 in an hour) or "remember:" (an organization
// that uses new idempotency keys; MostRemembered in 24 hours). What stands behind a "-" in
// the first word, as in "account-known:", makes a count of its own with the same limit. Allow
// counts one try and returns zero, or how long to wait. A limiter that cannot tell decides itself
// whether that is a yes; an error of its own fails the call. GiveBack takes back a try that was
// right.
type Limiter interface {
	Allow(ctx context.Context, key string) (retryAfter time.Duration, err error)
	GiveBack(ctx context.Context, key string)
}

// Options may all be left zero.
type Options struct {
	Keys       *secret.Keyring // seals second factors and what waits to be mailed; nil allows none, and mails nothing
	External   External        // where users may sign in beside here
	SignUps    SignUps         // who may become a user; whoever likes
	Limiter    Limiter         // nil does not limit
	SessionAge time.Duration   // from sign-in to expiry; 30 days
	Costs      Costs           // of hashing a password; DefaultCosts
	Bounds     Bounds          // of lists without pages; the usual ones
	PublicURL  string          // what links in mails begin with, without a slash at the end
	// Hears says whether this process hears at once what others revoke, which then goes to Forget; the
	// epoch is another one whenever something may have gone unheard. Nil, or false, asks the database
	// at every call.
	Hears func() (epoch uint64, ok bool)
	// Announce tells every process, after the commit, what is revoked or changed: a session, an API
	// key, a user, an organization. It may lose that, since nobody keeps an answer for long. Nil tells
	// nobody.
	Announce         func(ctx context.Context, subject uid.ID)
	Log              *slog.Logger // of what belongs to no organization; nil discards it
	ConcurrentHashes int          // each takes Costs.MemoryKiB; the number of processors, at least 2
}

// SignUps is who may become a user.
type SignUps string

const (
	SignUpsOpen         SignUps = "open"       // whoever likes, each with an organization of their own; the same as ""
	SignUpsByInvitation SignUps = "invitation" // whom a member has invited
	SignUpsClosed       SignUps = "closed"     // nobody: the operator adds users
)

// Service answers for all organizations.
type Service struct {
	db         *database.DB
	terms      Terms
	now        func() time.Time
	keys       *secret.Keyring
	limiter    Limiter
	external   External
	signUps    SignUps
	sessionAge time.Duration
	bounds     Bounds
	passwords  *passwords
	publicURL  string
	log        *slog.Logger
	cache      *cache
	announce   func(context.Context, uid.ID)
	uses       *uses
	link       signInLink
}

// New returns the service; terms are those in force.
func New(db *database.DB, terms Terms, now func() time.Time, o Options) *Service {
	if o.SessionAge == 0 {
		o.SessionAge = sessionAge
	}

	moment := func() time.Time { return database.Moment(now()) }
	return &Service{
		db: db, terms: terms, keys: o.Keys, publicURL: o.PublicURL, limiter: o.Limiter, external: o.External,
		bounds: o.Bounds.orUsual(), announce: o.Announce, signUps: o.SignUps, sessionAge: o.SessionAge,
		passwords: newPasswords(o.Costs, o.ConcurrentHashes),
		cache:     newCache(o.Hears, moment), uses: newUses(), log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), now: moment,
	}
}
