package worker

import (
	"context"
	"sync"
	"time"

	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/whatsapp"
)

// reroute queues a message anew for the other endpoint, where WhatsApp has refused it because it is
// that one's. It reports false where the message is no template, or came from there: each message
// is sent elsewhere once, and only after a refusal, so that nobody gets it twice. It takes a slot
// of the number's pace like any other.
func (l *lane) reroute(m delivery.Claimed, route whatsapp.Route, rule whatsapp.Rule, f *delivery.Fact) bool {
	if rule.Other == "" || rule.Other == route || m.Type != enum.MessageTypeTemplate || m.Route != "" {
		return false
	}

	f.Kind, f.NotBefore, f.Route = delivery.Retry, f.At, enum.MessageRoute(rule.Other)
	if !l.reread.due(m.Template, time.Now()) {
		return true
	}

	// What we knew of the template or its account is out of date. Until it is read, messages find
	// their way by a refusal each.
	ctx := context.WithoutCancel(l.ctx)
	if err := l.accounts.ReadRoute(ctx, l.sender.Account.ID, m.Template); err != nil {
		l.log.Warn("WhatsApp asked for another endpoint, and why could not be read", "code", rule.Code, "template",
			m.Template.String(), "error", err)
		return true
	}

	l.mu.Lock()
	delete(l.templates, m.Template)
	l.mu.Unlock()

	return true
}

const (
	// rereadAfter is how long a template's route is believed after it was read: where WhatsApp says
	// one thing and does another, that must not cost a reading for each message.
	rereadAfter = 10 * time.Minute
	manyRereads = 10_000
)

// rereads remember when templates' routes were read again.
type rereads struct {
	mu sync.Mutex
	at map[uid.ID]time.Time
}

// due reports whether a template's route is to be read now, once for all who ask in rereadAfter.
func (r *rereads) due(template uid.ID, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, known := r.at[template]; known && now.Sub(last) < rereadAfter {
		return false
	}
	if r.at == nil || len(r.at) >= manyRereads {
		r.at = map[uid.ID]time.Time{}
	}

	r.at[template] = now

	return true
}
