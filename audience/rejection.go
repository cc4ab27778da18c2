package audience

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"entgo.io/ent/dialect/sql"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/importrejection"
	"carillon/spreadsheet"
	"carillon/uid"
	"carillon/usererror"
)

const (
	rejectionsAtOnce = 1000
	// keptRejections is how many rejected rows of an import are kept; the rest are counted.
	keptRejections = 10_000
	// tooManyRejections is after how many rows an import ends of which none could be taken.
	tooManyRejections = 10_000
)

// Rejections are the first rejected rows of each import, by line.
func (s *Service) Rejections(ctx context.Context, imports []uid.ID, first int) (map[uid.ID][]*ent.ImportRejection,
	error) {
	found := make(map[uid.ID][]*ent.ImportRejection, len(imports))
	for _, id := range imports {
		found[id] = []*ent.ImportRejection{}
	}

	if len(imports) == 0 {
		return found, nil
	}

	var parts []*sql.Selector
	for _, id := range imports {
		t := sql.Table(importrejection.Table)
		parts = append(parts, sql.Dialect(s.db.Dialect).Select(t.C(importrejection.FieldID)).From(t).
			Where(sql.EQ(t.C(importrejection.FieldContactImportID), id)).OrderBy(t.C(importrejection.FieldLine)).Limit(first))
	}

	these := database.UnionAll(parts)
	rows, err := s.db.Client.ImportRejection.Query().Where(func(s *sql.Selector) {
		s.Where(sql.In(s.C(importrejection.FieldID), these))
	}).
		Order(importrejection.ByLine()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read rejections: %w", err)
	}

	for _, r := range rows {
		found[r.ContactImportID] = append(found[r.ContactImportID], r)
	}

	return found, nil
}

// rejections keeps the first rejected rows of an import.
func (w writer) rejections(ctx context.Context, rejected []rejection) error {
	rejected = rejected[:min(len(rejected), max(0, keptRejections-w.rejected))]

	return database.Insert(ctx, w.Tx, "import_rejection", rejectionColumns, rejected, w.im.OrganizationID, w.im.ID)
}

// rejectionColumns are of the rejected rows of the import $2 of the organization $1.
var rejectionColumns = database.Columns[rejection]{
	database.Col("id", func(rejection) uid.ID { return uid.New(uid.ImportRejection) }, database.IDs),
	database.Col("line", func(r rejection) int { return r.line }, database.Ints),
	database.Col("value", func(r rejection) string { return r.value }, database.Texts),
	database.Col("reason", func(r rejection) string { return r.reason }, database.Texts),
	database.Expr[rejection]("organization_id", "$1"),
	database.Expr[rejection]("contact_import_id", "$2"),
}

// hopeless says why an import ends before its file: so many rows without one that could be taken
// are no list of contacts.
func (w writer) hopeless(p page) string {
	read, rejected := w.read+p.accepted+len(p.rejected), w.rejected+len(p.rejected)
	if read < tooManyRejections || rejected < read {
		return ""
	}

	return fmt.Sprintf("The first %d rows are all rejected. Look at the reasons, mend the file and import it again.", read)
}

// WriteRejections writes the rejected rows of an import that are kept as CSV, by line, behind a
// byte order mark, without which Excel reads no UTF-8. Values stand as they came, so that they can
// be mended and imported again, but for a ' before those that a spreadsheet would take for a
// formula. An import passes over it. A last line says how many more were rejected than are kept.
func (s *Service) WriteRejections(ctx context.Context, importID uid.ID, w io.Writer) error {
	im, err := s.db.Client.ContactImport.Get(ctx, importID)
	if ent.IsNotFound(err) {
		return usererror.Missing("import")
	}
	if err != nil {
		return fmt.Errorf("read import: %w", err)
	}

	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return fmt.Errorf("write rejections: %w", err)
	}

	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write([]string{"line", "value", "reason"}) // Error below has what Write met

	written, err := s.writeKept(ctx, importID, out)
	if err != nil {
		return err
	}

	if more := im.Rejected - written; more > 0 {
		_ = out.Write([]string{"", "", fmt.Sprintf("%d more rows were rejected and are not kept", more)})
	}

	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write rejections: %w", err)
	}

	return nil
}

func (s *Service) writeKept(ctx context.Context, importID uid.ID, out *csv.Writer) (written int, err error) {
	for line := 0; ; {
		rows, err := s.db.Client.ImportRejection.Query().Where(importrejection.ContactImportID(importID),
			importrejection.LineGT(line)).
			Order(importrejection.ByLine()).Limit(rejectionsAtOnce).All(ctx) // no two rows begin on one line
		if err != nil {
			return written, fmt.Errorf("read rejections: %w", err)
		}

		for _, r := range rows {
			_ = out.Write([]string{strconv.Itoa(r.Line), spreadsheet.NoFormula(r.Value), spreadsheet.NoFormula(r.Reason)})
			line = r.Line
		}

		if written += len(rows); len(rows) < rejectionsAtOnce || out.Error() != nil {
			return written, nil
		}
	}
}
