package campaign

import (
	"errors"
	"strings"

	"carillon/account"
	"carillon/audience"
	"carillon/column"
	"carillon/ent"
	"carillon/fault"
)

// binder resolves a campaign's bindings for one recipient after another.
type binder struct {
	names    []string
	bindings map[string]column.ParameterBinding
}

func newBinder(template *ent.Template, bindings []column.ParameterBinding) binder {
	b := binder{bindings: map[string]column.ParameterBinding{}}
	for _, p := range account.Of(template).Parameters() {
		b.names = append(b.names, p.Name)
	}
	for _, binding := range bindings {
		b.bindings[binding.Parameter] = binding
	}
	return b
}

// values gives every parameter its value, and the names of those that have none.
func (b binder) values(r audience.Recipient) (values map[string]string, lacks []string) {
	values = make(map[string]string, len(b.names))
	for _, name := range b.names {
		value := ""
		switch binding := b.bindings[name]; {
		case binding.Value != nil:
			value = *binding.Value
		case binding.ContactField != nil:
			value = contactFields[*binding.ContactField](r)
		case binding.Attribute != nil:
			value = r.Attributes[*binding.Attribute]
		}
		if value = tidy(value); value == "" {
			if fallback := b.bindings[name].Fallback; fallback != nil {
				value = tidy(*fallback)
			}
		}
		if value == "" {
			lacks = append(lacks, name)
		}
		values[name] = value
	}
	return values, lacks
}

// tidy makes of a value what WhatsApp takes: no line breaks, no tabs, no run of more than four spaces.
func tidy(s string) string {
	if !strings.ContainsAny(s, "\n\r\t") && !strings.Contains(s, "     ") {
		return strings.TrimSpace(s)
	}
	return strings.Join(strings.Fields(s), " ")
}

func asInputs(err error, into *fault.Inputs) bool { return errors.As(err, into) }
