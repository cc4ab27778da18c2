//go:build ignore

// Generates the data model's code. Run by go generate from this folder.
package main

import (
	"log"
	"os"
	"path/filepath"
	"strings"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
)

// mend repairs what entgql's pagination does wrong: it knows edges, node, pageInfo and totalCount by their alias only, so
// that an aliased field comes back empty; it guesses pageInfo when edges are not asked; and it counts all rows for pageInfo.
var mends = []struct{ old, new string }{
	{"if f.Alias == name {", "if f.Alias == name || f.Name == name {"},
	{"ignoredEdges := !hasCollectedField(ctx, edgesField)\n", "ignoredEdges := !hasCollectedField(ctx, edgesField) && !hasCollectedField(ctx, pageInfoField)\n"},
	{"if hasCollectedField(ctx, totalCountField) || hasCollectedField(ctx, pageInfoField) {", "if hasCollectedField(ctx, totalCountField) {"},
}

func mend(next gen.Generator) gen.Generator {
	return gen.GenerateFunc(func(g *gen.Graph) error {
		if err := next.Generate(g); err != nil {
			return err
		}
		name := filepath.Join(g.Config.Target, "gql_pagination.go")
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		s := string(b)
		for _, m := range mends {
			if !strings.Contains(s, m.old) {
				log.Fatalf("entgql no longer writes %q: look at the mend again", m.old)
			}
			s = strings.ReplaceAll(s, m.old, m.new)
		}
		return os.WriteFile(name, []byte(s), 0o644)
	})
}

func main() {
	graphql, err := entgql.NewExtension()
	if err != nil {
		log.Fatal(err)
	}
	err = entc.Generate("./ent/schema", &gen.Config{
		Target: "./ent", Package: "carillon/ent", Hooks: []gen.Hook{mend},
		Features: []gen.Feature{gen.FeaturePrivacy, gen.FeatureEntQL, gen.FeatureUpsert, gen.FeatureModifier, gen.FeatureExecQuery, gen.FeatureLock},
	}, entc.Extensions(graphql))
	if err != nil {
		log.Fatal(err)
	}
}
