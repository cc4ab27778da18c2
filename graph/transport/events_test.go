package transport_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"carillon/graph/transport"
)

// events is a client of an event stream.
type events struct {
	t      *testing.T
	body   io.ReadCloser
	lines  *bufio.Reader
	cancel context.CancelFunc
}

func (s *served) open(t *testing.T, document string) *events {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/?query="+url.QueryEscape(document), nil)
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer alice")
	resp, err := s.Client().Do(req)
	if err != nil {
		cancel()
		t.Fatal(err)
	}

	t.Cleanup(func() { cancel(); _ = resp.Body.Close() })

	return &events{t, resp.Body, bufio.NewReader(resp.Body), cancel}
}

// wants reads up to the next event of a kind, and returns its data.
func (e *events) wants(kind string) string {
	e.t.Helper()
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			e.t.Fatalf("waiting for %s: %v", kind, err)
		}

		if line == "event: "+kind+"\n" {
			data, _ := e.lines.ReadString('\n')
			return strings.TrimPrefix(data, "data: ")
		}
	}
}

// end reads to the end; nil is the end of a complete answer.
func (e *events) end() error {
	_, err := io.Copy(io.Discard, e.lines)
	return err
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, tc := range map[string]struct{ document, wanted string }{
		"give a query's answer":            {"{hello}", `{"data":{"hello":"hello world"}}`},
		"give what is wrong with it":       {"{nosuch}", `BAD_USER_INPUT`},
		"give what a limit refuses":        {"{items(first: 101) {totalCount}}", `"field":"first"`},
		"give a subscription's refusal":    {"subscription { refused { seq } }", `FORBIDDEN`},
		"give a panic as internal error":   {"subscription { panics { seq } }", `requestId`},
		"give a first event":               {"subscription { ticks(count: 1) { seq } }", `{"data":{"ticks":{"seq":1}}}`},
		"give an error within an event":    {"{hello fail(with: CONFLICT)}", `CONFLICT`},
		"give introspection to who may":    {"{__schema{queryType{name}}}", `"Query"`},
		"give the caller's name to caller": {"{whoami}", `alice`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := s.open(t, tc.document)
			if got := e.wants("next"); !strings.Contains(got, tc.wanted) || strings.Contains(got, "secret") {
				t.Errorf("%s", got)
			}

			e.wants("complete")
			if err := e.end(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEventsOfAClientThatLeaves(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	e := s.open(t, "subscription { ticks(everyMs: 5) { seq } }")
	e.wants("next")
	e.cancel()
	eventually(t, "the stream has ended", func() bool { return s.Connections() == 0 && s.resolvers.Streams.Load() == 0 })
	if ops := s.over(); len(ops) != 1 || ops[0].Transport != "sse" || ops[0].Kind != "subscription" {
		t.Errorf("%+v", ops)
	}
}

func TestEventsOfAClientThatNeverReads(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.Websocket.WriteTimeout = 100 * time.Millisecond })
	s.open(t, "subscription { ticks(everyMs: 0, padding: 1000000) { padding } }")
	eventually(t, "it is dropped", func() bool { return s.Connections() == 0 })
}

func TestEventsOfARevokedSession(t *testing.T) {
	t.Parallel()
	e := serve(t, nil).open(t, "subscription { revoked { seq } }")
	if err := e.end(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the client would not come back: %v", err)
	}
}

// Only servers with a WriteTimeout show whether each write has a deadline of its own.
func TestEventsOutliveTheWriteTimeoutOfTheServer(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	hasty := httptest.NewUnstartedServer(s.Handler)
	hasty.Config.WriteTimeout = 50 * time.Millisecond
	hasty.Start()
	defer hasty.Close()
	s.URL = hasty.URL
	e := s.open(t, "subscription { ticks(everyMs: 100, count: 3) { seq } }")
	e.wants("complete")
}
