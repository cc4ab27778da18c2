package sandbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// benched is a sandbox that only takes messages, as benchmarks of a sender use it.
func benched(b *testing.B, o Options) *Sandbox {
	s, err := New(o)
	if err != nil {
		b.Fatal(err)
	}

	s.AddAccount(AccountSpec{WABAID: waba, Token: bearer, Subscribed: true,
		Numbers: []NumberSpec{{ID: sender, DisplayNumber: "+1 555-078-3881"}}})
	r := httptest.NewRequest("POST", "/"+waba+"/message_templates", strings.NewReader(greeting))
	r.Header.Set("Authorization", "Bearer "+bearer)
	s.ServeHTTP(httptest.NewRecorder(), r)

	return s
}

// BenchmarkSend is the handler alone.
func BenchmarkSend(b *testing.B) {
	for name, o := range map[string]Options{
		"taking only":           {NoLimits: true, NoWebhooks: true},
		"with limits, webhooks": {Throughput: 1 << 20},
	} {
		b.Run(name, func(b *testing.B) {
			s := benched(b, o)
			b.ReportAllocs()
			for i := range b.N {
				r := httptest.NewRequest("POST", "/v25.0/"+sender+"/messages",
					strings.NewReader(greet(fmt.Sprint(447400000000+i), fmt.Sprint("msg_01jd3xkqpfe8v8c8tqk2h4c0zz:", i))))
				r.Header.Set("Authorization", "Bearer "+bearer)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if w.Code != 200 {
					b.Fatal(w.Body)
				}
			}

			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// BenchmarkServe takes messages through net/http; the client's work is in the figure too.
func BenchmarkServe(b *testing.B) {
	server := httptest.NewServer(benched(b, Options{NoLimits: true, NoWebhooks: true}))
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer client.CloseIdleConnections()
	b.SetParallelism(32)

	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := http.NewRequest("POST", server.URL+"/v25.0/"+sender+"/messages",
				strings.NewReader(greet("447400123456", "msg_01jd3xkqpfe8v8c8tqk2h4c0zz:1")))
			if err != nil {
				b.Error(err)
				return
			}

			r.Header.Set("Authorization", "Bearer "+bearer)
			w, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}

			io.Copy(io.Discard, w.Body) // or the connection cannot be used again
			w.Body.Close()
		}
	})

	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkMemory says what an accepted message costs to keep, with its three statuses still to be
// posted.
func BenchmarkMemory(b *testing.B) {
	s := benched(b, Options{Throughput: 1 << 20, NoPairLimit: true})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	o := s.options.Load()
	n := s.catalog.numbers[sender]
	c := freeForm["text"]

	for i := range b.N {
		m := newMessage(n, c, fmt.Sprint(447400000000+i), fmt.Sprint("msg_01jd3xkqpfe8v8c8tqk2h4c0zz:", i),
			[]string{"Ana", "A-1234"})
		s.enter(o, s.book.add(m))
	}

	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "B/message")
	runtime.KeepAlive(s)
}

// BenchmarkWebhooks takes messages and posts their three statuses to a receiver that accepts
// everything.
func BenchmarkWebhooks(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter,
		r *http.Request) {
		io.Copy(io.Discard, r.Body)
	}))

	defer server.Close()
	s := benched(b, Options{CallbackURL: server.URL, AppSecret: secret, NoLimits: true})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	o, n := s.options.Load(), s.catalog.numbers[sender]
	b.ResetTimer()

	for i := range b.N {
		m := newMessage(n, freeForm["text"], fmt.Sprint(447400000000+i), fmt.Sprint("msg_01jd3xkqpfe8v8c8tqk2h4c0zz:", i),
			nil)
		s.enter(o, s.book.add(m))
	}

	if err := s.WaitIdle(ctx); err != nil {
		b.Fatal(err)
	}

	b.ReportMetric(float64(s.Counts().Posted["read"])*3/b.Elapsed().Seconds(), "statuses/s")
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}
