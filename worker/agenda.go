package worker

import (
	"context"
	"slices"
	"time"

	"carillon/delivery"
)

// agenda orders what a lane has claimed: a message whose campaign has a limit of its own goes at
// its time, all others as soon as the number's pace lets them, so that a slow campaign holds up no
// other.
type agenda struct {
	claims <-chan []timed
	free   []timed
	later  []timed // by time
}

// next waits for the message that is to go next; false when nothing is left or ctx ends.
func (a *agenda) next(ctx context.Context) (timed, bool) {
	for ctx.Err() == nil {
		switch now := time.Now(); {
		case len(a.later) > 0 && !a.later[0].at.After(now):
			return pop(&a.later), true
		case len(a.free) > 0:
			return pop(&a.free), true
		case len(a.later) > 0:
			if !a.wait(ctx, a.later[0].at.Sub(now)) {
				return timed{}, false
			}
		case a.claims == nil:
			return timed{}, false
		default:
			select {
			case batch, open := <-a.claims:
				a.add(batch, open)
			case <-ctx.Done():
				return timed{}, false
			}
		}
	}

	return timed{}, false
}

// wait for the next message's time, or for a batch that may hold one that can go before.
func (a *agenda) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case batch, open := <-a.claims: // a nil channel never speaks
		a.add(batch, open)
	case <-timer.C:
	case <-ctx.Done():
		return false
	}

	return true
}

func (a *agenda) add(batch []timed, open bool) {
	if !open {
		a.claims = nil
	}

	for _, m := range batch {
		if m.at.IsZero() {
			a.free = append(a.free, m)
		} else {
			a.later = append(a.later, m)
		}
	}

	slices.SortStableFunc(a.later, func(x, y timed) int { return x.at.Compare(y.at) })
}

// rest is everything that was claimed and not taken; it waits for the last batch.
func (a *agenda) rest() (messages []delivery.Claimed) {
	for a.claims != nil {
		batch, open := <-a.claims
		a.add(batch, open)
	}

	for _, m := range slices.Concat(a.free, a.later) {
		messages = append(messages, m.Claimed)
	}

	return messages
}

func pop(list *[]timed) timed {
	m := (*list)[0]
	*list = (*list)[1:]
	return m
}
