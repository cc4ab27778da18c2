package transport

import (
	"runtime"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// What the caches count with has to be what is there.
func TestDocumentsCostWhatTheyTake(t *testing.T) {
	const copies = 100
	for name, text := range map[string]string{
		"values":     "{echo(texts: [" + strings.Repeat(`"",`, 2000) + "])}",
		"objects":    "{echo(input: [" + strings.Repeat(`{a:1,b:{c:d}},`, 500) + "])}",
		"fields":     "{" + strings.Repeat("hello ", 1000) + "}",
		"arguments":  "{" + strings.Repeat("hello(name: 1) ", 500) + "}",
		"directives": "{" + strings.Repeat("hello @skip(if: true) ", 400) + "}",
		"fragments":  "{" + strings.Repeat("...on Query{a} ", 500) + "}",
		"spreads":    "{" + strings.Repeat("...a ", 1000) + "}",
		"variables":  "query (" + strings.Repeat("$a: Int = 1 ", 600) + ") {a}",
		"small":      "{viewer {role}}",
	} {
		var before, after runtime.MemStats
		docs := make([]*ast.QueryDocument, copies)
		runtime.GC()
		runtime.ReadMemStats(&before)

		for i := range docs {
			doc, err := parser.ParseQuery(&ast.Source{Input: strings.Clone(text)})
			if err != nil {
				t.Fatal(err)
			}

			docs[i] = doc
		}

		runtime.GC()
		runtime.ReadMemStats(&after)
		takes := int(after.HeapAlloc-before.HeapAlloc) / copies
		counted := documentCost(docs[0]) + len(text)
		if counted < takes*3/4 || counted > takes*2+1000 {
			t.Errorf("%s: %d bytes are counted, and %d taken", name, counted, takes)
		}

		runtime.KeepAlive(docs)
	}
}
