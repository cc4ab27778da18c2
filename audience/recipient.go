package audience

import (
	"cmp"
	"context"
	stdsql "database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"entgo.io/ent/dialect/sql"

	"carillon/database"
	"carillon/ent/contact"
	"carillon/ent/contactidentifier"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/listmember"
	"carillon/uid"
	"carillon/usererror"
)

const (
	maxContacts   = 1000 // of an audience, by id; more belong on a list
	maxConditions = 20   // on attributes
	maxChoices    = 200  // of one condition
	maxSearch     = 256
	maxArguments  = 20_000 // of a statement: SQLite takes 32,766
)

// Recipient is what a campaign needs to know of a contact. Texts that the contact does not have are
// empty.
type Recipient struct {
	ID                                     uid.ID
	Phone, UserID, Name, Language, Country string
	Consent                                enum.Consent
	Attributes                             map[string]string
}

// Address is what the person is written to by: their number, or else their user id; empty where
// neither is known.
func (r Recipient) Address() string { return cmp.Or(r.Phone, r.UserID) }

// CheckAudience reports as usererror.Fields what of an audience names nothing in the caller's
// organization, or cannot be.
func (s *Service) CheckAudience(ctx context.Context, a jsonfield.Audience) error {
	var in usererror.Fields
	if len(a.ListIDs)+len(a.ContactIDs) == 0 && a.Filter == nil {
		in.Add("audience", usererror.Required, "name at least one list, contact or filter; an empty filter is everyone")
	}

	for _, lists := range []struct {
		field string
		ids   []uid.ID
	}{{"audience.listIds", a.ListIDs}, {"audience.excludeListIds", a.ExcludeListIDs}} {
		if err := checkLists(ctx, s.db.Client, &in, lists.field, lists.ids); err != nil {
			return err
		}
	}

	err := checkContacts(ctx, s.db.Client, &in, "audience.contactIds", a.ContactIDs, ", put more on a list")
	if err != nil {
		return err
	}

	if a.Filter != nil {
		if err := s.checkFilter(ctx, &in, *a.Filter); err != nil {
			return err
		}
	}

	return in.Err()
}

func (s *Service) checkFilter(ctx context.Context, in *usererror.Fields, f jsonfield.ContactFilter) error {
	const at = "audience.filter."
	note(in, at+"search", checkText("the search", f.Search, maxSearch))
	for i, c := range f.Consent {
		if !slices.Contains(c.Values(), string(c)) {
			in.Add(fmt.Sprintf("%sconsent.%d", at, i), usererror.Invalid, "%s is no consent", shown(string(c)))
		}
	}

	checkTags(in, at+"tags", f.Tags)
	checkTags(in, at+"excludeTags", f.ExcludeTags)
	for _, c := range []struct {
		field   string
		choices []string
	}{{"country", f.Country}, {"language", f.Language}} {
		if len(c.choices) > maxChoices {
			in.Add(at+c.field, usererror.LimitExceeded, "there are %d values; at most %d", len(c.choices), maxChoices)
		}
	}

	if len(f.Attributes) > maxConditions {
		in.Add(at+"attributes", usererror.LimitExceeded, "there are %d conditions; at most %d", len(f.Attributes),
			maxConditions)
	}

	for i, a := range f.Attributes {
		note(in, fmt.Sprintf("%sattributes.%d.key", at, i), checkRequired("the key", a.Key, maxKey))
		if len(a.In) > maxChoices {
			in.Add(fmt.Sprintf("%sattributes.%d.in", at, i), usererror.LimitExceeded, "there are %d values; at most %d",
				len(a.In), maxChoices)
		}
	}

	return checkLists(ctx, s.db.Client, in, at+"listIds", f.ListIDs)
}

// Page reads the audience's next contacts behind the id after, by ascending id; fewer than limit
// are the last. However large the audience, a page costs about as much as its own rows: every part
// of it is read along an index and stops at limit.
func Page(ctx context.Context, tx *database.Tx, organization uid.ID, a jsonfield.Audience, after uid.ID,
	limit int) ([]Recipient, error) {
	rule := rule{tx.DB.Dialect, organization, a}
	query, args := rule.recipients(after, limit).Query()
	rows, err := tx.QueryContext(ctx, query, args...)
	page, err := database.Collect(rows, err, scanRecipient)
	if err != nil {
		return nil, fmt.Errorf("read audience: %w", err)
	}

	return page, nil
}

func scanRecipient(rows *stdsql.Rows) (r Recipient, err error) {
	var phone, userID, name, language, country *string
	var attributes []byte
	if err := rows.Scan(&r.ID, &phone, &userID, &name, &language, &country, &r.Consent, &attributes); err != nil {
		return r, err
	}
	if err := json.Unmarshal(attributes, &r.Attributes); err != nil {
		return r, fmt.Errorf("attributes of %s: %w", r.ID, err)
	}

	r.Phone, r.UserID, r.Name, r.Language, r.Country = text(phone), text(userID), text(name), text(language),
		text(country)

	return r, nil
}

// Counts are how many contacts each audience has now, by the key it is given with.
func (s *Service) Counts(ctx context.Context, organization uid.ID,
	audiences map[uid.ID]jsonfield.Audience) (map[uid.ID]int, error) {
	counts := make(map[uid.ID]int, len(audiences))
	var ids []uid.ID
	var parts []*sql.Selector
	arguments := 0

	for id, a := range audiences {
		part := rule{s.db.Dialect, organization, a}.count(len(ids))
		_, args := part.Query()
		if arguments += len(args); arguments > maxArguments && len(ids) > 0 {
			if err := s.count(ctx, ids, parts, counts); err != nil {
				return nil, err
			}

			part = rule{s.db.Dialect, organization, a}.count(0)
			ids, parts, arguments = nil, nil, len(args)
		}

		ids, parts = append(ids, id), append(parts, part)
	}

	return counts, s.count(ctx, ids, parts, counts)
}

func (s *Service) count(ctx context.Context, ids []uid.ID, parts []*sql.Selector, into map[uid.ID]int) error {
	if len(parts) == 0 {
		return nil
	}

	query, args := database.UnionAll(parts).Query()
	rows, err := s.db.Query(ctx, query, args...)

	err = database.Each(rows, err, func(rows *stdsql.Rows) error {
		var part, n int
		if err := rows.Scan(&part, &n); err != nil {
			return err
		}

		into[ids[part]] = n

		return nil
	})
	if err != nil {
		return fmt.Errorf("count audiences: %w", err)
	}

	return nil
}

// rule is an audience as SQL. It names the organization in every part, since no policy looks after
// plain SQL.
type rule struct {
	dialect      string
	organization uid.ID
	jsonfield.Audience
}

func (r rule) recipients(after uid.ID, limit int) *sql.Selector {
	c := sql.Table(contact.Table).As("c")
	s := sql.Dialect(r.dialect).Select(c.C(contact.FieldID), c.C(contact.FieldPhone), c.C(contact.FieldWaUserID),
		c.C(contact.FieldName), c.C(contact.FieldLanguage),
		c.C(contact.FieldCountry), c.C(contact.FieldMarketingConsent), c.C(contact.FieldAttributes)).From(c)
	ids := sql.Dialect(r.dialect).Select("id").From(r.union(r.parts(&after, limit)).As("u")).OrderBy("id").Limit(limit)

	return s.Where(sql.And(sql.EQ(s.C(contact.FieldOrganizationID), r.organization), sql.In(s.C(contact.FieldID), ids))).
		OrderBy(s.C(contact.FieldID))
}

// count tells its number, and how many contacts there are.
func (r rule) count(number int) *sql.Selector {
	return sql.Dialect(r.dialect).SelectExpr(sql.Raw(strconv.Itoa(number)+" AS part"), sql.Raw("count(*) AS n")).
		From(r.union(r.parts(nil, 0)).As("u"))
}

// union is the contacts of all parts, each once.
func (r rule) union(parts []*sql.Selector) (all *sql.Selector) {
	for i, p := range parts {
		one := sql.Dialect(r.dialect).Select("id").From(p.As(fmt.Sprintf("p%d", i)))
		if all == nil {
			all = one
		} else {
			all.Union(one)
		}
	}

	return all
}

// parts is the ids of every list, of the contacts named and of the filter. Nil for after is all of
// them.
func (r rule) parts(after *uid.ID, limit int) (parts []*sql.Selector) {
	add := func(s *sql.Selector, organization, id string, conditions ...*sql.Predicate) {
		s.Select(sql.As(s.C(id), "id")).Where(sql.EQ(s.C(organization), r.organization))
		for _, c := range conditions {
			s.Where(c)
		}

		if len(r.ExcludeListIDs) > 0 {
			s.Where(sql.Not(sql.Exists(members(r.dialect, s.C(organization), s.C(id), r.ExcludeListIDs, after))))
		}
		if after != nil {
			s.Where(sql.GT(s.C(id), *after)).OrderBy(s.C(id)).Limit(limit)
		}

		parts = append(parts, s)
	}

	from := func(table, alias string) *sql.Selector {
		return sql.Dialect(r.dialect).Select().From(sql.Table(table).As(alias))
	}
	for _, list := range r.ListIDs {
		s := from(listmember.Table, "m")
		add(s, listmember.FieldOrganizationID, listmember.FieldContactID, sql.EQ(s.C(listmember.FieldContactListID), list))
	}

	if len(r.ContactIDs) > 0 {
		s := from(contact.Table, "c")
		merged := sql.Dialect(r.dialect).Select(contactidentifier.FieldContactID).From(sql.Table(contactidentifier.Table)).
			Where(sql.And(
				sql.EQ(contactidentifier.FieldOrganizationID, r.organization),
				sql.EQ(contactidentifier.FieldKind, enum.IdentifierKindContact),
				sql.In(contactidentifier.FieldValue, anys(texts(r.ContactIDs))...)))

		add(s, contact.FieldOrganizationID, contact.FieldID,
			sql.Or(sql.In(s.C(contact.FieldID), anys(r.ContactIDs)...), sql.In(s.C(contact.FieldID), merged)))
	}

	if r.Filter != nil {
		s := from(contact.Table, "c")
		add(s, contact.FieldOrganizationID, contact.FieldID, conditions(s, r.organization, *r.Filter, after)...)
	}

	if len(parts) == 0 {
		add(from(contact.Table, "c"), contact.FieldOrganizationID, contact.FieldID, sql.False())
	}

	return parts
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// texts are ids as they are written.
func texts(ids []uid.ID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}

	return out
}
