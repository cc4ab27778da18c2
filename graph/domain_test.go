package graph_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// severalCalls are the mutations whose resolver calls more than one function of the domain.
var severalCalls = map[string]string{
	"TestCampaign":        "the campaign knows the message, and package transactional, which knows no campaigns, sends it",
	"DisableSecondFactor": "its payload is the caller as they are then, who is read again",
}

// TestAMutationCallsOneFunctionOfTheDomain keeps rules out of the resolvers: what follows from a
// change, its news, wake-ups and revocations too, belongs to the function that makes it.
func TestAMutationCallsOneFunctionOfTheDomain(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.resolvers.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}

	seen := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}

		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !isMutation(f.Recv.List[0].Type) {
				continue
			}

			seen++
			calls := domainCalls(f)
			if _, excused := severalCalls[f.Name.Name]; (len(calls) != 1) != excused {
				t.Errorf("%s calls %s", f.Name.Name, strings.Join(calls, ", "))
			}
		}
	}

	if seen < 30 {
		t.Errorf("%d mutations are found", seen)
	}
}

func isMutation(receiver ast.Expr) bool {
	pointer, ok := receiver.(*ast.StarExpr)
	if !ok {
		return false
	}

	name, ok := pointer.X.(*ast.Ident)

	return ok && name.Name == "mutationResolver"
}

// domainCalls gives the methods of the resolver's dependencies that a resolver calls: r.X.Method.
func domainCalls(f *ast.FuncDecl) (calls []string) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}

		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}

		part, ok := method.X.(*ast.SelectorExpr)
		if !ok {
			return true
		}

		if r, ok := part.X.(*ast.Ident); ok && r.Name == "r" && !slices.Contains(calls, part.Sel.Name+"."+method.Sel.Name) {
			calls = append(calls, part.Sel.Name+"."+method.Sel.Name)
		}

		return true
	})

	return calls
}
