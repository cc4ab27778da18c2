package graph_test

import (
	"testing"
	"time"

	"carillon/caller"
	"carillon/ent/enum"
	"carillon/uid"
)

const figures = `query($f: ReconciliationRowFilter!) { reconciliation(filter: $f) { day account { name } phoneNumber { displayNumber account { name } }
	measure category ours whatsApp ourCost { amount currency } whatsAppCost { amount } comparedAt } }`

func TestReconciliationShowsBothSidesOfTheCallersAccounts(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o, none := s.signUp().open(1), uid.ID{15: 0xff}
		day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
		a := s.db.Client.Account.Query().OnlyX(caller.System(o.ctx))
		number := a.QueryPhoneNumbers().FirstX(caller.System(o.ctx))
		row := func(day time.Time, measure enum.ReconciliationMeasure, ours, theirs int64) {
			create := s.db.Client.Reconciliation.Create().SetOrganizationID(a.OrganizationID).SetAccountID(a.ID).SetDay(day).
				SetMeasure(measure).SetOurs(ours).SetTheirs(theirs).SetComparedAt(day.Add(30 * time.Hour))
			if measure == enum.ReconciliationMeasureCharged {
				create.SetPhoneNumberID(none).SetCategory("MARKETING").SetOurCostMicros(2_500_000).SetCostCurrency("USD")
			} else {
				create.SetPhoneNumberID(number.ID).SetCategory("")
			}

			create.ExecX(caller.System(o.ctx))
		}

		row(day, enum.ReconciliationMeasureSent, 4, 4)
		row(day, enum.ReconciliationMeasureCharged, 3, 5)
		row(day.Add(24*time.Hour), enum.ReconciliationMeasureSent, 1, 1)

		got := o.key(enum.RoleViewer).must(figures, vars{"f": vars{"since": "2026-11-20", "until": "2026-11-20",
			"accountId": a.ID.String()}})
		const charged, sent = "reconciliation.0.", "reconciliation.1."
		if len(got.list("reconciliation")) != 2 || got.at(charged+"phoneNumber") != nil ||
			got.text(charged+"day") != "2026-11-20" ||
			got.text(charged+"category") != "MARKETING" || got.at(charged+"ours") != 3.0 || got.at(charged+"whatsApp") != 5.0 ||
			got.text(charged+"ourCost.amount") != "2.50" || got.at(charged+"whatsAppCost") != nil ||
			got.at(sent+"category") != nil || got.text(sent+"phoneNumber.account.name") != "Lucky Shrub" ||
			got.text(sent+"account.name") != "Lucky Shrub" {
			t.Errorf("%v", got.Data)
		}

		got = o.must(figures, vars{"f": vars{"since": "2026-11-01", "until": "2026-11-30", "onlyDifferences": true}})
		if len(got.list("reconciliation")) != 1 || got.text("reconciliation.0.measure") != "CHARGED" {
			t.Errorf("only differences: %v", got.Data)
		}

		got = s.signUp().must(figures, vars{"f": vars{"since": "2026-11-01", "until": "2026-11-30"}})
		if len(got.list("reconciliation")) > 0 {
			t.Errorf("a stranger sees %v", got.Data)
		}

		for code, f := range map[string]vars{
			"BAD_USER_INPUT": {"since": "2026-11-31", "until": "2026-12-01"},
			"NOT_FOUND":      {"since": "2026-11-01", "until": "2026-11-30", "accountId": uid.New(uid.Account).String()},
		} {
			if got := o.ask(figures, vars{"f": f}); got.code() != code {
				t.Errorf("%v gave %v", f, got.Errors)
			}
		}
	})
}
