package audience

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect/sql"

	"carillon/database"
	"carillon/ent/contact"
	"carillon/ent/contacttag"
	"carillon/uid"
	"carillon/usererror"
)

const (
	maxTag  = 64 // characters
	maxTags = 50 // of a contact
)

// checkTags looks at the tags of an input.
func checkTags(in *usererror.Fields, field string, tags []string) {
	if len(tags) > maxTags {
		in.Add(field, usererror.LimitExceeded, "there are %d tags; at most %d", len(tags), maxTags)
		return
	}

	for i, tag := range tags {
		at := fmt.Sprintf("%s.%d", field, i)
		switch wrong := checkRequired("the tag", tag, maxTag); {
		case wrong != nil:
			note(in, at, wrong)
		case !usererror.OneLine(tag):
			in.Add(at, usererror.Invalid, "a tag is one line")
		}
	}
}

// tagsOf are tags as they are stored: without blanks around them, each once.
func tagsOf(tags []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(mapped(tags, strings.TrimSpace))))
}

// tag gives a contact tags.
func tag(ctx context.Context, tx *database.Tx, owner, person uid.ID, tags []string) error {
	if len(tags) == 0 {
		return nil
	}

	from, args := tx.DB.Rowset([]any{owner, person}, database.Texts("tag", tags))
	_, err := tx.ExecContext(ctx, `INSERT INTO contact_tag (organization_id, contact_id, tag)
		SELECT $1, $2, f.tag FROM `+from+" WHERE true ON CONFLICT DO NOTHING", args...)
	if err != nil {
		return fmt.Errorf("tag contact %s: %w", person, err)
	}

	return nil
}

// untag takes tags from a contact.
func untag(ctx context.Context, tx *database.Tx, person uid.ID, tags []string) error {
	if len(tags) == 0 {
		return nil
	}

	_, err := tx.Client.ContactTag.Delete().Where(contacttag.ContactID(person), contacttag.TagIn(tags...)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("take tags from contact %s: %w", person, err)
	}

	return nil
}

// Tags are those of some contacts, in alphabetical order, in one statement.
func (s *Service) Tags(ctx context.Context, contacts []uid.ID) (map[uid.ID][]string, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	tags := make(map[uid.ID][]string, len(contacts))
	for _, id := range contacts {
		tags[id] = []string{}
	}

	from, args := s.db.Rowset([]any{owner}, database.IDs("id", contacts))
	rows, err := s.db.Query(ctx, "SELECT contact_id, tag FROM "+from+" CROSS JOIN contact_tag"+
		" WHERE "+s.db.NoIndex("organization_id")+" = $1 AND contact_id = f.id", args...)

	err = database.Each(rows, err, func(rows *stdsql.Rows) error {
		var id uid.ID
		var tag string
		if err := rows.Scan(&id, &tag); err != nil {
			return err
		}

		tags[id] = append(tags[id], tag)

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}

	for _, of := range tags {
		slices.Sort(of) // not by the database, whose orders differ
	}

	return tags, nil
}

// tagged holds for a contact that has the tag.
func tagged(s *sql.Selector, tag string, after *uid.ID) *sql.Predicate {
	t := sql.Table(contacttag.Table).As("tagged")
	has := sql.Dialect(s.Dialect()).Select(t.C(contacttag.FieldContactID)).From(t).Where(sql.And(
		sql.ColumnsEQ(t.C(contacttag.FieldContactID), s.C(contact.FieldID)),
		sql.ColumnsEQ(t.C(contacttag.FieldOrganizationID), s.C(contact.FieldOrganizationID)),
		sql.EQ(t.C(contacttag.FieldTag), clean(strings.TrimSpace(tag)))))
	if after != nil {
		has.Where(sql.GT(t.C(contacttag.FieldContactID), *after))
	}

	return sql.Exists(has)
}
