package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

var (
	pinPattern      = regexp.MustCompile(`^[0-9]{6}$`)
	codePattern     = regexp.MustCompile(`^[0-9]{4,8}$`)
	languagePattern = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2})?$`)
)

// Registered is a number that was registered.
type Registered struct {
	PhoneNumber *ent.PhoneNumber
	PIN         string // that was made here, where it was taken; for the caller alone
}

// RegisterNumber registers a number of the caller's organization with its PIN. Without one it takes
// the PIN that was made here before, or makes one, which is stored before WhatsApp is asked: a
// crash in between leaves no number with a PIN that nobody knows.
func (s *Service) RegisterNumber(ctx context.Context, id uid.ID, pin string) (*Registered, error) {
	n, err := s.own(ctx, id)
	if err != nil {
		return nil, err
	}
	if pin != "" && !pinPattern.MatchString(pin) {
		return nil, usererror.Refuse("pin", usererror.Invalid, "A PIN has six digits.")
	}

	done := &Registered{}
	if pin == "" {
		if pin, err = s.madePIN(ctx, n); err != nil {
			return nil, err
		}

		done.PIN = pin
	}

	done.PhoneNumber, err = s.ask(ctx, n, step{action: audit.ActionPhoneNumberRegister, ofTheAPI: true,
		said: "had WhatsApp register number ",
		ask: func(ctx context.Context, at Access) error {
			return at.Client.Register(ctx, at.Token, n.MetaID, pin)
		}})
	if wrongPIN(err) {
		if err := s.dropPIN(ctx, n, pin); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}

	return done, nil
}

// DeregisterNumber takes a number of the caller's organization out of WhatsApp's API.
func (s *Service) DeregisterNumber(ctx context.Context, id uid.ID) (*ent.PhoneNumber, error) {
	n, err := s.own(ctx, id)
	if err != nil {
		return nil, err
	}

	return s.ask(ctx, n, step{action: audit.ActionNumberDeregister, ofTheAPI: true,
		said: "had WhatsApp deregister number ",
		ask:  func(ctx context.Context, at Access) error { return at.Client.Deregister(ctx, at.Token, n.MetaID) }})
}

// RequestCode has WhatsApp send a verification code to a number of the caller's organization.
// Method is SMS or VOICE.
func (s *Service) RequestCode(ctx context.Context, id uid.ID, method, language string) (*ent.PhoneNumber, error) {
	n, err := s.own(ctx, id)
	if err != nil {
		return nil, err
	}
	if !languagePattern.MatchString(language) {
		return nil, usererror.Refuse("language", usererror.Invalid, "A language is written like en_US or de.")
	}

	return s.ask(ctx, n, step{action: audit.ActionNumberVerify, said: "asked for a verification code for number ",
		ask: func(ctx context.Context, at Access) error {
			return at.Client.RequestCode(ctx, at.Token, n.MetaID, method, language)
		}})
}

// VerifyNumber proves with a code that a number is the caller's organization's.
func (s *Service) VerifyNumber(ctx context.Context, id uid.ID, code string) (*ent.PhoneNumber, error) {
	n, err := s.own(ctx, id)
	if err != nil {
		return nil, err
	}

	code = strings.NewReplacer("-", "", " ", "").Replace(code)
	if !codePattern.MatchString(code) {
		return nil, usererror.Refuse("code", usererror.Invalid, "A verification code has six digits.")
	}

	return s.ask(ctx, n, step{action: audit.ActionNumberVerify, said: "gave WhatsApp the verification code of number ",
		ask: func(ctx context.Context, at Access) error {
			return at.Client.VerifyCode(ctx, at.Token, n.MetaID, code)
		}})
}

// own is a number of the caller's organization, for a caller who may manage it, with its account.
func (s *Service) own(ctx context.Context, id uid.ID) (*ent.PhoneNumber, error) {
	if err := permit(ctx, enum.RoleAdmin); err != nil {
		return nil, err
	}

	n, err := s.db.Client.PhoneNumber.Query().Where(phonenumber.ID(id)).WithAccount().Only(ctx)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("phone number")
	}
	if err != nil {
		return nil, fmt.Errorf("phone number %s: %w", id, err)
	}

	return n, nil
}

// step is one thing that Meta is asked to do with a number.
type step struct {
	action, said string // for the audit trail
	ofTheAPI     bool   // WhatsApp does it to no number that the WhatsApp Business app uses too
	ask          func(context.Context, Access) error
}

// ask records that Meta is asked to do something with a number, asks, and reads the account's
// numbers again. What Meta refuses is an error in our words.
func (s *Service) ask(ctx context.Context, n *ent.PhoneNumber, do step) (*ent.PhoneNumber, error) {
	a := n.Edges.Account
	if a.Status == enum.AccountStatusDisconnected {
		return nil, usererror.Refuse("phoneNumberId", usererror.NotAllowed,
			"The number's account is disconnected: connect it again.")
	}

	at, err := s.Access(a)
	if err != nil {
		return nil, err
	}

	if do.ofTheAPI && s.inApp(ctx, at, a, n) {
		return nil, usererror.Refuse("phoneNumberId", usererror.NotAllowed, "The WhatsApp Business app uses the number, "+
			"too, and registers it: WhatsApp lets nobody else do that, nor take it out. Disconnect it in the app.")
	}

	// Recorded before it is done: whatever comes of it, Meta has been asked.
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{Organization: n.OrganizationID, Action: do.action, Subject: n.ID,
			Summary: do.said + audit.Ending(n.DisplayNumber)})
	})
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", do.said, n.ID, err)
	}
	if err := do.ask(ctx, at); err != nil {
		return nil, s.refusedNumber(ctx, a, err)
	}

	if err := s.readNumbers(ctx, a, at); err != nil {
		if err = s.settle(ctx, a, err); ctx.Err() != nil {
			return nil, err
		}
		return nil, usererror.Refuse("", usererror.Upstream,
			"WhatsApp has done it, but the number could not be read again: sync the account. %s", err)
	}

	if n, err = s.db.Client.PhoneNumber.Get(ctx, n.ID); err != nil {
		return nil, fmt.Errorf("phone number: %w", err)
	}

	return n, nil
}

// inApp reports whether WhatsApp says that its Business app uses a number. Where it says nothing,
// it is asked what is to be done, and decides.
func (s *Service) inApp(ctx context.Context, at Access, a *ent.Account, n *ent.PhoneNumber) bool {
	ctx, cancel := context.WithTimeout(ctx, refetchFor)
	defer cancel()
	numbers, _ := at.Client.PhoneNumbers(ctx, at.Token, a.WabaID)

	return slices.ContainsFunc(numbers, func(other whatsapp.PhoneNumber) bool {
		return other.ID == n.MetaID && other.OnBusinessApp
	})
}

// readNumbers reads an account's numbers again, and stores them.
func (s *Service) readNumbers(ctx context.Context, a *ent.Account, at Access) error {
	asked, cancel := context.WithTimeout(ctx, refetchFor)
	defer cancel()
	read, err := reading{began: s.now()}, error(nil)
	if read.numbers, err = at.Client.PhoneNumbers(asked, at.Token, a.WabaID); err != nil {
		return notAsked("numbers of account "+a.ID.String(), err)
	}

	var ids []uid.ID

	return s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, ids...) })
		stored, err := tx.Client.Account.Query().Where(entaccount.ID(a.ID), s.db.Locked).Only(ctx)
		if err != nil {
			return fmt.Errorf("account %s: %w", a.ID, err)
		}

		ids, err = s.putNumbers(ctx, tx, stored, read)

		return err
	})
}

// refusal is what one of Meta's errors means for a mutation of numbers: the field at fault, and the
// code of the user error. Its text is the title and the advice of whatsapp's table.
type refusal struct {
	field string
	code  usererror.Code
}

// numberRefusals are Meta's errors to what is done with a number, by code or subcode. Others are
// UPSTREAM.
var numberRefusals = map[int]refusal{
	133005: {"pin", usererror.Invalid}, 133008: {"pin", usererror.LimitExceeded},
	133009: {"pin", usererror.LimitExceeded},
	133006: {"phoneNumberId", usererror.NotAllowed}, 133010: {"phoneNumberId", usererror.NotAllowed},
	133015: {"phoneNumberId", usererror.NotAllowed}, 133016: {"phoneNumberId", usererror.LimitExceeded},
	133000: {"phoneNumberId", usererror.NotAllowed}, 2494100: {"phoneNumberId", usererror.NotAllowed},
	131031: {"phoneNumberId", usererror.NotAllowed}, 131045: {"phoneNumberId", usererror.NotAllowed},
	136024: {"phoneNumberId", usererror.LimitExceeded}, 2388091: {"phoneNumberId", usererror.LimitExceeded},
	136025: {"code", usererror.Invalid}, 2388093: {"code", usererror.Invalid},
	33: {"phoneNumberId", usererror.NotAllowed},
}

// numberRefused is a refusal of Meta's as the caller reads it; it keeps Meta's error for us.
type numberRefused struct {
	usererror.Fields
	meta *whatsapp.Error
}

func (e numberRefused) Unwrap() error { return e.Fields }

// refusedNumber says in our words what Meta refused.
func (s *Service) refusedNumber(ctx context.Context, a *ent.Account, err error) error {
	no, is := errors.AsType[*whatsapp.Error](err)
	if !is {
		return s.settle(ctx, a, err)
	}

	rule := no.Rule()
	known, found := numberRefusals[rule.Code]
	if !found {
		return s.settle(ctx, a, err)
	}

	text := rule.Title + ". " + rule.Advice
	if detail := strings.TrimSpace(no.Details); detail != "" && rule.Code != 133016 {
		text += " WhatsApp says: " + detail
	}

	return numberRefused{usererror.Fields{{Path: []string{known.field}, Code: known.code, Message: text}}, no}
}

func wrongPIN(err error) bool {
	refused, is := errors.AsType[numberRefused](err)
	return is && refused.meta.Rule().Code == 133005
}

// madePIN is the PIN that was made here for a number, or a new one. Of two who make one at once,
// both get the first.
func (s *Service) madePIN(ctx context.Context, n *ent.PhoneNumber) (pin string, err error) {
	if len(n.Pin) == 0 {
		if pin, err = newPIN(); err != nil {
			return "", err
		}

		sealed := s.keys.Seal([]byte(pin), n.ID[:])
		stored, err := s.db.Client.PhoneNumber.Update().Where(phonenumber.ID(n.ID), phonenumber.PinIsNil()).SetPin(sealed).
			Save(ctx)
		if err != nil {
			return "", fmt.Errorf("keep the PIN of number %s: %w", n.ID, err)
		}
		if stored > 0 {
			return pin, nil
		}
		if n, err = s.db.Client.PhoneNumber.Get(ctx, n.ID); err != nil {
			return "", fmt.Errorf("phone number: %w", err)
		}
	}

	plain, err := s.keys.Open(n.Pin, n.ID[:])
	if err != nil {
		return "", fmt.Errorf("PIN of number %s: %w", n.ID, err)
	}

	return string(plain), nil
}

// dropPIN forgets the PIN that was made here when it is not the number's.
func (s *Service) dropPIN(ctx context.Context, n *ent.PhoneNumber, pin string) error {
	now, err := s.db.Client.PhoneNumber.Get(ctx, n.ID)
	if err != nil || len(now.Pin) == 0 {
		return err
	}
	if kept, err := s.keys.Open(now.Pin, n.ID[:]); err != nil || string(kept) != pin {
		return nil
	}

	err = s.db.Client.PhoneNumber.Update().Where(phonenumber.ID(n.ID), phonenumber.Pin(now.Pin)).ClearPin().Exec(ctx)
	if err != nil {
		return fmt.Errorf("forget the PIN of number %s: %w", n.ID, err)
	}

	return nil
}
