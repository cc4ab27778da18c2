package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// CreateTemplate is what makes a template.
type CreateTemplate struct {
	AccountID      uid.ID
	Template       whatsapp.Template
	Submit         bool   // false keeps it as a draft
	IdempotencyKey string `json:"-"`
}

// nameTaken is Meta's subcode for a template of that name and language that exists already.
const nameTaken = 2388024

const draftKept = "The template is kept as a draft."

// CreateTemplate checks and stores a template as a draft and, if asked, submits it to Meta. What
// Meta refuses stays a draft. The same idempotency key again finds the draft, and submits it if it
// still has to be.
func (s *Service) CreateTemplate(ctx context.Context, in CreateTemplate) (*ent.Template, error) {
	if _, err := identity.Require(ctx, enum.RoleCampaigner); err != nil {
		return nil, err
	}

	in.Template = normal(in.Template)
	if err := refusals(Lint(in.Template), "template"); err != nil {
		return nil, err
	}

	a, err := s.find(ctx, in.AccountID)
	if err != nil {
		return nil, err
	}
	if a.Status == enum.AccountStatusDisconnected {
		return nil, usererror.Refuse("accountId", usererror.NotAllowed, "The account is disconnected: connect it again.")
	}

	var id uid.ID
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, id) })
		made, replayed, err := s.callers.Once(ctx, tx, "createTemplate", in.IdempotencyKey, in, func() (uid.ID, error) {
			return s.putDraft(ctx, tx, a, in.Template, "template.name", "")
		})
		if id = made; err != nil || replayed {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionTemplateCreate, Subject: id,
			Summary: fmt.Sprintf("made template %q (%s)", in.Template.Name, in.Template.Language)})
	})
	if err != nil {
		return nil, fmt.Errorf("create template: %w", err)
	}

	t, err := s.template(ctx, id)
	if err != nil {
		return nil, err
	}

	if !in.Submit || !mayMove(t, "submit") {
		return t, nil
	}

	return s.submit(ctx, a, t, "template", "template.name")
}

// SubmitTemplate sends a draft to Meta for review, or a rejected template once more, as it is.
func (s *Service) SubmitTemplate(ctx context.Context, id uid.ID) (*ent.Template, error) {
	if _, err := identity.Require(ctx, enum.RoleCampaigner); err != nil {
		return nil, err
	}

	t, err := s.template(ctx, id)
	if err != nil {
		return nil, err
	}

	rejected := t.Status == enum.TemplateStatusRejected
	if !mayMove(t, "submit") && !rejected {
		return nil, usererror.New(usererror.Conflict,
			"only a draft or a rejected template can be submitted, and this one is %s", t.Status)
	}

	again := Of(t)
	if rejected {
		again = again.Resubmission()
	}
	if err := refusals(Lint(again), "templateId"); err != nil { // a copy may lack what only Meta could write
		return nil, err
	}

	if rejected {
		edit := whatsapp.TemplateEdit{Category: again.Category, Components: again.Components,
			ParameterFormat: again.ParameterFormat, TTL: again.MessageSendTTLSeconds}
		return s.editAtMeta(ctx, t, again, edit, audit.ActionTemplateSubmit, "submitted")
	}

	return s.submit(ctx, t.Edges.Account, t, "templateId", "templateId")
}

// normal leaves of a template what a caller may say.
func normal(t whatsapp.Template) whatsapp.Template {
	if t.ParameterFormat == "" {
		t.ParameterFormat = whatsapp.Positional
	}
	return whatsapp.Template{
		Name: t.Name, Language: t.Language, Category: strings.ToUpper(t.Category), ParameterFormat: t.ParameterFormat,
		Components: t.Components, MessageSendTTLSeconds: t.MessageSendTTLSeconds,
	}
}

// putDraft stores a new draft, in the place of a deleted template of that name if there was one.
// Taken is the field that is at fault where there is one already.
func (s *Service) putDraft(ctx context.Context, tx *database.Tx, a *ent.Account, t whatsapp.Template,
	taken, why string) (id uid.ID, err error) {
	c, err := columnsOf(t)
	if err != nil {
		return id, err
	}

	before, err := tx.Client.Template.Query().Where(enttemplate.AccountID(a.ID), enttemplate.Name(t.Name),
		enttemplate.Language(t.Language), s.db.Locked).Only(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return id, err
	}

	create := templateChanges["create"]
	replaced, args := s.db.Rowset([]any{uid.New(uid.Template), a.OrganizationID, a.ID, t.Name, t.Language,
		string(c.category), string(create.to), string(c.quality), string(c.format), string(c.components), c.ttl, s.now()},
		database.Texts("status", create.from))
	err = tx.QueryRowContext(ctx, `INSERT INTO template (id, organization_id, account_id, name, language, category,
		status, quality_score,
			parameter_format, components, message_ttl_seconds, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
		ON CONFLICT (account_id, name, language) DO UPDATE SET meta_id = NULL, category = excluded.category,
		status = excluded.status, coming_category = NULL, edits = NULL, listed_at = NULL,
			rejection_reason = NULL, quality_score = excluded.quality_score, parameter_format = excluded.parameter_format,
			components = excluded.components, message_ttl_seconds = excluded.message_ttl_seconds,
			updated_at = excluded.updated_at
		WHERE template.status IN (SELECT f.status FROM `+replaced+`) RETURNING id`, args...).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return id, usererror.Refuse(taken, usererror.Taken,
			"The account has a template of this name in this language.")
	}
	if err != nil {
		return id, err
	}

	after, err := tx.Client.Template.Get(ctx, id)
	if err != nil {
		return id, err
	}

	return id, s.note(ctx, tx, byCaller(ctx, why), revised{before, after})
}

// submit sends a draft to Meta and stores the answer. It may be repeated: when an earlier answer
// was lost, Meta says that the name is taken, and what it has under that name is ours. Whole and
// name are the input's fields for what Meta refuses.
func (s *Service) submit(ctx context.Context, a *ent.Account, t *ent.Template, whole,
	name string) (*ent.Template, error) {
	if err := s.nameFree(ctx, t, name); err != nil {
		return nil, err
	}

	at, err := s.Access(a)
	if err != nil {
		return nil, err
	}

	// Recorded before it is done: whatever comes of it, Meta has been asked.
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		return audit.Record(ctx, tx,
			audit.Entry{Organization: a.OrganizationID, Action: audit.ActionTemplateSubmit, Subject: t.ID,
				Summary: fmt.Sprintf("submitted template %q (%s)", t.Name, t.Language)})
	})
	if err != nil {
		return nil, fmt.Errorf("submit template %s: %w", t.ID, err)
	}

	created, err := at.Client.CreateTemplate(ctx, at.Token, a.WabaID, Of(t))
	// Meta has it: the answer must not be lost because the caller went away.
	ctx = context.WithoutCancel(ctx)
	var no *whatsapp.Error

	switch {
	case err == nil && created.ID != "":
		return s.submitted(ctx, t.ID, created)
	case errors.As(err, &no) && no.Subcode == nameTaken:
		return s.adopt(ctx, a, at, t, name)
	case errors.As(err, &no) && badToken(no):
		return nil, addTo(s.settle(ctx, a, err), draftKept)
	case errors.As(err, &no) && templateRefusals[no.Subcode].code != "":
		why := templateRefusals[no.Subcode]
		return nil, usererror.Refuse(name, why.code, "%s WhatsApp says: %s %s", why.text, words(no), draftKept)
	case errors.As(err, &no) && no.Code != whatsapp.CodeGateway:
		return nil, usererror.Refuse(whole, usererror.Upstream, "WhatsApp refused the template: %s %s",
			words(no), draftKept)
	}

	return nil, usererror.Refuse("", usererror.Upstream,
		"WhatsApp did not answer as it should, so it is not known whether it has the template. %s Submit it again.",
		draftKept)
}

// submitted stores Meta's answer, unless a webhook has told more by now.
func (s *Service) submitted(ctx context.Context, id uid.ID, created whatsapp.TemplateCreated) (*ent.Template, error) {
	t, err := s.revise(ctx, id, byCaller(ctx, ""), func(t *ent.Template, row *ent.TemplateUpdateOne) bool {
		if row.SetMetaID(created.ID); created.Category != "" { // which may be another than was asked for
			row.SetCategory(category(created.Category))
		}

		may := moveTemplate(t, row, "submit") && t.MetaID == nil
		if created.Status != "" { // mostly PENDING; Meta may decide at once
			row.SetStatus(status(created.Status))
		}

		return may
	})
	if err != nil || t != nil {
		return t, err
	}

	return s.template(ctx, id)
}

// adopt takes for the draft what Meta has under its name, if that says the same.
func (s *Service) adopt(ctx context.Context, a *ent.Account, at Access, draft *ent.Template,
	name string) (*ent.Template, error) {
	started := s.now()
	for t, err := range at.Client.Templates(ctx, at.Token, a.WabaID) {
		if err != nil {
			return nil, addTo(s.settle(ctx, a, err), draftKept)
		}
		if t.Name != draft.Name || t.Language != draft.Language || !saysTheSame(Of(draft).Components, t.Components) {
			continue
		}
		if _, err := s.putTemplates(ctx, a, []whatsapp.Template{t}, started, byCaller(ctx, "")); err != nil {
			return nil, err
		}

		return s.db.Client.Template.Get(ctx, draft.ID)
	}

	return nil, usererror.Refuse(name, usererror.Taken,
		"WhatsApp has another template of this name in this language; sync the account to see it. %s", draftKept)
}

// saysTheSame compares what people read. Meta rewrites examples and files, and fills in texts of
// its own where ours are empty.
func saysTheSame(ours, metas []whatsapp.Component) bool {
	return slices.EqualFunc(ours, metas, func(a, b whatsapp.Component) bool {
		return a.Type == b.Type && (a.Text == "" || a.Text == b.Text) &&
			slices.EqualFunc(a.Buttons, b.Buttons, func(a, b whatsapp.Button) bool {
				return (a.Text == "" || a.Text == b.Text) && (a.URL == "" || a.URL == b.URL)
			}) &&
			slices.EqualFunc(a.Cards, b.Cards, func(a, b whatsapp.Card) bool { return saysTheSame(a.Components, b.Components) })
	})
}

// addTo adds a sentence to what the caller reads.
func addTo(err error, sentence string) error {
	var in usererror.Fields
	if !errors.As(err, &in) {
		return err
	}

	for i := range in {
		in[i].Message += " " + sentence
	}

	return in
}
