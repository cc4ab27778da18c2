package operator

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect/sql/schema"

	"carillon/audit"
	"carillon/database"
	"carillon/ent/migrate"
	"carillon/uid"
	"carillon/usererror"
)

// erasePage is how many rows are deleted in one transaction, so that nobody waits for their locks.
const erasePage = 1000

const organizationColumn = "organization_id"

// What of an organization stays, or goes in another way than row by row. Everything else that has
// its id is deleted: what the data model gets later, too.
var (
	// kept hold nothing about a person: hourly sums, and of accounts and numbers Meta's ids, by which
	// late webhooks are dropped.
	kept = []string{"statistic", "account", "phone_number"}
	// apart go members, each with the user, and the audit trail, which only audit.Erase may
	// delete.
	apart = []string{"member", "audit_event"}
	// byID have the organization's id as their own.
	byID = []string{"event_counter", "quota_usage", "retention"}
)

// Erasure is what Erase did.
type Erasure struct {
	Rows     map[string]int `json:"rows"`               // deleted, by table
	Users    int            `json:"users"`              // who belonged to this organization alone
	Troubles []string       `json:"troubles,omitempty"` // with Meta, which does not keep anything from being erased
}

// Erase closes an organization and deletes its data: people, messages, campaigns, templates,
// members, keys, the audit trail, and the users who belong to no other organization. Statistics
// stay. It works in small transactions and may be interrupted and repeated at any time; the
// organization is marked as erased last.
func (s *Service) Erase(ctx context.Context, id uid.ID) (done Erasure, err error) {
	done.Rows = map[string]int{}
	o, err := s.db.Client.Organization.Get(ctx, id)
	if err != nil {
		return done, usererror.Missing("organization " + id.String())
	}

	if !isErased(o) {
		if err := s.Close(ctx, id, "being erased"); err != nil {
			return done, err
		}
	}

	numbers, err := s.metaIDs(ctx, id)
	if err != nil {
		return done, err
	}

	troubles, err := s.accounts.Abandon(ctx, id)
	for _, t := range troubles {
		done.Troubles = append(done.Troubles, t.Error())
	}

	if err != nil {
		return done, err
	}

	for again := true; again; { // until a whole pass finds nothing: a call that was under way may have added rows
		again = false
		for _, t := range tables(ofOrganization) {
			n, err := s.empty(ctx, t, id)
			done.Rows[t.Name] += n
			if again = again || n > 0; err != nil {
				return done, fmt.Errorf("erase %s of %s: %w", t.Name, id, err)
			}
		}
	}

	if done.Users, err = s.eraseMembers(ctx, id); err != nil {
		return done, err
	}
	if done.Rows["unmatched_webhook"], err = s.eraseWebhooks(ctx, numbers); err != nil {
		return done, err
	}

	return done, s.finish(ctx, id)
}

// finish takes away what the organization's own row says, and the audit trail, whose last entry
// says so.
func (s *Service) finish(ctx context.Context, id uid.ID) error {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		for _, table := range byID {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE id = $1", id); err != nil {
				return err
			}
		}

		if err := tx.Client.Organization.UpdateOneID(id).SetName(erasedReason).SetStatusReason(erasedReason).
			ClearErasureKey().Exec(ctx); err != nil {
			return err
		}

		if err := audit.Erase(ctx, tx, id); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Organization: id, Action: audit.ActionOrganizationErase,
			Subject: id, Summary: "erased the organization's data"})
	})
	if err != nil {
		return fmt.Errorf("erase organization %s: %w", id, err)
	}

	return nil
}

func ofOrganization(t *schema.Table) bool {
	return has(t, organizationColumn) && !slices.Contains(kept, t.Name) && !slices.Contains(apart, t.Name)
}

// ofUser are a user's own rows; what they did for an organization is the organization's.
func ofUser(t *schema.Table) bool {
	return has(t, "user_id") && (!has(t, organizationColumn) || t.Name == "session")
}

// tables are those that are wanted, each before those that it refers to.
func tables(want func(*schema.Table) bool) (ordered []*schema.Table) {
	var wanted []*schema.Table
	for _, t := range migrate.Tables {
		if want(t) {
			wanted = append(wanted, t)
		}
	}

	seen := map[*schema.Table]bool{}
	var visit func(t *schema.Table)

	visit = func(t *schema.Table) {
		if seen[t] {
			return
		}

		seen[t] = true
		for _, other := range wanted {
			if slices.ContainsFunc(other.ForeignKeys, func(k *schema.ForeignKey) bool { return k.RefTable == t }) {
				visit(other)
			}
		}

		ordered = append(ordered, t)
	}

	for _, t := range wanted {
		visit(t)
	}

	return ordered
}

func has(t *schema.Table, column string) bool {
	return slices.ContainsFunc(t.Columns, func(c *schema.Column) bool { return c.Name == column })
}

// empty deletes an organization's rows of one table, a page at a time.
func (s *Service) empty(ctx context.Context, t *schema.Table, id uid.ID) (n int, err error) {
	var key []string
	for _, c := range t.PrimaryKey {
		key = append(key, c.Name)
	}

	columns := strings.Join(key, ", ")
	statement := fmt.Sprintf("DELETE FROM %s WHERE (%s) IN (SELECT %s FROM %s WHERE %s = $1 LIMIT %d)", t.Name,
		columns, columns, t.Name, organizationColumn, erasePage)

	if slices.Contains(key, "sequence") { // the one table whose rows have no id, but a place in the organization's log
		statement = fmt.Sprintf(
			"DELETE FROM %s WHERE organization_id = $1 AND sequence IN (SELECT sequence FROM %s WHERE organization_id = $1 "+
				"LIMIT %d)",
			t.Name, t.Name, erasePage)
	}

	for {
		deleted, err := s.delete(ctx, statement, id)
		n += deleted
		if err != nil || deleted < erasePage {
			return n, err
		}
	}
}

func (s *Service) delete(ctx context.Context, statement string, args ...any) (n int, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		result, err := tx.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}

		deleted, err := result.RowsAffected()
		n = int(deleted)

		return err
	})

	return n, err
}

// eraseMembers deletes an organization's members, and in the same transaction each user who belongs
// to no other.
func (s *Service) eraseMembers(ctx context.Context, id uid.ID) (n int, err error) {
	users, err := database.ScanIDs(s.db.Query(ctx,
		"SELECT user_id FROM member WHERE organization_id = $1 ORDER BY user_id", id))
	if err != nil {
		return 0, fmt.Errorf("read the members of %s: %w", id, err)
	}

	for _, user := range users {
		gone := false
		err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
			gone, err = eraseMember(ctx, tx, id, user)
			return err
		})
		if err != nil {
			return n, fmt.Errorf("erase member %s: %w", user, err)
		}
		if gone {
			n++
		}
	}

	return n, nil
}

func eraseMember(ctx context.Context, tx *database.Tx, id, user uid.ID) (gone bool, err error) {
	if _, err := tx.ExecContext(ctx, "DELETE FROM member WHERE organization_id = $1 AND user_id = $2", id,
		user); err != nil {
		return false, err
	}

	var others int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM member WHERE user_id = $1", user).
		Scan(&others); err != nil || others > 0 {
		return false, err
	}

	for _, t := range tables(ofUser) {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.Name+" WHERE user_id = $1", user); err != nil {
			return false, err
		}
	}

	_, err = tx.ExecContext(ctx, "DELETE FROM app_user WHERE id = $1", user)

	return err == nil, err
}

// metaIDs are what Meta calls an organization's accounts and numbers.
func (s *Service) metaIDs(ctx context.Context, id uid.ID) (names [][]byte, err error) {
	rows, err := s.db.Query(ctx,
		"SELECT waba_id FROM account WHERE organization_id = $1 UNION SELECT meta_id FROM phone_number "+
			"WHERE organization_id = $1", id)
	if err != nil {
		return nil, fmt.Errorf("read the numbers of %s: %w", id, err)
	}

	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}

		names = append(names, []byte(`"`+name+`"`))
	}

	return names, rows.Err()
}

// eraseWebhooks deletes the payloads that were kept and name one of an organization's accounts or
// numbers.
func (s *Service) eraseWebhooks(ctx context.Context, names [][]byte) (n int, err error) {
	for after := (uid.ID{}); ; {
		page, theirs, err := s.webhooksAfter(ctx, after, names)
		if err != nil || len(page) == 0 {
			return n, err
		}

		after = page[len(page)-1]
		for _, id := range theirs {
			deleted, err := s.delete(ctx, "DELETE FROM unmatched_webhook WHERE id = $1", id)
			if n += deleted; err != nil {
				return n, err
			}
		}
	}
}

func (s *Service) webhooksAfter(ctx context.Context, after uid.ID, names [][]byte) (page, theirs []uid.ID, err error) {
	const atOnce = 100 // they are up to megabytes
	rows, err := s.db.Query(ctx, "SELECT id, body FROM unmatched_webhook WHERE id > $1 ORDER BY id LIMIT $2",
		after, atOnce)
	if err != nil {
		return nil, nil, err
	}

	defer rows.Close()
	for rows.Next() {
		var id uid.ID
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return nil, nil, err
		}

		page = append(page, id)
		if slices.ContainsFunc(names, func(name []byte) bool { return bytes.Contains(body, name) }) {
			theirs = append(theirs, id)
		}
	}

	return page, theirs, rows.Err()
}
