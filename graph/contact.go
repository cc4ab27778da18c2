package graph

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"carillon/audience"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/predicate"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/usererror"
)

// mostChoices bounds the lists of a filter.
const mostChoices = 200

// contactsThat refuses a filter that would make an endless statement.
func (r *Resolver) contactsThat(ctx context.Context, f *jsonfield.ContactFilter) ([]predicate.Contact, error) {
	if f == nil {
		return nil, nil
	}

	longest := max(len(f.ListIDs), len(f.Consent), len(f.Country), len(f.Language), len(f.Attributes), len(f.Tags),
		len(f.ExcludeTags))
	for _, a := range f.Attributes {
		longest = max(longest, len(a.In))
	}

	if longest > mostChoices || len(f.Search) > mostChoices {
		return nil, usererror.New(usererror.BadInput, "a list or a text of the filter is longer than %d", mostChoices)
	}
	if err := r.knownToContacts(ctx, f); err != nil {
		return nil, err
	}

	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	return []predicate.Contact{audience.FilterPredicate(v.Organization, *f)}, nil
}

func attributesOf(values map[string]string) []*audience.Attribute {
	out := make([]*audience.Attribute, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, &audience.Attribute{Key: key, Value: values[key]})
	}

	return out
}

func contactFrom(in model.CreateContactInput) audience.NewContact {
	n := audience.NewContact{Phone: in.Phone, Name: in.Name, Language: in.Language, TimeZone: in.TimeZone,
		Tags: in.Tags, ListIDs: in.ListIds, Consent: in.Consent}
	for _, a := range in.Attributes {
		n.Attributes = append(n.Attributes, *a)
	}

	return n
}

func contactChangeFrom(in model.UpdateContactInput) audience.ContactChange {
	c := audience.ContactChange{Name: in.Name, Language: in.Language, TimeZone: in.TimeZone,
		RemoveAttributes: in.RemoveAttributes, AddListIDs: in.AddListIds, RemoveListIDs: in.RemoveListIds,
		AddTags: in.AddTags, RemoveTags: in.RemoveTags}
	for _, a := range in.SetAttributes {
		c.SetAttributes = append(c.SetAttributes, *a)
	}

	return c
}

// distinct keeps a list of words as short as its enum, however often a client repeats them.
func distinct[E cmp.Ordered](words []E) []E {
	return slices.Compact(slices.Sorted(slices.Values(words)))
}

// stillAhead is a time that is yet to come; nil for any other.
func stillAhead(at *time.Time, now time.Time) *time.Time {
	if at == nil || !at.After(now) {
		return nil
	}
	return at
}
