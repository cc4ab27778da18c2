package graph_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/graph"
	"carillon/hub"
	"carillon/uid"
)

const follow = `subscription($after: Cursor, $filter: DeliveryEventFilter) { deliveryEvents(after: $after, filter: $filter) { events { sequence status message { id to } } cursor } }`

// sequences reads events until n have come, and gives their numbers and the last cursor.
func (s *socket) sequences(n int) (numbers []int, cursor string) {
	s.t.Helper()
	for len(numbers) < n {
		a := s.result()
		cursor = a.text("deliveryEvents.cursor")
		for i := range a.list("deliveryEvents.events") {
			numbers = append(numbers, int(a.at(fmt.Sprintf("deliveryEvents.events.%d.sequence", i)).(float64)))
		}
	}

	return numbers, cursor
}

func checkDense(t *testing.T, numbers []int, from, to int) {
	t.Helper()
	for i, n := range numbers {
		if n != from+i {
			t.Fatalf("event %d has the number %d, want %d: %v", i, n, from+i, numbers)
		}
	}

	if len(numbers) != to-from+1 {
		t.Fatalf("got %d events, want those from %d to %d", len(numbers), from, to)
	}
}

func TestDeliveryEventsBeginWithTheirPlace(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		before := o.queued(uid.ID{}, 2)
		o.record(delivery.Accepted, before...)
		live := o.dial()
		live.subscribe(follow, vars{})
		first := live.result()
		if len(first.list("deliveryEvents.events")) != 0 {
			t.Fatalf("the first batch is %v", first.Data)
		}

		o.record(delivery.Sent, before...)
		numbers, last := live.sequences(2)
		checkDense(t, numbers, 3, 4)

		again := o.dial()
		again.subscribe(follow, vars{"after": first.text("deliveryEvents.cursor")})
		numbers, cursor := again.sequences(2)
		checkDense(t, numbers, 3, 4)
		if cursor != last {
			t.Errorf("the same place has the cursors %s and %s", cursor, last)
		}
	})
}

func TestDeliveryEventsHaveNoSeam(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		const n = 400
		ids := o.queued(uid.ID{}, n)
		o.record(delivery.Accepted, ids[:100]...)
		start := o.must(`{ deliveryEvents(first: 10) { events { sequence } cursor } }`)
		if len(start.list("deliveryEvents.events")) != 10 {
			t.Fatalf("got %v", start.Data)
		}

		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, id := range ids[100:] {
				_, err := o.journal.Record(caller.System(context.WithoutCancel(o.ctx)),
					delivery.Fact{Message: id, Kind: delivery.Accepted, At: database.Now()})
				if err != nil {
					t.Error(err)
				}
			}
		}()

		readers := make([]*socket, 3)
		for i := range readers {
			readers[i] = o.dial()
			readers[i].subscribe(follow, vars{"after": start.text("deliveryEvents.cursor")})
		}

		for _, r := range readers {
			numbers, _ := r.sequences(n - 10)
			checkDense(t, numbers, 11, n)
		}

		<-done
		cursor, numbers := any(nil), []int{}

		for {
			a := o.must(`query($after: Cursor) { deliveryEvents(after: $after, first: 150) { events { sequence } cursor } }`,
				vars{"after": cursor})
			for i := range a.list("deliveryEvents.events") {
				numbers = append(numbers, int(a.at(fmt.Sprintf("deliveryEvents.events.%d.sequence", i)).(float64)))
			}

			if a.at("deliveryEvents.cursor") == cursor {
				break
			}

			cursor = a.at("deliveryEvents.cursor")
		}

		checkDense(t, numbers, 1, n)
	})
}

func TestDeliveryEventFilters(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		c := o.campaign("Spring")
		single, sent := o.queued(uid.ID{}, 1), o.queued(c, 1)

		filters := map[string]struct {
			filter vars
			want   []int
		}{
			"campaign":           {vars{"campaignId": c.String()}, []int{2, 4}},
			"message":            {vars{"messageId": single[0].String()}, []int{1, 3}},
			"status":             {vars{"status": []string{"SENT"}}, []int{3, 4}},
			"status and message": {vars{"status": []string{"SENT"}, "messageId": sent[0].String()}, []int{4}},
			"template and number": {vars{"templateId": o.template.ID.String(), "phoneNumberId": o.number.ID.String(),
				"status": []string{"ACCEPTED"}}, []int{1, 2}},
		}

		sockets := map[string]*socket{}
		for name, f := range filters {
			sockets[name] = o.dial()
			sockets[name].subscribe(follow, vars{"filter": f.filter})
			sockets[name].result()
		}

		nothing := o.dial()
		nothing.subscribe(follow, vars{"filter": vars{"campaignId": o.campaign("Autumn").String()}})
		nothing.result()
		for _, kind := range []delivery.FactKind{delivery.Accepted, delivery.Sent} {
			o.record(kind, single...)
			o.record(kind, sent...)
		}

		for name, f := range filters {
			if numbers, _ := sockets[name].sequences(len(f.want)); fmt.Sprint(numbers) != fmt.Sprint(f.want) {
				t.Errorf("%s: %v, want %v", name, numbers, f.want)
			}

			a := o.must(
				`query($filter: DeliveryEventFilter) { deliveryEvents(filter: $filter) { events { sequence } cursor } }`,
				vars{"filter": f.filter})
			if got := len(a.list("deliveryEvents.events")); got != len(f.want) {
				t.Errorf("%s: the query gave %d, want %d", name, got, len(f.want))
			}
		}

		nothing.send(vars{"id": "2", "type": "subscribe", "payload": vars{"query": `{ __typename }`}})
		if f := nothing.next(); f.ID != "2" {
			t.Errorf("a filter that fits nothing gave %s", f.Payload)
		}
	})
}

func TestCursorsThatCannotGoOn(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		o.record(delivery.Accepted, o.queued(uid.ID{}, 5)...)
		old := o.must(`{ deliveryEvents(first: 1) { cursor } }`).text("deliveryEvents.cursor")
		list := o.must(`{ contacts { pageInfo { endCursor } } }`).text("contacts.pageInfo.endCursor")
		beyond := o.must(`{ deliveryEvents { cursor } }`).text("deliveryEvents.cursor")
		s.expire(3)

		// an older backup
		for _, statement := range []string{"DELETE FROM delivery_event WHERE sequence = 5",
			"UPDATE event_counter SET last = 4"} {
			if _, err := s.db.Client.ExecContext(caller.System(t.Context()), statement); err != nil {
				t.Fatal(err)
			}
		}

		for cursor, want := range map[string]string{old: "CURSOR_EXPIRED", beyond: "CURSOR_EXPIRED", list: "BAD_USER_INPUT",
			"garbage": "BAD_USER_INPUT"} {
			ws := o.dial()
			ws.subscribe(follow, vars{"after": cursor})
			code, extensions := ws.failure()
			a := o.ask(`query($after: Cursor) { deliveryEvents(after: $after) { cursor } }`, vars{"after": cursor})
			if code != want || a.code() != want {
				t.Errorf("%s gave %q and %q, want %q", cursor, code, a.code(), want)
			}
			if want != "CURSOR_EXPIRED" {
				continue
			}

			restart := o.dial()
			restart.subscribe(follow, vars{"after": extensions["cursor"]})
			numbers, _ := restart.sequences(1)
			checkDense(t, numbers, 4, 4)
		}
	})
}

// expire makes the first n events of all logs old, and lets them go.
func (s *stage) expire(n int) {
	s.t.Helper()
	ctx, old := caller.System(s.t.Context()), database.Now().AddDate(-1, 0, 0)
	if _, err := s.db.Client.ExecContext(ctx, "UPDATE delivery_event SET recorded_at = $1 WHERE sequence <= $2",
		old, n); err != nil {
		s.t.Fatal(err)
	}

	if _, err := s.queue.ExpireEvents(ctx, old.Add(time.Second)); err != nil {
		s.t.Fatal(err)
	}
}

func TestEventsThatExpireWhileTheyAreReplayedEndTheReplayAndNeverLeaveAGap(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		const n = 3000
		ids := o.queued(uid.ID{}, n)
		o.record(delivery.Accepted, ids...)
		start := o.must(`{ deliveryEvents(first: 1) { cursor } }`).text("deliveryEvents.cursor")

		reader, err := s.hub.Subscribe(t.Context(), o.org, 1)
		if err != nil {
			t.Fatal(err)
		}

		defer reader.Close()
		if _, err := reader.Next(t.Context()); err != nil {
			t.Fatal(err)
		}

		var sockets []*socket
		for range 8 {
			ws := o.dial()
			ws.subscribe(follow, vars{"after": start})
			sockets = append(sockets, ws)
		}

		s.expire(n - 100)

		var gone *hub.Expired
		if _, err := reader.Next(t.Context()); !errors.As(err, &gone) || gone.Cursor != reader.Cursor() {
			t.Errorf("a reader at %d is told %v", reader.Cursor(), err)
		}

		for _, ws := range sockets {
			o.readOn(ws, 1, n)
		}

		a := o.must(`query($id: ID!) { node(id: $id) { ... on Message { status events { sequence } } } }`,
			vars{"id": ids[0].String()})
		if len(a.list("node.events")) != 0 || a.text("node.status") != "ACCEPTED" {
			t.Errorf("a message whose events are gone: %v", a.Data)
		}
	})
}

// readOn reads the events that follow on a place, up to another. Where a cursor is expired it goes
// on from the one that it is given.
func (o *shop) readOn(ws *socket, at, to int) {
	o.t.Helper()
	for at < to {
		f := ws.next()
		if bytes.Contains(f.Payload, []byte("CURSOR_EXPIRED")) {
			cursor := regexp.MustCompile(`"cursor":"([^"]+)"`).FindSubmatch(f.Payload)
			if cursor == nil {
				o.t.Fatalf("no cursor in %s", f.Payload)
			}

			ws, at = o.dial(), -1
			ws.subscribe(follow, vars{"after": string(cursor[1])})
			continue
		}

		a := answer{t: o.t}
		if err := json.Unmarshal(f.Payload, &a); err != nil || f.Type != "next" || len(a.Errors) > 0 {
			o.t.Fatalf("got %s %s", f.Type, f.Payload)
		}

		for i := range a.list("deliveryEvents.events") {
			got := int(a.at(fmt.Sprintf("deliveryEvents.events.%d.sequence", i)).(float64))
			if at != -1 && got != at+1 {
				o.t.Fatalf("got event %d after %d", got, at)
			}

			at = got
		}
	}
}

func TestBatchesLoadMessagesTogether(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(40)
		c := o.campaign("Spring")
		ids := o.queued(c, 256)
		start := o.must(`{ deliveryEvents { cursor } }`).text("deliveryEvents.cursor")
		o.record(delivery.Accepted, ids...)

		for message, want := range map[string]int64{
			"id": 0, "__typename id": 0, "status": 1, "campaign { template { name } } contact { name }": 4,
			"c: contact { name } d: contact { phone } e: campaign { name }": 3,
		} {
			ws := o.dial()
			s.statements.Store(0)
			ws.subscribe(`subscription($after: Cursor) { deliveryEvents(after: $after) { b: events { message { `+message+
				` } } } }`, vars{"after": start})
			a := ws.result()
			if n := len(a.list("deliveryEvents.b")); n != 256 {
				t.Fatalf("the batch has %d events", n)
			}
			if got := s.statements.Load(); got != want {
				t.Errorf("message { %s } of 256 events took %d statements, want %d", message, got, want)
			}
		}
	})
}

func TestListsCostTheSameHoweverLong(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(20)
		count := func(query string) int64 {
			s.statements.Store(0)
			o.must("{ " + query + " }")
			return s.statements.Load()
		}

		o.queued(o.campaign("One"), 2)
		queries := []string{
			`messages(first: 100) { edges { node { to text events { status } contact { name lists { name size } } campaign { name template { name } progress { failures { code } } audience { lists { name size } } } phoneNumber { queued account { name } } } } }`,
			`contacts(first: 100) { edges { node { name attributes { key } lists { name size } consentHistory { source } } } }`,
			`contactLists(first: 100) { edges { node { name size } } }`,
			`campaigns(first: 100) { edges { node { createdBy { user { name } } template { name account { name } } phoneNumber { queued } audience { lists { size } excludeLists { id } } progress { failures { count } } } } }`,
			`templates(first: 100) { edges { node { components { text } parameters { name } preview { body } account { name phoneNumbers { queued } } } } }`,
			`viewer { organization { members { user { name } } apiKeys { name } } memberships { user { name } organization { name } } }`,
		}

		few := make([]int64, len(queries))
		for i, query := range queries {
			few[i] = count(query)
		}

		for i := range 5 {
			o.record(delivery.Failed, o.queued(o.campaign(fmt.Sprint("More", i)), 20)...)
			list, err := o.audience.CreateList(o.ctx, fmt.Sprint("More", i))
			if err != nil {
				t.Fatal(err)
			}

			o.list = list
		}

		for i, query := range queries {
			if many := count(query); many != few[i] {
				t.Errorf("%s took %d statements for few rows, and %d for many", query, few[i], many)
			}
		}
	})
}

const progress = `subscription($id: ID!) { campaignProgress(campaignId: $id) { status campaign { id name template { name } } progress { total queued accepted read failed fraction failures { code count } } } }`

func TestCampaignProgress(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(4)
		c := o.campaign("Spring")
		ws := o.dial()
		ws.subscribe(progress, vars{"id": c.String()})

		if a := ws.result(); a.text("campaignProgress.status") != "DRAFT" ||
			a.at("campaignProgress.progress.total") != 0.0 ||
			a.text("campaignProgress.campaign.template.name") != "spring_sale" {
			t.Errorf("the first event is %v", a.Data)
		}

		began, events := time.Now(), 0
		ids := o.queued(c, 4)

		for _, kind := range []delivery.FactKind{delivery.Accepted, delivery.Sent, delivery.Delivered} {
			for _, id := range ids {
				o.record(kind, id)
			}
		}

		o.record(delivery.Read, ids[:3]...)
		until := func(field string, want any) answer {
			for {
				events++
				if a := ws.result(); a.at("campaignProgress."+field) == want {
					return a
				}
			}
		}

		until("progress.read", 3.0)
		if most := int(time.Since(began)/(250*time.Millisecond)) + 1; events > most {
			t.Errorf("%d events in %s", events, time.Since(began))
		}

		s.db.Client.Campaign.UpdateOneID(c).SetStatus(enum.CampaignStatusCompleted).ExecX(caller.System(t.Context()))
		s.Notify(t.Context(), o.org, c)
		until("status", "COMPLETED")
		o.record(delivery.Read, ids[3])
		if a := until("progress.read", 4.0); a.at("campaignProgress.progress.fraction") != 1.0 {
			t.Errorf("the last event is %v", a.Data)
		}
		if f := ws.next(); f.Type != "complete" {
			t.Errorf("after the last event came %s", f.Type)
		}
	})
}

func TestContactImportProgress(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.signUp()
		a := p.upload(`mutation($input: ImportContactsInput!) { importContacts(input: $input) { import { id status rowsTotal } userErrors { field message } } }`,
			"phone,name,city\n+14167010001,Ana,Lisbon\nnonsense,Bob,\n", vars{"defaultCountry": "US"})
		id := a.text("importContacts.import.id")
		ws := p.dial()
		ws.subscribe(`subscription($id: ID!) { contactImportProgress(importId: $id) { status created rejected rejections { line value reason } } }`,
			vars{"id": id})
		if a := ws.result(); a.text("contactImportProgress.status") != "PENDING" {
			t.Errorf("the first event is %v", a.Data)
		}

		n, err := uid.Parse(id)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.audience.RunImport(caller.System(t.Context()), n); err != nil {
			t.Fatal(err)
		}

		for {
			a := ws.result()
			if a.text("contactImportProgress.status") != "COMPLETED" {
				continue
			}
			if a.at("contactImportProgress.created") != 1.0 || a.at("contactImportProgress.rejections.0.line") != 3.0 {
				t.Errorf("the last event is %v", a.Data)
			}

			break
		}

		if f := ws.next(); f.Type != "complete" {
			t.Errorf("after the last event came %s", f.Type)
		}
	})
}

func TestSubscriptionsRefuseWhatIsNotThere(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().open(0)
	c := o.campaign("Spring")

	for id, asks := range map[string]*person{c.String(): s.signUp(), "rubbish": o.person} {
		ws := asks.dial()
		ws.subscribe(progress, vars{"id": id})
		if code, _ := ws.failure(); code != "NOT_FOUND" {
			t.Errorf("%s gave %q", id, code)
		}
	}
}

func TestARevokedKeyClosesItsSockets(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.signUp()
		a := p.must(`mutation { createApiKey(input: {name: "CI", role: VIEWER}) { secret apiKey { id } } }`)
		program := &person{stage: s, token: a.text("createApiKey.secret"), ctx: p.ctx, org: p.org}
		ws := program.dial()
		ws.subscribe(follow, vars{})
		ws.result()
		p.must(`mutation($id: ID!) { revokeApiKey(input: {apiKeyId: $id}) { apiKey { id } } }`,
			vars{"id": a.text("createApiKey.apiKey.id")})

		for {
			if _, err := ws.read(); err != nil {
				if !websocket.IsCloseError(err, 4403) {
					t.Errorf("the socket ended with %v, want 4403", err)
				}
				return
			}
		}
	})
}

func TestARevokedSessionEndsItsEventStream(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.signUp()
		body := strings.NewReader(`{"query":"subscription { deliveryEvents { cursor } }"}`)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL, body)
		if err != nil {
			t.Fatal(err)
		}

		for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "text/event-stream",
			"Authorization": "Bearer " + p.token} {
			req.Header.Set(name, value)
		}

		resp, err := s.server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}

		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "data:") {
		}

		p.must(`mutation { signOut { signedOut } }`)
		for lines.Scan() {
		}

		if err := t.Context().Err(); err != nil {
			t.Errorf("the stream went on: %v", err)
		}
	})
}

func TestASlowConsumerIsToldWhereItStands(t *testing.T) {
	s := onSQLite(t, func(d *graph.Deps) {
		client, prefix := dbtest.Redis(t)
		d.Hub = hub.New(client, prefix, hub.Source[delivery.Event](d.Log), hub.Options{Queue: 300})
	})

	s.hub = s.deps.Hub
	s.run(s.hub.Run)
	o := s.signUp().open(1)
	ids := o.queued(uid.ID{}, 700)
	ws := o.dial()
	ws.subscribe(follow, vars{})
	ws.result()
	o.record(delivery.Accepted, ids[:1]...)
	checkFirst, _ := ws.sequences(1)
	checkDense(t, checkFirst, 1, 1)
	o.record(delivery.Accepted, ids[1:]...) // one commit, larger than the hub lets a reader lag
	code, extensions := ws.failure()
	if code != "SLOW_CONSUMER" {
		t.Fatalf("got %q", code)
	}

	again := o.dial()
	again.subscribe(follow, vars{"after": extensions["cursor"]})
	numbers, _ := again.sequences(699)
	checkDense(t, numbers, 2, 700)
}

func TestSubscriptionsEndWithTheirClients(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		c := o.campaign("Spring")
		for range 5 { // TestMain looks for goroutines that stay behind
			ws := o.dial()
			ws.subscribe(follow, vars{})
			ws.result()
			ws.send(vars{"id": "2", "type": "subscribe",
				"payload": vars{"query": progress, "variables": vars{"id": c.String()}}})
			ws.result()
			if err := ws.conn.Close(); err != nil {
				t.Fatal(err)
			}
		}

		o.record(delivery.Accepted, o.queued(c, 3)...)
	})
}

func TestTooManySubscriptionsAndConnectionsAreToldApart(t *testing.T) {
	s := onSQLite(t, func(d *graph.Deps) {
		d.Transport.Websocket.MaxSubscriptions, d.Transport.Websocket.MaxPerOwner = 2, 2
	})
	p := s.signUp()
	ws := p.dial()

	for id := range 3 {
		ws.send(vars{"id": fmt.Sprint(id), "type": "subscribe", "payload": vars{"query": follow}})
		if id < 2 {
			ws.result()
		}
	}

	if code, extensions := ws.failure(); code != "RATE_LIMITED" || extensions["retryAfterSeconds"] == nil {
		t.Errorf("a third subscription gave %s %v", code, extensions)
	}

	ws.send(vars{"id": "1", "type": "complete"})
	ws.send(vars{"id": "4", "type": "subscribe", "payload": vars{"query": follow}})
	ws.result()

	key := p.key(enum.RoleViewer) // another token of the same organization
	key.dial()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, resp, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}

	_ = resp.Body.Close()
	defer conn.Close()
	third := &socket{t, conn}
	third.send(vars{"type": "connection_init", "payload": vars{"Authorization": "Bearer " + p.token}})
	var closed *websocket.CloseError
	if _, err := third.read(); !errors.As(err, &closed) || closed.Code != 1013 || closed.Text != "Too many connections" {
		t.Errorf("a third connection ended with %v", err)
	}

	s.signUp().dial() // of another organization
}
