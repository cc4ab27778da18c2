package transport

import (
	"context"
	"unsafe"

	"github.com/vektah/gqlparser/v2/ast"
)

// longestKept is the length of a document beyond which it is parsed each time: programs send
// shorter ones.
const longestKept = 8 << 10

// documents is the parsed documents that have passed every limit. It is gqlgen's query cache: what
// gqlgen would keep as soon as it is valid waits in the context until nothing else refuses it.
type documents struct{ docs *shares[*ast.QueryDocument] }

func (d *documents) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	return d.docs.get(text)
}

func (d *documents) Add(ctx context.Context, text string, doc *ast.QueryDocument) {
	if p, ok := ctx.Value(passingKey{}).(*passing); ok {
		p.text, p.doc = text, doc
	}
}

func (d *documents) add(owner any, text string, doc *ast.QueryDocument) {
	if len(text) <= longestKept {
		d.docs.add(owner, text, doc, documentCost(doc)+len(text)+entryCost)
	}
}

// What the parts of a document take in memory, with what the parser notes of their places in the
// text.
const (
	placeCost     = int(unsafe.Sizeof(ast.Position{})) + 40 // it keeps the whole token
	fieldCost     = int(unsafe.Sizeof(ast.Field{})) + placeCost + 16
	valueCost     = int(unsafe.Sizeof(ast.Value{})) + int(unsafe.Sizeof(ast.ChildValue{})) + 2*placeCost + 32
	directiveCost = int(unsafe.Sizeof(ast.Directive{})) + placeCost + 16
	spreadCost    = int(unsafe.Sizeof(ast.InlineFragment{})) + placeCost + 16
	operationCost = int(unsafe.Sizeof(ast.OperationDefinition{})) + int(unsafe.Sizeof(ast.VariableDefinition{})) +
		2*placeCost + 64
)

// documentCost is about how many bytes a parsed document takes besides its text.
func documentCost(doc *ast.QueryDocument) (bytes int) {
	for _, op := range doc.Operations {
		bytes += operationCost + selectionCost(op.SelectionSet) + directivesCost(op.Directives)
		for _, v := range op.VariableDefinitions {
			bytes += operationCost + literalCost(v.DefaultValue) + directivesCost(v.Directives)
		}
	}

	for _, f := range doc.Fragments {
		bytes += operationCost + selectionCost(f.SelectionSet) + directivesCost(f.Directives)
	}

	return bytes
}

func selectionCost(set ast.SelectionSet) (bytes int) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			bytes += fieldCost + argumentsCost(s.Arguments) + directivesCost(s.Directives) + selectionCost(s.SelectionSet)
		case *ast.InlineFragment:
			bytes += spreadCost + directivesCost(s.Directives) + selectionCost(s.SelectionSet)
		case *ast.FragmentSpread:
			bytes += spreadCost + directivesCost(s.Directives)
		}
	}

	return bytes
}

func directivesCost(directives ast.DirectiveList) (bytes int) {
	for _, d := range directives {
		bytes += directiveCost + argumentsCost(d.Arguments)
	}

	return bytes
}

func argumentsCost(arguments ast.ArgumentList) (bytes int) {
	for _, a := range arguments {
		bytes += literalCost(a.Value)
	}

	return bytes
}

func literalCost(v *ast.Value) (bytes int) {
	if v == nil {
		return 0
	}

	bytes = valueCost + len(v.Raw)
	for _, c := range v.Children {
		bytes += literalCost(c.Value)
	}

	return bytes
}
