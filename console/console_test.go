package console_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/console"
)

func ask(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}

	w := httptest.NewRecorder()
	console.Handler().ServeHTTP(w, r)

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

// TestDistIsNotOlderThanItsSources computes what sources.mjs does.
func TestDistIsNotOlderThanItsSources(t *testing.T) {
	t.Parallel()
	names := []string{"build.mjs", "index.html", "package-lock.json", "sources.mjs", "tsconfig.json", "vite.config.ts"}
	test := regexp.MustCompile(`\.test\.tsx?$`)
	for _, folder := range []string{"locales", "src"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && !test.MatchString(path) {
				names = append(names, filepath.ToSlash(path))
			}

			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}

		sum.Write(append(append([]byte(name+"\x00"), content...), 0))
	}

	built, err := os.ReadFile("dist/sources.sha256")
	if err != nil || strings.TrimSpace(string(built)) != hex.EncodeToString(sum.Sum(nil)) {
		t.Errorf("console/dist was not built from what is in console/src now: run `make console` (%v)", err)
	}
}

func TestEveryAddressIsThePageAndIsAskedForAnew(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/", "/start", "/campaigns/cmp_06am", "/accept-invitation", "/reset-password"} {
		res := ask(t, "GET", path, "Accept-Encoding", "gzip")
		if res.StatusCode != http.StatusOK || res.Header.Get("Cache-Control") != "no-cache" ||
			res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %s %v", path, res.Status, res.Header)
		}

		again := ask(t, "GET", path, "If-None-Match", res.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s", path, again.Status)
		}
	}
}

func TestThePageRunsNoScriptOfItsOwnAndReachesNobodyElse(t *testing.T) {
	t.Parallel()
	res := ask(t, "GET", "/")
	html := read(t, res.Body)
	if m := regexp.MustCompile(`(?i)(https?:)?//[a-z]|<script>|<style|\son\w+=|style=`).FindString(html); m != "" {
		t.Errorf("the page has %q", m)
	}

	policy := res.Header.Get("Content-Security-Policy")
	for _, rule := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';",
		"connect-src 'self' ws://example.com wss://example.com;", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy+";", rule) {
			t.Errorf("%s lacks %s", policy, rule)
		}
	}

	if strings.Contains(policy, "unsafe") {
		t.Error(policy)
	}
}

func TestPartsAreKeptForGoodAndComePackedOrPlain(t *testing.T) {
	t.Parallel()
	for name := range built(t) {
		plain := read(t, ask(t, "GET", "/assets/"+name).Body)
		for accepted, coding := range map[string]string{"gzip, deflate, br": "br", "gzip, br;q=0": "gzip", "deflate": ""} {
			res := ask(t, "GET", "/assets/"+name, "Accept-Encoding", accepted)
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Encoding") != coding ||
				!strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s to %q: %s %v", name, accepted, res.Status, res.Header)
			}
			if unpacked(t, res.Body, coding) != plain {
				t.Errorf("%s to %q: another content", name, accepted)
			}
		}
	}
}

func unpacked(t *testing.T, body io.Reader, coding string) string {
	t.Helper()
	switch coding {
	case "br":
		return read(t, brotli.NewReader(body))
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}

		return read(t, z)
	}

	return read(t, body)
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/robots.txt", "/assets/none.js", "/assets/", "/assets/manifest.json",
		"/assets/sources.sha256", "/assets/..%2fconsole.go", "/assets/index.html", "/favicon.ico"} {
		if res := ask(t, "GET", path); res.StatusCode != http.StatusNotFound || res.Header.Get("Cache-Control") != "" {
			t.Errorf("%s: %s %v", path, res.Status, res.Header)
		}
	}
	if res := ask(t, "POST", "/"); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", res.Status)
	}
}

// built are the sizes of the packed parts.
func built(t *testing.T) map[string]int {
	t.Helper()
	found, err := filepath.Glob("dist/*.br")
	if err != nil || len(found) < 5 {
		t.Fatalf("%d files in dist, %v", len(found), err)
	}

	sizes := map[string]int{}
	for _, file := range found {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if name := strings.TrimSuffix(filepath.Base(file), ".br"); name != "index.html" {
			sizes[name] = int(info.Size())
		}
	}

	return sizes
}

// chunk is an entry of Vite's manifest.
type chunk struct {
	File           string
	IsEntry        bool
	Imports        []string
	DynamicImports []string
	CSS            []string
}

// with adds what a chunk loads at once.
func with(all map[string]chunk, name string, into map[string]bool) {
	c := all[name]
	if into[c.File] {
		return
	}

	into[c.File] = true
	for _, css := range c.CSS {
		into[css] = true
	}
	for _, other := range c.Imports {
		with(all, other, into)
	}
}

func TestTheFirstLoadAndEachFurtherPageAreSmall(t *testing.T) {
	t.Parallel()
	const firstBudget, pageBudget = 200 << 10, 80 << 10
	content, err := os.ReadFile("dist/manifest.json")
	if err != nil {
		t.Fatal(err)
	}

	var all map[string]chunk
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}

	sizes := built(t)
	size := func(files, without map[string]bool) (total int) {
		for file := range files {
			if !without[file] {
				total += sizes[strings.TrimPrefix(file, "assets/")]
			}
		}

		return total
	}
	entry := map[string]bool{}
	with(all, "index.html", entry)

	locales := 0
	for name, c := range all {
		if strings.HasPrefix(name, "locales/") {
			locales = max(locales, sizes[strings.TrimPrefix(c.File, "assets/")])
		}
	}

	for name := range all {
		if !strings.HasSuffix(name, "/page.tsx") {
			continue
		}

		page := map[string]bool{}
		with(all, name, page)
		more := size(page, entry)
		if first := size(entry, nil) + locales + more; first > firstBudget || more > pageBudget {
			t.Errorf("%s: the first load is %d bytes, the page itself %d", name, first, more)
		}
	}
	t.Logf("before any page: %d bytes, and %d for a language", size(entry, nil), locales)
}

// TestEveryOperationFitsTheSchema needs no Node.
func TestEveryOperationFitsTheSchema(t *testing.T) {
	t.Parallel()
	schemas, err := filepath.Glob("../schema/*.graphql")
	if err != nil || len(schemas) == 0 {
		t.Fatalf("no schema: %v", err)
	}

	var sources []*ast.Source
	for _, file := range schemas {
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

	document := regexp.MustCompile("graphql\\(`([^`]+)`\\)")
	var all strings.Builder
	err = filepath.WalkDir("src", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, "src/graphql/") {
			return err
		}

		content, err := os.ReadFile(path)
		for _, m := range document.FindAllSubmatch(content, -1) {
			all.Write(m[1])
		}

		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := gqlparser.LoadQueryWithRules(schema, all.String(), nil); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestEveryTextIsInChinese(t *testing.T) {
	t.Parallel()
	catalog, err := os.ReadFile("locales/zh-Hans.po")
	if err != nil {
		t.Fatal(err)
	}

	missing := regexp.MustCompile(`(?m)^msgid "(.+)"\nmsgstr ""$`).FindAllSubmatch(catalog, -1)
	for _, m := range missing {
		t.Errorf("console/locales/zh-Hans.po lacks %s", m[1])
	}
}
