package audience

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"strings"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/contactimport"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/spreadsheet"
	"carillon/uid"
	"carillon/usererror"
)

const (
	maxFileName = 255
	maxRawKept  = 200 // characters of a row that its rejection shows
	// What one organization's imports that are not over may be in all.
	maxUnfinished      = 20
	maxUnfinishedBytes = 2 * maxTable
)

// File is what was uploaded.
type File = spreadsheet.Upload

// NewImport is a file with a header line, and what to do with its rows.
type NewImport struct {
	FileName       string
	File           File
	Columns        []jsonfield.ImportColumn // what the caller says of columns; all others are guessed
	ListID         *uid.ID                  // every contact of the file goes on it
	DefaultCountry *string                  // for numbers without a country code, ISO 3166
	NumberForm     *enum.NumberForm         // of numbers without a +; nil: either
	Consent        *jsonfield.ImportConsent
	Campaign       *ForCampaign // whose recipients the file's people become; nil for contacts
	IdempotencyKey string
}

// StartImport stores the file and leaves the import PENDING, for RunImport. A file whose header
// cannot be understood is refused at once. The same idempotency key with the same input and content
// gives the import that it began.
func (s *Service) StartImport(ctx context.Context, n NewImport) (*ent.ContactImport, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.checkImport(ctx, n); err != nil {
		return nil, err
	}

	table, err := s.open(ctx, n)
	if err != nil {
		return nil, err
	}

	defer table.close()
	if err := s.checkUnfinished(ctx, s.db.Client, owner, 0); err != nil {
		return nil, err
	}

	id := uid.New(uid.ContactImport)
	size, digest, err := s.store(ctx, owner, id, table.text)
	if err != nil {
		return nil, s.discard(ctx, id, refuseFile(err))
	}

	made, err := s.begun(ctx, owner, id, n, table, size, digest)
	if err != nil || made != id {
		if err = s.discard(ctx, id, err); err != nil {
			return nil, err
		}
	}

	return s.db.Client.ContactImport.Get(ctx, made)
}

// begun stores the import once its file is stored. It returns an earlier one's id where the caller
// repeats a call.
func (s *Service) begun(ctx context.Context, owner, id uid.ID, n NewImport, t *table, size int64,
	digest string) (made uid.ID, err error) {
	input := map[string]any{"name": baseName(n.FileName), "content": digest, "columns": n.Columns,
		"country": n.DefaultCountry, "form": n.NumberForm, "list": n.ListID, "consent": n.Consent}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		var replayed bool
		made, replayed, err = s.once(ctx, tx, "importContacts", n.IdempotencyKey, input, func() (uid.ID, error) {
			return id, s.create(ctx, tx, owner, id, n, t, size)
		})
		if err != nil || replayed {
			return err
		}

		tx.After(func(ctx context.Context) {
			s.news(ctx, owner, id)
			s.wake(ctx, id)
		})

		return nil
	})

	var refused usererror.Fields
	if err != nil && !errors.As(err, &refused) {
		err = fmt.Errorf("create import: %w", err)
	}

	return made, err
}

func (s *Service) create(ctx context.Context, tx *database.Tx, owner, id uid.ID, n NewImport, t *table,
	size int64) error {
	entry := audit.Entry{Action: audit.ActionContactImport, Subject: id,
		Summary: fmt.Sprintf("started to import %q", baseName(n.FileName))}
	if n.Campaign != nil {
		if _, err := s.admitted(ctx, tx, n.Campaign.ID); err != nil {
			return err
		}

		entry = audit.Entry{Action: audit.ActionCampaignRecipient, Subject: n.Campaign.ID,
			Summary: fmt.Sprintf("started to import recipients from %q", baseName(n.FileName))}
	}

	if err := holdOrganization(ctx, tx, owner); err != nil {
		return err
	}
	if err := s.checkUnfinished(ctx, tx.Client, owner, size); err != nil {
		return err
	}

	create := tx.Client.ContactImport.Create().SetID(id).SetOrganizationID(owner).SetFileName(baseName(n.FileName)).
		SetFileBytes(size).SetEncoding(t.encoding).SetColumns(t.header.columns).SetPlan(t.header.plan()).
		SetDelimiter(string(t.delimiter)).SetNextOffset(t.Offset).SetNextLine(t.Line).
		SetNillableContactListID(n.ListID).SetNillableDefaultCountry(upper(n.DefaultCountry)).
		SetNillableNumberForm(n.NumberForm).SetCreatedAt(s.moment())
	if n.Consent != nil {
		create.SetConsent(n.Consent)
	}
	if n.Campaign != nil {
		create.SetCampaignID(n.Campaign.ID)
	}
	if v, ok := identity.From(ctx); ok && v.Member != nil {
		create.SetCreatedByID(v.Member.ID)
	}
	if err := create.Exec(ctx); err != nil {
		return err
	}

	return audit.Record(ctx, tx, entry)
}

// holdOrganization keeps two uploads of one organization from both taking the last place.
func holdOrganization(ctx context.Context, tx *database.Tx, owner uid.ID) error {
	var held uid.ID
	err := tx.QueryRowContext(ctx, "SELECT id FROM organization WHERE id = $1"+tx.DB.ForUpdate(), owner).Scan(&held)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("hold the organization: %w", err)
	}

	return nil
}

// checkUnfinished refuses an import of that many bytes while the organization has others enough:
// their files wait in the database.
func (s *Service) checkUnfinished(ctx context.Context, client *ent.Client, owner uid.ID, size int64) error {
	waiting, err := client.ContactImport.Query().Where(contactimport.OrganizationID(owner),
		contactimport.StatusIn(unfinished...)).
		Limit(maxUnfinished).Select(contactimport.FieldFileBytes).All(ctx)
	if err != nil {
		return fmt.Errorf("look for unfinished imports: %w", err)
	}

	for _, im := range waiting {
		size += im.FileBytes
	}

	if len(waiting) >= maxUnfinished || size > maxUnfinishedBytes {
		return usererror.Refuse("file", usererror.LimitExceeded,
			"imports are under way already; at most %d at a time, of %d MB together: wait until one has ended", maxUnfinished,
			maxUnfinishedBytes/1_000_000)
	}

	return nil
}

func (s *Service) checkImport(ctx context.Context, n NewImport) error {
	var in usererror.Fields
	if n.ListID != nil {
		var missing usererror.Fields
		if err := checkLists(ctx, s.db.Client, &missing, "listId", []uid.ID{*n.ListID}); err != nil {
			return err
		}
		if missing != nil {
			in.Add("listId", usererror.NoSuch, "contact list not found")
		}
	}

	n.check(&in)
	checkConsent(&in, n.Consent)

	return in.Err()
}

// fileMistake is what the author of a file can mend.
type fileMistake struct {
	code usererror.Code
	text string
}

func (m fileMistake) Error() string { return m.text }

func wrongFile(text string, args ...any) error {
	return fileMistake{usererror.Invalid, fmt.Sprintf(text, args...)}
}

// refuseFile gives the file's mistakes to the caller; what is not one stays ours.
func refuseFile(err error) error {
	var m fileMistake
	var u spreadsheet.Unreadable
	var refused usererror.Fields

	switch {
	case errors.As(err, &m):
		return usererror.Refuse("file", m.code, "%s", m.text)
	case errors.As(err, &u) && u.TooLarge:
		return usererror.Refuse("file", usererror.LimitExceeded, "%s", u.Reason)
	case errors.As(err, &u):
		return usererror.Refuse("file", usererror.Invalid, "%s", u.Reason)
	case errors.As(err, &refused):
		return err
	}

	return fmt.Errorf("read upload: %w", err)
}

// baseName is the file's name without a path, short enough to keep.
func baseName(name string) string {
	name = path.Base(strings.ReplaceAll(clean(name), `\`, "/"))
	if name == "." || name == "/" {
		return "contacts.csv"
	}

	letters := []rune(name)

	return string(letters[max(0, len(letters)-maxFileName):])
}

func upper(s *string) *string {
	s = given(s)
	if s == nil {
		return nil
	}

	u := strings.ToUpper(*s)

	return &u
}
