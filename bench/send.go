package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/whatsapp"
)

// benchSend is messages a second from the queue to the settled row, beside a bare loop that posts
// the same to the same sandbox.
func benchSend(ctx context.Context, o options) error {
	latencies := []time.Duration{0, 50 * time.Millisecond}
	if o.latency >= 0 {
		latencies = []time.Duration{o.latency}
	}

	for _, store := range o.stores {
		for _, latency := range latencies {
			if err := sendOnce(ctx, o, store, latency); err != nil {
				return fmt.Errorf("%s, %s: %w", store, latency, err)
			}
		}
	}

	return nil
}

func sendOnce(ctx context.Context, o options, store string, latency time.Duration) error {
	n := o.count(60_000)
	box, err := startSandbox(latency, "")
	if err != nil {
		return err
	}

	defer box.stop()
	url, sandbox := box.url, box.pid()
	s, err := setStage(ctx, store, url, nil)
	if err != nil {
		return err
	}

	defer s.close()
	if _, err := s.fill(ctx, o.rows); err != nil {
		return err
	}

	if o.marketing {
		if err := s.template.Update().SetCategory(enum.TemplateCategoryMarketing).Exec(s.system); err != nil {
			return err
		}
	}

	c, err := s.enrolled(n)
	if err != nil {
		return err
	}

	begun := s.spent(ctx, sandbox)
	before, err := bareSends(ctx, url, n, inFlight(latency))
	if err != nil {
		return err
	}

	bareCost := s.spent(ctx, sandbox).minus(begun)
	profiled, err := startProfile(o.profile)
	if err != nil {
		return err
	}

	f, cost, err := s.timed(ctx, sandbox, c, n)
	profiled()
	if err != nil {
		return err
	}

	f["store"], f["latency_ms"], f["rows"], f["marketing"] = store, latency.Milliseconds(), o.rows, o.marketing
	after, err := bareSends(ctx, url, n, inFlight(latency))
	if err != nil {
		return err
	}

	bare, thousands := (before+after)/2, float64(n)/1000
	f["bare_per_second"], f["ratio"] = bare, float64(n)/f["seconds"].(float64)/bare
	f["cpu_ratio"] = bareCost.all().Seconds() / cost.all().Seconds()
	f["database_cpu_seconds_per_1000"], f["sandbox_cpu_seconds_per_1000"] = cost.database.Seconds()/thousands,
		cost.sandbox.Seconds()/thousands
	f["bare_cpu_seconds_per_1000"], f["bare_sandbox_cpu_seconds_per_1000"] = bareCost.own.Seconds()/thousands,
		bareCost.sandbox.Seconds()/thousands
	if err := s.verified(o.rows); err != nil {
		return err
	}

	return f.print("send")
}

// timed sends the campaign's n messages.
func (s *stage) timed(ctx context.Context, sandbox int, c *ent.Campaign, n int) (figures, spent, error) {
	begun, costs := s.spent(ctx, sandbox), costNow()
	ends := s.work()
	defer ends()
	s.tasks.WakeLane(ctx, s.number.ID)
	err := s.until(ctx, c.ID, func(c *ent.Campaign) bool { return c.Accepted == n })

	return figures{}.since(costs, n), s.spent(ctx, sandbox).minus(begun), err
}

// spent is CPU time: of this process, of PostgreSQL for this store, and of the sandbox's process.
type spent struct{ own, database, sandbox time.Duration }

func (s *stage) spent(ctx context.Context, sandbox int) spent {
	return spent{cpuOf(os.Getpid()), s.serverCPU(ctx), cpuOf(sandbox)}
}

func (s spent) minus(o spent) spent {
	return spent{s.own - o.own, s.database - o.database, s.sandbox - o.sandbox}
}

func (s spent) all() time.Duration { return s.own + s.database + s.sandbox }

// inFlight is as many requests as a lane allows itself at that latency.
func inFlight(latency time.Duration) int {
	if latency < time.Millisecond {
		return 32
	}
	return 1024
}

// bareSends posts n messages with nothing around it, and says how many a second that were.
func bareSends(ctx context.Context, url string, n, atOnce int) (perSecond float64, err error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce, DisableCompression: true}}
	defer client.CloseIdleConnections()
	example, err := whatsapp.Message{To: "+14162000000",
		BizOpaqueCallbackData: whatsapp.CallbackData("msg_01k9zqj4y3e8r5t7w2x0000000", 1),
		Template: &whatsapp.TemplateMessage{Name: "hello", Language: "en_US",
			Components: []whatsapp.MessageComponent{{Type: "body",
				Parameters: []whatsapp.MessageParameter{{Type: "text", Text: "Person 12345"}}}}}}.MarshalJSON()
	if err != nil {
		return 0, err
	}

	var next atomic.Int64
	var failed atomic.Value
	var g sync.WaitGroup
	begun := time.Now()

	for range atOnce {
		g.Go(func() {
			for {
				i := int(next.Add(1))
				if i > n || ctx.Err() != nil {
					return
				}

				body := bytes.Replace(example, []byte("3032000000"), []byte("303"+strconv.Itoa(2_000_000+i)), 1)
				r, _ := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v26.0/"+metaNumber+"/messages",
					bytes.NewReader(body))
				r.Header.Set("Authorization", "Bearer "+token)
				r.Header.Set("Content-Type", "application/json")
				w, err := client.Do(r)
				if err != nil {
					failed.Store(err)
					return
				}

				_, _ = io.Copy(io.Discard, w.Body)
				_ = w.Body.Close()
				if w.StatusCode != http.StatusOK {
					failed.Store(fmt.Errorf("the sandbox answers %s", w.Status))
				}
			}
		})
	}

	g.Wait()
	if err, is := failed.Load().(error); is {
		return 0, fmt.Errorf("bare loop: %w", err)
	}

	return float64(n) / time.Since(begun).Seconds(), ctx.Err()
}
