// Package outbox sends the mails that wait in tables. A row with the columns of the mixin mailing
// is one mail. One worker at a time leases it, sends it, and notes that. A mail is sent at least
// once: a worker that dies after the server took it, and before that is noted, has it sent again.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/mail"
	"carillon/uid"
)

const (
	lookEvery  = 2 * time.Second
	lease      = 5 * time.Minute // longer than mail.Longest, or two workers could send one mail
	firstRetry = 30 * time.Second
	lastRetry  = time.Hour
)

// AtOnce is how many mails a Source gives at most.
const AtOnce = 100

// Mailer sends a mail. A *mail.Refused is one that never can be sent.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

// Letter is what a mail says, and to which address it goes.
type Letter struct{ To, Subject, Text string }

// Mail is a row that waits to be mailed.
type Mail struct {
	Table    string // has the columns of the mixin mailing
	ID       uid.ID
	Due      time.Time                             // mail_after, as it was read
	Attempts int                                   // before
	Write    func() (l Letter, ok bool, err error) // not ok when there is nothing to send
}

// Source looks for mails that are due.
type Source func(ctx context.Context, now time.Time) ([]Mail, error)

// Outbox sends what its sources give.
type Outbox struct {
	db      *database.DB
	mailer  Mailer
	log     *slog.Logger
	now     func() time.Time
	sources []Source
}

// New returns an outbox; a nil mailer sends nothing.
func New(db *database.DB, mailer Mailer, log *slog.Logger, now func() time.Time, sources ...Source) *Outbox {
	moment := func() time.Time { return database.Moment(now()) }
	return &Outbox{db: db, mailer: mailer, log: log, now: moment, sources: sources}
}

// Run sends what is due, until ctx ends. Every worker does it.
func (o *Outbox) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := o.Send(ctx); err != nil && ctx.Err() == nil {
			o.log.Error("mails could not be sent and are tried again", "error", err)
		}

		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Send sends what is due now.
func (o *Outbox) Send(ctx context.Context) error {
	if o.mailer == nil {
		return nil
	}

	system, now := caller.System(ctx), o.now()
	var errs []error

	for _, source := range o.sources {
		due, err := source(system, now)
		if err != nil {
			return fmt.Errorf("look for mails: %w", err)
		}

		for _, m := range due {
			errs = append(errs, o.send(system, m))
		}
	}

	return errors.Join(errs...)
}

// send leases a mail, sends it, and notes what became of it.
func (o *Outbox) send(ctx context.Context, m Mail) error {
	if ctx.Err() != nil {
		return nil
	}

	until := o.now().Add(lease)
	mine, err := o.note(ctx, m, m.Due, "mail_after = $3, mail_attempts = mail_attempts + 1", until)
	if err != nil || !mine {
		return err // another worker has it, or it is gone
	}

	l, ok, err := m.Write()
	if err != nil || !ok {
		return err
	}

	err = o.mailer.Send(ctx, l.To, l.Subject, l.Text)
	var refused *mail.Refused

	switch {
	case err == nil:
		_, err = o.note(ctx, m, until, "mail_after = NULL, sealed_token = NULL, mailed_at = $3", o.now())
		return err
	case errors.As(err, &refused):
		o.log.Error("a mail is refused and not tried again", "for", m.ID.String(), "error", err)
		_, err = o.note(ctx, m, until, "mail_after = NULL, sealed_token = NULL")
		return err
	}

	again := min(firstRetry<<min(m.Attempts, 10), lastRetry)
	o.log.Warn("a mail could not be sent and is tried again", "for", m.ID.String(), "in", again, "error", err)
	_, err = o.note(ctx, m, until, "mail_after = $3", o.now().Add(again))

	return err
}

// note changes a mail's row while its mail_after is the one that this worker knows.
func (o *Outbox) note(ctx context.Context, m Mail, known time.Time, set string, args ...any) (changed bool, err error) {
	// a process that stops still says what it has sent
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = o.db.InTx(ctx, func(tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE "+m.Table+" SET "+set+" WHERE id = $1 AND mail_after = $2",
			append([]any{m.ID, known}, args...)...)
		if err != nil {
			return err
		}

		n, err := result.RowsAffected()
		changed = n > 0

		return err
	})
	if err != nil {
		return false, fmt.Errorf("note what became of a mail: %w", err)
	}

	return changed, nil
}
