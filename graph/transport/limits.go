package transport

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// mostPairs bounds how many pairs of fields with one name the validator may have to compare.
const mostPairs = 10_000

// mostSteps bounds the walk that counts them.
const mostSteps = 20_000

// documentLimit refuses long documents before they are parsed, and wide ones before they are
// validated: a validator compares each field with each of the same name, which for 5000 fields
// takes a second.
type documentLimit struct {
	maxBytes, maxTokens, maxFields int
	passed                         graphql.Cache[*ast.QueryDocument] // of what was looked at before
}

func (documentLimit) ExtensionName() string                   { return "DocumentLimit" }
func (documentLimit) Validate(graphql.ExecutableSchema) error { return nil }

func (l documentLimit) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if len(params.Query) > l.maxBytes {
		return codedError(codeTooComplex, "the document is longer than %d bytes", l.maxBytes)
	}
	if _, ok := l.passed.Get(ctx, params.Query); ok {
		return nil
	}

	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, l.maxTokens)
	if err != nil {
		return nil // the executor finds it too, and says it better
	}

	m := newMerging(doc, l.maxFields)
	switch {
	case m.fields > l.maxFields || written(doc) > l.maxFields:
		return tooMany("fields", l.maxFields)
	case m.pairs > mostPairs || m.steps > mostSteps:
		return codedError(codeTooComplex, "the document names the same fields too often in one place")
	}

	return nil
}

// written counts fields and spreads as they stand in the text.
func written(doc *ast.QueryDocument) (n int) {
	var count func(ast.SelectionSet)
	count = func(set ast.SelectionSet) {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				n++
				count(s.SelectionSet)
			case *ast.InlineFragment:
				count(s.SelectionSet)
			case *ast.FragmentSpread:
				n++
			}
		}
	}

	for _, op := range doc.Operations {
		count(op.SelectionSet)
	}

	for _, f := range doc.Fragments {
		count(f.SelectionSet)
	}

	return n
}

// merging counts the fields of a document as the validator compares them: those of one place
// together, through all fragments. It stops when there are too many.
type merging struct {
	fragments map[string]ast.SelectionSet
	maxFields int

	fields int // of the operation or fragment that has the most
	pairs  int // of fields with one name in one place
	steps  int

	here int // fields of the present one
}

func newMerging(doc *ast.QueryDocument, maxFields int) *merging {
	m := &merging{fragments: make(map[string]ast.SelectionSet, len(doc.Fragments)), maxFields: maxFields}
	for _, f := range doc.Fragments {
		m.fragments[f.Name] = f.SelectionSet
	}

	for _, op := range doc.Operations {
		m.begin(op.SelectionSet)
	}

	for _, f := range doc.Fragments {
		m.begin(f.SelectionSet)
	}

	return m
}

func (m *merging) begin(set ast.SelectionSet) {
	m.here = 0
	m.merge([]ast.SelectionSet{set})
	m.fields = max(m.fields, m.here)
}

func (m *merging) enough() bool {
	return m.here > m.maxFields || m.pairs > mostPairs || m.steps > mostSteps
}

func (m *merging) merge(sets []ast.SelectionSet) {
	byName := map[string][]ast.SelectionSet{}
	m.collect(sets, byName, map[string]bool{})
	for _, inner := range byName {
		m.pairs += len(inner)*len(inner) - 1
		if m.enough() {
			return
		}

		m.merge(inner)
	}
}

func (m *merging) collect(sets []ast.SelectionSet, byName map[string][]ast.SelectionSet, spread map[string]bool) {
	for _, set := range sets {
		for _, s := range set {
			if m.steps++; m.enough() {
				return
			}

			switch s := s.(type) {
			case *ast.Field:
				m.here++
				byName[s.Alias] = append(byName[s.Alias], s.SelectionSet)
			case *ast.InlineFragment:
				m.collect([]ast.SelectionSet{s.SelectionSet}, byName, spread)
			case *ast.FragmentSpread:
				if !spread[s.Name] {
					spread[s.Name] = true
					m.collect([]ast.SelectionSet{m.fragments[s.Name]}, byName, spread)
				}
			}
		}
	}
}

func tooMany(what string, limit int) *gqlerror.Error {
	return codedError(codeTooComplex, "the operation has too many %s, the limit is %d", what, limit)
}

// introspection opens the schema to callers who may see it, and refuses others in words.
type introspection struct {
	may func(context.Context) bool
}

func (introspection) ExtensionName() string                   { return "Introspection" }
func (introspection) Validate(graphql.ExecutableSchema) error { return nil }

func (i introspection) MutateOperationContext(ctx context.Context, opCtx *graphql.OperationContext) *gqlerror.Error {
	opCtx.DisableIntrospection = i.may == nil || !i.may(ctx)
	if opCtx.DisableIntrospection && asksSchema(opCtx.Operation.SelectionSet, map[string]bool{}) {
		return codedError(codeForbidden, "you may not introspect the schema")
	}

	return nil
}

// asksSchema looks at root fields only, since __schema and __type stand nowhere else.
func asksSchema(set ast.SelectionSet, seen map[string]bool) bool {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if s.Name == "__schema" || s.Name == "__type" {
				return true
			}
		case *ast.InlineFragment:
			if asksSchema(s.SelectionSet, seen) {
				return true
			}
		case *ast.FragmentSpread:
			if seen[s.Name] {
				continue
			}

			seen[s.Name] = true
			if asksSchema(s.Definition.SelectionSet, seen) {
				return true
			}
		}
	}

	return false
}

// sizeLimit refuses deep and wide documents. Each fragment is measured once, however often it is
// spread.
type sizeLimit struct{ max size }

func (sizeLimit) ExtensionName() string                   { return "SizeLimit" }
func (sizeLimit) Validate(graphql.ExecutableSchema) error { return nil }

func (l sizeLimit) MutateOperationContext(_ context.Context, opCtx *graphql.OperationContext) *gqlerror.Error {
	is := measure(opCtx.Operation.SelectionSet, map[string]size{})
	is.directives = sum(is.directives, len(opCtx.Operation.Directives))
	for _, v := range []struct {
		what    string
		is, max int
	}{
		{"levels", is.depth, l.max.depth}, {"aliases", is.aliases, l.max.aliases},
		{"directives", is.directives, l.max.directives}, {"fields", is.fields, l.max.fields},
	} {
		if v.is > v.max {
			return tooMany(v.what, v.max)
		}
	}

	return nil
}

type size struct{ depth, aliases, directives, fields int }

func (a *size) add(b size) {
	a.depth = max(a.depth, b.depth)
	a.aliases = sum(a.aliases, b.aliases)
	a.directives = sum(a.directives, b.directives)
	a.fields = sum(a.fields, b.fields)
}

// enough is more than any limit, and small enough that enough × enough is an int.
const enough = 1 << 30

func sum(a, b int) int     { return min(enough, a+b) }
func product(a, b int) int { return min(enough, a*b) }

func measure(set ast.SelectionSet, fragments map[string]size) (total size) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			inner := measure(s.SelectionSet, fragments)
			if s.Name == "__schema" || s.Name == "__type" {
				inner.depth = 0 // the validator has a rule of its own for it, which lets tools pass
			}

			inner.depth++
			inner.add(size{directives: len(s.Directives), fields: 1})
			if s.Alias != s.Name {
				inner.add(size{aliases: 1})
			}

			total.add(inner)
		case *ast.InlineFragment:
			total.add(size{directives: len(s.Directives)})
			total.add(measure(s.SelectionSet, fragments))
		case *ast.FragmentSpread:
			inner, ok := fragments[s.Name]
			if !ok {
				fragments[s.Name] = size{} // a fragment within itself: the validator refuses it, this ends it
				inner = measure(s.Definition.SelectionSet, fragments)
				fragments[s.Name] = inner
			}

			total.add(size{directives: len(s.Directives)})
			total.add(inner)
		}
	}

	return total
}
