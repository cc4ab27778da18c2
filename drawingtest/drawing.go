// Package drawingtest holds the drawings of docs/architecture.md against the tables that they show.
package drawingtest

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Arrows are a drawing: for each `FROM --> TO` the names of what leads there.
type Arrows map[string][]string

// Add notes that what is named leads from one status to another.
func (a Arrows) Add(from, to, name string) {
	a[from+" --> "+to] = append(a[from+" --> "+to], name)
}

// Compare fails a test unless the first drawing under a heading has exactly these arrows. Arrows
// from and to [*], and those between the braces of a state, are the drawing's own.
func Compare(t *testing.T, heading string, want Arrows) {
	t.Helper()
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}

	_, rest, found := strings.Cut(string(text), "\n### "+heading+"\n")
	_, rest, drawn := strings.Cut(rest, "```mermaid\n")
	if !found || !drawn {
		t.Fatalf("docs/architecture.md has no drawing under %q", heading)
	}

	drawing, _, _ := strings.Cut(rest, "```")
	got := map[string]bool{}
	inside := false

	for line := range strings.Lines(drawing) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasSuffix(line, "{"), line == "}":
			inside = !inside
		case !inside && strings.Contains(line, " --> ") && !strings.Contains(line, "[*]"):
			got[line] = true
		}
	}

	for _, arrow := range slices.Sorted(maps.Keys(want)) {
		line := arrow + ": " + strings.Join(slices.Sorted(slices.Values(want[arrow])), ", ")
		if !got[line] {
			t.Errorf("the drawing of %s lacks the arrow %q", heading, line)
		}

		delete(got, line)
	}

	for _, line := range slices.Sorted(maps.Keys(got)) {
		t.Errorf("the drawing of %s has the arrow %q, which the table does not", heading, line)
	}
}
