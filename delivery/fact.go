// Package delivery is what becomes of messages: the queue they wait in, the journal that is the
// only door by which they change, the organization's event log with its dense sequence numbers, and
// the hourly sums. It promises that an answered call is committed, that a fact told twice or late
// or out of order leads to the same state and the same counts, and that the order of the log is the
// order of commits.
package delivery

import (
	"slices"
	"time"

	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/whatsapp"
)

// FactKind is what a send or a webhook told of a message.
type FactKind int

const (
	// Reports of WhatsApp. They hold whenever they come; see ranks.
	Accepted FactKind = iota + 1
	Held
	Sent
	Delivered
	Read
	Failed // told by a webhook, after acceptance

	// Decisions of ours. Each is taken only from the status that moves names, so the second of two is
	// void.
	Refused   // WhatsApp's answer is final: it will not take the message
	Retry     // not taken; waits until NotBefore
	Return    // claimed, and certainly not sent: back as if nothing had been
	Lost      // the answer did not come: it may or may not have been sent
	GiveUp    // lost, silent for too long, and not to be sent twice
	SendAgain // lost, silent for too long, and better sent twice than never
	Skip      // claimed, and may not be written to its person any more
	Expire    // not sent in time
	Cancel    // its campaign was canceled
	Requeue   // failed, and somebody wants it tried again
)

// Fact is one thing that was told of one message.
type Fact struct {
	Message   uid.ID // zero: the message with this WAMID
	WAMID     string // WhatsApp's id, where it is known
	Attempt   int    // the attempt it is about; 0 where nothing says
	Claim     uid.ID // the claim it is about; zero where nothing says
	Number    Number // the number that it was told of by a webhook; zero where we know the message ourselves
	Kind      FactKind
	At        time.Time
	NotBefore time.Time       // Retry and SendAgain
	Reason    enum.SkipReason // Skip
	ErrorCode int             // Failed, Refused, Retry, GiveUp
	Detail    string          // what Meta said to the error
	Pricing   *jsonfield.Pricing
	// Route is the endpoint that it went to; of a Retry, the one that it is to go to. Empty leaves
	// what is known.
	Route enum.MessageRoute
	Anew  bool // Return: the next try finds its route anew
	Try   *Try // what was asked of WhatsApp and answered, where it did not take the message

	Recipient, RecipientUserID string // who got it, as WhatsApp knows them; empty where nothing says
}

// Number is one of Meta's phone numbers. What a webhook tells holds for the messages of the number
// that it came to and for no others, whatever it names.
type Number struct {
	MetaID string
	Rows   []uid.ID // what it is called here: one for each account in which it has been
}

// has reports whether a message of that row is the number's.
func (n Number) has(phoneNumber uid.ID) bool { return slices.Contains(n.Rows, phoneNumber) }

// concerns reports whether a fact may be about the message of that row.
func (f Fact) concerns(r *row) bool {
	return r != nil && (f.Number.MetaID == "" || f.Number.has(r.phoneNumber) && r.direction == enum.DirectionOutbound)
}

// ranks say how far a message has come. A report of lower rank fills in its own time and is logged,
// and lowers nothing.
var ranks = map[enum.MessageStatus]int{
	// even what we gave up may turn out to be sent
	enum.MessageStatusQueued: 0, enum.MessageStatusSkipped: 0, enum.MessageStatusCanceled: 0,
	enum.MessageStatusSending: 1, enum.MessageStatusUnknown: 2,
	enum.MessageStatusAccepted: 3, enum.MessageStatusHeld: 3,
	enum.MessageStatusSent: 4, enum.MessageStatusFailed: 5, enum.MessageStatusDelivered: 6, enum.MessageStatusRead: 7,
}

// reports are WhatsApp's: where each leads and which time it fills.
var reports = map[FactKind]struct {
	to   enum.MessageStatus
	time func(*row) **time.Time
}{
	Accepted:  {enum.MessageStatusAccepted, func(r *row) **time.Time { return &r.acceptedAt }},
	Held:      {enum.MessageStatusHeld, func(r *row) **time.Time { return &r.acceptedAt }},
	Sent:      {enum.MessageStatusSent, func(r *row) **time.Time { return &r.sentAt }},
	Failed:    {enum.MessageStatusFailed, func(r *row) **time.Time { return &r.failedAt }},
	Delivered: {enum.MessageStatusDelivered, func(r *row) **time.Time { return &r.deliveredAt }},
	Read:      {enum.MessageStatusRead, func(r *row) **time.Time { return &r.readAt }},
}

// moves are our decisions: from which status to which.
var moves = map[FactKind]struct{ from, to enum.MessageStatus }{
	Refused:   {enum.MessageStatusSending, enum.MessageStatusFailed},
	Retry:     {enum.MessageStatusSending, enum.MessageStatusQueued},
	Return:    {enum.MessageStatusSending, enum.MessageStatusQueued},
	Lost:      {enum.MessageStatusSending, enum.MessageStatusUnknown},
	GiveUp:    {enum.MessageStatusUnknown, enum.MessageStatusFailed},
	SendAgain: {enum.MessageStatusUnknown, enum.MessageStatusQueued},
	Skip:      {enum.MessageStatusSending, enum.MessageStatusSkipped},
	Expire:    {enum.MessageStatusQueued, enum.MessageStatusSkipped},
	Cancel:    {enum.MessageStatusQueued, enum.MessageStatusCanceled},
	Requeue:   {enum.MessageStatusFailed, enum.MessageStatusQueued},
}

// row is what facts need to know of a message and may change.
type row struct {
	id, organization, campaign, template, phoneNumber, account uid.ID

	category, country, address                                             string
	direction                                                              enum.Direction
	status                                                                 enum.MessageStatus
	skipReason                                                             *enum.SkipReason
	attempts                                                               int
	settledAttempts                                                        *int
	wamid                                                                  *string
	errorCode                                                              *int
	errorDetail                                                            *string
	notBefore                                                              time.Time
	leaseUntil                                                             *time.Time
	acceptedAt, sentAt, deliveredAt, readAt, failedAt, unknownAt, closedAt *time.Time
	createdAt                                                              time.Time
	pricing                                                                *jsonfield.Pricing
	erasedAt                                                               *time.Time // by retention
	claim                                                                  uid.ID
	route                                                                  enum.MessageRoute // empty: the usual one
}

// apply changes the row by one fact. It reports what is worth an entry in the log; an old, repeated
// or void fact is not.
func (r *row) apply(f Fact) (status enum.MessageStatus, logged bool) {
	if report, ok := reports[f.Kind]; ok {
		return report.to, r.report(f, report.to, report.time(r))
	}

	move := moves[f.Kind]
	if !r.takes(f) {
		return "", false
	}
	if f.Kind == Requeue && r.erasedAt != nil {
		return "", false // nothing is left to be sent
	}

	return move.to, r.decide(f, move.to)
}

// rank is how far the row's message has come. One that we gave up because its answer was lost is
// still unknown to WhatsApp.
func (r *row) rank() int {
	if r.status == enum.MessageStatusFailed && r.givenUp() {
		return ranks[enum.MessageStatusUnknown]
	}
	return ranks[r.status]
}

func (r *row) givenUp() bool {
	return r.unknownAt != nil && r.errorCode != nil && *r.errorCode == whatsapp.CodeLostAnswer
}

func (r *row) report(f Fact, to enum.MessageStatus, at **time.Time) bool {
	if f.Kind == Failed && f.Attempt != 0 && f.Attempt != r.attempts {
		return false // an earlier attempt failed; the present one has its own fate
	}

	if f.Attempt != 0 && r.settledAttempts != nil && f.Attempt <= *r.settledAttempts &&
		ranks[to] <= ranks[enum.MessageStatusFailed] {
		return false // that attempt failed, and the message was queued anew; only that it arrived after all would be news
	}

	if f.WAMID != "" && (r.wamid == nil || f.Attempt == r.attempts && f.WAMID != *r.wamid) {
		r.wamid = &f.WAMID // the same again would be written, though nothing has changed
	}
	if r.pricing == nil {
		r.pricing = f.Pricing
	}
	if r.takeRoute(f); r.route == "" && f.Pricing != nil && f.Pricing.Category == marketingLite {
		r.route = enum.MessageRouteMarketingMessages // its worker died before it could say so
	}
	if r.givenUp() {
		r.failedAt = nil // the failure was our guess, and WhatsApp knows better
	}
	if *at != nil {
		return false
	}

	*at = &f.At
	if ranks[to] > r.rank() {
		r.status, r.leaseUntil, r.errorCode, r.errorDetail, r.skipReason = to, nil, nil, nil, nil
		if f.Kind == Failed {
			r.errorCode, r.errorDetail = &f.ErrorCode, textOrNil(f.Detail)
		}
	}

	return true
}

// marketingLite is how Meta prices what went through the Marketing Messages API.
// developers.facebook.com, "Marketing Messages API" (read 2026-09).
const marketingLite = "marketing_lite"

func (r *row) takeRoute(f Fact) {
	if f.Route != "" {
		r.route = f.Route
	}
}

func (r *row) decide(f Fact, to enum.MessageStatus) (logged bool) {
	r.status, r.leaseUntil = to, nil
	r.takeRoute(f)

	switch f.Kind {
	case Return:
		if r.attempts--; f.Anew {
			r.route = ""
		}

		return false // nothing has happened to the message
	case Retry:
		r.notBefore = f.NotBefore
	case SendAgain:
		r.notBefore, r.route = f.NotBefore, ""
	case Requeue:
		r.requeue(f)
	case Lost:
		r.unknownAt = &f.At
	case Refused, GiveUp:
		r.failedAt = &f.At
	case Skip:
		r.attempts--
		r.closedAt, r.skipReason = &f.At, &f.Reason
	case Expire:
		expired := enum.SkipReasonExpired
		r.closedAt, r.skipReason = &f.At, &expired
	case Cancel:
		r.closedAt = &f.At
	}

	r.errorCode, r.errorDetail = nil, nil
	if f.ErrorCode != 0 {
		r.errorCode, r.errorDetail = &f.ErrorCode, textOrNil(f.Detail)
	}

	return true
}

// requeue forgets what became of the message, so that it counts as one that was never handed over.
// An attempt whose answer was lost has not failed by WhatsApp's word: a report of it still settles
// the message.
func (r *row) requeue(f Fact) {
	if r.errorCode == nil || *r.errorCode != whatsapp.CodeLostAnswer {
		settled := r.attempts
		r.settledAttempts = &settled
	}

	r.notBefore, r.wamid, r.pricing, r.route = f.NotBefore, nil, nil, ""
	r.acceptedAt, r.sentAt, r.failedAt, r.unknownAt = nil, nil, nil, nil
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
