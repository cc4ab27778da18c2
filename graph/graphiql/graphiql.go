// Package graphiql serves GraphiQL, an editor for GraphQL in the browser, out of
// the binary: nothing is loaded from elsewhere, and its content security policy
// would not let it. What dist holds is made from web by `make graphiql`.
package graphiql

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Options says what the page starts with.
type Options struct {
	Endpoint string   `json:"endpoint"` // path of the GraphQL API, on this host; also its websocket
	Tabs     []string `json:"tabs"`     // operations, a tab each, for who comes the first time
	Headers  string   `json:"headers"`  // JSON for the headers editor; a value with <…> in it is not sent
}

var (
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

// Handler serves the page at / and its parts under /graphiql/.
func Handler(o Options) http.Handler {
	options, err := json.Marshal(o)
	if err != nil {
		panic(err) // three strings
	}

	var html bytes.Buffer
	if err := page.Execute(&html, map[string]string{"Options": string(options), "Script": named("graphiql-", ".js"),
		"Style": named("graphiql-", ".css")}); err != nil {
		panic(err) // the template is ours
	}

	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(html.Bytes()))

	mux := http.NewServeMux()

	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy(r.Host))
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(html.Bytes()))
	})

	mux.HandleFunc("GET /graphiql/{name}", serveAsset)

	return mux
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]+$`)

// policy names the host's websockets, as 'self' does not cover them in every browser.
// Monaco writes style attributes; that is what 'unsafe-inline' is for.
func policy(host string) string {
	sockets := ""
	if plainHost.MatchString(host) {
		sockets = " ws://" + host + " wss://" + host
	}

	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"worker-src 'self'",
		"style-src 'self' 'unsafe-inline'",
		"font-src 'self'",
		"img-src 'self' data:",
		"connect-src 'self'" + sockets,
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}
