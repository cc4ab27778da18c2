package transport

import (
	"context"
	"slices"
	"sync"
)

// queue holds the frames that wait for a socket to take them. Results of operations are let in by reserve, which waits
// for room. All else is let in at once: pings and pongs, which overtake, and the ends of operations, of which there
// are no more than operations.
type queue struct {
	maxFrames, maxBytes int

	mu       sync.Mutex
	frames   []queued
	control  [][]byte
	bytes    int           // of frames that wait or are being written, and of those reserved
	slots    int           // their number
	reserved []int         // sizes let in by reserve that are still to come
	room     chan struct{} // closed, and made anew, when a frame has left
	ready    chan struct{} // holds a token when there may be something to take
}

type queued struct {
	operation string // "" for a frame of none
	frame     []byte
}

func newQueue(maxFrames, maxBytes int) *queue {
	return &queue{maxFrames: maxFrames, maxBytes: maxBytes, room: make(chan struct{}), ready: make(chan struct{}, 1)}
}

// reserve waits until there is room for a result of about that size, or ctx is done: then the socket is going, or the
// operation, and what is still pushed is thrown away. A result larger than the whole queue goes when it is empty.
func (q *queue) reserve(ctx context.Context, size int) {
	for {
		q.mu.Lock()
		if q.slots == 0 || q.slots < q.maxFrames && q.bytes+size <= q.maxBytes || ctx.Err() != nil {
			q.slots++
			q.bytes += size
			q.reserved = append(q.reserved, size)
			q.mu.Unlock()
			return
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
}

// wait returns true when there is room, without taking it, or false when ctx is done first.
func (q *queue) wait(ctx context.Context) bool {
	for {
		q.mu.Lock()
		room, free := q.room, q.slots < q.maxFrames && q.bytes < q.maxBytes
		q.mu.Unlock()
		if free {
			return true
		}
		select {
		case <-room:
		case <-ctx.Done():
			return false
		}
	}
}

// settle gives back what one reservation took. Which one does not matter: they are all given back in the end.
func (q *queue) settle() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.reserved) == 0 {
		return
	}
	size := q.reserved[0]
	q.reserved = q.reserved[1:]
	q.release(size)
}

func (q *queue) push(operation string, frame []byte) {
	q.mu.Lock()
	q.frames = append(q.frames, queued{operation, frame})
	q.slots++
	q.bytes += len(frame)
	q.mu.Unlock()
	q.wake()
}

// drop forgets the frames of an operation that its client has ended: with the id in use again, they would look like
// the next operation's.
func (q *queue) drop(operation string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.frames = slices.DeleteFunc(q.frames, func(f queued) bool {
		if f.operation != operation {
			return false
		}
		q.release(len(f.frame))
		return true
	})
}

// pushControl reports whether there was room: a peer that sends pings and reads no pongs fills it.
func (q *queue) pushControl(frame []byte) bool {
	q.mu.Lock()
	full := len(q.control) >= q.maxFrames
	if !full {
		q.control = append(q.control, frame)
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
		q.release(len(frame))
	}
}

func (q *queue) release(size int) {
	q.slots--
	q.bytes -= size
	close(q.room)
	q.room = make(chan struct{})
}
