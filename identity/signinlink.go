package identity

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"carillon/caller"
	"carillon/ent"
	"carillon/ent/user"
	"carillon/usererror"
)

// linkAge is how long a link that signs in is good, from when it was made.
const linkAge = 15 * time.Minute

// signInLink is the one link that this process has given out and that nobody has used. It is kept
// in memory alone: a process that ends takes its link with it, and one that starts gives out
// another.
type signInLink struct {
	mu    sync.Mutex
	email string
	hash  []byte
	until time.Time
}

// ShowByLink is what somebody shows who follows a link that the service printed.
type ShowByLink struct {
	Token  string
	Code   string // of the second factor, where the user has one
	Client Client
}

// OfferLink returns a link that signs the user of an address in, once, from this machine, for a
// quarter of an hour; the one before it is void.
func (s *Service) OfferLink(email string) string {
	token := newToken(linkPrefix)
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	s.link.email, s.link.hash, s.link.until = normalEmail(email), digest(token), s.now().Add(linkAge)

	return s.publicURL + "/enter#token=" + token
}

// take spends the link, if the token is its own and it is still good. The function gives it back,
// to be tried again.
func (l *signInLink) take(token string, now time.Time) (email string, giveBack func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hash == nil || !now.Before(l.until) || subtle.ConstantTimeCompare(l.hash, digest(token)) != 1 {
		return "", nil
	}

	hash := l.hash
	l.hash = nil

	return l.email, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.hash == nil { // else a newer one was given out
			l.hash = hash
		}
	}
}

// SignInByLink opens a session for the user of a link that OfferLink gave out. A second factor is
// asked for as it is at sign-in, and the link is good until its code is right.
func (s *Service) SignInByLink(ctx context.Context, in ShowByLink) (Signed, error) {
	if err := s.throttleAddress(ctx, in.Client); err != nil {
		return Signed{}, err
	}
	if ip, err := netip.ParseAddr(in.Client.IP); err != nil || !ip.Unmap().IsLoopback() {
		return Signed{}, usererror.Refuse("", usererror.NotAllowed,
			"Such a link works only in a browser on the machine that runs the service. Sign in with address and password.")
	}
	if tokenPrefix(in.Token) != linkPrefix {
		return Signed{}, void("link")
	}

	email, giveBack := s.link.take(in.Token, s.now())
	if giveBack == nil {
		return Signed{}, void("link")
	}

	signed, err := s.enterByLink(ctx, email, in)
	if err != nil {
		giveBack()
		return Signed{}, fmt.Errorf("sign in by a link: %w", err)
	}

	return signed, nil
}

func (s *Service) enterByLink(ctx context.Context, email string, in ShowByLink) (Signed, error) {
	system := caller.System(ctx)
	u, err := s.db.Client.User.Query().Where(user.Email(email)).Only(system)
	if ent.IsNotFound(err) {
		return Signed{}, void("link")
	}
	if err != nil {
		return Signed{}, err
	}

	org, err := s.latestOrganization(system, u.ID)
	if err != nil {
		return Signed{}, err
	}
	if org.IsZero() {
		return Signed{}, usererror.Refuse("", usererror.NotAllowed, "You belong to no organization that is open.")
	}

	token, err := s.enter(ctx, entry{user: u, organization: org, code: in.Code, field: "code", client: in.Client})
	if err != nil {
		return Signed{}, err
	}

	return s.signed(ctx, token, in.Client)
}
