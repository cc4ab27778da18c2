package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"carillon/account"
	"carillon/audience"
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
	// claimAhead is how much sending is claimed at once: little, so that a single message overtakes a
	// campaign soon, a pause leaves little to give back, and a process that dies leaves few messages
	// of which nobody knows whether they were sent. A fast number claims less time, but no fewer than
	// fairClaim, so that a claim is worth its transaction.
	claimAhead = 250 * time.Millisecond
	claimFast  = 100 * time.Millisecond
	leastClaim = 4
	fairClaim  = 25
	mostClaim  = 1000
	// restAfterUnreachable is how long a lane waits when WhatsApp cannot be reached at all.
	restAfterUnreachable = 2 * time.Second
)

// Lanes send. A lane is one number's pump: it claims what is due, waits for slots of the number's
// pace, has as many messages in flight as rate and latency ask for, and journals the answers.
type Lanes struct {
	queue     *delivery.Queue
	journal   *delivery.Journal
	accounts  *account.Service
	templates *ent.Client
	campaigns Stopper
	client    *whatsapp.Client
	pace      *Pace
	now       func() time.Time
	log       *slog.Logger
	turns     atomic.Int64
	breakers  breakers
	waiting   func(context.Context) bool

	runningMu sync.Mutex
	running   map[uid.ID]bool // numbers whose lane runs in this process; true: it was woken again meanwhile
}

// Stopper does what an error asks for beyond its own message, and completes campaigns that are
// over.
type Stopper interface {
	React(ctx context.Context, f campaign.Failure) (stopped bool, err error)
	Finish(ctx context.Context, phoneNumber uid.ID) error
	AtLimit(ctx context.Context, account uid.ID, people int) error
	AccountChanged(ctx context.Context, a *ent.Account) error
	AtQuota(ctx context.Context, organization uid.ID, perDay int) error
}

// NewLanes builds what every lane of this process shares.
// Waiting says whether other tasks wait for a worker.
func NewLanes(queue *delivery.Queue, journal *delivery.Journal, accounts *account.Service, templates *ent.Client,
	campaigns Stopper, client *whatsapp.Client, pace *Pace, waiting func(context.Context) bool, now func() time.Time,
	log *slog.Logger) *Lanes {
	return &Lanes{queue: queue, journal: journal, accounts: accounts, templates: templates, campaigns: campaigns,
		client: client, pace: pace, waiting: waiting, now: now, log: log, running: map[uid.ID]bool{}}
}

// turn is how long a lane may send before it makes room: short while others wait.
func (ls *Lanes) turn(ctx context.Context) time.Duration {
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

	return ls.drain(ctx, number)
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

func (ls *Lanes) drain(ctx context.Context, number uid.ID) (again time.Duration, more bool, err error) {
	system := caller.System(ctx)
	sender, err := ls.accounts.Sender(system, number)
	if err != nil {
		return 0, false, fmt.Errorf("drain lane of %s: %w", number, err)
	}

	l := &lane{Lanes: ls, number: number, sender: sender, perSecond: perSecond(sender.PhoneNumber),
		templates: map[uid.ID]whatsapp.Template{},
		breaker:   ls.breakers.of(sender.Account.ID), answers: make(chan delivery.Fact, unsettled),
		ends: time.Now().Add(ls.turn(system))}
	if wait := l.breaker.closed(time.Now()); wait > 0 {
		return wait, true, nil
	}

	l.ctx, l.stop = context.WithCancel(system)
	defer l.stop()

	// unbuffered: one batch is claimed ahead, one part handed over ahead
	claims, parts := make(chan []timed), make(chan []timed)
	go l.claim(claims)
	go l.handOver(claims, parts)
	var settling sync.WaitGroup
	settling.Go(l.settle)
	l.send(parts)
	l.senders.Wait()
	close(l.answers)
	settling.Wait()

	settle, cancel := context.WithTimeout(context.WithoutCancel(system), settleTimeout)
	defer cancel()
	if l.err != nil {
		return 0, false, fmt.Errorf("drain lane of %s: %w", number, l.err)
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

// timed is a claimed message and when its campaign's own limit lets it go; the zero time is at
// once.
type timed struct {
	delivery.Claimed
	at time.Time
}

// claim takes batches off the queue, one ahead of the sending, until nothing is due or the turn is
// over.
func (l *lane) claim(claims chan<- []timed) {
	defer close(claims)
	for l.ctx.Err() == nil && time.Now().Before(l.ends) {
		n := l.breaker.allows(claimSize(l.perSecond), time.Now())
		if n == 0 {
			return
		}

		batch, err := l.batch(context.WithoutCancel(l.ctx), n)
		if err != nil {
			l.fail(err)
			return
		}

		if len(batch) == 0 {
			return
		}

		claims <- batch // handOver reads until the channel is closed
		if n == 1 {
			return // a probe's answer decides what comes next
		}
	}
}

// claimSize is how many messages a number of that rate claims at once.
func claimSize(perSecond float64) int {
	slow, fast := int(perSecond*claimAhead.Seconds()), int(perSecond*claimFast.Seconds())
	return min(max(min(slow, max(fast, fairClaim)), leastClaim), mostClaim)
}

// batch claims up to n messages. Each turn begins with another campaign; one with a limit of its
// own gives as many as it has slots in the time that a batch lasts.
func (l *lane) batch(ctx context.Context, n int) ([]timed, error) {
	campaigns, err := l.queue.Runnable(ctx, l.number)
	if err != nil {
		return nil, err
	}

	if l.disconnected() && len(campaigns) > 0 { // whoever disconnected the account died before they could pause these
		if err := l.campaigns.AccountChanged(ctx, l.sender.Account); err != nil {
			return nil, err
		}

		campaigns = nil
	}

	if k := len(campaigns); k > 1 {
		first := int(l.turns.Add(1) % int64(k))
		campaigns = slices.Concat(campaigns[first:], campaigns[:first])
	}

	leased := map[uid.ID]slots{}
	for i := range campaigns {
		if limit := campaigns[i].RateLimit; limit != nil {
			s, err := l.pace.leaseCampaign(ctx, l.number, campaigns[i].Campaign, float64(*limit), n)
			if err != nil {
				return nil, err
			}

			leased[campaigns[i].Campaign], campaigns[i].Most = s, s.n
		}
	}

	limit := delivery.Limit{Account: l.sender.Account.ID, People: l.sender.Account.MessagingLimit,
		Organization: l.sender.Account.OrganizationID, PerDay: l.sender.MessagesPerDay}
	claimed, full, err := l.queue.Claim(ctx, l.number, n, campaigns, limit)
	if err != nil {
		return nil, err
	}
	if full && len(claimed) == 0 {
		return nil, l.atLimit(ctx, limit)
	}

	batch := make([]timed, len(claimed))
	for i, m := range claimed {
		batch[i].Claimed = m
		if s, limited := leased[m.Campaign]; limited {
			batch[i].at = s.first
			s.first = s.first.Add(s.every)
			leased[m.Campaign] = s
		}
	}

	return batch, nil
}

// handOver marks claimed messages as possibly sent, a part just ahead of the sending, and gives
// back what is not to be sent any more. So a process that dies leaves only few messages of which
// nobody knows whether they were sent, and a pause leaves only few to be sent.
func (l *lane) handOver(claims <-chan []timed, parts chan<- []timed) {
	defer close(parts)
	for batch := range claims {
		for rest := batch; len(rest) > 0; {
			if rest = l.withoutStopped(rest); len(rest) == 0 {
				break
			}

			n := 1
			for n < len(rest) && rest[n].Part == rest[0].Part {
				n++
			}

			if l.ctx.Err() == nil {
				held, err := l.queue.HandOver(context.WithoutCancel(l.ctx), rest[0].Claim, rest[0].Part, n == len(rest))
				if err != nil {
					l.fail(err)
				} else if !held {
					l.stop()
				}
			}

			if l.ctx.Err() != nil {
				l.giveBack(claimedOf(rest)...)
				break
			}

			parts <- rest[:n] // send reads until the channel is closed
			rest = rest[n:]
		}
	}
}

// withoutStopped gives back the messages of campaigns that may not send any more, and returns the
// others.
func (l *lane) withoutStopped(batch []timed) []timed {
	var campaigns []uid.ID
	for _, m := range batch {
		if !m.Campaign.IsZero() && !slices.Contains(campaigns, m.Campaign) {
			campaigns = append(campaigns, m.Campaign)
		}
	}

	if len(campaigns) == 0 {
		return batch
	}

	may, err := l.queue.MaySend(context.WithoutCancel(l.ctx), campaigns)
	if err != nil {
		l.fail(err)
		return batch
	}

	if len(may) == len(campaigns) {
		return batch
	}

	stopped := func(m timed) bool { return !m.Campaign.IsZero() && !may[m.Campaign] }
	var back []timed

	for _, m := range batch {
		if stopped(m) {
			back = append(back, m)
		}
	}

	l.giveBack(claimedOf(back)...)

	return slices.DeleteFunc(batch, stopped)
}

func claimedOf(batch []timed) []delivery.Claimed {
	messages := make([]delivery.Claimed, len(batch))
	for i, m := range batch {
		messages[i] = m.Claimed
	}

	return messages
}

// atLimit pauses the campaigns that a limit without room concerns.
func (l *lane) atLimit(ctx context.Context, limit delivery.Limit) error {
	if limit.PerDay != nil {
		sent, err := l.queue.SentToday(ctx, limit.Organization)
		if err != nil {
			return err
		}
		if sent >= *limit.PerDay {
			return l.campaigns.AtQuota(ctx, limit.Organization, *limit.PerDay)
		}
	}

	if limit.People == nil {
		return nil // there is room again
	}

	return l.campaigns.AtLimit(ctx, limit.Account, *limit.People)
}

// send hands each claimed message to a sender at its slot. Senders stay for the turn: a goroutine
// for each message would have to grow its stack anew each time. What cannot be sent any more goes
// back.
func (l *lane) send(parts <-chan []timed) {
	l.pacer = &pacer{pace: l.pace, number: l.number, perSecond: l.perSecond}
	waiting, jobs := agenda{claims: parts}, make(chan job)
	defer close(jobs)

	for {
		message, ok := waiting.next(l.ctx)
		if !ok {
			break
		}

		slot, err := l.pacer.wait(l.ctx)
		l.restUntil(err)
		if err != nil || !l.window.enter(l.ctx) {
			l.giveBack(message.Claimed)
			break
		}

		next := job{message.Claimed, slot}
		select {
		case jobs <- next:
		default: // all are busy, and the window has room: one more
			l.senders.Go(func() { l.work(next, jobs) })
		}
	}

	l.giveBack(waiting.rest()...)
}

// job is a message whose time has come.
type job struct {
	delivery.Claimed
	slot time.Time
}

// work delivers one message after another until the turn ends.
func (l *lane) work(next job, jobs <-chan job) {
	for more := true; more; next, more = <-jobs {
		l.deliver(next.Claimed, next.slot)
		l.window.leave()
	}
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

// deliver sends one message and hands on what came of it.
func (l *lane) deliver(m delivery.Claimed, slot time.Time) {
	message, refusal := l.compose(m)
	if refusal != nil {
		l.answers <- *refusal
		return
	}

	ctx, cancel := context.WithCancel(context.WithoutCancel(l.ctx))
	defer cancel()
	started, held := time.Now(), error(nil)

	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { // nothing is written yet
			if slot, held = l.pacer.hold(l.ctx, slot); held != nil {
				cancel()
			}

			started = time.Now()
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { l.pacer.left(slot) },
	})

	answer := l.client.Send(ctx, l.sender.Token, l.sender.PhoneNumber.MetaID, message)
	if held != nil && answer.Outcome == whatsapp.NotSent {
		l.restUntil(held)
		l.answers <- l.back(m)
		return
	}

	ended := time.Now()
	l.window.took(ended.Sub(started), ended, l.perSecond)
	l.answers <- l.react(m, answer)
}

func (l *lane) disconnected() bool {
	return l.sender.Account.Status == enum.AccountStatusDisconnected
}

// compose makes Meta's message of a claimed one, or says why it cannot be sent.
func (l *lane) compose(m delivery.Claimed) (whatsapp.Message, *delivery.Fact) {
	message := whatsapp.Message{BizOpaqueCallbackData: whatsapp.CallbackData(m.ID.String(), m.Attempt)}
	if audience.IsUserID(m.Address) {
		message.Recipient = m.Address
	} else {
		message.To = m.Address
	}

	if l.disconnected() {
		return message, l.refuse(m, whatsapp.CodeDisconnected, "")
	}

	if m.Type == enum.MessageTypeTemplate {
		template, err := l.template(m.Template)
		if err != nil {
			return message, l.refuse(m, whatsapp.CodeBadValue, err.Error())
		}

		bound, problems := template.Message(m.Parameters)
		if len(problems) > 0 {
			return message, l.refuse(m, whatsapp.CodeBadValue, problems[0].Error())
		}

		message.Template = &bound

		return message, nil
	}

	var content whatsapp.Message
	if err := json.Unmarshal(m.Content, &content); err != nil {
		return message, l.refuse(m, whatsapp.CodeBadValue, "the stored content cannot be read")
	}

	content.To, content.Recipient, content.BizOpaqueCallbackData = message.To, message.Recipient,
		message.BizOpaqueCallbackData

	return content, nil
}

func (l *lane) refuse(m delivery.Claimed, code int, detail string) *delivery.Fact {
	return &delivery.Fact{Message: m.ID, Attempt: m.Attempt, Claim: m.Claim, Kind: delivery.Refused, At: l.now(),
		ErrorCode: code, Detail: detail}
}

// template reads a template once in a turn.
func (l *lane) template(n uid.ID) (whatsapp.Template, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t, ok := l.templates[n]; ok {
		return t, nil
	}

	row, err := l.Lanes.templates.Template.Get(context.WithoutCancel(l.ctx), n)
	if err != nil {
		return whatsapp.Template{}, fmt.Errorf("the template cannot be read: %w", err)
	}

	l.templates[n] = account.Of(row)

	return l.templates[n], nil
}
