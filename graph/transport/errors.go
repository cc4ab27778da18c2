package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const (
	codeUnauthenticated = "UNAUTHENTICATED"
	codeForbidden       = "FORBIDDEN"
	codeBadInput        = "BAD_USER_INPUT"
	codeRateLimited     = "RATE_LIMITED"
	codeTooComplex      = "TOO_COMPLEX"
	codeUnavailable     = "UNAVAILABLE"
	codeInternal        = "INTERNAL"
	codeNotPersisted    = "PERSISTED_QUERY_NOT_FOUND" // Apollo's clients look for it and send the document
	codeNotSupported    = "PERSISTED_QUERY_NOT_SUPPORTED"

	codeComplexity = "COMPLEXITY_LIMIT_EXCEEDED" // gqlgen's
)

// codes says how what gqlgen calls an error reads to our callers.
var codes = map[string]string{
	errcode.ParseFailed:      codeBadInput,
	errcode.ValidationFailed: codeBadInput,
	codeComplexity:           codeTooComplex,
}

// An operation that is refused before it runs ends on a socket with an error message, not with a
// result. gqlgen asks the code which of the two it is.
func init() {
	for _, code := range []string{codeBadInput, codeTooComplex, codeForbidden, codeComplexity, codeNotPersisted,
		codeNotSupported} {
		errcode.RegisterErrorType(code, errcode.KindProtocol)
	}
}

var (
	errTimeout = errors.New("the operation ran out of time")
	errClosed  = errors.New("the connection is closed")
)

func codedError(code, format string, args ...any) *gqlerror.Error {
	return &gqlerror.Error{Message: fmt.Sprintf(format, args...), Extensions: map[string]any{"code": code}}
}

// outOfTime tells whoever has waited for the whole time of an operation.
func outOfTime() *gqlerror.Error {
	err := codedError(codeUnavailable, "%s", errTimeout)
	err.Extensions["retryAfterSeconds"] = retrySeconds
	return err
}

func codeOf(err *gqlerror.Error) string {
	code, _ := err.Extensions["code"].(string)
	return code
}

// present is what every error passes on its way to the client.
func (h *Handler) present(ctx context.Context, err error) *gqlerror.Error {
	var given *gqlerror.Error
	if !errors.As(err, &given) {
		given = gqlerror.WrapPath(graphql.GetPath(ctx), err)
	}

	shown := h.explain(ctx, given)
	shown.Path, shown.Locations = given.Path, given.Locations
	if isBadArgument(ctx) {
		within(shown, graphql.GetFieldContext(ctx).Path())
	}

	return shown
}

// within leaves of an error's path what is a place in the response. What is behind it names a place
// in the field's arguments.
func within(shown *gqlerror.Error, place ast.Path) {
	if len(shown.Path) <= len(place) || codeOf(shown) != codeBadInput {
		return
	}

	argument := shown.Path[len(place):]
	shown.Path = place
	shown.Message = dotted(argument) + ": " + shown.Message
	shown.Extensions["argument"] = steps(argument)
}

// explain returns the message and the extensions that the caller may see.
func (h *Handler) explain(ctx context.Context, given *gqlerror.Error) *gqlerror.Error {
	cause := given.Unwrap()
	if cause == nil { // made for the caller: by the parser, the validator, a limit, a resolver
		code := codeOf(given)
		if code == "" {
			return h.internal(ctx, given)
		}

		shown := &gqlerror.Error{Message: given.Message, Extensions: maps.Clone(given.Extensions)}
		if ours, ok := codes[code]; ok {
			shown.Extensions["code"] = ours
		}
		if code == errcode.ParseFailed && strings.HasPrefix(given.Message, "exceeded token limit") {
			shown.Extensions["code"] = codeTooComplex
		}

		return shown
	}

	if isBadArgument(ctx) {
		return codedError(codeBadInput, "%.300s", cause.Error())
	}

	shown := h.options.PresentError(ctx, cause)
	if shown == nil || codeOf(shown) == "" || codeOf(shown) == codeInternal {
		if errors.Is(context.Cause(ctx), errTimeout) {
			return outOfTime()
		}
		return h.internal(ctx, cause)
	}

	return &gqlerror.Error{Message: shown.Message, Extensions: maps.Clone(shown.Extensions)}
}

// isBadArgument reports that the field's arguments could not be read: a scalar of ours refused its
// value. gqlgen sets Args, to a map that may be empty, before it calls the resolver.
func isBadArgument(ctx context.Context) bool {
	fc := graphql.GetFieldContext(ctx)
	return fc != nil && fc.Args == nil && fc.Field.Field != nil && fc.Field.Definition != nil &&
		len(fc.Field.Definition.Arguments) > 0
}

func (h *Handler) internal(ctx context.Context, cause error) *gqlerror.Error {
	level := slog.LevelError
	if ctx.Err() != nil {
		level = slog.LevelDebug // the caller has left, and with him went the database call
	}

	h.log.LogAttrs(ctx, level, "graphql: internal error", slog.String("request_id", RequestID(ctx)),
		slog.String("path", graphql.GetPath(ctx).String()), slog.Any("error", cause))

	return h.masked(ctx)
}

func (h *Handler) masked(ctx context.Context) *gqlerror.Error {
	err := codedError(codeInternal, "internal error")
	err.Extensions["requestId"] = RequestID(ctx)
	return err
}

func (h *Handler) recovered(ctx context.Context, value any) error {
	h.log.LogAttrs(ctx, slog.LevelError, "graphql: panic", slog.String("request_id", RequestID(ctx)),
		slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
	return h.masked(ctx)
}

// refusal is an answer without a result: the request did not get as far as an operation.
type refusal struct {
	status     int
	code       string
	message    string
	extensions map[string]any
	header     http.Header
	answer     map[string]any // extensions of the answer, beside those of its error
}

func badRequest(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, code: codeBadInput, message: fmt.Sprintf(format, args...)}
}

func notAllowed(allow, message string) *refusal {
	return &refusal{status: http.StatusMethodNotAllowed, code: codeBadInput, message: message,
		header: http.Header{"Allow": {allow}}}
}

// statuses of errors that keep a request from running at all.
var statuses = map[string]int{
	codeUnauthenticated: http.StatusUnauthorized,
	codeForbidden:       http.StatusForbidden,
	codeBadInput:        http.StatusBadRequest,
	codeRateLimited:     http.StatusTooManyRequests,
	codeUnavailable:     http.StatusServiceUnavailable,
}

// mayNot explains what a hook refused.
func (h *Handler) mayNot(r *http.Request, err error) *refusal {
	shown := h.present(r.Context(), err)
	no := &refusal{status: statuses[codeOf(shown)], code: codeOf(shown), message: shown.Message,
		extensions: shown.Extensions, header: http.Header{}}
	if no.status == 0 {
		no.status = http.StatusInternalServerError
	}

	if no.status == http.StatusUnauthorized {
		challenge := "Bearer"
		if r.Header.Get("Authorization") != "" {
			challenge = `Bearer error="invalid_token"`
		}

		no.header.Set("WWW-Authenticate", challenge)
	}

	return no
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, no *refusal) {
	err := codedError(no.code, "%s", no.message)
	maps.Copy(err.Extensions, no.extensions)
	if no.code == codeInternal {
		err.Extensions["requestId"] = RequestID(r.Context())
	}

	maps.Copy(w.Header(), no.header)
	if seconds, ok := no.extensions["retryAfterSeconds"].(int); ok {
		w.Header().Set("Retry-After", itoa(seconds))
	}

	abandon(w, r)
	h.log.LogAttrs(r.Context(), slog.LevelDebug, "graphql: refused", slog.String("request_id", RequestID(r.Context())),
		slog.Int("status", no.status), slog.String("code", no.code), slog.String("reason", no.message))
	reply(w, r, no.status, &graphql.Response{Errors: gqlerror.List{err}, Extensions: no.answer}, false)
}
