package dbtest

import (
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Wire is a TCP proxy before a server. It can be cut, and it can hang: then connections stay, and
// nothing comes through.
type Wire struct {
	URL string // the server's, by way of the wire

	listener net.Listener
	server   string

	mu      sync.Mutex
	through *sync.Cond
	hanging bool
	cut     bool
	open    map[net.Conn]struct{}
}

// NewWire lays a wire before the server of a URL, such as those that Redis and Postgres give.
func NewWire(t testing.TB, server string) *Wire {
	t.Helper()
	u := must(url.Parse(server))
	w := &Wire{listener: must(net.Listen("tcp", "127.0.0.1:0")), server: u.Host, open: map[net.Conn]struct{}{}}
	w.through = sync.NewCond(&w.mu)
	w.URL = strings.Replace(server, u.Host, w.listener.Addr().String(), 1)

	var ends sync.WaitGroup
	ends.Go(func() { w.accept(&ends) })

	t.Cleanup(func() {
		_ = w.listener.Close()
		w.set(func() { w.cut, w.hanging = true, false })
		ends.Wait()
	})

	return w
}

// Cut ends all connections, and those that come.
func (w *Wire) Cut() { w.set(func() { w.cut, w.hanging = true, false }) }

// Hang lets nothing through any more. New connections are taken, and get no answer.
func (w *Wire) Hang() { w.set(func() { w.hanging = true }) }

// Mend lets everything through again, also what was held back.
func (w *Wire) Mend() { w.set(func() { w.cut, w.hanging = false, false }) }

func (w *Wire) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()

	if w.cut {
		for c := range w.open {
			_ = c.Close()
		}
	}

	w.through.Broadcast()
}

func (w *Wire) accept(ends *sync.WaitGroup) {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}

		far, err := net.Dial("tcp", w.server)
		if err != nil || !w.enter(near, far) {
			_ = near.Close()
			continue
		}

		ends.Go(func() { w.pump(near, far) })
		ends.Go(func() { w.pump(far, near) })
	}
}

func (w *Wire) enter(both ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range both {
		if w.cut {
			_ = c.Close()
			continue
		}

		w.open[c] = struct{}{}
	}

	return !w.cut
}

// pump carries bytes one way, and closes both ends when that is over.
func (w *Wire) pump(from, to net.Conn) {
	defer func() {
		_, _ = from.Close(), to.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.open, from)
	}()

	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		w.mu.Lock()
		for w.hanging {
			w.through.Wait()
		}

		w.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}

		if err != nil {
			return
		}
	}
}
