package graph

import (
	"context"

	"carillon/ent/jsonfield"
	"carillon/graph/model"
	"carillon/uid"
	"carillon/usererror"
)

// named is an id that a filter names, and what it has to be.
type named struct {
	field string
	kind  uid.Kind
	id    *uid.ID // nil is not given
}

// known refuses what is not there, or not the caller's, so that a mistyped id does not read like
// "none yet". It looks once in a response, since a list asks its filter's for each of its parents.
func (r *Resolver) known(ctx context.Context, all ...named) error {
	for _, n := range all {
		if n.id == nil {
			continue
		}

		there, err := loadsOf(ctx).known.load(ctx, *n.id, r.exist)
		if err != nil {
			return err
		}
		if !there || n.id.Kind() != n.kind {
			return usererror.New(usererror.NotFound, "%s: there is no such %s", n.field, nouns[n.kind])
		}
	}

	return nil
}

// exist says which of the ids name something that the caller may see.
func (r *Resolver) exist(ctx context.Context, ids []uid.ID) (map[uid.ID]bool, error) {
	found, err := r.nodes(ctx, ids)
	there := make(map[uid.ID]bool, len(ids))
	for i, n := range found {
		there[ids[i]] = n != nil
	}

	return there, err
}

// nouns are what filters can name.
var nouns = map[uid.Kind]string{
	uid.Account: "account", uid.PhoneNumber: "phone number", uid.Template: "template", uid.Campaign: "campaign",
	uid.Contact:     "contact",
	uid.ContactList: "contact list", uid.Message: "message",
}

func (r *Resolver) knownToMessages(ctx context.Context, f *jsonfield.MessageFilter) error {
	if f == nil {
		return nil
	}
	return r.known(ctx, named{"filter.campaignId", uid.Campaign, f.CampaignID},
		named{"filter.templateId", uid.Template, f.TemplateID},
		named{"filter.phoneNumberId", uid.PhoneNumber, f.PhoneNumberID}, named{"filter.contactId", uid.Contact, f.ContactID})
}

func (r *Resolver) knownToEvents(ctx context.Context, f *model.DeliveryEventFilter) error {
	if f == nil {
		return nil
	}
	return r.known(ctx, named{"filter.campaignId", uid.Campaign, f.CampaignID},
		named{"filter.phoneNumberId", uid.PhoneNumber, f.PhoneNumberID}, named{"filter.contactId", uid.Contact, f.ContactID},
		named{"filter.templateId", uid.Template, f.TemplateID}, named{"filter.messageId", uid.Message, f.MessageID})
}

func (r *Resolver) knownToStatistics(ctx context.Context, f model.StatisticsFilter) error {
	return r.known(ctx, named{"filter.accountId", uid.Account, f.AccountID},
		named{"filter.phoneNumberId", uid.PhoneNumber, f.PhoneNumberID},
		named{"filter.templateId", uid.Template, f.TemplateID}, named{"filter.campaignId", uid.Campaign, f.CampaignID})
}

func (r *Resolver) knownToCampaigns(ctx context.Context, f *model.CampaignFilter) error {
	if f == nil {
		return nil
	}
	return r.known(ctx, named{"filter.templateId", uid.Template, f.TemplateID},
		named{"filter.phoneNumberId", uid.PhoneNumber, f.PhoneNumberID})
}

func (r *Resolver) knownToTemplates(ctx context.Context, f *model.TemplateFilter) error {
	if f == nil {
		return nil
	}
	return r.known(ctx, named{"filter.accountId", uid.Account, f.AccountID})
}

func (r *Resolver) knownToContacts(ctx context.Context, f *jsonfield.ContactFilter) error {
	if f == nil {
		return nil
	}

	loadsOf(ctx).known.note(f.ListIDs...)
	names := make([]named, len(f.ListIDs))
	for i := range f.ListIDs {
		names[i] = named{"filter.listIds", uid.ContactList, &f.ListIDs[i]}
	}

	if o := f.CampaignOutcome; o != nil {
		loadsOf(ctx).known.note(o.CampaignID)
		names = append(names, named{"filter.campaignOutcome.campaignId", uid.Campaign, &o.CampaignID})
	}

	return r.known(ctx, names...)
}
