package audience

import (
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"carillon/ent/contact"
	"carillon/ent/contactidentifier"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/listmember"
	"carillon/ent/predicate"
	"carillon/uid"
)

// FilterPredicate is a contact filter for ent's queries about an organization's contacts. That they
// are its own is for the data model's policy to see to.
func FilterPredicate(organization uid.ID, f jsonfield.ContactFilter) predicate.Contact {
	return func(s *sql.Selector) {
		for _, p := range conditions(s, organization, f, nil) {
			s.Where(p)
		}
	}
}

// conditions is the one translation of a filter into SQL, about the contact table of the selector.
// All of them must hold. after is what the caller asks of the ids besides, if anything.
func conditions(s *sql.Selector, organization uid.ID, f jsonfield.ContactFilter, after *uid.ID) (all []*sql.Predicate) {
	if search := strings.TrimSpace(f.Search); search != "" {
		all = append(all, found(s, organization, search))
	}

	if len(f.ListIDs) > 0 {
		all = append(all,
			sql.Exists(members(s.Dialect(), s.C(contact.FieldOrganizationID), s.C(contact.FieldID), f.ListIDs, after)))
	}

	if len(f.Consent) > 0 {
		all = append(all, sql.In(s.C(contact.FieldMarketingConsent), anys(f.Consent)...))
	}
	if len(f.Country) > 0 {
		all = append(all, sql.In(s.C(contact.FieldCountry), anys(mapped(f.Country, strings.ToUpper))...))
	}

	if len(f.Language) > 0 { // zh-cn, zh_CN and ZH_CN are one language
		wanted := mapped(f.Language, func(l string) string { return strings.ToLower(strings.ReplaceAll(l, "-", "_")) })
		language := s.C(contact.FieldLanguage) // now: the selector may get an alias before its statement is written
		all = append(all, sql.P(func(b *sql.Builder) {
			b.WriteString("LOWER(REPLACE(").Ident(language).WriteString(", '-', '_')) IN (").Args(anys(wanted)...).
				WriteString(")")
		}))
	}

	for _, a := range f.Attributes {
		all = append(all, attribute(s, a)...)
	}

	for _, tag := range f.Tags {
		all = append(all, tagged(s, tag, after))
	}
	for _, tag := range f.ExcludeTags {
		all = append(all, sql.Not(tagged(s, tag, after)))
	}

	if f.CampaignOutcome != nil {
		all = append(all,
			cameOut(s.Dialect(), s.C(contact.FieldOrganizationID), s.C(contact.FieldID), *f.CampaignOutcome, after))
	}

	if f.CreatedAfter != nil {
		all = append(all, sql.GTE(s.C(contact.FieldCreatedAt), f.CreatedAfter.UTC()))
	}
	if f.CreatedBefore != nil {
		all = append(all, sql.LT(s.C(contact.FieldCreatedAt), f.CreatedBefore.UTC()))
	}

	return all
}

// members is who is on any of the lists, about a contact named by two columns. after is told again
// here, since databases do not see that it bounds these ids too: without it the page at the end of
// a long list reads all of the list.
func members(dialect, organization, contactID string, lists []uid.ID, after *uid.ID) *sql.Selector {
	m := sql.Table(listmember.Table).As("listed")
	s := sql.Dialect(dialect).Select(m.C(listmember.FieldContactID)).From(m).Where(sql.And(
		sql.ColumnsEQ(m.C(listmember.FieldContactID), contactID),
		sql.ColumnsEQ(m.C(listmember.FieldOrganizationID), organization),
		sql.In(m.C(listmember.FieldContactListID), anys(lists)...)))
	if after != nil {
		s.Where(sql.GT(m.C(listmember.FieldContactID), *after))
	}

	return s
}

// found looks in the name and the user name, for the beginning of the number, with or without its
// +, and for who has the number in another form, or the user id.
func found(s *sql.Selector, organization uid.ID, search string) *sql.Predicate {
	any := []*sql.Predicate{sql.ContainsFold(s.C(contact.FieldName), clean(search)),
		sql.ContainsFold(s.C(contact.FieldUsername), clean(strings.TrimPrefix(search, "@")))}
	has := func(kind enum.IdentifierKind, value string) {
		i := sql.Table(contactidentifier.Table).As("i")
		any = append(any, sql.In(s.C(contact.FieldID),
			sql.Dialect(s.Dialect()).Select(i.C(contactidentifier.FieldContactID)).From(i).Where(sql.And(
				sql.EQ(i.C(contactidentifier.FieldOrganizationID), organization), sql.EQ(i.C(contactidentifier.FieldKind), kind),
				sql.EQ(i.C(contactidentifier.FieldValue), value)))))
	}
	if IsUserID(search) {
		has(enum.IdentifierKindUserID, search)
	}

	digits := strings.TrimPrefix(unwritten(search), "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return sql.Or(any...)
	}

	any = append(any, sql.HasPrefix(s.C(contact.FieldPhone), "+"+digits),
		sql.HasPrefix(s.C(contact.FieldWaPhone), "+"+digits))
	if address := Address(digits); address != "" {
		has(enum.IdentifierKindPhone, NumberKey(address))
	}

	return sql.Or(any...)
}

// attribute is the conditions on one attribute. The key is a parameter like any other: ent's JSON
// paths would write it into the statement.
func attribute(s *sql.Selector, a jsonfield.AttributeFilter) (all []*sql.Predicate) {
	key := clean(a.Key)
	if a.Equals != nil {
		all = append(all, attributeIn(s, key, *a.Equals))
	}
	if len(a.In) > 0 {
		all = append(all, attributeIn(s, key, a.In...))
	}

	switch {
	case a.Exists != nil && !*a.Exists:
		all = append(all, sql.Not(attributeIn(s, key)))
	case a.Exists != nil, len(all) == 0:
		all = append(all, attributeIn(s, key))
	}

	return all
}

// attributeIn holds where the attribute has one of the values, or, without values, where it is
// there.
func attributeIn(s *sql.Selector, key string, values ...string) *sql.Predicate {
	attributes, postgres := s.C(contact.FieldAttributes), s.Dialect() == dialect.Postgres
	return sql.P(func(b *sql.Builder) {
		if postgres {
			b.WriteString("(").Ident(attributes).WriteString(" ->> ").Arg(key).WriteString(")")
		} else {
			b.WriteString("EXISTS (SELECT 1 FROM json_each(").Ident(attributes).WriteString(") a WHERE a.key = ").Arg(key).
				WriteString(" AND a.value")
		}

		if len(values) == 0 {
			b.WriteString(" IS NOT NULL")
		} else {
			b.WriteString(" IN (").Args(anys(mapped(values, clean))...).WriteString(")")
		}

		if !postgres {
			b.WriteString(")")
		}
	})
}

func anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}

	return out
}

func mapped(in []string, change func(string) string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = change(s)
	}

	return out
}
