package transport

import (
	"context"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Paging bounds how many rows some fields may be asked for. The first rule that fits a field holds.
type Paging struct {
	Field   string   // one field, "Query.events" or, on whatever type, "events"; or
	Suffix  string   // every field whose type's name ends so, e.g. "Connection"
	Sizes   []string // the arguments that are a page size: each 1 to Max, and no two of them; or
	List    string   // the argument whose length, up to Max, is the size
	Max     int
	Default int // rows where no size is given and the schema has no default; Max if 0
}

func (p Paging) fits(f *ast.Field) bool {
	if p.Field != "" {
		return p.Field == f.Name || f.ObjectDefinition != nil && p.Field == f.ObjectDefinition.Name+"."+f.Name
	}
	return strings.HasSuffix(f.Definition.Type.Name(), p.Suffix)
}

// pageLimit checks page sizes wherever they stand in a document, before anything runs, and bounds
// the rows that they come to together.
type pageLimit struct {
	rules    []Paging
	maxNodes int
}

func newPageLimit(rules []Paging, maxNodes int) pageLimit {
	for _, rule := range rules {
		if rule.Max <= 0 || (rule.Field == "") == (rule.Suffix == "") || (len(rule.Sizes) == 0) == (rule.List == "") {
			panic(fmt.Sprintf("transport: paging rule %+v", rule))
		}
	}

	return pageLimit{rules, maxNodes}
}

func (pageLimit) ExtensionName() string                   { return "PageLimit" }
func (pageLimit) Validate(graphql.ExecutableSchema) error { return nil }

func (l pageLimit) MutateOperationContext(_ context.Context, opCtx *graphql.OperationContext) *gqlerror.Error {
	walk := pageWalk{rules: l.rules, variables: opCtx.Variables, fragments: map[string]int{}}
	nodes := walk.nodes(opCtx.Operation.SelectionSet)
	if walk.err != nil {
		return walk.err
	}

	if nodes > l.maxNodes {
		return codedError(codeTooComplex, "the operation asks for up to %d nodes, the limit is %d: ask for smaller pages",
			nodes, l.maxNodes)
	}

	return nil
}

type pageWalk struct {
	rules     []Paging
	variables map[string]any
	fragments map[string]int
	err       *gqlerror.Error // the first
}

// nodes counts the rows that a selection may come to. Each fragment is walked once.
func (w *pageWalk) nodes(set ast.SelectionSet) (total int) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			inner := w.nodes(s.SelectionSet)
			if rows, paged := w.rows(s); paged {
				inner = product(rows, sum(1, inner))
			}

			total = sum(total, inner)
		case *ast.InlineFragment:
			total = sum(total, w.nodes(s.SelectionSet))
		case *ast.FragmentSpread:
			inner, ok := w.fragments[s.Name]
			if !ok {
				w.fragments[s.Name] = 0
				inner = w.nodes(s.Definition.SelectionSet)
				w.fragments[s.Name] = inner
			}

			total = sum(total, inner)
		}
	}

	return total
}

func (w *pageWalk) rows(f *ast.Field) (rows int, paged bool) {
	for _, rule := range w.rules {
		if f.Definition == nil || !rule.fits(f) {
			continue
		}
		if rule.List != "" {
			return w.listed(f, rule), true
		}

		return w.sized(f, rule), true
	}

	return 0, false
}

func (w *pageWalk) listed(f *ast.Field, rule Paging) int {
	length := 0
	switch v := w.argument(f, rule.List).(type) {
	case nil:
	case []any:
		length = len(v)
	default:
		length = 1 // a single value stands for a list of one
	}

	if length > rule.Max {
		w.fail(f, rule.List, "%s takes at most %d %s", f.Name, rule.Max, rule.List)
	}

	return length
}

func (w *pageWalk) sized(f *ast.Field, rule Paging) int {
	rows, given := rule.Default, ""
	if rows == 0 {
		rows = rule.Max
	}

	for _, name := range rule.Sizes {
		value := w.argument(f, name)
		if value == nil {
			continue
		}

		if given != "" {
			w.fail(f, name, "%s takes %s or %s, not both", f.Name, given, name)
			return rows
		}

		n, ok := value.(int64) // a variable too, once gqlparser has coerced it
		if !ok || n < 1 || n > int64(rule.Max) {
			w.fail(f, name, "%s of %s must be from 1 to %d", name, f.Name, rule.Max)
			return rows
		}

		rows, given = int(n), name
	}

	return rows
}

// argument is the value after variables and defaults; nil where there is none.
func (w *pageWalk) argument(f *ast.Field, name string) any {
	if arg := f.Arguments.ForName(name); arg != nil {
		if _, set := w.variables[arg.Value.Raw]; arg.Value.Kind != ast.Variable || set {
			value, err := arg.Value.Value(w.variables)
			if err != nil {
				w.fail(f, name, "%s of %s cannot be read", name, f.Name)
			}

			return value
		}
	}

	if def := f.Definition.Arguments.ForName(name); def != nil && def.DefaultValue != nil {
		value, _ := def.DefaultValue.Value(nil)
		return value
	}

	return nil
}

func (w *pageWalk) fail(f *ast.Field, argument, format string, args ...any) {
	if w.err != nil {
		return
	}

	w.err = codedError(codeBadInput, format, args...)
	w.err.Extensions["field"] = argument
	if f.Position != nil {
		w.err.Locations = []gqlerror.Location{{Line: f.Position.Line, Column: f.Position.Column}}
	}
}
