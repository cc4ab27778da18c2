package whatsapp

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// spareFrom is the share of an hourly limit, in percent, from which on calls that can wait do so:
	// the rest is for those that somebody waits for.
	spareFrom = 80

	// regain is how long to wait where Meta does not say when calls are allowed again. Its limits
	// count the last hour, so a quarter of it brings some back.
	regain = 15 * time.Minute

	codeAppCalls     = 4     // the app has made all calls that it may
	codeAccountCalls = 80007 // or the account
)

// Allowance is what Meta's answers tell of its limits on calls in an hour. Once most of one is used
// up, the calls that go by this allowance are not made any more.
type Allowance struct {
	watching     bool // calls are made all the same
	mu           sync.Mutex
	account, app time.Duration // how long to make none; zero while they may be made
	refused      bool          // Meta made no call for one of its limits
}

// spent is a call that was not made, to spare Meta's limits.
type spent struct{ wait time.Duration }

func (s spent) Error() string {
	return "most of what Meta allows in an hour is used up; to be tried again in " + s.wait.String()
}

type allowanceKey struct{}

// Sparing has management calls with the context that it returns go by an allowance.
func Sparing(ctx context.Context) (context.Context, *Allowance) {
	a := new(Allowance)
	return context.WithValue(ctx, allowanceKey{}, a), a
}

// Watching tells of Meta's limits without sparing them: for calls that somebody waits for.
func Watching(ctx context.Context) (context.Context, *Allowance) {
	a := &Allowance{watching: true}
	return context.WithValue(ctx, allowanceKey{}, a), a
}

// Refused is how long to wait since Meta refused a call for one of its limits; zero where it
// refused none.
func (a *Allowance) Refused() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.refused {
		return 0
	}

	return max(a.account, a.app)
}

// Wait is how long to make no calls about the account, and how long none by the app; zero where
// they may be made.
func (a *Allowance) Wait() (account, app time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()

	return a.account, a.app
}

// allowanceOf is nil for calls that are made whatever they use up.
func allowanceOf(ctx context.Context) *Allowance {
	a, _ := ctx.Value(allowanceKey{}).(*Allowance)
	return a
}

func (a *Allowance) check() error {
	if a == nil || a.watching {
		return nil
	}
	if account, app := a.Wait(); account > 0 || app > 0 {
		return spent{max(account, app)}
	}

	return nil
}

// note takes what an answer says of the limits. A refusal for one of them counts as well.
func (a *Allowance) note(header http.Header, failure *Error) {
	if a == nil {
		return
	}

	account, app := accountWait(header), appWait(header)
	if failure != nil && failure.Code == codeAccountCalls {
		account = max(account, longer(failure.RetryAfter))
	}
	if failure != nil && failure.Code == codeAppCalls {
		app = max(app, longer(failure.RetryAfter))
	}

	a.mu.Lock()
	defer a.mu.Unlock()
	a.account, a.app = max(a.account, account), max(a.app, app)
	a.refused = a.refused || failure != nil && (failure.Code == codeAccountCalls || failure.Code == codeAppCalls)
}

// usage is how much of the limits is used up, in percent.
type usage struct {
	Calls number `json:"call_count"`
	CPU   number `json:"total_cputime"`
	Time  number `json:"total_time"`
}

func (u usage) high() bool { return max(u.Calls, u.CPU, u.Time) >= spareFrom }

// accountWait reads X-Business-Use-Case-Usage, which tells of accounts and portfolios by their ids.
func accountWait(header http.Header) time.Duration {
	text := header.Get("X-Business-Use-Case-Usage")
	if text == "" {
		return 0
	}

	var kinds map[string][]usage
	decode([]byte(text), &kinds)
	high := false

	for _, uses := range kinds {
		for _, u := range uses {
			high = high || u.high()
		}
	}

	if wait := estimatedWait(text); high || wait > 0 {
		return longer(wait)
	}

	return 0
}

// appWait reads X-App-Usage, which does not say how long to wait.
func appWait(header http.Header) time.Duration {
	var u usage
	if text := header.Get("X-App-Usage"); text != "" && decode([]byte(text), &u) && u.high() {
		return regain
	}

	return 0
}

// longer is how long to wait when Meta said so much, or nothing.
func longer(said time.Duration) time.Duration {
	if said <= 0 {
		return regain
	}
	return said
}
