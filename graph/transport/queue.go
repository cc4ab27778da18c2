package transport

import (
	"container/list"
	"context"
	"slices"
	"sync"
)

const (
	// mostMaking is how many answers of one socket are in the making at a time, and mostQuestions how
	// many of these may be queries and mutations: a slow one must not hold up the subscriptions.
	mostMaking, mostQuestions = 4, 3
	// mostControl bounds pongs that wait, in bytes: a ping brings along what its pong has to say.
	mostControl = 128 << 10
)

// queue holds the frames that wait for a socket to take them. An answer is let in by turn, which
// waits for room before the answer is made: so a socket that is not read holds up its own answers,
// and no memory. All else is let in at once: pings and pongs, which overtake, and the ends of
// operations, of which there are no more than operations.
type queue struct {
	maxFrames, maxBytes int

	mu       sync.Mutex
	account  *holder // pays for the bytes, once it is known whose the socket is
	frames   []queued
	control  [][]byte
	pongs    int           // bytes of control
	bytes    int           // of frames that wait or are being written, and of answers that are made
	slots    int           // their number
	making   int           // answers that have their turn
	asked    int           // those of them that are no subscription's
	line     list.List     // of *inLine, who wait for theirs
	hungry   bool          // the budget will tell when there may be more
	reserved []reservation // answers that are made and still to come as frames
	room     chan struct{} // closed when there may be room, if somebody waits for that; else nil
	ready    chan struct{} // holds a token when there may be something to take
}

// inLine is an answer that waits for its turn.
type inLine struct {
	streams bool
	size    int
	come    chan struct{} // closed when the turn has come
}

type queued struct {
	operation string // "" for a frame of none
	frame     []byte
}

// reservation is for an answer of that size, for which so much was paid.
type reservation struct{ size, paid int }

func newQueue(maxFrames, maxBytes int) *queue {
	return &queue{maxFrames: maxFrames, maxBytes: maxBytes, ready: make(chan struct{}, 1)}
}

// turn waits until an answer of about that size may be made, or ctx is done. made or leave must
// follow. An answer that is larger than the whole queue has its turn when that is empty.
func (q *queue) turn(ctx context.Context, streams bool, size int) bool {
	q.mu.Lock()
	if q.line.Len() == 0 && q.mayMake(streams, size) && q.pay(size) {
		q.begin(streams, size)
		q.mu.Unlock()
		return true
	}

	w := &inLine{streams, size, make(chan struct{})}
	at := q.line.PushBack(w)
	q.admit()
	q.mu.Unlock()

	select {
	case <-w.come:
		return true
	case <-ctx.Done():
	}

	q.mu.Lock()
	defer q.mu.Unlock()

	select {
	case <-w.come: // at the same moment
		q.giveBack(streams, size)
	default:
		q.line.Remove(at)
		q.admit()
	}

	return false
}

func (q *queue) mayMake(streams bool, size int) bool {
	return q.making < mostMaking && (streams || q.asked < mostQuestions) &&
		(q.slots == 0 || q.slots < q.maxFrames && q.bytes+size <= q.maxBytes)
}

// pay takes from the budget, or has it tell when there may be more.
func (q *queue) pay(size int) bool {
	if q.account.try(size) == nil {
		return true
	}
	if !q.hungry {
		_, q.hungry = q.account.await(size, func() { go q.fed() })
	}

	return !q.hungry && q.account.try(size) == nil
}

func (q *queue) fed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hungry = false
	q.admit()
}

func (q *queue) begin(streams bool, size int) {
	q.slots++
	q.bytes += size
	q.making++
	if !streams {
		q.asked++
	}
}

// admit gives turns to those in line. Events overtake questions of which there are too many.
func (q *queue) admit() {
	for at := q.line.Front(); at != nil && q.making < mostMaking; {
		w, next := at.Value.(*inLine), at.Next()
		if q.mayMake(w.streams, w.size) {
			if !q.pay(w.size) {
				return
			}

			q.line.Remove(at)
			q.begin(w.streams, w.size)
			close(w.come)
		} else if w.streams {
			return
		}

		at = next
	}
}

// made makes of a turn a reservation, for an answer that turned out to be of that size.
func (q *queue) made(streams bool, paid, size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes += size - paid
	q.reserved = append(q.reserved, reservation{size, paid})
	q.over(streams)
}

// leave gives a turn back.
func (q *queue) leave(streams bool, paid int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.giveBack(streams, paid)
}

func (q *queue) giveBack(streams bool, paid int) {
	q.account.force(-paid)
	q.slots--
	q.bytes -= paid
	q.over(streams)
}

func (q *queue) over(streams bool) {
	q.making--
	if !streams {
		q.asked--
	}

	q.signal()
}

// wait returns true when there is room, without taking it, or false when ctx is done first.
func (q *queue) wait(ctx context.Context) bool {
	for {
		q.mu.Lock()
		if q.slots < q.maxFrames && q.bytes < q.maxBytes {
			q.mu.Unlock()
			return true
		}

		if q.room == nil {
			q.room = make(chan struct{})
		}

		room := q.room
		q.mu.Unlock()

		select {
		case <-room:
		case <-ctx.Done():
			return false
		}
	}
}

// push lets a frame in. That of an answer takes the place of its reservation; which one does not
// matter, since all are taken in the end. A nil frame is one that nobody waits for any more.
func (q *queue) push(operation string, frame []byte, answer bool) {
	q.mu.Lock()
	paid := 0
	if answer && len(q.reserved) > 0 {
		var r reservation
		r, q.reserved = q.reserved[0], q.reserved[1:]
		q.slots--
		q.bytes -= r.size
		paid = r.paid
	}

	q.account.force(len(frame) - paid)
	if frame == nil {
		q.signal()
	} else {
		q.frames = append(q.frames, queued{operation, frame})
		q.slots++
		q.bytes += len(frame)
	}

	q.mu.Unlock()
	q.wake()
}

// drop forgets the frames of an operation that its client has ended: with the id in use again, they
// would look like the next operation's.
func (q *queue) drop(operation string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.frames = slices.DeleteFunc(q.frames, func(f queued) bool {
		if f.operation != operation {
			return false
		}

		q.account.force(-len(f.frame))
		q.release(len(f.frame))

		return true
	})
}

// pushControl reports whether there was room: a peer that sends pings and reads no pongs fills it.
func (q *queue) pushControl(frame []byte) bool {
	q.mu.Lock()
	full := len(q.control) >= q.maxFrames || q.pongs+len(frame) > mostControl
	if !full {
		q.control = append(q.control, frame)
		q.pongs += len(frame)
	}

	q.mu.Unlock()
	q.wake()

	return !full
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default: // a token is there already
	}
}

// take removes the next frame; written must follow when it has left. Nil is none.
func (q *queue) take() (frame []byte, written func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.control) > 0 {
		frame, q.control = q.control[0], q.control[1:]
		q.pongs -= len(frame)
		return frame, func() {}
	}

	if len(q.frames) == 0 {
		q.frames, q.control = nil, nil // an idle socket keeps no memory for a busy hour
		return nil, nil
	}

	frame, q.frames[0] = q.frames[0].frame, queued{}
	q.frames = q.frames[1:]

	return frame, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.account.force(-len(frame))
		q.release(len(frame))
	}
}

func (q *queue) release(size int) {
	q.slots--
	q.bytes -= size
	q.signal()
}

func (q *queue) signal() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}

	if q.line.Len() > 0 {
		q.admit()
	}
}

// pays names who pays for the frames from now on.
func (q *queue) pays(account *holder) {
	q.mu.Lock()
	defer q.mu.Unlock()
	account.force(q.bytes)
	q.account = account
}

// end gives everything back that is still here. Nothing may come any more.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.reserved {
		q.account.force(-r.paid)
	}

	for _, f := range q.frames {
		q.account.force(-len(f.frame))
	}

	q.frames, q.reserved = nil, nil
}
