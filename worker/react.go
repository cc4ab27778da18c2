package worker

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"carillon/delivery"
	"carillon/ent/campaign"
	"carillon/ent/phonenumber"
	"carillon/ent/predicate"
	"carillon/enum"
	"carillon/whatsapp"
)

const (
	longestBackoff = time.Minute
	pairBase       = 4 // a pair limit is waited out for 4^n seconds: Meta's own advice
	longestPair    = 256 * time.Second
)

// react turns WhatsApp's answer into what is written down of the message, and does to number, template, account and campaigns
// what the answer asks for. What an error means stands in whatsapp's table; here is only what each class does.
func (l *lane) react(m delivery.Claimed, answer whatsapp.Answer) delivery.Fact {
	f := delivery.Fact{Message: m.ID, Attempt: m.Attempt, WAMID: answer.WAMID, At: l.now(), ErrorCode: answer.Rule.Code}
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
		l.refused(m, answer, &f)
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
	rule, retries := answer.Rule, m.Attempt-1
	again := func(in time.Duration) {
		f.Kind, f.NotBefore = delivery.Retry, f.At.Add(max(in, answer.RetryAfter))
		if retries >= rule.MaxRetries {
			f.Kind = delivery.Refused
		}
	}
	switch rule.Class {
	case whatsapp.RetryBackoff:
		again(backoff(retries))
	case whatsapp.RetryAt:
		again(rule.Delay)
	case whatsapp.SlowNumber:
		if err := l.pace.Slow(context.WithoutCancel(l.ctx), l.number, l.perSecond, answer.RetryAfter); err != nil {
			l.log.Warn("a number that is too fast could not be slowed down", "phone_number", l.number.String(), "error", err)
		}
		again(backoff(retries))
	case whatsapp.PairLimit:
		again(pairWait(retries))
	case whatsapp.PauseCampaign, whatsapp.PauseTemplate, whatsapp.PauseNumber, whatsapp.PauseAccount:
		f.Kind = delivery.Refused
		if !m.Campaign.IsZero() && l.stopCampaigns(m, rule, f.Detail) {
			f.Kind = delivery.Return // it waits with its campaign until that is mended
		}
	default:
		f.Kind = delivery.Refused
	}
}

// stopCampaigns pauses those that the error concerns. When that fails, the message must not be tried again at once.
func (l *lane) stopCampaigns(m delivery.Claimed, rule whatsapp.Rule, detail string) bool {
	var which predicate.Campaign
	switch rule.Class {
	case whatsapp.PauseTemplate:
		which = campaign.TemplateID(m.Template)
	case whatsapp.PauseNumber:
		which = campaign.PhoneNumberID(l.number)
	case whatsapp.PauseAccount:
		which = campaign.HasPhoneNumberWith(phonenumber.AccountID(l.sender.Account.ID))
	default:
		which = campaign.ID(m.Campaign)
	}
	reason := enum.CampaignStatusReason(rule.Reason)
	if reason == "" {
		reason = enum.CampaignStatusReasonAccountRestricted
	}
	text := rule.Title + ". " + rule.Advice
	if detail != "" {
		text += " WhatsApp says: " + detail
	}
	stopped, err := l.campaigns.Stop(context.WithoutCancel(l.ctx), which, reason, text)
	if err != nil {
		l.log.Error("campaigns could not be paused", "phone_number", l.number.String(), "code", rule.Code, "error", err)
		l.pause(restAfterUnreachable)
		return true
	}
	if stopped > 0 {
		l.log.Warn("campaigns paused", "phone_number", l.number.String(), "code", rule.Code, "reason", string(reason), "campaigns", stopped)
	}
	return true
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
