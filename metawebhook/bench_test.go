package metawebhook_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/message"
)

// BenchmarkInbound posts inbound messages of 1,000 people, one in each post, until they are
// answered. The figures are of one message.
func BenchmarkInbound(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		for _, atOnce := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/%d at once", name, atOnce), func(b *testing.B) {
				s := stand(b, dbtest.Open(b, dsn(b)))
				var next atomic.Int64
				var all sync.WaitGroup
				b.ResetTimer()

				for range atOnce {
					all.Go(func() {
						for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
							body := inbound(fmt.Sprintf("wamid.%d", i), fmt.Sprintf("1650555%04d", i%1000), "hello")
							if code := s.told(body); code != http.StatusOK {
								b.Errorf("answered %d", code)
							}
						}
					})
				}

				all.Wait()
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
				if n := s.db.Client.Message.Query().Where(message.DirectionEQ(enum.DirectionInbound)).CountX(s.system); n != b.N {
					b.Errorf("%d of %d are stored", n, b.N)
				}
			})
		}
	}
}
