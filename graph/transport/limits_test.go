package transport_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"carillon/graph/transport"
	"carillon/graph/transport/transporttest"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	nested := func(levels int) string {
		return "{node(id: 1) {... on Item {" + strings.Repeat("related(first: 1) {edges {node {", levels) + "id" +
			strings.Repeat("}}}", levels) + "}}}"
	}

	for name, tc := range map[string]struct{ document, code string }{
		"let a usual document pass": {"{items(first: 100) {totalCount edges {cursor node {id text related(first: " +
			"10) {edges {node {id}}}}}}}", ""},
		"refuse depth":        {nested(5), "TOO_COMPLEX"},
		"let some depth pass": {nested(4), ""},
		"refuse depth in fragments": {"{node(id: 1) {...a}} fragment a on Item {related(first: 1) {edges {node {...b}}}} " +
			"fragment b on Item {related(first: 1) {edges {node {...c}}}} fragment c on Item {related(first: " +
			"1) {edges {node {...d}}}} fragment d on Item {related(first: 1) {edges {node {...e}}}} fragment e on Item " +
			"{related(first: 1) {edges {node {id}}}}",
			"TOO_COMPLEX"},
		"refuse aliases":                  {"{" + each(31, "a%d: hello ") + "}", "TOO_COMPLEX"},
		"refuse the same field too often": {"{" + strings.Repeat("hello ", 1001) + "}", "TOO_COMPLEX"},
		"refuse directives": {"{" + strings.Repeat("hello @include(if: true) ", 51) + "}",
			"TOO_COMPLEX"},
		"refuse tokens":         {"{" + strings.Repeat("hello ", 5001) + "}", "TOO_COMPLEX"},
		"refuse long documents": {"{hello} #" + strings.Repeat("x", 200_000), "TOO_COMPLEX"},
		"refuse pages of pages": {"{items(first: 100) {edges {node {related(first: 100) {edges {node {related(first: " +
			"100) {totalCount}}}}}}}}",
			"TOO_COMPLEX"},
		"count fragments wherever they are spread": {"{items(first: 100) {edges {node {...a}}}} fragment a on Item " +
			"{related(first: 100) {edges {node {...b}}}} fragment b on Item {related(first: 100) {totalCount}}",
			"TOO_COMPLEX"},
		"refuse complexity": {"{items(first: 100) {edges {node {related(first: 100) {edges {cursor node {id text t: " +
			"text i: id}}}}}}}",
			"TOO_COMPLEX"},
		"refuse a page of none":      {"{items(first: 0) {totalCount}}", "BAD_USER_INPUT"},
		"refuse a page below none":   {"{items(last: -1) {totalCount}}", "BAD_USER_INPUT"},
		"refuse a page of 101":       {"{items(first: 101) {totalCount}}", "BAD_USER_INPUT"},
		"refuse first and last":      {"{items(first: 1, last: 1) {totalCount}}", "BAD_USER_INPUT"},
		"let null be no page size":   {"{items(first: 1, last: null) {totalCount}}", ""},
		"let page sizes be left out": {"{items {totalCount}}", ""},
		"refuse a large page deep inside": {"{node(id: 1) {... on Item {related(first: 101) {totalCount}}}}",
			"BAD_USER_INPUT"},
		"refuse a large page in a fragment": {"{node(id: 1) {...a}} fragment a on Item {related(first: 101) {totalCount}}",
			"BAD_USER_INPUT"},
		"refuse 101 ids": {"{nodes(ids: [" + strings.Repeat("1,", 101) + "]) {id}}",
			"BAD_USER_INPUT"},
		"let 100 ids pass":                          {"{nodes(ids: [" + strings.Repeat("1,", 100) + "]) {id}}", ""},
		"let a default of the schema pass":          {"{events {id}}", ""},
		"have a bound of its own for a field":       {"{events(first: 1000) {id}}", ""},
		"refuse more than the bound of the field":   {"{events(first: 1001) {id}}", "BAD_USER_INPUT"},
		"let the full introspection of tools pass":  {introspectionQuery, ""},
		"let __typename pass":                       {"{__typename}", ""},
		"refuse subscriptions of two fields at all": {"subscription {ticks {seq} slow {seq}}", "BAD_USER_INPUT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := s.query(t, tc.document); a.code() != tc.code {
				t.Errorf("%q, not %q: %.500s", a.code(), tc.code, a.text)
			}
		})
	}
}

func TestLimitsOnVariables(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	const items = "query ($first: Int, $last: Int) {items(first: $first, last: $last) {totalCount}}"

	for name, tc := range map[string]struct{ document, variables, code, field string }{
		"let a size in bounds pass": {items, `{"first":100}`, "", ""},
		"let missing sizes pass":    {items, `{}`, "", ""},
		"let null sizes pass":       {items, `{"first":null,"last":null}`, "", ""},
		"refuse a large first":      {items, `{"first":101}`, "BAD_USER_INPUT", "first"},
		"refuse a large last":       {items, `{"last":101}`, "BAD_USER_INPUT", "last"},
		"refuse both":               {items, `{"first":1,"last":1}`, "BAD_USER_INPUT", "last"},
		"refuse the default of a variable": {"query ($first: Int = 101) {items(first: $first) {totalCount}}", `{}`,
			"BAD_USER_INPUT", "first"},
		"refuse a fraction": {items, `{"first":1.5}`, "BAD_USER_INPUT", ""},
		"refuse a long list": {"query ($ids: [ID!]!) {nodes(ids: $ids) {id}}",
			`{"ids":[` + strings.Repeat("1,", 100) + `1]}`, "BAD_USER_INPUT", "ids"},
		"refuse a list of variables": {"query ($id: ID!) {nodes(ids: [" + strings.Repeat("$id,", 101) + "]) {id}}",
			`{"id":"1"}`, "BAD_USER_INPUT", "ids"},
		"let one id stand for a list": {"query ($ids: [ID!]!) {nodes(ids: $ids) {id}}", `{"ids":"1"}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := s.query(t, tc.document, tc.variables)
			if a.code() != tc.code {
				t.Fatalf("%q, not %q: %.500s", a.code(), tc.code, a.text)
			}
			if tc.field != "" && a.Errors[0].Extensions["field"] != tc.field {
				t.Errorf("%v", a.Errors[0].Extensions)
			}
		})
	}
}

func each(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}

	return b.String()
}

// Each fragment spreads the next one twice: a walk that follows every spread never ends.
func TestLimitsAreCheap(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	var bomb strings.Builder
	bomb.WriteString("{...f0}")
	for i := range 100 {
		fmt.Fprintf(&bomb, " fragment f%d on Query {...f%d ...f%d}", i, i+1, i+1)
	}

	bomb.WriteString(" fragment f100 on Query {hello}")
	start := time.Now()
	if a := s.query(t, bomb.String()); a.code() != "TOO_COMPLEX" {
		t.Errorf("%.300s", a.text)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, tc := range map[string]struct {
		document string
		headers  []string
		code     string
	}{
		"is for those who may":                  {introspectionQuery, []string{asJSON, alice}, ""},
		"is not for strangers":                  {introspectionQuery, []string{asJSON}, "FORBIDDEN"},
		"is not for strangers who ask one type": {"{hello __type(name: \"Item\") {name}}", []string{asJSON}, "FORBIDDEN"},
		"is not for strangers with fragments": {"{...a} fragment a on Query {... on Query {__schema {queryType {name}}}}",
			[]string{asJSON}, "FORBIDDEN"},
		"does not include __typename": {"{__typename}", []string{asJSON}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := s.send(t, "POST", "/", operation(tc.document), tc.headers...); a.code() != tc.code {
				t.Errorf("%q, not %q: %.300s", a.code(), tc.code, a.text)
			}
		})
	}
}

func TestNewPanics(t *testing.T) {
	t.Parallel()
	schema := (&transporttest.Resolvers{}).Schema()
	for name, options := range map[string]transport.Options{
		"without a schema": {},
		"on a paging rule without bound": {Schema: schema,
			Paging: []transport.Paging{{Suffix: "Connection", Sizes: []string{"first"}}}},
		"on a paging rule for no field":   {Schema: schema, Paging: []transport.Paging{{Sizes: []string{"first"}, Max: 1}}},
		"on a paging rule of no argument": {Schema: schema, Paging: []transport.Paging{{Suffix: "Connection", Max: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()

			transport.New(options)
		})
	}
}

// What GraphiQL and the code generators of graphql 16 send.
const introspectionQuery = `query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`

// Merging fields is the dearest part of validation, since it compares each with each.
func BenchmarkValidation(b *testing.B) {
	s := transport.New(transport.Options{Schema: (&transporttest.Resolvers{}).Schema(),
		Logger: slog.New(slog.DiscardHandler)})
	for name, document := range map[string]string{
		"unknown fields":  "{" + strings.Repeat("x ", 990) + "}",
		"same field":      "{" + strings.Repeat("hello ", 990) + "}",
		"too many fields": "{" + strings.Repeat("hello ", 4990) + "}",
		"nested fields":   "{" + strings.Repeat("items {totalCount} ", 490) + "}",
		"nested in depth": "{" + strings.Repeat("node(id: 1) {... on Item {related {edges {node {", 1) +
			strings.Repeat("... on Item {related {edges {node {id}}}} ", 200) + "}}}}}}",
		"fragments in fragments": "{...f0}" + each(300, " fragment f%d on Query {hello ...g}") + " fragment g on Query {" +
			each(300, "...f%d ") + "}",
		"fragments":  "{" + strings.Repeat("...a ", 1600) + "} fragment a on Query {hello}",
		"directives": "{hello " + strings.Repeat("@x ", 2490) + "}",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest("POST", "/", strings.NewReader(operation(document)))
				r.Header.Set("Content-Type", "application/json")
				s.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
