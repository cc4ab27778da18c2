package demo

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"time"
)

// status is what an event says of its message. Of two, the larger is the furthest: receipts may
// come in any order.
type status uint8

const (
	statusNone status = iota // none that this program knows
	statusQueued
	statusSending
	statusUnknown
	statusAccepted
	statusHeld
	statusSent
	statusFailed // a receipt shows that it was delivered after all
	statusDelivered
	statusRead
	statusSkipped
	statusCanceled
	statusEnd
)

var statusNames = [statusEnd]string{"", "QUEUED", "SENDING", "UNKNOWN", "ACCEPTED", "HELD", "SENT", "FAILED",
	"DELIVERED", "READ", "SKIPPED", "CANCELED"}

// UnmarshalText takes any name: the service may learn more.
func (s *status) UnmarshalText(name []byte) error {
	*s = statusNone
	for i, known := range statusNames {
		if string(name) == known {
			*s = status(i)
		}
	}

	return nil
}

// stage is a set of what can be said of a message once it had a status.
type stage uint8

const (
	wasAccepted stage = 1 << iota
	wasSent
	wasDelivered
	wasRead
	wasHandled // accepted, or it will not be: nothing more to send
	stages     = 5
)

var means = [statusEnd]stage{
	statusAccepted:  wasHandled | wasAccepted,
	statusHeld:      wasHandled | wasAccepted,
	statusSent:      wasHandled | wasAccepted | wasSent,
	statusDelivered: wasHandled | wasAccepted | wasSent | wasDelivered,
	statusRead:      wasHandled | wasAccepted | wasSent | wasDelivered | wasRead,
	statusFailed:    wasHandled,
	statusSkipped:   wasHandled,
	statusCanceled:  wasHandled,
}

// batch is a DeliveryEventBatch, with no more of it than counting needs.
type batch struct {
	Events []event `json:"events"`
	Cursor string  `json:"cursor"`
}

type event struct {
	Sequence int64  `json:"sequence"`
	Status   status `json:"status"`
	Message  struct {
		ID string `json:"id"`
	} `json:"message"`
}

// tally is the account of every message, kept from events alone.
type tally struct {
	recipients         int
	last               int64 // sequence number; a new organization's log begins with 1
	events             int
	gaps, repeats      int
	messages           map[string]message
	standing           [statusEnd]int // messages by the furthest status of each
	reached            [stages]int    // messages by stage
	lastEvent, handled time.Time      // when the last event came, and the last message was handled
}

type message struct {
	furthest status
	reached  stage
}

func newTally(recipients int) *tally {
	return &tally{recipients: recipients, messages: make(map[string]message, recipients)}
}

// add counts the events of one batch, which came at a time.
func (t *tally) add(events []event, at time.Time) {
	if len(events) > 0 {
		t.lastEvent = at
	}

	for i := range events {
		e := &events[i]
		t.events++
		if e.Sequence <= t.last {
			t.repeats++
			continue
		}

		t.gaps += int(e.Sequence - t.last - 1)
		t.last = e.Sequence
		t.count(e, at)
	}
}

func (t *tally) count(e *event, at time.Time) {
	if e.Status == statusNone {
		return
	}

	m := t.messages[e.Message.ID]
	fresh := means[e.Status] &^ m.reached

	for i := range stages {
		if fresh&(1<<i) != 0 {
			t.reached[i]++
		}
	}

	if fresh&wasHandled != 0 {
		t.handled = at
	}

	if e.Status > m.furthest {
		if m.furthest != statusNone {
			t.standing[m.furthest]--
		}

		t.standing[e.Status]++
		m.furthest = e.Status
	}

	m.reached |= fresh
	t.messages[e.Message.ID] = m
}

// at is how many messages have come to a stage, or further.
func (t *tally) at(s stage) int { return t.reached[bits.TrailingZeros8(uint8(s))] }

// settled is how many messages nothing more can happen to.
func (t *tally) settled() int {
	return t.standing[statusRead] + t.standing[statusFailed] + t.standing[statusSkipped] + t.standing[statusCanceled]
}

// standsWell is how many messages may stay what they are: settled, or on the way to somebody who
// may never read them.
func (t *tally) standsWell() int {
	return t.settled() + t.standing[statusSent] + t.standing[statusDelivered]
}

func (t *tally) result(launched time.Time) Result {
	r := Result{
		Recipients: t.recipients, Accepted: t.at(wasAccepted), Sent: t.at(wasSent), Delivered: t.at(wasDelivered),
		Read:   t.at(wasRead),
		Failed: t.standing[statusFailed], Skipped: t.standing[statusSkipped], Unknown: t.standing[statusUnknown],
		Events: t.events, SequenceGaps: t.gaps, DuplicateEvents: t.repeats,
	}
	if handled := t.at(wasHandled); handled > 0 {
		seconds := max(t.handled.Sub(launched), time.Millisecond).Seconds()
		r.Seconds = math.Round(seconds*1000) / 1000
		r.PerSecond = math.Round(float64(handled)/seconds*10) / 10
	}

	return r
}

// verdict is nil when all is well.
func (t *tally) verdict() error {
	var wrong []string
	if missing := t.recipients - t.standsWell(); missing > 0 {
		where := []string{}
		for _, s := range []status{statusQueued, statusSending, statusUnknown, statusAccepted, statusHeld} {
			if n := t.standing[s]; n > 0 {
				where = append(where, fmt.Sprintf("%d %s", n, statusNames[s]))
			}
		}

		if silent := t.recipients - len(t.messages); silent > 0 {
			where = append(where, fmt.Sprintf("%d without an event", silent))
		}

		wrong = append(wrong, fmt.Sprintf("%d of %d messages have no final account: %s", missing, t.recipients,
			strings.Join(where, ", ")))
	}

	if extra := len(t.messages) - t.recipients; extra > 0 {
		wrong = append(wrong, fmt.Sprintf("there are events of %d messages for %d recipients", len(t.messages), t.recipients))
	}
	if t.gaps > 0 {
		wrong = append(wrong, fmt.Sprintf("%d sequence numbers are missing in the stream of events", t.gaps))
	}
	if t.repeats > 0 {
		wrong = append(wrong, fmt.Sprintf("%d events were repeated or out of order", t.repeats))
	}
	if len(wrong) == 0 {
		return nil
	}

	return errors.New(strings.Join(wrong, "; "))
}
