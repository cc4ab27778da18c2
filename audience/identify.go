package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
)

// Person is who an identity is about.
type Person struct {
	// ID is the contact's, or the id that is kept for somebody who is no contact yet. It is zero for
	// somebody of whom nothing is known or kept.
	ID uid.ID
	// Contact is as it is now; nil for who is none. Its row is locked until the transaction ends.
	Contact *ent.Contact
	// Made says that the contact was made by this call.
	Made bool
}

// Identify finds out who each identity is about, in the caller's transaction, and remembers what it
// tells. Contacts that turn out to be one are merged. A person whom nobody knows is made what
// Identity.Make says.
//
// Two processes that are told of the same people at once come to the same end: one of them runs its
// transaction again. Locks are taken in one order: the people of an organization, when any are
// merged; contacts by id; messages by id.
func (s *Service) Identify(ctx context.Context, tx *database.Tx, identities ...Identity) ([]Person, error) {
	all := make([]told, len(identities))
	for i, in := range identities {
		if now := s.moment(); in.At.IsZero() || in.At.After(now.Add(clockSkew)) {
			in.At = now
		}

		in.At = database.Moment(in.At)
		all[i] = read(in)
	}

	r, err := resolve(ctx, tx, all)
	if err != nil {
		return nil, fmt.Errorf("identify %d people: %w", len(all), err)
	}

	r.now, r.erased = s.moment(), s.erased
	if err := r.write(ctx); err != nil {
		return nil, fmt.Errorf("identify %d people: %w", len(all), err)
	}

	people := make([]Person, len(all))
	for _, g := range r.groups {
		for _, i := range g.told {
			people[i] = Person{g.id, g.contact, g.made}
		}
	}

	return people, nil
}

// group is one person, of whom one identity or several tell.
type group struct {
	told         []int    // of resolution.told
	people       []uid.ID // who they were held for: more than one when they are to be merged
	fresh        []identifier
	former       []identifier // that they have no longer
	organization uid.ID

	id      uid.ID       // who they are
	contact *ent.Contact // nil for who is none
	made    bool
}

// resolution is what one transaction finds and changes.
type resolution struct {
	*database.Tx
	now      time.Time
	told     []told
	groups   []*group
	contacts map[uid.ID]*ent.Contact // locked
	changed  map[uid.ID]bool         // contacts whose rows are to be written
	erased   *delivery.Erased
	gone     map[identifier]time.Time // fresh ones of people who were erased, and when
}

// holding says for whom an identifier is held.
type holding struct {
	person    uid.ID
	isContact bool
	former    bool
	at        time.Time // since when, or until when for a former one
}

// holdings are what the database says of identifiers.
type holdings struct {
	now      map[identifier]holding
	former   map[identifier][]holding
	contacts map[identifier]holding // contacts that identities name by their id
}

// of is for whom an identifier was held at a time.
func (h holdings) of(i identifier, at time.Time) (holding, bool) {
	var best holding
	for _, f := range h.former[i] {
		if !at.After(f.at) && (best.person.IsZero() || f.at.Before(best.at)) {
			best, best.former = f, true
		}
	}

	if !best.person.IsZero() {
		return best, true
	}
	if found, ok := h.now[i]; ok {
		return found, true
	}

	found, ok := h.contacts[i]

	return found, ok
}

func resolve(ctx context.Context, tx *database.Tx, all []told) (*resolution, error) {
	r := &resolution{Tx: tx, told: all, changed: map[uid.ID]bool{}}
	found, err := r.find(ctx)
	if err != nil {
		return nil, err
	}

	r.group(found)
	if shared := r.exclusive(found); len(shared) > 0 {
		for _, organization := range shared {
			if err := tx.Exclusive(ctx, peopleOf(organization)); err != nil {
				return nil, err
			}
		}

		if found, err = r.find(ctx); err != nil {
			return nil, err
		}

		r.group(found)
		if len(r.exclusive(found)) > len(shared) {
			return nil, database.ErrAgain
		}
	}

	return r, r.lock(ctx, found)
}

// peopleOf is the lock of who is who in an organization. Whoever merges people, or makes a contact
// of somebody who was none, holds it exclusively. Whoever writes the ids of contacts that it has
// read without locking them holds it with others.
func peopleOf(organization uid.ID) string { return "people of " + organization.String() }

// HoldPeople keeps the contacts of an organization from being merged until the transaction ends.
func HoldPeople(ctx context.Context, tx *database.Tx, organization uid.ID) error {
	return tx.Shared(ctx, peopleOf(organization))
}

// find reads for whom the identifiers are held.
func (r *resolution) find(ctx context.Context) (holdings, error) {
	found := holdings{now: map[identifier]holding{}, former: map[identifier][]holding{},
		contacts: map[identifier]holding{}}
	var organizations, ids, owners []uid.ID
	var kinds, values []string

	for _, t := range r.told {
		for _, i := range t.identifiers {
			organizations, kinds, values = append(organizations, i.organization), append(kinds, string(i.kind)),
				append(values, i.value)
		}

		if !t.Contact.IsZero() {
			ids, owners = append(ids, t.Contact), append(owners, t.Organization)
		}
	}

	if len(values) == 0 {
		return found, nil
	}

	from, args := r.DB.Rowset(nil, database.IDs("organization_id", organizations), database.Texts("kind", kinds),
		database.Texts("value", values))
	query := func(table, time string) string {
		return "SELECT DISTINCT i.organization_id, i.kind, i.value, i.contact_id, i." + time +
			", CASE WHEN contact.id IS NULL THEN 0 ELSE 1 END FROM " + from + " JOIN " + table +
			" i ON i.organization_id = f.organization_id AND i.kind = f.kind AND i.value = f.value LEFT " +
			"JOIN contact ON contact.id = i.contact_id ORDER BY i.contact_id"
	}

	statements := []database.Statement{
		{What: "look for identifiers", Query: query("contact_identifier", "since"), Args: args,
			Read: readHoldings(func(i identifier, h holding) { found.now[i] = h })},
		{What: "look for former identifiers", Query: query("former_identifier", "until"), Args: args,
			Read: readHoldings(func(i identifier, h holding) {
				found.former[i] = append(found.former[i], h)
			})},
	}
	if len(ids) > 0 {
		from, args := r.DB.Rowset(nil, database.IDs("id", ids), database.IDs("organization_id", owners))
		statements = append(statements, database.Statement{What: "look for contacts", Args: args,
			Query: "SELECT DISTINCT contact.id, contact.organization_id FROM contact JOIN " + from +
				" ON contact.id = f.id AND contact.organization_id = f.organization_id",
			Read: func(rows database.Rows) error {
				for rows.Next() {
					var id, organization uid.ID
					if err := rows.Scan(database.ID{ID: &id}, database.ID{ID: &organization}); err != nil {
						return err
					}

					found.contacts[identifier{organization, enum.IdentifierKindContact, id.String()}] = holding{person: id,
						isContact: true}
				}

				return rows.Err()
			}})
	}

	return found, r.Together(ctx, statements...)
}

func readHoldings(keep func(identifier, holding)) func(database.Rows) error {
	return func(rows database.Rows) error {
		for rows.Next() {
			var i identifier
			var h holding
			var isContact int
			if err := rows.Scan(database.ID{ID: &i.organization}, &i.kind, &i.value, database.ID{ID: &h.person}, &h.at,
				&isContact); err != nil {
				return err
			}

			h.isContact = isContact == 1
			keep(i, h)
		}

		return rows.Err()
	}
}

// group puts together what is told of one person: identities that share an identifier, or somebody
// for whom their identifiers are held.
func (r *resolution) group(found holdings) {
	r.groups = nil
	byPerson, byIdentifier := map[uid.ID]*group{}, map[identifier]*group{}
	for n, t := range r.told {
		g := &group{organization: t.Organization, told: []int{n}, people: slices.Clone(t.people)}
		for _, i := range t.identifiers {
			if h, ok := found.of(i, t.At); ok {
				g.people = append(g.people, h.person)
				if h.former {
					g.former = append(g.former, i)
				}
			} else if i.kind != enum.IdentifierKindContact { // a contact that is gone
				g.fresh = append(g.fresh, i)
			}
		}

		for _, person := range g.people {
			g.join(byPerson[person])
		}

		for _, i := range g.fresh {
			g.join(byIdentifier[i])
		}

		for _, person := range g.people {
			byPerson[person] = g
		}

		for _, i := range g.fresh {
			byIdentifier[i] = g
		}

		r.groups = append(slices.DeleteFunc(r.groups, func(other *group) bool { return len(other.told) == 0 }), g)
	}

	for _, g := range r.groups {
		slices.Sort(g.told)
		slices.SortStableFunc(g.told, func(a, b int) int { return r.told[a].At.Compare(r.told[b].At) })
		slices.SortFunc(g.people, uid.Compare)
		g.people = slices.Compact(g.people)
		slices.SortFunc(g.fresh, compareIdentifiers)
		g.fresh = slices.Compact(g.fresh)
	}
}

// join takes over all that another group has.
func (g *group) join(other *group) {
	if other == nil || other == g {
		return
	}

	g.told, g.people = append(g.told, other.told...), append(g.people, other.people...)
	g.fresh, g.former = append(g.fresh, other.fresh...), append(g.former, other.former...)
	other.told = nil
}

// exclusive are the organizations in which somebody is merged, or who was no contact is more than
// looked up.
func (r *resolution) exclusive(found holdings) (organizations []uid.ID) {
	contacts := map[uid.ID]bool{}
	for _, all := range []map[identifier]holding{found.now, found.contacts} {
		for _, h := range all {
			contacts[h.person] = h.isContact
		}
	}

	for _, all := range found.former {
		for _, h := range all {
			contacts[h.person] = h.isContact
		}
	}

	for _, g := range r.groups {
		stranger := len(g.people) == 1 && !contacts[g.people[0]]
		if len(g.people) > 1 || stranger && (len(g.fresh) > 0 || r.making(g) != MakeNothing) {
			organizations = append(organizations, g.organization)
		}
	}

	slices.SortFunc(organizations, uid.Compare)

	return slices.Compact(organizations)
}

func (r *resolution) making(g *group) Making {
	most := MakeNothing
	for _, n := range g.told {
		most = max(most, r.told[n].Make)
	}

	return most
}

const contactColumns = `contact.id, contact.organization_id, contact.phone, contact.wa_phone, contact.wa_user_id,
	contact.username, contact.name, contact.language,
	contact.time_zone, contact.country, contact.attributes, contact.marketing_consent,
	contact.service_window_closes_at, contact.created_at`

func scanContact(rows database.Rows) (*ent.Contact, error) {
	c := &ent.Contact{}
	var attributes []byte
	err := rows.Scan(database.ID{ID: &c.ID}, database.ID{ID: &c.OrganizationID}, &c.Phone, &c.WaPhone, &c.WaUserID,
		&c.Username, &c.Name, &c.Language,
		&c.TimeZone, &c.Country, &attributes, &c.MarketingConsent, &c.ServiceWindowClosesAt, &c.CreatedAt)
	if err != nil {
		return nil, err
	}

	return c, json.Unmarshal(attributes, &c.Attributes)
}

// lock locks the contacts in the order of their ids, and sees to it that nobody has changed
// meanwhile who is who.
func (r *resolution) lock(ctx context.Context, before holdings) error {
	r.contacts = map[uid.ID]*ent.Contact{}
	var people []uid.ID
	for _, g := range r.groups {
		people = append(people, g.people...)
	}

	if len(people) == 0 {
		return nil
	}

	from, args := r.DB.Rowset(nil, database.IDs("id", people))
	of := r.DB.ForNoKeyUpdate()
	if of != "" {
		of += " OF contact"
	}

	err := r.Together(ctx, database.Statement{What: "lock contacts", Args: args,
		Query: "SELECT " + contactColumns + " FROM contact JOIN " + from + " ON contact.id = f.id ORDER BY contact.id" + of,
		Read: func(rows database.Rows) error {
			for rows.Next() {
				c, err := scanContact(rows)
				if err != nil {
					return err
				}

				r.contacts[c.ID] = c
			}

			return rows.Err()
		}})
	if err != nil || of == "" { // a writer that is alone cannot be overtaken
		return err
	}

	after, err := r.find(ctx)
	if err != nil {
		return err
	}

	same := func(a, b holding) bool { return a.person == b.person && a.isContact == b.isContact }
	former := func(a, b []holding) bool { return slices.EqualFunc(a, b, same) }
	if !maps.EqualFunc(before.now, after.now, same) || !maps.EqualFunc(before.contacts, after.contacts, same) ||
		!maps.EqualFunc(before.former, after.former, former) {
		return database.ErrAgain
	}

	return nil
}

// write stores what was told.
func (r *resolution) write(ctx context.Context) error {
	if err := r.recognize(ctx); err != nil {
		return err
	}

	var keep []held
	var fresh []*group // whose contacts are made
	for _, g := range r.groups {
		if !r.decide(g) {
			continue
		}

		since := r.told[g.told[0]].At
		for _, i := range g.fresh {
			keep = append(keep, held{i, r.written(g, i), g.id, since})
		}

		if g.made {
			fresh = append(fresh, g)
		}
	}

	if err := r.keep(ctx, keep); err != nil {
		return err
	}

	for _, g := range r.groups {
		if len(g.people) > 1 {
			if err := r.merge(ctx, g); err != nil {
				return err
			}
		}
	}

	for _, g := range r.groups {
		if g.contact == nil {
			continue
		}

		for _, n := range g.told {
			if tell(g, r.told[n]) {
				r.changed[g.contact.ID] = true
			}
		}
	}

	if err := r.create(ctx, fresh); err != nil {
		return err
	}

	return r.update(ctx)
}

// decide says who the group is; false where nothing of them is known or kept.
func (r *resolution) decide(g *group) bool {
	making := r.making(g)
	g.id = r.survivor(g.people)
	switch {
	case len(g.people) > 0:
	case r.isOver(g, making):
		return false
	case making == MakeNothing && len(g.fresh) < 2, len(g.fresh) == 0:
		return false
	default:
		g.id = uid.New(uid.Contact)
	}

	g.contact = r.contacts[g.id]
	if g.contact == nil && making == MakeContact {
		g.contact = &ent.Contact{ID: g.id, OrganizationID: g.organization, Attributes: map[string]string{},
			MarketingConsent: enum.ConsentUnknown, CreatedAt: r.now}
		g.made = true
	}

	return true
}

// survivor is who people are merged into: the oldest contact, or else whoever was known first.
func (r *resolution) survivor(people []uid.ID) (oldest uid.ID) {
	for _, id := range people {
		c, best := r.contacts[id], r.contacts[oldest]
		switch {
		case oldest.IsZero(), c != nil && best == nil:
			oldest = id
		case c != nil && c.CreatedAt.Before(best.CreatedAt):
			oldest = id
		}
	}

	return oldest
}

// held is an identifier that is to be kept for somebody.
type held struct {
	identifier
	written string // empty where that is the value
	person  uid.ID
	since   time.Time
}

// written is how a number was told.
func (r *resolution) written(g *group, i identifier) string {
	for _, n := range g.told {
		if written := r.told[n].written[i]; written != "" {
			return written
		}
	}

	return ""
}

var heldColumns = database.Columns[held]{
	database.Col("organization_id", func(h held) uid.ID { return h.organization }, database.IDs),
	database.Col("kind", func(h held) enum.IdentifierKind { return h.kind }, database.Texts),
	database.Col("value", func(h held) string { return h.value }, database.Texts),
	database.Col("written", func(h held) string { return h.written }, database.OptionalTexts),
	database.Col("contact_id", func(h held) uid.ID { return h.person }, database.IDs),
	database.Col("since", func(h held) time.Time { return h.since }, database.Times),
}

// keep stores identifiers. Where another transaction has stored one meanwhile, this one runs again.
func (r *resolution) keep(ctx context.Context, all []held) error {
	if len(all) == 0 {
		return nil
	}

	// all insert in one order
	slices.SortFunc(all, func(a, b held) int { return compareIdentifiers(a.identifier, b.identifier) })
	statement, args := heldColumns.Insertion(r.DB, "contact_identifier", all)
	_, err := r.ExecContext(ctx, statement, args...)
	if database.IsUnique(err) {
		return errors.Join(database.ErrAgain, err)
	}
	if err != nil {
		return fmt.Errorf("keep identifiers: %w", err)
	}

	return r.mark(ctx, all)
}

// tell puts into a contact's row what was told of its person, and reports whether it was changed.
func tell(g *group, t told) (changed bool) {
	c := g.contact
	set := func(field **string, value string) {
		if value != "" && (*field == nil || **field != value) {
			*field, changed = &value, true
		}
	}

	has := func(kind enum.IdentifierKind, value string) bool {
		return value != "" && !slices.Contains(g.former, identifier{g.organization, kind, value})
	}
	switch {
	case !has(enum.IdentifierKindPhone, NumberKey(t.phone)):
	case c.Phone == nil:
		set(&c.Phone, t.phone)
		if c.Country = nil; AddressCountry(t.phone) != "" {
			set(&c.Country, AddressCountry(t.phone))
		}
	case NumberKey(*c.Phone) == NumberKey(t.phone) && (*c.Phone != t.phone || c.WaPhone != nil):
		set(&c.WaPhone, t.phone)
	}

	isFresh := slices.ContainsFunc(g.fresh, func(i identifier) bool {
		return i.kind == enum.IdentifierKindUserID && i.value == t.userID
	})
	if (c.WaUserID == nil || isFresh) && has(enum.IdentifierKindUserID, t.userID) {
		set(&c.WaUserID, t.userID)
	}
	if c.Country == nil && c.Phone == nil {
		set(&c.Country, userIDCountry(t.userID))
	}

	set(&c.Username, t.Username)
	if c.Name == nil {
		set(&c.Name, t.Name)
	}

	return changed
}

var contactID = database.Col("id", func(c *ent.Contact) uid.ID { return c.ID }, database.IDs)

// identifiedColumns are those of contacts' rows that Identify writes.
var identifiedColumns = database.Columns[*ent.Contact]{
	database.Col("phone", func(c *ent.Contact) *string { return c.Phone }, database.NullTexts),
	database.Col("wa_phone", func(c *ent.Contact) *string { return c.WaPhone }, database.NullTexts),
	database.Col("wa_user_id", func(c *ent.Contact) *string { return c.WaUserID }, database.NullTexts),
	database.Col("username", func(c *ent.Contact) *string { return c.Username }, database.NullTexts),
	database.Col("name", func(c *ent.Contact) *string { return c.Name }, database.NullTexts),
	database.Col("country", func(c *ent.Contact) *string { return c.Country }, database.NullTexts),
}

// madeColumns are of contacts that Identify makes at the time $1.
var madeColumns = append(database.Columns[*ent.Contact]{
	contactID,
	database.Col("organization_id", func(c *ent.Contact) uid.ID { return c.OrganizationID }, database.IDs),
	database.Col("marketing_consent", func(c *ent.Contact) enum.Consent { return c.MarketingConsent }, database.Texts),
	database.Expr[*ent.Contact]("attributes", "'{}'"),
	database.Expr[*ent.Contact]("created_at", "$1"),
}, identifiedColumns...)

// create makes contacts. What was said by somebody who was none until now holds from the start.
func (r *resolution) create(ctx context.Context, fresh []*group) error {
	if len(fresh) == 0 {
		return nil
	}

	slices.SortFunc(fresh, func(a, b *group) int { return uid.Compare(a.id, b.id) })
	contacts := make([]*ent.Contact, len(fresh))
	var strangers []uid.ID

	for i, g := range fresh {
		contacts[i] = g.contact
		delete(r.changed, g.id)
		if len(g.people) > 0 {
			strangers = append(strangers, g.id)
		}
	}

	said, err := histories(ctx, r.Tx, strangers...)
	if err != nil {
		return err
	}

	for _, g := range fresh {
		if len(g.people) > 0 {
			if err := complete(ctx, r.Tx, g.contact); err != nil {
				return err
			}
		}
	}

	for _, g := range fresh {
		g.contact.MarketingConsent = said[g.id].consent(enum.ConsentUnknown)
	}

	return database.Insert(ctx, r.Tx, "contact", madeColumns, contacts, r.now)
}

// complete puts into the row of somebody who becomes a contact what was known of them before.
func complete(ctx context.Context, tx *database.Tx, c *ent.Contact) error {
	phones, userIDs, err := current(ctx, tx, c.ID)
	if err != nil {
		return fmt.Errorf("read the identifiers of %s: %w", c.ID, err)
	}

	if c.Phone == nil && len(phones) > 0 {
		c.Phone = phones.last()
		c.Country = nonEmpty(AddressCountry(*c.Phone))
	}

	if c.WaUserID == nil {
		c.WaUserID = lastOf(userIDs)
	}

	return nil
}

func (r *resolution) update(ctx context.Context) error {
	var changed []*ent.Contact
	for _, g := range r.groups {
		if g.contact != nil && r.changed[g.contact.ID] {
			changed = append(changed, g.contact)
		}
	}

	if len(changed) == 0 {
		return nil
	}

	from, args := r.DB.Rowset(nil, append(identifiedColumns.Of(changed), contactID.Values(changed))...)
	if _, err := r.ExecContext(ctx, "UPDATE contact SET "+identifiedColumns.Sets()+" FROM "+from+
		" WHERE contact.id = f.id", args...); err != nil {
		return fmt.Errorf("change contacts: %w", err)
	}

	return nil
}
