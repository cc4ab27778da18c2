package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"carillon/caller"
	"carillon/database"
	"carillon/ent/idempotencykey"
	"carillon/uid"
	"carillon/usererror"
)

const (
	remember   = 24 * time.Hour
	longestKey = 255
)

// MostRemembered is how many new idempotency keys an organization can use in a window of 24 hours.
// The Limiter counts them.
const MostRemembered = 2_000_000

// Once runs make and remembers the id of what it made under the caller's key, in the transaction
// that makes it; with the same key again within 24 hours it returns that id, and does not run make.
// A second call at the same time waits for the first. The same key with another input is refused.
// An empty key remembers nothing. Whatever make did besides the database must be worth repeating,
// since a transaction may fail after it.
func (s *Service) Once(ctx context.Context, tx *database.Tx, operation, key string, input any,
	make func() (uid.ID, error)) (id uid.ID, replayed bool, err error) {
	if key == "" {
		id, err = make()
		return id, false, err
	}

	if !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
		return uid.ID{}, false, usererror.Refuse("idempotencyKey", usererror.Invalid, "An idempotency key is text.")
	}

	if utf8.RuneCountInString(key) > longestKey {
		return uid.ID{}, false, usererror.Refuse("idempotencyKey", usererror.TooLong,
			"An idempotency key can have at most %d characters.", longestKey)
	}

	scope, ok := caller.From(ctx)
	if !ok || scope.System {
		return uid.ID{}, false, errors.New("an idempotency key belongs to one organization, and the context names none")
	}

	text, err := json.Marshal(input)
	if err != nil {
		return uid.ID{}, false, fmt.Errorf("hash input of %s: %w", operation, err)
	}

	hash := sha256.Sum256(text)

	// Claimed before it is made: whoever comes second waits here until the first has committed, and
	// then finds the row.
	claim, now := uid.New(uid.IdempotencyKey), s.now()

	result, err := tx.ExecContext(ctx, `INSERT INTO idempotency_key (id, organization_id, operation, "key",
		input_hash, result_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (organization_id, operation, "key") DO UPDATE
		SET id = excluded.id, input_hash = excluded.input_hash, created_at = excluded.created_at
		WHERE idempotency_key.created_at <= $8`, claim, scope.Organization, operation, key, hash[:], uid.ID{}, now, now.Add(-remember))
	if err != nil {
		return uid.ID{}, false, fmt.Errorf("claim idempotency key: %w", err)
	}

	claimed, err := result.RowsAffected()
	if err != nil {
		return uid.ID{}, false, fmt.Errorf("claim idempotency key: %w", err)
	}
	if claimed == 0 {
		return recall(ctx, tx, operation, key, hash[:])
	}

	// Counted after that, so that a key that was used can always be used again.
	counted, err := s.countKey(ctx, scope.Organization)
	if err != nil {
		return uid.ID{}, false, err
	}

	if id, err = make(); err != nil {
		s.giveBack(ctx, counted)
		return uid.ID{}, false, err
	}

	if err := tx.Client.IdempotencyKey.UpdateOneID(claim).SetResultID(id).Exec(ctx); err != nil {
		return uid.ID{}, false, fmt.Errorf("remember idempotency key: %w", err)
	}

	return id, false, nil
}

// countKey counts an idempotency key, which is a row for a day. One whose transaction fails in the
// end stays counted.
func (s *Service) countKey(ctx context.Context, organization uid.ID) (try, error) {
	counted := try{key: "remember:" + organization.String()}
	err := s.allow(ctx, tooOften, counted.key)

	var full *usererror.Error

	if errors.As(err, &full) && full.Kind == usererror.RateLimited {
		return try{}, usererror.Refuse("idempotencyKey", usererror.LimitExceeded,
			"An organization can use at most %d idempotency keys in 24 hours: more are possible in %d minutes.",
			MostRemembered, int(full.RetryAfter.Minutes())+1)
	}

	return counted, err
}

// recall finds what was made under a key.
func recall(ctx context.Context, tx *database.Tx, operation, key string, hash []byte) (uid.ID, bool, error) {
	known, err := tx.Client.IdempotencyKey.Query().Where(idempotencykey.Operation(operation), idempotencykey.Key(key)).
		Only(ctx)
	if err != nil {
		return uid.ID{}, false, fmt.Errorf("recall idempotency key: %w", err)
	}

	if !bytes.Equal(known.InputHash, hash) {
		return uid.ID{}, false, usererror.Refuse("idempotencyKey", usererror.Invalid,
			"This key was used with another input in the last 24 hours.")
	}

	return known.ResultID, true, nil
}

func (s *Service) forgetKeys(ctx context.Context, now time.Time) error {
	if _, err := s.db.Client.IdempotencyKey.Delete().Where(idempotencykey.CreatedAtLTE(now.Add(-remember))).
		Exec(ctx); err != nil {
		return fmt.Errorf("delete old idempotency keys: %w", err)
	}

	return nil
}
