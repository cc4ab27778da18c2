// Package packed serves files that were compressed before they were embedded, with brotli or gzip,
// to browsers that take them so and to others. Names hold a hash of the content, so browsers keep a
// file for good: other content has another name.
package packed

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
)

var types = map[string]string{
	".js":    "text/javascript; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".svg":   "image/svg+xml",
	".ttf":   "font/ttf",
	".woff2": "font/woff2",
	".txt":   "text/plain; charset=utf-8",
}

// Files are those of one folder, each as NAME.gz or NAME.br.
type Files struct {
	folder fs.FS
	// made are the forms of files that are not in the folder, each made when the first client asks
	// that takes no other. They are few, and ours.
	made sync.Map // name and coding → func() []byte
}

// New takes a folder that is embedded in the program.
func New(folder fs.FS) *Files { return &Files{folder: folder} }

// Named finds the file whose name has a hash between prefix and suffix. It panics when there is not
// one: then the folder is not what its build makes.
func (f *Files) Named(prefix, suffix string) string {
	found, err := fs.Glob(f.folder, prefix+"*"+suffix+".gz")
	if err != nil || len(found) != 1 {
		panic(fmt.Sprintf("packed: %d files %s*%s", len(found), prefix, suffix))
	}

	return strings.TrimSuffix(found[0], ".gz")
}

// codings are how a file may be stored: how it ends, and what it is called in a request.
var codings = []struct{ ending, name string }{{".br", "br"}, {".gz", "gzip"}}

// form returns a file as a client takes it, and in which coding.
func (f *Files) form(name, accepted string) (content []byte, coding string, err error) {
	for _, c := range codings {
		stored, err := fs.ReadFile(f.folder, name+c.ending)
		if err != nil {
			continue
		}
		if accepts(accepted, c.name) {
			return stored, c.name, nil
		}
		if accepts(accepted, "gzip") {
			return f.make(name, "gzip", func() ([]byte, error) { return repack(stored) }), "gzip", nil
		}

		return f.make(name, "", func() ([]byte, error) { return unpack(stored, c.name) }), "", nil
	}

	return nil, "", fs.ErrNotExist
}

func (f *Files) make(name, coding string, made func() ([]byte, error)) []byte {
	once, _ := f.made.LoadOrStore(name+" "+coding, sync.OnceValue(func() []byte {
		content, err := made()
		if err != nil {
			panic("packed: " + name + " is not packed as its name says: " + err.Error())
		}

		return content
	}))

	return once.(func() []byte)()
}

// Serve answers with the file of a name, for good; 404 where there is none.
func (f *Files) Serve(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	f.serve(w, r, name, types[path.Ext(name)])
}

// ServePage answers with a page, which browsers ask for anew each time, since its name stays.
func (f *Files) ServePage(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Cache-Control", "no-cache")
	f.serve(w, r, name, "text/html; charset=utf-8")
}

func (f *Files) serve(w http.ResponseWriter, r *http.Request, name, contentType string) {
	if contentType == "" {
		w.Header().Del("Cache-Control")
		http.NotFound(w, r)
		return
	}

	content, coding, err := f.form(name, r.Header.Get("Accept-Encoding"))
	if err != nil {
		w.Header().Del("Cache-Control")
		http.NotFound(w, r)
		return
	}

	h := w.Header()
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}

	h.Set("Content-Type", contentType)
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")

	if h.Get("ETag") == "" {
		h.Set("ETag", `W/"`+name+`"`) // weak: the same for all codings
	}

	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// repack makes gzip of brotli, for browsers that take brotli over TLS only.
func repack(br []byte) ([]byte, error) {
	content, err := unpack(br, "br")
	if err != nil {
		return nil, err
	}

	var gz bytes.Buffer
	z, _ := gzip.NewWriterLevel(&gz, gzip.BestCompression) // the level is valid
	if _, err := z.Write(content); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}

	return gz.Bytes(), nil
}

func unpack(packed []byte, coding string) ([]byte, error) {
	if coding == "br" {
		return io.ReadAll(brotli.NewReader(bytes.NewReader(packed)))
	}

	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}

	return io.ReadAll(z)
}

func accepts(accepted, coding string) bool {
	for one := range strings.SplitSeq(accepted, ",") {
		name, weight, _ := strings.Cut(one, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != "" || weight == ""
		}
	}

	return false
}
