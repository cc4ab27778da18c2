package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

const (
	requestTimeout = time.Minute
	maxAnswer      = 16 << 20 // bytes
	maxShown       = 200      // bytes of an answer that is no GraphQL, in an error
)

// client calls one service by HTTP; socket.go has its subscriptions.
type client struct {
	endpoint string
	http     *http.Client
	token    string // of the session; "" before sign-up
}

func newClient(base string) *client {
	// A transport of its own, so that close leaves no connection behind.
	return &client{endpoint: strings.TrimSuffix(base, "/") + "/graphql",
		http: &http.Client{Transport: &http.Transport{}, Timeout: requestTimeout}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// operation is a GraphQL request.
type operation struct {
	Name      string         `json:"operationName"`
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables,omitempty"`
}

// query runs an operation and decodes its data.
func (c *client) query(ctx context.Context, op operation, into any) error {
	body, err := json.Marshal(op)
	if err != nil {
		return fmt.Errorf("%s: %w", op.Name, err)
	}

	return c.post(ctx, op.Name, "application/json", body, into)
}

// mutate runs the mutation of that name, whose input type is named after it, and decodes what
// selection names of its payload. User errors are errors.
func (c *client) mutate(ctx context.Context, name string, input map[string]any, selection string, into any) error {
	data := payloads{}
	if err := c.query(ctx, mutationOf(name, input, selection), &data); err != nil {
		return err
	}

	return data.decode(name, into)
}

// upload is mutate with a file at input.file.
func (c *client) upload(ctx context.Context, name string, input map[string]any, file file, selection string,
	into any) error {
	input["file"] = nil
	contentType, body, err := form(mutationOf(name, input, selection), "variables.input.file", file)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}

	data := payloads{}
	if err := c.post(ctx, name, contentType, body, &data); err != nil {
		return err
	}

	return data.decode(name, into)
}

func mutationOf(name string, input map[string]any, selection string) operation {
	inputType := strings.ToUpper(name[:1]) + name[1:] + "Input"
	return operation{
		Name: name,
		Query: fmt.Sprintf(
			"mutation %s($input: %s!) { %[1]s(input: $input) { %[3]s userErrors { field code message } } }", name, inputType,
			selection),
		Variables: map[string]any{"input": input},
	}
}

// payloads is the data of a mutation: one payload, by the mutation's name.
type payloads map[string]json.RawMessage

func (p payloads) decode(name string, into any) error {
	var problems struct{ UserErrors userErrors }
	err := json.Unmarshal(p[name], &problems)
	switch {
	case err == nil && len(problems.UserErrors) > 0:
		err = problems.UserErrors
	case err == nil:
		err = json.Unmarshal(p[name], into)
	}

	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}

	return nil
}

type file struct {
	name, contentType string
	content           []byte
}

// form is an operation with a file: github.com/jaydenseric/graphql-multipart-request-spec.
func form(op operation, path string, f file) (contentType string, body []byte, err error) {
	operations, err := json.Marshal(op)
	if err != nil {
		return "", nil, err
	}

	paths, err := json.Marshal(map[string][]string{"0": {path}})
	if err != nil {
		return "", nil, err
	}

	var out bytes.Buffer
	w := multipart.NewWriter(&out)

	for _, part := range []struct {
		header  textproto.MIMEHeader
		content []byte
	}{
		{textproto.MIMEHeader{"Content-Disposition": {`form-data; name="operations"`}}, operations},
		{textproto.MIMEHeader{"Content-Disposition": {`form-data; name="map"`}}, paths},
		{textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="0"; filename=%q`, f.name)},
			"Content-Type": {f.contentType}}, f.content},
	} {
		p, err := w.CreatePart(part.header)
		if err == nil {
			_, err = p.Write(part.content)
		}
		if err != nil {
			return "", nil, err
		}
	}

	err = w.Close()

	return w.FormDataContentType(), out.Bytes(), err
}

func (c *client) post(ctx context.Context, name, contentType string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}

	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/graphql-response+json, application/json")
	if c.token != "" {
		req.Header.Set("Authorization", c.authorization())
	}

	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}

	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}

	var answer struct {
		Data   json.RawMessage
		Errors graphqlErrors
	}
	if json.Unmarshal(text, &answer) != nil || answer.Data == nil && answer.Errors == nil {
		return fmt.Errorf("%s: HTTP %d without GraphQL: %.*q", name, resp.StatusCode, maxShown, text)
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("%s: %w", name, answer.Errors)
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}

	return nil
}

func (c *client) authorization() string { return "Bearer " + c.token }

// userErrors are what is wrong with an input.
type userErrors []userError

type userError struct {
	Field         []string
	Code, Message string
}

func (errs userErrors) Error() string {
	lines := make([]string, len(errs))
	for i, e := range errs {
		lines[i] = fmt.Sprintf("%s (%s)", e.Message, e.Code)
		if len(e.Field) > 0 {
			lines[i] = strings.Join(e.Field, ".") + ": " + lines[i]
		}
	}

	return strings.Join(lines, "; ")
}

// graphqlErrors are what else can go wrong.
type graphqlErrors []graphqlError

type graphqlError struct {
	Message    string
	Extensions struct{ Code, RequestID string }
}

func (errs graphqlErrors) Error() string {
	lines := make([]string, len(errs))
	for i, e := range errs {
		lines[i] = e.Message
		switch {
		case e.Extensions.RequestID != "":
			lines[i] += fmt.Sprintf(" (%s, request %s)", e.Extensions.Code, e.Extensions.RequestID)
		case e.Extensions.Code != "":
			lines[i] += " (" + e.Extensions.Code + ")"
		}
	}

	return strings.Join(lines, "; ")
}

// has tells whether one of them has the code.
func (errs graphqlErrors) has(code string) bool {
	for _, e := range errs {
		if e.Extensions.Code == code {
			return true
		}
	}

	return false
}
