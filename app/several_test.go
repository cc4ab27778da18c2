package app_test

import (
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"carillon/database/dbtest"
)

// balancer stands at the service's address and gives each request and socket to any of the
// processes behind it.
type balancer struct {
	mu     sync.Mutex
	behind []string
}

func (s *service) balance() *balancer {
	s.t.Helper()
	b := &balancer{}
	l, err := net.Listen("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}

	server := &http.Server{Handler: &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			b.mu.Lock()
			defer b.mu.Unlock()
			r.SetURL(&url.URL{Scheme: "http", Host: b.behind[rand.N(len(b.behind))]})
		}}}

	over := make(chan error, 1)
	go func() { over <- server.Serve(l) }()
	s.t.Cleanup(func() { _ = server.Close(); <-over })

	return b
}

func (b *balancer) add(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.behind = append(b.behind, address)
}

// drop takes any of the processes out.
func (b *balancer) drop() (address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := rand.N(len(b.behind))
	address = b.behind[i]
	b.behind = append(append([]string{}, b.behind[:i]...), b.behind[i+1:]...)

	return address
}

func measureOfSeveral() chaos {
	c := measureOfChaos()
	c.readers = 12
	if os.Getenv(chaosVariable) != "long" {
		c.recipients, c.blows, c.readers = 200, 2, 6
	}

	return c
}

// Three processes serve and two work, each hearing of the others through Redis alone. Subscribers
// come and go at any of them.
func TestEverySubscriberOfSeveralProcessesSeesEveryEventOnce(t *testing.T) {
	t.Parallel()
	redis, dsn := dbtest.OwnRedis(t), dbtest.Postgres(t)
	c := measureOfSeveral()
	sky := c.sky()
	sky.LoseAnswers = 0 // nor does a worker die: neither is news to a subscriber, and both take time
	s := deploy(t, dsn, sky)
	b, shared := s.balance(), []string{"REDIS_URL=" + redis.URL, "ENCRYPTION_KEY=" + testKey}
	kill := map[string]func(os.Signal){}

	serve := func() (address string) {
		address = freeAddress(t)
		kill[address] = s.start("serve", append(shared, "HTTP_ADDR="+address)...)
		return address
	}

	hears := func(address string) { s.readyAt("http://" + address); b.add(address) }
	hears(serve()) // alone at first: it brings the database up to date
	for _, address := range []string{serve(), serve()} {
		hears(address)
	}

	for range 2 {
		s.start("work", append(shared, "HTTP_ADDR=127.0.0.1:0")...)
	}

	s.endure(c, map[string]func(){
		"kill -9 of one of three APIs": func() { kill[b.drop()](syscall.SIGKILL); hears(serve()) },
		"Redis is killed, and back": func() {
			redis.Kill()
			_ = s.sandbox.WaitIdle(t.Context()) // nothing is sent meanwhile; the receipts of what was sent are found by the poll
			redis.Start()
			now := time.Now()
			s.back.Store(&now)
		},
	})
}
