package transport

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// notText is what is wrong with a text: half of a surrogate pair is no character, PostgreSQL keeps
// no U+0000, and other control characters do things to the terminals, logs and files that show
// them.
const notText = "a text must not have control characters other than line breaks and tabs, or half of a surrogate pair"

// isText reports whether a string is a text that may be kept and shown.
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	})
}

// inputs checks what gqlgen lets pass in variables and in literals, so that a value means the same
// in both, and the same on both databases: members of one-of inputs, the range of Int, the kinds of
// JSON values, and texts.
type inputs struct{ schema *ast.Schema }

func (inputs) ExtensionName() string                   { return "Inputs" }
func (inputs) Validate(graphql.ExecutableSchema) error { return nil }

func (in inputs) MutateOperationContext(_ context.Context, opCtx *graphql.OperationContext) *gqlerror.Error {
	walk := literals{in, map[string]bool{}}
	for _, v := range opCtx.Operation.VariableDefinitions {
		path := ast.Path{ast.PathName(v.Variable)}
		if err := in.variable(v.Type, opCtx.Variables[v.Variable], path); err != nil {
			return err
		}
		if err := walk.literal(v.DefaultValue, path); err != nil {
			return err
		}
	}

	if err := walk.directives(opCtx.Operation.Directives); err != nil {
		return err
	}

	return walk.selection(opCtx.Operation.SelectionSet)
}

// variable checks a value that gqlparser has found to fit the type by and large.
func (in inputs) variable(typ *ast.Type, value any, path ast.Path) *gqlerror.Error {
	if value == nil {
		return nil
	}

	path = slices.Clip(path) // what is appended for one member must not show in another's
	if typ.Elem != nil {
		list := reflect.ValueOf(value) // of whatever type: gqlparser makes lists of single values
		if list.Kind() != reflect.Slice {
			return in.variable(typ.Elem, value, path)
		}

		for i := range list.Len() {
			if err := in.variable(typ.Elem, list.Index(i).Interface(), append(path, ast.PathIndex(i))); err != nil {
				return err
			}
		}

		return nil
	}

	switch def := in.schema.Types[typ.NamedType]; def.Kind {
	case ast.InputObject:
		members, ok := value.(map[string]any)
		if !ok {
			return badVariable(path, "must be a %s", def.Name)
		}

		return in.members(def, members, path)
	case ast.Enum:
		if name, ok := value.(string); !ok || def.EnumValues.ForName(name) == nil {
			return badVariable(path, "is no value of %s", def.Name)
		}
		return nil
	default:
		if want := scalars[def.Name]; want.fits != nil && !want.fits(value) {
			return badVariable(path, "must be %s", want.words)
		}
		return texts(value, path)
	}
}

func (in inputs) members(def *ast.Definition, members map[string]any, path ast.Path) *gqlerror.Error {
	if def.Directives.ForName("oneOf") != nil {
		given := 0
		for _, value := range members {
			given++
			if value == nil {
				given = 2 // as the specification has it, and as it is with literals
			}
		}

		if given != 1 {
			return badVariable(path, "%s takes exactly one of its fields, which must not be null; leave the others out",
				def.Name)
		}
	}

	for _, field := range def.Fields {
		if err := in.variable(field.Type, members[field.Name], append(path, ast.PathName(field.Name))); err != nil {
			return err
		}
	}

	return nil
}

// scalars are those of the specification. A number of a variable is a json.Number, or what
// gqlparser made of it.
var scalars = map[string]struct {
	words string
	fits  func(any) bool
}{
	"Int":     {"a whole number of 32 bits", isInt},
	"Float":   {"a number", isFloat},
	"String":  {"a string", func(v any) bool { _, ok := v.(string); return ok }},
	"Boolean": {"true or false", func(v any) bool { _, ok := v.(bool); return ok }},
	"ID":      {"a string or a whole number", isID},
}

func isInt(v any) bool {
	switch v := v.(type) {
	case int64:
		return v >= math.MinInt32 && v <= math.MaxInt32
	case json.Number:
		_, err := strconv.ParseInt(v.String(), 10, 32)
		return err == nil
	}

	return false
}

func isFloat(v any) bool {
	switch v := v.(type) {
	case int64, float64:
		return true
	case json.Number:
		_, err := v.Float64()
		return err == nil
	}

	return false
}

func isID(v any) bool {
	switch v := v.(type) {
	case string, int64:
		return true
	case json.Number:
		_, err := v.Int64()
		return err == nil
	}

	return false
}

// texts checks all texts within a value.
func texts(value any, path ast.Path) *gqlerror.Error {
	path = slices.Clip(path)
	switch v := value.(type) {
	case string:
		if !isText(v) {
			return badVariable(path, notText)
		}
	case []any:
		for i, one := range v {
			if err := texts(one, append(path, ast.PathIndex(i))); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, one := range v {
			if !isText(name) {
				return badVariable(path, notText)
			}
			if err := texts(one, append(path, ast.PathName(name))); err != nil {
				return err
			}
		}
	}

	return nil
}

// literals walks the arguments that are written in a document. Each fragment is walked once.
type literals struct {
	inputs
	seen map[string]bool
}

func (l literals) selection(set ast.SelectionSet) *gqlerror.Error {
	for _, s := range set {
		var inner ast.SelectionSet
		var directives ast.DirectiveList
		switch s := s.(type) {
		case *ast.Field:
			inner, directives = s.SelectionSet, s.Directives
			if err := l.arguments(s.Arguments); err != nil {
				return err
			}
		case *ast.InlineFragment:
			inner, directives = s.SelectionSet, s.Directives
		case *ast.FragmentSpread:
			directives = s.Directives
			if !l.seen[s.Name] {
				l.seen[s.Name] = true
				inner = s.Definition.SelectionSet
			}
		}

		if err := l.directives(directives); err != nil {
			return err
		}
		if err := l.selection(inner); err != nil {
			return err
		}
	}

	return nil
}

func (l literals) directives(directives ast.DirectiveList) *gqlerror.Error {
	for _, d := range directives {
		if err := l.arguments(d.Arguments); err != nil {
			return err
		}
	}

	return nil
}

func (l literals) arguments(arguments ast.ArgumentList) *gqlerror.Error {
	for _, a := range arguments {
		if err := l.literal(a.Value, ast.Path{ast.PathName(a.Name)}); err != nil {
			return err
		}
	}

	return nil
}

func (l literals) literal(v *ast.Value, path ast.Path) *gqlerror.Error {
	if v == nil {
		return nil
	}

	path = slices.Clip(path)
	switch v.Kind {
	case ast.IntValue:
		if v.Definition != nil && v.Definition.Name == "Int" {
			if _, err := strconv.ParseInt(v.Raw, 10, 32); err != nil {
				return badArgument(path, v.Position, "must be %s", scalars["Int"].words)
			}
		}
	case ast.StringValue, ast.BlockValue:
		if !isText(v.Raw) || v.Kind == ast.StringValue && halfEscaped(v) {
			return badArgument(path, v.Position, notText)
		}
	}

	for i, child := range v.Children {
		step := ast.PathElement(ast.PathIndex(i))
		if v.Kind == ast.ObjectValue {
			step = ast.PathName(child.Name)
		}
		if err := l.literal(child.Value, append(path, step)); err != nil {
			return err
		}
	}

	return nil
}

// halfEscaped says whether a literal was written with half of a surrogate pair, of which the parser
// makes U+FFFD.
func halfEscaped(v *ast.Value) bool {
	if !strings.ContainsRune(v.Raw, utf8.RuneError) || v.Position == nil {
		return false
	}

	source := []rune(v.Position.Src.Input)
	written := []byte(string(source[min(v.Position.Start, len(source)):min(v.Position.End, len(source))]))

	return wellFormed(written)
}

func badArgument(path ast.Path, at *ast.Position, format string, args ...any) *gqlerror.Error {
	err := badVariable(path, format, args...)
	err.Message = strings.TrimPrefix(err.Message, "$")
	err.Extensions["argument"] = err.Extensions["variable"]
	delete(err.Extensions, "variable")
	if at != nil {
		err.Locations = []gqlerror.Location{{Line: at.Line, Column: at.Column}}
	}

	return err
}

// wellFormed puts U+0000, which no text may have, in the place of halves of surrogate pairs in
// JSON, of which encoding/json would make U+FFFD without a word. It reports whether there were any.
func wellFormed(text []byte) (replaced bool) {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}

		unit := escaped(text[i:])
		switch {
		case unit < 0xD800 || unit > 0xDFFF:
			i++ // what is escaped is no backslash of its own
		case unit < 0xDC00 && i+6 < len(text) && escaped(text[i+6:]) >= 0xDC00 && escaped(text[i+6:]) <= 0xDFFF:
			i += 11
		default:
			copy(text[i+2:], "0000")
			replaced = true
			i += 5
		}
	}

	return replaced
}

// escaped is the UTF-16 code unit of an escape \uXXXX at the beginning of a text, else -1.
func escaped(text []byte) int {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}

	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}

	return int(unit)
}
