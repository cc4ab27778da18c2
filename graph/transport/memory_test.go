package transport_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"carillon/graph/transport"
	"carillon/graph/transport/transporttest"
)

// heap is how many bytes are in use once the garbage is gone.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)

	return int64(m.HeapAlloc)
}

// These measure the memory of the whole process, so they run alone.
func TestDocumentsOfAStrangerTakeNoMemory(t *testing.T) {
	s := serve(t, func(o *transport.Options) {
		o.Owner = func(ctx context.Context) any { return transporttest.Caller(ctx) }
	})
	post := func(document string) string {
		r := httptest.NewRequest("POST", "/", strings.NewReader(operation(document)))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, r)

		return w.Body.String()
	}

	pad := func(document string, to int) string { return document + " #" + strings.Repeat("y", to-len(document)-2) }
	post("{hello}")
	before := heap()

	for i := range 1000 {
		documents := map[string]string{"large": pad(fmt.Sprintf(`{hello(name: "%d")}`, i), 128<<10),
			"dense": fmt.Sprintf(`{e%d: echo(texts: [%s])}`, i, strings.Repeat(`"",`, 2600))}
		if i < 200 {
			documents["refused"] = pad(fmt.Sprintf(`{n%d: nodes(ids: [%s]) {id}}`, i, strings.Repeat(`"0123456789",`, 4900)),
				128<<10)
		}

		for name, document := range documents {
			if answer := post(document); strings.Contains(answer, `"data"`) == (name == "refused") {
				t.Fatalf("%s: %.300s", name, answer)
			}
		}
	}

	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("2,200 documents of a stranger take %d MiB", grown>>20)
	}
}

// What one caller asks for again and again stays known however many documents others bring.
func TestAStrangerPushesOutNobodysDocuments(t *testing.T) {
	s := serve(t, func(o *transport.Options) {
		o.Owner = func(ctx context.Context) any { return transporttest.Caller(ctx) }
		o.Memory = 16 << 20
	})

	const query = "{hello whoami}"
	s.query(t, query)
	s.send(t, "POST", "/", persisted(query, sha256Hex(query)), asJSON, alice)
	for i := range 3000 {
		document := fmt.Sprintf(`{e%d: echo(texts: [%s])}`, i, strings.Repeat(`"",`, 300))
		s.send(t, "POST", "/", persisted(document, sha256Hex(document)), asJSON)
	}

	if a := s.send(t, "POST", "/", persisted("", sha256Hex(query)), asJSON, alice); a.code() != "" {
		t.Errorf("%s", a.text)
	}
}

func TestSubscriptionsOfASocketThatIsNotReadTakeNoMemory(t *testing.T) {
	s := serve(t, func(o *transport.Options) { o.Websocket.WriteTimeout = time.Minute })
	other := s.connect(t)
	other.subscribe("a", "subscription { ticks(everyMs: 1) { seq } }")
	other.wants("next")
	before := heap()
	const answer = 250_000

	for range 10 {
		p := s.connect(t)
		for i := range 100 {
			p.subscribe(fmt.Sprint(i), fmt.Sprintf("subscription { ticks(everyMs: 0, padding: %d) { padding } }", answer))
		}
	}

	for range 1000 {
		other.wants("next") // goes on
	}

	// On each of 10 sockets wait 1 MiB, a frame on its way, and 4 answers in the making, at first
	// still under the impression that they are small.
	if grown := heap() - before; grown > 10*(1<<20+10*answer) {
		t.Errorf("1,000 subscriptions on 10 sockets that are not read take %d MiB", grown>>20)
	}
}

// A large answer that has left leaves nothing behind.
func TestSubscriptionsKeepNothingOfALargeAnswer(t *testing.T) {
	s := serve(t, nil)
	p := s.connect(t)
	before := heap()
	for i := range 100 {
		p.subscribe(fmt.Sprint(i), "subscription { ticks(everyMs: 1000000, padding: 1000000) { padding } }")
		p.wants("next")
	}

	if grown := heap() - before; grown > 20<<20 {
		t.Errorf("100 subscriptions that wait keep %d MiB", grown>>20)
	}
}
