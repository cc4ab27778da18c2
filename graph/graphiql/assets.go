package graphiql

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed dist
var dist embed.FS

var types = map[string]string{
	".js":  "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".ttf": "font/ttf",
	".txt": "text/plain; charset=utf-8",
}

// named finds the file whose name has a hash between prefix and suffix.
func named(prefix, suffix string) string {
	found, err := fs.Glob(dist, "dist/"+prefix+"*"+suffix+".gz")
	if err != nil || len(found) != 1 {
		panic("graphiql: dist is not what make graphiql builds")
	}

	return strings.TrimSuffix(path.Base(found[0]), ".gz")
}

// unpacked are the files as they are without gzip, each made when the first client asks that takes
// none. They are few, and ours.
var unpacked sync.Map // name → func() []byte

func plain(name string, packed []byte) []byte {
	once, _ := unpacked.LoadOrStore(name, sync.OnceValue(func() []byte {
		content, err := unpack(packed)
		if err != nil {
			panic("graphiql: dist/" + name + ".gz is no gzip: " + err.Error())
		}

		return content
	}))

	return once.(func() []byte)()
}

// serveAsset lets browsers keep a file for good: other content has another name.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	packed, err := dist.ReadFile("dist/" + name + ".gz")
	if err != nil {
		http.NotFound(w, r)
		return
	}

	content := packed
	h := w.Header()

	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
	} else {
		content = plain(name, packed)
	}

	h.Set("Content-Type", types[path.Ext(name)])
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", `W/"`+name+`"`) // weak: the same for both encodings
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}

	return io.ReadAll(z)
}

func acceptsGzip(accepted string) bool {
	for coding := range strings.SplitSeq(accepted, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != "" || weight == ""
		}
	}

	return false
}
