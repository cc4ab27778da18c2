package identity

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"carillon/caller"
	"carillon/database"
	"carillon/uid"
)

const (
	longestSummary = 300
	longestActor   = longestEmail + 50
)

// Entry is what an audit event says beyond its time. Its summary is for people, and holds no
// secret, no text of a message and no phone number but its last digits.
type Entry struct {
	Organization uid.ID // zero: the caller's
	Action       string // of the table Actions
	Subject      uid.ID // what it was done to; zero: nothing that has an id
	Summary      string // e.g. `launched campaign "Spring"`
	// empty: the context's; given where nobody has signed in yet, or the service acts in a caller's
	// call
	Actor, IP string
}

const (
	ActorSystem   = "system" // what the service does by itself
	actorOperator = "operator"
)

type operatorKey struct{}

// AsOperator returns a context of the operator's: it sees every organization's rows, and is
// recorded as theirs.
func AsOperator(ctx context.Context) context.Context {
	return context.WithValue(caller.System(ctx), operatorKey{}, true)
}

// Record writes an audit event in the transaction that makes the change, so that both commit or
// neither. Call it last: it holds the end of the organization's trail until the commit, and who
// records for several takes them in the order of ids.
func Record(ctx context.Context, tx *database.Tx, entry Entry) error {
	e, err := newEvent(ctx, entry)
	if err != nil {
		return fmt.Errorf("record %s: %w", entry.Action, err)
	}

	err = tx.QueryRowContext(ctx, `INSERT INTO audit_chain (id, last, hash, erased_through) VALUES ($1, 1, $2, 0)
		ON CONFLICT (id) DO UPDATE SET last = audit_chain.last + 1
		RETURNING last, hash`, e.organization, []byte{}).Scan(&e.sequence, &e.previous)
	if err != nil {
		return fmt.Errorf("record %s: hold the audit trail: %w", entry.Action, err)
	}
	if e.previous == nil {
		e.previous = []byte{} // the driver's word for empty, which is not to become NULL
	}

	e.id, e.at = uid.New(uid.AuditEvent), database.Now() // under the lock, so that ids, times and sequence ascend together
	hash := e.hash()

	_, err = tx.ExecContext(ctx, `INSERT INTO audit_event (id, organization_id, sequence, at, actor, action,
		subject_id, summary, ip, previous_hash, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		e.id, e.organization, e.sequence, e.at, e.actor, e.action, idOrNil(e.subject), e.summary, textOrNil(e.ip),
		e.previous, hash)
	if err == nil {
		_, err = tx.ExecContext(ctx, "UPDATE audit_chain SET hash = $1 WHERE id = $2", hash, e.organization)
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", entry.Action, err)
	}

	return nil
}

// RecordRefusal records, in a transaction of its own, that the caller may not use a field, and why.
func (s *Service) RecordRefusal(ctx context.Context, field, why string) error {
	if _, ok := From(ctx); !ok {
		return nil
	}
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		return Record(ctx, tx, Entry{Action: ActionAccessRefuse, Summary: fmt.Sprintf("was refused %s: %s", field, why)})
	})
}

// event is an audit event as it is stored and hashed.
type event struct {
	id, organization, subject uid.ID
	sequence                  int64
	at                        time.Time
	actor, action             string
	summary, ip               string
	previous                  []byte // the hash of the one before; empty for the first
}

func newEvent(ctx context.Context, entry Entry) (event, error) {
	e := event{organization: entry.Organization, action: entry.Action, subject: entry.Subject, actor: entry.Actor,
		ip: entry.IP, summary: plain(entry.Summary, longestSummary)}
	if !known[entry.Action] {
		return e, errors.New("this action is not in the table")
	}

	v, signedIn := From(ctx)
	if signedIn && e.organization.IsZero() {
		e.organization = v.Organization
	}
	if scope, ok := caller.From(ctx); ok && e.organization.IsZero() {
		e.organization = scope.Organization
	}
	if e.organization.IsZero() {
		return e, errors.New("no organization is named, and nobody is calling")
	}

	if e.actor == "" {
		e.actor = Actor(ctx)
		if signedIn && e.ip == "" {
			e.ip = v.IP
		}
	}

	e.actor, e.ip = plain(e.actor, longestActor), plain(e.ip, longestName)

	return e, nil
}

// known is Actions by name.
var known = func() map[string]bool {
	names := map[string]bool{}
	for _, a := range Actions {
		names[a.Name] = true
	}

	return names
}()

// actorOf says who is calling, as the trail shows it: an e-mail address, a key's name and first
// characters, operator or system.
func Actor(ctx context.Context) string {
	v, ok := From(ctx)
	switch {
	case ok && v.User != nil:
		return v.User.Email
	case ok && v.Key != nil:
		return fmt.Sprintf("%s (API key %s…)", v.Key.Name, v.Key.Prefix)
	case ctx.Value(operatorKey{}) != nil:
		return actorOperator
	}

	return ActorSystem
}

// hash covers every field, each with its length, so that no two events have the same bytes.
func (e *event) hash() []byte {
	h := sha256.New()
	for _, part := range [][]byte{
		[]byte("carillon audit event 1"), e.organization[:], binary.BigEndian.AppendUint64(nil, uint64(e.sequence)),
		e.previous, e.id[:],
		binary.BigEndian.AppendUint64(nil, uint64(e.at.UnixMicro())), []byte(e.actor), []byte(e.action), e.subject[:],
		[]byte(e.summary), []byte(e.ip),
	} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}

	return h.Sum(nil)
}

// plain is s on one line, in characters that every database keeps, and not too long.
func plain(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most-1]) + "…"
	}

	return s
}

func idOrNil(id uid.ID) any {
	if id.IsZero() {
		return nil
	}
	return id
}

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Ending is how a summary names a phone number: by its last four digits.
func Ending(number string) string {
	return "…" + number[max(0, len(number)-4):]
}
