package account

import (
	"slices"
	"testing"

	"carillon/drawingtest"
	"carillon/ent/enum"
)

func TestTheDrawingsOfAccountsAndTemplatesAreTheTables(t *testing.T) {
	t.Parallel()
	accounts, templates := drawingtest.Arrows{}, drawingtest.Arrows{}
	for name, rule := range accountChanges {
		for _, from := range rule.from {
			if from != rule.to { // a new token of an account that is connected changes no status
				accounts.Add(string(from), string(rule.to), name)
			}
		}
	}

	for name, rule := range templateChanges {
		for _, from := range rule.from {
			templates.Add(string(from), string(rule.to), name)
		}
	}

	drawingtest.Compare(t, "Account", accounts)
	drawingtest.Compare(t, "Template", templates)
}

func TestMetaCanSetEveryStatusOfAnAccount(t *testing.T) {
	t.Parallel()
	for _, text := range enum.AccountStatus("").Values() {
		status := enum.AccountStatus(text)
		if accountChanges[decided[status]].to != status || !slices.Contains(every, status) {
			t.Errorf("no change of the table leads to %s", status)
		}
	}
}
