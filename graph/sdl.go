package graph

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/formatter"
)

// oneOf is declared by GraphQL itself, and printed all the same: generators that are older than it
// read the schema then.
const oneOf = `"Exactly one field of such an input is given, and it is not null."
directive @oneOf on INPUT_OBJECT

`

// SDL is the schema for clients to read: types by name, fields as they were written, with
// descriptions.
var SDL = sync.OnceValue(func() string {
	text := bytes.NewBufferString(oneOf)
	formatter.NewFormatter(text, formatter.WithIndent("  ")).FormatSchema(served())
	return text.String()
})

// ServeSDL answers with the SDL. Whoever has it already is told so.
func ServeSDL() http.Handler {
	text := []byte(SDL())
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(text))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/graphql; charset=utf-8")
		h.Set("ETag", etag)
		h.Set("Cache-Control", "no-cache") // ask whether it is still the same
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	})
}
