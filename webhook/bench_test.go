package webhook_test

import (
	"testing"

	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
)

// BenchmarkDeliveries is the cost of one event from the log to a fast endpoint, and until that is
// on record: the receiver, its parsing and the database share the machine.
func BenchmarkDeliveries(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := stand(b, dbtest.Open(b, dsn(b)))
			r := s.receiver(nil)
			r.forget = true
			e, _ := s.endpoint(r.URL)
			for n := 0; n < b.N; n += 1000 {
				s.report(delivery.Sent, s.messages(min(1000, b.N-n))...)
			}

			b.ResetTimer()
			stop := s.start(s.Run)
			s.until("not all is on record", func() bool {
				return s.deliveries(e, enum.WebhookDeliveryStatusDelivered) >= b.N
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			b.StopTimer()
			stop()
		})
	}
}
