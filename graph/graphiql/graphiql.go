// Package graphiql serves GraphiQL, an editor for GraphQL in the browser, out of
// the binary: nothing is loaded from elsewhere, and its content security policy
// would not let it. What dist holds is made from web by `make graphiql`.
package graphiql

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"carillon/packed"
)

// Options says what the page starts with.
type Options struct {
	Endpoint string   `json:"endpoint"` // path of the GraphQL API, on this host; also its websocket
	Tabs     []string `json:"tabs"`     // operations, a tab each, for who comes the first time
	Headers  string   `json:"headers"`  // JSON for the headers editor; a value with <…> in it is not sent
}

// Path is where the page is served; its parts are below it.
const Path = "/graphiql"

var (
	//go:embed dist
	dist embed.FS
	//go:embed page.html
	pageHTML string
	//go:embed viewer.graphql
	viewer string
	//go:embed campaigns.graphql
	campaigns string
	//go:embed deliveryEvents.graphql
	deliveryEvents string

	page = template.Must(template.New("page").Parse(pageHTML))
)

// Default opens on the caller, the campaigns and the live log.
func Default() Options {
	return Options{
		Endpoint: "/graphql",
		Tabs:     []string{viewer, campaigns, deliveryEvents},
		Headers:  `{ "Authorization": "Bearer <API key>" }`,
	}
}

// KeyFragment is what to put behind the page's address so that the headers editor
// holds the key. Browsers keep it to themselves: it reaches no server and no log.
func KeyFragment(key string) string { return "#key=" + url.QueryEscape(key) }

// Handler serves the page at Path and its parts below it.
func Handler(o Options) http.Handler {
	options, err := json.Marshal(o)
	if err != nil {
		panic(err) // three strings
	}

	folder, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is valid
	}

	var html bytes.Buffer
	files := packed.New(folder)
	if err := page.Execute(&html, map[string]string{"Options": string(options),
		"Script": files.Named("graphiql-", ".js"), "Style": files.Named("graphiql-", ".css")}); err != nil {
		panic(err) // the template is ours
	}

	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(html.Bytes()))

	mux := http.NewServeMux()

	mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		// Monaco writes style attributes; that is what 'unsafe-inline' is for.
		packed.Guard(h, r.Host, "worker-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data:")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(html.Bytes()))
	})

	mux.HandleFunc("GET "+Path+"/{name}", func(w http.ResponseWriter, r *http.Request) {
		files.Serve(w, r, r.PathValue("name"))
	})

	return mux
}
