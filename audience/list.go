package audience

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/contactlist"
	"carillon/ent/jsonfield"
	"carillon/ent/listmember"
	"carillon/ent/segment"
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
	checkListName(&in, name)
	if err := in.Err(); err != nil {
		return nil, err
	}

	id := uid.New(uid.ContactList)
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := tx.Client.ContactList.Create().SetID(id).SetOrganizationID(owner).SetName(name).SetCreatedAt(s.moment()).
			Exec(ctx); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionContactListCreate, Subject: id,
			Summary: fmt.Sprintf("made contact list %q", name)})
	})
	if database.IsUnique(err) {
		return nil, nameTaken("list", name)
	}
	if err != nil {
		return nil, fmt.Errorf("create contact list: %w", err)
	}

	return s.db.Client.ContactList.Get(ctx, id)
}

func checkListName(in *usererror.Fields, name string) {
	if wrong := checkRequired("the name", name, maxListName); wrong != nil {
		note(in, "name", wrong)
	} else if !usererror.OneLine(name) {
		in.Add("name", usererror.Invalid, usererror.NotOneLine)
	}
}

func nameTaken(what, name string) error {
	return usererror.Refuse("name", usererror.Taken, "there is a %s called %s already", what, shown(name))
}

// ListChange is what is to change of a list. A nil name stays as it is.
type ListChange struct {
	Name                            *string
	AddContactIDs, RemoveContactIDs []uid.ID
}

// UpdateList renames a list, and puts contacts on it or takes them off.
func (s *Service) UpdateList(ctx context.Context, id uid.ID, c ListChange) (*ent.ContactList, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	var in usererror.Fields
	if c.Name != nil {
		name := strings.TrimSpace(*c.Name)
		c.Name = &name // the caller's stays as it is
		checkListName(&in, name)
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := HoldPeople(ctx, tx, owner); err != nil {
			return err
		}

		list, err := lockList(ctx, tx, id)
		if err != nil {
			return err
		}

		wrong := slices.Clone(in)
		for _, contacts := range []struct {
			field string
			ids   []uid.ID
		}{{"addContactIds", c.AddContactIDs}, {"removeContactIds", c.RemoveContactIDs}} {
			if err := checkContacts(ctx, tx.Client, &wrong, contacts.field, contacts.ids, " at once"); err != nil {
				return err
			}
		}
		if err := wrong.Err(); err != nil {
			return err
		}

		return c.write(ctx, tx, owner, list)
	})
	if database.IsUnique(err) {
		return nil, nameTaken("list", *c.Name)
	}
	if err != nil {
		return nil, err
	}

	return s.db.Client.ContactList.Get(ctx, id)
}

func (c ListChange) write(ctx context.Context, tx *database.Tx, owner uid.ID, list *ent.ContactList) error {
	if c.Name != nil {
		if err := tx.Client.ContactList.UpdateOneID(list.ID).SetName(*c.Name).Exec(ctx); err != nil {
			return fmt.Errorf("rename contact list: %w", err)
		}
	}

	if err := enlist(ctx, tx, owner, c.AddContactIDs, []uid.ID{list.ID}); err != nil {
		return err
	}
	if len(c.RemoveContactIDs) > 0 {
		_, err := tx.Client.ListMember.Delete().Where(listmember.ContactListID(list.ID),
			listmember.ContactIDIn(c.RemoveContactIDs...)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("take contacts off a list: %w", err)
		}
	}

	return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionContactListUpdate, Subject: list.ID,
		Summary: fmt.Sprintf("changed contact list %q: %d on, %d off", list.Name, len(c.AddContactIDs),
			len(c.RemoveContactIDs))})
}

// DeleteList deletes a list that nothing uses, and returns its id. The people on it stay contacts.
func (s *Service) DeleteList(ctx context.Context, id uid.ID) (*uid.ID, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		list, err := lockList(ctx, tx, id)
		if err != nil {
			return err
		}

		if user, err := usedBy(ctx, tx, usersOfList, owner, id, id); err != nil {
			return fmt.Errorf("see who uses contact list: %w", err)
		} else if user != "" {
			return usererror.Refuse("contactListId", usererror.NotAllowed,
				"%s uses the list; cancel, finish or change it first", user)
		}

		if _, err := tx.Client.ListMember.Delete().Where(listmember.ContactListID(id)).Exec(ctx); err != nil {
			return fmt.Errorf("empty contact list: %w", err)
		}
		if err := tx.Client.ContactList.DeleteOneID(id).Exec(ctx); err != nil {
			return fmt.Errorf("delete contact list: %w", err)
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionContactListDelete, Subject: id,
			Summary: fmt.Sprintf("deleted contact list %q", list.Name)})
	})
	if err != nil {
		return nil, err
	}

	return &id, nil
}

// Hold keeps the lists and segments that an audience names from being deleted until the transaction
// ends. One that is gone already is a usererror.Fields, as in CheckAudience.
func Hold(ctx context.Context, tx *database.Tx, a jsonfield.Audience) error {
	lists := slices.Concat(a.ListIDs, a.ExcludeListIDs)
	if a.Filter != nil {
		lists = append(lists, a.Filter.ListIDs...)
	}

	return hold(ctx, tx, "audience", lists, slices.Concat(a.SegmentIDs, a.ExcludeSegmentIDs))
}

// hold locks lists before segments, each in the order of their ids.
func hold(ctx context.Context, tx *database.Tx, field string, lists, segments []uid.ID) error {
	var in usererror.Fields
	if len(lists) > 0 {
		found, err := tx.Client.ContactList.Query().Where(contactlist.IDIn(lists...), tx.DB.Locked).
			Order(contactlist.ByID()).IDs(ctx)
		if err != nil {
			return fmt.Errorf("hold contact lists: %w", err)
		}

		noteMissing(&in, field, "contact list", lists, found)
	}

	if len(segments) > 0 {
		found, err := tx.Client.Segment.Query().Where(segment.IDIn(segments...), tx.DB.Locked).Order(segment.ByID()).
			IDs(ctx)
		if err != nil {
			return fmt.Errorf("hold segments: %w", err)
		}

		noteMissing(&in, field, "segment", segments, found)
	}

	return in.Err()
}

// lockList reads a list and keeps it from being changed or named by a new campaign until the
// transaction ends.
func lockList(ctx context.Context, tx *database.Tx, id uid.ID) (*ent.ContactList, error) {
	list, err := tx.Client.ContactList.Query().Where(contactlist.ID(id), tx.DB.Locked).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("contact list")
	}
	if err != nil {
		return nil, fmt.Errorf("read contact list: %w", err)
	}

	return list, nil
}

// enlist puts contacts on lists; who is there already stays.
func enlist(ctx context.Context, tx *database.Tx, owner uid.ID, contacts, lists []uid.ID) error {
	for _, list := range lists {
		from, args := tx.DB.Rowset([]any{owner, list}, database.IDs("id", contacts))
		_, err := tx.ExecContext(ctx, `INSERT INTO list_member (organization_id, contact_list_id, contact_id)
			SELECT $1, $2, f.id FROM `+from+" WHERE true ON CONFLICT DO NOTHING", args...)
		if err != nil {
			return fmt.Errorf("put %d contacts on list %s: %w", len(contacts), list, err)
		}
	}

	return nil
}

// checkContacts notes every id that names no contact of the caller's organization. Of too many it
// says the most, and what ends that sentence.
func checkContacts(ctx context.Context, client *ent.Client, in *usererror.Fields, field string, ids []uid.ID,
	end string) error {
	if len(ids) == 0 {
		return nil
	}

	if len(ids) > maxContacts {
		in.Add(field, usererror.LimitExceeded, "there are %d contacts; at most %d%s", len(ids), maxContacts, end)
		return nil
	}

	found, err := client.Contact.Query().Where(contact.IDIn(ids...)).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look up contacts: %w", err)
	}

	noteMissing(in, field, "contact", ids, found)

	return nil
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
