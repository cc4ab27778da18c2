package graph_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/graph"
	"carillon/hub"
)

// Each socket follows the log and a campaign, and its connection breaks without a goodbye: reset,
// or ended as by a proxy that dies.
func TestSocketsThatVanishLeaveNoGoroutineAndNoSubscription(t *testing.T) {
	t.Parallel()
	sockets, most := 300, 300 // in all, and at a time
	if os.Getenv("CARILLON_TEST_CHAOS") == "long" {
		var files syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
			t.Fatal(err)
		}

		sockets, most = 10_000, min(10_000, int(files.Cur)/2-500) // both ends are here
	}

	var gone atomic.Int64
	var s *stage
	client, prefix := dbtest.Redis(t)

	// what is started here, and what that starts
	pprof.Do(t.Context(), pprof.Labels("of", t.Name()), func(context.Context) {
		db := dbtest.Open(t, dbtest.SQLite(t))
		s = stand(t, db, func(d *graph.Deps) {
			d.Hub = hub.New(client, prefix, hub.Source[delivery.Event](d.Log), hub.Options{})
			d.Transport.OnDisconnect = func(context.Context, int) { gone.Add(1) }
			d.Transport.Websocket.PingInterval = 5 * time.Minute
		})

		s.hub = s.deps.Hub
		s.run(s.hub.Run)
	})

	o := s.signUp().open(1)
	c := o.campaign("Spring")
	ids := o.queued(c, 3)

	heard := func() int {
		all, err := client.PubSubChannels(t.Context(), "*"+prefix+"*"+o.org.String()).Result()
		if err != nil {
			t.Fatal(err)
		}

		return len(all)
	}

	s.server.Client().CloseIdleConnections()
	s.eventually("no request is under way", func() bool { return goroutines(t, "ServeHTTP") == 0 })
	before := goroutines(t, "")

	for done := 0; done < sockets; done += most {
		wave := make([]*socket, min(most, sockets-done))
		for i := range wave {
			wave[i] = o.dial()
			wave[i].subscribe(follow, vars{})
			wave[i].result()
			wave[i].send(vars{"id": "2", "type": "subscribe",
				"payload": vars{"query": progress, "variables": vars{"id": c.String()}}})
			wave[i].result()
		}

		s.eventually("Redis is listened to", func() bool { return heard() == 2 })
		for i, ws := range wave {
			if tcp, ok := ws.conn.NetConn().(*net.TCPConn); ok && i%2 == 0 {
				_ = tcp.SetLinger(0) // a reset
			}

			_ = ws.conn.NetConn().Close()
			if i == len(wave)/2 && done == 0 {
				o.record(delivery.Accepted, ids...) // which is written to some that are gone
			}
		}

		s.eventually("all are gone", func() bool { return gone.Load() == int64(done+len(wave)) })
	}

	s.eventually("Redis is listened to no more", func() bool { return heard() == 0 })
	s.server.Client().CloseIdleConnections()
	s.eventually("every goroutine has ended", func() bool { return goroutines(t, "") <= before })
}

// eventually waits for what gives no signal.
func (s *stage) eventually(what string, holds func() bool) {
	s.t.Helper()
	look, give := time.NewTicker(10*time.Millisecond), time.After(time.Minute)
	defer look.Stop()

	for !holds() {
		select {
		case <-look.C:
		case <-give:
			s.t.Fatalf("waited too long until %s", what)
		}
	}
}

var group = regexp.MustCompile(`(?m)^([0-9]+) @`)

// goroutines are how many there are of this test, in a function if one is named.
func goroutines(t *testing.T, in string) (n int) {
	t.Helper()
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		t.Fatal(err)
	}

	for part := range strings.SplitSeq(text.String(), "\n\n") {
		if m := group.FindStringSubmatch(part); m != nil && strings.Contains(part, fmt.Sprintf("%q:%q", "of", t.Name())) &&
			strings.Contains(part, in) {
			count, _ := strconv.Atoi(m[1])
			n += count
		}
	}

	return n
}
