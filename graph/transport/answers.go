package transport

import (
	"context"
	"sync/atomic"
)

const (
	leastRow    = 64      // bytes
	fieldSize   = 32      // bytes that a field of an answer has, more or less
	leastAnswer = 1 << 10 // bytes that an answer in the making is taken to have at least
	mostGuessed = 4 << 20 // and at most
)

// place is where answers wait to be read: the queue of a socket, or the request itself.
type place interface {
	turn(ctx context.Context, streams bool, size int) bool
	made(streams bool, paid, size int)
	leave(streams bool, paid int)
}

type placeKey struct{}

// single is the place of a request: each of its answers is written before the next is made.
type single struct {
	account *holder
	busy    chan struct{} // holds a token from the turn until the answer is written
	held    int
}

func newSingle(account *holder) *single {
	return &single{account: account, busy: make(chan struct{}, 1)}
}

func (s *single) turn(ctx context.Context, _ bool, size int) bool {
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		return false
	}

	if s.account.take(ctx, size) != nil {
		<-s.busy
		return false
	}

	return true
}

func (s *single) made(_ bool, paid, size int) {
	s.account.force(size - paid)
	s.held = size
}

func (s *single) leave(_ bool, paid int) {
	s.account.force(-paid)
	<-s.busy
}

// written is called when an answer has left, and without one does nothing.
func (s *single) written() {
	if s.held > 0 {
		s.account.force(-s.held)
		s.held = 0
		<-s.busy
	}
}

func (s *single) end() {
	s.written()
	s.account.done()
}

// turns is an operation's way to its turns, one after the other. A subscription's resolver takes
// one in its own goroutine, and the goroutine that resolves the answer uses it up; the operation
// may be over in between.
type turns struct {
	place   place
	streams bool
	idle    chan struct{} // holds a token while no turn is taken
	row     int           // bytes that one row of the answer may have, by what the operation asks for
	last    atomic.Int64  // bytes of the last answer
	paid    atomic.Int64  // 0 is no turn
	over    atomic.Bool
}

func (t *turns) init(place place, streams bool) {
	t.place, t.streams, t.idle = place, streams, make(chan struct{}, 1)
	t.idle <- struct{}{}
}

// take waits until the answer before is made, and the next may be, of which so many bytes are
// expected. False is that the operation is over.
func (t *turns) take(ctx context.Context, bytes int) bool {
	select {
	case <-t.idle:
	case <-ctx.Done():
		return false
	}

	size := min(max(bytes, leastAnswer), mostGuessed)
	if t.place != nil && !t.place.turn(ctx, t.streams, size) {
		t.idle <- struct{}{}
		return false
	}

	t.paid.Store(int64(size))
	if t.over.Load() {
		t.leave()
		return false
	}

	return true
}

func (t *turns) leave() {
	paid := t.paid.Swap(0)
	if paid == 0 {
		return
	}
	if t.place != nil {
		t.place.leave(t.streams, int(paid))
	}

	t.idle <- struct{}{}
}

// made tells of an answer. Who took no turn before has to wait now, with the answer in hands.
func (t *turns) made(ctx context.Context, size int) {
	if t.paid.Load() == 0 && !t.take(ctx, size) {
		return
	}

	t.last.Store(int64(size))
	paid := t.paid.Swap(0)
	if paid == 0 {
		return
	}
	if t.place != nil {
		t.place.made(t.streams, int(paid), size)
	}

	t.idle <- struct{}{}
}

func (t *turns) end() {
	t.over.Store(true)
	t.leave()
}

// Turn is the place in line of a subscription's answers, for its resolver's goroutine. Outside of
// subscriptions it never waits.
type Turn struct {
	turns  *turns
	held   bool
	expect int
}

// TurnOf is called with the resolver's context.
func TurnOf(ctx context.Context) *Turn {
	if run, ok := ctx.Value(operationKey{}).(*run); ok {
		return &Turn{turns: &run.turns}
	}
	return &Turn{}
}

// Take waits until the subscription's next answer may be made, and is false when the subscription
// is over. A resolver takes its turn before it reads what it is about to send, so that it is the
// reading that waits for a slow client, and not what was read. Again is no second turn. One that is
// not used after all has to be given back with Leave.
func (t *Turn) Take(ctx context.Context) bool {
	if t.turns == nil || t.held {
		return ctx.Err() == nil
	}

	expect := max(t.turns.row, int(t.turns.last.Load()))
	if t.expect > 0 {
		expect, t.expect = t.expect, 0
	}

	t.held = t.turns.take(ctx, expect)

	return t.held
}

// Expect says how many bytes the answer of the next turn may have, where that is known better than
// by the last answer.
func (t *Turn) Expect(bytes int) { t.expect = bytes }

// Row is how many bytes one row of the answer may have, by what the operation asks for.
func (t *Turn) Row() int {
	if t.turns == nil {
		return leastRow
	}
	return t.turns.row
}

// Leave gives up a turn; without one it does nothing.
func (t *Turn) Leave() {
	if t.held {
		t.held = false
		t.turns.leave()
	}
}

// Bytes is the size of the last answer, 0 before the first; right after Take it is that of the last
// one that was sent.
func (t *Turn) Bytes() int {
	if t.turns == nil {
		return 0
	}
	return int(t.turns.last.Load())
}

// Send hands a value to the client, in its turn. It is false when the subscription is over.
func Send[T any](ctx context.Context, turn *Turn, to chan<- T, value T) bool {
	if !turn.Take(ctx) {
		return false
	}

	select {
	case to <- value:
		turn.held = false // it is the answer's now
		return true
	case <-ctx.Done():
		return false
	}
}
