package graph_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/account"
	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/graph"
	"carillon/identity"
	"carillon/uid"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
	"carillon/worker"
)

// counter counts what PostgreSQL and Redis are sent for operations: statements of ent and plain SQL
// alike, and round trips.
type counter struct {
	mu   sync.Mutex
	sent map[string]int // by their text
}

func (c *counter) count(ctx context.Context, text string) {
	if graphql.HasOperationContext(ctx) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sent[text]++
	}
}

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	c.count(ctx, q.SQL)
	return ctx
}

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.count(ctx, "Redis: "+cmd.Name())
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.count(ctx, "Redis: a pipeline")
		return next(ctx, cmds)
	}
}

func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// of are the statements that a call sends, and how often.
func (c *counter) of(call func()) map[string]int {
	c.mu.Lock()
	c.sent = map[string]int{}
	c.mu.Unlock()
	call()
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := map[string]int{}
	for text, n := range c.sent {
		sent[parameters.ReplaceAllLiteralString(text, "$n")] += n
	}

	return sent
}

var parameters = regexp.MustCompile(`[$][0-9]+(, [$][0-9]+)*`)

// byChance is how many statements more there may be: what lies on two levels of an answer is read
// with one statement or with two, as it happens. A statement for each of 30 instead of 3 would be
// 27 more.
const byChance = 5

// more tells of which statements there are more than before, if there are more in all.
func more(before, after map[string]int) (told string) {
	sum := func(all map[string]int) (n int) {
		for _, m := range all {
			n += m
		}

		return n
	}
	if sum(after) <= sum(before)+byChance {
		return ""
	}

	told = fmt.Sprintf("%d statements, and then %d:", sum(before), sum(after))
	for text, n := range after {
		if n > before[text] {
			told += fmt.Sprintf("\n%d times, and then %d: %.400s", before[text], n, text)
		}
	}

	return told
}

// counted is a stage whose statements are counted, and which does not mind large operations.
func counted(t *testing.T) (*stage, *counter) {
	t.Helper()
	t.Parallel()
	c := &counter{sent: map[string]int{}}
	client, prefix := dbtest.Redis(t)
	client.AddHook(c)

	db := dbtest.OpenTraced(t, c)

	return stand(t, db, boundless, func(d *graph.Deps) { d.Rates = worker.NewPace(client, prefix) }), c
}

func boundless(d *graph.Deps) {
	const most = 1 << 40
	d.Transport.MaxQuery, d.Transport.MaxTokens, d.Transport.MaxDepth, d.Transport.MaxFields, d.Transport.MaxNodes,
		d.Transport.MaxComplexity = most, most, most, most, most, most
}

// crowd has something of every kind, as often as it was grown to.
type crowd struct {
	*shop
	size      int
	campaigns []uid.ID
}

func (p *person) crowd() *crowd { return &crowd{shop: p.open(3)} }

// grow makes it so large: so many things of every kind, one of them with so many of every kind that
// it may have.
func (c *crowd) grow(size int) {
	c.t.Helper()
	system := caller.System(c.ctx)
	for ; c.size < size; c.size++ {
		i, name := c.size, fmt.Sprintf("Crowd %02d", c.size)
		waba, phone := fmt.Sprintf("2022901293403%02d", i), fmt.Sprintf("2065403522429%02d", i)
		c.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Name: name, Token: metaToken, Numbers: []sandbox.NumberSpec{
			{ID: phone, DisplayNumber: fmt.Sprintf("+1 555-01%02d-3881", i), VerifiedName: name}}})
		a, err := c.accounts.Connect(c.ctx, account.Connect{WABAID: waba, AccessToken: metaToken, ConsentToTransfer: true})
		c.check(err)
		_, err = c.accounts.CreateTemplate(c.ctx, account.CreateTemplate{AccountID: a.ID,
			Template: whatsapp.Template{Name: fmt.Sprintf("crowd_%02d", i), Language: "en_US", Category: "UTILITY",
				ParameterFormat: "POSITIONAL",
				Components:      []whatsapp.Component{{Type: "BODY", Text: "Your order is on its way."}}}})

		c.check(err)
		list, err := c.audience.CreateList(c.ctx, name)
		c.check(err)
		// and the one before
		person, err := c.audience.CreateContact(c.ctx,
			audience.NewContact{Phone: fmt.Sprintf("+1555012%04d", i), Name: &name, ListIDs: []uid.ID{list.ID, c.list.ID},
				Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "form"}})
		c.check(err)
		c.contacts = append(c.contacts, person)
		c.check(c.db.Client.ListMember.Create().SetOrganizationID(c.org).SetContactListID(list.ID).
			SetContactID(c.contacts[0].ID).Exec(system))
		c.list = list
		segment, err := c.audience.CreateSegment(c.ctx, name, jsonfield.ContactFilter{ListIDs: []uid.ID{list.ID}})
		c.check(err)
		_, err = c.audience.Suppress(c.ctx, []string{fmt.Sprintf("+1555013%04d", i)}, &name)
		c.check(err)
		id := c.campaign(name)
		c.check(c.db.Client.Campaign.UpdateOneID(id).SetAudienceRule(jsonfield.Audience{ListIDs: []uid.ID{list.ID},
			SegmentIDs: []uid.ID{segment.ID}}).Exec(system))
		c.check(c.db.Client.CampaignRecipient.Create().SetOrganizationID(c.org).SetCampaignID(id).
			SetContactID(person.ID).SetParameters(map[string]string{}).Exec(system))
		answered := c.queued(id, 1)[0]
		c.record(delivery.Accepted, answered)
		c.answer(answered, name)
		c.answer(answered, name+" too")
		messages := c.queued(id, 2)
		c.record(delivery.Accepted, messages[0])
		c.record(delivery.Failed, messages[1])
		c.campaigns = append(c.campaigns, id)
		c.record(delivery.Failed, c.queued(c.campaigns[0], 1)...)
		imported, err := c.audience.StartImport(c.ctx,
			audience.NewImport{FileName: name, File: strings.NewReader("phone\nnobody\nnothing\n")})
		c.check(err)
		c.check(c.audience.RunImport(system, imported.ID))
		c.exported("exportContacts", `{format: CSV}`)
		hook := c.db.Client.WebhookEndpoint.Create().SetOrganizationID(c.org).SetURL("https://example.com/").
			SetEvents([]enum.WebhookEventType{}).SetSecret([]byte{1}).SetRole(enum.RoleAdmin).SaveX(system)
		c.delivery(hook.ID)
		c.delivery(hook.ID)
		c.key(enum.RoleViewer)
		c.invite(fmt.Sprintf("guest%d@example.com", people.Add(1)), "VIEWER")
		c.hire("VIEWER")
		_, err = c.who.SignIn(c.t.Context(), identity.SignIn{Email: c.email, Password: password})
		c.check(err)
		_, err = c.who.CreateOrganization(c.ctx, name, c.who.Terms().Version)
		c.check(err)
	}
}

func (c *crowd) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// ids of what it has, by types: up to a number of each.
func (c *crowd) ids(most int) map[string][]string {
	c.t.Helper()
	var all []uid.ID
	for table, column := range owned(c.t, c.db) {
		rows, err := c.db.Query(c.ctx, "SELECT * FROM "+table+" WHERE "+column+" = $1", c.org)
		c.check(err)
		names, _ := rows.Columns()

		for at := slices.Index(names, "id"); at >= 0 && !numbered[table] && rows.Next(); {
			values := make([]any, len(names))
			for i := range values {
				values[i] = new(any)
			}

			var id uid.ID
			values[at] = &id
			c.check(rows.Scan(values...))
			all = append(all, id)
		}

		rows.Close()
	}

	for _, m := range c.db.Client.Member.Query().AllX(c.ctx) {
		all = append(all, m.UserID)
	}

	for _, session := range c.must(`{ viewer { sessions { id } } }`).list("viewer.sessions") {
		id, err := uid.Parse(session.(map[string]any)["id"].(string))
		c.check(err)
		all = append(all, id)
	}

	slices.SortFunc(all, func(a, b uid.ID) int { return bytes.Compare(a[:], b[:]) }) // the oldest first
	all = slices.Compact(all)
	byType := map[string][]string{}

	for some := range slices.Chunk(all, 100) {
		texts := make([]string, len(some))
		for i, id := range some {
			texts[i] = id.String()
		}

		a := c.must(`query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`, vars{"ids": texts})
		for i, n := range a.list("nodes") {
			if n == nil {
				continue // it is no node
			}

			name := n.(map[string]any)["__typename"].(string)
			enough := most
			if name == "AuditEvent" {
				enough = 10 * most // its subjects are of some kinds, and each kind takes a statement: enough to have them all
			}
			if len(byType[name]) < min(enough, 100) {
				byType[name] = append(byType[name], texts[i])
			}
		}
	}

	return byType
}

// wide selects all of a type that needs no argument, so many things deep: and the pages of its
// lists.
type wide struct {
	schema *ast.Schema
	seen   map[string]bool // connections, as Type.field
}

func (w wide) selection(def *ast.Definition, depth int) string {
	if def.IsAbstractType() {
		return " { __typename ... on Node { id } }"
	}

	parts := []string{"__typename"}
	for _, f := range def.Fields {
		name, below := def.Name+"."+f.Name, w.schema.Types[f.Type.Name()]
		if strings.HasPrefix(f.Name, "__") || needsArguments(f) {
			continue
		}

		left := depth
		if !isPage(below) {
			left--
		}

		switch {
		case !below.IsCompositeType():
			parts = append(parts, f.Name)
		case left >= 0:
			w.seen[name] = w.seen[name] || isPage(below)
			page := ""
			if strings.HasSuffix(below.Name, "Connection") {
				page = "(first: 3)"
			}

			parts = append(parts, f.Name+page+w.selection(below, left))
		}
	}

	return " { " + strings.Join(parts, " ") + " }"
}

// isPage is for the types of which pages are made.
func isPage(def *ast.Definition) bool {
	return strings.HasSuffix(def.Name, "Connection") || strings.HasSuffix(def.Name, "Edge") || def.Name == "PageInfo"
}

// documents that ask for every list of the schema, by what they ask for.
func (w wide) documents() map[string]string {
	documents := map[string]string{}
	for _, f := range w.schema.Query.Fields {
		below := w.schema.Types[f.Type.Name()]
		if !strings.HasPrefix(f.Name, "__") && below.IsCompositeType() && !needsArguments(f) {
			w.seen["Query."+f.Name] = isPage(below)
			documents[f.Name] = "{ " + f.Name + w.selection(below, 3) + " }"
		}
	}

	for _, kind := range w.schema.GetPossibleTypes(w.schema.Types["Node"]) {
		documents[kind.Name] = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on " + kind.Name + w.selection(kind, 2) + " } }"
	}

	return documents
}

func TestEveryListCostsTheSameHoweverLong(t *testing.T) {
	s, counter := counted(t)
	w := wide{schema(t), map[string]bool{}}
	documents := w.documents()

	for _, def := range w.schema.Types {
		for _, f := range def.Fields {
			if name := def.Name + "." + f.Name; strings.HasSuffix(f.Type.Name(), "Connection") && !w.seen[name] {
				t.Errorf("%s is asked for by no document", name)
			}
		}
	}

	c := s.signUp().crowd()
	few := c.cost(counter, documents, 3)

	for name, many := range c.cost(counter, documents, 30) {
		if told := more(few[name], many); told != "" {
			t.Errorf("%s took for 3 of everything, and for 30, %s", name, told)
		}
	}
}

// cost is what each document costs.
func (c *crowd) cost(counter *counter, documents map[string]string, size int) map[string]map[string]int {
	c.t.Helper()
	c.grow(size)
	costs, ids := map[string]map[string]int{}, c.ids(size)

	for name, document := range documents {
		v := vars{}
		if strings.HasPrefix(document, "query") {
			if v["ids"] = ids[name]; len(ids[name]) < size && name != "Organization" && name != "Session" {
				c.t.Errorf("there are %d of %s, not %d", len(ids[name]), name, size)
			}
		}

		costs[name] = counter.of(func() { c.must(document, v) })
	}

	return costs
}

func TestABatchOfEventsCostsTheSameHoweverMany(t *testing.T) {
	s, counter := counted(t)
	c := s.signUp().crowd()
	c.grow(8)
	const document = `subscription($after: Cursor) { deliveryEvents(after: $after) { cursor e: events { status message { to text error { code } template { name } phoneNumber { queued currentRate account { messagingLimitUsed phoneNumbers { queued currentRate } } }
		campaign { template { name account { name } } audience { size lists { name size } excludeLists { size } } progress { failures { code } } messages(first: 2) { totalCount edges { node { events { status } } } } createdBy { user { name } } }
		contact { name lists { name size } consentHistory { source } } events { sequence status } } } } }`

	batch := func(events int) map[string]int {
		t.Helper()
		var ids []uid.ID
		for i := range 8 {
			c.contacts[0] = c.contacts[i] // the person differs by campaign
			ids = append(ids, c.queued(c.campaigns[i], events/8)...)
		}

		start := c.must(`query($first: Int!) { deliveryEvents(first: $first) { cursor } }`, vars{"first": 1000}).
			text("deliveryEvents.cursor")
		c.record(delivery.Accepted, ids...)
		ws := c.dial()

		defer func() { // it is over for the server too, which answers in order
			ws.send(vars{"id": "1", "type": "complete"})
			ws.send(vars{"id": "2", "type": "subscribe", "payload": vars{"query": "{ viewer { role } }"}})
			ws.result()
		}()

		return counter.of(func() {
			ws.subscribe(document, vars{"after": start})
			if n := len(ws.result().list("deliveryEvents.e")); n != events {
				t.Fatalf("the batch has %d events, not %d", n, events)
			}
		})
	}

	few := batch(8)
	if told := more(few, batch(256)); told != "" {
		t.Errorf("a batch of 8 and one of 256 events took %s", told)
	}
}

func TestAReceivedMessageCostsTheSameHoweverMuchHangsOnIt(t *testing.T) {
	s, counter := counted(t)
	o := s.signUp().open(1)
	system := caller.System(o.ctx)
	const document = `subscription { messageReceived { wamid contact { lists { name size } } phoneNumber { currentRate account { phoneNumbers { queued currentRate } } } } }`
	ws := o.dial()
	ws.subscribe(document, vars{})
	begun([]*socket{ws}, func(i int) { o.hear(fmt.Sprint("poke ", i), o.number) }, func() func(answer) bool {
		o.hear("ready", o.number)
		return func(a answer) bool { return a.text("messageReceived.wamid") == "ready" }
	})

	size := 1 // the list and the number of the shop
	cost := func(grown int) (sent map[string]int) {
		for ; size < grown; size++ {
			list := s.db.Client.ContactList.Create().SetOrganizationID(o.org).SetName(fmt.Sprint("List ", size)).
				SetCreatedAt(database.Now()).SaveX(system)
			s.db.Client.ListMember.Create().SetOrganizationID(o.org).SetContactListID(list.ID).SetContactID(o.contacts[0].ID).
				ExecX(system)
			s.db.Client.PhoneNumber.Create().SetOrganizationID(o.org).SetAccountID(o.account.ID).SetMetaID(fmt.Sprint(size)).
				SetDisplayNumber("+1").SetVerifiedName("n").ExecX(system)
		}

		return counter.of(func() {
			o.hear(fmt.Sprint("with ", grown), o.number)
			a := ws.result()
			lists, numbers := a.list("messageReceived.contact.lists"), a.list("messageReceived.phoneNumber.account.phoneNumbers")
			if len(lists) != grown || len(numbers) != grown {
				t.Fatalf("%d lists and %d numbers, want %d of each", len(lists), len(numbers), grown)
			}

			for i := range grown {
				if a.at(fmt.Sprintf("messageReceived.contact.lists.%d.size", i)) != 1.0 ||
					a.at(fmt.Sprintf("messageReceived.phoneNumber.account.phoneNumbers.%d.currentRate", i)).(float64) <= 0 {
					t.Errorf("%v, %v", lists[i], numbers[i])
				}
			}
		})
	}

	few := cost(3)
	if told := more(few, cost(30)); told != "" {
		t.Errorf(
			"a message from somebody on 3 lists and one from somebody on 30, to an account with as many numbers, took %s",
			told)
	}
}

func TestPagesOfManyCampaignsAreThoseOfEach(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		var want [][]string // of each campaign, the oldest first
		for i := range 4 {
			var ids []string
			campaign := o.campaign(fmt.Sprint("Campaign ", i))
			if i > 0 {
				for _, id := range o.queued(campaign, i+1) {
					ids = append(ids, id.String())
				}
			}

			want = append(want, ids)
		}

		pages := func(args string) answer {
			return o.must(`{ campaigns { edges { node { id messages(` + args +
				`) { totalCount edges { cursor node { id to } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } only: messages(first: 1, filter: {to: "+14167010001"}) { totalCount edges { node { to } } } } } } }`)
		}

		for args, of := range map[string]func(all []string) []string{
			"first: 2": func(all []string) []string { return all[:min(2, len(all))] },
			"last: 2":  func(all []string) []string { return all[max(0, len(all)-2):] },
			"first: 2, orderBy: {field: CREATED_AT, direction: DESC}": func(all []string) []string {
				slices.Reverse(all)
				return all[:min(2, len(all))]
			},
			"last: 2, orderBy: {field: CREATED_AT, direction: DESC}": func(all []string) []string {
				slices.Reverse(all)
				return all[max(0, len(all)-2):]
			},
		} {
			a := pages(args)
			for i, ids := range want {
				at := fmt.Sprintf("campaigns.edges.%d.node.", i)
				var got []string
				for j := range a.list(at + "messages.edges") {
					got = append(got, a.text(fmt.Sprintf("%smessages.edges.%d.node.id", at, j)))
				}

				if expected := of(slices.Clone(ids)); !slices.Equal(got, expected) {
					t.Errorf("messages(%s) of campaign %d are %v, want %v", args, i, got, expected)
				}

				forward, more := strings.HasPrefix(args, "first"), len(ids) > 2
				if a.at(at+"messages.totalCount") != float64(len(ids)) || a.at(at+"messages.pageInfo.hasNextPage") != (forward &&
					more) || a.at(at+"messages.pageInfo.hasPreviousPage") != (!forward && more) {
					t.Errorf("messages(%s) of campaign %d: %v", args, i, a.at(at+"messages"))
				}

				if want := min(1, i); a.at(at+"only.totalCount") != float64(want) || len(a.list(at+"only.edges")) != want {
					t.Errorf("campaign %d has %v to one person, want %d", i, a.at(at+"only"), want)
				}
				if len(ids) == 0 {
					continue
				}

				// A cursor of such a page goes on where the page ends.
				end, rest := "after: $c, ", "endCursor"
				if !forward {
					end, rest = "before: $c, ", "startCursor"
				}

				next := o.must(`query($id: ID!, $c: Cursor) { node(id: $id) { ... on Campaign { messages(`+end+args+
					`) { edges { node { id } } } } } }`,
					vars{"id": a.text(at + "id"), "c": a.text(at + "messages.pageInfo." + rest)})
				if n := len(next.list("node.messages.edges")); n != min(2, len(ids)-len(got)) {
					t.Errorf("after messages(%s) of campaign %d come %d more of %d", args, i, n, len(ids))
				}
			}
		}
	})
}
