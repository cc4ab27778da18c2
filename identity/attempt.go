package identity

import (
	"context"
	"fmt"
	"slices"

	"carillon/caller"
	"carillon/ent"
	"carillon/ent/session"
	"carillon/ent/user"
	"carillon/uid"
	"carillon/usererror"
)

// The kinds of tries that are counted for an account. Everybody who is not signed in shares one
// count. Once that is used up, callers from a network from which the user has signed in before go
// on with a reserve of their network's ("-known"). So strangers who use the tries up keep strangers
// out, and not the user. Who is signed in as the user has a count apart ("-own"). All together stay
// bounded: there are at most knownNetworks + 2 counts.
const (
	tryPassword = "account"
	tryCode     = "code"
	tryReset    = "reset" // links that are asked for
)

// knownNetworks is how many networks of a user have a reserve, those used last.
const knownNetworks = 20

// tooMany says what ran out.
var tooMany = map[string]string{
	tryPassword: "too many tries to sign in: wait a little",
	tryCode:     "too many codes were tried: wait a little",
}

// tooOften is what is said where nothing better can be.
const tooOften = "too many tries: wait a little"

// try is one that was counted.
type try struct {
	key     string // under which it is given back; empty when nothing was counted
	refusal error  // not nil when it is of a reserve: what strangers are answered
}

// countTry counts a try at the account of an e-mail address, which may belong to nobody; id is the
// name that the account has in this kind's keys. A try that proves right is to be given back. In a
// reserve, who must not learn that the address has a user has to get the refusal for a wrong one.
func (s *Service) countTry(ctx context.Context, kind, email, id string, client Client) (try, error) {
	shared := kind + ":" + id
	refusal := s.allow(ctx, tooMany[kind], shared)
	if !usererror.Is(refusal, usererror.RateLimited) {
		return try{key: shared}, refusal
	}

	known, err := s.isKnownAt(ctx, email, client)
	if err != nil {
		return try{}, fmt.Errorf("look for earlier sign-ins: %w", err)
	}
	if !known {
		return try{}, refusal
	}

	reserve := kind + "-known:" + id + "@" + Network(client.IP)
	if err := s.allow(ctx, tooMany[kind], reserve); usererror.Is(err, usererror.RateLimited) {
		return try{}, refusal
	} else if err != nil {
		return try{}, err
	}

	return try{reserve, refusal}, nil
}

// countOwnTry is countTry for who is signed in as the user.
func (s *Service) countOwnTry(ctx context.Context, kind string, userID uid.ID) (try, error) {
	key := kind + "-own:" + userID.String()
	return try{key: key}, s.allow(ctx, tooMany[kind], key)
}

// isKnownAt reports whether the user of an address has had a session that was opened from the
// caller's network, as far back as sessions are kept. It asks the same for an address of nobody.
func (s *Service) isKnownAt(ctx context.Context, email string, client Client) (bool, error) {
	if client.IP == "" {
		return false, nil
	}

	addresses, err := s.db.Client.Session.Query().Where(session.HasUserWith(user.Email(email)), session.IPNotNil()).
		Order(ent.Desc(session.FieldID)).Limit(MostSessions).Select(session.FieldIP).Strings(caller.System(ctx))
	if err != nil {
		return false, err
	}

	var known []string
	for _, ip := range addresses {
		if at := Network(ip); !slices.Contains(known, at) && len(known) < knownNetworks {
			known = append(known, at)
		}
	}

	return slices.Contains(known, Network(client.IP)), nil
}

// giveBack takes a counted try back, since it was right. A zero one it leaves.
func (s *Service) giveBack(ctx context.Context, counted try) {
	if s.limiter != nil && counted.key != "" {
		s.limiter.GiveBack(context.WithoutCancel(ctx), counted.key)
	}
}

// throttleAddress counts a call of who is not signed in, whatever comes of it: it may cost a hash
// of a password, or a mail.
func (s *Service) throttleAddress(ctx context.Context, client Client) error {
	if client.IP == "" {
		return nil
	}
	return s.allow(ctx, tooMany[tryPassword], "address:"+Network(client.IP))
}

// allow counts one try under each key, and says why there can be none.
func (s *Service) allow(ctx context.Context, refusal string, keys ...string) error {
	if s.limiter == nil {
		return nil
	}

	for _, key := range keys {
		wait, err := s.limiter.Allow(ctx, key)
		if err != nil {
			return fmt.Errorf("limit tries: %w", err)
		}
		if wait > 0 {
			return &usererror.Error{Kind: usererror.RateLimited, Message: refusal, RetryAfter: wait}
		}
	}

	return nil
}
