package audience

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/contactlist"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

// Attribute is a value of the organization's own choosing.
type Attribute struct{ Key, Value string }

// NewContact is what a contact can begin with; only Phone must be there.
type NewContact struct {
	Phone      string
	Name       *string
	Language   *string
	TimeZone   *string
	Attributes []Attribute
	Tags       []string
	ListIDs    []uid.ID
	Consent    *jsonfield.ImportConsent
}

// CreateContact adds a contact to the caller's organization and puts it on the lists.
func (s *Service) CreateContact(ctx context.Context, n NewContact) (*ent.Contact, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	to, wrong, err := Resolve(ctx, s.db.Client, owner, n.Phone)
	if err != nil {
		return nil, err
	}
	if wrong == nil && IsUserID(to.Address) {
		wrong = notAPhone(n.Phone, "it is a user id; whoever has one becomes a contact when they write")
	}

	phone, country, in := to.Address, to.Country, n.check(wrong)
	var id uid.ID

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		wrong := slices.Clone(in)
		if err := checkLists(ctx, tx.Client, &wrong, "listIds", n.ListIDs); err != nil {
			return err
		}
		if err := wrong.Err(); err != nil {
			return err
		}
		if err := checkRoom(ctx, tx, owner); err != nil {
			return err
		}

		people, err := s.Identify(ctx, tx, Identity{Organization: owner, Phone: phone, Make: MakeContact})
		if err != nil {
			return err
		}
		if !people[0].Made {
			return usererror.Refuse("phone", usererror.Taken, "%s is a contact already", phone)
		}
		if id = people[0].ID; id.IsZero() {
			return fmt.Errorf("%s identifies nobody", phone)
		}
		if err := s.fill(ctx, tx, owner, people[0], n, country); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionContactCreate, Subject: id,
			Summary: "made contact " + audit.Ending(phone)})
	})
	if err != nil {
		return nil, err
	}

	return s.db.Client.Contact.Get(ctx, id) // the transaction's own copy could not be asked for its lists
}

// check notes what is wrong with a new contact, of whose number something may be wrong already.
func (n NewContact) check(wrong error) (in usererror.Fields) {
	switch {
	case strings.TrimSpace(n.Phone) == "":
		in.Add("phone", usererror.Required, "the phone number is missing")
	case wrong != nil:
		in.Add("phone", usererror.Invalid, "%s", wrong)
	}

	if given(n.Name) != nil {
		note(&in, "name", checkName(*n.Name))
	}
	if given(n.Language) != nil {
		note(&in, "language", checkLanguage(strings.TrimSpace(*n.Language)))
	}
	if given(n.TimeZone) != nil {
		note(&in, "timeZone", checkTimeZone(strings.TrimSpace(*n.TimeZone)))
	}

	checkAttributeInputs(&in, "attributes", n.Attributes)
	checkTags(&in, "tags", n.Tags)
	checkConsent(&in, n.Consent)

	return in
}

// checkAttributeInputs looks at the attributes of an input: how many, how large, and each key once.
func checkAttributeInputs(in *usererror.Fields, field string, attributes []Attribute) {
	if len(attributes) > maxAttributes {
		in.Add(field, usererror.LimitExceeded, "there are %d attributes; at most %d", len(attributes), maxAttributes)
		return
	}

	size := 0
	for _, a := range attributes {
		size += len(a.Key) + len(a.Value)
	}

	if size > maxAttributeBytes {
		in.Add(field, usererror.LimitExceeded, "the attributes have %d KiB; at most %d", (size+1023)>>10,
			maxAttributeBytes>>10)
	}

	seen := map[string]bool{}
	for i, a := range attributes {
		key := strings.TrimSpace(a.Key)
		note(in, fmt.Sprintf("%s.%d.key", field, i), checkKey("the key", key))
		note(in, fmt.Sprintf("%s.%d.value", field, i), checkText("the value", a.Value, maxValue))
		if seen[key] {
			in.Add(fmt.Sprintf("%s.%d.key", field, i), usererror.Invalid, "%s is given twice", shown(key))
		}

		seen[key] = true
	}
}

// fill writes what is given of a contact that was just made.
func (s *Service) fill(ctx context.Context, tx *database.Tx, owner uid.ID, p Person, n NewContact,
	country string) error {
	attributes := map[string]string{}
	for _, a := range n.Attributes {
		attributes[strings.TrimSpace(a.Key)] = a.Value
	}

	err := tx.Client.Contact.UpdateOneID(p.ID).SetNillableCountry(given(&country)).SetAttributes(attributes).
		SetNillableName(given(n.Name)).SetNillableLanguage(given(n.Language)).SetNillableTimeZone(given(n.TimeZone)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("create contact: %w", err)
	}

	if err := enlist(ctx, tx, owner, []uid.ID{p.ID}, n.ListIDs); err != nil {
		return err
	}
	if err := tag(ctx, tx, owner, p.ID, tagsOf(n.Tags)); err != nil {
		return err
	}

	if n.Consent == nil || n.Consent.Consent == enum.ConsentUnknown {
		return nil
	}

	_, err = s.recordConsent(ctx, tx, owner, p, Statement{Consent: n.Consent.Consent,
		By: enum.ConsentSpeakerOrganization, Source: n.Consent.Source, Evidence: n.Consent.Evidence})
	if err != nil {
		return fmt.Errorf("record consent: %w", err)
	}

	return nil
}

// checkConsent looks at the consent of the input, where there is one.
func checkConsent(in *usererror.Fields, c *jsonfield.ImportConsent) {
	if c == nil {
		return
	}

	if !slices.Contains(c.Consent.Values(), string(c.Consent)) {
		in.Add("consent.consent", usererror.Invalid, "%s is no consent: write one of %s", shown(string(c.Consent)),
			strings.Join(c.Consent.Values(), ", "))
	}

	note(in, "consent.source", checkRequired("the source", c.Source, maxSource))
	note(in, "consent.evidence", checkText("the evidence", c.Evidence, maxEvidence))
}

// checkLists notes every id that names no list of the caller's organization.
func checkLists(ctx context.Context, client *ent.Client, in *usererror.Fields, field string, ids []uid.ID) error {
	if len(ids) == 0 {
		return nil
	}

	if len(ids) > maxLists {
		in.Add(field, usererror.LimitExceeded, "there are %d lists; at most %d", len(ids), maxLists)
		return nil
	}

	found, err := client.ContactList.Query().Where(contactlist.IDIn(ids...)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look up lists: %w", err)
	}

	noteMissing(in, field, "contact list", ids, found)

	return nil
}

func noteMissing(in *usererror.Fields, field, what string, ids, found []uid.ID) {
	known := make(map[uid.ID]bool, len(found))
	for _, id := range found {
		known[id] = true
	}

	for i, id := range ids {
		if !known[id] {
			in.Add(fmt.Sprintf("%s.%d", field, i), usererror.NoSuch, "%s not found", what)
		}
	}
}

// given is s without the spaces around it; nil when nothing is left.
func given(s *string) *string {
	if s == nil {
		return nil
	}

	trimmed := strings.TrimSpace(*s)
	if trimmed == "" {
		return nil
	}

	return &trimmed
}
