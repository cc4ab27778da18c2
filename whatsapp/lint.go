package whatsapp

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Severity says how bad a problem is.
type Severity string

const (
	// SeverityError: Meta will refuse the template.
	SeverityError Severity = "ERROR"
	// SeverityWarning: Meta may refuse it or give it another category, or people will see it
	// otherwise than meant.
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

// TemplateRule is one of the rules that Lint checks.
type TemplateRule struct {
	Name     string
	About    string // the template, or the type of component or button
	Severity Severity
	Message  string // what is wrong and what would be right
	Source   string // the page of developers.facebook.com, WhatsApp, that says so
}

// check is one rule about a T. Field is what it is about, below the T.
type check[T any] struct {
	rule     string
	field    string
	severity Severity
	source   string
	message  string
	broken   func(Template, T) bool
}

// from gives checks the page that they stand on, where they name none of their own.
func from[T any](page string, checks ...check[T]) []check[T] {
	for i := range checks {
		checks[i].source = cmp.Or(checks[i].source, page)
		checks[i].severity = cmp.Or(checks[i].severity, SeverityError)
	}

	return checks
}

// Rules about a part whose type has no checks.
var (
	componentType = check[*Component]{rule: "component_type", severity: SeverityWarning, source: pageComponents,
		message: "WhatsApp does not know this type of component here."}
	componentPlace = check[*Component]{rule: "component_place", severity: SeverityError, source: pageCarousel,
		message: "A card has a header, a body and buttons, and nothing else."}
	buttonType = check[*Button]{rule: "button_type", severity: SeverityWarning, source: pageComponents,
		message: "This type of button may not be one that WhatsApp takes."}
	buttonPlace = check[*Button]{rule: "button_place", severity: SeverityError, source: pageCallPermission,
		message: "A request for permission to call is a component of its own, not a button: give it alone, " +
			"or as a component of type CALL_PERMISSION_REQUEST."}
)

// Lint checks a template that is to be submitted against WhatsApp's published rules, in order of
// the template. That it finds nothing does not mean that Meta's reviewers will like the content.
// TemplateRules lists what it checks.
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
		missing := componentType
		if _, elsewhere := componentChecks[part.Type]; elsewhere {
			missing = componentPlace
		}

		return []Problem{missing.at(below(path, "type"))}
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
	switch {
	case known:
		return run(t, button, of, path)
	case button.Type == callPermission:
		return []Problem{buttonPlace.at(below(path, "type"))}
	default:
		return []Problem{buttonType.at(below(path, "type"))}
	}
}

func run[T any](t Template, subject T, checks []check[T], path []string) []Problem {
	var problems []Problem
	for _, c := range checks {
		if c.broken(t, subject) {
			problems = append(problems, c.at(below(path, c.field)))
		}
	}

	return problems
}

func (c check[T]) at(path []string) Problem { return Problem{path, c.rule, c.message, c.severity} }

func below(path []string, fields ...string) []string {
	return slices.DeleteFunc(slices.Concat(path, fields), func(field string) bool { return field == "" })
}

// TemplateRules lists every rule that Lint checks, each once, by what it is about. A rule about
// several types of parts stands with the first.
func TemplateRules() []TemplateRule {
	var rules []TemplateRule
	rules = listed(rules, "template", templateChecks)
	for _, kind := range []string{"HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER",
		callPermission} {
		rules = listed(rules, kind, componentChecks[kind])
	}

	for _, kind := range []string{"HEADER", "BODY", "BUTTONS"} {
		rules = listed(rules, "card's "+kind, cardChecks[kind])
	}

	rules = listed(rules, "component", []check[*Component]{componentType, componentPlace})
	for _, kind := range []string{"QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "OTP", "FLOW", "CATALOG", "MPM",
		"SPM", "VOICE_CALL", contactInfo} {
		rules = listed(rules, kind+" button", buttonChecks[kind])
	}

	return listed(rules, "button", []check[*Button]{buttonType, buttonPlace})
}

func listed[T any](rules []TemplateRule, about string,
	checks []check[T]) []TemplateRule {
	for _, c := range checks {
		if !slices.ContainsFunc(rules, func(r TemplateRule) bool { return r.Name == c.rule }) {
			rules = append(rules, TemplateRule{c.rule, strings.ReplaceAll(about, "_", " "), c.severity, c.message, c.source})
		}
	}

	return rules
}
