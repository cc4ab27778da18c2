package privacy_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"carillon/ent/migrate"
	"carillon/privacy"
)

// listed are the columns of the inventory and those without personal data, each with how often it
// is listed.
func listed() map[string]int {
	all := map[string]int{}
	add := func(tables map[string][]string) {
		for table, columns := range tables {
			for _, column := range columns {
				all[table+"."+column]++
			}
		}
	}

	add(privacy.Plain)
	for _, entry := range privacy.Inventory {
		add(entry.Holds)
	}

	return all
}

func TestEveryColumnIsInTheInventoryOrSaysNothingOfAPerson(t *testing.T) {
	t.Parallel()
	left := listed()
	for _, table := range migrate.Tables {
		for _, column := range table.Columns {
			name := table.Name + "." + column.Name
			if left[name] != 1 {
				t.Errorf("%s is listed %d times: it belongs into privacy.Inventory, or else into privacy.Plain", name, left[name])
			}

			delete(left, name)
		}
	}

	for name := range left {
		t.Errorf("%s is listed and not in the schema", name)
	}
}

func TestThePageOnPrivacyShowsTheInventory(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/privacy.md")
	if err != nil {
		t.Fatal(err)
	}

	_, table, found := strings.Cut(string(page), "| What | Why | How long | Who receives it |\n|---|---|---|---|\n")
	if !found {
		t.Fatal("docs/privacy.md has no table of what is kept")
	}

	table, _, _ = strings.Cut(table, "\n\n")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	for _, e := range privacy.Inventory {
		row := "| " + strings.Join([]string{e.What, e.Why, e.Kept, e.Recipients}, " | ") + " |"
		if !slices.Contains(lines, row) {
			t.Errorf("docs/privacy.md lacks the row\n%s", row)
		}
	}

	if len(lines) != len(privacy.Inventory) {
		t.Errorf("docs/privacy.md has %d rows, the inventory %d", len(lines), len(privacy.Inventory))
	}
}

func TestWhateverAnErasureChangesIsInTheInventory(t *testing.T) {
	t.Parallel()
	holds := map[string]bool{}
	for _, entry := range privacy.Inventory {
		for table := range entry.Holds {
			holds[table] = true
		}
	}

	for _, table := range []string{"message", "listing", "delivery_event", "consent_record", "campaign_recipient", "reply",
		"messaging_window", "thread", "import_rejection", "contact_import", "notification", "suppression", "campaign",
		"segment", "unmatched_webhook", "idempotency_key"} {
		if !holds[table] {
			t.Errorf("%s is erased and not in the inventory", table)
		}
	}
}
