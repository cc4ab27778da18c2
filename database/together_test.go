package database_test

import (
	"context"
	"strings"
	"testing"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
)

func rename(name string) database.Statement {
	return database.Statement{What: "rename to " + name, Query: "UPDATE organization SET name = $1", Args: []any{name}}
}

func TestStatementsThatGoTogetherSeeWhatThoseBeforeDid(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := caller.System(t.Context())
		organization(t, db, system)
		var seen []string

		read := func(rows database.Rows) error {
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					return err
				}

				seen = append(seen, name)
			}

			return rows.Err()
		}

		look := database.Statement{What: "look", Query: "SELECT name FROM organization", Read: read}
		err := db.InTx(system, func(tx *database.Tx) error {
			return tx.Together(system, look, rename("first"), look, rename("second"), look)
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(seen, ", "); got != "organization, first, second" {
			t.Error(got)
		}
	})
}

func TestAStatementThatFailsSaysWhatItWasForAndNothingOfThoseWithItIsKept(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := caller.System(t.Context())
		organization(t, db, system)
		err := db.InTx(system, func(tx *database.Tx) error {
			return tx.Together(system, rename("first"),
				database.Statement{What: "take the name away", Query: "UPDATE organization SET name = NULL"}, rename("second"))
		})
		if err == nil || !strings.Contains(err.Error(), "take the name away: ") {
			t.Error(err)
		}
		if o := db.Client.Organization.Query().OnlyX(system); o.Name != "organization" {
			t.Error(o.Name)
		}
	})
}

func TestNothingIsKeptOfWhatGoesTogetherInATransactionThatIsOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		system := caller.System(t.Context())
		organization(t, db, system)
		ended, end := context.WithCancel(system)
		err := db.InTx(ended, func(tx *database.Tx) error {
			end()
			return tx.Together(system, rename("first"), rename("second"))
		})
		if err == nil {
			t.Error("it was committed")
		}
		if o := db.Client.Organization.Query().OnlyX(system); o.Name != "organization" {
			t.Error(o.Name)
		}
	})
}
