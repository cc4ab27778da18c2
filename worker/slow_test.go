package worker_test

import (
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
	"carillon/worker"
)

func TestWhatSaysTooFastHalvesTheNumbersRate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		address string
		halves  bool
	}{
		"130429":          {"+14165550111", true},
		"503":             {"+14165550113", true},
		"a pair limit":    {"+14165550112", false},
		"a broken answer": {"+14165550110", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db, sandbox.Options{Throughput: 1000})
				c := s.launch(t, s.contactsOf(t, tc.address))
				s.work(t, s.process)
				s.until(t, "it is read after all", func() bool { return s.campaign(c.ID).Read == 1 })
				rates, err := worker.NewPace(s.redis, s.prefix).Rates(s.system, map[uid.ID]float64{s.number.ID: 1000})
				if err != nil {
					t.Fatal(err)
				}
				if halved := rates[s.number.ID] < 900; halved != tc.halves { // it climbs by 10 a second
					t.Errorf("the rate is %.0f of 1000", rates[s.number.ID])
				}
			})
		})
	}
}
