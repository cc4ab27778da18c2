package audience

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"carillon/audit"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/webhook"
)

// merge makes one person of those for whom the identifiers of a group were held. All that is kept
// of the others passes to the one who stays: the oldest contact. Each statement moves any number of
// rows. It runs under the lock of who is who, with the contacts' rows locked.
func (r *resolution) merge(ctx context.Context, g *group) error {
	others := slices.DeleteFunc(slices.Clone(g.people), func(id uid.ID) bool { return id == g.id })
	var absorbed []*ent.Contact
	for _, id := range others {
		if c := r.contacts[id]; c != nil {
			absorbed = append(absorbed, c)
		}
	}

	slices.SortStableFunc(absorbed, func(a, b *ent.Contact) int { return a.CreatedAt.Compare(b.CreatedAt) })

	if err := r.moveHistory(ctx, g, others); err != nil {
		return err
	}
	if g.contact == nil || g.made { // nobody of them was a contact, so that there is nothing else
		return nil
	}
	if err := delivery.Reassign(ctx, r.Tx, ids(absorbed), g.id); err != nil {
		return err
	}
	if err := r.moveListsAndTags(ctx, g, absorbed); err != nil {
		return err
	}
	if err := r.moveRecipients(ctx, g, absorbed); err != nil {
		return err
	}

	before := g.contact.MarketingConsent
	stored := before
	for _, c := range absorbed {
		take(g.contact, c)
		stored = stricter(stored, c.MarketingConsent)
	}

	if err := complete(ctx, r.Tx, g.contact); err != nil {
		return err
	}
	if err := r.writeMerged(ctx, g, stored); err != nil {
		return err
	}
	if g.contact.MarketingConsent != before {
		if err := webhook.Tell(ctx, r.Tx, webhook.ConsentChanged(g.contact, "", r.now)); err != nil {
			return err
		}
	}

	return r.discard(ctx, g, absorbed)
}

func ids(contacts []*ent.Contact) []uid.ID {
	all := make([]uid.ID, len(contacts))
	for i, c := range contacts {
		all[i] = c.ID
	}

	return all
}

// take gives a contact what another has and it lacks. The contact that takes is the older one.
func take(c, other *ent.Contact) {
	fill := func(field **string, from *string) {
		if *field == nil {
			*field = from
		}
	}
	if c.Phone == nil {
		c.Country = nil // it came from a user id, if at all; a number says it better
	}
	if c.Phone != nil && other.Phone != nil && *c.Phone != *other.Phone && NumberKey(*c.Phone) == NumberKey(*other.Phone) {
		fill(&c.WaPhone, other.Phone)
	}

	fill(&c.Phone, other.Phone)
	fill(&c.WaPhone, other.WaPhone)
	fill(&c.WaUserID, other.WaUserID)
	fill(&c.Username, other.Username)
	fill(&c.Name, other.Name)
	fill(&c.Language, other.Language)
	fill(&c.TimeZone, other.TimeZone)
	fill(&c.Country, other.Country)
	attributes := maps.Clone(other.Attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}

	maps.Copy(attributes, c.Attributes)
	c.Attributes = attributes
	if opens := other.ServiceWindowClosesAt; opens != nil &&
		(c.ServiceWindowClosesAt == nil || c.ServiceWindowClosesAt.Before(*opens)) {
		c.ServiceWindowClosesAt = opens
	}
}

// stricter is the consent that says less.
func stricter(a, b enum.Consent) enum.Consent {
	for _, consent := range []enum.Consent{enum.ConsentOptedOut, enum.ConsentOptedIn} {
		if a == consent || b == consent {
			return consent
		}
	}

	return enum.ConsentUnknown
}

// moveHistory gives one person the identifiers and the statements of others. A statement that both
// have is kept once.
func (r *resolution) moveHistory(ctx context.Context, g *group, others []uid.ID) error {
	from, args := r.DB.Rowset([]any{g.id}, database.IDs("id", others))
	for _, query := range []string{
		"UPDATE contact_identifier SET contact_id = $1 WHERE contact_id IN (SELECT id FROM " + from + ")",
		"UPDATE former_identifier SET contact_id = $1 WHERE contact_id IN (SELECT id FROM " + from + ")",
		"UPDATE consent_record SET contact_id = $1 WHERE contact_id IN (SELECT id FROM " + from + ")",
	} {
		if _, err := r.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("merge the history of %s: %w", g.id, err)
		}
	}

	_, err := r.ExecContext(ctx, `DELETE FROM consent_record WHERE contact_id = $1 AND EXISTS (SELECT 1
		FROM consent_record same WHERE same.contact_id = $1 AND same.id < consent_record.id
		AND same.said_at = consent_record.said_at AND same.consent = consent_record.consent
		AND same.source = consent_record.source AND same.said_by = consent_record.said_by)`, g.id)
	if err != nil {
		return fmt.Errorf("merge the history of %s: %w", g.id, err)
	}

	return nil
}

func (r *resolution) moveListsAndTags(ctx context.Context, g *group, absorbed []*ent.Contact) error {
	from, args := r.DB.Rowset([]any{g.id}, database.IDs("id", ids(absorbed)))
	for _, query := range []string{
		"INSERT INTO list_member (organization_id, contact_id, contact_list_id) " +
			"SELECT organization_id, $1, contact_list_id FROM list_member WHERE contact_id IN (SELECT id FROM " +
			from + ") ON CONFLICT DO NOTHING",
		"DELETE FROM list_member WHERE contact_id <> $1 AND contact_id IN (SELECT id FROM " + from + ")",
		"INSERT INTO contact_tag (organization_id, contact_id, tag) " +
			"SELECT organization_id, $1, tag FROM contact_tag WHERE contact_id IN (SELECT id FROM " +
			from + ") ON CONFLICT DO NOTHING",
		"DELETE FROM contact_tag WHERE contact_id <> $1 AND contact_id IN (SELECT id FROM " + from + ")",
	} {
		if _, err := r.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("merge the lists and tags of %s: %w", g.id, err)
		}
	}

	return nil
}

// moveRecipients gives the values with which others were added to campaigns to the one who stays,
// who has one set of them for each campaign: their own, else the oldest's.
func (r *resolution) moveRecipients(ctx context.Context, g *group, absorbed []*ent.Contact) error {
	for _, c := range absorbed {
		for _, query := range []string{
			"DELETE FROM campaign_recipient WHERE contact_id = $2 AND campaign_id IN " +
				"(SELECT campaign_id FROM campaign_recipient WHERE contact_id = $1)",
			"UPDATE campaign_recipient SET contact_id = $1 WHERE contact_id = $2",
		} {
			if _, err := r.ExecContext(ctx, query, g.id, c.ID); err != nil {
				return fmt.Errorf("merge the recipients that are %s: %w", g.id, err)
			}
		}
	}

	return nil
}

// writeMerged writes what a merged contact has now. Its identifiers' columns are written with those
// of all contacts that Identify changes.
func (r *resolution) writeMerged(ctx context.Context, g *group, stored enum.Consent) error {
	said, err := histories(ctx, r.Tx, g.id)
	if err != nil {
		return err
	}

	c := g.contact
	c.MarketingConsent = said[g.id].consent(stored)
	r.changed[g.id] = true
	err = r.Client.Contact.UpdateOneID(g.id).SetNillableLanguage(c.Language).SetNillableTimeZone(c.TimeZone).
		SetAttributes(c.Attributes).
		SetMarketingConsent(c.MarketingConsent).SetNillableServiceWindowClosesAt(c.ServiceWindowClosesAt).Exec(ctx)
	if err != nil {
		return fmt.Errorf("write the merged contact %s: %w", g.id, err)
	}

	return nil
}

// discard removes the contacts that another one has absorbed. Their ids go on naming that one.
func (r *resolution) discard(ctx context.Context, g *group, absorbed []*ent.Contact) error {
	if len(absorbed) == 0 {
		return nil
	}

	from, args := r.DB.Rowset(nil, database.IDs("id", ids(absorbed)))
	if _, err := r.ExecContext(ctx, "DELETE FROM contact WHERE id IN (SELECT id FROM "+from+")", args...); err != nil {
		return fmt.Errorf("remove contacts that are merged into %s: %w", g.id, err)
	}

	former := make([]held, len(absorbed))
	for i, c := range absorbed {
		former[i] = held{identifier: identifier{g.organization, enum.IdentifierKindContact, c.ID.String()}, person: g.id,
			since: r.now}
	}

	if err := r.keep(ctx, former); err != nil {
		return err
	}

	for _, c := range absorbed {
		entry := audit.Entry{Organization: g.organization, Action: audit.ActionContactMerge, Subject: g.id,
			Actor: audit.System,
			Summary: fmt.Sprintf("contact %s (%s) is the same person as contact %s, as WhatsApp tells, and was merged into it",
				named(c), c.ID, named(g.contact))}

		r.Last(func(ctx context.Context) error { return audit.Record(ctx, r.Tx, entry) })
	}

	return nil
}

// named is the end of a contact's number, or that of its user id.
func named(c *ent.Contact) string {
	switch {
	case c.Phone != nil:
		return audit.Ending(*c.Phone)
	case c.WaUserID != nil:
		return audit.Ending(*c.WaUserID)
	}

	return "without a number"
}
