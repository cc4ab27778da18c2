package enum

import "io"

// ExportKind is what an export is of.
type ExportKind string

const (
	ExportKindMessages     ExportKind = "MESSAGES"
	ExportKindContacts     ExportKind = "CONTACTS"
	ExportKindStatistics   ExportKind = "STATISTICS"
	ExportKindPersonalData ExportKind = "PERSONAL_DATA"
)

// MarshalGQL and UnmarshalGQL bind ExportKind to the GraphQL enum of that name.
func (v ExportKind) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *ExportKind) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (ExportKind) Values() []string {
	return []string{"MESSAGES", "CONTACTS", "STATISTICS", "PERSONAL_DATA"}
}

// ExportFormat is how an export's file is written.
type ExportFormat string

const (
	ExportFormatCSV    ExportFormat = "CSV"
	ExportFormatXLSX   ExportFormat = "XLSX"
	ExportFormatNDJSON ExportFormat = "NDJSON"
)

// MarshalGQL and UnmarshalGQL bind ExportFormat to the GraphQL enum of that name.
func (v ExportFormat) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *ExportFormat) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (ExportFormat) Values() []string { return []string{"CSV", "XLSX", "NDJSON"} }
