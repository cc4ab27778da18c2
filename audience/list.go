package audience

import (
	"context"
	"fmt"
	"strings"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/listmember"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// maxLists is how many lists one contact or campaign can name at once.
const maxLists = 100

// CreateList adds an empty list to the caller's organization.
func (s *Service) CreateList(ctx context.Context, name string) (*ent.ContactList, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	name = strings.TrimSpace(name)
	var in usererror.Fields
	note(&in, "name", checkRequired("the name", name, maxListName))
	if name != "" && len(in) == 0 && !usererror.OneLine(name) {
		in.Add("name", usererror.Invalid, usererror.NotOneLine)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}

	id := uid.New(uid.ContactList)
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := tx.Client.ContactList.Create().SetID(id).SetOrganizationID(owner).SetName(name).SetCreatedAt(s.moment()).
			Exec(ctx); err != nil {
			return err
		}

		return identity.Record(ctx, tx, identity.Entry{Action: identity.ActionContactListCreate, Subject: id,
			Summary: fmt.Sprintf("made contact list %q", name)})
	})
	if database.IsUnique(err) {
		return nil, usererror.Refuse("name", usererror.Taken, "there is a list called %s already", shown(name))
	}
	if err != nil {
		return nil, fmt.Errorf("create contact list: %w", err)
	}

	return s.db.Client.ContactList.Get(ctx, id)
}

// ListSizes counts the contacts of every list in one statement.
func (s *Service) ListSizes(ctx context.Context, ids []uid.ID) (map[uid.ID]int, error) {
	sizes := make(map[uid.ID]int, len(ids))
	for _, id := range ids {
		sizes[id] = 0
	}

	if len(ids) == 0 {
		return sizes, nil
	}

	var counted []struct {
		List  uid.ID `json:"contact_list_id"`
		Count int    `json:"count"`
	}
	err := s.db.Client.ListMember.Query().Where(listmember.ContactListIDIn(ids...)).
		GroupBy(listmember.FieldContactListID).Aggregate(ent.Count()).Scan(ctx, &counted)
	if err != nil {
		return nil, fmt.Errorf("count lists: %w", err)
	}

	for _, c := range counted {
		sizes[c.List] = c.Count
	}

	return sizes, nil
}
