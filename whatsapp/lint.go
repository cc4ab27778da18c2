package whatsapp

import (
	"slices"
	"strconv"
)

// Severity says how bad a problem is.
type Severity string

const (
	// SeverityError: Meta will refuse the template.
	SeverityError Severity = "ERROR"
	// SeverityWarning: Meta may refuse it, or people will see it otherwise than meant.
	SeverityWarning Severity = "WARNING"
)

// Problem is one of WhatsApp's published rules that a template breaks.
type Problem struct {
	// Field is the path to what is wrong, e.g. components, 1, text.
	Field    []string
	Rule     string
	Message  string
	Severity Severity
}

// check is one rule about a T. Field is what it is about, below the T.
type check[T any] struct {
	rule     string
	field    string
	severity Severity
	message  string
	broken   func(Template, T) bool
}

// Lint checks a template that is to be submitted against WhatsApp's published rules
// (developers.facebook.com, WhatsApp "Templates", read 2026-09), in order of the template. That
// it finds nothing does not mean that Meta's reviewers will like the content.
func (t Template) Lint() []Problem {
	var problems []Problem
	problems = append(problems, run(t, t, templateChecks, nil)...)
	for i := range t.Components {
		problems = append(problems, lintComponent(t, &t.Components[i], []string{"components", strconv.Itoa(i)},
			componentChecks)...)
	}

	return problems
}

func lintComponent(t Template, part *Component, path []string, checks map[string][]check[*Component]) []Problem {
	of, known := checks[part.Type]
	if !known {
		return []Problem{{below(path, "type"), "component_type", "WhatsApp does not know this type of component here.",
			SeverityWarning}}
	}

	problems := run(t, part, of, path)
	if part.Type == "BUTTONS" {
		for i := range part.Buttons {
			problems = append(problems, lintButton(t, &part.Buttons[i], below(path, "buttons", strconv.Itoa(i)))...)
		}
	}

	for i := range part.Cards {
		for j := range part.Cards[i].Components {
			at := below(path, "cards", strconv.Itoa(i), "components", strconv.Itoa(j))
			problems = append(problems, lintComponent(t, &part.Cards[i].Components[j], at, cardChecks)...)
		}
	}

	return problems
}

func lintButton(t Template, button *Button, path []string) []Problem {
	of, known := buttonChecks[button.Type]
	if !known {
		return []Problem{{below(path, "type"), "button_type", "This type of button may not be one that WhatsApp takes.",
			SeverityWarning}}
	}

	return run(t, button, of, path)
}

func run[T any](t Template, subject T, checks []check[T], path []string) []Problem {
	var problems []Problem
	for _, c := range checks {
		if c.broken(t, subject) {
			severity := c.severity
			if severity == "" {
				severity = SeverityError
			}

			problems = append(problems, Problem{below(path, c.field), c.rule, c.message, severity})
		}
	}

	return problems
}

func below(path []string, fields ...string) []string {
	return slices.DeleteFunc(slices.Concat(path, fields), func(field string) bool { return field == "" })
}
