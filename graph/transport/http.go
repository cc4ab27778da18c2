package transport

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// replyWithin is how long a client may take to read an answer.
const replyWithin = time.Minute

// serveOperation answers an operation in the form that the client accepts.
func (h *Handler) serveOperation(w http.ResponseWriter, r *http.Request) *refusal {
	in := h.intakeOf(r)
	defer in.end()
	params, no := h.readParams(w, r, in)
	if no != nil {
		return no
	}

	opCtx, errs := h.exec.CreateOperationContext(r.Context(), params)

	return h.answer(w, r, opCtx, errs)
}

// answer runs an operation that was parsed, or says what is wrong with it.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, opCtx *graphql.OperationContext,
	errs gqlerror.List) *refusal {
	var kind ast.Operation
	if errs == nil {
		kind = opCtx.Operation.Operation
	}

	events := acceptedBy(r.Header).asEvents(kind)
	switch {
	case kind == ast.Mutation && r.Method == http.MethodGet:
		return notAllowed("POST", "a mutation needs POST")
	case kind == ast.Subscription && !events:
		return badRequest("a subscription needs a WebSocket, or Accept: text/event-stream")
	}

	cost := leastCost
	if errs == nil {
		cost = costOf(r.Context(), opCtx)
	}
	if no := h.afford(w, r, opCtx, cost); no != nil {
		return no
	}
	if events {
		return h.runAsEvents(w, r, opCtx, errs)
	}

	ctx := withTransport(r.Context(), "http")
	if errs != nil {
		h.refuseDocument(ctx, w, r, opCtx, errs)
		return nil
	}

	answers := newSingle(h.answers.of(h.options.Owner(ctx)))
	defer answers.end()
	next, ctx := h.exec.DispatchOperation(context.WithValue(ctx, placeKey{}, place(answers)), opCtx)
	resp := next(ctx)
	if resp == nil { // out of time before the first resolver, or the client has left
		return &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable, message: errTimeout.Error(),
			extensions: outOfTime().Extensions}
	}

	if seconds, ok := retryAfter(resp); ok {
		w.Header().Set("Retry-After", seconds)
	}

	reply(w, r, statusOf(resp), resp, true)

	return nil
}

// refuseDocument answers for an operation that did not get as far as running. That a text is not
// known by its hash is part of the protocol and no failure: there are clients that look no further
// than at the status.
func (h *Handler) refuseDocument(ctx context.Context, w http.ResponseWriter, r *http.Request,
	opCtx *graphql.OperationContext, errs gqlerror.List) {
	resp := h.exec.DispatchError(graphql.WithOperationContext(ctx, opCtx), errs)
	status := http.StatusBadRequest
	if code := codeOf(errs[0]); answerType(r) == mediaJSON || code == codeNotPersisted || code == codeNotSupported {
		status = http.StatusOK
	}

	reply(w, r, status, resp, false)
}

// readParams reads the parameters of an operation from the URL of a GET or the JSON body of a POST.
func (h *Handler) readParams(w http.ResponseWriter, r *http.Request, in *intake) (*graphql.RawParams, *refusal) {
	params := &graphql.RawParams{Headers: r.Header, ReadTime: graphql.TraceTiming{Start: graphql.Now()}}
	no := (*refusal)(nil)
	if r.Method == http.MethodGet {
		no = h.readURL(r, in, params)
	} else if no = wrongType(r); no == nil {
		no = h.readJSON(w, r, in, params)
	}

	if no != nil {
		return nil, no
	}

	params.ReadTime.End = graphql.Now()

	return params, checkParams(params)
}

func checkParams(params *graphql.RawParams) *refusal {
	if params.Query == "" && params.Extensions["persistedQuery"] == nil {
		return badRequest("the parameter query is missing")
	}
	return nil
}

func (h *Handler) readURL(r *http.Request, in *intake, params *graphql.RawParams) *refusal {
	q := r.URL.Query()
	params.Query, params.OperationName = q.Get("query"), q.Get("operationName")
	for name, into := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		text := q.Get(name)
		if err := in.unpacked([]byte(text)); err != nil {
			return h.unread(r, err)
		}
		if text != "" && decodeJSON([]byte(text), into) != nil {
			return badRequest("the parameter %s is no JSON object", name)
		}
	}

	if !utf8.ValidString(params.Query) || !utf8.ValidString(params.OperationName) {
		return badRequest("the URL is not UTF-8")
	}

	return nil
}

func wrongType(r *http.Request) *refusal {
	media, p, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != mediaJSON || p["charset"] != "" && !strings.EqualFold(p["charset"], "utf-8") {
		return &refusal{status: http.StatusUnsupportedMediaType, code: codeBadInput,
			message: "the Content-Type must be application/json",
			header:  http.Header{"Accept-Post": {"application/json, multipart/form-data"}}}
	}

	return nil
}

// decodeJSON decodes one JSON object and nothing after it. Numbers stay text, so that no digit of a
// variable is lost. It changes text where that holds halves of surrogate pairs.
func decodeJSON(text []byte, into any) error {
	wellFormed(text)
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || !utf8.Valid(text) {
		return errors.New("no JSON object in UTF-8")
	}

	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("text after the JSON object")
	}

	return nil
}

// answerType is the kind of JSON of an answer that is no stream; also of one to whoever would have
// liked a stream.
func answerType(r *http.Request) string { return cmp.Or(acceptedBy(r.Header).json, mediaJSON) }

// reply writes a response. A request that was refused before it ran has no data, not even null.
func reply(w http.ResponseWriter, r *http.Request, status int, resp *graphql.Response, ran bool) {
	body, err := encode(resp, ran)
	if err != nil { // an extension that is no JSON
		panic(err)
	}

	w.Header().Set("Content-Type", answerType(r)+"; charset=utf-8")
	w.Header().Add("Vary", "Accept")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(replyWithin)) // not every ResponseWriter can
	w.WriteHeader(status)
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(leastTimeToWrite + time.Duration(len(body))*time.Second/leastPace))
	_, _ = w.Write(body)
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{})
}

// leastTimeToWrite is what a client has for taking an answer, besides what that takes at the least
// pace.
const leastTimeToWrite = 30 * time.Second

func encode(resp *graphql.Response, ran bool) ([]byte, error) {
	var out struct {
		Errors     any             `json:"errors,omitempty"`
		Data       json.RawMessage `json:"data,omitempty"`
		Extensions map[string]any  `json:"extensions,omitempty"`
	}
	if len(resp.Errors) > 0 {
		out.Errors = resp.Errors
	}

	out.Extensions = resp.Extensions
	if out.Data = resp.Data; ran && out.Data == nil {
		out.Data = json.RawMessage("null")
	}
	if !ran {
		out.Data = nil
	}

	return json.Marshal(out)
}

// statusOf is 503 for an operation that gave nothing because something of ours is away, and that
// may be repeated after a while. Balancers and clients that repeat calls look at the status alone.
// All else that ran is 200: the errors say more.
func statusOf(resp *graphql.Response) int {
	if len(resp.Errors) == 0 || len(resp.Data) > 0 && string(resp.Data) != "null" {
		return http.StatusOK
	}

	for _, err := range resp.Errors {
		if _, again := err.Extensions["retryAfterSeconds"]; !again || codeOf(err) != codeUnavailable {
			return http.StatusOK
		}
	}

	return http.StatusServiceUnavailable
}

// retryAfter is the largest extensions.retryAfterSeconds among the errors.
func retryAfter(resp *graphql.Response) (seconds string, ok bool) {
	most := 0
	for _, err := range resp.Errors {
		if n, is := err.Extensions["retryAfterSeconds"].(int); is {
			most = max(most, n)
		}
	}

	return strconv.Itoa(most), most > 0
}
