package whatsapp

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// placeholders lists the variables of a text, each once: named ones as they appear, positional ones
// by number.
func placeholders(text string, named bool) []string {
	var names []string
	eachPart(text, func(string) {}, func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	})

	if !named && len(names) > 1 {
		slices.SortStableFunc(names, func(a, b string) int { return position(a) - position(b) })
	}

	return names
}

// position is a positional variable's number; what is no number comes last.
func position(name string) int {
	n, err := strconv.ParseUint(name, 10, 31)
	if err != nil {
		return 1 << 30
	}

	return int(n)
}

// expand replaces each {{variable}} of a text by what value returns for it.
func expand(text string, value func(name string) string) string {
	if !strings.Contains(text, "{{") {
		return text
	}

	var b strings.Builder
	eachPart(text, func(fixed string) { b.WriteString(fixed) }, func(name string) { b.WriteString(value(name)) })

	return b.String()
}

// expandedLength is how many characters expand would give.
func expandedLength(text string, value func(name string) string) (n int) {
	eachPart(text, func(fixed string) { n += utf8.RuneCountInString(fixed) },
		func(name string) { n += utf8.RuneCountInString(value(name)) })
	return n
}

// eachPart goes through a text: what is fixed of it, and its {{variables}}. Braces that enclose no
// name are fixed.
func eachPart(text string, fixed, variable func(string)) {
	for from := 0; ; {
		start := strings.Index(text[from:], "{{")
		if start < 0 {
			break
		}

		start += from
		length := strings.Index(text[start:], "}}")
		if length < 0 {
			break
		}

		name := strings.TrimSpace(text[start+2 : start+length])
		if !validName(name) { // look again behind the first brace
			from = start + 1
			continue
		}

		fixed(text[:start])
		variable(name)
		text, from = text[start+length+2:], 0
	}

	fixed(text)
}

// validName tells whether a variable has a name that Meta would take.
func validName(name string) bool {
	if name == "" {
		return false
	}

	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}

	return true
}

// of is the example of one variable of the text that the example belongs to.
func (e *Example) of(placeholder string) string {
	if e == nil {
		return ""
	}

	for _, named := range slices.Concat(e.BodyTextNamed, e.HeaderTextNamed) {
		if named.Name == placeholder {
			return named.Example
		}
	}

	row := e.HeaderText
	if len(e.BodyText) > 0 {
		row = e.BodyText[0]
	}
	if n := position(placeholder); n >= 1 && n <= len(row) {
		return row[n-1]
	}

	return ""
}

func (e *Example) handles() []string {
	if e == nil {
		return nil
	}
	return e.HeaderHandle
}
