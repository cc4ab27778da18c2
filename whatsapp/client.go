package whatsapp

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultTimeout = 30 * time.Second

	// maxAnswer bounds what is read of a response. A page of 100 large templates stays far below it.
	maxAnswer = 1 << 20

	// connections kept per host. At 10,000 messages a second and 200 ms an answer there are 2,000 in
	// flight; fewer kept connections than that would be closed and dialed again all the time.
	connections = 4096

	// idle is how long an unused connection is kept: shorter than servers keep theirs, or a message
	// is written to a connection that is just being closed, and its answer is lost.
	idle = 50 * time.Second
)

// Client calls the Graph API of one host. It is safe for use by many goroutines.
type Client struct {
	base      url.URL // with the version as its path
	http      *http.Client
	appSecret string
	timeout   time.Duration
	proven    atomic.Pointer[proven]
}

// proven is the appsecret_proof that was made last: one token sends many messages.
type proven struct {
	token Token
	proof string
}

// Option changes a Client.
type Option func(*Client)

// WithTimeout bounds each call; it is 30 seconds by default.
func WithTimeout(d time.Duration) Option { return func(c *Client) { c.timeout = d } }

// WithAppSecret adds an appsecret_proof to each call, for apps that require it.
func WithAppSecret(secret string) Option { return func(c *Client) { c.appSecret = secret } }

// WithHTTPClient replaces the HTTP client and its transport. Redirects are never followed: a
// repeated POST would be a repeated message.
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) {
		own := *h
		c.http = &own
	}
}

// NewClient returns a client for the API at baseURL (https://graph.facebook.com, or a sandbox's
// address) in a version like v26.0. A baseURL that cannot be parsed makes every call fail.
func NewClient(baseURL, version string, options ...Option) *Client {
	c := &Client{timeout: defaultTimeout}
	if base, err := url.Parse(strings.TrimRight(baseURL, "/")); err == nil {
		c.base = *base
	}
	if version != "" {
		c.base.Path += "/" + strings.Trim(version, "/")
	}

	for _, option := range options {
		option(c)
	}

	if c.http == nil {
		c.http = &http.Client{Transport: newTransport()}
	}

	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	return c
}

// WithSocket has calls go to a Unix socket instead of the host in the URL, unless its path is
// empty.
func WithSocket(path string) Option {
	return func(c *Client) {
		if path == "" {
			return
		}

		transport := newTransport()
		transport.Proxy = nil
		transport.DialContext = whole(func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "unix", path)
		})
		c.http = &http.Client{Transport: transport}
	}
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            whole((&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext),
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    connections,
		IdleConnTimeout:        idle,
		MaxResponseHeaderBytes: 64 << 10,
		// Answers are a few hundred bytes: not worth a decompressor each.
		DisableCompression: true,
	}
}

var (
	contentTypeJSON = []string{"application/json"}
	userAgent       = []string{"Carillon"}
)

// request builds a request to the node at path. The token goes into the header, never into the URL,
// which would end up in errors and logs.
func (c *Client) request(ctx context.Context, method string, token Token, path []string,
	query url.Values) *http.Request {
	target := c.base
	for _, segment := range path {
		target.Path += "/" + segment
	}

	if token != "" && c.appSecret != "" {
		if query == nil {
			query = make(url.Values, 1)
		}

		query.Set("appsecret_proof", c.proof(token))
	}

	if len(query) > 0 {
		target.RawQuery = query.Encode()
	}

	header := make(http.Header, 4)
	if token != "" {
		header["Authorization"] = []string{"Bearer " + token.Reveal()}
	}

	header["User-Agent"] = userAgent
	request := &http.Request{
		Method: method, URL: &target, Host: target.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}

	return request.WithContext(ctx)
}

// checkPath refuses an id that would lead to another node: ids come from people who bind accounts.
func checkPath(path []string) error {
	for _, segment := range path {
		if segment == "" || strings.ContainsFunc(segment, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-'
		}) {
			return fmt.Errorf("%q is no id", segment)
		}
	}

	return nil
}

func (c *Client) proof(token Token) string {
	if last := c.proven.Load(); last != nil && last.token == token {
		return last.proof
	}

	mac := hmac.New(sha256.New, []byte(c.appSecret))
	mac.Write([]byte(token.Reveal()))
	made := &proven{token, hex.EncodeToString(mac.Sum(nil))}
	c.proven.Store(made)

	return made.proof
}

// call makes one management call and decodes its answer into out, which may be nil.
func (c *Client) call(ctx context.Context, method string, token Token, path []string, query url.Values, in,
	out any) error {
	if err := checkPath(path); err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request := c.request(ctx, method, token, path, query)

	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode %s: %w", strings.Join(path, "/"), err)
		}

		request.Header["Content-Type"] = contentTypeJSON
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}

	return c.do(request, strings.Join(path, "/"), out, token.Reveal(), query.Get("input_token"),
		query.Get("client_secret"), query.Get("code"))
}

// do sends a request to a node and decodes its answer into out, which may be nil. Secrets are taken
// out of what Meta says.
func (c *Client) do(request *http.Request, node string, out any, secrets ...string) error {
	allowance := allowanceOf(request.Context())
	if err := allowance.check(); err != nil {
		return fmt.Errorf("%s %s: %w", request.Method, node, err)
	}

	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", request.Method, node, plain(err))
	}

	defer func() { _ = response.Body.Close() }()

	answer := buffers.Get().(*readBuffer)
	defer buffers.Put(answer)
	whole := answer.fill(response.Body)
	failure := envelopeError(response, answer.Bytes())
	allowance.note(response.Header, failure)
	if failure != nil {
		failure.redact(secrets...)
		return failure
	}

	if response.StatusCode < 200 || response.StatusCode >= 300 || !whole {
		return gatewayError(response)
	}
	if out != nil && !decode(answer.Bytes(), out) {
		return gatewayError(response)
	}

	return nil
}

// plain strips the URL from an error of net/http: a query may hold what must not be logged.
func plain(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}

	return err
}

// readBuffer holds a response's body. Buffers are shared, so nothing may keep a slice of one.
type readBuffer struct {
	bytes.Buffer
	limited io.LimitedReader
}

var buffers = sync.Pool{New: func() any { return new(readBuffer) }}

// fill reads a body up to maxAnswer, and tells whether that was all of it.
func (b *readBuffer) fill(body io.Reader) (whole bool) {
	b.Reset()
	b.limited = io.LimitedReader{R: body, N: maxAnswer + 1}
	n, err := b.ReadFrom(&b.limited)
	b.limited.R = nil

	return err == nil && n <= maxAnswer
}
