package main

import (
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// statusWriters are the files that may write a status. A template's is Meta's: what hears of it
// from Meta writes it, too, and what has Meta create, edit or delete one.
var statusWriters = map[string][]string{
	"Campaign": {"campaign/status.go"},
	"Account":  {"account/status.go"},
	"Template": {"account/status.go", "account/create.go", "account/edit.go", "account/delete.go", "account/update.go",
		"account/pull.go"},
	"Message": {}, // delivery writes messages with SQL, of rows that its journal has locked
}

// builtPackage is what `go list -export` says of a package.
type builtPackage struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	Imports                 []string
}

func listPackages(t *testing.T) (all map[string]builtPackage) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps",
		"-json=ImportPath,Dir,Export,GoFiles,Imports", "./...")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}

	all = map[string]builtPackage{}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p builtPackage
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}

		all[p.ImportPath] = p
	}

	return all
}

// TestOnlyTheTablesWriteAStatus reads the types of every call, so that no other name of a builder
// hides one.
func TestOnlyTheTablesWriteAStatus(t *testing.T) {
	t.Parallel()
	all := listPackages(t)
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(all[path].Export) }
	files := token.NewFileSet()
	imports := importer.ForCompiler(files, "gc", lookup)
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}

	seen := 0
	for path, p := range all {
		ours, is := strings.CutPrefix(path, "carillon")
		if !is || strings.HasPrefix(ours, "/ent") || strings.HasPrefix(ours, "/bench") {
			continue
		}

		var parsed []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}

			parsed = append(parsed, f)
		}

		where := func(n ast.Node) (file, place string) {
			at := files.Position(n.Pos())
			file, _ = filepath.Rel(here, at.Filename)
			return file, file + ":" + strconv.Itoa(at.Line)
		}

		for _, f := range parsed {
			for text, node := range literals(f) {
				// pull.go says of templates that Meta does not list any more that they are deleted
				if file, place := where(node); writesStatus(text) && file != "account/pull.go" {
					t.Errorf("%s writes a campaign's, an account's or a template's status with SQL: %s", place, text)
				}
			}
		}

		if !slices.Contains(p.Imports, "carillon/ent") {
			continue
		}

		info := &types.Info{Selections: map[*ast.SelectorExpr]*types.Selection{}}
		if _, err := (&types.Config{Importer: imports}).Check(path, files, parsed, info); err != nil {
			t.Fatal(err)
		}

		for call, selection := range info.Selections {
			entity, is := setsStatus(selection)
			if !is {
				continue
			}

			seen++
			file, place := where(call)
			allowed, known := statusWriters[entity]
			if known && !slices.Contains(allowed, file) {
				t.Errorf("%s sets a status of %s, which only %v may", place, entity, allowed)
			}
		}
	}

	if seen == 0 {
		t.Error("no file sets a status: the test looks for the wrong thing")
	}
}

var statusSetter = regexp.MustCompile(`^\*?carillon/ent\.(\w+?)(Update|UpdateOne|Mutation)$`)

// setsStatus reports whether a call writes the status of an entity that exists.
func setsStatus(s *types.Selection) (entity string, is bool) {
	name := s.Obj().Name()
	if name != "SetStatus" && name != "SetNillableStatus" {
		return "", false
	}

	found := statusSetter.FindStringSubmatch(s.Recv().String())
	if found == nil {
		return "", false
	}

	return found[1], true
}

// literals are the texts of a file's constants, where + joins several as one.
func literals(f *ast.File) map[string]ast.Node {
	found := map[string]ast.Node{}
	ast.Inspect(f, func(n ast.Node) bool {
		e, is := n.(ast.Expr)
		if !is {
			return true
		}

		text, any := joined(e)
		if any {
			found[text] = n
		}

		return !any
	})

	return found
}

func joined(e ast.Expr) (text string, any bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, e.Kind == token.STRING && err == nil
	case *ast.BinaryExpr:
		left, one := joined(e.X)
		right, other := joined(e.Y)

		return left + " " + right, e.Op == token.ADD && (one || other)
	}

	return "", false
}

var statusSQL = regexp.MustCompile(
	`(?is)UPDATE\s+(campaign|account|template)\s+(AS\s+\w+\s+)?SET\s([^"]*?[\s,])?status\s*=`)

// writesStatus reports whether SQL sets one of the statuses that have a table.
func writesStatus(sql string) bool {
	at := statusSQL.FindStringIndex(sql)
	return at != nil && !regexp.MustCompile(`(?is)\sWHERE\s`).MatchString(sql[at[0]:at[1]])
}

func TestSQLThatWritesAStatusIsFound(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"UPDATE campaign SET status = 'PAUSED'":                              true,
		"update account set name = $1, status=$2 WHERE id = $3":              true,
		"UPDATE campaign SET queued = queued + 1 WHERE status = 'RUNNING'":   false,
		"UPDATE campaign SET status_reason = 'x' WHERE id = $1":              false,
		"UPDATE message SET status = 'SENDING'":                              false,
		"SELECT id FROM campaign WHERE status = 'RUNNING'":                   false,
		"WITH f AS (SELECT 1) UPDATE template SET\n\tstatus = $1 WHERE true": true,
	} {
		if writesStatus(sql) != want {
			t.Errorf("%q writes a status: %v, want %v", sql, !want, want)
		}
	}
}
