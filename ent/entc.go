//go:build ignore

// Generates the data model's code. Run by go generate from this folder.
package main

import (
	"go/format"
	"log"
	"os"
	"path/filepath"
	"regexp"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

// mends repair what entgql does wrong. Its pagination knows edges, node, pageInfo and totalCount by
// their alias only, so that an aliased field comes back empty; it guesses pageInfo when edges are
// not asked; and it counts all rows for pageInfo. Its collection lets the second of two aliases of
// an edge, of edges or of node overwrite what the first asked for, so that columns which nobody has
// read come back empty: where an operation has aliases, all columns are read. And it gives the rows
// of an edge no order, which a history needs.
var mends = map[string][]struct{ old, new string }{
	"gql_pagination.go": {
		{`if f\.Alias == name \{`, "if f.Alias == name || f.Name == name {"},
		{`ignoredEdges := !hasCollectedField\(ctx, edgesField\)\n`,
			"ignoredEdges := !hasCollectedField(ctx, edgesField) && !hasCollectedField(ctx, pageInfoField)\n"},
		{`if hasCollectedField\(ctx, totalCountField\) \|\| hasCollectedField\(ctx, pageInfoField\) \{`,
			"if hasCollectedField(ctx, totalCountField) {"},
	},
	"gql_edge.go": {
		{`QueryConsentHistory\(\)`, "QueryConsentHistory().Order(consentrecord.BySaidAt(), consentrecord.ByID())"},
		{`import \(`, "import (\n\t\"carillon/ent/consentrecord\"\n"},
	},
	"gql_collection.go": {
		{`if !unknownSeen \{`, "if !unknownSeen && !aliased(opCtx.Operation.SelectionSet, opCtx.Doc.Fragments) {"},
		{`(Query\(\)\n\t\t\t\)\n)(\t\t\tif err := query\.collectField\([^\n]*\n\t\t\t\treturn err\n\t\t\t\}\n\t\t\t_q\.(with\w+) = query)`,
			"${1}\t\t\tif _q.${3} != nil {\n\t\t\t\tquery = _q.${3}\n\t\t\t}\n${2}"},
		{`(WithNamedConsentHistory\(alias, func\(wq \*ConsentRecordQuery\) \{\n\t\t\t\t\*wq = \*query)`,
			"${1}.Order(consentrecord.BySaidAt(), consentrecord.ByID())"},
		{`import \(`, "import (\n\t\"github.com/vektah/gqlparser/v2/ast\"\n"},
		{`\z`, aliased},
	},
}

const aliased = `
// aliased reports whether any field is asked for under another name than its own.
func aliased(set ast.SelectionSet, fragments ast.FragmentDefinitionList) bool {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if s.Alias != s.Name || aliased(s.SelectionSet, nil) {
				return true
			}
		case *ast.InlineFragment:
			if aliased(s.SelectionSet, nil) {
				return true
			}
		}
	}
	for _, f := range fragments {
		if aliased(f.SelectionSet, nil) {
			return true
		}
	}
	return false
}
`

func mend(next gen.Generator) gen.Generator {
	return gen.GenerateFunc(func(g *gen.Graph) error {
		if err := next.Generate(g); err != nil {
			return err
		}

		for name, changes := range mends {
			name = filepath.Join(g.Config.Target, name)
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}

			for _, m := range changes {
				old := regexp.MustCompile(m.old)
				if !old.Match(text) {
					log.Fatalf("entgql no longer writes %q: look at the mend again", m.old)
				}

				text = old.ReplaceAll(text, []byte(m.new))
			}

			if text, err = format.Source(text); err != nil {
				return err
			}
			if err := os.WriteFile(name, text, 0o644); err != nil {
				return err
			}
		}

		return nil
	})
}

func main() {
	graphql, err := entgql.NewExtension()
	if err != nil {
		log.Fatal(err)
	}

	err = entc.Generate("./ent/schema", &gen.Config{
		Target: "./ent", Package: "carillon/ent", Hooks: []gen.Hook{mend},
		Features: []gen.Feature{gen.FeaturePrivacy, gen.FeatureEntQL, gen.FeatureExecQuery},
	}, entc.Extensions(graphql))
	if err != nil {
		log.Fatal(err)
	}
}
