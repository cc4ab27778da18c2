// Package notification tells members by mail of what they should know: a campaign that paused or
// ended, a token, an account or a template that is no good any more, an import that failed. Whoever
// makes such a change calls Tell in its transaction, so that a process that dies loses nothing, and
// two that see the same cause write it once. A worker gathers what belongs together into one mail
// to each member who wants it. Mails leave by identity's outbox.
package notification

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

const (
	// quietFor is how long nothing of a scope must have happened until it is mailed, and longestWait
	// how long the first cause of it waits at most.
	quietFor    = 10 * time.Second
	longestWait = time.Minute
	// apart is how long after a mail the next one of the same scope is made, at the earliest.
	apart = 15 * time.Minute
	// triedFor is how long a mail is tried.
	triedFor = 24 * time.Hour
	// keptFor is how long it is remembered that a cause was told.
	keptFor = 30 * 24 * time.Hour

	scopesAtOnce  = 100
	mostInBatch   = 10_000
	mailsAtOnce   = 100
	longestDetail = 500
)

// Cause is something of which members should know.
type Cause struct {
	Organization uid.ID
	Kind         enum.NotificationKind
	Key          string // names it; what is told again by the same name is not told
	Scope        string // it goes into one mail with others of the same scope
	Subject      uid.ID // a campaign, an account, a template or an import
	Reason       string // a word of the API's, for the texts
	Detail       string // what is known beyond that; left out where it could be more than words
	At           time.Time

	CreatedBy, LaunchedBy *uid.ID // the members whose campaign or import it is
}

// Tell writes causes down, in the transaction of the change that they tell of. Call it before the
// audit trail is written.
func Tell(ctx context.Context, tx *database.Tx, causes ...Cause) error {
	if len(causes) == 0 {
		return nil
	}

	statement, args := causeColumns.Insertion(tx.DB, "notification", causes)
	if _, err := tx.ExecContext(ctx, statement+" ON CONFLICT (organization_id, cause) DO NOTHING", args...); err != nil {
		return fmt.Errorf("note what members are to be told: %w", err)
	}

	return nil
}

var causeColumns = database.Columns[Cause]{
	database.Col("id", func(Cause) uid.ID { return uid.New(uid.Notification) }, database.IDs),
	database.Col("organization_id", func(c Cause) uid.ID { return c.Organization }, database.IDs),
	database.Col("kind", func(c Cause) enum.NotificationKind { return c.Kind }, database.Texts),
	database.Col("cause", func(c Cause) string { return c.Key }, database.Texts),
	database.Col("scope", func(c Cause) string { return c.Scope }, database.Texts),
	database.Col("subject_id", func(c Cause) uid.ID { return c.Subject }, database.IDs),
	database.Col("reason", func(c Cause) string { return c.Reason }, database.Texts),
	database.Col("detail", func(c Cause) string { return cut(c.Detail, longestDetail) }, database.Texts),
	database.Col("created_by_id", func(c Cause) uid.ID { return orZero(c.CreatedBy) }, database.IDs),
	database.Col("launched_by_id", func(c Cause) uid.ID { return orZero(c.LaunchedBy) }, database.IDs),
	database.Col("created_at", func(c Cause) time.Time { return c.At }, database.Times),
}

// Scope names what causes of one topic have in common that concern one thing; zero is the
// organization.
func Scope(topic string, of uid.ID) string { return strings.TrimSpace(topic + " " + of.String()) }

// Topics under which the trouble of an account or of its templates is told of together with the
// campaigns that it paused.
const (
	TopicToken       = "TOKEN"
	TopicRestriction = "RESTRICTION"
	TopicTemplates   = "TEMPLATES"
)

func orZero(id *uid.ID) uid.ID {
	if id == nil {
		return uid.ID{}
	}
	return *id
}

// cut is a text of at most so many characters.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// Service makes mails of what was told.
type Service struct {
	db        *database.DB
	publicURL string
	now       func() time.Time
	mails     bool
}

// New makes the service. Without a mail server (mails is false) it makes none, and Sweep deletes
// what was told.
func New(db *database.DB, publicURL string, mails bool, now func() time.Time) *Service {
	return &Service{db: db, publicURL: publicURL, mails: mails,
		now: func() time.Time { return database.Moment(now()) }}
}

// Sweep deletes what is old, what nobody can mail, and what closed organizations have left.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	closed := "organization_id IN (SELECT id FROM organization WHERE status = $1)"
	for _, d := range []struct {
		statement string
		args      []any
	}{
		{"DELETE FROM notification WHERE created_at <= $1", []any{s.forgetBefore(now)}},
		{"DELETE FROM notification_mail WHERE expires_at <= $1", []any{now}},
		{"DELETE FROM notification WHERE " + closed, []any{enum.OrganizationStatusClosed}},
		{"DELETE FROM notification_mail WHERE " + closed, []any{enum.OrganizationStatusClosed}},
	} {
		err := s.db.InTx(ctx, func(tx *database.Tx) error {
			_, err := tx.ExecContext(ctx, d.statement, d.args...)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget what members were told: %w", err)
		}
	}

	return nil
}

// forgetBefore is the time until which notifications are of no use any more.
func (s *Service) forgetBefore(now time.Time) time.Time {
	if !s.mails {
		return now
	}
	return now.Add(-keptFor)
}
