package graph_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"carillon/caller"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
)

// exported begins an export by a mutation, has it made, and gives it.
func (p *person) exported(mutation, input string) *ent.Export {
	p.t.Helper()
	a := p.must(`mutation { ` + mutation + `(input: ` + input + `) { export { id status rowsTotal url } userErrors { message } } }`)
	id, err := uid.Parse(a.text(mutation + ".export.id"))
	if err != nil {
		p.t.Fatalf("%s: %v", mutation, a.Data)
	}
	if err := p.exports.Run(caller.System(p.ctx), id); err != nil {
		p.t.Fatal(err)
	}

	return p.db.Client.Export.GetX(caller.System(p.ctx), id)
}

// fetched is what a link to a file gives.
func (s *stage) fetched(link string, header ...string) (int, string) {
	s.t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		s.t.Fatal(err)
	}

	r, w := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, u.RequestURI(), nil), httptest.NewRecorder()
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}

	s.deps.Downloads.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Result().Body)

	return w.Code, string(body)
}

const oneExport = `query($id: ID!) { node(id: $id) { ... on Export { kind format status statusReason rows rowsTotal bytes
	fileName url createdAt finishedAt expiresAt } } }`

func TestFilesAreOrderedListedAndFetchedUntilTheyExpire(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		c := o.campaign("Spring")
		o.queued(c, 2)
		s.ahead.Store(60) // what is made in the same millisecond is not in a file

		for mutation, input := range map[string]string{
			"exportMessages": `{filter: {campaignId: "` + c.String() + `"}, format: NDJSON}`,
			"exportContacts": `{filter: {search: "contact"}, format: XLSX}`,
			"exportStatistics": `{filter: {since: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z"}, interval: MONTH,
				groupBy: [CAMPAIGN]}`,
			"exportPersonalData": `{contactId: "` + o.contacts[0].ID.String() + `"}`,
		} {
			e := o.exported(mutation, input)
			a := o.must(oneExport, vars{"id": e.ID.String()})
			link := a.text("node.url")
			code, body := s.fetched(link)
			if a.text("node.status") != "COMPLETED" || code != http.StatusOK || a.at("node.bytes") != float64(len(body)) ||
				a.at("node.rows") != a.at("node.rowsTotal") || !strings.HasPrefix(link, "https://carillon.example/files/exports/") {
				t.Errorf("%s: %v; the link gives %d and %d bytes", mutation, a.Data, code, len(body))
			}
			if mutation == "exportMessages" && e.Rows != 2 || mutation == "exportContacts" && e.Rows != 2 {
				t.Errorf("%s has %d rows", mutation, e.Rows)
			}

			code, part := s.fetched(link, "Range", "bytes=3-9")
			if mutation != "exportStatistics" && (code != http.StatusPartialContent || part != body[3:10]) {
				t.Errorf("%s: a range gives %d %q", mutation, code, part)
			}
			if code, _ := s.fetched(strings.Replace(link, e.ID.String(), uid.New(uid.Export).String(), 1)); code != 403 {
				t.Errorf("the link opens another export: %d", code)
			}
		}

		a := o.must(`{ exports(first: 3, orderBy: {field: CREATED_AT, direction: DESC}) { totalCount pageInfo { hasNextPage }
			edges { cursor node { id url } } } }`)
		if a.at("exports.totalCount") != 4.0 || len(a.list("exports.edges")) != 3 ||
			a.at("exports.pageInfo.hasNextPage") != true {
			t.Errorf("the list is %v", a.Data)
		}

		link := a.text("exports.edges.0.node.url")
		s.ahead.Store(4 * 24 * 3600)
		id := a.text("exports.edges.0.node.id")
		if url := o.must(oneExport, vars{"id": id}).at("node.url"); url != nil {
			t.Errorf("after its time the link is %v", url)
		}
		if code, _ := s.fetched(link); code != http.StatusForbidden {
			t.Errorf("after its time the link gives %d", code)
		}
	})
}

func TestALinkIsForThoseWhoMaySeeWhatIsInTheFile(t *testing.T) {
	s := onSQLite(t)
	o := s.signUp().open(1)
	o.queued(o.campaign("Spring"), 1)
	s.ahead.Store(60)
	open := o.exported("exportContacts", `{format: CSV}`)
	sums := o.exported("exportStatistics", `{filter: {since: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z"}}`)
	ofOne := o.exported("exportPersonalData", `{contactId: "`+o.contacts[0].ID.String()+`"}`)
	o.db.Client.Organization.UpdateOneID(o.org).SetMaskForViewers(true).ExecX(caller.System(o.ctx))
	viewer := o.member(enum.RoleViewer)
	masked := viewer.exported("exportContacts", `{format: CSV}`)

	for what, c := range map[string]struct {
		who  *person
		file *ent.Export
		may  bool
	}{
		"a VIEWER and an open file":       {viewer, open, false},
		"a VIEWER and their own":          {viewer, masked, true},
		"a VIEWER and statistics":         {viewer, sums, true},
		"a VIEWER and a person's data":    {viewer, ofOne, false},
		"an OWNER and an open file":       {o.person, open, true},
		"an OWNER and a person's data":    {o.person, ofOne, true},
		"a key that reads":                {o.scoped(enum.APIScopeRead), open, false},
		"a key that reads and may export": {o.scoped(enum.APIScopeRead, enum.APIScopeExport), open, true},
	} {
		link := c.who.ask(oneExport, vars{"id": c.file.ID.String()}).at("node.url")
		if (link != nil) != c.may {
			t.Errorf("%s: %v", what, link)
		}
	}

	link := viewer.must(oneExport, vars{"id": masked.ID.String()}).text("node.url")
	if _, body := s.fetched(link); strings.Contains(body, (*o.contacts[0].Phone)[4:]) {
		t.Errorf("the VIEWER's file has %s", body)
	}
	for _, filter := range []string{`exportContacts(input: {filter: {search: "4155"}})`,
		`exportMessages(input: {filter: {to: "+14155550101"}})`} {
		if code := viewer.ask(`mutation { ` + filter + ` { export { id } } }`).code(); code != "FORBIDDEN" {
			t.Errorf("%s gives a VIEWER %q", filter, code)
		}
	}
}

func (o *shop) scoped(scopes ...enum.APIScope) *person {
	o.t.Helper()
	_, token, err := o.who.CreateAPIKey(o.ctx, identity.NewAPIKey{Name: fmt.Sprint(scopes), Role: enum.RoleOwner,
		Scopes: scopes})
	if err != nil {
		o.t.Fatal(err)
	}

	return &person{stage: o.stage, token: token, ctx: o.ctx, org: o.org}
}
