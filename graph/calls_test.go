package graph_test

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// scalars are good values of inputs by their names, for what has to be filled in.
var scalars = map[string]any{
	"name": "Spring", "organizationName": "Lucky Shrub", "email": "new@example.com", "password": password,
	"currentPassword": password, "newPassword": password,
	"phone": "+14167019999", "to": "+14167010000", "phones": []string{"+14167019998"}, "language": "en_US",
	"role": "VIEWER", "throughputCap": 10, "body": "hello",
	"url": "https://example.com/", "events": []string{"MESSAGE_SENT"}, "event": "MESSAGE_SENT",
	"text": "Hello there, friend.", "type": "BODY", "category": "UTILITY", "kind": "IMAGE",
	"link": "https://example.com/a.jpg", "source": "form", "key": "city",
	"parameter": "first_name", "value": "Ana", "errorCodes": []int{131026}, "since": "2026-01-01T00:00:00Z",
	"until": "2026-02-01T00:00:00Z", "version": "x",
	"start": "21:00", "end": "08:00", "wabaId": "1", "accessToken": "EAAother", "pin": "123456", "code": "123456",
	"timeZone": "Europe/Berlin", "consentToTransfer": true,
}

// filledIn are optional inputs that a good call gives all the same, and branches what it picks of a
// oneOf, by their types.
var (
	filledIn = map[string][]string{"TemplateComponentInput": {"text"}, "TemplateMessageInput": {"values"}}
	branches = map[string]string{"MessageContentInput": "text", "AccountCredentialsInput": "token"}
)

// path is where an input stands: the names of arguments and input fields, from the outermost.
type path []string

func (p path) String() string { return strings.Join(p, ".") }

// inputs walks the arguments of a field and all that is in them, once for every input type on a
// way.
func inputs(s *ast.Schema, f *ast.FieldDefinition, visit func(p path, t *ast.Type)) {
	var walk func(p path, t *ast.Type, open map[string]bool)
	walk = func(p path, t *ast.Type, open map[string]bool) {
		visit(p, t)
		def := s.Types[t.Name()]
		if def.Kind != ast.InputObject || open[def.Name] {
			return
		}

		open[def.Name] = true
		for _, in := range def.Fields {
			walk(append(p[:len(p):len(p)], in.Name), in.Type, open)
		}

		delete(open, def.Name)
	}

	for _, a := range f.Arguments {
		walk(path{a.Name}, a.Type, map[string]bool{})
	}
}

// filler makes variables that a field accepts: what is required, and what lies on the way to one
// input.
type filler struct {
	schema *ast.Schema
	ids    map[string]any // by the name of the input
}

// variables of a call; target, unless it is nil, is given value.
func (c filler) variables(f *ast.FieldDefinition, target path, value any) vars {
	v := vars{}
	for _, a := range f.Arguments {
		on := len(target) > 0 && target[0] == a.Name
		if on || a.Type.NonNull && a.DefaultValue == nil {
			v[a.Name] = c.value("", a.Name, a.Type, rest(target, on), value)
		}
	}

	return v
}

func rest(target path, on bool) path {
	if !on {
		return nil
	}
	return target[1:]
}

func (c filler) value(inside, name string, t *ast.Type, target path, value any) any {
	if t.Elem != nil {
		if known, ok := scalars[name]; ok && target == nil {
			return known
		}
		return []any{c.value(inside, name, t.Elem, target, value)}
	}

	def := c.schema.Types[t.Name()]
	if def.Kind == ast.InputObject {
		return c.object(def, target, value)
	}
	if target != nil {
		return value
	}
	if id, ok := c.ids[name]; ok && t.Name() == "ID" {
		return id
	}
	if t.Name() == "String" && inside == "TemplateInput" && name == "name" {
		return "spring_greeting"
	}
	if t.Name() == "Date" {
		return "2026-11-01"
	}
	if known, ok := scalars[name]; ok && (def.Kind != ast.Enum || def.EnumValues.ForName(known.(string)) != nil) {
		return known
	}

	switch {
	case def.Kind == ast.Enum:
		return def.EnumValues[0].Name
	case t.Name() == "Boolean":
		return true
	case t.Name() == "Int":
		return 1
	case t.Name() == "Float":
		return 0.5
	case t.Name() == "Time":
		return "2030-01-01T00:00:00Z"
	}

	return "text"
}

func (c filler) object(def *ast.Definition, target path, value any) any {
	v := vars{}
	oneOf := def.Directives.ForName("oneOf") != nil
	for _, in := range def.Fields {
		on := len(target) > 0 && target[0] == in.Name
		picked := len(target) == 0 && branches[def.Name] == in.Name || slices.Contains(filledIn[def.Name], in.Name)
		if on || picked || !oneOf && in.Type.NonNull && in.DefaultValue == nil {
			v[in.Name] = c.value(def.Name, in.Name, in.Type, rest(target, on), value)
		}
	}

	return v
}

// document is an operation that calls one root field with variables and selects all that it gives,
// to a depth.
func document(s *ast.Schema, operation string, f *ast.FieldDefinition, depth int) string {
	var declared, given []string
	for _, a := range f.Arguments {
		declared = append(declared, "$"+a.Name+": "+a.Type.String())
		given = append(given, a.Name+": $"+a.Name)
	}

	head, call := operation, f.Name
	if len(declared) > 0 {
		head += "(" + strings.Join(declared, ", ") + ")"
		call += "(" + strings.Join(given, ", ") + ")"
	}

	return head + " { " + call + selection(s, f.Type.Name(), depth) + " }"
}

// selection is everything of a type that needs no argument, down to a depth.
func selection(s *ast.Schema, name string, depth int) string {
	def := s.Types[name]
	if !def.IsCompositeType() {
		return ""
	}

	fields := []string{"__typename"}
	if def.IsAbstractType() {
		return " { __typename ... on Node { id } }"
	}

	for _, f := range def.Fields {
		inner := s.Types[f.Type.Name()]
		if strings.HasPrefix(f.Name, "__") || inner.IsCompositeType() && depth == 0 || needsArguments(f) {
			continue
		}

		size := ""
		if f.Arguments.ForName("first") != nil { // a few of each list: what is asked for has to be paid
			size = "(first: 3)"
		}

		fields = append(fields, f.Name+size+selection(s, f.Type.Name(), depth-1))
	}

	return " { " + strings.Join(fields, " ") + " }"
}

func needsArguments(f *ast.FieldDefinition) bool {
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil {
			return true
		}
	}

	return false
}
