package transport_test

import (
	"net/http"
	"strings"
	"testing"
)

const (
	urqlAccepts = "application/graphql-response+json, application/graphql+json, application/json, " +
		"text/event-stream, multipart/mixed"
	apolloAccepts = "application/graphql-response+json,application/json;q=0.9"
)

// Each header gets one answer to a query (and to a mutation), and one to a subscription: JSON of
// either kind, a stream, 400 or 406.
func TestAccept(t *testing.T) {
	t.Parallel()
	const older, newer, stream, refused, none = "application/json", "application/graphql-response+json",
		"text/event-stream", "400", "406"
	s := serve(t, nil)

	for accept, want := range map[string]struct{ query, subscription string }{
		"-":                                 {older, refused}, // no header at all
		"":                                  {older, refused},
		"*/*":                               {older, refused},
		"*":                                 {older, refused},
		"application/*":                     {older, refused},
		"application/json":                  {older, refused},
		"APPLICATION/JSON":                  {older, refused},
		"application/json;q=0.1":            {older, refused},
		"application/json; charset=utf-8":   {older, refused},
		`application/json; charset="UTF-8"`: {older, refused},
		"application/json; charset=latin1":  {older, refused}, // nothing that can be read
		"application/json; charset=latin1, text/event-stream":              {stream, stream},
		"application/json;odata=verbose":                                   {older, refused},
		"application/graphql-response+json":                                {newer, refused},
		"application/graphql-response+json, application/json":              {newer, refused},
		"application/json, application/graphql-response+json":              {older, refused},
		"application/json;q=0.9, application/graphql-response+json":        {newer, refused},
		"application/graphql-response+json;q=0.5, application/json":        {older, refused},
		"application/graphql-response+json;q=0, application/json":          {older, refused},
		"application/graphql-response+json;q=0.000, application/json;q=1":  {older, refused},
		"application/graphql-response+json;q=0":                            {none, none},
		"application/graphql-response+json;q=0, */*":                       {older, refused},
		"*/*, application/graphql-response+json":                           {newer, refused},
		"*/*;q=0.1, application/graphql-response+json;q=0.2":               {newer, refused},
		"*/*, application/graphql-response+json;q=0.9":                     {older, refused},
		"application/json;q=0, application/*":                              {newer, refused},
		"application/json;q=0, application/graphql-response+json;q=0, */*": {stream, stream},
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8":  {older, refused},
		"text/html, image/gif, *; q=.2, */*; q=.2":                         {older, refused},
		"text/event-stream":                         {stream, stream},
		"text/event-stream;q=0.1":                   {stream, stream},
		"text/event-stream; charset=utf-8":          {stream, stream},
		"text/*":                                    {stream, stream},
		"text/event-stream;q=0":                     {none, none},
		"text/event-stream;q=0, application/json":   {older, refused},
		"text/event-stream;q=0, text/*":             {none, none},
		"text/event-stream;q=0, */*":                {older, refused},
		"text/event-stream, application/json":       {older, stream},
		"application/json, text/event-stream":       {older, stream},
		"application/json;q=0.1, text/event-stream": {older, stream},
		"application/json, text/event-stream;q=0.1": {older, stream},
		"application/json;q=0, text/event-stream":   {stream, stream},
		"text/event-stream, */*":                    {older, stream},
		"text/event-stream, application/*":          {older, stream},
		"text/*, application/graphql-response+json": {newer, stream},
		urqlAccepts:   {newer, stream},
		apolloAccepts: {newer, refused},
		"multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9": {newer,
			refused},
		"multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json": {newer,
			refused},
		`multipart/mixed;boundary="a,b", application/json`: {older,
			refused},
		"multipart/mixed":                         {none, none},
		"multipart/mixed, */*;q=0":                {none, none},
		"application/xml":                         {none, none},
		"text/html":                               {none, none},
		"application/graphql+json":                {none, none},
		"*/*;q=0":                                 {none, none},
		"application/json;q=x":                    {older, refused}, // nothing that can be read
		"application/json;q=2, text/event-stream": {stream, stream},
		"application/json;q=NaN, text/html":       {none, none},
		", ,application/json,,":                   {older, refused},
		"json":                                    {older, refused},
		"*/json":                                  {older, refused},
		"application/json;;;, text/event-stream":  {stream, stream},
	} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			for document, want := range map[string]string{
				"{hello}": want.query, "mutation {addItem(input: {text: \"x\"}) {id}}": want.query,
				"subscription {ticks(count: 1) {seq}}": want.subscription,
			} {
				if got := answerTo(t, s, document, accept); got != want {
					t.Errorf("%s: %s, not %s", document, got, want)
				}
			}
		})
	}
}

// answerTo is the type of an answer, or else its status.
func answerTo(t *testing.T, s *served, document, accept string) string {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader(operation(document)))
	req.Header.Set("Content-Type", "application/json")
	if accept != "-" {
		req.Header.Set("Accept", accept)
	}

	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}

	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.Status[:3]
	}

	media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")

	return media
}

func TestAcceptOfSeveralHeaderLines(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/?query={hello}", nil)
	req.Header["Accept"] = []string{"text/html", "application/graphql-response+json"}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}

	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "application/graphql-response+json; charset=utf-8" {
		t.Error(got)
	}
}

func TestWhatNobodyAcceptsSaysWhatIsOffered(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	a := s.send(t, "POST", "/", mutates, asJSON, "Accept: image/png")
	if a.status != 406 || a.code() != "BAD_USER_INPUT" || !strings.Contains(a.text, "text/event-stream") ||
		a.header.Get("Content-Type") != "application/json; charset=utf-8" || a.header.Get("Vary") == "" {
		t.Errorf("%d %s %v", a.status, a.text, a.header)
	}

	if len(s.over()) != 0 {
		t.Error("it was run all the same")
	}
}

// What is wrong with a document is told in JSON to whoever takes that, and as an event to others.
func TestAcceptOfADocumentThatIsWrong(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for accept, want := range map[string]string{urqlAccepts: "400",
		"application/json, text/event-stream": "application/json", "text/event-stream": "text/event-stream"} {
		for _, document := range []string{"{", "{nosuch}", "subscription {nosuch}"} {
			if got := answerTo(t, s, document, accept); got != want {
				t.Errorf("%s, %s: %s, not %s", accept, document, got, want)
			}
		}
	}
}

func TestQueriesThatAreAnsweredInJSONAreNoConnections(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for range 20 {
		if got := answerTo(t, s, "{hello}", urqlAccepts); got != "application/graphql-response+json" {
			t.Fatal(got)
		}
	}

	for _, op := range s.over() {
		if op.Transport != "http" {
			t.Errorf("%+v", op)
		}
	}
}
