package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	enttemplate "carillon/ent/template"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// UpdateTemplate is what changes a template. What is nil stays.
type UpdateTemplate struct {
	ID         uid.ID
	Category   *enum.TemplateCategory
	Components []whatsapp.Component
	SetTTL     bool // TTL counts: nil is what WhatsApp takes for the category
	TTL        *int
	// UnchangedSince is updatedAt as the caller knows it: a template that has changed since is STALE.
	UnchangedSince *time.Time
}

const (
	// claimFor is how long one caller alone may have Meta change a template: longer than the calls to
	// Meta take, which are given up after 30 seconds, and 10 more for reading what came of it.
	claimFor = time.Minute

	editsDay, editsMonth = 24 * time.Hour, 30 * 24 * time.Hour

	lostEdit = "WhatsApp did not answer as it should, so it is not known whether it has made the change. " +
		"Sync the account to see it."
)

// editableAtMeta are the statuses in which a template can be changed at Meta; a draft is changed
// here. developers.facebook.com, WhatsApp "Template management" (read 2026-09).
var editableAtMeta = []enum.TemplateStatus{enum.TemplateStatusApproved, enum.TemplateStatusRejected,
	enum.TemplateStatusPaused}

// UpdateTemplate changes a draft here, and a template that Meta has at Meta, by Meta's rules, which
// are checked before it is asked. There it is reviewed again. Of two callers at once one gets
// CONFLICT. When the service dies after Meta's answer, the next reading of Meta stores the change,
// as the caller's.
func (s *Service) UpdateTemplate(ctx context.Context, in UpdateTemplate) (*ent.Template, error) {
	if _, err := identity.Require(ctx, enum.RoleCampaigner); err != nil {
		return nil, err
	}

	t, err := s.template(ctx, in.ID)
	if err != nil {
		return nil, err
	}

	next, changes := in.applied(t)
	if err := s.mayUpdate(t, in, next); err != nil || !changes {
		return t, err
	}
	if t.Status == enum.TemplateStatusDraft {
		return s.updateDraft(ctx, t, next)
	}

	edit := whatsapp.TemplateEdit{TTL: next.MessageSendTTLSeconds, ParameterFormat: next.ParameterFormat}
	if in.Components != nil {
		edit.Components = next.Components
	}
	if t.Status != enum.TemplateStatusApproved {
		edit.Category = next.Category
	}

	return s.editAtMeta(ctx, t, next, edit, audit.ActionTemplateUpdate, "changed")
}

// applied is the template as it would be, and whether that is another.
func (in UpdateTemplate) applied(t *ent.Template) (next whatsapp.Template, changes bool) {
	next = Of(t)
	if in.Category != nil {
		next.Category = string(*in.Category)
		changes = *in.Category != t.Category
	}

	if in.Components != nil {
		before, _ := json.Marshal(next.Components) // both were read from JSON
		after, _ := json.Marshal(in.Components)
		next.Components = in.Components
		changes = changes || string(before) != string(after)
	}

	if in.SetTTL {
		before := next.MessageSendTTLSeconds
		next.MessageSendTTLSeconds = 0
		if in.TTL != nil {
			next.MessageSendTTLSeconds = *in.TTL
		}

		changes = changes || before != next.MessageSendTTLSeconds
	}

	return next, changes
}

// mayUpdate checks all that is known before Meta is asked.
func (s *Service) mayUpdate(t *ent.Template, in UpdateTemplate, next whatsapp.Template) error {
	draft := t.Status == enum.TemplateStatusDraft
	switch {
	case in.UnchangedSince != nil && !t.UpdatedAt.Equal(*in.UnchangedSince):
		return usererror.Refuse("unchangedSince", usererror.Stale,
			"The template was changed at %s: read it again.", t.UpdatedAt.Format(time.RFC3339Nano))
	case !draft && !slices.Contains(editableAtMeta, t.Status):
		return usererror.Refuse("templateId", usererror.NotAllowed,
			"WhatsApp lets approved, rejected and paused templates be changed, and this one is %s.", t.Status)
	case t.Status == enum.TemplateStatusApproved && in.Category != nil && *in.Category != t.Category:
		return usererror.Refuse("category", usererror.NotAllowed,
			"The category of an approved template cannot change. Duplicate it under another name.")
	case !draft && in.SetTTL && in.TTL == nil && t.MessageTTLSeconds != nil:
		return usererror.Refuse("messageTtlSeconds", usererror.Required,
			"WhatsApp does not forget a time to live: give the one that it shall have.")
	}

	problems := Lint(next)
	if in.Components == nil { // as Meta has them, with what only Meta may write
		problems = slices.DeleteFunc(problems, func(p whatsapp.Problem) bool { return p.Field[0] == "components" })
	}
	if err := refusals(problems); err != nil || draft {
		return err
	}

	return s.mayEditNow(t)
}

// mayEditNow counts the edits of an approved template.
func (s *Service) mayEditNow(t *ent.Template) error {
	if t.Status != enum.TemplateStatusApproved {
		return nil
	}

	day, month, now := s.options.editsPerDay(), s.options.editsPerMonth(), s.now()
	if at := nextEdit(t.Edits, day, month); at.After(now) {
		return usererror.Refuse("templateId", usererror.LimitExceeded,
			"WhatsApp lets an approved template be changed %d times in 24 hours and %d times in 30 days. "+
				"It can be changed again from %s on.", day, month, at.UTC().Format(time.RFC3339))
	}

	return nil
}

// nextEdit is the time from which on another edit is possible, after those at these times, oldest
// first.
func nextEdit(edits []time.Time, perDay, perMonth int) (at time.Time) {
	for _, limit := range []struct {
		most   int
		window time.Duration
	}{{perDay, editsDay}, {perMonth, editsMonth}} {
		if len(edits) < limit.most {
			continue
		}
		if free := edits[len(edits)-limit.most].Add(limit.window); free.After(at) {
			at = free
		}
	}

	return at
}

// mostEdits bounds what is remembered of a template's edits.
const mostEdits = 2400

// remembered are the edits that still count, and one now.
func remembered(edits []time.Time, now time.Time) []time.Time {
	kept := slices.DeleteFunc(slices.Clone(edits), func(at time.Time) bool { return now.Sub(at) >= editsMonth })
	kept = append(kept, now)

	return kept[max(0, len(kept)-mostEdits):]
}

// changedMeanwhile is what the second of two callers gets.
func changedMeanwhile() error {
	return usererror.New(usererror.Conflict,
		"somebody else is changing this template, or has changed it meanwhile: read it again")
}

// unclaimed are templates that nobody is having changed at Meta.
func (s *Service) unclaimed(now time.Time) func(*ent.Template) bool {
	return func(t *ent.Template) bool { return t.ChangingUntil == nil || !t.ChangingUntil.After(now) }
}

func (s *Service) updateDraft(ctx context.Context, t *ent.Template, next whatsapp.Template) (*ent.Template, error) {
	c, err := columnsOf(next)
	if err != nil {
		return nil, err
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		by := byCaller(ctx, "")
		changed, err := s.reviseIn(ctx, tx, t.ID, by, func(now *ent.Template, row *ent.TemplateUpdateOne) bool {
			row.SetCategory(c.category).SetComponents(c.components).SetNillableMessageTTLSeconds(c.ttl)
			if c.ttl == nil {
				row.ClearMessageTTLSeconds()
			}

			return now.Status == t.Status && now.UpdatedAt.Equal(t.UpdatedAt) && s.unclaimed(s.now())(now)
		})
		if err != nil {
			return err
		}
		if !changed {
			return changedMeanwhile()
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionTemplateUpdate, Subject: t.ID,
			Summary: fmt.Sprintf("changed template %q (%s)", t.Name, t.Language)})
	})
	if err != nil {
		return nil, fmt.Errorf("update template %s: %w", t.ID, err)
	}

	return s.template(ctx, t.ID)
}

// claim keeps others from having Meta change templates, and records what is about to be done:
// whatever comes of it, Meta is asked.
func (s *Service) claim(ctx context.Context, action, verb string, templates ...*ent.Template) error {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		now := s.now()
		for _, t := range templates {
			n, err := tx.Client.Template.Update().Where(enttemplate.ID(t.ID), enttemplate.StatusEQ(t.Status),
				enttemplate.UpdatedAt(t.UpdatedAt), enttemplate.Or(enttemplate.ChangingUntilIsNil(),
					enttemplate.ChangingUntilLTE(now))).
				SetChangingUntil(now.Add(claimFor)).SetChangingBy(audit.ActorOf(ctx)).Save(ctx)
			if err != nil {
				return err
			}
			if n == 0 {
				return changedMeanwhile()
			}
		}

		entries := make([]audit.Entry, len(templates))
		for i, t := range templates {
			entries[i] = audit.Entry{Organization: t.OrganizationID, Action: action, Subject: t.ID,
				Summary: fmt.Sprintf("%s template %q (%s)", verb, t.Name, t.Language)}
		}

		return audit.RecordAll(ctx, tx, entries...)
	})
	if err != nil {
		return fmt.Errorf("claim templates: %w", err)
	}

	return nil
}

// release ends claims. When it is not known what Meta has done, whose claim it was stays, until
// Meta is read.
func (s *Service) release(ctx context.Context, known bool, templates ...*ent.Template) error {
	for _, t := range templates {
		row := s.db.Client.Template.Update().Where(enttemplate.ID(t.ID), enttemplate.ChangingUntilNotNil())
		if known {
			row.ClearChangingUntil().ClearChangingBy()
		} else {
			row.SetChangingUntil(s.now())
		}

		if err := row.Exec(ctx); err != nil {
			return fmt.Errorf("release template %s: %w", t.ID, err)
		}
	}

	return nil
}

// editAtMeta has Meta change a template, and stores that.
func (s *Service) editAtMeta(ctx context.Context, t *ent.Template, next whatsapp.Template,
	edit whatsapp.TemplateEdit, action, verb string) (*ent.Template, error) {
	a := t.Edges.Account
	at, err := s.Access(a)
	if err != nil {
		return nil, err
	}
	if err := s.claim(ctx, action, verb, t); err != nil {
		return nil, err
	}

	err = at.Client.EditTemplate(ctx, at.Token, *t.MetaID, edit)
	ctx = context.WithoutCancel(ctx) // Meta has it: its answer must not be lost because the caller went away
	if err != nil {
		return nil, s.refused(ctx, a, err, "templateId", lostEdit, t)
	}

	return s.edited(ctx, t, next)
}

// edited stores an edit that Meta has taken, and then what Meta says of it.
func (s *Service) edited(ctx context.Context, t *ent.Template, next whatsapp.Template) (*ent.Template, error) {
	c, err := columnsOf(next)
	if err != nil {
		return nil, err
	}

	_, err = s.revise(ctx, t.ID, byCaller(ctx, ""), func(now *ent.Template, row *ent.TemplateUpdateOne) bool {
		row.SetCategory(c.category).SetComponents(c.components).SetNillableMessageTTLSeconds(c.ttl).
			ClearChangingUntil().ClearChangingBy()
		if t.Status == enum.TemplateStatusApproved {
			row.SetEdits(remembered(now.Edits, s.now()))
		}
		if now.UpdatedAt.Equal(t.UpdatedAt) { // else Meta has told of it already
			moveTemplate(now, row, "edit")
			row.ClearRejectionReason()
		}

		return true
	})
	if err != nil {
		return nil, err
	}

	// Meta approves some edits at once. Where it does not answer now, its webhook or the next sync
	// tells.
	at := s.now()
	if read, err := s.refetch(ctx, t.Edges.Account, *t.MetaID); err == nil {
		by := cause{actor: byWhatsApp}
		if _, err := s.putTemplates(ctx, t.Edges.Account, []whatsapp.Template{read}, at, by); err != nil {
			return nil, err
		}
	}

	return s.template(ctx, t.ID)
}

// refused says what is wrong when Meta did not change templates, and ends the claims on them.
func (s *Service) refused(ctx context.Context, a *ent.Account, err error, field, lost string,
	templates ...*ent.Template) error {
	var no *whatsapp.Error
	answered := errors.As(err, &no) && no.Code != whatsapp.CodeGateway && no.HTTPStatus < 500
	if err := s.release(ctx, answered, templates...); err != nil {
		return err
	}

	switch {
	case !answered:
		return usererror.Refuse("", usererror.Upstream, "%s", lost)
	case badToken(no):
		return s.settle(ctx, a, err)
	}

	if why, known := templateRefusals[no.Subcode]; known {
		return usererror.Refuse(field, why.code, "%s WhatsApp says: %s", why.text, words(no))
	}
	if no.RetryAfter > 0 {
		return usererror.Refuse("", usererror.Upstream, "WhatsApp refused: %s Try again in %s.", words(no), no.RetryAfter)
	}

	return usererror.Refuse(field, usererror.Upstream, "WhatsApp refused: %s", words(no))
}

// templateRefusals say what Meta's subcodes of template management mean for a caller.
// developers.facebook.com, WhatsApp "Error codes" (read 2026-09).
var templateRefusals = map[int]struct {
	code usererror.Code
	text string
}{
	2388019: {usererror.LimitExceeded,
		"The account has as many templates as WhatsApp allows: delete some, or have the business verified."},
	2388023: {usererror.NotAllowed,
		"WhatsApp takes no template of this name for 30 days after one that was approved is deleted: choose another name."},
	2388039: {usererror.NotAllowed,
		"WhatsApp does not let the template be changed now: it is being reviewed, or was changed too often."},
	2388318: {usererror.NotAllowed, "WhatsApp made this template for messages sent without one: it cannot be changed."},
	2388330: {usererror.NotAllowed, "WhatsApp made this template for messages sent without one: it cannot be deleted."},
}
