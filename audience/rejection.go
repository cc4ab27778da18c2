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
	"carillon/ent/contactimport"
	"carillon/ent/importrejection"
	"carillon/fault"
	"carillon/uid"
)

const rejectionsAtOnce = 1000

// Rejections are the first rejected rows of each import, by line.
func (s *Service) Rejections(ctx context.Context, imports []uid.ID, first int) (map[uid.ID][]*ent.ImportRejection, error) {
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
	rows, err := s.db.Client.ImportRejection.Query().Where(func(s *sql.Selector) { s.Where(sql.In(s.C(importrejection.FieldID), these)) }).
		Order(importrejection.ByLine()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read rejections: %w", err)
	}
	for _, r := range rows {
		found[r.ContactImportID] = append(found[r.ContactImportID], r)
	}
	return found, nil
}

// WriteRejections writes every rejected row of an import as CSV, by line. Values stand as they came, so that they can be
// mended and imported again.
func (s *Service) WriteRejections(ctx context.Context, importID uid.ID, w io.Writer) error {
	there, err := s.db.Client.ContactImport.Query().Where(contactimport.ID(importID)).Exist(ctx)
	if err != nil {
		return fmt.Errorf("read import: %w", err)
	}
	if !there {
		return fault.Missing("import")
	}
	out := csv.NewWriter(w)
	_ = out.Write([]string{"line", "value", "reason"}) // Error below has what Write met
	for line := 0; ; {
		rows, err := s.db.Client.ImportRejection.Query().Where(importrejection.ContactImportID(importID), importrejection.LineGT(line)).
			Order(importrejection.ByLine()).Limit(rejectionsAtOnce).All(ctx) // no two rows begin on one line
		if err != nil {
			return fmt.Errorf("read rejections: %w", err)
		}
		for _, r := range rows {
			_ = out.Write([]string{strconv.Itoa(r.Line), r.Value, r.Reason})
			line = r.Line
		}
		if len(rows) < rejectionsAtOnce || out.Error() != nil {
			break
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write rejections: %w", err)
	}
	return nil
}
