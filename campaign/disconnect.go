package campaign

import (
	"context"

	"carillon/ent"
	"carillon/uid"
)

// DisconnectAccount disconnects an account of the caller's organization, and pauses the campaigns
// that send from it.
func (s *Service) DisconnectAccount(ctx context.Context, id uid.ID) (*ent.Account, error) {
	a, err := s.accounts.Disconnect(ctx, id)
	if err != nil {
		return nil, err
	}

	return a, s.AccountChanged(ctx, a)
}
