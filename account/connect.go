package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"carillon/audit"
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

// Connect is what binds an account: its id and a token, or what Embedded Signup gave.
type Connect struct {
	WABAID, AccessToken string
	SignUp              *SignUp
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

// scopes are the permissions that a token needs: to read and change the account, and to send.
var scopes = []string{managing, "whatsapp_business_messaging"}

// managing is the permission that every call of a binding needs.
const managing = "whatsapp_business_management"

// Connect binds a WhatsApp Business Account to the caller's organization, or gives the one that is
// bound already a new token, and reads its numbers and templates. When only the templates could not
// all be read, or a number not be registered, it says so and the account stays bound.
func (s *Service) Connect(ctx context.Context, in Connect) (*ent.Account, error) {
	v, err := identity.Require(ctx, enum.RoleAdmin)
	if err != nil {
		return nil, err
	}

	in = in.trimmed()
	if err := in.check(); err != nil {
		return nil, err
	}

	b := binding{organization: v.Organization, app: s.whatsapp, sandbox: s.onlySandbox()}
	if in.SignUp != nil {
		b.fields = blame{token: codeField, waba: signUpWABAField, permission: managing}
		return s.signUp(ctx, b, *in.SignUp)
	}

	b.wabaID, b.token = in.WABAID, whatsapp.Token(in.AccessToken)
	b.fields = blame{token: tokenField, waba: wabaField, permission: managing}
	if b.info, err = s.examine(ctx, b); err != nil {
		return nil, err
	}

	id, _, err := s.join(ctx, b)
	if err != nil {
		return nil, err
	}

	return s.finish(ctx, id, run{})
}

func (in Connect) trimmed() Connect {
	in.WABAID, in.AccessToken = strings.TrimSpace(in.WABAID), strings.TrimSpace(in.AccessToken)
	if in.SignUp != nil {
		in.SignUp = &SignUp{strings.TrimSpace(in.SignUp.Code), strings.TrimSpace(in.SignUp.WABAID),
			strings.TrimSpace(in.SignUp.PhoneNumberID)}
	}

	return in
}

func (in Connect) check() error {
	var wrong usererror.Fields
	if in.SignUp != nil {
		in.SignUp.check(&wrong)
	} else {
		in.checkToken(&wrong)
	}

	if !in.ConsentToTransfer {
		wrong.Add(consentField, usererror.NotAllowed,
			"Messages and numbers go to Meta: without your consent the account cannot be connected.")
	}

	return wrong.Err()
}

func (in Connect) checkToken(wrong *usererror.Fields) {
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
	case strings.ContainsFunc(in.AccessToken, notPlain):
		wrong.Add(tokenField, usererror.Invalid, "An access token has letters, digits and signs only.")
	}
}

// notPlain finds what neither a token nor a code has.
func notPlain(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }

// binding is one attempt to bind an account.
type binding struct {
	organization uid.ID
	app          App // at which the account lives
	sandbox      bool
	token        whatsapp.Token
	wabaID       string
	info         whatsapp.TokenInfo // zero where the token could not be examined
	code         []byte             // SHA-256 of the sign-up's; nil for none
	fields       blame
}

func (b binding) access() Access { return Access{b.app.Client, b.token, b.app.ID} }

// join reads the account, subscribes to its webhooks and stores it.
func (s *Service) join(ctx context.Context, b binding) (id uid.ID, r reading, err error) {
	if r, err = s.read(ctx, b.access(), b.wabaID); err != nil {
		return id, r, explain(ctx, err, b.fields)
	}
	// Only now: who cannot read the account does not learn that somebody else has bound it.
	if err := s.checkFree(ctx, b); err != nil {
		return id, r, err
	}
	// Before it is stored: webhooks of an account that is not bound are harmless, an account without
	// webhooks is not.
	if err := b.app.Client.Subscribe(ctx, b.token, b.wabaID); err != nil {
		return id, r, explain(ctx, err, b.fields)
	}

	id, err = s.bind(ctx, b, r)

	return id, r, err
}

// examine asks WhatsApp what a token is good for, and names each permission that it lacks. Our app
// asks; where its id and secret are not known the token asks about itself, and when WhatsApp does
// not answer that, the calls that follow tell.
func (s *Service) examine(ctx context.Context, b binding) (whatsapp.TokenInfo, error) {
	info, err := s.inspect(ctx, b.app, b.token)
	if err != nil {
		var no *whatsapp.Error
		switch {
		case errors.As(err, &no) && badToken(no) && b.app.known(): // our own credentials, which no caller can mend
			return info, fmt.Errorf("examine a token with our app's id and secret: %w", err)
		case b.app.known() || errors.As(err, &no) && badToken(no) || ctx.Err() != nil:
			return info, explain(ctx, err, blame{token: b.fields.token})
		}

		return whatsapp.TokenInfo{}, nil
	}

	switch {
	case !info.Valid && info.Problem != nil:
		return info, usererror.Refuse(b.fields.token, usererror.Invalid, "WhatsApp does not accept the access token: %s",
			words(info.Problem))
	case !info.Valid && b.app.known():
		return info, usererror.Refuse(b.fields.token, usererror.Invalid, "WhatsApp says that the access token is not valid.")
	case !info.Valid:
		return whatsapp.TokenInfo{}, nil
	case info.AppID != "" && b.app.ID != "" && info.AppID != b.app.ID:
		return info, usererror.Refuse(b.fields.token, usererror.NotAllowed,
			"The access token belongs to the app %s, and this service is the app %s, whose webhooks it needs.", info.AppID,
			b.app.ID)
	}

	missing := slices.DeleteFunc(slices.Clone(scopes), info.Has)
	if len(missing) > 0 {
		return info, usererror.Refuse(b.fields.token, usererror.NotAllowed, "The access token lacks the permission %s.",
			strings.Join(missing, " and "))
	}

	return info, nil
}

// inspect has a token examined by our app, or by itself.
func (s *Service) inspect(ctx context.Context, app App, token whatsapp.Token) (whatsapp.TokenInfo, error) {
	by := token
	if app.known() {
		by = app.token()
	}

	return app.Client.DebugToken(ctx, by, token)
}

func (s *Service) checkFree(ctx context.Context, b binding) error {
	bound, err := s.db.Client.Account.Query().Where(entaccount.WabaID(b.wabaID),
		entaccount.OrganizationIDNEQ(b.organization),
		entaccount.StatusNEQ(enum.AccountStatusDisconnected)).Exist(caller.System(ctx))
	if err != nil {
		return fmt.Errorf("look for account %s: %w", b.wabaID, err)
	}
	if bound {
		return usererror.Refuse(b.fields.waba, usererror.Taken,
			"Another organization has connected this account. It has to disconnect it first.")
	}

	return nil
}

// bind stores the account with its token and numbers. Of several who bind one account at the same
// time one wins.
func (s *Service) bind(ctx context.Context, b binding, r reading) (id uid.ID, err error) {
	var numbers []uid.ID
	for range 2 { // again for who lost against a colleague, and now finds the row
		err = s.db.InTx(ctx, func(tx *database.Tx) error {
			tx.After(func(ctx context.Context) { s.changed(ctx, b.organization, append(numbers, id)...) })
			return withinQuota(ctx, tx, b.organization, func() (err error) {
				numbers, err = s.store(ctx, tx, b, r, &id)
				return err
			})
		})
		if err == nil {
			return id, nil
		}

		if !database.IsUnique(err) {
			break
		}
		if err := s.checkFree(ctx, b); err != nil {
			return uid.ID{}, err
		}
	}

	return uid.ID{}, fmt.Errorf("bind account %s: %w", r.account.ID, err)
}

// store writes an account that is bound for the first time, or anew, with its numbers.
func (s *Service) store(ctx context.Context, tx *database.Tx, b binding, r reading, id *uid.ID) (numbers []uid.ID,
	err error) {
	known, err := tx.Client.Account.Query().Where(entaccount.WabaID(r.account.ID)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		*id = uid.New(uid.Account)
		err = s.bindNew(ctx, tx, *id, b, r)
	case err == nil && known.Sandbox != b.sandbox && !s.onlySandbox():
		return nil, usererror.Refuse(b.fields.waba, usererror.Taken,
			"The organization has an account of this id already, and one of the two is the sandbox's.")
	case err == nil:
		*id = known.ID
		_, err = s.moving(ctx, tx, *id, func() error { return s.bindAgain(ctx, tx, *id, b, r) })
	}

	if err != nil {
		return nil, err
	}
	if numbers, err = s.putNumbers(ctx, tx, &ent.Account{ID: *id, OrganizationID: b.organization}, r); err != nil {
		return nil, err
	}

	return numbers, record(ctx, tx, audit.ActionAccountConnect, "connected",
		&ent.Account{ID: *id, OrganizationID: b.organization, Name: r.name()})
}

func (s *Service) bindNew(ctx context.Context, tx *database.Tx, id uid.ID, b binding, r reading) error {
	row := tx.Client.Account.Create().SetID(id).SetWabaID(r.account.ID).SetName(r.name()).SetToken(s.seal(b.token, id)).
		SetSandbox(b.sandbox).SetNillableTokenExpiresAt(expiry(b.info)).SetHealth(r.health()).
		SetNillableCurrency(some(r.account.Currency)).SetNillableReviewStatus(some(r.account.ReviewStatus)).
		SetConnectedAt(s.now()).SetReadAt(r.began).SetNextSyncAt(s.now().Add(syncAgainAfter))
	if b.code != nil {
		row.SetSignupCode(b.code)
	}

	describeMarketing(row.Mutation(), r.account)
	limit, known := r.limit()
	if !known {
		limit = new(lowestLimit)
	}

	return row.SetNillableMessagingLimit(limit).Exec(ctx)
}

func (s *Service) bindAgain(ctx context.Context, tx *database.Tx, id uid.ID, b binding, r reading) error {
	row := tx.Client.Account.UpdateOneID(id).SetToken(s.seal(b.token, id)).ClearStatusReason().SetConnectedAt(s.now()).
		ClearTokenWarnedAt().SetReadAt(r.began).SetNextSyncAt(s.now().Add(syncAgainAfter)).
		ClearListingStartedAt().ClearListingAfter() // another token may see another list
	setExpiry(row, b.info)
	if b.code != nil {
		row.SetSignupCode(b.code)
	} else {
		row.ClearSignupCode()
	}

	changeStatus(row.Mutation(), "connect")

	return r.describe(row).Exec(ctx)
}

func (s *Service) seal(token whatsapp.Token, id uid.ID) []byte {
	return s.keys.Seal([]byte(token.Reveal()), id[:])
}
