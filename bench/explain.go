package main

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// explainer hears from PostgreSQL how it carried out each statement: auto_explain tells every
// connection what really ran, with its own arguments, prepared or not.
type explainer struct {
	mu    sync.Mutex
	name  string // of what is played now; nothing is noted while it is empty
	plans map[string]*plan
}

// explain has connections tell the explainer.
func (e *explainer) explain(config *pgx.ConnConfig) {
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { e.note(n.Message) }
	config.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		return conn.Exec(ctx, `LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET auto_explain.log_buffers = on; SET auto_explain.log_timing = off;
			SET auto_explain.log_format = json; SET auto_explain.log_level = notice; SET random_page_cost = 1.1; SET client_min_messages = notice`).Close()
	}
}

// play names what is done until the next call.
func (e *explainer) play(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.name = name
}

// node is a step of a plan, as EXPLAIN (FORMAT JSON) tells it.
type node struct {
	Type      string  `json:"Node Type"`
	Relation  string  `json:"Relation Name"`
	Index     string  `json:"Index Name"`
	Operation string  `json:"Operation"`
	Rows      float64 `json:"Actual Rows"`
	Loops     float64 `json:"Actual Loops"`
	Filtered  float64 `json:"Rows Removed by Filter"`
	Rechecked float64 `json:"Rows Removed by Index Recheck"`
	Joined    float64 `json:"Rows Removed by Join Filter"`
	Hit       int     `json:"Shared Hit Blocks"`
	Read      int     `json:"Shared Read Blocks"`
	Plans     []node
}

// plan is how one statement ran, at its worst.
type plan struct {
	name, query string
	nodes       []string
	rows        int // read from tables
	passed      int // of these, looked at and passed over
	returned    int // by the whole, or changed by it
	blocks      int
	scans       []string // tables that were read whole
	sums        bool     // it counts or adds up what it reads
}

// littleTable is up to where reading the whole of a table is the cheapest way.
const littleTable = 1000

var spaces = regexp.MustCompile(`\s+`)

func (e *explainer) note(notice string) {
	start := strings.Index(notice, "{")
	if !strings.HasPrefix(notice, "duration:") || start < 0 {
		return
	}

	var told struct {
		Query string `json:"Query Text"`
		Plan  node
	}
	if json.Unmarshal([]byte(notice[start:]), &told) != nil {
		return
	}

	p := &plan{query: spaces.ReplaceAllString(told.Query, " "), returned: int(told.Plan.Rows),
		blocks: told.Plan.Hit + told.Plan.Read}
	p.walk(told.Plan)
	e.mu.Lock()
	defer e.mu.Unlock()
	if p.name = e.name; e.name == "" {
		return
	}

	key := p.name + "\x00" + p.query
	if worst := e.plans[key]; worst == nil || p.cost() > worst.cost() {
		e.plans[key] = p
	}
}

func (p *plan) walk(n node) {
	name := n.Type
	if n.Relation != "" || n.Index != "" {
		name += " " + strings.TrimSpace(n.Relation+" "+n.Index)
	}
	if !slices.Contains(p.nodes, name) {
		p.nodes = append(p.nodes, name)
	}

	loops := max(1, n.Loops)
	passed := (n.Filtered + n.Rechecked) * loops

	switch {
	case n.Type == "ModifyTable":
		for _, child := range n.Plans {
			p.returned = max(p.returned, int(child.Rows))
		}
	case n.Type == "Aggregate", n.Type == "WindowAgg":
		p.sums = true
	case n.Relation != "":
		p.rows, p.passed = p.rows+int(n.Rows*loops+passed), p.passed+int(passed)
		if strings.HasSuffix(n.Type, "Seq Scan") && n.Rows*loops+passed > littleTable {
			p.scans = append(p.scans, n.Relation)
		}
	}

	for _, child := range n.Plans {
		p.walk(child)
	}
}

func (p *plan) cost() int { return p.blocks + p.rows + 1000*len(p.scans) }

// wasteful says why a plan is none for a table that grows; empty when it is one. What it passes
// over or reads may be some times what it returns, or, where it adds up, what it adds up; blocks
// tell of an index that is read beside the point.
func (p *plan) wasteful() string {
	const atLeast, times = 2500, 25
	needed := p.returned
	if p.sums {
		needed = max(needed, p.rows-p.passed)
	}

	enough := atLeast + times*needed
	switch {
	case p.passed > enough && len(p.scans) > 0:
		return "scans " + strings.Join(p.scans, ", ")
	case p.passed > enough:
		return "passes over rows"
	case p.rows > enough:
		return "reads rows"
	case p.blocks > 2*enough:
		return "reads blocks"
	}

	return ""
}

// excuses are plans that read much all the same, by the beginning of their names.
var excuses = map[string]string{
	"campaigns ":            "an organization has thousands of campaigns, not millions",
	"count campaigns ":      "as above",
	"engine: sweep camp":    "as above",
	"contacts search":       "a text within names: one pass over the organization's contacts",
	"contacts created":      "ordered by id, of an import of one day",
	"contacts language":     "languages are compared in whatever spelling: the same, where few have one",
	"contacts attributes":   "attributes are free: the same, where few have one",
	"count contacts ":       "counting a filter that has no index",
	"count messages dir":    "counting half of the messages",
	"campaign's messages ":  "counts within one campaign",
	"count messages templ":  "counting a template's messages; a large part of the table is read as a whole",
	"statistics of 90 days": "the hours' sums of that time are read once in their index, also when few are meant",
	"engine: sweep window":  "people written to within a day; PostgreSQL reads a small table as a whole",
	"engine: settle unkno":  "of campaigns, as above",
	"engine: expire event":  "the log's beginning, beside a handful of counters: small tables are joined as a whole",
}

func (p *plan) excuse() string {
	for beginning, why := range excuses {
		if strings.HasPrefix(p.name, beginning) {
			return why
		}
	}

	return ""
}

// all are the plans by name, each at its worst.
func (e *explainer) all() []*plan {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.SortedFunc(maps.Values(e.plans), func(a, b *plan) int {
		return strings.Compare(a.name+a.query, b.name+b.query)
	})
}
