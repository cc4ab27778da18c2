package account

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/usererror"
)

const (
	// mostTrials is how many sandbox accounts an organization may have at a time, about: two callers
	// at once may each take the last.
	mostTrials = 5

	longestTrialName = 100
	trialName        = "Sandbox"
)

// ConnectSandbox makes an account in the sandbox and binds it to the caller's organization, the way
// an Embedded Signup would: with a WABA id, a number and a token of its own, whoever else tries. It
// lives beside real accounts, is marked as the sandbox's, and nothing sent through it reaches
// WhatsApp.
func (s *Service) ConnectSandbox(ctx context.Context, name string) (*ent.Account, error) {
	v, err := identity.Require(ctx, enum.RoleAdmin)
	if err != nil {
		return nil, err
	}

	if name = strings.TrimSpace(name); name == "" {
		name = trialName
	}

	switch {
	case utf8.RuneCountInString(name) > longestTrialName:
		return nil, usererror.Refuse("name", usererror.TooLong, "A name has at most %d characters.", longestTrialName)
	case !s.sandbox.known():
		return nil, usererror.Refuse("", usererror.NotAllowed, "No sandbox runs here. Its operator has to start "+
			"`carillon sandbox`, and to name it in SANDBOX_URL.")
	}

	trials, err := s.db.Client.Account.Query().Where(entaccount.Sandbox(true),
		entaccount.StatusNEQ(enum.AccountStatusDisconnected)).Count(ctx)
	if err != nil {
		return nil, fmt.Errorf("count sandbox accounts: %w", err)
	}
	if trials >= mostTrials {
		return nil, usererror.Refuse("", usererror.LimitExceeded, "The organization has %d sandbox accounts. "+
			"Disconnect one of them first.", trials)
	}

	code, err := s.sandbox.Client.SignUpAtSandbox(ctx, s.sandbox.token(), name)
	if err != nil {
		return nil, explain(ctx, err, blame{})
	}

	return s.signUp(ctx, binding{organization: v.Organization, app: s.sandbox, sandbox: true}, SignUp{Code: code})
}
