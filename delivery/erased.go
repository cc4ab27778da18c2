package delivery

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/secret"
	"carillon/uid"
)

// Erased knows the addresses of people who were erased. Nothing is kept of an address but a hash
// under a key of its organization's, so that only somebody who has the address can ask. An
// organization that has erased nobody has no key, and the question costs it one look at its row.
type Erased struct{ keys *secret.Keyring }

// NewErased opens organizations' keys with the service's own. Without keys it knows nobody of
// organizations that have erased nobody, and fails for the others.
func NewErased(keys *secret.Keyring) *Erased { return &Erased{keys} }

// hashAddress is what is kept of an address.
func hashAddress(key []byte, address string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(address)) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (e *Erased) open(organization uid.ID, sealed []byte) ([]byte, error) {
	if e == nil || e.keys == nil {
		return nil, errors.New("open the key of erased addresses: this process has no encryption key")
	}

	key, err := e.keys.Open(sealed, organization[:])
	if err != nil {
		return nil, fmt.Errorf("open the key of the addresses that %s has erased: %w", organization, err)
	}

	return key, nil
}

// Address is one of an organization's people's.
type Address struct {
	Organization uid.ID
	Value        string // E.164 with a leading +, or a user id
}

// Reader reads with plain SQL: a transaction's QueryContext, or a database's Query.
type Reader func(ctx context.Context, query string, args ...any) (*sql.Rows, error)

// When tells which of some addresses were erased, and when; nil for none.
func (e *Erased) When(ctx context.Context, db *database.DB, read Reader, all []Address) (map[Address]time.Time, error) {
	if len(all) == 0 {
		return nil, nil
	}

	var organizations []uid.ID
	for _, a := range all {
		organizations = append(organizations, a.Organization)
	}

	slices.SortFunc(organizations, uid.Compare)
	from, args := db.Rowset(nil, database.IDs("id", slices.Compact(organizations)))
	rows, err := read(ctx, "SELECT organization.id, organization.erasure_key FROM organization JOIN "+from+
		" ON organization.id = f.id WHERE organization.erasure_key IS NOT NULL", args...)
	sealed, err := database.CollectMap(rows, err, func(rows *sql.Rows) (id uid.ID, key []byte, err error) {
		return id, key, rows.Scan(&id, &key)
	})
	if err != nil {
		return nil, fmt.Errorf("look for organizations that have erased people: %w", err)
	}
	if len(sealed) == 0 {
		return nil, nil
	}

	return e.look(ctx, db, read, sealed, all)
}

// look is When for organizations whose keys are read, in one statement.
func (e *Erased) look(ctx context.Context, db *database.DB, read Reader, sealed map[uid.ID][]byte,
	all []Address) (map[Address]time.Time, error) {
	keys := map[uid.ID][]byte{}
	for organization, s := range sealed {
		key, err := e.open(organization, s)
		if err != nil {
			return nil, err
		}

		keys[organization] = key
	}

	whose := map[Address]Address{} // by the hash in place of the address
	var owners []uid.ID
	var hashes []string

	for _, a := range all {
		if key := keys[a.Organization]; key != nil && a.Value != "" {
			hashed := Address{a.Organization, hashAddress(key, a.Value)}
			whose[hashed] = a
			owners, hashes = append(owners, hashed.Organization), append(hashes, hashed.Value)
		}
	}

	if len(hashes) == 0 {
		return nil, nil
	}

	from, args := db.Rowset(nil, database.IDs("organization_id", owners), database.Texts("hash", hashes))
	rows, err := read(ctx, "SELECT f.organization_id, f.hash, erased_address.at FROM "+from+" CROSS JOIN erased_address"+
		" WHERE erased_address.organization_id = f.organization_id AND erased_address.hash = f.hash", args...)
	erased, err := database.CollectMap(rows, err, func(rows *sql.Rows) (Address, time.Time, error) {
		var hashed Address
		var at time.Time
		err := rows.Scan(&hashed.Organization, &hashed.Value, &at)

		return whose[hashed], at, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for people who were erased: %w", err)
	}

	return erased, nil
}

// MakeKey sees to it that an organization has a key, in a transaction of its own. Of two callers at
// once both use the same one.
func (e *Erased) MakeKey(ctx context.Context, db *database.DB, organization uid.ID) error {
	if e == nil || e.keys == nil {
		return errors.New("make a key for erased addresses: this process has no encryption key")
	}

	err := db.InTx(ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE organization SET erasure_key = $2 WHERE id = $1 AND erasure_key IS NULL",
			organization, e.keys.Seal(secret.NewKey(), organization[:]))
		return err
	})
	if err != nil {
		return fmt.Errorf("make a key for the addresses that %s erases: %w", organization, err)
	}

	return nil
}

// erasedAddress is a row of erased_address.
type erasedAddress struct{ hash string }

var erasedColumns = database.Columns[erasedAddress]{
	database.Col("id", func(erasedAddress) uid.ID { return uid.New(uid.ErasedAddress) }, database.IDs),
	database.Col("hash", func(a erasedAddress) string { return a.hash }, database.Texts),
	database.Expr[erasedAddress]("organization_id", "$1"),
	database.Expr[erasedAddress]("at", "$2"),
}

// Add keeps the hashes of addresses of an organization that has a key, in the caller's transaction.
func (e *Erased) Add(ctx context.Context, tx *database.Tx, organization uid.ID, addresses []string,
	at time.Time) error {
	hashes, err := e.hashes(ctx, tx, organization, addresses)
	if err != nil || len(hashes) == 0 {
		return err
	}

	rows := make([]erasedAddress, len(hashes))
	for i, hash := range hashes {
		rows[i] = erasedAddress{hash}
	}

	statement, args := erasedColumns.Insertion(tx.DB, "erased_address", rows, organization, at)
	_, err = tx.ExecContext(ctx, statement+" ORDER BY f.hash ON CONFLICT (organization_id, hash) DO UPDATE"+
		" SET at = excluded.at", args...)
	if err != nil {
		return fmt.Errorf("keep the hashes of %d addresses: %w", len(addresses), err)
	}

	return nil
}

// Forget lets addresses be written to again, in the caller's transaction.
func (e *Erased) Forget(ctx context.Context, tx *database.Tx, organization uid.ID, addresses []string) error {
	hashes, err := e.hashes(ctx, tx, organization, addresses)
	if err != nil || len(hashes) == 0 {
		return err
	}

	from, args := tx.DB.Rowset([]any{organization}, database.Texts("hash", hashes))
	if _, err = tx.ExecContext(ctx, "DELETE FROM erased_address WHERE organization_id = $1 AND hash IN (SELECT hash FROM "+
		from+")", args...); err != nil {
		return fmt.Errorf("forget the hashes of %d addresses: %w", len(addresses), err)
	}

	return nil
}

// hashes are those of an organization's addresses; none where it has erased nobody.
func (e *Erased) hashes(ctx context.Context, tx *database.Tx, organization uid.ID, addresses []string) ([]string,
	error) {
	var sealed []byte
	err := tx.QueryRowContext(ctx, "SELECT erasure_key FROM organization WHERE id = $1", organization).Scan(&sealed)
	if err != nil || sealed == nil {
		return nil, err
	}

	key, err := e.open(organization, sealed)
	if err != nil {
		return nil, err
	}

	hashes := make([]string, len(addresses))
	for i, a := range addresses {
		hashes[i] = hashAddress(key, a)
	}

	return hashes, nil
}

// KnowErased sets who knows the people that were erased; call it before the first claim.
func (q *Queue) KnowErased(erased *Erased) { q.erased = erased }

// Erased is who knows the people that were erased.
func (q *Queue) Erased() *Erased { return q.erased }

// barErased bars the messages from the place from on that go to somebody who was erased: the key of
// their organization is what the claim's own statement gave. It is one statement more, and none for
// an organization that has erased nobody.
func (t *taking) barErased(ctx context.Context, erased *Erased, from int) error {
	if t.erasureKey == nil || len(t.claimed) == from {
		return nil
	}

	all := make([]Address, 0, len(t.claimed)-from)
	for _, c := range t.claimed[from:] {
		all = append(all, Address{c.Organization, c.Address})
	}

	gone, err := erased.look(ctx, t.DB, t.QueryContext, map[uid.ID][]byte{all[0].Organization: t.erasureKey}, all)
	if err != nil {
		return err
	}

	var barred []uid.ID
	for i, a := range all {
		if _, is := gone[a]; is {
			barred = append(barred, t.claimed[from+i].ID)
		}
	}

	return t.bar(ctx, barred, enum.SkipReasonSuppressed)
}

// bar takes messages out of a claim: they are skipped before it is committed.
func (t *taking) bar(ctx context.Context, messages []uid.ID, why enum.SkipReason) error {
	if len(messages) == 0 {
		return nil
	}

	set, args := t.DB.Rowset([]any{why}, database.IDs("id", messages))
	_, err := t.ExecContext(ctx, "UPDATE message SET skip_reason = $1 WHERE id IN (SELECT id FROM "+set+")", args...)
	if err != nil {
		return fmt.Errorf("bar %d messages: %w", len(messages), err)
	}

	t.claimed = slices.DeleteFunc(t.claimed, func(c Claimed) bool { return slices.Contains(messages, c.ID) })
	t.barred = append(t.barred, messages...)

	return nil
}
