package privacy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"carillon/audience"
	"carillon/ent"
	"carillon/ent/erasure"
	"carillon/uid"
)

const (
	// bookFor is how long Meta is asked to forget a person, and bookAfter how long an erasure waits
	// after the first time that Meta did not; then twice as long each time, up to bookAtMost.
	bookFor    = 7 * 24 * time.Hour
	bookAfter  = time.Minute
	bookAtMost = time.Hour
	// ofMeta is how a proof names the entries that Meta was asked to delete.
	ofMeta = "contact_book"
)

// Book is what Meta keeps of people beside messages: which number is whose user id.
type Book interface {
	// ForgetContact has it forget people of an organization by their user ids, and counts the entries.
	ForgetContact(ctx context.Context, organization uid.ID, userIDs []string) (int, error)
}

// ForgetBy sets who has Meta forget people; call it before the first erasure. Without it nobody
// does.
func (s *Service) ForgetBy(book Book) { s.book = book }

// patience is when Meta is asked next about an erasure. It is this process's own: another one asks
// at once.
type patience struct {
	next  time.Time
	waits time.Duration
}

// waitsForMeta reports whether it is not yet time to ask again.
func (s *Service) waitsForMeta(id uid.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()

	return s.now().Before(s.patience[id].next)
}

// tellMeta has Meta forget the person, where that is an erasure's step: outside of a transaction,
// since it takes seconds. Asked twice it does no harm. An erasure that Meta does not hear within
// bookFor, as of an account whose token has ended, goes on without it.
func (s *Service) tellMeta(ctx context.Context, id uid.ID) (asked int, err error) {
	e, err := s.db.Client.Erasure.Query().Where(erasure.ID(id), erasure.FinishedAtIsNil()).Only(ctx)
	if ent.IsNotFound(err) || err == nil && (e.Step >= len(steps) || steps[e.Step].what != metasBook) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read it: %w", err)
	}

	who, err := s.open(e)
	if err != nil {
		return 0, err
	}

	ids := slices.DeleteFunc(slices.Clone(who.Addresses), func(a string) bool { return !audience.IsUserID(a) })
	if len(ids) == 0 || s.book == nil {
		return 0, nil
	}

	asked, err = s.book.ForgetContact(ctx, e.OrganizationID, ids)

	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || s.now().Sub(e.RequestedAt) > bookFor {
		delete(s.patience, id)
		return asked, nil
	}

	waits := min(max(2*s.patience[id].waits, bookAfter), bookAtMost)
	s.patience[id] = patience{s.now().Add(waits), waits}

	return 0, fmt.Errorf("have Meta forget them, again in %s: %w", waits, err)
}

// metasBook is the step of an erasure in which Meta is asked.
const metasBook = "Meta's contact book"

func contactBook(_ context.Context, w *work) (more bool, err error) {
	if w.asked > 0 {
		w.counts[ofMeta] = w.asked
	}
	return false, nil
}
