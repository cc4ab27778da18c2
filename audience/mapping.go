package audience

import (
	"fmt"
	"strings"

	"carillon/ent/jsonfield"
	"carillon/usererror"
)

func columnPath(i int, field string) string { return fmt.Sprintf("columns.%d.%s", i, field) }

// checkMapping holds what the caller says of columns against the header line.
func checkMapping(cells []string, mapping []jsonfield.ImportColumn) error {
	var in usererror.Fields
	h := header{columns: make([]string, len(cells))}
	for i, c := range cells {
		h.columns[i] = columnName(c)
	}

	columns, fields, attributes := map[int]int{}, map[string]int{}, map[string]int{}
	for i, m := range mapping {
		at := h.column(m.Column)
		if at < 0 {
			in.Add(columnPath(i, "column"), usererror.NoSuch, "the file has no column %s: its columns are %s", shown(m.Column),
				shown(strings.Join(h.columns, ", ")))
			continue
		}

		sayOnce(&in, columns, at, i, "column", "this column")
		if field := text(m.Field); field != "" && field != fieldName && field != fieldCountry {
			sayOnce(&in, fields, field, i, "field", "this field")
		}
		if key := text(m.Attribute); key != "" {
			sayOnce(&in, attributes, key, i, "attribute", "this attribute")
		}
	}

	return in.Err()
}

// sayOnce refuses what an earlier entry of the mapping says already.
func sayOnce[K comparable](in *usererror.Fields, seen map[K]int, what K, i int, field, called string) {
	if before, ok := seen[what]; ok {
		in.Add(columnPath(i, field), usererror.Invalid, "columns.%d has %s already", before, called)
		return
	}

	seen[what] = i
}
