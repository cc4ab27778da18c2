package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// SignUp is what Meta's Embedded Signup gives a page. The code comes by one way and the ids by
// another, which may be lost: without them the code's token tells.
type SignUp struct {
	Code                  string // exchanged once, within seconds
	WABAID, PhoneNumberID string // empty where the page did not get them
}

const (
	signUpField       = "credentials.embeddedSignup"
	codeField         = signUpField + ".code"
	signUpWABAField   = signUpField + ".wabaId"
	signUpNumberField = signUpField + ".phoneNumberId"
)

func (in SignUp) check(wrong *usererror.Fields) {
	switch {
	case in.Code == "":
		wrong.Add(codeField, usererror.Required, "The code that Embedded Signup gave the page is needed.")
	case len(in.Code) > longestToken:
		wrong.Add(codeField, usererror.TooLong, "A code has at most %d characters.", longestToken)
	case strings.ContainsFunc(in.Code, notPlain):
		wrong.Add(codeField, usererror.Invalid, "A code has letters, digits and signs only.")
	}

	if in.WABAID != "" && !wabaPattern.MatchString(in.WABAID) {
		wrong.Add(signUpWABAField, usererror.Invalid, "The id of a WhatsApp Business Account has digits only. "+
			"Leave it empty when the page did not get it.")
	}
	if in.PhoneNumberID != "" && !wabaPattern.MatchString(in.PhoneNumberID) {
		wrong.Add(signUpNumberField, usererror.Invalid, "Meta's id of a phone number has digits only.")
	}
}

// signUp binds the account that a customer shared in Embedded Signup, in the order that Meta asks
// for: exchange the code, examine the token, subscribe, register numbers, read. The code is spent
// by the exchange. When the same code comes again it has brought its account already, and that is
// the answer; a code that was spent and brought none has to be asked for anew.
// developers.facebook.com, WhatsApp "Embedded Signup, onboarding customers" (read 2026-11).
func (s *Service) signUp(ctx context.Context, b binding, in SignUp) (*ent.Account, error) {
	if !b.app.known() {
		return nil, usererror.Refuse(signUpField, usererror.NotAllowed, "This service has no app of its own at Meta: "+
			"its operator has to set WHATSAPP_APP_ID and WHATSAPP_APP_SECRET. An account can be connected by a token.")
	}

	hash := sha256.Sum256([]byte(in.Code))
	b.code = hash[:]
	brought, err := s.db.Client.Account.Query().Where(entaccount.SignupCode(b.code),
		entaccount.StatusNEQ(enum.AccountStatusDisconnected)).Only(ctx)
	if err == nil || !ent.IsNotFound(err) {
		return brought, err
	}

	if b.token, err = b.app.Client.ExchangeCode(ctx, b.app.ID, b.app.Secret, in.Code); err != nil {
		return nil, explainExchange(ctx, err, b.fields.token)
	}
	if b.info, err = s.examine(ctx, b); err != nil {
		return nil, err
	}
	if b.wabaID, err = s.shared(ctx, b, in.WABAID); err != nil {
		return nil, err
	}

	id, r, err := s.join(ctx, b)
	if err != nil {
		return nil, err
	}

	missed := s.registerNew(ctx, id, b, r, in.PhoneNumberID)
	a, err := s.finish(ctx, id, run{})
	if err == nil {
		err = missed
	}
	if err != nil {
		return nil, err
	}

	return a, nil
}

// invalidParameter is the code under which Graph refuses a code that is spent, too old, or none.
const invalidParameter = 100

func explainExchange(ctx context.Context, err error, field string) error {
	var no *whatsapp.Error
	if errors.As(err, &no) && no.Code == invalidParameter {
		return usererror.Refuse(field, usererror.Invalid, "WhatsApp does not take the code: %s A code serves once, and only "+
			"for a short time after the sign-up. Sign up again.", words(no))
	}

	return explain(ctx, err, blame{})
}

// shared is the account that a sign-up is about: the one that the page named, or else the only one
// that the token covers and this organization has not bound yet.
func (s *Service) shared(ctx context.Context, b binding, named string) (string, error) {
	covered := b.info.WABAIDs
	if named != "" {
		if len(covered) > 0 && !slices.Contains(covered, named) {
			return "", usererror.Refuse(b.fields.waba, usererror.NoSuch, "The sign-up shares %s, and not this account.",
				listed(covered))
		}
		return named, nil
	}

	known, err := s.db.Client.Account.Query().Where(entaccount.WabaIDIn(covered...),
		entaccount.StatusNEQ(enum.AccountStatusDisconnected)).All(ctx)
	if err != nil {
		return "", fmt.Errorf("look for the accounts of a sign-up: %w", err)
	}

	fresh := slices.DeleteFunc(slices.Clone(covered), func(id string) bool {
		return slices.ContainsFunc(known, func(a *ent.Account) bool { return a.WabaID == id })
	})

	switch {
	case len(fresh) == 1:
		return fresh[0], nil
	case len(covered) == 1:
		return covered[0], nil
	}

	return "", usererror.Refuse(b.fields.waba, usererror.Required, "The sign-up shares %s: it has to be said which is "+
		"meant. Sign up again, and give its id.", listed(covered))
}

// mostListed bounds the ids in a text.
const mostListed = 10

func listed(ids []string) string {
	switch {
	case len(ids) == 0:
		return "accounts that WhatsApp does not name"
	case len(ids) > mostListed:
		return fmt.Sprintf("the accounts %s and %d more", strings.Join(ids[:mostListed], ", "), len(ids)-mostListed)
	}

	return "the accounts " + strings.Join(ids, ", ")
}

// registerNew registers the numbers of a sign-up that cannot send yet; with a number named, that
// alone. It says what could not be registered; the account is bound all the same.
func (s *Service) registerNew(ctx context.Context, id uid.ID, b binding, r reading, named string) error {
	var wrong usererror.Fields
	registered := false

	for _, n := range r.numbers {
		if !needsRegistration(n) || named != "" && n.ID != named {
			continue
		}

		err := s.register(ctx, b.access(), id, n.ID)
		var no *whatsapp.Error
		switch {
		case err == nil:
			registered = true
		case errors.As(err, &no):
			wrong.Add("", usererror.Upstream, "The account is connected, but its number %s could not be registered: %s "+
				"Register it with its own PIN.", n.DisplayPhoneNumber, words(no))
		default:
			wrong.Add("", usererror.Upstream, "The account is connected, but its number %s could not be registered. "+
				"Register it, or sign up again.", n.DisplayPhoneNumber)
		}
	}

	if registered {
		a := &ent.Account{ID: id, OrganizationID: b.organization, WabaID: b.wabaID}
		if err := s.readNumbers(ctx, a, b.access()); err != nil && !errors.Is(err, ErrNotAsked) { // else the next sync does
			return err
		}
	}

	return wrong.Err()
}

// needsRegistration says of a number that its owner has proven, and that the Cloud API has not. One
// in coexistence is registered by the WhatsApp Business app.
func needsRegistration(n whatsapp.PhoneNumber) bool {
	proven := n.CodeVerificationStatus != "NOT_VERIFIED" && n.CodeVerificationStatus != "UNVERIFIED"
	return proven && !n.OnBusinessApp && n.PlatformType != "" && n.PlatformType != "CLOUD_API"
}

// register registers a number with a PIN that is stored, sealed, before WhatsApp learns it: a PIN
// that nobody knows would lock the number.
func (s *Service) register(ctx context.Context, at Access, account uid.ID, metaID string) error {
	row, err := s.db.Client.PhoneNumber.Query().Where(phonenumber.AccountID(account), phonenumber.MetaID(metaID)).
		Only(ctx)
	if err != nil {
		return fmt.Errorf("number %s of account %s: %w", metaID, account, err)
	}

	pin, err := s.madePIN(ctx, row)
	if err != nil {
		return err
	}

	return at.Client.Register(ctx, at.Token, metaID, pin)
}

func newPIN() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("make a PIN: %w", err)
	}

	return fmt.Sprintf("%06d", n), nil
}
