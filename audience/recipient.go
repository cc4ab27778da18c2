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
	"github.com/tidwall/gjson"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/campaignrecipient"
	"carillon/ent/contact"
	"carillon/ent/contactidentifier"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/listmember"
	"carillon/ent/segment"
	"carillon/uid"
	"carillon/usererror"
)

const (
	maxContacts   = 1000 // of an audience, by id; more belong on a list
	maxSegments   = 20   // of an audience: each is a part of the statement that reads it
	maxConditions = 20   // on attributes
	maxChoices    = 200  // of one condition
	maxSearch     = 256
	maxArguments  = 20_000 // of a statement: SQLite takes 32,766
)

// Recipient is what a campaign needs to know of a contact. Texts that the contact does not have are
// empty.
type Recipient struct {
	ID                                               uid.ID
	Phone, UserID, Name, Language, TimeZone, Country string

	Consent    enum.Consent
	Suppressed bool
	Attributes Attributes

	// Values are their own of the template's parameters, and Reference the caller's own name for
	// their message, where they were added to the campaign one by one. Language is then the one that
	// was given with them, if any was.
	Values    map[string]string
	Reference string
}

// Attributes are a contact's as they are stored: a JSON object of texts. Most campaigns ask for one
// or two of them, so that reading all of everybody's is not worth it.
type Attributes string

// Value is that of a key; empty where the contact has none.
func (a Attributes) Value(key string) (value string) {
	gjson.Parse(string(a)).ForEach(func(name, of gjson.Result) bool {
		if name.String() != key {
			return true
		}

		value = of.String()

		return false
	})

	return value
}

// Address is what the person is written to by: their number, or else their user id; empty where
// neither is known.
func (r Recipient) Address() string { return cmp.Or(r.Phone, r.UserID) }

// CheckAudience reports as usererror.Fields what of an audience names nothing in the caller's
// organization, or cannot be.
func (s *Service) CheckAudience(ctx context.Context, a jsonfield.Audience) error {
	var in usererror.Fields
	for _, named := range []struct {
		field string
		ids   []uid.ID
		check func(context.Context, *ent.Client, *usererror.Fields, string, []uid.ID) error
	}{
		{"audience.listIds", a.ListIDs, checkLists}, {"audience.excludeListIds", a.ExcludeListIDs, checkLists},
		{"audience.segmentIds", a.SegmentIDs, checkSegments},
		{"audience.excludeSegmentIds", a.ExcludeSegmentIDs, checkSegments},
	} {
		if err := named.check(ctx, s.db.Client, &in, named.field, named.ids); err != nil {
			return err
		}
	}

	err := checkContacts(ctx, s.db.Client, &in, "audience.contactIds", a.ContactIDs, ", put more on a list")
	if err != nil {
		return err
	}

	if a.Filter != nil {
		if err := checkFilter(ctx, s.db.Client, &in, "audience.filter.", *a.Filter); err != nil {
			return err
		}
	}

	return in.Err()
}

// checkSegments notes every id that names no segment of the caller's organization.
func checkSegments(ctx context.Context, client *ent.Client, in *usererror.Fields, field string, ids []uid.ID) error {
	if len(ids) == 0 {
		return nil
	}

	if len(ids) > maxSegments {
		in.Add(field, usererror.LimitExceeded, "there are %d segments; at most %d", len(ids), maxSegments)
		return nil
	}

	found, err := client.Segment.Query().Where(segment.IDIn(ids...)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look up segments: %w", err)
	}

	noteMissing(in, field, "segment", ids, found)

	return nil
}

// checkFilter notes what of a contact filter names nothing, or cannot be. at begins the fields.
func checkFilter(ctx context.Context, client *ent.Client, in *usererror.Fields, at string,
	f jsonfield.ContactFilter) error {
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
		choices int
	}{{"consent", len(f.Consent)}, {"country", len(f.Country)}, {"language", len(f.Language)}} {
		if c.choices > maxChoices {
			in.Add(at+c.field, usererror.LimitExceeded, "there are %d values; at most %d", c.choices, maxChoices)
		}
	}

	if len(f.Attributes) > maxConditions {
		in.Add(at+"attributes", usererror.LimitExceeded, "there are %d conditions; at most %d", len(f.Attributes),
			maxConditions)
		return nil
	}

	for i, a := range f.Attributes {
		note(in, fmt.Sprintf("%sattributes.%d.key", at, i), checkKey("the key", a.Key))
		if len(a.In) > maxChoices {
			in.Add(fmt.Sprintf("%sattributes.%d.in", at, i), usererror.LimitExceeded, "there are %d values; at most %d",
				len(a.In), maxChoices)
		}
	}

	if f.CampaignOutcome != nil {
		if err := checkOutcome(ctx, client, in, at+"campaignOutcome.", *f.CampaignOutcome); err != nil {
			return err
		}
	}

	return checkLists(ctx, client, in, at+"listIds", f.ListIDs)
}

// Page reads the audience's next contacts behind the id after, by ascending id; fewer than limit
// are the last. However large the audience, a page costs about as much as its own rows: every part
// of it is read along an index and stops at limit. Segments are taken as they are now, unless the
// audience is frozen.
func Page(ctx context.Context, tx *database.Tx, organization uid.ID, a jsonfield.Audience, after uid.ID,
	limit int) ([]Recipient, error) {
	a, err := Freeze(ctx, tx.Client, organization, a)
	if err != nil {
		return nil, err
	}

	rule := rule{tx.DB.Dialect, organization, a}
	query, args := rule.recipients(after, limit).Query()
	page := make([]Recipient, 0, limit)

	read := func(rows database.Rows) error {
		for rows.Next() {
			r, err := scanRecipient(rows)
			if err != nil {
				return err
			}

			page = append(page, r)
		}

		return rows.Err()
	}

	if err := tx.PlanAnew(ctx); err != nil {
		return nil, err
	}

	if err := tx.Together(ctx,
		database.Statement{What: "read audience", Query: query, Args: args, Read: read}); err != nil {
		return nil, err
	}

	return page, nil
}

func scanRecipient(rows database.Rows) (r Recipient, err error) {
	var phone, userID, name, language, zone, country, ownLanguage, reference *string
	var values []byte
	if err := rows.Scan(database.ID{ID: &r.ID}, &phone, &userID, &name, &language, &zone, &country, &r.Consent,
		(*string)(&r.Attributes), &r.Suppressed, &values, &ownLanguage, &reference); err != nil {
		return r, err
	}
	if len(values) > 0 {
		if err := json.Unmarshal(values, &r.Values); err != nil {
			return r, fmt.Errorf("values of %s: %w", r.ID, err)
		}
	}

	r.Phone, r.UserID, r.Name = text(phone), text(userID), text(name)
	r.Language = cmp.Or(text(ownLanguage), text(language))
	r.TimeZone, r.Country, r.Reference = text(zone), text(country), text(reference)

	return r, nil
}

// Counts are how many contacts each audience has now, by the key it is given with.
func (s *Service) Counts(ctx context.Context, organization uid.ID,
	audiences map[uid.ID]jsonfield.Audience) (map[uid.ID]int, error) {
	counts := make(map[uid.ID]int, len(audiences))
	var ids []uid.ID
	var parts []*sql.Selector
	arguments := 0

	var segments []uid.ID
	for _, a := range audiences {
		segments = append(segments, unfrozen(a)...)
	}

	rules, err := segmentRules(ctx, s.db.Client, organization, segments)
	if err != nil {
		return nil, err
	}

	for id, a := range audiences {
		a = withRules(a, rules)
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

// recipients reads a page of everybody in the audience. An audience that is one filter is read as
// it is; of others the ids are put together first.
func (r rule) recipients(after uid.ID, limit int) *sql.Selector {
	parts := r.parts(&after, limit)
	if len(parts) == 1 && len(r.filters()) == 1 {
		return r.columns(parts[0])
	}

	s := sql.Dialect(r.dialect).Select().From(sql.Table(contact.Table).As("c"))
	ids := sql.Dialect(r.dialect).Select("id").From(r.union(parts).As("u")).OrderBy("id").Limit(limit)

	// that the contacts, too, are behind the id spares PostgreSQL a walk to it where it merges them
	return r.columns(s.Where(sql.And(sql.EQ(s.C(contact.FieldOrganizationID), r.organization),
		sql.GT(s.C(contact.FieldID), after), sql.In(s.C(contact.FieldID), ids))).OrderBy(s.C(contact.FieldID)))
}

// columns makes a selector of contacts, which are c, give what a Recipient has.
func (r rule) columns(s *sql.Selector) *sql.Selector {
	s.Select(s.C(contact.FieldID), s.C(contact.FieldPhone), s.C(contact.FieldWaUserID),
		s.C(contact.FieldName), s.C(contact.FieldLanguage), s.C(contact.FieldTimeZone),
		s.C(contact.FieldCountry), s.C(contact.FieldMarketingConsent), s.C(contact.FieldAttributes)).
		AppendSelectExpr(r.suppressed("c.id"))
	if r.ValuesOf.IsZero() {
		return s.AppendSelectExpr(sql.Raw("NULL"), sql.Raw("NULL"), sql.Raw("NULL"))
	}

	own := sql.Table(campaignrecipient.Table).As("own")

	return s.LeftJoin(own).OnP(sql.And(sql.EQ(own.C(campaignrecipient.FieldCampaignID), r.ValuesOf),
		sql.EQ(own.C(campaignrecipient.FieldOrganizationID), r.organization),
		sql.ColumnsEQ(own.C(campaignrecipient.FieldContactID), s.C(contact.FieldID)))).
		AppendSelect(own.C(campaignrecipient.FieldParameters), own.C(campaignrecipient.FieldLanguage),
			own.C(campaignrecipient.FieldReference))
}

// suppressed tells whether one of a contact's numbers is on the suppression list.
func (r rule) suppressed(contactID string) sql.Querier {
	return sql.ExprFunc(func(b *sql.Builder) {
		b.WriteString("(EXISTS (SELECT 1 FROM suppression WHERE suppression.organization_id = ").Arg(r.organization).
			WriteString(") OR EXISTS (SELECT 1 FROM organization WHERE organization.id = ").Arg(r.organization).
			WriteString(" AND organization.erasure_key IS NOT NULL)) AND " + delivery.SuppressedContact(contactID))
	})
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
		for _, segment := range r.ExcludeSegmentIDs {
			if excluded, there := r.Rules[segment]; there {
				s.Where(sql.Not(r.matches(s.C(id), excluded, after)))
			}
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

	if r.Recipients {
		s := from(campaignrecipient.Table, "r")
		add(s, campaignrecipient.FieldOrganizationID, campaignrecipient.FieldContactID,
			sql.EQ(s.C(campaignrecipient.FieldCampaignID), r.ValuesOf))
	}

	for _, f := range r.filters() {
		s := from(contact.Table, "c")
		add(s, contact.FieldOrganizationID, contact.FieldID, conditions(s, r.organization, f, after)...)
	}

	if len(parts) == 0 {
		add(from(contact.Table, "c"), contact.FieldOrganizationID, contact.FieldID, sql.False())
	}

	return parts
}

// filters are the audience's own and those of its segments.
func (r rule) filters() (all []jsonfield.ContactFilter) {
	if r.Filter != nil {
		all = append(all, *r.Filter)
	}

	for _, id := range r.SegmentIDs {
		if f, there := r.Rules[id]; there {
			all = append(all, f)
		}
	}

	return all
}

// matches holds where the contact that a column names matches a filter. It is never null, so that
// its opposite holds for all others: those too of whom the filter asks what is not known of them.
func (r rule) matches(contactID string, f jsonfield.ContactFilter, after *uid.ID) *sql.Predicate {
	c := sql.Table(contact.Table).As("x")
	s := sql.Dialect(r.dialect).Select(c.C(contact.FieldID)).From(c).Where(sql.And(
		sql.ColumnsEQ(c.C(contact.FieldID), contactID), sql.EQ(c.C(contact.FieldOrganizationID), r.organization)))
	for _, p := range conditions(s, r.organization, f, after) {
		s.Where(p)
	}

	return sql.Exists(s)
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
