package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/contacttag"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/listmember"
	"carillon/uid"
	"carillon/usererror"
)

// ContactChange is what is to change of a contact. A nil text stays as it is, an empty one clears
// its field.
type ContactChange struct {
	Name, Language, TimeZone  *string
	SetAttributes             []Attribute
	RemoveAttributes          []string
	AddListIDs, RemoveListIDs []uid.ID
	AddTags, RemoveTags       []string
}

// UpdateContact changes a contact of the caller's organization. Of two callers at once the second
// changes what the first has left.
func (s *Service) UpdateContact(ctx context.Context, id uid.ID, c ContactChange) (*ent.Contact, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	in := c.check()
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		now, err := lockContact(ctx, tx, owner, id)
		if err != nil {
			return err
		}

		wrong := slices.Clone(in)
		for _, lists := range []struct {
			field string
			ids   []uid.ID
		}{{"addListIds", c.AddListIDs}, {"removeListIds", c.RemoveListIDs}} {
			if err := checkLists(ctx, tx.Client, &wrong, lists.field, lists.ids); err != nil {
				return err
			}
		}

		attributes, err := c.attributes(&wrong, now.Attributes)
		if err != nil {
			return err
		}
		if err := wrong.Err(); err != nil {
			return err
		}
		if err := c.write(ctx, tx, owner, now, attributes); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionContactUpdate, Subject: id,
			Summary: "changed contact " + named(now)})
	})
	if err != nil {
		return nil, err
	}

	return s.db.Client.Contact.Get(ctx, id)
}

// check notes what is wrong with a change, whoever the contact is.
func (c ContactChange) check() (in usererror.Fields) {
	if given(c.Name) != nil {
		note(&in, "name", checkName(*c.Name))
	}
	if given(c.Language) != nil {
		note(&in, "language", checkLanguage(strings.TrimSpace(*c.Language)))
	}
	if given(c.TimeZone) != nil {
		note(&in, "timeZone", checkTimeZone(strings.TrimSpace(*c.TimeZone)))
	}

	checkAttributeInputs(&in, "setAttributes", c.SetAttributes)
	if len(c.RemoveAttributes) > maxAttributes {
		in.Add("removeAttributes", usererror.LimitExceeded, "there are %d keys; at most %d", len(c.RemoveAttributes),
			maxAttributes)
	}

	checkTags(&in, "addTags", c.AddTags)
	checkTags(&in, "removeTags", c.RemoveTags)

	return in
}

// attributes are those that a contact has after the change.
func (c ContactChange) attributes(in *usererror.Fields, now map[string]string) (map[string]string, error) {
	after := maps.Clone(now)
	if after == nil {
		after = map[string]string{}
	}

	for _, key := range c.RemoveAttributes {
		delete(after, strings.TrimSpace(key))
	}
	for _, a := range c.SetAttributes {
		after[strings.TrimSpace(a.Key)] = a.Value
	}

	if len(c.SetAttributes) == 0 {
		return after, nil
	}

	text, err := json.Marshal(after)
	if err != nil {
		return nil, fmt.Errorf("write attributes: %w", err)
	}
	if reason := checkAttributes(len(after), len(text)); reason != "" {
		in.Add("setAttributes", usererror.LimitExceeded, "%s", reason)
	}

	return after, nil
}

func (c ContactChange) write(ctx context.Context, tx *database.Tx, owner uid.ID, now *ent.Contact,
	attributes map[string]string) error {
	u := tx.Client.Contact.UpdateOneID(now.ID).SetAttributes(attributes)
	for _, text := range []struct {
		to    *string
		set   func(string) *ent.ContactUpdateOne
		clear func() *ent.ContactUpdateOne
	}{
		{c.Name, u.SetName, u.ClearName},
		{c.Language, u.SetLanguage, u.ClearLanguage},
		{c.TimeZone, u.SetTimeZone, u.ClearTimeZone},
	} {
		switch value := given(text.to); {
		case value != nil:
			text.set(*value)
		case text.to != nil:
			text.clear()
		}
	}

	if err := u.Exec(ctx); err != nil {
		return fmt.Errorf("change contact: %w", err)
	}

	if err := enlist(ctx, tx, owner, []uid.ID{now.ID}, c.AddListIDs); err != nil {
		return err
	}
	if len(c.RemoveListIDs) > 0 {
		_, err := tx.Client.ListMember.Delete().Where(listmember.ContactID(now.ID),
			listmember.ContactListIDIn(c.RemoveListIDs...)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("take contact off lists: %w", err)
		}
	}

	if err := untag(ctx, tx, now.ID, tagsOf(c.RemoveTags)); err != nil {
		return err
	}
	if len(c.AddTags) == 0 {
		return nil
	}
	if err := tag(ctx, tx, owner, now.ID, tagsOf(c.AddTags)); err != nil {
		return err
	}

	return checkTagRoom(ctx, tx, now.ID)
}

// checkTagRoom refuses a contact that has too many tags now.
func checkTagRoom(ctx context.Context, tx *database.Tx, person uid.ID) error {
	n, err := tx.Client.ContactTag.Query().Where(contacttag.ContactID(person)).Count(ctx)
	if err != nil {
		return fmt.Errorf("count tags: %w", err)
	}
	if n > maxTags {
		return usererror.Refuse("addTags", usererror.LimitExceeded, "the contact would have %d tags; at most %d", n, maxTags)
	}

	return nil
}

// RecordConsent records what the caller's organization knows of a contact's wish. It does not opt
// in who has opted out.
func (s *Service) RecordConsent(ctx context.Context, id uid.ID, c jsonfield.ImportConsent) (*ent.Contact, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	var in usererror.Fields
	checkConsent(&in, &c)
	if c.Consent == enum.ConsentUnknown {
		in.Add("consent.consent", usererror.Invalid, "write OPTED_IN or OPTED_OUT: that nothing is known is no statement")
	}
	if err := in.Err(); err != nil {
		return nil, err
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		person, err := lockContact(ctx, tx, owner, id)
		if err != nil {
			return err
		}

		_, err = s.recordConsent(ctx, tx, owner, Person{ID: id, Contact: person}, Statement{Consent: c.Consent,
			By: enum.ConsentSpeakerOrganization, Source: c.Source, Evidence: c.Evidence})
		if err != nil {
			return fmt.Errorf("record consent: %w", err)
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionConsentRecord, Subject: id,
			Summary: fmt.Sprintf("recorded %s of contact %s", c.Consent, named(person))})
	})
	if err != nil {
		return nil, err
	}

	return s.db.Client.Contact.Get(ctx, id)
}

// lockContact reads a contact of an organization and keeps it from being changed or merged until
// the transaction ends.
func lockContact(ctx context.Context, tx *database.Tx, owner, id uid.ID) (*ent.Contact, error) {
	if err := HoldPeople(ctx, tx, owner); err != nil {
		return nil, err
	}

	c, err := tx.Client.Contact.Query().Where(contact.ID(id), tx.DB.Locked).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("contact")
	}
	if err != nil {
		return nil, fmt.Errorf("read contact: %w", err)
	}

	return c, nil
}
