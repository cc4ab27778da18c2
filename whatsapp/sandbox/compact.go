package sandbox

import (
	"bufio"
	"encoding/json"
	"os"
)

// compact writes the state as it is now to a new file, and puts it in the old one's place.
func (s *Sandbox) compact(path string) error {
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}

	out := bufio.NewWriterSize(file, 1<<20)
	err = s.dump(json.NewEncoder(out))
	if err == nil {
		err = out.Flush()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}

	return os.Rename(path+".new", path)
}

// dump writes what replay needs, in an order in which each line finds what it refers to. Numbers,
// subscriptions and PINs follow their account's line, which alone would reset them.
func (s *Sandbox) dump(out *json.Encoder) error {
	k := &s.catalog
	lines := []record{{Origin: &origin{s.seed, s.key}}}
	for _, t := range k.tokens {
		for _, a := range t.accounts {
			line := a.line(t.value)
			line.Account.Scopes, line.Account.TokenExpiresAt = t.scopes, t.expires
			lines = append(lines, line)
		}

		if t.dead {
			lines = append(lines, record{DeadToken: t.value})
		}
	}

	for _, a := range k.accounts {
		own := a.line(a.Token)
		if t := k.tokens[a.Token]; t != nil {
			own.Account.Scopes, own.Account.TokenExpiresAt = t.scopes, t.expires
		}

		lines = append(lines, own, record{Subscription: a.hook.Load()})
		if a.review != "" {
			lines = append(lines, record{Review: &review{a.WABAID, a.review}})
		}

		for id, status := range a.health {
			lines = append(lines, record{Health: &healthOf{a.WABAID, id, status}})
		}

		for name, until := range a.locked {
			if until.After(s.now()) {
				lines = append(lines, record{Deleted: &deletion{WABAID: a.WABAID, Name: name, LockedUntil: until}})
			}
		}
	}

	for _, c := range k.codes {
		if s.now().Before(c.ExpiresAt) {
			lines = append(lines, record{SignUpCode: c})
		}
	}

	for _, n := range k.numbers {
		lines = append(lines, record{Registration: &registration{n.ID, !n.Unregistered, n.pin}})
		state := n.state.copied()
		lines = append(lines, record{NumberState: &state})
		if own := n.callback(); own != "" {
			lines = append(lines, record{NumberCallback: &numberCallback{n.ID, own}})
		}

		lines = append(lines, n.windows(s.now())...)
	}

	for _, t := range k.templates {
		lines = append(lines, record{Template: t})
	}

	for _, m := range k.media {
		lines = append(lines, record{Media: m})
	}

	for _, line := range lines {
		if err := out.Encode(line); err != nil {
			return err
		}
	}

	s.book.Lock()
	defer s.book.Unlock()
	var err error

	s.book.each(func(m *message) {
		if err == nil {
			err = out.Encode(record{Message: m.kept()})
		}
	})

	return err
}

// line is the account with all its numbers, under one of its tokens.
func (a *account) line(token string) record {
	spec := a.AccountSpec
	spec.Token, spec.Numbers = token, nil
	for _, n := range a.numbers {
		spec.Numbers = append(spec.Numbers, n.NumberSpec)
	}

	return record{Account: &spec}
}
