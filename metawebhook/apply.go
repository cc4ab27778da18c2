package metawebhook

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"carillon/account"
	"carillon/delivery"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// apply commits what it understands of a payload that came at that time, and what belongs to
// somebody here. The verdict says that there was something else. After an error the database was
// away, and a part may be committed.
func (h *Handler) apply(ctx context.Context, body []byte, came time.Time) (v verdict, err error) {
	var hook whatsapp.Webhook
	if err := guarded(func() (err error) { hook, err = whatsapp.ParseWebhook(body); return err }); err != nil {
		h.metrics.changes.WithLabelValues("unknown").Inc()
		v.add(NotUnderstood, "not JSON")
		return v, nil
	}

	hook.Date(came)
	h.count(hook)
	v.about = hook.WABAIDs
	for _, what := range hook.Unknown {
		v.add(NotUnderstood, what)
	}

	for _, what := range hook.Unapplied {
		v.add(NotApplied, what)
	}

	for _, step := range []func(context.Context, *verdict, whatsapp.Webhook) error{h.statuses, h.people, h.business} {
		if err := step(ctx, &v, hook); err != nil {
			return v, err
		}
	}

	h.noteRest(ctx, hook)
	if v.closed {
		return v, h.drop(ctx)
	}

	return v, nil
}

// people commits what persons did, and what was done to them.
func (h *Handler) people(ctx context.Context, v *verdict, hook whatsapp.Webhook) error {
	if err := h.inbound(ctx, v, hook.Inbound); err != nil {
		return err
	}

	for _, e := range hook.Echoes {
		if e.To == "" && e.ToUserID == "" {
			v.add(Nobody, "an echo without a recipient")
			continue
		}

		if err := h.one(ctx, v, UnknownNumber, func() error { return h.echo(ctx, v, e) }); err != nil {
			return err
		}
	}

	for _, c := range hook.Handovers {
		if err := h.one(ctx, v, UnknownNumber, func() error { return h.handover(ctx, c) }); err != nil {
			return err
		}
	}

	if err := h.clicks(ctx, v, hook.Clicks); err != nil {
		return err
	}

	for _, c := range hook.Calls {
		if err := h.one(ctx, v, UnknownNumber, func() error { return h.call(ctx, c) }); err != nil {
			return err
		}
	}

	for _, p := range hook.Preferences {
		if err := h.one(ctx, v, UnknownNumber, func() error { return h.preference(ctx, v, p) }); err != nil {
			return err
		}
	}

	return nil
}

// clicks counts clicks on links.
func (h *Handler) clicks(ctx context.Context, v *verdict, told []whatsapp.Click) error {
	var clicks []delivery.Click
	for _, c := range told {
		err := h.one(ctx, v, UnknownNumber, func() error {
			to, err := h.Accounts.ReceiverOf(ctx, c.WABAID, c.PhoneNumberID)
			if err == nil {
				n := to.PhoneNumber
				clicks = append(clicks, delivery.Click{Organization: n.OrganizationID, Account: n.AccountID, PhoneNumber: n.ID,
					Fingerprint: c.Fingerprint, At: c.At})
			}

			return err
		})
		if err != nil {
			return err
		}
	}

	return h.one(ctx, v, NotStored, func() error { return h.Queue.CountClicks(ctx, clicks...) })
}

// business commits what became of accounts, numbers and templates.
func (h *Handler) business(ctx context.Context, v *verdict, hook whatsapp.Webhook) error {
	var parts []func() error
	for _, u := range hook.Capabilities {
		parts = append(parts, func() error {
			a, err := h.Accounts.ApplyCapabilityUpdate(ctx, u)
			return then(ctx, a, err, h.Campaigns.AccountChanged)
		})
	}

	for _, u := range hook.Templates {
		parts = append(parts, func() error {
			t, err := h.Accounts.ApplyTemplateUpdate(ctx, u)
			return then(ctx, t, err, h.Campaigns.TemplateChanged)
		})
	}

	for _, u := range hook.Numbers {
		parts = append(parts, func() error {
			n, err := h.Accounts.ApplyNumberUpdate(ctx, u)
			return then(ctx, n, err, h.Campaigns.NumberChanged)
		})
	}

	for _, u := range hook.Accounts {
		h.noteAccount(ctx, u)
		parts = append(parts, func() error {
			a, err := h.Accounts.ApplyAccountUpdate(ctx, u)
			return then(ctx, a, err, h.Campaigns.AccountChanged)
		})
	}

	for _, part := range parts {
		if err := h.one(ctx, v, UnknownAccount, part); err != nil {
			return err
		}
	}

	return nil
}

// then hands on a row that was changed.
func then[T any](ctx context.Context, changed *T, err error, tell func(context.Context, *T) error) error {
	if err != nil || changed == nil {
		return err
	}
	return tell(ctx, changed)
}

// kinds are the statuses that we follow. Others are WhatsApp's past: deleted and warning say
// nothing of the delivery.
var kinds = map[whatsapp.StatusKind]delivery.FactKind{
	whatsapp.StatusSent: delivery.Sent, whatsapp.StatusDelivered: delivery.Delivered, whatsapp.StatusRead: delivery.Read,
	whatsapp.StatusPlayed: delivery.Read, whatsapp.StatusFailed: delivery.Failed,
}

// statuses commits receipts, and does what failures ask for.
func (h *Handler) statuses(ctx context.Context, v *verdict, hook whatsapp.Webhook) error {
	facts := make([]delivery.Fact, 0, len(hook.Statuses))
	for _, s := range hook.Statuses {
		kind, followed := kinds[s.Status]
		if !followed {
			h.note(ctx, "status_"+string(s.Status), slog.LevelInfo, "phone_number_id", s.PhoneNumberID)
			continue
		}

		switch to, err := h.Accounts.ReceiverOf(ctx, s.WABAID, s.PhoneNumberID); {
		case usererror.Is(err, usererror.NotFound):
			v.add(UnknownNumber, "")
		case errors.Is(err, account.ErrClosed):
			v.closed = true
		case err != nil:
			return err
		default:
			facts = append(facts, fact(kind, s, to.Rows))
		}
	}

	var failures []delivery.Fact
	err := all(ctx, h, v, facts, func(facts []delivery.Fact) error {
		recorded, err := h.Journal.Report(ctx, facts...)
		if err != nil {
			return err
		}
		if len(recorded.Unmatched) > 0 {
			v.add(UnknownMessage, "") // other apps and Meta's console may share the number
		}

		failures = append(failures, recorded.Failures...)

		return nil
	})
	if err != nil {
		return err
	}

	return h.one(ctx, v, NotStored, func() error { return h.react(ctx, facts, failures) })
}

func fact(kind delivery.FactKind, s whatsapp.Status, number []uid.ID) delivery.Fact {
	f := delivery.Fact{WAMID: s.WAMID, Kind: kind, At: s.At,
		Number: delivery.Number{MetaID: s.PhoneNumberID, Rows: number}}
	if s.ParticipantID == "" { // a group is nobody
		f.Recipient, f.RecipientUserID = s.RecipientID, s.RecipientUserID
	}

	if text, attempt, ok := whatsapp.ParseCallback(s.CallbackData); ok {
		if message, err := uid.Parse(text); err == nil && message.Kind() == uid.Message {
			f.Message, f.Attempt = message, attempt
		}
	}

	if len(s.Errors) > 0 {
		f.ErrorCode, f.Detail = s.Errors[0].Code, s.Errors[0].Details
	}
	if p := s.Pricing; p != nil {
		f.Pricing = &jsonfield.Pricing{Billable: p.Billable, Category: p.Category, Model: p.Model, Type: p.Type}
	}

	return f
}
