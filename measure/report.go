package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// report writes the table.
func report(w io.Writer, c *code, a *api, root []string) {
	var lengths, complexities []int
	for _, f := range c.functions {
		lengths = append(lengths, f.lines)
		complexities = append(complexities, f.complexity)
	}

	all := c.sources.lines + c.tests.lines

	row := func(name, format string, values ...any) {
		fmt.Fprintf(w, "%-48s "+format+"\n", append([]any{name}, values...)...)
	}
	row("source files, lines", "%d, %d", c.sources.files, c.sources.lines)
	row("test files, lines", "%d, %d", c.tests.files, c.tests.lines)
	row("test lines per source line", "%.2f", float64(c.tests.lines)/float64(max(1, c.sources.lines)))
	row("file lines: median, p90, max", "%s", spread(c.files))
	row("function lines: median, p90, max", "%s", spread(lengths))
	row("cognitive complexity: median, p90, max", "%s", spread(complexities))
	row("functions over 60 lines", "%d", over(lengths, 60))
	row("functions with complexity over 15, over 25", "%d, %d", over(complexities, 15), over(complexities, 25))
	row("blank lines of the source", "%.1f %%", percent(c.sources.blank, c.sources.lines))
	row("comment lines of the source", "%.1f %%", percent(c.sources.comments, c.sources.lines))
	row("lines over 120, over 140 characters", "%d (%.1f %%), %d", c.sources.over120+c.tests.over120,
		percent(c.sources.over120+c.tests.over120, all), c.sources.over140+c.tests.over140)
	row("lines that -check complains of", "%d", len(c.wide))
	row("entries in the root", "%d", len(root))
	row("SDL described: types", "%s", a.types)
	row("SDL described: fields, arguments", "%s, %s", a.fields, a.arguments)
	row("SDL described: input fields, enum values", "%s, %s", a.inputs, a.values)

	leastTested(w, c)
	longest(w, c)
}

func leastTested(w io.Writer, c *code) {
	fmt.Fprintln(w, "\nLeast test lines per source line, of folders with 500 lines and more:")
	folders := slices.Collect(maps.Keys(c.packages))
	ratio := func(folder string) float64 {
		sums := c.packages[folder]
		return float64(sums[1]) / float64(max(1, sums[0]))
	}

	folders = slices.DeleteFunc(folders, func(folder string) bool { return c.packages[folder][0] < 500 })
	slices.SortFunc(folders, func(a, b string) int {
		return cmp.Or(cmp.Compare(ratio(a), ratio(b)), strings.Compare(a, b))
	})
	for _, folder := range folders[:min(12, len(folders))] {
		fmt.Fprintf(w, "  %.2f  %s (%d, %d)\n", ratio(folder), folder, c.packages[folder][0], c.packages[folder][1])
	}
}

func longest(w io.Writer, c *code) {
	fmt.Fprintln(w, "\nMost complex functions (complexity, lines):")
	functions := slices.Clone(c.functions)
	slices.SortFunc(functions, func(a, b function) int {
		return cmp.Or(b.complexity-a.complexity, strings.Compare(a.name, b.name))
	})
	for _, f := range functions[:min(12, len(functions))] {
		fmt.Fprintf(w, "  %3d %4d  %s\n", f.complexity, f.lines, f.name)
	}
}

// spread gives the median, the ninetieth percentile and the largest.
func spread(values []int) string {
	if len(values) == 0 {
		return "none"
	}

	sorted := slices.Sorted(slices.Values(values))
	return fmt.Sprintf("%d, %d, %d", sorted[len(sorted)/2], sorted[len(sorted)*9/10], sorted[len(sorted)-1])
}

func over(values []int, limit int) (n int) {
	for _, v := range values {
		if v > limit {
			n++
		}
	}

	return n
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(max(1, whole)) }

func (s share) String() string { return fmt.Sprintf("%d of %d", s.described, s.all) }
