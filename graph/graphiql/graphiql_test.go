package graphiql_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/graph/graphiql"
)

func ask(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}

	w := httptest.NewRecorder()
	graphiql.Handler(graphiql.Default()).ServeHTTP(w, r)

	return w.Result()
}

func read(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}

	return string(b)
}

// parts are the addresses that the page asks for.
func parts(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile(`(?:src|href)="(graphiql/[^"]+)"`).
		FindAllStringSubmatch(read(t, ask(t, "/graphiql").Body), -1) {
		found = append(found, "/"+m[1])
	}

	if len(found) != 2 {
		t.Fatalf("the page asks for %v, want a script and a style sheet", found)
	}

	return found
}

func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	res := ask(t, "/graphiql")
	html := read(t, res.Body)
	if m := regexp.MustCompile(`(?i)(https?:)?//[a-z]`).FindString(html); m != "" {
		t.Errorf("the page has an address elsewhere: %s", m)
	}

	policy := res.Header.Get("Content-Security-Policy")
	for _, rule := range []string{"default-src 'none'", "script-src 'self';",
		"connect-src 'self' ws://example.com wss://example.com;", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, rule) {
			t.Errorf("%s lacks %s", policy, rule)
		}
	}

	for _, want := range []string{"subscription DeliveryEvents", "/graphql", "Bearer \\u003cAPI key"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestPolicyDoesNotTakeRulesFromTheHostHeader(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/graphiql", nil)
	r.Host = "x; script-src *"
	w := httptest.NewRecorder()
	graphiql.Handler(graphiql.Default()).ServeHTTP(w, r)
	if policy := w.Header().Get("Content-Security-Policy"); strings.Contains(policy, "*") {
		t.Error(policy)
	}
}

func TestPageCarriesItsOptionsSafely(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	graphiql.Handler(graphiql.Options{Endpoint: `"><script>alert(1)</script>`}).
		ServeHTTP(w, httptest.NewRequest("GET", "/graphiql", nil))
	if strings.Contains(w.Body.String(), "<script>alert") {
		t.Error(w.Body)
	}
}

func TestPartsComePackedOrPlain(t *testing.T) {
	t.Parallel()
	for _, path := range parts(t) {
		packed := ask(t, path, "Accept-Encoding", "br, gzip;q=0.8")
		if packed.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: not gzipped", path)
		}

		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}

		for _, accepted := range []string{"", "br", "gzip;q=0", "gzip;q=0.0"} {
			plain := ask(t, path, "Accept-Encoding", accepted)
			if plain.Header.Get("Content-Encoding") != "" {
				t.Errorf("%s: gzipped for %q", path, accepted)
			}
			if accepted == "" && read(t, plain.Body) != read(t, z) {
				t.Errorf("%s: another content without gzip", path)
			}
		}

		for header, want := range map[string]string{"Vary": "Accept-Encoding",
			"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"} {
			if got := packed.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", path, header, got, want)
			}
		}
	}
}

// Without gzip a file is unpacked once, not for each who asks.
func TestPartsAreUnpackedOnce(t *testing.T) {
	for _, path := range parts(t) {
		handler := graphiql.Handler(graphiql.Default())
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Range", "bytes=0-99") // so that what is measured is not the sending
		handler.ServeHTTP(httptest.NewRecorder(), r)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 20 {
			handler.ServeHTTP(httptest.NewRecorder(), r)
		}

		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / 20; each > 2_000_000 {
			t.Errorf("%s: %d bytes are allocated for each who asks", path, each)
		}
	}
}

func TestWhatTheBrowserHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, path := range append(parts(t), "/graphiql") {
		again := ask(t, path, "Accept-Encoding", "gzip", "If-None-Match", ask(t, path).Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %s", path, again.Status)
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/other", "/", "/graphiql/", "/graphiql/none.js", "/graphiql/..%2fgraphiql.go",
		"/graphiql/.."} {
		if res := ask(t, path); res.StatusCode == http.StatusOK {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}

func TestDistIsSmallAndWhole(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("dist/*")
	if err != nil {
		t.Fatal(err)
	}

	total := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		total += len(content)
		res := ask(t, "/graphiql/"+strings.TrimSuffix(filepath.Base(file), ".gz"))
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") == "" || len(read(t, res.Body)) < 1000 {
			t.Errorf("%s: %s, %v", file, res.Status, res.Header)
		}
	}

	if total > 2_000_000 || len(files) != 7 {
		t.Errorf("%d files of %d bytes", len(files), total)
	}
}

func TestKeyStandsBehindTheHash(t *testing.T) {
	t.Parallel()
	if got := graphiql.KeyFragment("crk_a+b"); got != "#key=crk_a%2Bb" {
		t.Error(got)
	}
}

// publicSchema is what the API serves.
func publicSchema(t *testing.T) *ast.Schema {
	t.Helper()
	files, err := filepath.Glob("../../schema/*.graphql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no schema: %v", err)
	}

	var sources []*ast.Source
	for _, file := range files {
		sdl, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		sources = append(sources, &ast.Source{Name: file, Input: string(sdl)})
	}

	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}

	return schema
}

func TestDefaultOperationsAreValid(t *testing.T) {
	t.Parallel()
	schema := publicSchema(t)
	for _, tab := range graphiql.Default().Tabs {
		if _, errs := gqlparser.LoadQueryWithRules(schema, tab, nil); len(errs) > 0 {
			t.Errorf("%s\n%v", tab, errs)
		}
	}
}
