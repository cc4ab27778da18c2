package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/uudashr/gocognit"
)

// code is what was measured of the Go files that people write.
type code struct {
	sources, tests tally
	files          []int // lines of each source file
	functions      []function
	wide           []string          // "file:line: …" for each line that is too wide
	packages       map[string][2]int // lines of source and of tests, by folder
}

// tally counts the lines of a kind of file.
type tally struct{ files, lines, blank, comments, over120, over140 int }

// function is one function of a source file.
type function struct {
	name              string
	lines, complexity int
}

// readCode measures the Go files that git tracks below root.
func readCode(root string) (*code, error) {
	names, err := tracked(root)
	if err != nil {
		return nil, err
	}

	c := &code{packages: map[string][2]int{}}
	for _, name := range names {
		if !strings.HasSuffix(name, ".go") {
			continue
		}

		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		if err := c.add(name, text); err != nil {
			return nil, err
		}
	}

	return c, nil
}

// tracked lists the files that git tracks.
func tracked(root string) ([]string, error) {
	list := exec.Command("git", "ls-files", "-z")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}

	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), nil
}

// trackedEntries lists the files and folders of the root itself.
func trackedEntries(root string) ([]string, error) {
	names, err := tracked(root)
	if err != nil {
		return nil, err
	}

	var entries []string
	for _, name := range names {
		first, _, _ := strings.Cut(name, "/")
		entries = append(entries, first)
	}

	slices.Sort(entries)

	return slices.Compact(entries), nil
}

func (c *code) add(name string, text []byte) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if ast.IsGenerated(file) {
		return nil
	}

	isTest := strings.HasSuffix(name, "_test.go") || strings.Contains(name, "dbtest/") ||
		strings.Contains(name, "transporttest/")
	kind := &c.sources
	if isTest {
		kind = &c.tests
	}

	lines := c.countLines(name, text, commentLines(set, file), textLines(set, file), kind)
	sums := c.packages[filepath.Dir(name)]

	if isTest {
		sums[1] += lines
		c.packages[filepath.Dir(name)] = sums
		return nil
	}

	sums[0] += lines
	c.packages[filepath.Dir(name)] = sums
	c.files = append(c.files, lines)

	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}

		from, to := set.Position(f.Pos()).Line, set.Position(f.End()).Line
		c.functions = append(c.functions, function{
			name:       fmt.Sprintf("%s:%d %s", name, from, f.Name.Name),
			lines:      to - from + 1,
			complexity: gocognit.Complexity(f),
		})
	}

	return nil
}

// commentLines are the numbers of the lines that hold a comment and nothing else.
func commentLines(set *token.FileSet, file *ast.File) map[int]bool {
	lines := map[int]bool{}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			from, to := set.Position(comment.Pos()).Line, set.Position(comment.End()).Line
			for line := from; line <= to; line++ {
				lines[line] = true
			}
		}
	}

	return lines
}

func (c *code) countLines(name string, text []byte, comments, texts map[int]bool, kind *tally) (n int) {
	kind.files++
	for line := range bytes.Lines(text) {
		n++
		kind.lines++
		trimmed := bytes.TrimSpace(line)
		if len(trimmed) == 0 {
			kind.blank++
			continue
		}

		width := utf8.RuneCount(bytes.TrimRight(line, "\r\n"))
		limit, what := maxCodeWidth, "code"
		if comments[n] && (bytes.HasPrefix(trimmed, []byte("//")) || bytes.HasPrefix(trimmed, []byte("/*"))) {
			kind.comments++
			limit, what = maxCommentWidth, "comment"
		}

		if width > 120 {
			kind.over120++
		}
		if width > 140 {
			kind.over140++
		}
		if width > limit && !unbreakable(name, trimmed, texts[n]) {
			c.wide = append(c.wide, fmt.Sprintf("%s:%d: %s has %d characters, at most %d", name, n, what, width, limit))
		}
	}

	return n
}

// unbreakable reports whether a line cannot be wrapped: a directive, a link, a line of a test's
// text between backquotes (which a test compares, or sends as it is), or the signature of a
// resolver, which gqlgen writes.
func unbreakable(name string, line []byte, inText bool) bool {
	text := string(line)
	resolver := strings.HasSuffix(name, ".resolvers.go") && strings.HasPrefix(text, "func ")

	return inText || resolver || strings.HasPrefix(text, "//go:") ||
		strings.HasPrefix(text, "// http") && !strings.Contains(text[3:], " ")
}

// textLines are the numbers of the lines that belong to a text between backquotes.
func textLines(set *token.FileSet, file *ast.File) map[int]bool {
	lines := map[int]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		literal, is := n.(*ast.BasicLit)
		if !is || literal.Kind != token.STRING || literal.Value[0] != '`' {
			return true
		}

		for line := set.Position(literal.Pos()).Line; line <= set.Position(literal.End()).Line; line++ {
			lines[line] = true
		}

		return true
	})

	return lines
}
