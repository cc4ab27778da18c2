package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"carillon/spreadsheet"
)

// column is one of a file's. What stands in it may be a string, an int, a bool, a time, a decimal,
// a list of texts, a map of texts, or nil; an empty string and a zero time are none.
type column struct {
	name string
	is   kindOfCell
}

// kindOfCell is what a workbook shows a column as.
type kindOfCell int

const (
	isText kindOfCell = iota
	isTime
	isDecimal // of a text
)

// encoder writes rows of one format. What begin and rows write can be put together from parts.
type encoder interface {
	begin(w *bytes.Buffer) error // before the first row
	row(w *bytes.Buffer, values []any) error
}

// csvTime is how a CSV file has times, in UTC: spreadsheets know it.
const csvTime = "2006-01-02 15:04:05"

// csvRows is CSV for spreadsheets: behind a byte order mark, without which Excel reads no UTF-8,
// and with nothing that they would take for a formula.
type csvRows struct{ columns []column }

func newCSV(columns []column) encoder { return csvRows{columns} }

func (c csvRows) begin(w *bytes.Buffer) error {
	names := make([]string, len(c.columns))
	for i, of := range c.columns {
		names[i] = spreadsheet.NoFormula(of.name)
	}

	w.WriteString("\ufeff")

	return writeCSV(w, names)
}

func (c csvRows) row(w *bytes.Buffer, values []any) error {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = spreadsheet.NoFormula(flat(v))
	}

	return writeCSV(w, texts)
}

func writeCSV(w *bytes.Buffer, values []string) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(values); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}

	out.Flush()

	return out.Error()
}

// flat is a value as one text.
func flat(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(csvTime)
	case []string:
		return strings.Join(v, ", ")
	case map[string]string:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, key+": "+v[key])
		}

		return strings.Join(parts, ", ")
	}

	panic(fmt.Sprintf("a %T has no text", value)) // a mistake of ours, which tests meet
}

// ndjsonRows is one JSON object to a line, with a key for each column. What is not there is null.
type ndjsonRows struct{ keys [][]byte }

func newNDJSON(columns []column) encoder {
	keys := make([][]byte, len(columns))
	for i, of := range columns {
		keys[i], _ = json.Marshal(of.name) // a text can be written
	}

	return ndjsonRows{keys}
}

func (ndjsonRows) begin(*bytes.Buffer) error { return nil }

func (n ndjsonRows) row(w *bytes.Buffer, values []any) error {
	w.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			w.WriteByte(',')
		}

		w.Write(n.keys[i])
		w.WriteByte(':')
		if err := writeJSON(w, v); err != nil {
			return err
		}
	}

	w.WriteString("}\n")

	return nil
}

func writeJSON(w *bytes.Buffer, value any) error {
	switch v := value.(type) {
	case string:
		if v == "" {
			value = nil
		}
	case time.Time:
		value = v.UTC()
		if v.IsZero() {
			value = nil
		}
	}

	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	if err := out.Encode(value); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}

	w.Truncate(w.Len() - len("\n"))

	return nil
}

// cellRows are rows on their way into a workbook: a JSON array to a line.
type cellRows struct{ columns []column }

func newCells(columns []column) encoder { return cellRows{columns} }

func (cellRows) begin(*bytes.Buffer) error { return nil }

func (c cellRows) row(w *bytes.Buffer, values []any) error {
	w.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			w.WriteByte(',')
		}

		switch v.(type) {
		case []string, map[string]string:
			v = flat(v)
		}

		if err := writeJSON(w, v); err != nil {
			return err
		}
	}

	w.WriteString("]\n")

	return nil
}
