package worker

import (
	"context"
	"sync"
	"time"

	"carillon/uid"
)

const (
	mostSlots = 5000
	// retryRedis is how long a lane waits when Redis does not answer: it stops sending, and goes on by
	// itself.
	retryRedis = 250 * time.Millisecond
	// longestWait is how long a lane waits for its number's next slot. Where that is farther off,
	// because WhatsApp asked for a rest, the lane makes room for other numbers.
	longestWait = time.Second
)

// pacer walks one lane through the slots it leases. A slot that is past by more than lateness is
// gone: using it would put too many messages into one second.
type pacer struct {
	mu        sync.Mutex
	pace      *Pace
	number    uid.ID
	perSecond float64
	runs      []slots
	owed      int // slots to leave out, for messages that left late
}

// wait returns at the moment when the next message may go, which it tells, or with an error when
// ctx ends.
func (p *pacer) wait(ctx context.Context) (slot time.Time, err error) {
	slot, err = p.take(ctx)
	if err != nil {
		return slot, err
	}

	return slot, sleep(ctx, time.Until(slot))
}

// hold keeps a message that was held up on its way, by a busy machine or a handshake, until a slot
// of the present, which it tells: its own is past.
func (p *pacer) hold(ctx context.Context, slot time.Time) (present time.Time, err error) {
	for err == nil && time.Since(slot) > lateness {
		slot, err = p.wait(ctx)
	}

	return slot, err
}

// left is told that a slot's message is written. One that was late all the same falls among later
// ones, so one of those is left out: any second that the late message is in has one slot less.
func (p *pacer) left(slot time.Time) {
	if time.Since(slot) <= written {
		return
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	p.owed++
}

func (p *pacer) take(ctx context.Context) (time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if err := p.lease(ctx); err != nil {
			return time.Time{}, err
		}
		if at := p.next(time.Now()); !at.IsZero() {
			return at, nil
		}
	}
}

// next takes the first slot that is not past; zero when none is left.
func (p *pacer) next(now time.Time) time.Time {
	for len(p.runs) > 0 {
		r := &p.runs[0]
		if behind := now.Sub(r.first) - lateness; behind > 0 && r.n > 0 && r.every > 0 {
			past := min(r.n, int(behind/r.every)+1)
			r.first, r.n = r.first.Add(time.Duration(past)*r.every), r.n-past
		}

		if r.n > 0 {
			at := r.first
			r.first, r.n = r.first.Add(r.every), r.n-1
			if p.owed > 0 {
				p.owed--
				continue
			}

			return at
		}

		p.runs = p.runs[1:]
	}

	return time.Time{}
}

// lease keeps slots for the near future in hand: it asks for more while the last are still to come,
// so that the way to Redis costs no slot.
func (p *pacer) lease(ctx context.Context) error {
	for {
		left, until := 0, time.Time{}
		for _, r := range p.runs {
			left, until = left+r.n, r.first.Add(time.Duration(r.n)*r.every)
		}

		if left > 0 && (left > 1 && time.Until(until) > ahead/2 || time.Until(until) > ahead) {
			return nil
		}

		got, wait, err := p.pace.lease(ctx, p.number, p.perSecond, mostSlots)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			wait = retryRedis
		case got.n > 0:
			p.runs = append(p.runs, got)
			return nil
		}

		if left > 0 {
			return nil
		}
		if wait > longestWait {
			return farOff(wait)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// farOff says when a number has its next slot.
type farOff time.Duration

func (d farOff) Error() string { return "the next slot is " + time.Duration(d).String() + " off" }

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}

	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
