package graph

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"carillon/audience"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/predicate"
	"carillon/ent/segment"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/privacy"
	"carillon/uid"
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

	if o := f.CampaignOutcome; o != nil {
		longest = max(longest, len(o.Outcome), len(o.ErrorCode), len(o.Button))
		if len(o.Outcome) == 0 {
			return nil, usererror.New(usererror.BadInput, "filter.campaignOutcome.outcome names at least one outcome")
		}
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

// suppressionsThat are the entries of the suppression list that a search finds.
func suppressionsThat(ctx context.Context, search *string) ([]predicate.Suppression, error) {
	if strings.TrimSpace(text(search)) == "" {
		return nil, nil
	}
	if len(*search) > mostChoices {
		return nil, usererror.New(usererror.BadInput, "the search is longer than %d", mostChoices)
	}
	if err := refuseContactProbe(ctx, &jsonfield.ContactFilter{Search: *search}, nil); err != nil {
		return nil, err
	}

	return []predicate.Suppression{audience.SuppressionPredicate(*search)}, nil
}

// segmentsOf reads the segments of an audience that are still there.
func (r *Resolver) segmentsOf(ctx context.Context, ids []uid.ID) ([]*ent.Segment, error) {
	return present(ctx, &loadsOf(ctx).segments, ids, r.findSegments)
}

func (r *Resolver) findSegments(ctx context.Context, ids []uid.ID) (map[uid.ID]*ent.Segment, error) {
	rows, err := r.DB.Client.Segment.Query().Where(segment.IDIn(ids...)).All(ctx)
	found := make(map[uid.ID]*ent.Segment, len(rows))
	for _, s := range rows {
		found[s.ID] = s
	}

	return found, err
}

// segmentSize counts who matches a segment now, and with it all others of the response.
func (r *Resolver) segmentSize(ctx context.Context, s *ent.Segment) (int, error) {
	l := loadsOf(ctx)
	l.wanted.Store(s.ID, s.Rule)

	return l.matching.load(ctx, s.ID, func(ctx context.Context, ids []uid.ID) (map[uid.ID]int, error) {
		rules := make(map[uid.ID]jsonfield.ContactFilter, len(ids))
		for _, id := range ids {
			rule, _ := l.wanted.Load(id)
			rules[id] = rule.(jsonfield.ContactFilter)
		}

		return r.Audience.SegmentSizes(ctx, rules)
	})
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

// erasedRows are counts of rows by table, in alphabetical order.
func erasedRows(counts map[string]int) []*model.ErasedRows {
	rows := []*model.ErasedRows{}
	for _, table := range slices.Sorted(maps.Keys(counts)) {
		rows = append(rows, &model.ErasedRows{Table: table, Count: counts[table]})
	}

	return rows
}

// dataInventory is privacy.Inventory in the words of the API.
func dataInventory() (entries []*model.DataInventoryEntry) {
	for _, e := range privacy.Inventory {
		entries = append(entries, &model.DataInventoryEntry{What: e.What, Why: e.Why, Kept: e.Kept, Recipients: e.Recipients})
	}

	return entries
}
