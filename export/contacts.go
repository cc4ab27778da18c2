package export

import (
	"context"
	"fmt"
	"slices"

	"carillon/audience"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/listmember"
	"carillon/ent/predicate"
	"carillon/uid"
)

// oneContact is a contact with what is read beside it.
type oneContact struct {
	*ent.Contact
	mask
	tags, lists []string
	suppressed  bool
}

// contactColumns are those of a file of contacts, in their order. Their attributes follow: each
// with a column of its own, or all as one object in NDJSON. An import takes the file back.
var contactColumns = []struct {
	column
	of func(c *oneContact) any
}{
	{column{"id", isText}, func(c *oneContact) any { return c.ID.String() }},
	{column{"phone", isText}, func(c *oneContact) any { return c.mask.number(text(c.Phone)) }},
	{column{"wa_user_id", isText}, func(c *oneContact) any { return c.mask.number(text(c.WaUserID)) }},
	{column{"username", isText}, func(c *oneContact) any { return c.mask.text(text(c.Username)) }},
	{column{"name", isText}, func(c *oneContact) any { return text(c.Name) }},
	{column{"language", isText}, func(c *oneContact) any { return text(c.Language) }},
	{column{"time_zone", isText}, func(c *oneContact) any { return text(c.TimeZone) }},
	{column{"country", isText}, func(c *oneContact) any { return text(c.Country) }},
	{column{"marketing_consent", isText}, func(c *oneContact) any { return string(c.MarketingConsent) }},
	{column{"suppressed", isText}, func(c *oneContact) any { return c.suppressed }},
	{column{"tags", isText}, func(c *oneContact) any { return c.tags }},
	{column{"lists", isText}, func(c *oneContact) any { return c.lists }},
	{column{"created_at", isTime}, func(c *oneContact) any { return c.CreatedAt }},
}

// attributesColumn holds all attributes as an object; as a column's name it ends those of contacts.
const attributesColumn = "attributes"

// contacts are those that match a filter and were made before the export, oldest first.
type contacts struct {
	*Service
	that       []predicate.Contact
	mask       mask
	attributes []string // keys with a column; nil: all are in one
}

func (s *Service) openContacts(ctx context.Context, e *ent.Export) (source, error) {
	c := &contacts{Service: s, mask: mask(e.Masked), that: []predicate.Contact{contact.IDLT(uid.From(e.CreatedAt))}}
	if f := e.Question.Contacts; f != nil {
		c.that = append(c.that, audience.FilterPredicate(e.OrganizationID, *f))
	}
	if !formats[e.Format].flat {
		return c, nil
	}

	if e.Attributes == nil { // they are chosen once, or else parts would differ
		keys, err := s.Audience.AttributeKeys(ctx, "")
		if err != nil {
			return nil, err
		}

		e.Attributes = make([]string, len(keys))
		for i, k := range keys {
			e.Attributes[i] = k.Key
		}

		slices.Sort(e.Attributes)
		if err := s.kept(s.mine(e).SetAttributes(e.Attributes).Save(ctx)); err != nil {
			return nil, err
		}
	}

	c.attributes = e.Attributes

	return c, nil
}

func (c *contacts) columns() (all []column) {
	taken := map[string]bool{}
	for _, of := range contactColumns {
		all, taken[of.name] = append(all, of.column), true
	}
	if c.attributes == nil {
		return append(all, column{attributesColumn, isText})
	}

	for _, key := range c.attributes {
		if taken[key] {
			key = "attribute " + key
		}

		all = append(all, column{key, isText})
	}

	return all
}

func (c *contacts) count(ctx context.Context) (int, error) {
	n, err := c.DB.Client.Contact.Query().Where(c.that...).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count contacts: %w", err)
	}

	return n, nil
}

func (c *contacts) page(ctx context.Context, after uid.ID, most int) (p page, err error) {
	rows, err := c.DB.Client.Contact.Query().Where(append(slices.Clip(c.that), contact.IDGT(after))...).
		Order(contact.ByID()).Limit(most).All(ctx)
	if err != nil {
		return p, fmt.Errorf("read contacts: %w", err)
	}

	all, err := c.complete(ctx, rows)
	p = page{rows: make([][]any, len(all)), place: after, more: len(rows) == most}
	for i, one := range all {
		p.rows[i] = c.values(one)
		p.place = one.ID
	}

	return p, err
}

func (c *contacts) values(one *oneContact) (values []any) {
	for _, of := range contactColumns {
		values = append(values, of.of(one))
	}
	if c.attributes == nil {
		return append(values, one.Attributes)
	}

	for _, key := range c.attributes {
		values = append(values, one.Attributes[key])
	}

	return values
}

// complete reads what stands beside contacts: one statement for each kind of it.
func (c *contacts) complete(ctx context.Context, rows []*ent.Contact) (all []*oneContact, err error) {
	ids := make([]uid.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}

	if len(ids) == 0 {
		return nil, nil
	}

	tags, err := c.Audience.Tags(ctx, ids)
	if err != nil {
		return nil, err
	}

	suppressed, err := c.Audience.Suppressed(ctx, ids)
	if err != nil {
		return nil, err
	}

	lists, err := c.listsOf(ctx, ids)
	for _, r := range rows {
		all = append(all, &oneContact{r, c.mask, tags[r.ID], lists[r.ID], suppressed[r.ID]})
	}

	return all, err
}

// listsOf are the names of the lists that contacts are on.
func (s *Service) listsOf(ctx context.Context, ids []uid.ID) (map[uid.ID][]string, error) {
	members, err := s.DB.Client.ListMember.Query().Where(listmember.ContactIDIn(ids...)).WithContactList().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read lists: %w", err)
	}

	lists := map[uid.ID][]string{}
	for _, id := range ids {
		lists[id] = []string{}
	}

	for _, m := range members {
		if m.Edges.ContactList != nil {
			lists[m.ContactID] = append(lists[m.ContactID], m.Edges.ContactList.Name)
		}
	}

	for _, names := range lists {
		slices.Sort(names)
	}

	return lists, nil
}
