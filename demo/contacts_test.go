package demo

import (
	"encoding/csv"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestRows(t *testing.T) {
	t.Parallel()
	given, err := os.ReadFile("../examples/contacts.csv")
	if err != nil {
		t.Fatal(err)
	}

	for name, n := range map[string]int{"takes the first of the file": 22, "takes the whole file": 500,
		"makes up the rest": 20_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := rows(given, n)
			if err != nil {
				t.Fatal(err)
			}

			again, _ := rows(given, n)
			if !slices.Equal(text, again) {
				t.Error("it is another file the second time")
			}

			all, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
			if err != nil || len(all) != n+1 {
				t.Fatalf("%d rows, %v", len(all), err)
			}

			phones := map[string]bool{}
			for i, row := range all[1:] {
				phones[digits(row[0])] = true
				if i >= 500 && !regexp.MustCompile(`^\+1555[2-9]\d{6}$`).MatchString(row[0]) {
					t.Fatalf("row %d: %s", i, row[0])
				}
			}

			if len(phones) != n {
				t.Errorf("%d people", len(phones))
			}
		})
	}
}

func TestRowsRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		given string
		n     int
		wrong string
	}{
		"a file without a column for phones": {"name,city\nAnn,Lyon\n", 1, "no column phone: its columns are name, city"},
		"a file that is no CSV":              {"phone,name\n\"+1,Ann\n", 1, "read the file of contacts"},
		"an empty file":                      {"", 1, "read the file of contacts"},
		"more than there are numbers":        {"phone\n", 9_000_000, "more than this can make up"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := rows([]byte(tc.given), tc.n); err == nil || !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("error %v, not %q", err, tc.wrong)
			}
		})
	}
}

func TestRowsLeavesOutANumberThatTheFileHas(t *testing.T) {
	t.Parallel()
	text, err := rows([]byte("Phone\n+1 555 200 0000\n"), 2)
	if err != nil || string(text) != "Phone\n+1 555 200 0000\n+15552000001\n" {
		t.Errorf("%q, %v", text, err)
	}
}
