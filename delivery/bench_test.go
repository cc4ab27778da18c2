package delivery_test

import (
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/uid"
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

// BenchmarkRetire is the cost of erasing what a page of 500 messages says.
func BenchmarkRetire(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := setUp(b, dbtest.Open(b, dsn(b)))
			const page = 500
			var after uid.ID

			for b.Loop() {
				b.StopTimer()
				s.enqueue(b, s.campaign, page)
				facts := make([]delivery.Fact, 0, page)
				for _, m := range s.claim(b, page, 0) {
					facts = append(facts, accepted(m))
				}

				s.record(b, facts...)
				b.StartTimer()

				err := s.db.InTx(s.ctx, func(tx *database.Tx) error {
					done, err := s.queue.Retire(s.ctx, tx, s.organization, after, uid.From(time.Now().Add(time.Hour)), page)
					if after = done.Last; done.Erased != page {
						b.Errorf("%d messages were erased", done.Erased)
					}

					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
