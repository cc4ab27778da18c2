package transport

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// documentLimit refuses long documents before they are parsed, and wide ones before they are validated: a validator
// compares each field with each, which for 5000 fields takes a second. It also bounds what the caches hold.
type documentLimit struct {
	maxBytes, maxTokens, maxFields int
	valid                          graphql.Cache[*ast.QueryDocument]
}

func (documentLimit) ExtensionName() string                   { return "DocumentLimit" }
func (documentLimit) Validate(graphql.ExecutableSchema) error { return nil }

func (l documentLimit) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if len(params.Query) > l.maxBytes {
		return codedError(codeTooComplex, "the document is longer than %d bytes", l.maxBytes)
	}
	if _, ok := l.valid.Get(ctx, params.Query); ok {
		return nil
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, l.maxTokens)
	if err != nil {
		return nil // the executor finds it too, and says it better
	}
	fields := 0
	for _, op := range doc.Operations {
		fields += written(op.SelectionSet)
	}
	for _, fragment := range doc.Fragments {
		fields += written(fragment.SelectionSet)
	}
	if fields > l.maxFields {
		return tooMany("fields", l.maxFields)
	}
	return nil
}

// written counts fields and spreads as they stand in the text.
func written(set ast.SelectionSet) (n int) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			n += 1 + written(s.SelectionSet)
		case *ast.InlineFragment:
			n += written(s.SelectionSet)
		case *ast.FragmentSpread:
			n++
		}
	}
	return n
}

func tooMany(what string, limit int) *gqlerror.Error {
	return codedError(codeTooComplex, "the operation has too many %s, the limit is %d", what, limit)
}

// persistedQueries gives a code to the errors of gqlgen's extension.
type persistedQueries struct {
	extension.AutomaticPersistedQuery
}

func (p persistedQueries) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	err := p.AutomaticPersistedQuery.MutateOperationParameters(ctx, params)
	if err != nil && codeOf(err) == "" {
		return codedError(codeBadInput, "%s", err.Message)
	}
	return err
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

// sizeLimit refuses deep and wide documents. Each fragment is measured once, however often it is spread.
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
