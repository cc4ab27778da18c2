package graph

import (
	"context"

	"carillon/audience"
	"carillon/ent"
	"carillon/graph/model"
	"carillon/spreadsheet"
)

func importFrom(in model.ImportContactsInput) audience.NewImport {
	file, _ := in.File.File.(spreadsheet.Upload) // transport's files are sections of files
	return audience.NewImport{FileName: in.File.Filename, File: file, Columns: audience.Mapped(in.Columns),
		ListID: in.ListID, DefaultCountry: in.DefaultCountry, NumberForm: in.NumbersWithoutPlus, Consent: in.Consent,
		IdempotencyKey: text(in.IdempotencyKey)}
}

func previewFrom(in model.PreviewContactImportInput) audience.NewImport {
	file, _ := in.File.File.(spreadsheet.Upload)
	return audience.NewImport{FileName: in.File.Filename, File: file, Columns: audience.Mapped(in.Columns),
		DefaultCountry: in.DefaultCountry, NumberForm: in.NumbersWithoutPlus}
}

// rejectedRows is a link for those who may see people's numbers.
func (r *Resolver) rejectedRows(ctx context.Context, im *ent.ContactImport) *string {
	if masked(ctx) {
		return nil
	}
	return some(r.Downloads.RejectedRows(im))
}
