package graph

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/privacy"
	"carillon/graph/model"
	"carillon/usererror"
)

// tooLong is how long whoever waited in vain is asked to wait before the next try.
const tooLong = 5 * time.Second

// presentError says what a caller may read of an error; nil is nothing.
func (r *Resolver) presentError(ctx context.Context, err error) *gqlerror.Error {
	var f *usererror.Error
	var in usererror.Fields
	again, away := database.Away(err)

	switch {
	case errors.As(err, &f):
		return faultError(f)
	case errors.As(err, &in):
		return coded(usererror.BadInput, in.Error())
	case ent.IsNotFound(err), errors.Is(err, privacy.Deny):
		return coded(usererror.NotFound, "not found")
	case isUncertain(err):
		r.noteAway(ctx, err)
		return faultError(&usererror.Error{Kind: usererror.Unavailable, RetryAfter: max(again, tooLong),
			Message: "the database was lost while it wrote: the change may have been made or not; look before you repeat it"})
	case errors.Is(err, context.DeadlineExceeded):
		return faultError(&usererror.Error{Kind: usererror.Unavailable, RetryAfter: tooLong,
			Message: "this took too long; try again"})
	case away:
		r.noteAway(ctx, err)
		return faultError(&usererror.Error{Kind: usererror.Unavailable, RetryAfter: again,
			Message: "the service cannot serve this just now; try again"})
	}

	return nil
}

func isUncertain(err error) bool {
	var u *database.Uncertain
	return errors.As(err, &u)
}

// noteAway tells the operator why calls fail, at most every few seconds: while the database is away
// all of them do.
func (r *Resolver) noteAway(ctx context.Context, err error) {
	r.away.Do(func() { r.logger().ErrorContext(ctx, "the database could not serve a call", "error", err) })
}

func coded(kind usererror.Kind, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": string(kind)}}
}

func faultError(f *usererror.Error) *gqlerror.Error {
	shown := coded(f.Kind, f.Message)
	if f.RetryAfter > 0 {
		shown.Extensions["retryAfterSeconds"] = wholeSeconds(f.RetryAfter)
	}
	if f.Cursor != "" {
		shown.Extensions["cursor"] = f.Cursor
	}
	if f.Needs != "" {
		shown.Extensions["needs"] = f.Needs
	}

	return shown
}

func wholeSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// answer parts what a mutation gave into what its payload shows: the result, or else what the
// caller can mend.
func answer[T any](result *T, err error) (*T, []*model.UserError, error) {
	wrong := []*model.UserError{}
	var in usererror.Fields
	if err == nil {
		return result, wrong, nil
	}
	if !errors.As(err, &in) {
		return nil, nil, err
	}

	for _, one := range in {
		wrong = append(wrong, &model.UserError{Field: append([]string{}, one.Path...), Code: one.Code, Message: one.Message})
	}

	return nil, wrong, nil
}

// done is answer for what has no result of its own.
func done(err error) (bool, []*model.UserError, error) {
	ok, wrong, err := answer(new(bool), err)
	return ok != nil, wrong, err
}

func text(s *string) string { return or(s, "") }

// or is what was given, else what holds without it: a client may write null where the schema has a
// default.
func or[T any](given *T, otherwise T) T {
	if given == nil {
		return otherwise
	}
	return *given
}

// some is nil for the zero value, such as the empty text.
func some[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}
