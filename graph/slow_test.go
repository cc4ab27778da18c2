package graph_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
)

const heavy = `subscription($after: Cursor) { deliveryEvents(after: $after) { cursor events { sequence message { id text to status template { name components { json } } contact { name phone }
	a: events { sequence status at recordedAt } b: events { sequence status at recordedAt } c: events { sequence status at recordedAt } d: events { sequence status at recordedAt } } } } }`

// A batch is bounded by its bytes as well as by its number, and nothing is lost where it is parted.
func TestBatchesOfLargeEventsAreSmaller(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		start := o.must(`{ deliveryEvents { cursor } }`).text("deliveryEvents.cursor")
		const n = 900
		o.record(delivery.Accepted, o.queued(uid.ID{}, n)...)
		live := o.dial()
		live.subscribe(heavy, vars{"after": start})
		largest, from := 0, 1

		for batches := 0; from <= n; batches++ {
			f := live.next()
			if f.Type != "next" {
				t.Fatalf("%+v", f)
			}
			if batches > 0 { // by the first it learns
				largest = max(largest, len(f.Payload))
			}

			events := strings.Count(string(f.Payload), `"message":`)
			if !strings.Contains(string(f.Payload), fmt.Sprintf(`"sequence":%d,"message"`, from)) || events > 256 {
				t.Fatalf("a batch of %d does not begin with %d: %.200s", events, from, f.Payload)
			}

			from += events
		}

		if largest > 600<<10 {
			t.Errorf("a batch has %d KiB", largest>>10)
		}
	})
}

// Subscriptions on sockets that are not read wait to be made, and hold up nobody else's. It
// measures the memory of the whole process, so it runs alone.
func TestReplaysThatAreNotReadTakeLittleMemory(t *testing.T) {
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
	o := s.signUp().open(3)
	start := o.must(`{ deliveryEvents { cursor } }`).text("deliveryEvents.cursor")
	o.record(delivery.Accepted, o.queued(uid.ID{}, 600)...)
	other := o.dial()
	other.subscribe(follow, vars{})
	other.result()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)

	for range 5 {
		slow := o.dial()
		for i := range 100 {
			slow.send(vars{"id": fmt.Sprint(i), "type": "subscribe",
				"payload": vars{"query": heavy, "variables": vars{"after": start}}})
		}
	}

	for i := range 20 {
		o.record(delivery.Sent, o.queued(uid.ID{}, 1)...)
		if numbers, _ := other.sequences(1); numbers[0] != 601+i {
			t.Fatalf("event %d, want %d", numbers[0], 601+i)
		}
	}

	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d MiB", grown>>20)
	if grown > 64<<20 {
		t.Errorf("500 replays on 5 sockets that are not read take %d MiB", grown>>20)
	}
}

// Who may not import does not get to send a file, and is told so before it has come.
func TestAViewerSendsNoFile(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().open(1)
	viewer := o.key(enum.RoleViewer)
	body, w := io.Pipe()
	defer w.CloseWithError(errors.New("gone"))
	form := multipart.NewWriter(w)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL, body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+viewer.token)

	go func() {
		_ = form.WriteField("operations",
			`{"query":"mutation($f: Upload!) { importContacts(input: {file: $f}) { contactImport { id } } }","variables":{"f":null}}`)
		_ = form.WriteField("map", `{"0":["variables.f"]}`)
		part, _ := form.CreateFormFile("0", "people.csv")
		_, _ = io.WriteString(part, "phone\n")
	}()

	answered := make(chan string, 1)
	go func() {
		resp, err := s.server.Client().Do(req)
		if err != nil {
			answered <- err.Error()
			return
		}

		defer resp.Body.Close()
		var text bytes.Buffer
		_, _ = text.ReadFrom(resp.Body)
		answered <- text.String()
	}()

	select {
	case text := <-answered:
		if !strings.Contains(text, "FORBIDDEN") {
			t.Error(text)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits for the file")
	}
}
