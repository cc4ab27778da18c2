package hub_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"carillon/hub"
	"carillon/uid"
)

// BenchmarkFanOut is one process that publishes to its own subscribers, and, as far as it keeps up,
// to Redis: one iteration is one commit that all of them have received. So it is also the time from
// a commit to its last subscriber.
func BenchmarkFanOut(b *testing.B) {
	for _, subscribers := range []int{1, 100, 1000, 5000} {
		for _, entries := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("subscribers=%d/commit=%d", subscribers, entries), func(b *testing.B) {
				c := newCluster(b)
				h, _ := c.start(hub.Options{})
				fanOut(b, c, h, h, subscribers, entries)
			})
		}
	}
}

// BenchmarkFanOutThroughRedis is the same with the subscribers in another process.
func BenchmarkFanOutThroughRedis(b *testing.B) {
	for _, subscribers := range []int{1, 1000} {
		for _, entries := range []int{1, 256} {
			b.Run(fmt.Sprintf("subscribers=%d/commit=%d", subscribers, entries), func(b *testing.B) {
				c := newCluster(b)
				here, _ := c.start(hub.Options{})
				there, _ := c.start(hub.Options{})
				fanOut(b, c, here, there, subscribers, entries)
			})
		}
	}
}

func fanOut(b *testing.B, c *cluster, from, to *hub.Hub[entry], subscribers, size int) {
	organization := uid.New(uid.Organization)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ctx, cancel := context.WithCancel(b.Context())
	var all, round sync.WaitGroup

	for range subscribers {
		s, err := to.Subscribe(ctx, organization, -1)
		if err != nil {
			b.Fatal(err)
		}

		all.Go(func() {
			defer s.Close()
			for at := int64(size); ; {
				if _, err := s.Next(ctx); err != nil {
					return
				}

				if s.Cursor() == at {
					at += int64(size)
					round.Done()
				}
			}
		})
	}

	c.listening(":log:"+organization.String(), 1)
	runtime.GC()
	runtime.ReadMemStats(&after)

	for b.Loop() {
		round.Add(subscribers)
		_ = from.Publish(ctx, organization, c.source.commit(organization, size)) // Redis may be slower than one process
		round.Wait()
	}

	b.ReportMetric(float64(b.N*subscribers*size)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(after.HeapAlloc+after.StackInuse-before.HeapAlloc-before.StackInuse)/float64(subscribers),
		"B/subscriber")
	cancel()
	all.Wait()
}

// BenchmarkStream is commits as fast as the subscribers take them, without waiting for each.
func BenchmarkStream(b *testing.B) {
	for _, subscribers := range []int{1, 100, 1000, 5000} {
		b.Run(fmt.Sprintf("subscribers=%d", subscribers), func(b *testing.B) {
			c := newCluster(b)
			h, _ := c.start(hub.Options{})
			stream(b, c, h, subscribers)
		})
	}
}

func stream(b *testing.B, c *cluster, h *hub.Hub[entry], subscribers int) {
	const size, ahead = 16, 512 // entries of a commit, commits until all must have caught up
	organization := uid.New(uid.Organization)
	ctx, cancel := context.WithCancel(b.Context())
	var all, round sync.WaitGroup

	for range subscribers {
		s, err := h.Subscribe(ctx, organization, -1)
		if err != nil {
			b.Fatal(err)
		}

		all.Go(func() {
			defer s.Close()
			for last := int64(0); ; {
				entries, err := s.Next(ctx)
				if err != nil {
					return
				}

				if now := entries[len(entries)-1].Seq() / (size * ahead); now > last {
					last = now
					round.Done()
				}
			}
		})
	}

	for b.Loop() {
		round.Add(subscribers)
		for range ahead {
			_ = h.Publish(ctx, organization, c.source.commit(organization, size)) // Redis is slower than this
		}

		round.Wait()
	}

	b.ReportMetric(float64(b.N*subscribers*size*ahead)/b.Elapsed().Seconds(), "entries/s")
	cancel()
	all.Wait()
}
