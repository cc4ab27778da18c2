package campaign

import (
	"context"
	"maps"
	"slices"

	"carillon/audience"
	"carillon/ent"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

// Sample is a campaign's message as one person would get it.
type Sample struct {
	Campaign, PhoneNumberID uid.ID

	Template *ent.Template
	Values   map[string]string
}

// Parameters are the names of the values, in alphabetical order.
func (s Sample) Parameters() []string { return slices.Sorted(maps.Keys(s.Values)) }

// SampleFor is what a campaign would send to somebody: with the values of the contact whose number
// or user id it is, else with those of the first person of its audience. It sends nothing.
func (s *Service) SampleFor(ctx context.Context, id uid.ID, to string) (out Sample, err error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return out, err
	}

	who, wrong, err := audience.Resolve(ctx, s.db.Client, c.OrganizationID, to)
	if err != nil {
		return out, err
	}
	if wrong != nil {
		return out, usererror.Refuse("to", usererror.Invalid, "%s", wrong)
	}

	rule := ruleOf(c)
	if who.Contact != nil {
		rule = jsonfield.Audience{ContactIDs: []uid.ID{who.ID}, ValuesOf: c.ID}
	}

	page, err := s.pageOf(ctx, c, rule, uid.ID{}, 1)
	if err != nil {
		return out, err
	}

	plan, err := s.plan(ctx, s.db.Client, c)
	if err != nil {
		return out, err
	}

	var r audience.Recipient
	if len(page) > 0 {
		r = page[0]
	}

	m, problems := plan.message(r)
	var in usererror.Fields
	for _, p := range problems {
		in.Add("to", usererror.Required, "parameter %q %s for this person", p.Parameter, p.Message)
	}

	return Sample{c.ID, c.PhoneNumberID, plan.binderFor(r).row, m.Parameters}, in.Err()
}
