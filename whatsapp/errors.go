package whatsapp

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Class says what to do next about an error, and for whom.
type Class string

const (
	// RetryBackoff: send the same message again with exponential back-off and jitter (1, 2, 4 … 60 s),
	// MaxRetries times.
	RetryBackoff Class = "RETRY_BACKOFF"
	// RetryAt: send the same message again after Delay, MaxRetries times.
	RetryAt Class = "RETRY_AT"
	// SlowNumber: the number is too fast. Lower its rate, wait Delay (or the time Meta gave), send the
	// message again.
	SlowNumber Class = "SLOW_NUMBER"
	// PairLimit: too many messages to this one recipient. Delay only this message: 1, 4, 16, 64, 256
	// s.
	PairLimit Class = "PAIR_LIMIT"
	// PauseCampaign: nothing of this campaign can be sent now. The message stays queued.
	PauseCampaign Class = "PAUSE_CAMPAIGN"
	// PauseTemplate: nothing that uses this template can be sent. Fetch the template again.
	PauseTemplate Class = "PAUSE_TEMPLATE"
	// PauseNumber: nothing can be sent from this number.
	PauseNumber Class = "PAUSE_NUMBER"
	// PauseAccount: nothing can be sent with this account or its token.
	PauseAccount Class = "PAUSE_ACCOUNT"
	// Fail: final for this message; the next recipient is not concerned.
	Fail Class = "FAIL"
	// FailContent: final for this message, and the same content will fail for everybody. A circuit
	// breaker should count it.
	FailContent Class = "FAIL_CONTENT"
	// Suppress: final for this message, and the contact is to be marked as Rule.Suppress says.
	Suppress Class = "SUPPRESS"
	// Unknown: final, and worth counting: a code this table does not know.
	Unknown Class = "UNKNOWN"
)

// Reason says why campaigns pause, in the words of the API's CampaignStatusReason. Empty when none
// need to.
type Reason string

const (
	ReasonMessagingLimit    Reason = "MESSAGING_LIMIT"
	ReasonTemplatePaused    Reason = "TEMPLATE_PAUSED"
	ReasonTemplateDisabled  Reason = "TEMPLATE_DISABLED"
	ReasonQualityLow        Reason = "QUALITY_LOW"
	ReasonAccountRestricted Reason = "ACCOUNT_RESTRICTED"
	ReasonTokenInvalid      Reason = "TOKEN_INVALID"
	ReasonPaymentIssue      Reason = "PAYMENT_ISSUE"
)

// Suppression says what an error told about the contact.
type Suppression string

const (
	// SuppressMarketing: the person stopped marketing messages of this business.
	SuppressMarketing Suppression = "MARKETING_OPT_OUT"
	// SuppressUnreachable: not on WhatsApp, or not to be reached. One such answer proves little:
	// believe it after two or three in separate campaigns.
	SuppressUnreachable Suppression = "UNREACHABLE"
	// SuppressBlocked: the business has itself blocked this person.
	SuppressBlocked Suppression = "BLOCKED"
	// SuppressCountry: this account may not write to people of that country.
	SuppressCountry Suppression = "COUNTRY"
)

// Codes of our own, for what Meta never got to say. Meta's are zero or greater.
const (
	// CodeLostAnswer: the message may have been sent, and no answer came.
	CodeLostAnswer = -1
	// CodeExpired: the message was not sent before the time set for it.
	CodeExpired = -2
	// CodeNotSent: WhatsApp could not be reached; the message was certainly not sent.
	CodeNotSent = -3
	// CodeGateway: an answer without Meta's error envelope, from a gateway before the API.
	CodeGateway = -4
	// CodeBadValue: a value that WhatsApp would refuse; the message was not sent.
	CodeBadValue = -5
	// CodeDisconnected: the account was disconnected while the message waited; it was not sent.
	CodeDisconnected = -6
)

// Rule is what one error code means and what to do about it.
type Rule struct {
	// Code is Meta's code, its subcode where that says more, or one of ours.
	Code int
	// To is the last code of a range that shares this rule; zero for a single code.
	To     int
	Title  string
	Advice string
	Class  Class
	// Delay is how long to wait before the next try; for what pauses something, how long that lasts at
	// Meta at the least: nothing goes on by itself then, somebody has to resume it. Zero leaves it to
	// the caller.
	Delay time.Duration
	// MaxRetries is how many tries may follow the first one.
	MaxRetries int
	// Hits is how many such answers within a minute it takes to believe a Pause; zero is one.
	Hits int
	// Reason is set where campaigns pause.
	Reason   Reason
	Suppress Suppression
	// Retryable: a later try may succeed, by itself or once the advice was followed.
	Retryable bool
	// Other is the endpoint that takes what the one that refused does not: a message that did not
	// come from there goes there, once. Class says what holds after that. Empty where there is none.
	Other Route
	// Apart: the error belongs to this person, and says nothing of the campaign or the number. No
	// brake counts it.
	Apart bool
	// Shared: another app holds the conversation, so the number is shared with that app.
	Shared bool
}

// RuleFor returns the rule of an error: by its subcode where the code is only an envelope, by its
// code, by a range of codes, and last by what HTTP and is_transient say. It always has an answer.
func RuleFor(code, subcode, httpStatus int, transient bool) Rule {
	if subcode != 0 && envelopes[code] {
		if rule, found := lookUp(subcode); found {
			return rule
		}
	}

	if rule, found := lookUp(code); found {
		if code == CodeGateway && httpStatus == http.StatusTooManyRequests {
			return tooMany(code)
		}
		return rule
	}

	return fallback(code, httpStatus, transient)
}

// Rules returns every rule in order of code.
func Rules() []Rule {
	return slices.Clone(rules)
}

// envelopes are the codes under which Meta puts many different errors, told apart by subcode.
var envelopes = map[int]bool{100: true, 102: true, 190: true, 136024: true, 136025: true}

var (
	byCode = make(map[int]Rule, len(rules))
	ranges []Rule
)

func init() {
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.Code, b.Code) })
	for _, rule := range rules {
		if rule.To == 0 {
			byCode[rule.Code] = rule
		} else {
			ranges = append(ranges, rule)
		}
	}
}

func lookUp(code int) (Rule, bool) {
	if rule, found := byCode[code]; found {
		return rule, true
	}

	for _, rule := range ranges {
		if rule.Code <= code && code <= rule.To {
			rule.Code, rule.To = code, 0
			return rule, true
		}
	}

	return Rule{}, false
}

func fallback(code, httpStatus int, transient bool) Rule {
	rule := Rule{Code: code, Title: "Unknown error " + strconv.Itoa(code)}
	switch {
	case httpStatus == http.StatusTooManyRequests:
		return tooMany(code)
	case transient, httpStatus >= 500:
		rule.Class, rule.MaxRetries, rule.Retryable = RetryBackoff, 3, true
		rule.Advice = "WhatsApp had a problem of its own. It is tried again by itself."
	case httpStatus == http.StatusUnauthorized:
		rule.Class, rule.Reason, rule.Retryable = PauseAccount, ReasonTokenInvalid, true
		rule.Advice = "WhatsApp does not accept the access token. Connect the account again."
	default:
		rule.Class = Unknown
		rule.Advice = "WhatsApp refused with a code this version does not know. Read the detail, " +
			"and look the code up in Meta's documentation."
	}

	return rule
}

func tooMany(code int) Rule {
	return Rule{
		Code: code, Title: "Too many requests", Class: SlowNumber, Delay: time.Minute, MaxRetries: 15, Retryable: true,
		Advice: "WhatsApp asked for a pause. Sending goes on more slowly by itself.",
	}
}

// Error is an answer of Meta that says no. It never holds a token.
type Error struct {
	HTTPStatus int
	// Code is Meta's, or CodeGateway when the answer had no error envelope.
	Code    int
	Subcode int
	Type    string
	Message string
	// Details is the most telling text for developers (error_data.details).
	Details string
	// UserTitle and UserMessage are meant for people, in the language of the token's owner.
	UserTitle   string
	UserMessage string
	// Transient is Meta's own word that a retry may help. Mostly absent.
	Transient bool
	// TraceID is what Meta's support asks for.
	TraceID string
	// RetryAfter is how long Meta asked us to wait; zero when it did not say.
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("whatsapp: ")
	text := e.Message
	if text == "" {
		text = e.Rule().Title
	}

	b.WriteString(text)
	if e.Details != "" && !strings.Contains(text, e.Details) {
		b.WriteString(": ")
		b.WriteString(e.Details)
	}

	b.WriteString(" (code ")
	b.WriteString(strconv.Itoa(e.Code))
	if e.Subcode != 0 {
		b.WriteString(", subcode ")
		b.WriteString(strconv.Itoa(e.Subcode))
	}

	if e.HTTPStatus != 0 {
		b.WriteString(", HTTP ")
		b.WriteString(strconv.Itoa(e.HTTPStatus))
	}

	if e.TraceID != "" {
		b.WriteString(", trace ")
		b.WriteString(e.TraceID)
	}

	b.WriteString(")")

	return b.String()
}

// Rule says what to do about it.
func (e *Error) Rule() Rule {
	return RuleFor(e.Code, e.Subcode, e.HTTPStatus, e.Transient)
}

// IsNoNode says that Meta has nothing of the id that was asked for, or nothing that the token may
// see.
func IsNoNode(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && (failure.Code == codeNoNode ||
		failure.Code == codeInvalidParameter && failure.Subcode == codeNoNode)
}

const codeNoNode = 33
