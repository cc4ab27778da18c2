package worker

import (
	"context"
	"time"

	"carillon/delivery"
)

const (
	// settleTimeout bounds the time for writing down what became of what was sent, also after the turn
	// has ended.
	settleTimeout = 30 * time.Second
	// unsettled is how many answers may wait for the journal before a lane stops sending: as many more
	// messages become UNKNOWN when the process dies.
	unsettled = 1000
)

func (l *lane) giveBack(messages ...delivery.Claimed) {
	if len(messages) == 0 {
		return
	}

	facts := make([]delivery.Fact, len(messages))
	for i, m := range messages {
		facts[i] = l.back(m)
	}

	l.record(facts...)
}

func (l *lane) back(m delivery.Claimed) delivery.Fact {
	return delivery.Fact{Message: m.ID, Attempt: m.Attempt, Claim: m.Claim, Kind: delivery.Return, At: l.now()}
}

// journalAnswers writes answers down: those that come while one commit runs go into the next, and
// sending does not wait for it.
func (l *lane) journalAnswers() {
	for first := range l.answers {
		facts := []delivery.Fact{first}
		for range len(l.answers) {
			facts = append(facts, <-l.answers)
		}

		l.record(facts...)
	}
}

// record writes facts down whatever has ended meanwhile. If it cannot, the lease runs out and the
// sweep takes over.
func (l *lane) record(facts ...delivery.Fact) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), settleTimeout)
	defer cancel()
	_, err := l.journal.Record(ctx, facts...)

	switch {
	case err == nil:
	case len(facts) > 1: // one that the database cannot take must not cost the others their answers
		for _, f := range facts {
			l.record(f)
		}
	default:
		l.log.Error("an answer could not be written down; its message becomes UNKNOWN when the lease runs out",
			"phone_number", l.number.String(), "message", facts[0].Message.String(), "error", err)
	}
}
