package identity

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/text/language"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/usererror"
)

// UserChange is what a user wants to be called, and in which language they want pages and mails;
// nil leaves that as it is.
type UserChange struct {
	Name   string
	Locale *string
}

// longestLocale bounds a language tag: zh-Hans-CN with a script and extensions is still within it.
const longestLocale = 35

// UpdateUser changes the caller, in all their organizations.
func (s *Service) UpdateUser(ctx context.Context, in UserChange) (*ent.User, error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	var wrong usererror.Fields
	in.Name = checkName(&wrong, "name", in.Name)
	in.Locale = checkLocale(&wrong, "locale", in.Locale)
	if err := wrong.Err(); err != nil {
		return nil, err
	}

	system := caller.System(ctx)
	err = s.db.InTx(system, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, v.User.ID) })
		if _, err := lockedPassword(system, tx, v.User.ID); err != nil {
			return err
		}

		return updateUser(system, tx, v.User.ID, in)
	})
	if err != nil {
		return nil, fmt.Errorf("update user: %w", err)
	}

	u, err := s.db.Client.User.Get(system, v.User.ID)
	if err != nil {
		return nil, fmt.Errorf("update user: %w", err)
	}

	return u, nil
}

// updateUser changes a user whose row is held.
func updateUser(ctx context.Context, tx *database.Tx, id uid.ID, in UserChange) error {
	before, err := tx.Client.User.Get(ctx, id)
	if err != nil {
		return err
	}

	var said []string
	change := before.Update()
	if before.Name != in.Name {
		change.SetName(in.Name)
		said = append(said, fmt.Sprintf("changed their name from %q to %q", before.Name, in.Name))
	}
	if in.Locale != nil && (before.Locale == nil || *before.Locale != *in.Locale) {
		change.SetLocale(*in.Locale)
		said = append(said, "chose the language "+*in.Locale)
	}

	if len(said) == 0 {
		return nil
	}
	if err := change.Exec(ctx); err != nil {
		return err
	}

	return recordOf(ctx, tx, id,
		audit.Entry{Action: audit.ActionMemberUpdate, Subject: id, Summary: strings.Join(said, " and ")})
}

// checkLocale returns a language tag as BCP 47 writes it.
func checkLocale(wrong *usererror.Fields, field string, locale *string) *string {
	if locale == nil {
		return nil
	}

	tag, err := language.Parse(*locale)
	if written := tag.String(); err == nil && len(*locale) <= longestLocale && len(written) <= longestLocale &&
		tag != language.Und {
		return &written
	}

	wrong.Add(field, usererror.Invalid, "This is no language tag such as en, de or zh-Hans.")

	return nil
}

// lockedPassword locks a user's row until the transaction ends, and returns the stored password.
// Whoever holds an organization too takes that first.
func lockedPassword(ctx context.Context, tx *database.Tx, id uid.ID) (passwordHash string, err error) {
	err = tx.QueryRowContext(ctx, "SELECT password_hash FROM app_user WHERE id = $1"+tx.DB.ForUpdate(), id).
		Scan(&passwordHash)
	if err != nil {
		return "", fmt.Errorf("hold user: %w", err)
	}

	return passwordHash, nil
}

func (v *Viewer) client() Client { return Client{IP: v.IP, UserAgent: v.UserAgent} }

func missingOr(err error, what string) error {
	if err != nil {
		return err
	}
	return usererror.Missing(what)
}
