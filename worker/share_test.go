package worker_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/whatsapp/sandbox"
)

func TestManyNumbersShareAFewWorkersAndNoneStarves(t *testing.T) {
	t.Parallel()
	numbers, atOnce, atMost := 48, 8, time.Minute
	if os.Getenv("CARILLON_TEST_CHAOS") == "long" {
		numbers, atOnce, atMost = 2000, 16, 5*time.Minute
	}

	const perSecond, backlog = 20, 60
	s := stand(t, dbtest.Open(t, dbtest.Postgres(t)),
		sandbox.Options{Throughput: perSecond, NoPairLimit: true, NoWebhooks: true})
	rows := s.numbers(t, numbers, perSecond, backlog)
	for _, n := range rows {
		s.tasks.WakeLane(s.system, n.ID)
	}

	begun := time.Now()
	s.workAtOnce(t, s.process, atOnce)

	served := func() (numbers, most int) {
		for _, n := range rows {
			if sent := s.sandbox.Usage(n.MetaID).Accepted; sent > 0 {
				numbers, most = numbers+1, max(most, sent)
			}
		}

		return numbers, most
	}

	var most int
	s.within(t, atMost, "every number has had its turn", func() bool {
		var n int
		n, most = served()
		return n == numbers
	})

	t.Logf("%d numbers had a turn within %s; the first of them has sent %d messages by then", numbers,
		time.Since(begun).Round(time.Millisecond), most)
	if most == backlog {
		t.Errorf("a number was done with %d messages before another had begun", most)
	}
}

// numbers adds more of them to the account, each with messages that wait.
func (s *stage) numbers(t *testing.T, n, perSecond, backlog int) (rows []*ent.PhoneNumber) {
	t.Helper()
	specs := make([]sandbox.NumberSpec, n)
	for i := range specs {
		specs[i] = sandbox.NumberSpec{ID: fmt.Sprint(200_000_000 + i), DisplayNumber: fmt.Sprintf("+1 202-55%d", 50_000+i),
			VerifiedName: "Lucky Shrub", Throughput: perSecond}
	}

	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Numbers: specs})
	for i, spec := range specs {
		row := s.db.Client.PhoneNumber.Create().SetOrganizationID(s.account.OrganizationID).SetAccountID(s.account.ID).
			SetMetaID(spec.ID).SetDisplayNumber(spec.DisplayNumber).
			SetVerifiedName(spec.VerifiedName).SetThroughput(perSecond).SaveX(s.system)
		messages := make([]delivery.Outgoing, backlog)
		for k := range messages {
			messages[k] = delivery.Outgoing{PhoneNumber: row.ID, Account: s.account.ID, Template: s.template.ID,
				Address: fmt.Sprintf("+1416%07d", i*backlog+k), Country: "CA",
				Type: enum.MessageTypeTemplate, Category: enum.TemplateCategoryMarketing, Parameters: map[string]string{"1": "Ana"}}
		}

		err := s.db.InTx(s.system, func(tx *database.Tx) error {
			_, err := s.queue.Enqueue(s.system, tx, s.account.OrganizationID, messages, func() error { return nil })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		rows = append(rows, row)
	}

	return rows
}
