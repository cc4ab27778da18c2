package account

import (
	"context"
	"errors"
	"fmt"

	"carillon/ent"
	"carillon/whatsapp"
)

// ErrSealed says that a token does not open under the keys that are configured.
var ErrSealed = errors.New("the token does not open")

// Inspect has an account's token examined where it is for. Nothing is changed by what it tells.
func (s *Service) Inspect(ctx context.Context, a *ent.Account) (whatsapp.TokenInfo, error) {
	access, err := s.Access(a)
	if err != nil {
		return whatsapp.TokenInfo{}, fmt.Errorf("%w: %w", ErrSealed, err)
	}

	return s.inspect(ctx, s.app(a.Sandbox), access.Token)
}
