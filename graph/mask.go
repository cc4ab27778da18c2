package graph

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/99designs/gqlgen/graphql"

	"carillon/audience"
	"carillon/ent"
	"carillon/ent/jsonfield"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/usererror"
)

var masks = map[model.Masking]func(string) string{
	model.MaskingNumber:        audience.MaskPhone,
	model.MaskingText:          func(string) string { return audience.Hidden },
	model.MaskingNumbersWithin: audience.MaskNumbers,
}

// mask is the directive @personal: the one place through which everything passes that tells who a
// person is or what was written.
func mask(ctx context.Context, _ any, next graphql.Resolver, as model.Masking) (any, error) {
	value, err := next(ctx)
	if err != nil || !masked(ctx) {
		return value, err
	}

	hide := masks[as]
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		return hide(v), nil
	case *string:
		if v == nil {
			return v, nil
		}

		text := hide(*v)
		return &text, nil
	case []string:
		return texts(v, hide), nil
	}

	return nil, fmt.Errorf("a %T cannot be masked", value)
}

// masked says whether people's numbers and texts are not for the caller to see.
func masked(ctx context.Context) bool {
	v, ok := identity.From(ctx)
	return ok && v.Masked
}

// Whoever sees numbers masked must not find one out by looking for it, nor by its place in a list
// or by its cursor there.
var errProbe = usererror.New(usererror.Forbidden,
	"numbers are masked for your role: you cannot look for them, or order by them")

func refuseContactProbe(ctx context.Context, f *jsonfield.ContactFilter, orders []*ent.ContactOrder) error {
	if !masked(ctx) {
		return nil
	}
	if f != nil && (strings.ContainsFunc(f.Search, unicode.IsDigit) || audience.IsUserID(strings.TrimSpace(f.Search))) {
		return errProbe
	}

	for _, o := range orders {
		if o.Field.String() == ent.ContactOrderFieldPhone.String() {
			return errProbe
		}
	}

	return nil
}

func refuseMessageProbe(ctx context.Context, f *jsonfield.MessageFilter) error {
	if masked(ctx) && f != nil && (f.To != nil || f.Wamid != nil) {
		return errProbe
	}
	return nil
}
