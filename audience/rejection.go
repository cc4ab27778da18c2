package audience

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"carillon/ent"
	"carillon/ent/contactimport"
	"carillon/ent/importrejection"
	"carillon/fault"
	"carillon/uid"
)

const rejectionsAtOnce = 1000

// Rejections is the first rejected rows of an import, by line.
func (s *Service) Rejections(ctx context.Context, importID uid.ID, first int) ([]*ent.ImportRejection, error) {
	rows, err := s.db.Client.ImportRejection.Query().Where(importrejection.ContactImportID(importID)).
		Order(importrejection.ByLine()).Limit(first).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read rejections: %w", err)
	}
	return rows, nil
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
