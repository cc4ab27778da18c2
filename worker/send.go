package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptrace"
	"strings"
	"time"

	"carillon/audience"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/whatsapp"
)

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

	answer := l.sender.Client.Send(ctx, l.sender.Token, l.sender.PhoneNumber.MetaID, message)
	if held != nil && answer.Outcome == whatsapp.NotSent {
		l.restUntil(held)
		l.answers <- l.back(m)
		return
	}

	ended := time.Now()
	l.metrics.sent(answer, ended.Sub(started))
	l.window.took(ended.Sub(started), ended, l.perSecond)
	fact := l.react(m, message.Route, answer)
	fact.Try = l.tried(message, answer, ended.Sub(started))
	l.answers <- fact
}

// maxTrace bounds what is kept of an id of Meta's, in bytes.
const maxTrace = 128

// tried is what is kept of an answer that says no, or of none.
func (l *lane) tried(m whatsapp.Message, answer whatsapp.Answer, took time.Duration) *delivery.Try {
	if answer.Err == nil {
		return nil
	}

	asked := m.Outline()

	return &delivery.Try{Endpoint: m.Route.Path(l.sender.PhoneNumber.MetaID), Request: asked.Body,
		HTTPStatus: answer.Err.HTTPStatus, Code: answer.Err.Code, Subcode: answer.Err.Subcode,
		Detail:  asked.Said(cmp.Or(answer.Err.Details, answer.Err.UserMessage, answer.Err.Message)),
		TraceID: strings.ToValidUTF8(answer.Err.TraceID[:min(len(answer.Err.TraceID), maxTrace)], ""), Took: took}
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

		message.Template, message.MaxPrice = &bound, template.MaxPrice > 0
		message.Route = cmp.Or(whatsapp.Route(m.Route), template.Route(l.marketing))

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

	t, err := l.accounts.Template(context.WithoutCancel(l.ctx), n)
	if err != nil {
		return whatsapp.Template{}, fmt.Errorf("the template cannot be read: %w", err)
	}

	l.templates[n] = t

	return t, nil
}
