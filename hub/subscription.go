package hub

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"carillon/uid"
)

// ErrClosed is what Next gives after Close.
var ErrClosed = errors.New("the subscription is closed")

// SlowConsumer says that the subscriber did not keep up and was closed. It may subscribe again
// after Cursor.
type SlowConsumer struct{ Cursor int64 }

func (e *SlowConsumer) Error() string {
	return fmt.Sprintf("the reader did not keep up; it stands at %d", e.Cursor)
}

// Expired says that the log cannot go on from Cursor: what follows is forgotten, or the log never
// came that far.
type Expired struct{ Cursor int64 }

func (e *Expired) Error() string { return fmt.Sprintf("the log cannot go on from %d", e.Cursor) }

// Subscription reads one organization's log. It is for one goroutine; only Close may be called from
// another.
type Subscription[E Entry] struct {
	hub    *Hub[E]
	feed   *feed[E]
	cursor int64
	live   bool // it has caught up once, so from now on it must keep up
	end    error
	closed chan struct{}
	close  sync.Once
}

// Subscribe reads the organization's log after a place, or from now on when after is negative. It
// gives *Expired when there was never such a place.
func (h *Hub[E]) Subscribe(ctx context.Context, organization uid.ID, after int64) (*Subscription[E], error) {
	// The feed is joined before the log is read, so there is no moment between replay and present that
	// neither shows.
	s := &Subscription[E]{hub: h, feed: h.join(organization), cursor: after, closed: make(chan struct{})}
	if t := s.feed.tail.Load(); t != nil && after >= 0 && after <= t.head {
		return s, nil
	}

	newest, err := h.source.Last(ctx, []uid.ID{organization})
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("read where the log of %s stands: %w", organization, err)
	}

	if s.feed.reaches(newest[organization]) {
		h.gap(s.feed)
	}
	if after < 0 {
		s.cursor, s.live = newest[organization], true
	}

	if s.cursor > newest[organization] {
		s.Close()
		return nil, &Expired{s.cursor}
	}

	return s, nil
}

// Cursor is the place of the last entry that Next gave.
func (s *Subscription[E]) Cursor() int64 { return s.cursor }

// Ready waits until there is something for Next to give or to say, and reads nothing: for readers
// who first have to see where to put it. It tells how many entries are there, 0 when Next has an
// error. Its own is the context's.
func (s *Subscription[E]) Ready(ctx context.Context) (entries int64, err error) {
	for {
		t := s.feed.tail.Load()
		if t.head > s.cursor {
			return t.head - s.cursor, nil
		}

		s.live = true
		select {
		case <-t.passed:
		case <-s.closed:
			return 0, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Next waits for entries that follow on the cursor, and returns 1 to 256 of them: one at a time
// when it is quiet, many when it is busy. They are shared: do not change them. *SlowConsumer,
// *Expired and ErrClosed are final; after another error (the context's or the source's) Next may be
// called again.
func (s *Subscription[E]) Next(ctx context.Context) ([]E, error) {
	for {
		select {
		case <-s.closed:
			return nil, s.end
		default:
		}

		t := s.feed.tail.Load()
		switch lag := t.head - s.cursor; {
		case lag <= 0:
			s.live = true
			select {
			case <-t.passed:
			case <-s.closed:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case s.live && lag > int64(s.hub.queue):
			s.hub.slow.Add(1)
			s.finish(&SlowConsumer{s.cursor})
		case s.cursor < t.base:
			return s.replay(ctx)
		default:
			return s.advance(t.after(s.cursor)), nil
		}
	}
}

// Close ends the subscription; a waiting Next returns.
func (s *Subscription[E]) Close() { s.finish(ErrClosed) }

// replay reads what the tail no longer has, in the reader's own time.
func (s *Subscription[E]) replay(ctx context.Context) ([]E, error) {
	entries, err := s.hub.source.Read(ctx, s.feed.organization, s.cursor, batch)
	if err != nil {
		return nil, fmt.Errorf("read the log of %s after %d: %w", s.feed.organization, s.cursor, err)
	}

	if n := len(entries); n == 0 || entries[n-1].Seq() != s.cursor+int64(n) {
		s.finish(&Expired{s.cursor})
		return nil, s.end
	}

	return s.advance(entries), nil
}

func (s *Subscription[E]) advance(entries []E) []E {
	s.cursor += int64(len(entries))
	return entries
}

func (s *Subscription[E]) finish(err error) {
	s.close.Do(func() {
		s.end = err
		close(s.closed)
		s.hub.leave(s.feed)
	})
}

func (h *Hub[E]) join(organization uid.ID) *feed[E] {
	h.mu.Lock()
	f := h.feeds[organization]
	if f == nil {
		f = &feed[E]{organization: organization}
		h.feeds[organization] = f
	}

	f.readers++
	h.mu.Unlock()
	h.line.want(h.logChannel(organization), 1)

	return f
}

func (h *Hub[E]) leave(f *feed[E]) {
	h.mu.Lock()
	if f.readers--; f.readers == 0 {
		delete(h.feeds, f.organization)
	}

	h.mu.Unlock()
	h.line.want(h.logChannel(f.organization), -1)
}
