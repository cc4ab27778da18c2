package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// Connect is what binds an account.
type Connect struct {
	WABAID, AccessToken string
	ConsentToTransfer   bool // that the organization may hand these people's data to Meta
}

// Paths of the input's fields.
const (
	tokenField   = "credentials.token.accessToken"
	wabaField    = "credentials.token.wabaId"
	consentField = "consentToTransfer"

	longestToken = 1000
)

var wabaPattern = regexp.MustCompile(`^[0-9]{5,25}$`)

// scopes are the permissions that a token needs.
var scopes = []string{"whatsapp_business_management", "whatsapp_business_messaging"}

// Connect binds a WhatsApp Business Account to the caller's organization, or gives the one that is
// bound already a new token, and reads its numbers and templates. When only the templates could not
// all be read it says so and the account stays bound.
func (s *Service) Connect(ctx context.Context, in Connect) (*ent.Account, error) {
	v, err := identity.Require(ctx, enum.RoleAdmin)
	if err != nil {
		return nil, err
	}

	in.WABAID, in.AccessToken = strings.TrimSpace(in.WABAID), strings.TrimSpace(in.AccessToken)
	if err := in.check(); err != nil {
		return nil, err
	}

	token, fields := whatsapp.Token(in.AccessToken), blame{token: tokenField, waba: wabaField}
	if err := s.examine(ctx, token); err != nil {
		return nil, err
	}

	read, err := s.read(ctx, token, in.WABAID)
	if err != nil {
		return nil, explain(ctx, err, fields)
	}
	// Only now: who cannot read the account does not learn that somebody else has bound it.
	if err := s.checkFree(ctx, v.Organization, in.WABAID); err != nil {
		return nil, err
	}
	// Before it is stored: webhooks of an account that is not bound are harmless, an account without
	// webhooks is not.
	if err := s.meta.Subscribe(ctx, token, in.WABAID); err != nil {
		return nil, explain(ctx, err, fields)
	}

	id, err := s.bind(ctx, v.Organization, token, read)
	if err != nil {
		return nil, err
	}

	return s.finish(ctx, id, token)
}

func (in Connect) check() error {
	var wrong usererror.Fields
	switch {
	case in.WABAID == "":
		wrong.Add(wabaField, usererror.Required, "The id of the WhatsApp Business Account is needed.")
	case !wabaPattern.MatchString(in.WABAID):
		wrong.Add(wabaField, usererror.Invalid, "The id of a WhatsApp Business Account has digits only.")
	}

	switch {
	case in.AccessToken == "":
		wrong.Add(tokenField, usererror.Required, "An access token is needed.")
	case len(in.AccessToken) > longestToken:
		wrong.Add(tokenField, usererror.TooLong, "An access token has at most %d characters.", longestToken)
	case strings.ContainsFunc(in.AccessToken, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' '
	}):
		wrong.Add(tokenField, usererror.Invalid, "An access token has letters, digits and signs only.")
	}

	if !in.ConsentToTransfer {
		wrong.Add(consentField, usererror.NotAllowed,
			"Messages and numbers go to Meta: without your consent the account cannot be connected.")
	}

	return wrong.Err()
}

// examine asks Meta what a token is good for, when our app's credentials are known.
func (s *Service) examine(ctx context.Context, token whatsapp.Token) error {
	if s.options.AppID == "" || s.options.AppSecret == "" {
		return nil
	}

	info, err := s.meta.DebugToken(ctx, whatsapp.Token(s.options.AppID+"|"+s.options.AppSecret), token)
	if err != nil {
		var no *whatsapp.Error
		if errors.As(err, &no) && badToken(no) { // our own credentials are meant, which no caller can mend
			return fmt.Errorf("examine a token with our app's id and secret: %w", err)
		}

		return explain(ctx, err, blame{})
	}

	if !info.Valid {
		why := "it is not valid."
		if info.Problem != nil {
			why = words(info.Problem)
		}

		return usererror.Refuse(tokenField, usererror.Invalid, "WhatsApp does not accept the access token: %s", why)
	}

	if info.AppID != "" && info.AppID != s.options.AppID {
		return usererror.Refuse(tokenField, usererror.NotAllowed,
			"The access token belongs to the app %s, and this service is the app %s, whose webhooks it needs.", info.AppID,
			s.options.AppID)
	}

	var missing []string
	for _, scope := range scopes {
		if !info.Has(scope) {
			missing = append(missing, scope)
		}
	}

	if len(missing) > 0 {
		return usererror.Refuse(tokenField, usererror.NotAllowed, "The access token lacks the permission %s.",
			strings.Join(missing, " and "))
	}

	return nil
}

func (s *Service) checkFree(ctx context.Context, organization uid.ID, wabaID string) error {
	bound, err := s.db.Client.Account.Query().Where(entaccount.WabaID(wabaID), entaccount.OrganizationIDNEQ(organization),
		entaccount.StatusNEQ(enum.AccountStatusDisconnected)).Exist(caller.System(ctx))
	if err != nil {
		return fmt.Errorf("look for account %s: %w", wabaID, err)
	}
	if bound {
		return taken()
	}

	return nil
}

func taken() error {
	return usererror.Refuse(wabaField, usererror.Taken,
		"Another organization has connected this account. It has to disconnect it first.")
}

// bind stores the account with its token and numbers. Of several who bind one account at the same
// time one wins.
func (s *Service) bind(ctx context.Context, organization uid.ID, token whatsapp.Token, r reading) (id uid.ID,
	err error) {
	var numbers []uid.ID
	for range 2 { // again for who lost against a colleague, and now finds the row
		err = s.db.InTx(ctx, func(tx *database.Tx) error {
			tx.After(func(ctx context.Context) { s.changed(ctx, organization, append(numbers, id)...) })
			return withinQuota(ctx, tx, organization, func() (err error) {
				numbers, err = s.store(ctx, tx, organization, token, r, &id)
				return err
			})
		})
		if err == nil {
			return id, nil
		}

		if !database.IsUnique(err) {
			break
		}
		if err := s.checkFree(ctx, organization, r.account.ID); err != nil {
			return uid.ID{}, err
		}
	}

	return uid.ID{}, fmt.Errorf("bind account %s: %w", r.account.ID, err)
}

// store writes an account that is bound for the first time, or anew, with its numbers.
func (s *Service) store(ctx context.Context, tx *database.Tx, organization uid.ID, token whatsapp.Token, r reading,
	id *uid.ID) (numbers []uid.ID, err error) {
	*id, err = tx.Client.Account.Query().Where(entaccount.WabaID(r.account.ID)).OnlyID(ctx)
	switch {
	case ent.IsNotFound(err):
		*id = uid.New(uid.Account)
		err = s.bindNew(ctx, tx, *id, token, r)
	case err == nil:
		err = s.bindAgain(ctx, tx, *id, token, r)
	}

	if err != nil {
		return nil, err
	}
	if numbers, err = s.putNumbers(ctx, tx, organization, *id, r.numbers); err != nil {
		return nil, err
	}

	return numbers, record(ctx, tx, identity.ActionAccountConnect, "connected",
		&ent.Account{ID: *id, OrganizationID: organization, Name: r.name()})
}

func (s *Service) bindNew(ctx context.Context, tx *database.Tx, id uid.ID, token whatsapp.Token, r reading) error {
	row := tx.Client.Account.Create().SetID(id).SetWabaID(r.account.ID).SetName(r.name()).SetToken(s.seal(token, id)).
		SetNillableCurrency(some(r.account.Currency)).SetNillableReviewStatus(some(r.account.ReviewStatus)).
		SetConnectedAt(s.now())
	limit, known := r.limit()
	if !known {
		limit = new(lowestLimit)
	}

	return row.SetNillableMessagingLimit(limit).Exec(ctx)
}

func (s *Service) bindAgain(ctx context.Context, tx *database.Tx, id uid.ID, token whatsapp.Token, r reading) error {
	row := tx.Client.Account.UpdateOneID(id).SetToken(s.seal(token, id)).ClearStatusReason().SetConnectedAt(s.now())
	changeStatus(row.Mutation(), "connect")

	return r.describe(row).Exec(ctx)
}

func (s *Service) seal(token whatsapp.Token, id uid.ID) []byte {
	return s.keys.Seal([]byte(token.Reveal()), id[:])
}
