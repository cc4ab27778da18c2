package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"modernc.org/sqlite"
)

// watchedDriver is SQLite's driver with an eye on the plan of every statement.
const watchedDriver = "sqlite-watched"

func init() { sql.Register(watchedDriver, &watchingDriver{}) }

// large are the tables that grow with every message, contact or sign-in. No statement of the
// service may read one whole, nor an organization's part of one where it was given rows to find.
// SQLite keeps no statistics here: it plans by the text of a statement, and the same for tables of
// any size. PostgreSQL plans by size, so bench looks at its plans, on tables that are large.
var large = []string{"message", "listing", "delivery_event", "send_attempt",
	"contact", "contact_identifier", "former_identifier",
	"consent_record", "contact_tag", "list_member",
	"reply", "campaign_recipient", "import_rejection", "thread", "statistic", "messaging_window",
	"audit_event", "template", "template_change", "media_upload", "idempotency_key"}

// mayReadAll are the functions that read a large table whole, and why that is right.
var mayReadAll = map[string]string{
	"delivery.(*Queue).Verify":             "it derives all counts anew",
	"delivery.(*Queue).verifySums":         "as above",
	"delivery.(*Queue).verifyListing":      "as above",
	"audit.strays":                         "it looks for entries of the trail that are in no chain",
	"delivery.(*Queue).recountReplies":     "as above",
	"delivery.(*Queue).firstAnswers":       "as above",
	"delivery.(*Queue).Lanes":              "it reads an index of what waits, and of nothing else",
	"delivery.(*Queue).SweepWindows.func1": "it holds whom was written to within a day",
	"delivery.lockAmended":                 "it joins the few messages of one wamid",
	"operator.(*Service).Organizations":    "it counts the contacts of each",
	"operator.(*Service).delete.func1":     "an organization is erased once; list members have no index by it",
}

// watched is the DSN under which the statements of a SQLite database are watched, for as long as a
// test runs: it fails with those that are wasteful.
func watched(t testing.TB, dsn string) string {
	file, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok {
		return dsn
	}

	w, _ := watches.LoadOrStore(file, &watch{found: map[string]bool{}})
	t.Cleanup(func() {
		watches.Delete(file)
		for _, wasteful := range w.(*watch).all() {
			t.Error(wasteful)
		}
	})

	return watchedDriver + ":" + file
}

// watches are of the databases that are open, by file; plans, by statement, of all.
var watches, plans sync.Map

// watch gathers the wasteful statements of one database.
type watch struct {
	mu    sync.Mutex
	found map[string]bool
}

func (w *watch) note(wasteful string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found[wasteful] = true
}

func (w *watch) all() (found []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for wasteful := range w.found {
		found = append(found, wasteful)
	}

	return found
}

type watchingDriver struct{ sqlite.Driver }

// Open opens a connection whose statements are watched.
func (d *watchingDriver) Open(name string) (driver.Conn, error) {
	conn, err := d.Driver.Open(name)
	if err != nil {
		return nil, err
	}

	file, _, _ := strings.Cut(strings.TrimPrefix(name, "file:"), "?")

	return &watchedConn{conn.(sqliteConn), file}, nil
}

// sqliteConn is what database/sql asks of a connection of SQLite's.
type sqliteConn interface {
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
	driver.Conn
}

type watchedConn struct {
	sqliteConn
	file string
}

func (c *watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.look(ctx, query, args)
	return c.sqliteConn.ExecContext(ctx, query, args)
}

func (c *watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.look(ctx, query, args)
	return c.sqliteConn.QueryContext(ctx, query, args)
}

// look looks at how SQLite would carry a statement out, once for each text. What tests ask for
// themselves is not looked at.
func (c *watchedConn) look(ctx context.Context, query string, args []driver.NamedValue) {
	w, open := watches.Load(c.file)
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	if !open || !slices.Contains([]string{"SELECT", "WITH", "INSERT", "UPDATE", "DELETE"}, verb) {
		return
	}

	why, known := plans.Load(query)
	if !known {
		function, isTest := asker()
		if isTest || mayReadAll[function] != "" {
			return
		}

		steps, err := c.explain(ctx, query, args)
		if err != nil {
			return // the statement fails too, and says why
		}

		why = waste(query, steps)
		if why != "" {
			why = fmt.Sprintf("%s: SQLite %s in\n%s\n%s", function, why, query, strings.Join(steps, "\n"))
		}

		plans.Store(query, why)
	}

	if why != "" {
		w.(*watch).note(why.(string))
	}
}

// onTheWay are functions that hand on what others ask.
var onTheWay = regexp.MustCompile(`^(ent|database)[./]|^graph\.noting\.`)

// asker is the function of ours that sends a statement, and whether it is a test's.
func asker() (function string, isTest bool) {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])

	for {
		frame, more := frames.Next()
		name, ours := strings.CutPrefix(frame.Function, "carillon/")
		switch {
		case strings.HasSuffix(frame.File, "_test.go"):
			return name, true
		case ours && !onTheWay.MatchString(name):
			return name, false
		case !more:
			return "database", false
		}
	}
}

func (c *watchedConn) explain(ctx context.Context, query string, args []driver.NamedValue) (steps []string, err error) {
	rows, err := c.sqliteConn.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args)
	if err != nil {
		return nil, err
	}

	defer rows.Close()

	for row := make([]driver.Value, 4); ; {
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return steps, nil
		} else if err != nil {
			return nil, err
		}

		steps = append(steps, fmt.Sprintf("%v %v %v", row[1], row[0], row[3]))
	}
}

var (
	namedTable = regexp.MustCompile("(?i)(?:from|join|update|into|,)\\s+[`\"]?(\\w+)[`\"]?(?:\\s+as)?\\s+[`\"]?(\\w+)")
	planStep   = regexp.MustCompile(`^(\d+) (\d+) (SCAN|SEARCH|CORRELATED \w+|\S+)(?: (\S+))?(.*)`)
)

// waste says what is wasteful about a plan; empty when nothing is. A step is its parent, its own
// number and its text. Steps with the same parent are loops, each within the one before it.
func waste(query string, steps []string) string {
	tables := map[string]string{} // by the names that the statement gives them
	for _, name := range large {
		tables[name] = name
	}

	for _, m := range namedTable.FindAllStringSubmatch(query, -1) {
		if slices.Contains(large, m[1]) {
			tables[m[2]] = m[1]
		}
	}

	isGivenRows := givenRows.MatchString(query)
	outer := map[string]string{}  // the table that is read in the loop outside, by parent
	repeated := map[string]bool{} // steps that are taken for every row of another

	for _, step := range steps {
		m := planStep.FindStringSubmatch(step)
		if m == nil {
			continue
		}

		parent, number, what, table, how := m[1], m[2], m[3], tables[m[4]], m[5]
		repeated[number] = repeated[parent] || strings.HasPrefix(what, "CORRELATED")
		byOrganization := strings.Contains(how, "(organization_id=?)")

		switch {
		case what == "SCAN" && table != "":
			return "reads the whole of " + table
		case what == "SEARCH" && table != "" && byOrganization && (isGivenRows || repeated[parent]):
			return "reads an organization's part of " + table
		case what == "SCAN" && m[4] == "json_each" && outer[parent] != "" && isGivenRows:
			return "reads all given rows for each row of " + outer[parent]
		}

		if table != "" {
			outer[parent] = table
		}
	}

	return ""
}

// givenRows finds a rowset.
var givenRows = regexp.MustCompile(`FROM json_each\(\$\d+\)`)
