package packed_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"

	"carillon/packed"
)

const script = "console.log('a script that is as long as it takes to be worth its packing')"

// folder has the same script twice, once in each coding.
func folder(t *testing.T) fstest.MapFS {
	t.Helper()
	pack := func(to func(io.Writer) io.WriteCloser) *fstest.MapFile {
		var b bytes.Buffer
		w := to(&b)
		if _, err := io.WriteString(w, script); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}

		return &fstest.MapFile{Data: b.Bytes()}
	}

	return fstest.MapFS{
		"one-1a2b.js.br": pack(func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }),
		"two-3c4d.js.gz": pack(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
		"none.exe.gz":    {Data: []byte("x")},
	}
}

func ask(files *packed.Files, name, accepted string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Encoding", accepted)
	files.Serve(w, r, name)

	return w
}

func unpacked(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var r io.Reader = w.Body
	switch w.Header().Get("Content-Encoding") {
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}

		r = z
	}

	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}

	return string(b)
}

func TestAFileComesInACodingThatTheBrowserTakes(t *testing.T) {
	t.Parallel()
	files := packed.New(folder(t))
	for _, test := range []struct{ name, accepted, coding string }{
		{"one-1a2b.js", "gzip, deflate, br, zstd", "br"}, {"one-1a2b.js", "gzip", "gzip"},
		{"one-1a2b.js", "BR;q=0.5", "br"}, {"one-1a2b.js", "br;q=0, gzip;q=0.0", ""}, {"one-1a2b.js", "", ""},
		{"two-3c4d.js", "br, gzip", "gzip"}, {"two-3c4d.js", "br", ""}, {"two-3c4d.js", "identity", ""},
	} {
		w := ask(files, test.name, test.accepted)
		if got := w.Header().Get("Content-Encoding"); got != test.coding || w.Code != http.StatusOK ||
			w.Header().Get("Vary") != "Accept-Encoding" ||
			!strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
			t.Errorf("%s to %q: %d %v", test.name, test.accepted, w.Code, w.Header())
		}
		if got := unpacked(t, w); got != script {
			t.Errorf("%s to %q is %q", test.name, test.accepted, got)
		}
	}
}

func TestWhatIsNotThereOrOfNoKnownKindIsNotFoundAndNotKept(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", "..", "../secret", "one-1a2b.js.br", "none.exe", "three.js", "/one-1a2b.js"} {
		if w := ask(packed.New(folder(t)), name, "br"); w.Code != http.StatusNotFound ||
			w.Header().Get("Cache-Control") != "" {
			t.Errorf("%q: %d %v", name, w.Code, w.Header())
		}
	}
}

func TestAFolderThatItsBuildDidNotMakeIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	if got := packed.New(folder(t)).Named("two-", ".js"); got != "two-3c4d.js" {
		t.Error(got)
	}

	defer func() {
		if recover() == nil {
			t.Error("a script that is not there was found")
		}
	}()
	packed.New(folder(t)).Named("three-", ".js")
}
