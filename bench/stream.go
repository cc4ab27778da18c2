package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/message"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// idleConns is how many connections wait for the next webhook.
const idleConns = 64

// accepted makes n messages that have been accepted, with nobody at work on them.
func (p *program) accepted(ctx context.Context, n int) ([]uid.ID, error) {
	system := caller.System(ctx)
	s := &stage{store: p.store, system: system}
	s.queue = delivery.NewQueue(p.db, nil, silence{}, database.Now)
	number := p.db.Client.PhoneNumber.Query().OnlyX(system)
	template := p.db.Client.Template.Query().OnlyX(system)
	var ids []uid.ID

	for from := 0; from < n; from += 1000 {
		err := p.db.InTx(system, func(tx *database.Tx) error {
			messages := make([]delivery.Outgoing, min(1000, n-from))
			for i := range messages {
				messages[i] = delivery.Outgoing{Template: template.ID, PhoneNumber: number.ID, Account: number.AccountID,
					Address: fmt.Sprintf("+1416%d", 2_000_000+from+i), Country: "CA",
					Type: "TEMPLATE", Category: "UTILITY"}
			}

			made, err := s.queue.Enqueue(system, tx, p.organization, messages, func() error {
				_, err := tx.ExecContext(system,
					"UPDATE message SET status = 'ACCEPTED', accepted_at = created_at, attempts = 1 WHERE status = 'QUEUED'")
				return err
			})

			ids = append(ids, made...)

			return err
		})
		if err != nil {
			return nil, err
		}
	}

	return p.db.Client.Message.Query().Where(message.StatusEQ("ACCEPTED")).Order(ent.Asc(message.FieldID)).IDs(system)
}

type silence struct{}

func (silence) Publish(context.Context, uid.ID, []delivery.Event) {}
func (silence) Notify(context.Context, uid.ID, ...uid.ID)         {}

// benchLatency is how long it takes from a webhook's arrival to a subscriber's socket, at several
// rates.
func benchLatency(ctx context.Context, o options) error {
	for _, store := range o.stores {
		for _, rate := range []int{100, 1000, 4000} {
			if err := latencyOnce(ctx, store, rate, o.count(5)); err != nil {
				return fmt.Errorf("%s at %d a second: %w", store, rate, err)
			}
		}
	}

	return nil
}

func latencyOnce(ctx context.Context, store string, rate, seconds int) error {
	p, err := startProgram(ctx, store, sandbox.Options{Throughput: 80})
	if err != nil {
		return err
	}

	defer p.close()
	n, each := rate*seconds, max(1, rate/1000) // as Meta does, which puts several statuses into one post when it is busy
	ids, err := p.accepted(ctx, n)
	if err != nil {
		return err
	}

	conn, err := p.subscribe(ctx)
	if err != nil {
		return err
	}

	defer conn.Close()
	var mu sync.Mutex
	sent := make(map[string]time.Time, n)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: idleConns}}
	defer client.CloseIdleConnections()
	var failures atomic.Int64
	var g sync.WaitGroup
	defer g.Wait()

	g.Go(func() {
		tick := time.NewTicker(time.Second * time.Duration(each) / time.Duration(rate))
		defer tick.Stop()
		for from := 0; from < n; from += each {
			var statuses []string
			some := ids[from:min(from+each, n)]
			for i, id := range some {
				statuses = append(statuses, statusOf(id, from+i, "sent"))
			}

			posted := sign(statuses)
			<-tick.C
			mu.Lock()
			for _, id := range some {
				sent[id.String()] = time.Now()
			}

			mu.Unlock()
			g.Go(func() {
				if post(ctx, client, p.url+"/webhooks/whatsapp", posted) != nil {
					failures.Add(1)
				}
			})
		}
	})

	took, err := follow(conn, n, func(id string) time.Time { mu.Lock(); defer mu.Unlock(); return sent[id] })
	if err != nil {
		return err
	}

	slices.Sort(took)
	f := figures{"store": store, "events_per_second": rate, "n": n, "failed_posts": failures.Load()}
	for name, share := range map[string]float64{"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1} {
		f[name] = float64(took[min(n-1, int(float64(n)*share))].Microseconds()) / 1000
	}

	return f.print("latency")
}

// follow reads n events and says how long each took since its webhook was sent.
func follow(conn *websocket.Conn, n int, sent func(id string) time.Time) (took []time.Duration, err error) {
	for len(took) < n {
		text, err := nextFrame(conn)
		if err != nil {
			return nil, err
		}

		at := time.Now()
		var frame struct {
			Payload struct {
				Data struct {
					DeliveryEvents struct {
						Events []struct{ Message identified }
					}
				}
			}
		}
		if text == nil {
			continue
		}
		if err := json.Unmarshal(text, &frame); err != nil {
			return nil, err
		}

		for _, e := range frame.Payload.Data.DeliveryEvents.Events {
			took = append(took, at.Sub(sent(e.Message.ID)))
		}
	}

	return took, nil
}

// benchFanout is how many events a second one process delivers to its subscribers, and what a
// subscriber costs in memory.
func benchFanout(ctx context.Context, o options) error {
	for _, subscribers := range []int{1, 100, 1000, 5000} {
		if o.n > 0 && subscribers > o.n {
			break
		}
		if err := fanoutOnce(ctx, o.stores[0], subscribers); err != nil {
			return fmt.Errorf("%d subscribers: %w", subscribers, err)
		}
	}

	return nil
}

func fanoutOnce(ctx context.Context, store string, subscribers int) error {
	p, err := startProgram(ctx, store, sandbox.Options{Throughput: 80})
	if err != nil {
		return err
	}

	defer p.close()
	n := max(500, min(20_000, 500_000/subscribers)) // events
	ids, err := p.accepted(ctx, n)
	if err != nil {
		return err
	}

	pid := p.processes[0].Process.Pid
	restedBefore := atRest(ctx, pid)
	conns := make([]*websocket.Conn, subscribers)

	for i := range conns {
		if conns[i], err = p.subscribe(ctx); err != nil {
			return err
		}

		defer conns[i].Close()
	}

	idle := residentMiB(pid)
	var readers errgroup.Group

	for _, conn := range conns {
		readers.Go(func() error {
			for seen := 0; seen < n; {
				frame, err := nextFrame(conn)
				if err != nil {
					return err
				}

				seen += eventsIn(frame)
			}

			return nil
		})
	}

	rested := atRest(ctx, pid)
	var busy float64
	begun, cpu := time.Now(), cpuOf(pid)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: idleConns}}
	defer client.CloseIdleConnections()
	var statuses []string

	for i, id := range ids {
		if statuses = append(statuses, statusOf(id, i, "sent")); len(statuses) == 50 || i == len(ids)-1 {
			if err := post(ctx, client, p.url+"/webhooks/whatsapp", sign(statuses)); err != nil {
				return err
			}

			statuses, busy = nil, max(busy, residentMiB(pid))
		}
	}

	if err := readers.Wait(); err != nil {
		return err
	}

	took := time.Since(begun)
	f := figures{"store": store, "subscribers": subscribers, "events": n,
		"deliveries_per_second": float64(n*subscribers) / took.Seconds(), "seconds": took.Seconds(),
		"cpu_seconds":               (cpuOf(pid) - cpu).Seconds(),
		"kib_per_idle_connection":   (idle - restedBefore) * 1024 / float64(subscribers),
		"kib_per_rested_connection": (rested - restedBefore) * 1024 / float64(subscribers),
		"kib_per_busy_connection":   (max(busy, residentMiB(pid)) - restedBefore) * 1024 / float64(subscribers)}

	return f.print("fanout")
}

// atRest is the memory of a process that was left alone until it has given back what it does not
// need: it looks every ten seconds.
func atRest(ctx context.Context, pid int) float64 {
	least := residentMiB(pid)
	for range 25 {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}

		least = min(least, residentMiB(pid))
	}

	return least
}
