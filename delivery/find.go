package delivery

import (
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/listing"
	"carillon/ent/message"
	"carillon/uid"
)

// condition is one of a table's columns.
type condition func(t *sql.SelectTable) *sql.Predicate

func is(column string, value any) condition {
	return func(t *sql.SelectTable) *sql.Predicate { return sql.EQ(t.C(column), value) }
}

func isOneOf[T any](column string, values []T) condition {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}

	return func(t *sql.SelectTable) *sql.Predicate { return sql.In(t.C(column), args...) }
}

// Selection is which messages a list has. Each condition has an index, of listing where it is about
// what never changes, else of message: a list must not read a table of millions for a page. A table
// that has no condition is not read.
type Selection struct {
	listed  []condition // listing
	changed []condition // message
	both    []condition // columns that the tables share
	within  []condition // message, where both are read: between the first and the last one that listing gives
}

// Select selects an organization's messages by a filter; nil has all. Addresses are what its number
// or user id stands for (audience.Addresses), where it has one.
func Select(organization uid.ID, f *jsonfield.MessageFilter, addresses []string) (that Selection) {
	that.both = []condition{is(listing.FieldOrganizationID, organization)}
	if f == nil {
		return that
	}

	for _, by := range []struct {
		column string
		id     *uid.ID
	}{{listing.FieldCampaignID, f.CampaignID}, {listing.FieldTemplateID, f.TemplateID},
		{listing.FieldPhoneNumberID, f.PhoneNumberID}} {
		if by.id != nil {
			that.goBy(by.column, *by.id)
		}
	}

	if f.Type != nil {
		that.listed = append(that.listed, isOneOf(listing.FieldType, once(f.Type)))
	}

	if f.ContactID != nil { // these are few
		that.listed = append(that.listed, is(listing.FieldContactID, *f.ContactID))
	}
	if f.To != nil {
		that.listed = append(that.listed, isOneOf(listing.FieldAddress, addresses))
	}
	if f.Reference != nil {
		that.listed = append(that.listed, is(listing.FieldReference, *f.Reference))
	}

	that.addChanging(f)
	that.addTimes(f)

	return that
}

// addChanging adds the conditions on what changes of a message.
func (that *Selection) addChanging(f *jsonfield.MessageFilter) {
	if f.Direction != nil {
		if *f.Direction == enum.DirectionInbound { // its one status has an index
			that.changed = append(that.changed, is(message.FieldStatus, enum.MessageStatusReceived))
		} else {
			that.changed = append(that.changed, is(message.FieldDirection, *f.Direction))
		}
	}

	if f.Status != nil {
		that.changed = append(that.changed, isOneOf(message.FieldStatus, once(f.Status)))
	}
	if f.SkipReason != nil {
		that.changed = append(that.changed, isOneOf(message.FieldSkipReason, once(f.SkipReason)))
	}
	if f.Wamid != nil {
		that.changed = append(that.changed, is(message.FieldWamid, *f.Wamid))
	}
	if f.ErrorCode != nil {
		that.changed = append(that.changed, isOneOf(message.FieldErrorCode, f.ErrorCode))
	}
}

// idSlack is how far a row's time may be from that in its id: both are read from one clock, one
// after the other, but ids go on ascending when the clock is set back. The ids of a time lie
// together in the index; rows are then told apart by their time.
const idSlack = 2 * time.Minute

func (that *Selection) addTimes(f *jsonfield.MessageFilter) {
	if f.Since != nil {
		that.both = append(that.both, func(t *sql.SelectTable) *sql.Predicate {
			return sql.And(sql.GTE(t.C(listing.FieldCreatedAt), *f.Since),
				sql.GTE(t.C(listing.FieldID), uid.From(f.Since.Add(-idSlack))))
		})
	}

	if f.Until != nil {
		that.both = append(that.both, func(t *sql.SelectTable) *sql.Predicate {
			return sql.And(sql.LT(t.C(listing.FieldCreatedAt), *f.Until),
				sql.LT(t.C(listing.FieldID), uid.From(f.Until.Add(idSlack))))
		})
	}
}

// once keeps a list of words as short as its enum, however often a client repeats them.
func once[E ~string](words []E) []E { return slices.Compact(slices.Sorted(slices.Values(words))) }

// goBy has the list go by an id in listing. PostgreSQL may well read both tables in the order of
// their ids, and would then begin with all messages that are newer than those of the id.
func (that *Selection) goBy(column string, id uid.ID) {
	that.listed = append(slices.Clip(that.listed), is(column, id))
	end := func(operator string, order func(string) string) condition {
		return func(t *sql.SelectTable) *sql.Predicate {
			l := sql.Table(listing.Table).As("ends")
			ends := sql.Select(l.C(listing.FieldID)).From(l).Where(sql.EQ(l.C(column), id)).
				OrderBy(order(l.C(listing.FieldID))).Limit(1)
			return sql.P(func(b *sql.Builder) {
				b.Ident(t.C(message.FieldID)).WriteString(operator).Wrap(func(b *sql.Builder) { b.Join(ends) })
			})
		}
	}

	that.within = append(slices.Clip(that.within), end(" >= ", sql.Asc), end(" <= ", sql.Desc))
}

// Of narrows a selection to a campaign, or to a contact; to none for the zero id.
func (that Selection) Of(parent uid.ID) Selection {
	switch parent.Kind() {
	case uid.Campaign:
		that.goBy(listing.FieldCampaignID, parent)
	case uid.Contact: // these are few
		that.listed = append(slices.Clip(that.listed), is(listing.FieldContactID, parent))
	}

	return that
}

// OfPerson narrows a selection to messages to or from a contact, and to those of its addresses that
// belong to no contact.
func (that Selection) OfPerson(contact uid.ID, addresses []string) Selection {
	that.listed = append(slices.Clip(that.listed), func(t *sql.SelectTable) *sql.Predicate {
		return sql.Or(sql.EQ(t.C(listing.FieldContactID), contact),
			sql.And(sql.IsNull(t.C(listing.FieldContactID)), isOneOf(listing.FieldAddress, addresses)(t)))
	})

	return that
}

// After narrows a selection to messages that were made after that one.
func (that Selection) After(id uid.ID) Selection { return that.than(sql.GT, id) }

// Before narrows a selection to messages that were made before that one.
func (that Selection) Before(id uid.ID) Selection { return that.than(sql.LT, id) }

func (that Selection) than(compare func(string, any) *sql.Predicate, id uid.ID) Selection {
	that.both = append(slices.Clip(that.both), func(t *sql.SelectTable) *sql.Predicate {
		return compare(t.C(listing.FieldID), id)
	})

	return that
}

// Find selects from the tables that have conditions, joined by their ids; id is the column that a
// list is ordered by.
func (that Selection) Find(dialect string) (s *sql.Selector, id string) {
	l, m := sql.Table(listing.Table), sql.Table(message.Table)
	s = sql.Dialect(dialect).Select()
	var all []*sql.Predicate

	add := func(t *sql.SelectTable, conditions []condition) {
		for _, is := range slices.Concat(conditions, that.both) {
			all = append(all, is(t))
		}
	}

	switch {
	case len(that.changed) == 0:
		id = l.C(listing.FieldID)
		s.From(l)
		add(l, that.listed)
	case len(that.listed) == 0:
		id = m.C(message.FieldID)
		s.From(m)
		add(m, that.changed)
	default:
		id = l.C(listing.FieldID)
		s.From(l).Join(m).On(id, m.C(message.FieldID))
		add(l, that.listed)
		add(m, slices.Concat(that.changed, that.within))
	}

	return s.Where(sql.And(all...)), id
}
