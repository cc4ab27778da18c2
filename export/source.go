package export

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"carillon/audience"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
)

// source gives the rows of a file in an order that does not change, page by page: so an export goes
// on behind the last row that is committed. Contexts are the organization's.
type source interface {
	columns() []column
	// count is how many rows there will be, or were a moment ago.
	count(ctx context.Context) (int, error)
	// page gives up to so many rows that follow a place; the zero place is the beginning.
	page(ctx context.Context, after uid.ID, most int) (page, error)
}

// page is some rows, the place of the last, and whether there are more.
type page struct {
	rows  [][]any
	place uid.ID
	more  bool
}

// open makes the source of an export's rows.
func (s *Service) open(ctx context.Context, e *ent.Export) (source, error) {
	switch e.Kind {
	case enum.ExportKindMessages:
		return s.openMessages(ctx, e)
	case enum.ExportKindContacts:
		return s.openContacts(ctx, e)
	case enum.ExportKindStatistics:
		return s.openStatistics(e)
	case enum.ExportKindPersonalData:
		return s.openPerson(ctx, e)
	}

	return nil, fmt.Errorf("export %s is of kind %q", e.ID, e.Kind)
}

// mask hides of people what the one who asked for the export may not see.
type mask bool

func (m mask) number(v string) string {
	if !m || v == "" {
		return v
	}
	return audience.MaskPhone(v)
}

func (m mask) text(v string) string {
	if !m || v == "" {
		return v
	}
	return audience.Hidden
}

func (m mask) numbersIn(v string) string {
	if !m {
		return v
	}
	return audience.MaskNumbers(v)
}

func text[T ~string](v *T) string {
	if v == nil {
		return ""
	}
	return string(*v)
}

func moment(v *time.Time) time.Time {
	if v == nil {
		return time.Time{}
	}
	return *v
}

func idText(v *uid.ID) string {
	if v == nil || v.IsZero() {
		return ""
	}
	return v.String()
}

func number(v *int) any {
	if v == nil {
		return nil
	}
	return *v
}

// raw is JSON as it is kept; nil for none.
func raw(v json.RawMessage) any {
	if len(v) == 0 {
		return nil
	}
	return v
}

// memory remembers rows by their ids, up to so many, and reads those that it does not know.
type memory[T any] struct {
	rows map[uid.ID]T
	read func(ctx context.Context, ids []uid.ID) (map[uid.ID]T, error)
}

// mostRemembered bounds a memory; a page never needs more.
const mostRemembered = 5000

func (m *memory[T]) of(ctx context.Context, ids []uid.ID) (map[uid.ID]T, error) {
	var missing []uid.ID
	if len(m.rows)+len(ids) > mostRemembered || m.rows == nil {
		m.rows = map[uid.ID]T{}
	}

	asked := map[uid.ID]bool{{}: true}
	for _, id := range ids {
		if _, known := m.rows[id]; !known && !asked[id] {
			missing, asked[id] = append(missing, id), true
		}
	}

	if len(missing) == 0 {
		return m.rows, nil
	}

	found, err := m.read(ctx, missing)
	if err != nil {
		return nil, err
	}

	for _, id := range missing { // also what is gone, so that it is not looked for again
		m.rows[id] = found[id]
	}

	return m.rows, nil
}
