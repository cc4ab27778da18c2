package delivery_test

import (
	"testing"

	"carillon/database/dbtest"
	"carillon/delivery"
)

// BenchmarkJournal is the cost of one answer of one campaign, with answers handed over 500 at a
// time.
func BenchmarkJournal(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		for failures, every := range map[string]int{"none failed": 0, "one in ten failed": 10} {
			b.Run(name+"/"+failures, func(b *testing.B) {
				s := setUp(b, dbtest.Open(b, dsn(b)))
				const batch = 500
				for n := 0; n < b.N; n += batch {
					b.StopTimer()
					s.enqueue(b, s.campaign, batch)
					facts := make([]delivery.Fact, 0, batch)

					for i, m := range s.claim(b, batch, 0) {
						if every > 0 && i%every == 0 {
							facts = append(facts, refused(m))
						} else {
							facts = append(facts, accepted(m))
						}
					}

					b.StartTimer()
					s.record(b, facts...)
				}
			})
		}
	}
}
