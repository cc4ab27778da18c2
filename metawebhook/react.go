package metawebhook

import (
	"context"
	"fmt"
	"slices"

	"carillon/campaign"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/uid"
	"carillon/whatsapp"
)

// react does what errors ask for beyond their own messages, once for each error and what it
// concerns. It looks at what the journal took: an error of an attempt that is long over, or of a
// message that arrived after all, says nothing.
//
// An error that is told again counts once. So only new failures stop anything: what they concerned
// may have been mended since. When the process dies before it reacts, the next message that fails
// brings the same error. That a person wants no marketing is noted each time, since that holds from
// when it was said.
func (h *Handler) react(ctx context.Context, facts, failures []delivery.Fact) error {
	var asking []delivery.Fact
	for _, f := range facts {
		if f.Kind == delivery.Failed && ruleOf(f).Suppress == whatsapp.SuppressMarketing {
			asking = append(asking, f)
		}
	}

	for _, f := range failures {
		// a failure that does not say why is not the code 0, by which Meta refuses a token
		if f.ErrorCode != 0 && (stops(ruleOf(f)) || ruleOf(f).Shared) {
			asking = append(asking, f)
		}
	}

	if len(asking) == 0 {
		return nil
	}

	found, err := h.failures(ctx, asking)
	if err != nil {
		return err
	}

	type subject struct {
		code           int
		scope, contact uid.ID
		address        string
	}
	done := map[subject]bool{}

	for _, f := range found {
		about := subject{code: f.Rule.Code, scope: f.Scope()}
		if f.Rule.Suppress != "" || f.Rule.Shared {
			about.contact, about.address = f.Contact, f.Address
		}
		if done[about] {
			continue
		}

		done[about] = true
		if _, err := h.Campaigns.React(ctx, f); err != nil {
			return err
		}
	}

	return nil
}

func ruleOf(f delivery.Fact) whatsapp.Rule { return whatsapp.StatusError{Code: f.ErrorCode}.Rule() }

// stops reports whether a rule stops more than the message that it came for.
func stops(rule whatsapp.Rule) bool {
	switch rule.Class {
	case whatsapp.PauseCampaign, whatsapp.PauseTemplate, whatsapp.PauseNumber, whatsapp.PauseAccount:
		return true
	}

	return false
}

// failures finds what the failed messages belong to.
func (h *Handler) failures(ctx context.Context, facts []delivery.Fact) (failures []campaign.Failure, err error) {
	var ids []uid.ID
	var wamids []string
	for _, f := range facts {
		if f.Message.IsZero() {
			wamids = append(wamids, f.WAMID)
		} else {
			ids = append(ids, f.Message)
		}
	}

	rows, err := h.DB.Client.Message.Query().
		Where(message.StatusEQ(enum.MessageStatusFailed), message.Or(message.IDIn(ids...), message.WamidIn(wamids...))).
		All(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for failed messages: %w", err)
	}

	for _, m := range rows {
		at := slices.IndexFunc(facts, func(f delivery.Fact) bool { return isAbout(f, m) })
		if at < 0 {
			continue
		}

		f := facts[at]
		failures = append(failures, campaign.Failure{
			Organization: m.OrganizationID, Campaign: orZero(m.CampaignID), Template: orZero(m.TemplateID),
			PhoneNumber: m.PhoneNumberID,
			Account:     m.AccountID, Contact: orZero(m.ContactID), Address: m.Address, Rule: ruleOf(f),
			Detail: f.Detail, At: f.At,
		})
	}

	return failures, nil
}

// isAbout reports whether a message failed as a fact says.
func isAbout(f delivery.Fact, m *ent.Message) bool {
	named := f.Message == m.ID || f.Message.IsZero() && m.Wamid != nil && *m.Wamid == f.WAMID
	return named && m.ErrorCode != nil && *m.ErrorCode == f.ErrorCode && slices.Contains(f.Number.Rows, m.PhoneNumberID)
}

// orZero is the id, or the zero id for none.
func orZero(id *uid.ID) uid.ID {
	if id == nil {
		return uid.ID{}
	}
	return *id
}
