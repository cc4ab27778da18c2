package export_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/export"
	"carillon/filestore"
	"carillon/identity"
	"carillon/pricing"
	"carillon/uid"
)

// desk is an organization with messages and contacts, and the service that makes files of them.
type desk struct {
	*export.Service

	t      *testing.T
	db     *database.DB
	ctx    context.Context // of a member
	system context.Context
	org    uid.ID
	files  filestore.Store
	people *audience.Service
	number *ent.PhoneNumber

	mu    sync.Mutex
	now   time.Time
	woken []uid.ID
}

func open(t *testing.T, db *database.DB) *desk {
	t.Helper()
	d := &desk{t: t, db: db, system: caller.System(t.Context()), now: database.Now(),
		files: filestore.NewFolder(t.TempDir()), people: audience.New(db, database.Now, nil)}
	d.org = db.Client.Organization.Create().SetName("Lucky Shrub").SaveX(d.system).ID
	key := db.Client.APIKey.Create().SetOrganizationID(d.org).SetName("crm").SetRole(enum.RoleOwner).SetPrefix("ck_1").
		SetSecretHash(d.org[:]).SaveX(d.system)
	d.ctx = identity.With(t.Context(), &identity.Viewer{Organization: d.org, Role: enum.RoleOwner, Key: key})
	account := db.Client.Account.Create().SetOrganizationID(d.org).SetWabaID(d.org.String()).SetName("shop").
		SetToken([]byte("t")).SaveX(d.system)
	d.number = db.Client.PhoneNumber.Create().SetOrganizationID(d.org).SetAccountID(account.ID).SetMetaID(d.org.String()).
		SetDisplayNumber("+1 555-078-3881").SetVerifiedName("shop").SaveX(d.system)
	d.Service = d.service(d.files)

	return d
}

// service is the service as another process has it.
func (d *desk) service(files filestore.Store) *export.Service {
	s := export.New(export.Parts{DB: d.db, Files: files, Log: delivery.NewLog(d.db), Audience: d.people,
		Prices: pricing.NewBook(d.db, database.Now, nil), Keep: 72 * time.Hour, Folder: d.t.TempDir(), Now: d.moment,
		Wake: func(_ context.Context, id uid.ID) { d.mu.Lock(); d.woken = append(d.woken, id); d.mu.Unlock() }})
	s.SetSizes(600, 3)

	return s
}

func (d *desk) moment() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now }

func (d *desk) wait(span time.Duration) { d.mu.Lock(); defer d.mu.Unlock(); d.now = d.now.Add(span) }

func (d *desk) contact(phone, name string, attributes ...audience.Attribute) *ent.Contact {
	d.t.Helper()
	c, err := d.people.CreateContact(d.ctx, audience.NewContact{Phone: phone, Name: &name, Attributes: attributes})
	if err != nil {
		d.t.Fatal(err)
	}

	return c
}

// messages are texts to a contact, made before now.
func (d *desk) messages(c *ent.Contact, texts ...string) (ids []uid.ID) {
	for _, text := range texts {
		ids = append(ids, uid.New(uid.Message))
		d.message(c, ids[len(ids)-1], text)
	}

	d.wait(time.Second) // what is made in the same millisecond as an export is not in it

	return ids
}

// idNow is an id of a message of the desk's own time.
func (d *desk) idNow() uid.ID {
	id := uid.From(d.moment())
	id[15] = byte(uid.Message)

	return id
}

func (d *desk) message(c *ent.Contact, id uid.ID, text string) {
	d.t.Helper()
	content, _ := json.Marshal(map[string]any{"text": map[string]string{"body": text}})
	m := d.db.Client.Message.Create().SetID(id).SetOrganizationID(d.org).SetDirection(enum.DirectionOutbound).
		SetPhoneNumberID(d.number.ID).SetAccountID(d.number.AccountID).SetContactID(c.ID).SetAddress(*c.Phone).
		SetType(enum.MessageTypeText).SetStatus(enum.MessageStatusDelivered).SetContent(content).SetNotBefore(d.now).
		SetDeliveredAt(d.now).SetCountry("US").SetWamid("wamid." + text).SaveX(d.system)
	d.db.Client.Listing.Create().SetID(m.ID).SetOrganizationID(d.org).SetPhoneNumberID(d.number.ID).SetContactID(c.ID).
		SetAddress(*c.Phone).SetType(enum.MessageTypeText).SetCreatedAt(m.CreatedAt).ExecX(d.system)
}

func (d *desk) start(kind enum.ExportKind, format enum.ExportFormat, q jsonfield.ExportQuestion) *ent.Export {
	d.t.Helper()
	e, err := d.Start(d.ctx, export.Order{Kind: kind, Format: format, Question: q})
	if err != nil {
		d.t.Fatal(err)
	}

	return e
}

func (d *desk) startMessages(format enum.ExportFormat) *ent.Export {
	d.t.Helper()
	return d.start(enum.ExportKindMessages, format, jsonfield.ExportQuestion{})
}

func (d *desk) run(id uid.ID) *ent.Export {
	d.t.Helper()
	if err := d.Run(d.system, id); err != nil {
		d.t.Fatal(err)
	}

	return d.row(id)
}

func (d *desk) row(id uid.ID) *ent.Export { return d.db.Client.Export.GetX(d.system, id) }

// content is the whole file of an export that has one.
func (d *desk) content(e *ent.Export) []byte {
	d.t.Helper()
	f, err := d.Open(d.system, e)
	if err != nil || f == nil {
		d.t.Fatalf("export %s is %s and has no file: %v", e.ID, e.Status, err)
	}

	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil || int64(len(content)) != e.Bytes {
		d.t.Fatalf("%d of %d bytes: %v", len(content), e.Bytes, err)
	}

	return content
}

// table is the rows of a file, each by the names of its columns, with texts for all values.
func (d *desk) table(e *ent.Export) (rows []map[string]string) {
	d.t.Helper()
	content := d.content(e)
	switch e.Format {
	case enum.ExportFormatCSV:
		text, marked := strings.CutPrefix(string(content), "\ufeff")
		lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || !marked {
			d.t.Fatalf("no CSV with a byte order mark: %v", err)
		}

		return named(lines)
	case enum.ExportFormatXLSX:
		book, err := excelize.OpenReader(bytes.NewReader(content))
		if err != nil {
			d.t.Fatal(err)
		}

		defer book.Close()
		for _, sheet := range book.GetSheetList() {
			lines, err := book.GetRows(sheet)
			if err != nil {
				d.t.Fatal(err)
			}

			rows = append(rows, named(lines)...)
		}

		return rows
	}

	for line := range strings.Lines(string(content)) {
		var values map[string]any
		if err := json.Unmarshal([]byte(line), &values); err != nil {
			d.t.Fatal(err)
		}

		rows = append(rows, texts(values))
	}

	return rows
}

// texts are values of JSON as CSV has them.
func texts(values map[string]any) map[string]string {
	row := map[string]string{}
	for name, value := range values {
		switch v := value.(type) {
		case nil:
			row[name] = ""
		case float64:
			row[name] = strconv.Itoa(int(v))
		default:
			row[name] = fmt.Sprint(v)
		}

		if at, err := time.Parse(time.RFC3339Nano, row[name]); err == nil {
			row[name] = at.Format("2006-01-02 15:04:05")
		}
	}

	return row
}

func named(lines [][]string) (rows []map[string]string) {
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			if row[name] = ""; i < len(line) { // a workbook leaves out empty cells at the end
				row[name] = line[i]
			}
		}

		rows = append(rows, row)
	}

	return rows
}

func column(rows []map[string]string, name string) (values []string) {
	for _, row := range rows {
		values = append(values, row[name])
	}

	return values
}

// numbered are n different texts.
func numbered(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("text %d", i))
	}

	return all
}

func same(a, b []string) bool { return slices.Equal(a, b) }
