package audience

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/contactimport"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

const (
	maxFile     = 50 << 20
	maxHeader   = 64 << 10
	maxFileName = 255
	// What one organization's imports that are not over may be in all.
	maxUnfinished      = 20
	maxUnfinishedBytes = 4 * maxFile
)

// NewImport is a CSV file with a header line, and what to do with its rows.
type NewImport struct {
	FileName       string
	File           io.Reader
	ListID         *uid.ID          // every contact of the file goes on it
	DefaultCountry *string          // for numbers without a country code, ISO 3166
	NumberForm     *enum.NumberForm // of numbers without a +; nil: either
	Consent        *jsonfield.ImportConsent
}

// StartImport stores the file and leaves the import PENDING, for RunImport. A file whose header
// cannot be understood is refused at once.
func (s *Service) StartImport(ctx context.Context, n NewImport) (*ent.ContactImport, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.checkImport(ctx, n); err != nil {
		return nil, err
	}

	file, err := decoded(&limited{n.File, maxFile})
	if err != nil {
		return nil, refuseFile(err)
	}

	head, err := file.Peek(maxHeader)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, refuseFile(err)
	}

	start, err := readStart(head, len(head) < maxHeader)
	if err != nil {
		return nil, refuseFile(err)
	}
	if err := s.checkUnfinished(ctx, s.db.Client, owner, 0); err != nil {
		return nil, err
	}

	id := uid.New(uid.ContactImport)
	size, err := s.store(ctx, owner, id, file)
	if err != nil {
		return nil, s.discard(ctx, id, refuseFile(err))
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) {
			s.news(ctx, owner, id)
			s.wake(ctx, id)
		})

		if err := holdOrganization(ctx, tx, owner); err != nil {
			return err
		}
		if err := s.checkUnfinished(ctx, tx.Client, owner, size); err != nil {
			return err
		}

		create := tx.Client.ContactImport.Create().SetID(id).SetOrganizationID(owner).SetFileName(baseName(n.FileName)).
			SetFileBytes(size).
			SetColumns(start.columns).SetDelimiter(string(start.delimiter)).SetNextOffset(start.offset).SetNextLine(start.line).
			SetNillableContactListID(n.ListID).SetNillableDefaultCountry(upper(n.DefaultCountry)).
			SetNillableNumberForm(n.NumberForm).SetCreatedAt(s.moment())
		if n.Consent != nil {
			create.SetConsent(n.Consent)
		}
		if v, ok := identity.From(ctx); ok && v.Member != nil {
			create.SetCreatedByID(v.Member.ID)
		}
		if err := create.Exec(ctx); err != nil {
			return err
		}

		return identity.Record(ctx, tx, identity.Entry{Action: identity.ActionContactImport, Subject: id,
			Summary: fmt.Sprintf("started to import %q", baseName(n.FileName))})
	})

	var refused usererror.Fields
	if err != nil && !errors.As(err, &refused) {
		err = fmt.Errorf("create import: %w", err)
	}
	if err != nil {
		return nil, s.discard(ctx, id, err)
	}

	return s.db.Client.ContactImport.Get(ctx, id)
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
			"imports are under way already; at most %d at a time, of %d MiB together: wait until one has ended", maxUnfinished,
			maxUnfinishedBytes>>20)
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

	if c := upper(n.DefaultCountry); c != nil && !isCountry(*c) {
		in.Add("defaultCountry", usererror.Invalid, "%s is not a country: write its ISO 3166 code, e.g. CN", shown(*c))
	}

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
	if errors.As(err, &m) {
		return usererror.Refuse("file", m.code, "%s", m.text)
	}

	return fmt.Errorf("store upload: %w", err)
}

// limited reads at most so many bytes and refuses a file that has more.
type limited struct {
	io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	switch l.left -= int64(n); {
	case l.left < 0:
		return 0, fileMistake{usererror.LimitExceeded, "the file is larger than 50 MiB: split it"}
	case errors.Is(err, io.ErrUnexpectedEOF): // io.ReadFull says the same of a file that is whole
		return n, wrongFile("the upload ended before the file did: upload it again")
	}

	return n, err
}

// decoded reads a file as UTF-8 without byte order marks.
func decoded(file io.Reader) (*bufio.Reader, error) {
	raw := bufio.NewReaderSize(file, maxHeader)
	mark, err := raw.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}

	var order unicode.Endianness
	switch {
	case bytes.HasPrefix(mark, []byte("PK\x03\x04")), bytes.HasPrefix(mark, []byte("\xd0\xcf\x11\xe0")):
		return nil, wrongFile("the file is an Excel workbook: save it as CSV UTF-8 and import that")
	case bytes.HasPrefix(mark, []byte("\xff\xfe")):
		order = unicode.LittleEndian
	case bytes.HasPrefix(mark, []byte("\xfe\xff")):
		order = unicode.BigEndian
	default:
		return raw, passMarks(raw)
	}

	text := bufio.NewReaderSize(transform.NewReader(raw, unicode.UTF16(order, unicode.ExpectBOM).NewDecoder()), maxHeader)

	return text, passMarks(text)
}

// passMarks passes over the marks at the beginning. A file that went through several programs may
// have more than one.
func passMarks(text *bufio.Reader) error {
	for {
		mark, err := text.Peek(3)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
			return nil
		}
		if _, err := text.Discard(len(mark)); err != nil {
			return err
		}
	}
}

// start is what a file's first line says, and where its rows begin.
type start struct {
	columns   []string
	delimiter byte
	offset    int64
	line      int
}

// declared is the line that tells Excel which delimiter a file has.
var declared = regexp.MustCompile(`^\s*"?(?i:sep)=(\\t|[^\r\n"0-9A-Za-z])"?[,;\t |]*(?:\r\n|\r|\n|$)`)

// readStart reads the header line from a file's beginning, which may be all of it.
func readStart(head []byte, all bool) (start, error) {
	scan := scanner{line: 1, buf: head, over: true}
	if m := declared.FindSubmatch(head); m != nil && len(m[1]) <= 2 && m[1][0] < utf8.RuneSelf {
		scan.pass(len(m[0]))
		if scan.delimiter = m[1][0]; scan.delimiter == '\\' && len(m[1]) == 2 {
			scan.delimiter = '\t'
		}
	} else {
		scan.delimiter = sniff(head)
	}

	r, ok, err := scan.next()
	switch {
	case err != nil:
		return start{}, err
	case !ok && all:
		return start{}, wrongFile("the file is empty")
	case !ok, scan.offset == int64(len(head)) && !all:
		return start{}, wrongFile("the header line is longer than 64 KiB: is the file a CSV file?")
	case r.wrong == rowNotUTF8, r.wrong == rowWithNUL:
		return start{}, wrongFile("the header line is not UTF-8 text: save the file as CSV UTF-8")
	case r.wrong != "":
		return start{}, wrongFile("in the header line, %s", r.wrong)
	}

	h, err := readHeader(withoutEmptyEnd(r.cells))
	if err != nil {
		return start{}, wrongFile("%s", err)
	}

	return start{h.columns, scan.delimiter, scan.offset, scan.line}, nil
}

// withoutEmptyEnd leaves out the columns at the end that have no name: a spreadsheet writes up to
// 16,384 of them for cells that were used once.
func withoutEmptyEnd(cells []string) []string {
	for len(cells) > 1 && strings.TrimFunc(cells[len(cells)-1], isBlankMark) == "" {
		cells = cells[:len(cells)-1]
	}

	return cells
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
