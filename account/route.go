package account

import (
	"context"
	"fmt"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/uid"
	"carillon/whatsapp"
)

// MarketingRoute is where an account's marketing templates go.
func MarketingRoute(a *ent.Account) whatsapp.Route {
	status := ""
	if a.MarketingMessages != nil {
		status = *a.MarketingMessages
	}

	return whatsapp.MarketingRoute(status, a.MarketingOnlyThere)
}

// ReadRoute reads from Meta what decides by which endpoint a template's messages go: its category
// and max price, and whether the account takes part in the Marketing Messages API.
func (s *Service) ReadRoute(ctx context.Context, account, template uid.ID) error {
	ctx = caller.System(ctx)
	a, err := s.find(ctx, account)
	if err != nil {
		return err
	}
	if err := s.readMarketing(ctx, a); err != nil {
		return err
	}

	t, err := s.db.Client.Template.Get(ctx, template)
	if err != nil || t.MetaID == nil {
		return err
	}

	at := s.now()
	read, err := s.refetch(ctx, a, *t.MetaID)
	if err != nil {
		return notAsked("template "+template.String(), err)
	}

	_, err = s.putTemplates(ctx, a, []whatsapp.Template{read}, at, cause{actor: byWhatsApp})

	return err
}

// readMarketing reads an account's part in the Marketing Messages API, and tells when it has
// changed.
func (s *Service) readMarketing(ctx context.Context, a *ent.Account) error {
	at, err := s.Access(a)
	if err != nil {
		return notAsked("account "+a.ID.String(), err)
	}

	asked, cancel := context.WithTimeout(ctx, refetchFor)
	defer cancel()
	read, err := at.Client.Account(asked, at.Token, a.WabaID)
	if err != nil {
		return notAsked("account "+a.ID.String(), err)
	}

	before := MarketingRoute(a)
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		row := tx.Client.Account.UpdateOneID(a.ID).Where(entaccount.Token(a.Token))
		if describeMarketing(row.Mutation(), read); whatsapp.MarketingRoute(read.MarketingMessages,
			read.MarketingOnlyThere) != before {
			tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, a.ID) })
		}

		return row.Exec(ctx)
	})
	if ent.IsNotFound(err) {
		return nil // it was connected anew meanwhile, and read then
	}
	if err != nil {
		return fmt.Errorf("marketing route of account %s: %w", a.ID, err)
	}

	return nil
}

// describeMarketing writes what was read of the Marketing Messages API into an account's row. What
// Meta did not say stays.
func describeMarketing(m *ent.AccountMutation, read whatsapp.Account) {
	if read.MarketingMessages != "" {
		m.SetMarketingMessages(read.MarketingMessages)
	}

	m.SetMarketingOnlyThere(read.MarketingOnlyThere)
}
