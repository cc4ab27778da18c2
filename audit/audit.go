// Package audit is the trail of who changed what in an organization. Each event is written in the
// transaction that makes the change, and carries a hash of itself and of the event before it. It
// promises that an event which is changed, removed or planted later is found by Walk.
package audit

import (
	"cmp"
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

// Lengths are in characters; what is longer is cut.
const (
	longestSummary = 300
	longestActor   = 304 // an e-mail address, or a key's name
	longestIP      = 100
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

// System is the actor of what the service does by itself.
const System = "system"

// Actor is who acts in a context, as the trail shows it.
type Actor struct {
	Organization uid.ID // of events that name no other; zero: the context's scope
	Name, IP     string
}

type actorKey struct{}

// By returns a context in which a acts.
func By(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

// AsOperator returns a context of the operator's: it sees every organization's rows, and is
// recorded as theirs.
func AsOperator(ctx context.Context) context.Context {
	return By(caller.System(ctx), Actor{Name: "operator"})
}

// ActorOf is the name of who acts in a context: System when nobody does.
func ActorOf(ctx context.Context) string {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a.Name
	}
	return System
}

// Record writes an audit event in the transaction that makes the change, so that both commit or
// neither. Call it last: it holds the end of the organization's trail until the commit, and who
// records for several takes them in the order of ids.
func Record(ctx context.Context, tx *database.Tx, entry Entry) error {
	return RecordAll(ctx, tx, entry)
}

// RecordAll is Record for several events of one organization, in their order, in as many statements
// as for one.
func RecordAll(ctx context.Context, tx *database.Tx, entries ...Entry) error {
	if len(entries) == 0 {
		return nil
	}

	events := make([]event, len(entries))
	for i, entry := range entries {
		e, err := newEvent(ctx, entry)
		if err != nil {
			return fmt.Errorf("record %s: %w", entry.Action, err)
		}
		if events[i] = e; e.organization != events[0].organization {
			return fmt.Errorf("record %s: events of two organizations at once", entry.Action)
		}
	}

	if err := enchain(ctx, tx, events); err != nil {
		return fmt.Errorf("record %s: %w", entries[0].Action, err)
	}

	return nil
}

// auditColumns are an event's.
var auditColumns = database.Columns[event]{
	database.Col("id", func(e event) uid.ID { return e.id }, database.IDs),
	database.Col("organization_id", func(e event) uid.ID { return e.organization }, database.IDs),
	database.Col("sequence", func(e event) int64 { return e.sequence }, database.Ints),
	database.Col("at", func(e event) time.Time { return e.at }, database.Times),
	database.Col("actor", func(e event) string { return e.actor }, database.Texts),
	database.Col("action", func(e event) string { return e.action }, database.Texts),
	database.Col("subject_id", func(e event) uid.ID { return e.subject }, database.IDs),
	database.Col("summary", func(e event) string { return e.summary }, database.Texts),
	database.Col("ip", func(e event) string { return e.ip }, database.OptionalTexts),
	database.Col("previous_hash", func(e event) []byte { return e.previous }, database.Bytes),
	database.Col("hash", func(e event) []byte { return e.hash() }, database.Bytes),
}

// enchain puts events at the end of their organization's trail, each with the hash of the one
// before.
func enchain(ctx context.Context, tx *database.Tx, events []event) error {
	organization, n := events[0].organization, len(events)
	var last int64
	var hash []byte
	err := tx.QueryRowContext(ctx, `INSERT INTO audit_chain (id, last, hash, erased_through) VALUES ($1, $3, $2, 0)
		ON CONFLICT (id) DO UPDATE SET last = audit_chain.last + $3
		RETURNING last, hash`, organization, []byte{}, n).Scan(&last, &hash)
	if err != nil {
		return fmt.Errorf("hold the audit trail: %w", err)
	}

	for i := range events { // under the lock, so that ids, times and sequence ascend together
		e := &events[i]
		e.id, e.at, e.sequence, e.previous = uid.New(uid.AuditEvent), database.Now(), last-int64(n-1-i), hash
		hash = e.hash()
	}

	if err := database.Insert(ctx, tx, "audit_event", auditColumns, events); err != nil {
		return err
	}

	_, err = tx.ExecContext(ctx, "UPDATE audit_chain SET hash = $1 WHERE id = $2", hash, organization)

	return err
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

	acting, _ := ctx.Value(actorKey{}).(Actor)
	if e.organization.IsZero() {
		e.organization = acting.Organization
	}
	if scope, ok := caller.From(ctx); ok && e.organization.IsZero() {
		e.organization = scope.Organization
	}
	if e.organization.IsZero() {
		return e, errors.New("no organization is named, and nobody is calling")
	}

	if e.actor == "" {
		e.actor, e.ip = ActorOf(ctx), cmp.Or(e.ip, acting.IP)
	}

	e.actor, e.ip = plain(e.actor, longestActor), plain(e.ip, longestIP)

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

// Ending is how a summary names a phone number: by its last four digits.
func Ending(number string) string {
	return "…" + number[max(0, len(number)-4):]
}
