package identity

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/termsacceptance"
	"carillon/uid"
	"carillon/usererror"
)

// Terms of service, in Markdown. An organization accepts them version by version.
type Terms struct {
	Version     string
	Body        string
	EffectiveAt time.Time
}

//go:embed terms.md
var defaultTerms string

// DefaultTerms are the ones that ship with the program, for an operator who has none of their own.
func DefaultTerms() Terms {
	t, err := ParseTerms(defaultTerms)
	if err != nil {
		panic(err) // a fault of the shipped file, which tests read
	}

	return t
}

// ParseTerms reads Markdown with a front matter that says version and effective, a date.
func ParseTerms(text string) (Terms, error) {
	head, body, ok := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n---\n")
	head, open := strings.CutPrefix(head, "---\n")
	if !ok || !open {
		return Terms{}, errors.New("terms: no front matter between lines of ---")
	}

	t := Terms{Body: strings.TrimSpace(body) + "\n"}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.TrimSpace(name) {
		case "version":
			t.Version = value
		case "effective":
			at, err := time.Parse(time.DateOnly, value)
			if err != nil {
				return Terms{}, fmt.Errorf("terms: effective: %w", err)
			}

			t.EffectiveAt = at
		}
	}

	if t.Version == "" || t.EffectiveAt.IsZero() || t.Body == "\n" {
		return Terms{}, errors.New("terms: the front matter needs version and effective, and a text has to follow")
	}

	return t, nil
}

// Terms are the ones in force, or announced.
func (s *Service) Terms() Terms { return s.terms }

// MustAcceptTerms reports whether nobody has accepted the terms in force for the caller's
// organization yet.
func (s *Service) MustAcceptTerms(ctx context.Context) (bool, error) {
	v, err := Require(ctx, enum.RoleViewer)
	if err != nil {
		return false, err
	}

	accepted, err := s.accepted(ctx, []uid.ID{v.Organization})

	return !accepted[v.Organization], err
}

// AcceptTerms accepts the terms, in force or announced, for the caller's organization. Again is no
// error, and recorded once.
func (s *Service) AcceptTerms(ctx context.Context, version string) error {
	v, err := requireUser(ctx, enum.RoleAdmin)
	if err != nil {
		return err
	}

	var wrong usererror.Fields
	s.checkVersion(&wrong, "version", version)
	if err := wrong.Err(); err != nil {
		return err
	}

	known, err := s.db.Client.TermsAcceptance.Query().Where(termsacceptance.Version(version),
		termsacceptance.Personal(false)).Exist(ctx)
	if err != nil {
		return fmt.Errorf("look for accepted terms: %w", err)
	}
	if known {
		return nil
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := s.recordTerms(ctx, tx.Client,
			acceptance{organization: v.Organization, user: v.User.ID, ip: v.IP}); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionTermsAccept,
			Summary: "accepted the terms of service, version " + version})
	})
	if err != nil {
		return fmt.Errorf("accept terms: %w", err)
	}

	return nil
}

func (s *Service) checkVersion(in *usererror.Fields, field, version string) {
	if version != s.terms.Version {
		in.Add(field, usererror.Stale, "The terms in force are those of version %s. Read and accept these.", s.terms.Version)
	}
}

// acceptance is somebody's word on the terms in force: for the organization, whose owners and
// administrators alone may give it, or for themselves alone.
type acceptance struct {
	organization, user uid.ID
	personal           bool
	ip                 string
}

func (s *Service) recordTerms(ctx context.Context, c *ent.Client, a acceptance) error {
	return c.TermsAcceptance.Create().SetOrganizationID(a.organization).SetUserID(a.user).SetVersion(s.terms.Version).
		SetPersonal(a.personal).SetNillableIP(clip(a.ip, longestName)).SetAcceptedAt(s.now()).Exec(ctx)
}
