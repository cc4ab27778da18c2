package delivery

import (
	"slices"
	"testing"

	"carillon/ent/enum"
	"carillon/ent/migrate"
)

// TestEveryColumnOfStatisticIsInTheTables fails for a dimension or a metric that the schema has and
// this package does not write, or the other way round.
func TestEveryColumnOfStatisticIsInTheTables(t *testing.T) {
	t.Parallel()
	var stored, written []string
	for _, c := range migrate.StatisticTable.Columns {
		stored = append(stored, c.Name)
	}

	for _, c := range sumColumns {
		written = append(written, c.Name)
	}

	slices.Sort(stored)
	slices.Sort(written)

	if !slices.Equal(stored, written) {
		t.Errorf("the schema has %q, the tables %q", stored, written)
	}
}

func TestReportsCanGroupByEveryDimensionOfTheAPI(t *testing.T) {
	t.Parallel()
	for _, name := range enum.StatisticsDimension("").Values() {
		if d := dimensionOf(enum.StatisticsDimension(name)); string(d.name) != name || d.column == "" {
			t.Errorf("%s is %+v", name, d)
		}
	}
}
