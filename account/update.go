package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/caller"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	enttemplate "carillon/ent/template"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// ErrNotAsked says that Meta could not be asked about what a webhook told: it did not answer, or it
// refused the account's token. The same webhook may be taken in later.
var ErrNotAsked = errors.New("WhatsApp could not be asked")

// notAsked makes an error of Meta's, or of a token, one that says so.
func notAsked(what string, err error) error { return fmt.Errorf("%s: %w: %w", what, ErrNotAsked, err) }

// refetchFor bounds the call to Meta that a webhook causes.
const refetchFor = 10 * time.Second

// bound is the account that has bound a WABA. None is NOT_FOUND, so that what was told of it is
// kept and can be told again.
func (s *Service) bound(ctx context.Context, wabaID string) (*ent.Account, error) {
	a, err := s.db.Client.Account.Query().Where(entaccount.WabaID(wabaID),
		entaccount.StatusNEQ(enum.AccountStatusDisconnected)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("account")
	}
	if err != nil {
		return nil, fmt.Errorf("look for account %s: %w", wabaID, err)
	}

	return a, nil
}

// ApplyTemplateUpdate takes a webhook about a template, as the system, and returns the template if
// that changed it. Since webhooks come late and in any order, Meta is asked for the template; only
// when it does not answer is the event believed.
func (s *Service) ApplyTemplateUpdate(ctx context.Context, u whatsapp.TemplateUpdate) (changed *ent.Template,
	err error) {
	ctx = caller.System(ctx)
	a, err := s.bound(ctx, u.WABAID)
	if err != nil {
		return nil, err
	}
	if status, told := told(u.Event); told && status == enum.TemplateStatusDeleted {
		return s.believe(ctx, a, u)
	}

	for range readAgain {
		at := s.now()
		if u.TemplateID == "" {
			break
		}

		t, err := s.refetch(ctx, a, u.TemplateID)
		if err != nil {
			if u.Kind == whatsapp.TemplateComponentsChanged { // the event tells too little
				return nil, notAsked(fmt.Sprintf("template %s of account %s", u.TemplateID, a.ID), err)
			}

			break
		}

		t.RejectedReason = reason(t, u)
		stored, err := s.putTemplates(ctx, a, []whatsapp.Template{t}, at, cause{byWhatsApp, why(u)})
		if err != nil {
			return nil, err
		}
		if len(stored) > 0 {
			return stored[0], nil
		}
		if same, err := s.stands(ctx, a, t); err != nil || same {
			return nil, err
		}
		// The row was changed while Meta was asked, perhaps by an older answer of Meta's: what was read
		// is void, not the event.
	}

	return s.believe(ctx, a, u)
}

// stands says whether a template is stored with the status that Meta has told.
func (s *Service) stands(ctx context.Context, a *ent.Account, t whatsapp.Template) (bool, error) {
	same, err := s.db.Client.Template.Query().Where(enttemplate.AccountID(a.ID), enttemplate.MetaID(t.ID),
		enttemplate.StatusEQ(status(t.Status))).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("look for template %s: %w", t.ID, err)
	}

	return same, nil
}

// readAgain is how often Meta is asked when what it told is overtaken meanwhile.
const readAgain = 3

func (s *Service) refetch(ctx context.Context, a *ent.Account, metaID string) (t whatsapp.Template, err error) {
	at, err := s.Access(a)
	if err != nil {
		return t, err
	}

	ctx, cancel := context.WithTimeout(ctx, refetchFor)
	defer cancel()
	t, err = at.Client.Template(ctx, at.Token, metaID)
	if err == nil && (t.ID != metaID || t.Name == "" || t.Language == "") {
		err = fmt.Errorf("an answer that is not that template")
	}

	return t, err
}

// reason is Meta's enum, with the sentence that only the webhook has.
func reason(t whatsapp.Template, u whatsapp.TemplateUpdate) string {
	if t.Status != string(enum.TemplateStatusRejected) || u.RejectionText == "" || t.RejectedReason == "" {
		return t.RejectedReason
	}
	return strings.TrimSpace(t.RejectedReason + ": " + u.RejectionText + " " + u.Recommendation)
}

// told is the status that an event of a template means; false for those that change none, such as
// FLAGGED and LOCKED.
func told(event string) (enum.TemplateStatus, bool) {
	switch event = strings.ToUpper(event); event {
	case "REINSTATED", "UNARCHIVED", "UNPAUSED":
		return enum.TemplateStatusApproved, true
	case "DRAFT", "":
		return "", false
	}

	status := enum.TemplateStatus(event)
	return status, slices.Contains(status.Values(), event)
}

// why is what an event says of its reason, for the template's history.
func why(u whatsapp.TemplateUpdate) string {
	var all []string
	for _, text := range []string{u.Reason, u.RejectionText, u.Recommendation, u.Title, u.Description} {
		if text = strings.TrimSpace(text); text != "" {
			all = append(all, text)
		}
	}

	return strings.Join(all, ": ")
}

// believe changes a template as an event says.
func (s *Service) believe(ctx context.Context, a *ent.Account, u whatsapp.TemplateUpdate) (*ent.Template, error) {
	which := enttemplate.And(enttemplate.Name(u.Name), enttemplate.Language(u.Language))
	switch status, _ := told(u.Event); {
	case u.TemplateID == "": // nothing says that a draft of its name is the one
		which = enttemplate.And(which, enttemplate.MetaIDNotNil())
	case u.TemplateID != "" && status == enum.TemplateStatusDeleted: // a draft of its name is another template
		which = enttemplate.MetaID(u.TemplateID)
	case u.TemplateID != "":
		which = enttemplate.Or(enttemplate.MetaID(u.TemplateID), enttemplate.And(enttemplate.MetaIDIsNil(), which))
	}

	id, err := s.db.Client.Template.Query().Where(enttemplate.AccountID(a.ID), which).
		Order(ent.Desc(enttemplate.FieldMetaID)).FirstID(ctx)
	if ent.IsNotFound(err) {
		return nil, nil // the next sync reads it
	}
	if err != nil {
		return nil, fmt.Errorf("look for template %s: %w", u.TemplateID, err)
	}

	return s.revise(ctx, id, cause{byWhatsApp, why(u)}, func(t *ent.Template, row *ent.TemplateUpdateOne) bool {
		if t.MetaID == nil && u.TemplateID != "" {
			row.SetMetaID(u.TemplateID)
		}
		return says(t, u, row)
	})
}

// says puts into a template's row what an event tells, and reports whether that is new.
func says(t *ent.Template, u whatsapp.TemplateUpdate, row *ent.TemplateUpdateOne) bool {
	status, toldStatus := told(u.Event)
	now, correct := category(u.NewCategory), category(u.CorrectCategory)

	switch {
	case u.Kind == whatsapp.TemplateStatusChanged && toldStatus && status != t.Status:
		row.SetStatus(status)
		if text := reason(whatsapp.Template{Status: string(status), RejectedReason: u.Reason}, u); text != "" {
			row.SetRejectionReason(text)
		} else {
			row.ClearRejectionReason()
		}
	case u.Kind == whatsapp.TemplateQualityChanged && quality(u.NewQuality) != t.QualityScore:
		row.SetQualityScore(quality(u.NewQuality))
	case u.Kind == whatsapp.TemplateCategoryChanged && u.PreviousCategory != "":
		row.SetCategory(now).ClearComingCategory()
		return now != t.Category || t.ComingCategory != nil
	case u.Kind == whatsapp.TemplateCategoryChanged && u.CorrectCategory != "" && correct != t.Category:
		row.SetComingCategory(correct)
		return t.ComingCategory == nil || *t.ComingCategory != correct
	default:
		return false
	}

	return true
}

// ApplyNumberUpdate takes a webhook about a phone number, as the system, and returns the number if
// that changed it. The account's numbers are read again, since most such webhooks tell only that
// something is different.
func (s *Service) ApplyNumberUpdate(ctx context.Context, u whatsapp.NumberUpdate) (changed *ent.PhoneNumber,
	err error) {
	ctx = caller.System(ctx)
	a, err := s.bound(ctx, u.WABAID)
	if err != nil {
		return nil, err
	}
	if err := s.setLimit(ctx, a, u.Limit); err != nil {
		return nil, err
	}

	if u.Kind == whatsapp.NumberUsernameChanged {
		return s.applyUsername(ctx, a, u)
	}

	before, err := s.number(ctx, a.ID, u)
	if err != nil {
		return nil, err
	}

	at, err := s.Access(a)
	if err != nil {
		return nil, notAsked("numbers of account "+a.ID.String(), err)
	}

	if err := s.readNumbers(ctx, a, at); err != nil {
		return nil, err
	}

	after, err := s.number(ctx, a.ID, u)
	if err != nil || after == nil || before != nil && same(before, after) {
		return nil, err
	}

	return after, nil
}

// number finds the row that a webhook means, by Meta's id or else by the digits that people dial.
func (s *Service) number(ctx context.Context, account uid.ID, u whatsapp.NumberUpdate) (*ent.PhoneNumber, error) {
	rows, err := s.db.Client.PhoneNumber.Query().Where(phonenumber.AccountID(account)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("numbers of account %s: %w", account, err)
	}

	for _, n := range rows {
		if n.MetaID == u.PhoneNumberID || u.PhoneNumberID == "" && sameDigits(n, u) {
			return n, nil
		}
	}

	return nil, nil
}

func sameDigits(n *ent.PhoneNumber, u whatsapp.NumberUpdate) bool {
	return whatsapp.Digits(n.DisplayNumber) == whatsapp.Digits(u.DisplayPhoneNumber)
}

func same(a, b *ent.PhoneNumber) bool {
	return a.DisplayNumber == b.DisplayNumber && a.VerifiedName == b.VerifiedName && a.QualityRating == b.QualityRating &&
		a.Status == b.Status && a.Throughput == b.Throughput
}

// ApplyCapabilityUpdate takes a webhook about what a portfolio may do, as the system, and returns
// the account if that changed it.
func (s *Service) ApplyCapabilityUpdate(ctx context.Context, u whatsapp.CapabilityUpdate) (changed *ent.Account,
	err error) {
	ctx = caller.System(ctx)
	before, err := s.bound(ctx, u.WABAID)
	if err != nil {
		return nil, err
	}
	if err := s.setLimit(ctx, before, u.MessagingLimit); err != nil {
		return nil, err
	}

	after, err := s.bound(ctx, u.WABAID)
	if err != nil || sameLimit(before.MessagingLimit, after.MessagingLimit) {
		return nil, err
	}

	return after, nil
}

func sameLimit(a, b *int) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// setLimit stores a messaging limit, if it is one.
func (s *Service) setLimit(ctx context.Context, a *ent.Account, tier whatsapp.Tier) error {
	limit, known := limitOf(tier)
	if !known || sameLimit(limit, a.MessagingLimit) {
		return nil
	}

	row := s.db.Client.Account.UpdateOneID(a.ID)
	if limit == nil {
		row.ClearMessagingLimit()
	} else {
		row.SetMessagingLimit(*limit)
	}

	if err := row.Exec(ctx); err != nil {
		return fmt.Errorf("messaging limit of account %s: %w", a.ID, err)
	}

	s.changed(ctx, a.OrganizationID, a.ID)

	return nil
}
