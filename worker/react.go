package worker

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"carillon/campaign"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/whatsapp"
)

const (
	longestBackoff = time.Minute
	pairBase       = 4 // a pair limit is waited out for 4^n seconds: Meta's own advice
	longestPair    = 256 * time.Second
)

// react turns WhatsApp's answer into what is written down of the message. What an error means
// stands in whatsapp's table, and what it asks for beyond the message in campaign.React; here is
// only what each class means to the message and its lane.
func (l *lane) react(m delivery.Claimed, route whatsapp.Route, answer whatsapp.Answer) delivery.Fact {
	f := delivery.Fact{Message: m.ID, Attempt: m.Attempt, Claim: m.Claim, WAMID: answer.WAMID, At: l.now(),
		ErrorCode: answer.Rule.Code, Recipient: answer.WaID, RecipientUserID: answer.UserID}
	if answer.Err != nil {
		f.Detail = cmp.Or(answer.Err.Details, answer.Err.UserMessage, answer.Err.Message)
	}
	if rest := l.breaker.saw(healthy(answer), time.Now()); rest > 0 {
		l.pause(rest)
	}

	switch answer.Outcome {
	case whatsapp.Accepted:
		f.Kind = delivery.Accepted
	case whatsapp.Held:
		f.Kind = delivery.Held
	case whatsapp.Lost:
		f.Kind, f.ErrorCode = delivery.Lost, 0
	case whatsapp.NotSent:
		f.Kind, f.ErrorCode = delivery.Return, 0
	default:
		if l.reroute(m, route, answer.Rule, &f) {
			return f
		}

		l.refused(m, answer, &f)
	}

	// The next try finds its own way. That it went the usual one needs no writing.
	again := f.Kind == delivery.Retry || f.Kind == delivery.Return
	if !again && (route == whatsapp.RouteMarketing || m.Route != "") {
		f.Route = enum.MessageRoute(route)
	}

	return f
}

// healthy says whether an answer shows that WhatsApp works, whatever it said to this message.
func healthy(answer whatsapp.Answer) bool {
	switch answer.Outcome {
	case whatsapp.NotSent, whatsapp.Lost:
		return false
	case whatsapp.Refused:
		return answer.Err == nil || answer.Err.HTTPStatus < http.StatusInternalServerError
	}

	return true
}

func (l *lane) refused(m delivery.Claimed, answer whatsapp.Answer, f *delivery.Fact) {
	rule, retries := answer.Rule, m.Retries
	if m.Route != "" {
		retries-- // that WhatsApp asked for another endpoint was no failure
	}

	again := func(in time.Duration) {
		f.Kind, f.NotBefore = delivery.Retry, f.At.Add(max(in, answer.RetryAfter))
		if retries >= rule.MaxRetries {
			f.Kind = delivery.Refused
		}
	}

	switch rule.Class {
	case whatsapp.RetryBackoff:
		if answer.Err != nil && answer.Err.HTTPStatus == http.StatusServiceUnavailable {
			l.slow(answer.RetryAfter)
		}

		again(backoff(retries))
	case whatsapp.RetryAt:
		again(rule.Delay)
	case whatsapp.SlowNumber:
		rest := cmp.Or(answer.RetryAfter, rule.Delay)
		l.slow(rest)
		again(max(rest, backoff(retries)))
	case whatsapp.PairLimit:
		again(pairWait(retries))
	case whatsapp.PauseCampaign, whatsapp.PauseTemplate, whatsapp.PauseNumber, whatsapp.PauseAccount:
		switch stopped := l.concern(m, rule, f); {
		case m.Campaign.IsZero():
			f.Kind = delivery.Refused // nobody would resume it
		case stopped:
			f.Kind, f.Anew = delivery.Return, true // it waits with its campaign until that is mended
		default: // one such answer proves little, or was about a token that has been replaced
			f.Kind, f.NotBefore = delivery.Retry, f.At.Add(backoff(retries))
		}
	case whatsapp.Suppress:
		f.Kind = delivery.Refused
		l.concern(m, rule, f)
	default:
		f.Kind = delivery.Refused
		if rule.Shared {
			l.concern(m, rule, f)
		}
	}
}

// slow halves the number's rate and lets it rest.
func (l *lane) slow(rest time.Duration) {
	if err := l.pace.Slow(context.WithoutCancel(l.ctx), l.number, l.perSecond, rest); err != nil {
		l.log.Warn("a number that is too fast could not be slowed down", "phone_number", l.number.String(), "error", err)
	}
}

// concern does what the error asks for beyond this message, and reports whether what it concerns is
// at a stand now. When that cannot be done, the message must not be tried again at once.
func (l *lane) concern(m delivery.Claimed, rule whatsapp.Rule, f *delivery.Fact) (stopped bool) {
	stopped, err := l.campaigns.React(context.WithoutCancel(l.ctx), campaign.Failure{
		Organization: m.Organization, Campaign: m.Campaign, Template: m.Template, PhoneNumber: l.number,
		Account: l.sender.Account.ID,
		Address: m.Address, Token: l.sender.Account.Token, Rule: rule, Detail: f.Detail, At: f.At,
	})
	if err != nil {
		l.log.Error("what an error asks for could not be done", "phone_number", l.number.String(), "code", rule.Code,
			"error", err)
		l.pause(restAfterUnreachable)
		return true
	}

	return stopped
}

// backoff is exponential with full jitter: up to 1, 2, 4 … 60 seconds.
func backoff(retries int) time.Duration {
	most := longestBackoff
	if retries < 6 {
		most = min(most, time.Second<<retries)
	}

	return rand.N(most) + 1
}

func pairWait(retries int) time.Duration {
	wait := time.Second
	for range retries {
		if wait *= pairBase; wait >= longestPair {
			return longestPair
		}
	}

	return wait
}
