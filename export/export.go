// Package export makes files of an organization's rows: of messages, contacts, statistics, and of
// all that is kept about one person. Reading starts here with what is asked for; run.go makes a
// file in the background, part by part. It promises that a file goes on where it stopped, whatever
// crashes, and holds each row once; that of two workers one writes it; that it takes memory for one
// part whatever its rows; that it shows no more than who asked for it may see; and that it is
// removed when it expires, and when a person in it may be erased.
package export

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"carillon/audience"
	"carillon/audit"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	entexport "carillon/ent/export"
	"carillon/ent/jsonfield"
	"carillon/filestore"
	"carillon/identity"
	"carillon/pricing"
	"carillon/uid"
	"carillon/usererror"
)

const (
	// mostUnfinished is how many exports of an organization may be under way, and atOnce how many one
	// process makes at a time.
	mostUnfinished = 3
	atOnce         = 2
)

// unfinished are the states of exports that a worker should run.
var unfinished = []enum.JobStatus{enum.JobStatusPending, enum.JobStatusRunning}

// Parts are what a Service is made of.
type Parts struct {
	DB       *database.DB
	Files    filestore.Store
	Log      *delivery.Log
	Audience *audience.Service
	Prices   *pricing.Book
	// Wake tells workers that an export waits. It may fail in silence: the sweep finds it.
	Wake   func(ctx context.Context, export uid.ID)
	Keep   time.Duration // how long a finished file is kept
	Folder string        // for what a workbook needs while it is written
	Logger *slog.Logger
	Now    func() time.Time
}

// Service takes orders for files, makes them, and removes them.
type Service struct {
	Parts
	partBytes int           // how large a part grows
	pageRows  int           // how many rows are read at a time
	sheetRows int           // of a workbook, its header among them
	slots     chan struct{} // holds a token for each export that is being made
	orphans   time.Time     // when it looked last for files without a row; the sweep's own
}

// New makes the service.
func New(p Parts) *Service {
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{Parts: p, partBytes: 8 << 20, pageRows: 2000, sheetRows: mostSheetRows,
		slots: make(chan struct{}, atOnce)}
}

// moment is now in the precision that both databases keep.
func (s *Service) moment() time.Time { return database.Moment(s.Now()) }

// Order is what somebody wants a file of.
type Order struct {
	Kind     enum.ExportKind
	Format   enum.ExportFormat
	Question jsonfield.ExportQuestion
}

// roles are who may order which file: what a VIEWER may read one by one, they may have as a file.
var roles = map[enum.ExportKind]enum.Role{
	enum.ExportKindMessages: enum.RoleViewer, enum.ExportKindContacts: enum.RoleViewer,
	enum.ExportKindStatistics: enum.RoleViewer, enum.ExportKindPersonalData: enum.RoleCampaigner,
}

// nouns are what an audit event calls a file.
var nouns = map[enum.ExportKind]string{
	enum.ExportKindMessages: "messages", enum.ExportKindContacts: "contacts",
	enum.ExportKindStatistics: "statistics", enum.ExportKindPersonalData: "the data of a person",
}

// Start takes an order of the caller's and leaves the export PENDING, for Run. The file shows
// numbers and texts as the caller sees them.
func (s *Service) Start(ctx context.Context, o Order) (*ent.Export, error) {
	v, err := identity.Require(ctx, roles[o.Kind])
	if err != nil {
		return nil, err
	}

	var createdBy *uid.ID
	if v.Member != nil {
		createdBy = &v.Member.ID
	}

	id := uid.New(uid.Export)
	err = s.DB.InTx(ctx, func(tx *database.Tx) error {
		if err := hasRoom(ctx, tx, v.Organization); err != nil {
			return err
		}

		err := tx.Client.Export.Create().SetID(id).SetOrganizationID(v.Organization).SetKind(o.Kind).SetFormat(o.Format).
			SetQuestion(o.Question).SetMasked(v.Masked).SetNillableCreatedByID(createdBy).SetCreatedAt(s.moment()).Exec(ctx)
		if err != nil {
			return fmt.Errorf("write down an export: %w", err)
		}

		tx.After(func(ctx context.Context) { s.Wake(ctx, id) })

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionExport, Subject: id,
			Summary: fmt.Sprintf("started an export of %s as %s", nouns[o.Kind], o.Format)})
	})
	if err != nil {
		return nil, err
	}

	return s.DB.Client.Export.Get(ctx, id)
}

// hasRoom refuses an export while the organization has others enough under way. It holds the
// organization, so that two callers do not take the last place.
func hasRoom(ctx context.Context, tx *database.Tx, owner uid.ID) error {
	if err := tx.Exclusive(ctx, "exports of "+owner.String()); err != nil {
		return err
	}

	n, err := tx.Client.Export.Query().Where(entexport.OrganizationID(owner), entexport.StatusIn(unfinished...)).Count(ctx)
	if err != nil {
		return fmt.Errorf("look for unfinished exports: %w", err)
	}
	if n >= mostUnfinished {
		return usererror.Refuse("", usererror.LimitExceeded,
			"%d exports are under way already, and there may be no more at a time: wait until one has ended", n)
	}

	return nil
}

// StartOfPerson is Start for all that is kept about a contact of the caller's organization.
func (s *Service) StartOfPerson(ctx context.Context, contact uid.ID) (*ent.Export, error) {
	_, err := s.DB.Client.Contact.Get(ctx, contact)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("contact")
	}
	if err != nil {
		return nil, fmt.Errorf("read contact %s: %w", contact, err)
	}

	return s.Start(ctx, Order{Kind: enum.ExportKindPersonalData, Format: enum.ExportFormatNDJSON,
		Question: jsonfield.ExportQuestion{ContactID: &contact}})
}

// FileName is what a browser saves an export as.
func FileName(e *ent.Export) string {
	names := map[enum.ExportKind]string{enum.ExportKindMessages: "messages", enum.ExportKindContacts: "contacts",
		enum.ExportKindStatistics: "statistics", enum.ExportKindPersonalData: "personal-data"}
	return names[e.Kind] + "-" + e.CreatedAt.UTC().Format("2006-01-02-150405") + formats[e.Format].extension
}

// format is how rows of a format become bytes.
type format struct {
	extension, mediaType string
	flat                 bool // a cell holds one value
	encode               func(columns []column) encoder
}

const workbookType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

var formats = map[enum.ExportFormat]format{
	enum.ExportFormatCSV:    {".csv", "text/csv; charset=utf-8", true, newCSV},
	enum.ExportFormatXLSX:   {".xlsx", workbookType, true, newCells},
	enum.ExportFormatNDJSON: {".ndjson", "application/x-ndjson", false, newNDJSON},
}

// MediaType is what an export's file is.
func MediaType(e *ent.Export) string { return formats[e.Format].mediaType }
