package campaign

import (
	"errors"
	"slices"
	"strconv"

	"carillon/account"
	"carillon/audience"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/usererror"
	"carillon/whatsapp"
)

// binder resolves a campaign's bindings for one recipient after another.
type binder struct {
	row      *ent.Template
	template whatsapp.Template
	bindings []jsonfield.ParameterBinding
	unbound  []string // parameters that only people's own values can fill
	own      *valueRules
}

func newBinder(template *ent.Template, bindings []jsonfield.ParameterBinding) binder {
	return binder{template, account.Of(template), bindings, unboundParameters(template, bindings),
		newValueRules(template)}
}

// fills reports whether every parameter can get a value, by a binding or by the person's own.
func (b binder) fills(r audience.Recipient) bool {
	return !slices.ContainsFunc(b.unbound, func(name string) bool { return r.Values[name] == "" })
}

// values gives every parameter its value as it is sent, and says what is wrong with those that
// cannot be. A recipient's own value goes before what is bound. A fallback stands in where nothing
// is left of a person's value.
func (b binder) values(r audience.Recipient) (map[string]string, []*whatsapp.ValueError) {
	given := make(map[string]string, len(b.bindings))
	for _, binding := range b.bindings {
		given[binding.Parameter] = valueOf(binding, r)
	}

	for name, value := range r.Values {
		if value != "" && b.own.takes(name) {
			given[name] = value
		}
	}

	values, problems := b.template.Mend(given)
	missing := false

	for _, binding := range b.bindings {
		if values[binding.Parameter] == "" && binding.Fallback != nil {
			given[binding.Parameter], missing = *binding.Fallback, true
		}
	}

	if missing {
		return b.template.Mend(given)
	}

	return values, problems
}

func valueOf(b jsonfield.ParameterBinding, r audience.Recipient) string {
	switch {
	case b.Value != nil:
		return *b.Value
	case b.ContactField != nil:
		return contactFields[*b.ContactField](r)
	case b.Attribute != nil:
		return r.Attributes.Value(*b.Attribute)
	}

	return ""
}

// unfit says why a recipient with such values is left out; empty when there is nothing wrong with
// them.
func unfit(problems []*whatsapp.ValueError) (reason enum.SkipReason) {
	for _, p := range problems {
		if p.Rule == "MISSING" {
			return enum.SkipReasonMissingParameter
		}

		reason = enum.SkipReasonInvalidParameter
	}

	return reason
}

// constantProblem is a value of a binding that WhatsApp would refuse, whoever it is sent to.
type constantProblem struct {
	*whatsapp.ValueError
	field string // parameters.0.value
}

// constants says what is wrong with what bindings give everybody: their values, and their
// fallbacks.
func (b binder) constants() (problems []constantProblem) {
	values, at := map[string]string{}, map[string]string{}
	for i, binding := range b.bindings {
		if binding.Value != nil {
			values[binding.Parameter], at[binding.Parameter] = *binding.Value, "parameters."+strconv.Itoa(i)+".value"
		}
	}

	for _, p := range b.template.Constants(values) {
		if field := at[p.Parameter]; field != "" && !b.falls(p) {
			problems = append(problems, constantProblem{p, field})
		}
	}

	for i, binding := range b.bindings {
		if binding.Fallback == nil || *binding.Fallback == "" {
			continue
		}

		one := map[string]string{binding.Parameter: *binding.Fallback}
		for _, p := range b.template.Constants(one) {
			if p.Parameter == binding.Parameter {
				problems = append(problems, constantProblem{p, "parameters." + strconv.Itoa(i) + ".fallback"})
			}
		}
	}

	return problems
}

// falls says whether a fallback stands in for a value that is missing.
func (b binder) falls(p *whatsapp.ValueError) bool {
	for _, binding := range b.bindings {
		if binding.Parameter == p.Parameter {
			return p.Rule == "MISSING" && binding.Fallback != nil
		}
	}

	return false
}

func asInputs(err error, into *usererror.Fields) bool { return errors.As(err, into) }
