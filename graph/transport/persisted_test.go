package transport_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"carillon/graph/transport"
)

func persisted(query, hash string) string {
	return fmt.Sprintf(`{"query":%q,"extensions":{"persistedQuery":{"version":1,"sha256Hash":%q}}}`, query, hash)
}

func TestPersistedQueries(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	hash := sha256Hex("{hello}")
	byHash := "/?extensions=" + url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"`+hash+`"}}`)

	for _, accept := range []string{"Accept: application/json", modern} {
		for _, unknown := range []answer{s.send(t, "POST", "/", persisted("", sha256Hex("nobody sent it")), asJSON, accept),
			s.send(t, "GET", byHash, "", accept)} {
			if unknown.status != 200 || unknown.code() != "PERSISTED_QUERY_NOT_FOUND" ||
				unknown.Errors[0].Message != "PersistedQueryNotFound" || strings.Contains(unknown.text, `"data"`) {
				t.Errorf("%s: %d %s", accept, unknown.status, unknown.text)
			}
		}
	}

	for _, query := range []string{"{hello}", ""} {
		if a := s.send(t, "POST", "/", persisted(query, hash), asJSON); !strings.Contains(a.text, "hello world") {
			t.Errorf("%q: %s", query, a.text)
		}
	}

	if a := s.send(t, "GET", byHash, ""); !strings.Contains(a.text, "hello world") {
		t.Errorf("by GET: %s", a.text)
	}

	p := s.connect(t)
	p.send(`{"id":"a","type":"subscribe","payload":{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` +
		hash + `"}}}}`)
	p.wants("next")
	p.send(`{"id":"b","type":"subscribe","payload":{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` +
		sha256Hex("other") + `"}}}}`)
	if m := p.wants("error"); !strings.Contains(string(m.Payload), "PersistedQueryNotFound") {
		t.Errorf("by socket: %s", m.Payload)
	}
}

func TestPersistedQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, extension := range map[string]string{
		"no object":        `"s3cret"`,
		"a list":           `[]`,
		"another version":  `{"version":2,"sha256Hash":"` + sha256Hex("{hello}") + `"}`,
		"no hash":          `{"version":1}`,
		"a short hash":     `{"version":1,"sha256Hash":"ab"}`,
		"another's hash":   `{"version":1,"sha256Hash":"` + sha256Hex("{whoami}") + `"}`,
		"a hash in a list": `{"version":1,"sha256Hash":["` + sha256Hex("{hello}") + `"]}`,
	} {
		a := s.send(t, "POST", "/", `{"query":"{hello}","extensions":{"persistedQuery":`+extension+`}}`, asJSON, modern)
		if a.status != 400 || a.code() != "BAD_USER_INPUT" || strings.Contains(a.text, "s3cret") {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}

	// What a limit refuses is not remembered.
	for _, document := range []string{"{items(first: 101) {totalCount}}", "{nosuch}", "{",
		"{" + each(31, "a%d: hello ") + "}"} {
		s.send(t, "POST", "/", persisted(document, sha256Hex(document)), asJSON)
		if a := s.send(t, "POST", "/", persisted("", sha256Hex(document)), asJSON); a.code() != "PERSISTED_QUERY_NOT_FOUND" {
			t.Errorf("%.40s: %s", document, a.text)
		}
	}
}

func TestPersistedQueriesThatAreOff(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.PersistedQueries = -1 })
	a := s.send(t, "POST", "/", persisted("", sha256Hex("{hello}")), asJSON, modern)
	if a.status != 200 || a.code() != "PERSISTED_QUERY_NOT_SUPPORTED" ||
		a.Errors[0].Message != "PersistedQueryNotSupported" {
		t.Errorf("%d %s", a.status, a.text)
	}

	if a := s.send(t, "POST", "/", persisted("{hello}", sha256Hex("{hello}")), asJSON); !strings.Contains(a.text,
		"hello world") {
		t.Errorf("with the query: %s", a.text)
	}
}
