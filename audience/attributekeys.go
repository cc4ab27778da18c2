package audience

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"carillon/database"
	"carillon/ent/contact"
)

const (
	mostKeys     = 200
	mostExamples = 3
	examplesFrom = 1000 // of the newest contacts, in which the examples are looked for
)

// AttributeKey is an attribute key in use.
type AttributeKey struct {
	Key      string
	Contacts int
	Examples []string
}

// AttributeKeys are the keys in use in the caller's organization with the text in them, the most
// frequent first, with how many contacts have each and a few of their values. It reads all of the
// organization's contacts.
func (s *Service) AttributeKeys(ctx context.Context, search string) ([]*AttributeKey, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	each := "jsonb_each_text(contact.attributes) AS a(key, value)"
	if s.db.Dialect == dialect.SQLite {
		each = "json_each(contact.attributes) AS a"
	}

	rows, err := s.db.Query(ctx, "SELECT a.key, count(*), min(a.value), max(a.value) FROM contact, "+each+
		" WHERE contact.organization_id = $1 GROUP BY a.key", owner)
	keys, err := database.Collect(rows, err, func(rows *sql.Rows) (*AttributeKey, error) {
		k := &AttributeKey{Examples: make([]string, 2)}
		return k, rows.Scan(&k.Key, &k.Contacts, &k.Examples[0], &k.Examples[1])
	})
	if err != nil {
		return nil, fmt.Errorf("read attribute keys: %w", err)
	}

	wanted := strings.ToLower(strings.TrimSpace(search))
	keys = slices.DeleteFunc(keys, func(k *AttributeKey) bool { return !strings.Contains(strings.ToLower(k.Key), wanted) })
	slices.SortFunc(keys, func(a, b *AttributeKey) int {
		return cmp.Or(cmp.Compare(b.Contacts, a.Contacts), strings.Compare(a.Key, b.Key))
	})

	keys = keys[:min(len(keys), mostKeys)]

	return keys, s.addExamples(ctx, keys)
}

// addExamples puts values of the newest contacts before the least and the greatest, which are there
// already.
func (s *Service) addExamples(ctx context.Context, keys []*AttributeKey) error {
	newest, err := s.db.Client.Contact.Query().Select(contact.FieldAttributes).
		Order(contact.ByCreatedAt(entsql.OrderDesc())).Limit(examplesFrom).All(ctx)
	if err != nil {
		return fmt.Errorf("read the newest contacts: %w", err)
	}

	for _, k := range keys {
		var examples []string
		for _, c := range newest {
			if value, there := c.Attributes[k.Key]; there && value != "" && len(examples) < mostExamples {
				examples = append(examples, value)
			}
		}

		k.Examples = slices.DeleteFunc(append(examples, k.Examples...), func(value string) bool { return value == "" })
		k.Examples = firstOnes(k.Examples, mostExamples)
	}

	return nil
}

// firstOnes are the first different values.
func firstOnes(values []string, most int) []string {
	out := []string{}
	for _, v := range values {
		if len(out) < most && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}

	return out
}
