package audience

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/jsonfield"
	"carillon/spreadsheet"
	"carillon/uid"
)

const (
	previewRows     = 50
	previewExamples = 3
	// previewCounts is how many rows of a workbook a preview counts: unpacking more takes too long.
	previewCounts = 100_000
)

// ImportPreview is what an import would make of a file.
type ImportPreview struct {
	Encoding  string
	Delimiter *string // nil for a workbook
	RowsTotal *int    // nil where counting takes too long
	Columns   []*ColumnPreview
	Rows      []*RowPreview
}

// ColumnPreview is what a column becomes: a field of the contact, an attribute, both, or nothing.
type ColumnPreview struct {
	Column           string
	Field, Attribute *string
	Examples         []string
}

// RowPreview is what becomes of a row.
type RowPreview struct {
	Line        int
	Phone, Name *string // as they would be kept, or as they stand there
	Accepted    bool
	Reason      *string // why it is not
}

// PreviewImport says what StartImport and RunImport would make of a file, by the same code, and
// keeps nothing of it.
func (s *Service) PreviewImport(ctx context.Context, n NewImport) (*ImportPreview, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.checkImport(ctx, n); err != nil {
		return nil, err
	}

	t, err := s.open(ctx, n)
	if err != nil {
		return nil, err
	}

	defer t.close()
	if _, err := t.text.Discard(int(t.Offset)); err != nil {
		return nil, refuseFile(err)
	}

	r := rowsOf(t.header, spreadsheet.NewScanner(t.Position, t.delimiter, t.workbook, t.pieces()))
	from := n.origin()
	r.defaultCountry, r.form = from.region, from.form

	p := &ImportPreview{Encoding: t.encoding, Rows: []*RowPreview{}}
	if !t.workbook {
		delimiter := string(t.delimiter)
		p.Delimiter = &delimiter
	}

	records, err := p.read(ctx, r)
	if err != nil {
		return nil, refuseFile(err)
	}

	p.Columns = columnPreviews(t.header, records)

	return p, s.previewRows(ctx, owner, r, p, records)
}

// pieces gives the text piece by piece.
func (t *table) pieces() func() ([]byte, error) {
	return func() ([]byte, error) {
		piece := make([]byte, chunkBytes)
		n, err := io.ReadFull(t.text, piece)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}

		return piece[:n], err
	}
}

// read reads the first rows, and counts all.
func (p *ImportPreview) read(ctx context.Context, r *rows) (first []spreadsheet.Record, err error) {
	for total := 0; ; total++ {
		rec, ok, err := r.scan.Next()
		switch {
		case err != nil:
			return nil, err
		case !ok:
			p.RowsTotal = &total
			return first, nil
		case p.Delimiter == nil && total == previewCounts:
			return first, nil
		case total%pageRows == 0 && ctx.Err() != nil:
			return nil, ctx.Err()
		}

		if total < previewRows {
			first = append(first, rec)
		}
	}
}

func columnPreviews(h header, records []spreadsheet.Record) []*ColumnPreview {
	all := []*ColumnPreview{}
	for i, c := range h.columns {
		if c == "" {
			continue
		}

		column := &ColumnPreview{Column: c, Field: given(&h.uses[i].field), Attribute: given(&h.uses[i].attribute),
			Examples: []string{}}
		for _, r := range records {
			if value := h.cell(r.Cells, i); value != "" && len(column.Examples) < previewExamples {
				column.Examples = append(column.Examples, cut(clean(value), maxRawKept))
			}
		}

		all = append(all, column)
	}

	return all
}

// previewRows judges the rows as a worker would, with what the database says of them.
func (s *Service) previewRows(ctx context.Context, owner uid.ID, r *rows, p *ImportPreview,
	records []spreadsheet.Record) error {
	made := page{byKey: map[string]*entry{}, byUserID: map[string]*entry{}}
	byLine := map[int]*RowPreview{}
	for _, rec := range records {
		row := &RowPreview{Line: rec.Line, Accepted: true}
		if e := r.take(&made, rec); e != nil {
			row.Phone, row.Name = given(&e.phone), e.name
		} else {
			phone, name := r.header.cell(rec.Cells, r.header.phone), r.header.fullName(rec.Cells)
			phone, name = cut(clean(phone), maxRawKept), cut(clean(name), maxRawKept)
			row.Phone, row.Name = given(&phone), given(&name)
		}

		byLine[rec.Line] = row
		p.Rows = append(p.Rows, row)
	}

	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		w := writer{Tx: tx, im: &ent.ContactImport{OrganizationID: owner}, onlyReads: true}
		judged := made.sorted()
		known, err := w.people(ctx, judged)
		if err != nil {
			return err
		}

		if judged, err = w.judge(ctx, judged, known); err != nil {
			return err
		}

		for _, no := range judged.rejected {
			row, reason := byLine[no.line], no.reason
			row.Accepted, row.Reason = false, &reason
		}

		return nil
	})
	if err != nil {
		return fmt.Errorf("preview %d rows: %w", len(records), err)
	}

	return nil
}

// Mapped is what the caller says of columns, without the blanks around names.
func Mapped(columns []*jsonfield.ImportColumn) []jsonfield.ImportColumn {
	all := make([]jsonfield.ImportColumn, 0, len(columns))
	for _, c := range columns {
		all = append(all, jsonfield.ImportColumn{Column: strings.TrimSpace(c.Column), Field: given(c.Field),
			Attribute: given(c.Attribute)})
	}

	return all
}
