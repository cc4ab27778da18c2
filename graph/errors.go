package graph

import (
	"context"
	"errors"
	"math"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"carillon/ent"
	"carillon/ent/privacy"
	"carillon/fault"
	"carillon/graph/model"
)

// presentError says what a caller may read of an error; nil is nothing.
func presentError(_ context.Context, err error) *gqlerror.Error {
	var f *fault.Error
	var in fault.Inputs
	switch {
	case errors.As(err, &f):
		return faultError(f)
	case errors.As(err, &in):
		return coded(fault.BadInput, in.Error())
	case ent.IsNotFound(err), errors.Is(err, privacy.Deny):
		return coded(fault.NotFound, "not found")
	case errors.Is(err, context.DeadlineExceeded):
		return coded(fault.Unavailable, "this took too long; try again")
	}
	return nil
}

func coded(kind fault.Kind, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": string(kind)}}
}

func faultError(f *fault.Error) *gqlerror.Error {
	shown := coded(f.Kind, f.Message)
	if f.RetryAfter > 0 {
		shown.Extensions["retryAfterSeconds"] = int(math.Ceil(f.RetryAfter.Seconds()))
	}
	if f.Cursor != "" {
		shown.Extensions["cursor"] = f.Cursor
	}
	if f.Needs != "" {
		shown.Extensions["needs"] = f.Needs
	}
	return shown
}

// answer parts what a mutation gave into what its payload shows: the result, or else what the caller can mend.
func answer[T any](result *T, err error) (*T, []*model.UserError, error) {
	wrong := []*model.UserError{}
	var in fault.Inputs
	if err == nil {
		return result, wrong, nil
	}
	if !errors.As(err, &in) {
		return nil, nil, err
	}
	for _, one := range in {
		wrong = append(wrong, &model.UserError{Field: append([]string{}, one.Field...), Code: one.Code, Message: one.Message})
	}
	return nil, wrong, nil
}

// done is answer for what has no result of its own.
func done(err error) (bool, []*model.UserError, error) {
	ok, wrong, err := answer(new(bool), err)
	return ok != nil, wrong, err
}

func text(s *string) string { return or(s, "") }

// or is what was given, else what holds without it: a client may write null where the schema has a default.
func or[T any](given *T, otherwise T) T {
	if given == nil {
		return otherwise
	}
	return *given
}

// some is nil for the empty text.
func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
