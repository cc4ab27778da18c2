package campaign

import (
	"context"
	"fmt"
	"strings"
	"time"

	"carillon/audience"
	"carillon/caller"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/account"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/ent/predicate"
	"carillon/ent/template"
	"carillon/uid"
	"carillon/whatsapp"
)

// staleAfter is when an error says nothing of the present any more: Meta repeats webhooks for days,
// and what it complained of may have been mended.
const staleAfter = 10 * time.Minute

// Failure is an error that WhatsApp gave to one message, by its answer or later by webhook, with
// all that it may concern.
type Failure struct {
	Organization, Campaign, Template, PhoneNumber, Account, Contact uid.ID

	Address string
	Token   []byte // the account's sealed token that was refused; nil where it is not known
	Rule    whatsapp.Rule
	Detail  string // what WhatsApp says
	At      time.Time
}

// Scope is the campaign, template, number or account that the error pauses; zero when it concerns
// the message alone.
func (f Failure) Scope() uid.ID {
	switch f.Rule.Class {
	case whatsapp.PauseCampaign:
		return f.Campaign
	case whatsapp.PauseTemplate:
		return f.Template
	case whatsapp.PauseNumber:
		return f.PhoneNumber
	case whatsapp.PauseAccount:
		return f.Account
	}

	return uid.ID{}
}

// campaigns are those that the error pauses.
func (f Failure) campaigns() predicate.Campaign {
	switch f.Rule.Class {
	case whatsapp.PauseTemplate:
		return campaign.Or(campaign.TemplateID(f.Template), campaign.ID(f.Campaign)) // it may be a translation
	case whatsapp.PauseNumber:
		return campaign.PhoneNumberID(f.PhoneNumber)
	case whatsapp.PauseAccount:
		return ofAccount(f.Account)
	}

	return campaign.ID(f.Campaign)
}

func ofAccount(n uid.ID) predicate.Campaign {
	return campaign.HasPhoneNumberWith(phonenumber.AccountID(n))
}

// reason is why its campaigns pause, and text what would let them go on.
func (f Failure) reason() enum.CampaignStatusReason {
	if f.Rule.Reason == "" {
		return enum.CampaignStatusReasonAccountRestricted
	}
	return enum.CampaignStatusReason(f.Rule.Reason)
}

func (f Failure) text() string {
	text := f.Rule.Title + ". " + f.Rule.Advice
	if f.Detail != "" {
		text += " WhatsApp says: " + f.Detail
	}

	return text
}

// React does what an error asks for beyond its own message, in one way for both channels by which
// errors come: it pauses the campaigns concerned, once, with the reason, marks account or template,
// and notes that a person wants no marketing or is answered by another app. It reports whether what
// the error concerns is at a stand now, so that its message had better wait. An error that the
// table believes only when it is repeated within a minute, and one that is long past, change
// nothing.
func (s *Service) React(ctx context.Context, f Failure) (stopped bool, err error) {
	ctx = caller.System(ctx)
	if f.Rule.Suppress == whatsapp.SuppressMarketing {
		source := fmt.Sprintf("whatsapp %d", f.Rule.Code)
		who := audience.Identity{Organization: f.Organization, Contact: f.Contact, At: f.At}
		if f.Contact.IsZero() { // by now the number may be somebody else's
			who.Phone = f.Address
		}

		err := s.audience.RecordConsentOf(ctx, who, audience.Statement{
			Consent: enum.ConsentOptedOut, By: enum.ConsentSpeakerContact, Source: source, Evidence: f.Detail, SaidAt: f.At,
			Answers: &delivery.OptOut{Organization: f.Organization, Account: f.Account, PhoneNumber: f.PhoneNumber,
				Template: f.Template, Campaign: f.Campaign},
		})
		if err != nil {
			return false, fmt.Errorf("react to %d: %w", f.Rule.Code, err)
		}
	}

	if f.Rule.Shared {
		if err := s.accounts.NoteRefused(ctx, f.PhoneNumber, f.Address, f.At); err != nil {
			return false, fmt.Errorf("react to %d: %w", f.Rule.Code, err)
		}
	}

	now, scope := s.now(), f.Scope()
	if scope.IsZero() || now.Sub(f.At) > staleAfter || !s.hits.enough(hit{f.Rule.Code, scope}, f.Rule.Hits, now) {
		return false, nil
	}
	if holds, err := s.mark(ctx, f); err != nil || !holds {
		return false, err
	}

	_, err = s.Stop(ctx, f.campaigns(), f.reason(), f.text())

	return err == nil, err
}

// templateMarks are the errors that tell a template's status.
var templateMarks = map[int]enum.TemplateStatus{132015: enum.TemplateStatusPaused, 132016: enum.TemplateStatusDisabled}

// mark writes down what an error says of an account or a template. It reports false when that is no
// longer so: the token that was refused has been replaced, or Meta has told of the template since.
func (s *Service) mark(ctx context.Context, f Failure) (holds bool, err error) {
	if f.Rule.Class == whatsapp.PauseTemplate {
		if past, err := s.mended(ctx, f); err != nil || past {
			return false, err
		}
	}

	status, marked := templateMarks[f.Rule.Code]
	switch {
	case f.Rule.Class == whatsapp.PauseAccount && f.Rule.Reason == whatsapp.ReasonTokenInvalid:
		return s.expireToken(ctx, f)
	case f.Rule.Class == whatsapp.PauseAccount && f.Rule.Reason == whatsapp.ReasonAccountRestricted:
		_, err = s.accounts.SetStatus(ctx, f.Account, enum.AccountStatusRestricted, f.text())
	case marked:
		_, err = s.accounts.SetTemplateStatus(ctx, f.Template, status)
	}

	if err != nil {
		return false, fmt.Errorf("react to %d: %w", f.Rule.Code, err)
	}

	return true, nil
}

// mended reports whether a template has changed since a message failed for it. WhatsApp tells of
// failures in whole seconds.
func (s *Service) mended(ctx context.Context, f Failure) (bool, error) {
	since := f.At.Truncate(time.Second).Add(time.Second)
	past, err := s.db.Client.Template.Query().Where(template.ID(f.Template), template.UpdatedAtGTE(since)).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("read template: %w", err)
	}

	return past, nil
}

func (s *Service) expireToken(ctx context.Context, f Failure) (holds bool, err error) {
	a, err := s.db.Client.Account.Query().Where(account.ID(f.Account)).Only(ctx)
	if ent.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read account: %w", err)
	}
	if f.Token != nil && string(f.Token) != string(a.Token) {
		return false, nil
	}

	_, err = s.accounts.ExpireToken(ctx, a, strings.TrimSpace(f.Rule.Title+". "+f.Detail))

	return true, err
}
