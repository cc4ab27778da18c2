package metawebhook_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/metawebhook"
	"carillon/whatsapp"
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

// BenchmarkBody reads bodies that are signed or forged, and that say how long they are or do not.
func BenchmarkBody(b *testing.B) {
	h := metawebhook.New(metawebhook.Parts{}, metawebhook.Options{Secrets: []string{secretNow}})
	for _, size := range []int{2 << 10, 60 << 10, 3 << 20} {
		body := strings.Repeat("x", size)
		for name, signature := range map[string]string{
			"signed": whatsapp.Sign(secretNow, []byte(body)), "forged": whatsapp.Sign("another", []byte(body)),
		} {
			for _, length := range []int64{int64(size), -1} {
				b.Run(fmt.Sprintf("%d KiB/%s/length %d", size>>10, name, length), func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(int64(size))
					for b.Loop() {
						v, _ := whatsapp.NewVerifier([]string{secretNow}, signature)
						r := &http.Request{ContentLength: length, Body: io.NopCloser(strings.NewReader(body))}
						err := metawebhook.ReadBody(h, r, v, func([]byte) {})
						if (err == nil) != (name == "signed") {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
