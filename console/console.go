// Package console serves the console: the pages in the browser for the people who run campaigns,
// out of the binary. Nothing is loaded from elsewhere, and the content security policy would not
// let it. The pages use the public API alone. What dist holds is made from src by `make console`.
package console

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"carillon/packed"
)

//go:embed dist
var dist embed.FS

// assets is where the parts of the pages are.
const assets = "/assets/"

// Handler serves the parts under /assets/ and the one page, which shows what its address says,
// everywhere else but where the name of a file is asked for.
func Handler() http.Handler {
	folder, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is valid
	}

	files := packed.New(folder)
	page, err := fs.ReadFile(folder, "index.html.br")
	if err != nil {
		panic("console: dist is not what make console builds")
	}

	etag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(page))

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}

		if name, found := strings.CutPrefix(r.URL.Path, assets); found {
			files.Serve(w, r, name)
			return
		}
		if path.Ext(r.URL.Path) != "" {
			http.NotFound(w, r)
			return
		}

		h := w.Header()
		// Scripts set styles of elements one by one, which needs no exception.
		packed.Guard(h, r.Host, "style-src 'self'", "img-src 'self' data: blob:", "media-src 'self' blob:")
		h.Set("ETag", etag)
		files.ServePage(w, r, "index.html")
	})
}
