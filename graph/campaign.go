package graph

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"carillon/account"
	"carillon/audience"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/contactlist"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/predicate"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/transactional"
	"carillon/uid"
	"carillon/whatsapp"

	domain "carillon/campaign"
)

func campaignsThat(f *model.CampaignFilter) (all []predicate.Campaign) {
	if f == nil {
		return nil
	}
	if f.Reference != nil {
		all = append(all, campaign.Reference(*f.Reference))
	}
	if f.Status != nil {
		all = append(all, campaign.StatusIn(distinct(f.Status)...))
	}
	if f.TemplateID != nil {
		all = append(all, campaign.TemplateID(*f.TemplateID))
	}
	if f.PhoneNumberID != nil {
		all = append(all, campaign.PhoneNumberID(*f.PhoneNumberID))
	}
	if f.Search != nil {
		all = append(all, campaign.NameContainsFold(*f.Search))
	}
	if f.CreatedAfter != nil {
		all = append(all, campaign.CreatedAtGTE(*f.CreatedAfter))
	}
	if f.CreatedBefore != nil {
		all = append(all, campaign.CreatedAtLT(*f.CreatedBefore))
	}

	return all
}

func draftFrom(in model.CreateCampaignInput) domain.Draft {
	d := domain.Draft{
		Name: in.Name, TemplateID: in.TemplateID, PhoneNumberID: in.PhoneNumberID, Audience: *in.Audience,
		MissingParameter: or(in.MissingParameter, enum.MissingParameterPolicySkip),
		RateLimit:        in.RateLimit, FailureThreshold: in.FailureThreshold, ScheduledAt: in.ScheduledAt,
		TimeZone: in.TimeZone, RecipientTime: or(in.RecipientTime, false), Translate: or(in.Translate, false),
		Canary: in.Canary, Reference: in.Reference,
		ExpiresAt: in.ExpiresAt, IdempotencyKey: text(in.IdempotencyKey),
	}

	d.Parameters = bindingsFrom(in.Parameters)

	return d
}

func bindingsFrom(in []*jsonfield.ParameterBinding) (out []jsonfield.ParameterBinding) {
	for _, b := range in {
		out = append(out, *b)
	}
	return out
}

// draftChange is what an input changes of a draft.
func draftChange(in model.UpdateCampaignInput) func(*domain.Draft) {
	return func(d *domain.Draft) {
		give(&d.Name, in.Name)
		give(&d.TemplateID, in.TemplateID)
		give(&d.PhoneNumberID, in.PhoneNumberID)
		give(&d.Audience, in.Audience)
		give(&d.MissingParameter, in.MissingParameter)
		give(&d.RecipientTime, in.RecipientTime)
		give(&d.Translate, in.Translate)
		if in.Parameters != nil {
			d.Parameters = bindingsFrom(in.Parameters)
		}

		giveOrTake(&d.RateLimit, in.RateLimit)
		giveOrTake(&d.FailureThreshold, in.FailureThreshold)
		giveOrTake(&d.ScheduledAt, in.ScheduledAt)
		giveOrTake(&d.TimeZone, in.TimeZone)
		giveOrTake(&d.Canary, in.Canary)
		giveOrTake(&d.ExpiresAt, in.ExpiresAt)
		giveOrTake(&d.Reference, in.Reference)
	}
}

// give sets what was given.
func give[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// giveOrTake sets what was given; null takes it away.
func giveOrTake[T any](to **T, given graphql.Omittable[*T]) {
	if given.IsSet() {
		*to = given.Value()
	}
}

// samplesOf are messages as people would see them.
func samplesOf(samples []domain.Sample) []*model.TemplatePreview {
	out := make([]*model.TemplatePreview, len(samples))
	for i, sample := range samples {
		out[i] = previewWith(account.Of(sample.Template), sample.Values)
	}

	return out
}

// testCampaign sends a campaign's message to one person.
func (r *Resolver) testCampaign(ctx context.Context, campaign uid.ID, to string) (*ent.Message, error) {
	sample, err := r.Campaigns.SampleFor(ctx, campaign, to)
	if err != nil {
		return nil, err
	}

	of := &transactional.Template{TemplateID: sample.Template.ID}
	for _, name := range sample.Parameters() {
		of.Values = append(of.Values, transactional.Value{Parameter: name, Value: sample.Values[name]})
	}

	return r.Direct.Send(ctx, transactional.Message{PhoneNumberID: sample.PhoneNumberID, To: to, Template: of,
		Tries: sample.Campaign})
}

// listsOf reads the lists of an audience that are still there.
func (r *Resolver) listsOf(ctx context.Context, ids []uid.ID) ([]*ent.ContactList, error) {
	return present(ctx, &loadsOf(ctx).lists, ids, r.findLists)
}

func (r *Resolver) findLists(ctx context.Context, ids []uid.ID) (map[uid.ID]*ent.ContactList, error) {
	rows, err := r.DB.Client.ContactList.Query().Where(contactlist.IDIn(ids...)).All(ctx)
	found := make(map[uid.ID]*ent.ContactList, len(rows))
	for _, list := range rows {
		found[list.ID] = list
	}

	return found, err
}

// recipientsFrom are people to be added to a campaign.
func recipientsFrom(in model.AddCampaignRecipientsInput) domain.AddRecipients {
	add := domain.AddRecipients{CampaignID: in.CampaignID, IdempotencyKey: text(in.IdempotencyKey)}
	for _, r := range in.Recipients {
		one := domain.Recipient{Phone: r.Phone, Language: r.Language, Reference: r.Reference}
		for _, v := range r.Values {
			one.Values = append(one.Values, domain.Value{Parameter: v.Parameter, Value: v.Value})
		}

		add.Recipients = append(add.Recipients, one)
	}

	return add
}

func recipientsFileFrom(in model.ImportCampaignRecipientsInput) domain.RecipientsFile {
	file, _ := in.File.File.(audience.File)
	return domain.RecipientsFile{CampaignID: in.CampaignID, FileName: in.File.Filename, File: file,
		DefaultCountry: in.DefaultCountry}
}

// audienceSize counts people now while a campaign is still to be enrolled, and afterwards tells how
// many it has found.
func (r *Resolver) audienceSize(ctx context.Context, a *domain.Audience) (int, error) {
	if a.Campaign.EnrolledAt != nil {
		return a.Campaign.Total, nil
	}

	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return 0, err
	}

	l := loadsOf(ctx)
	l.rules.Store(a.Campaign.ID, a.Rule)

	return l.audiences.load(ctx, a.Campaign.ID, func(ctx context.Context, campaigns []uid.ID) (map[uid.ID]int, error) {
		rules := make(map[uid.ID]jsonfield.Audience, len(campaigns))
		for _, id := range campaigns {
			rule, _ := l.rules.Load(id)
			rules[id] = rule.(jsonfield.Audience)
		}

		return r.Audience.Counts(ctx, v.Organization, rules)
	})
}

func (r *Resolver) failuresOf(ctx context.Context, p *domain.Progress) ([]*model.FailureCount, error) {
	out := []*model.FailureCount{}
	if p.Failed == 0 {
		return out, nil
	}

	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	sums := func(ctx context.Context, ids []uid.ID) (map[uid.ID][]delivery.Failures, error) {
		return r.Log.Failures(ctx, v.Organization, ids)
	}
	all, err := loadsOf(ctx).failures.load(ctx, p.Campaign, sums)
	for _, f := range all {
		rule := whatsapp.RuleFor(f.Code, 0, 0, false)
		out = append(out, &model.FailureCount{Code: f.Code, Title: rule.Title, Advice: rule.Advice,
			Retryable: rule.Retryable, Count: f.Count})
	}

	return out, err
}

// groupsOf are the people of a campaign who were skipped or pressed a button, in groups of a kind.
func (r *Resolver) groupsOf(ctx context.Context, p *domain.Progress,
	kind enum.CampaignCountKind) (groups []delivery.People, err error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	all, err := loadsOf(ctx).groups.load(ctx, p.Campaign,
		func(ctx context.Context, ids []uid.ID) (map[uid.ID][]delivery.People, error) {
			return r.Log.Groups(ctx, v.Organization, ids)
		})
	for _, g := range all {
		if g.Kind == kind {
			groups = append(groups, g)
		}
	}

	return groups, err
}

func (r *Resolver) skipsOf(ctx context.Context, p *domain.Progress) ([]*domain.Skips, error) {
	out := []*domain.Skips{}
	if p.Skipped == 0 {
		return out, nil
	}

	groups, err := r.groupsOf(ctx, p, enum.CampaignCountKindSkip)
	for _, g := range groups {
		out = append(out, &domain.Skips{Reason: enum.SkipReason(g.Name), Count: g.Count})
	}

	return out, err
}

func (r *Resolver) buttonsOf(ctx context.Context, p *domain.Progress) ([]*model.ButtonCount, error) {
	out := []*model.ButtonCount{}
	if p.Replied == 0 {
		return out, nil
	}

	groups, err := r.groupsOf(ctx, p, enum.CampaignCountKindButton)
	for _, g := range groups {
		out = append(out, &model.ButtonCount{Title: g.Name, Count: g.Count})
	}

	return out, err
}

// ruleOf is a contact filter in words.
func ruleOf(f *jsonfield.ContactFilter) []*model.ContactRule {
	out := []*model.ContactRule{}
	if f == nil {
		return out
	}

	add := func(field, operator string, values ...string) {
		if len(values) > 0 || operator == "exists" || operator == "missing" {
			out = append(out, &model.ContactRule{Field: field, Operator: operator, Values: append([]string{}, values...)})
		}
	}
	if search := strings.TrimSpace(f.Search); search != "" {
		add("search", "contains", search)
	}

	add("lists", "in", texts(f.ListIDs, uid.ID.String)...)
	add("consent", "in", words(f.Consent)...)
	add("country", "in", f.Country...)
	add("language", "in", f.Language...)

	for _, tag := range f.Tags { // all must be there
		add("tags", "equals", tag)
	}

	add("tags", "not in", f.ExcludeTags...)

	for _, a := range f.Attributes {
		field, before := "attributes."+a.Key, len(out)
		if a.Equals != nil {
			add(field, "equals", *a.Equals)
		}

		add(field, "in", a.In...)
		switch {
		case a.Exists != nil && !*a.Exists:
			add(field, "missing")
		case len(out) == before:
			add(field, "exists")
		}
	}

	if o := f.CampaignOutcome; o != nil {
		field := "campaignOutcome." + o.CampaignID.String()
		add(field, "in", words(o.Outcome)...)
		add(field+".errorCode", "in", texts(o.ErrorCode, strconv.Itoa)...)
		add(field+".button", "in", o.Button...)
	}

	if f.CreatedAfter != nil {
		add("createdAt", "after", f.CreatedAfter.UTC().Format(time.RFC3339))
	}
	if f.CreatedBefore != nil {
		add("createdAt", "before", f.CreatedBefore.UTC().Format(time.RFC3339))
	}

	return out
}

func texts[T any](in []T, text func(T) string) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = text(v)
	}

	return out
}

func words[T ~string](in []T) []string { return texts(in, func(v T) string { return string(v) }) }
