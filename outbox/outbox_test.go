package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/securitynotice"
	"carillon/mail"
	"carillon/outbox"
	"carillon/uid"
)

var quiet = slog.New(slog.DiscardHandler)

// stage is a database with users who are written to, a clock that the test moves, and a server of
// mails, which does what answer says.
type stage struct {
	t      *testing.T
	db     *database.DB
	system context.Context
	nanos  atomic.Int64

	mu     sync.Mutex
	sent   []string // addresses
	answer func() error
}

func each(t *testing.T, test func(s *stage)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := &stage{t: t, db: db, system: caller.System(t.Context()), answer: func() error { return nil }}
		s.nanos.Store(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixNano())
		test(s)
	})
}

func (s *stage) now() time.Time          { return time.Unix(0, s.nanos.Load()) }
func (s *stage) advance(d time.Duration) { s.nanos.Add(int64(d)) }

func (s *stage) Send(_ context.Context, to, _, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.answer(); err != nil {
		return err
	}

	s.sent = append(s.sent, to)

	return nil
}

// write has a mail wait for each name.
func (s *stage) write(names ...string) {
	s.t.Helper()
	for _, name := range names {
		u := s.db.Client.User.Create().SetEmail(name).SetName(name).SetPasswordHash("x").SaveX(s.system)
		s.db.Client.SecurityNotice.Create().SetUserID(u.ID).SetKind("PASSWORD_CHANGED").SetCreatedAt(s.now()).
			SetExpiresAt(s.now().Add(24 * time.Hour)).SetMailAfter(s.now()).ExecX(s.system)
	}
}

// waiting is the outbox's source: all notices that are due.
func (s *stage) waiting(ctx context.Context, now time.Time) (due []outbox.Mail, err error) {
	rows, err := s.db.Client.SecurityNotice.Query().Where(securitynotice.MailAfterLTE(now)).Limit(outbox.AtOnce).All(ctx)
	for _, n := range rows {
		due = append(due, outbox.Mail{Table: securitynotice.Table, ID: n.ID, Due: *n.MailAfter, Attempts: n.MailAttempts,
			Write: func() (outbox.Letter, bool, error) { return s.letter(ctx, n.UserID) }})
	}

	return due, err
}

func (s *stage) letter(ctx context.Context, user uid.ID) (outbox.Letter, bool, error) {
	u, err := s.db.Client.User.Get(ctx, user)
	if err != nil {
		return outbox.Letter{}, false, err
	}

	return outbox.Letter{To: u.Email, Subject: "Hello", Text: "Good news."}, u.Name != "silent", nil
}

// worker is one more process.
func (s *stage) worker() *outbox.Outbox { return outbox.New(s.db, s, quiet, s.now, s.waiting) }

func (s *stage) send() {
	s.t.Helper()
	if err := s.worker().Send(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) row() *ent.SecurityNotice {
	s.t.Helper()
	return s.db.Client.SecurityNotice.Query().OnlyX(s.system)
}

func TestEachMailIsSentOnceByManyWorkers(t *testing.T) {
	each(t, func(s *stage) {
		want := []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com"}
		s.write(want...)
		var workers sync.WaitGroup
		for range 5 {
			workers.Go(func() {
				if err := s.worker().Send(s.t.Context()); err != nil {
					s.t.Error(err)
				}
			})
		}

		workers.Wait()
		s.send()
		if slices.Sort(s.sent); !slices.Equal(s.sent, want) {
			s.t.Errorf("sent to %v", s.sent)
		}
	})
}

func TestASentMailIsNotedWithItsTime(t *testing.T) {
	each(t, func(s *stage) {
		s.write("a@example.com")
		s.advance(time.Second)
		s.send()
		if n := s.row(); n.MailAfter != nil || n.MailedAt == nil || !n.MailedAt.Equal(s.now()) || n.MailAttempts != 1 {
			s.t.Errorf("the row is %+v", n)
		}
	})
}

func TestAMailThatCannotBeSentIsTriedLaterAndEachTimeLater(t *testing.T) {
	each(t, func(s *stage) {
		s.write("a@example.com")
		s.answer = func() error { return errors.New("no connection") }
		for _, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
			s.send()
			if n := s.row(); n.MailAfter == nil || n.MailAfter.Sub(s.now()) != wait {
				s.t.Errorf("after %d tries it is due at %v, want in %s", n.MailAttempts, n.MailAfter, wait)
			}

			s.send() // not due yet
			s.advance(wait)
		}

		s.answer = func() error { return nil }
		s.send()
		if n := s.row(); len(s.sent) != 1 || n.MailAttempts != 4 {
			s.t.Errorf("sent to %v after %d tries", s.sent, n.MailAttempts)
		}
	})
}

func TestARefusedMailIsNotTriedAgain(t *testing.T) {
	each(t, func(s *stage) {
		s.write("a@example.com")
		s.answer = func() error { return &mail.Refused{} }
		s.send()
		s.answer = func() error { return nil }
		s.advance(48 * time.Hour)
		s.send()
		if n := s.row(); len(s.sent) != 0 || n.MailAfter != nil || n.MailedAt != nil {
			s.t.Errorf("sent to %v, row %+v", s.sent, n)
		}
	})
}

func TestTheMailOfAWorkerThatDiedIsSentOnceItsLeaseIsOver(t *testing.T) {
	each(t, func(s *stage) {
		s.write("a@example.com")
		func() {
			defer func() { _ = recover() }()
			_ = outbox.New(s.db, dying{}, quiet, s.now, s.waiting).Send(s.t.Context())
		}()

		s.advance(5*time.Minute - time.Second)
		if s.send(); len(s.sent) != 0 {
			s.t.Error("the lease was not kept")
		}

		s.advance(time.Second)
		if s.send(); len(s.sent) != 1 {
			s.t.Errorf("sent to %v", s.sent)
		}
	})
}

// dying is a server at which the process dies.
type dying struct{}

func (dying) Send(context.Context, string, string, string) error { panic("kill -9") }

func TestAFailureOfOneMailHoldsUpNoOther(t *testing.T) {
	each(t, func(s *stage) {
		s.write("a@example.com", "b@example.com", "c@example.com")
		broken := func(ctx context.Context, now time.Time) ([]outbox.Mail, error) {
			due, err := s.waiting(ctx, now)
			due[0].Write = func() (outbox.Letter, bool, error) { return outbox.Letter{}, false, errors.New("no text") }

			return due, err
		}

		if err := outbox.New(s.db, s, quiet, s.now, broken).Send(s.t.Context()); err == nil || len(s.sent) != 2 {
			s.t.Errorf("sent to %v, %v", s.sent, err)
		}
	})
}

func TestWithoutAServerNothingIsTouched(t *testing.T) {
	each(t, func(s *stage) {
		s.write("a@example.com")
		err := outbox.New(s.db, nil, quiet, s.now, s.waiting).Send(s.t.Context())
		if err != nil || s.row().MailAttempts != 0 {
			s.t.Errorf("%v, %+v", err, s.row())
		}
	})
}

func TestANameIsMailedOnlyWhereItIsNoMoreThanAName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Lucky Shrub":              `"Lucky Shrub"`,
		" Lucky\n\tShrub ":         `"Lucky Shrub"`,
		`The "Shop"`:               `"The 'Shop'"`,
		"幸运灌木":                     `"幸运灌木"`,
		"https://evil.example":     "somebody",
		"write to me@evil.example": "somebody",
		"evil.example":             "somebody",
		"ｅｖｉｌ．ｅｘａｍｐｌｅ":             "somebody",
		"call +1 202 555 0100":     "somebody",
		"":                         "somebody",
	} {
		if got := outbox.Mailable(name, "somebody"); got != want {
			t.Errorf("%q is mailed as %s, want %s", name, got, want)
		}
	}
}
