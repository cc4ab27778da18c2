package webhook

import (
	"context"
	"fmt"

	"carillon/campaign"
	"carillon/delivery"
	"carillon/ent/message"
	"carillon/enum"
	"carillon/uid"
	"carillon/whatsapp"
)

// react does what errors ask for beyond their own messages, once for each error and what it concerns. It looks at what the
// journal took: an error of an attempt that is long over, or of a message that arrived after all, says nothing.
func (h *Handler) react(ctx context.Context, facts []delivery.Fact) error {
	byID, byWAMID := map[uid.ID]delivery.Fact{}, map[string]delivery.Fact{}
	for _, f := range facts {
		if f.Kind != delivery.Failed || f.ErrorCode == 0 || !concernsMore(ruleOf(f)) {
			continue // a failure that does not say why is not the code 0, by which Meta refuses a token
		}
		if f.Message.IsZero() {
			byWAMID[f.WAMID] = f
		} else {
			byID[f.Message] = f
		}
	}
	if len(byID)+len(byWAMID) == 0 {
		return nil
	}
	failures, err := h.failures(ctx, byID, byWAMID)
	if err != nil {
		return err
	}
	type subject struct {
		code           int
		scope, contact uid.ID
		address        string
	}
	done := map[subject]bool{}
	for _, f := range failures {
		about := subject{code: f.Rule.Code, scope: f.Scope()}
		if f.Rule.Suppress != "" {
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

// concernsMore says whether a rule is about more than the message that it came for.
func concernsMore(rule whatsapp.Rule) bool {
	switch rule.Class {
	case whatsapp.PauseCampaign, whatsapp.PauseTemplate, whatsapp.PauseNumber, whatsapp.PauseAccount, whatsapp.Suppress:
		return true
	}
	return false
}

// failures finds what the failed messages belong to.
func (h *Handler) failures(ctx context.Context, byID map[uid.ID]delivery.Fact, byWAMID map[string]delivery.Fact) (failures []campaign.Failure, err error) {
	var ids []uid.ID
	var wamids []string
	for id := range byID {
		ids = append(ids, id)
	}
	for wamid := range byWAMID {
		wamids = append(wamids, wamid)
	}
	rows, err := h.DB.Client.Message.Query().Where(message.StatusEQ(enum.MessageStatusFailed), message.Or(message.IDIn(ids...), message.WamidIn(wamids...))).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for failed messages: %w", err)
	}
	for _, m := range rows {
		f, ok := byID[m.ID]
		if !ok {
			f = byWAMID[*m.Wamid]
		}
		if m.ErrorCode == nil || *m.ErrorCode != f.ErrorCode {
			continue
		}
		failures = append(failures, campaign.Failure{
			Organization: m.OrganizationID, Campaign: orZero(m.CampaignID), Template: orZero(m.TemplateID), PhoneNumber: m.PhoneNumberID, Account: m.AccountID,
			Contact: orZero(m.ContactID), Address: m.Address, Rule: ruleOf(f), Detail: f.Detail, At: f.At,
		})
	}
	return failures, nil
}

// orZero is the id, or the zero id for none.
func orZero(id *uid.ID) uid.ID {
	if id == nil {
		return uid.ID{}
	}
	return *id
}
