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

	"carillon/caller"
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
	if grown > 96<<20 { // a batch has up to 600 KiB here: 500 that are made at once would have some 280 MiB
		t.Errorf("500 replays on 5 sockets that are not read take %d MiB", grown>>20)
	}
}

// settled waits until nothing is read from the database any more, and gives the bytes that are in
// use then, once the garbage is gone. It waits longer than a subscription rests between two looks.
func (s *stage) settled() int64 {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for last, quiet := s.statements.Load(), 0; quiet < 12; quiet++ {
		<-tick.C
		if now := s.statements.Load(); now != last {
			last, quiet = now, 0
		}
	}

	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)

	return int64(m.HeapAlloc)
}

// notRead opens sockets that begin so many subscriptions each, waits until each has had its first
// answer, and reads no more. poke makes such an answer for all who have begun.
func (s *stage) notRead(o *shop, sockets, subscriptions int, document string, poke func()) {
	s.t.Helper()
	slow := make([]*socket, sockets)
	for i := range slow {
		slow[i] = o.dial()
		for n := range subscriptions {
			slow[i].send(vars{"id": fmt.Sprint(n), "type": "subscribe", "payload": vars{"query": document}})
		}
	}

	stop, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()

		for {
			poke()
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()

	for _, ws := range slow {
		for heard := map[string]bool{}; len(heard) < subscriptions; {
			f := ws.next()
			if f.Type != "next" {
				s.t.Fatalf("%+v", f)
			}

			heard[f.ID] = true
		}
	}

	close(stop)
	<-over
}

// Messages that people write wait to be read as well. It measures the memory of the whole process,
// so it runs alone.
func TestMessagesReceivedThatAreNotReadTakeLittleMemory(t *testing.T) {
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
	o := s.signUp().open(1)
	other := o.dial()
	poke := func() { o.hear("poke "+uid.New(uid.Message).String(), o.number) }
	s.notRead(o, 5, 40, `subscription { messageReceived { text } }`, poke)
	other.subscribe(`subscription { messageReceived { text } }`, vars{})
	begun([]*socket{other}, func(int) { poke() }, func() func(answer) bool {
		o.hear("ready", o.number)
		return func(a answer) bool { return a.text("messageReceived.text") == "ready" }
	})

	before := s.settled()
	for i := range 24 {
		text := fmt.Sprint(i, strings.Repeat("y", 100<<10))
		o.hear(text, o.number)
		if got := other.result().text("messageReceived.text"); got != text {
			t.Fatalf("message %d is %.20s", i, got)
		}
	}

	grown := s.settled() - before
	t.Logf("%d MiB", grown>>20)
	if grown > 32<<20 {
		t.Errorf("messages for 200 subscriptions on 5 sockets that are not read take %d MiB", grown>>20)
	}
}

// The same for templates that change all at once.
func TestChangesThatAreNotReadTakeLittleMemory(t *testing.T) {
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
	o := s.signUp().open(1)
	system := caller.System(o.ctx)
	const document = `subscription { statusChanged { ... on Template { name status components { json } } ... on Campaign { state: status } } }`
	small := []byte(`[{"type":"BODY","text":"y"}]`) // until they change: each subscription reads them all as it begins
	large := []byte(`[{"type":"BODY","text":"` + strings.Repeat("y", 80<<10) + `"}]`)
	templates := make([]uid.ID, 30)

	for i := range templates {
		templates[i] = s.db.Client.Template.Create().SetOrganizationID(o.org).SetAccountID(o.account.ID).
			SetMetaID(fmt.Sprint("t", i)).SetName(fmt.Sprint("template_", i)).SetLanguage("en_US").
			SetCategory(enum.TemplateCategoryMarketing).SetStatus(enum.TemplateStatusApproved).SetComponents(small).
			SaveX(system).ID
	}

	c, pokes := o.campaign("Poked"), 0
	poke := func() {
		pokes++
		status := []enum.CampaignStatus{enum.CampaignStatusPaused, enum.CampaignStatusRunning}[pokes%2]
		_ = s.db.Client.Campaign.UpdateOneID(c).SetStatus(status).Exec(system) // fails once the test is over
		s.Notify(o.ctx, o.org, c)
	}

	s.notRead(o, 3, 10, document, poke)
	other := o.dial()
	other.subscribe(document, vars{})
	s.hearsChanges(o, other)
	before := s.settled()
	s.db.Client.Template.Update().SetStatus(enum.TemplateStatusPaused).SetComponents(large).ExecX(system)
	s.Notify(o.ctx, o.org, templates...)

	for range templates {
		if a := other.result(); a.text("statusChanged.status") != "PAUSED" || !strings.Contains(a.whole(), "yyyyyyyy") {
			t.Fatalf("%.200v", a)
		}
	}

	grown := s.settled() - before
	t.Logf("%d MiB", grown>>20)
	if grown > 24<<20 {
		t.Errorf("changes for 30 subscriptions on 3 sockets that are not read take %d MiB", grown>>20)
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
