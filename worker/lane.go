package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"carillon/account"
	"carillon/caller"
	"carillon/campaign"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/whatsapp"
)

const (
	// A lane goes to the back of the queue after its turn, so that a few workers serve any number of
	// lanes.
	longTurn  = 5 * time.Second
	shortTurn = 500 * time.Millisecond
	// restAfterUnreachable is how long a lane waits when WhatsApp cannot be reached at all.
	restAfterUnreachable = 2 * time.Second
)

// Parts are what every lane of a process shares.
type Parts struct {
	Queue     *delivery.Queue
	Journal   *delivery.Journal
	Accounts  *account.Service
	Campaigns Campaigns
	Pace      *Pace
	Waiting   func(context.Context) bool // whether other tasks wait for a worker
	Now       func() time.Time
	Log       *slog.Logger
}

// Lanes send. A lane is one number's pump: it claims what is due, waits for slots of the number's
// pace, has as many messages in flight as rate and latency ask for, and journals the answers.
type Lanes struct {
	queue     *delivery.Queue
	journal   *delivery.Journal
	accounts  *account.Service
	campaigns Campaigns
	pace      *Pace
	now       func() time.Time
	log       *slog.Logger
	turns     atomic.Int64
	breakers  breakers
	reread    rereads
	waiting   func(context.Context) bool
	metrics   metrics

	runningMu sync.Mutex
	running   map[uid.ID]bool // numbers whose lane runs in this process; true: it was woken again meanwhile
}

// Campaigns does what an error asks for beyond its own message, and completes campaigns that are
// over.
type Campaigns interface {
	React(ctx context.Context, f campaign.Failure) (stopped bool, err error)
	Finish(ctx context.Context, phoneNumber uid.ID) error
	AtLimit(ctx context.Context, account uid.ID, people int) error
	AccountChanged(ctx context.Context, a *ent.Account) error
	AtQuota(ctx context.Context, organization uid.ID, perDay int) error
}

// NewLanes makes the lanes of this process.
func NewLanes(p Parts) *Lanes {
	return &Lanes{queue: p.Queue, journal: p.Journal, accounts: p.Accounts, campaigns: p.Campaigns,
		pace: p.Pace, waiting: p.Waiting, now: p.Now, log: p.Log, running: map[uid.ID]bool{},
		metrics: newMetrics()}
}

// turnTime is how long a lane may send before it makes room: short while others wait.
func (ls *Lanes) turnTime(ctx context.Context) time.Duration {
	if ls.waiting(ctx) {
		return shortTurn
	}
	return longTurn
}

// Drain gives a number its turn. It returns when to come back: at once when the turn was not long
// enough, later when messages wait for their time, and not at all (false) when nothing is left.
// While the number's lane runs in this process it only sees to it that this one comes back: lanes
// beside each other would each claim ahead, and keep a single message or a pause waiting.
func (ls *Lanes) Drain(ctx context.Context, number uid.ID) (again time.Duration, more bool, err error) {
	if !ls.begin(number) {
		return 0, false, nil
	}

	defer func() { // also when it panics, or the number would be left alone for as long as the process lives
		if ls.end(number) {
			again, more = 0, true
		}
	}()

	return ls.takeTurn(ctx, number)
}

// begin is false when the number's lane runs already, which now knows that it was woken.
func (ls *Lanes) begin(number uid.ID) bool {
	ls.runningMu.Lock()
	defer ls.runningMu.Unlock()
	if _, runs := ls.running[number]; runs {
		ls.running[number] = true
		return false
	}

	ls.running[number] = false

	return true
}

// end says whether the number's lane was woken while it ran: it may have looked too early for what
// it was woken for.
func (ls *Lanes) end(number uid.ID) (woken bool) {
	ls.runningMu.Lock()
	defer ls.runningMu.Unlock()
	woken = ls.running[number]
	delete(ls.running, number)

	return woken
}

// takeTurn runs the number's lane for one turn.
func (ls *Lanes) takeTurn(ctx context.Context, number uid.ID) (again time.Duration, more bool, err error) {
	system := caller.System(ctx)
	sender, err := ls.accounts.Sender(system, number)
	if err != nil {
		return 0, false, fmt.Errorf("send from number %s: %w", number, err)
	}

	l := &lane{Lanes: ls, number: number, sender: sender, perSecond: perSecond(sender.PhoneNumber),
		marketing: account.MarketingRoute(sender.Account), templates: map[uid.ID]whatsapp.Template{},
		breaker: ls.breakers.of(sender.Account.ID), answers: make(chan delivery.Fact, unsettled),
		ends: time.Now().Add(ls.turnTime(system))}
	if wait := l.breaker.closed(time.Now()); wait > 0 {
		return wait, true, nil
	}

	l.ctx, l.stop = context.WithCancel(system)
	defer l.stop()
	ls.metrics.allowed.Add(l.perSecond)
	defer ls.metrics.allowed.Sub(l.perSecond)

	// unbuffered: one batch is claimed ahead, one part handed over ahead
	claims, parts := make(chan []timed), make(chan []timed)
	go l.claim(claims)
	go l.handOver(claims, parts)
	var settling sync.WaitGroup
	settling.Go(l.journalAnswers)
	l.send(parts)
	l.senders.Wait()
	close(l.answers)
	settling.Wait()

	settle, cancel := context.WithTimeout(context.WithoutCancel(system), settleTimeout)
	defer cancel()
	if l.err != nil {
		return 0, false, fmt.Errorf("send from number %s: %w", number, l.err)
	}
	if rest := max(l.rest, l.breaker.closed(time.Now())); rest > 0 {
		return rest, true, nil
	}
	if err := ls.campaigns.Finish(settle, number); err != nil {
		return 0, false, err
	}

	due, waits, err := ls.queue.NextDue(settle, number)
	if err != nil || !waits {
		return 0, false, err
	}

	return max(0, due.Sub(ls.now())), true, nil
}

// perSecond is the number's limit: Meta's, or the operator's where it is lower.
func perSecond(number *ent.PhoneNumber) float64 {
	if number.ThroughputCap != nil && *number.ThroughputCap < number.Throughput {
		return float64(*number.ThroughputCap)
	}
	return float64(number.Throughput)
}

// lane is one turn of one number.
type lane struct {
	*Lanes
	number    uid.ID
	sender    account.Sender
	perSecond float64
	marketing whatsapp.Route // of the account's marketing templates
	templates map[uid.ID]whatsapp.Template

	breaker *breaker
	ends    time.Time       // the turn: nothing is claimed later; what is claimed is sent
	ctx     context.Context // ends with the process, or when sending makes no sense: what is claimed goes back
	stop    context.CancelFunc
	senders sync.WaitGroup
	window  window
	pacer   *pacer
	answers chan delivery.Fact // what came of messages, to be written down

	mu   sync.Mutex
	rest time.Duration // do not come back before
	err  error
}

func (l *lane) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}

	l.stop()
}

// pause ends the turn; the lane comes back after d.
func (l *lane) pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = max(l.rest, d)
	l.stop()
}

// restUntil ends the turn when the number's next slot is far off.
func (l *lane) restUntil(err error) {
	if wait, is := errors.AsType[farOff](err); is {
		l.pause(time.Duration(wait))
	}
}

func (l *lane) disconnected() bool {
	return l.sender.Account.Status == enum.AccountStatusDisconnected
}
