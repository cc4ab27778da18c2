package transport_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// A value means the same as a literal and as a variable: each row is an input in GraphQL, the same
// in JSON, and whether it is good.
func TestLiteralsAndVariablesMeanTheSame(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for literal, tc := range map[string]struct {
		json string
		good bool
	}{
		`{text: "a"}`:                             {`{"text":"a"}`, true},
		`{text: ""}`:                              {`{"text":""}`, true},
		`{text: null}`:                            {`{"text":null}`, true},
		`{text: 5}`:                               {`{"text":5}`, false},
		`{text: true}`:                            {`{"text":true}`, false},
		`{text: "\u0000"}`:                        {`{"text":"\u0000"}`, false},
		`{text: "a\u0000b"}`:                      {`{"text":"a\u0000b"}`, false},
		`{text: "\ud800"}`:                        {`{"text":"\ud800"}`, false},
		`{text: "\uDC00\uD800"}`:                  {`{"text":"\uDC00\uD800"}`, false},
		`{text: "x\ud83dx"}`:                      {`{"text":"x\ud83dx"}`, false},
		`{text: "\ud83d\ude00"}`:                  {`{"text":"\ud83d\ude00"}`, true},
		`{text: "\\ud800"}`:                       {`{"text":"\\ud800"}`, true},
		`{text: "\ufffd"}`:                        {`{"text":"\ufffd"}`, true},
		`{text: "�\\ud800"}`:                      {`{"text":"�\\ud800"}`, true},
		`{id: "a"}`:                               {`{"id":"a"}`, true},
		`{id: 5}`:                                 {`{"id":5}`, true},
		`{id: 5.5}`:                               {`{"id":5.5}`, false},
		`{id: true}`:                              {`{"id":true}`, false},
		`{id: "\u0000"}`:                          {`{"id":"\u0000"}`, false},
		`{int: 2147483647}`:                       {`{"int":2147483647}`, true},
		`{int: -2147483648}`:                      {`{"int":-2147483648}`, true},
		`{int: 2147483648}`:                       {`{"int":2147483648}`, false},
		`{int: -2147483649}`:                      {`{"int":-2147483649}`, false},
		`{int: 99999999999999999999}`:             {`{"int":99999999999999999999}`, false},
		`{int: 1.5}`:                              {`{"int":1.5}`, false},
		`{int: "5"}`:                              {`{"int":"5"}`, false},
		`{float: 1}`:                              {`{"float":1}`, true},
		`{float: 1.5e3}`:                          {`{"float":1.5e3}`, true},
		`{float: 1e999}`:                          {`{"float":1e999}`, false},
		`{float: "1.5"}`:                          {`{"float":"1.5"}`, false},
		`{flag: true}`:                            {`{"flag":true}`, true},
		`{flag: "true"}`:                          {`{"flag":"true"}`, false},
		`{flag: 1}`:                               {`{"flag":1}`, false},
		`{with: CONFLICT}`:                        {`{"with":"CONFLICT"}`, true},
		`{with: conflict}`:                        {`{"with":"conflict"}`, false},
		`{with: 1}`:                               {`{"with":1}`, false},
		`{texts: ["a", "b"]}`:                     {`{"texts":["a","b"]}`, true},
		`{texts: "a"}`:                            {`{"texts":"a"}`, true},
		`{texts: ["a", "\u0000"]}`:                {`{"texts":["a","\u0000"]}`, false},
		`{texts: [null]}`:                         {`{"texts":[null]}`, false},
		`{texts: [1]}`:                            {`{"texts":[1]}`, false},
		`{nosuch: 1}`:                             {`{"nosuch":1}`, false},
		`{pick: {text: "a"}}`:                     {`{"pick":{"text":"a"}}`, true},
		`{pick: null}`:                            {`{"pick":null}`, true},
		`{pick: {}}`:                              {`{"pick":{}}`, false},
		`{pick: {text: null}}`:                    {`{"pick":{"text":null}}`, false},
		`{pick: {text: "a", size: 1}}`:            {`{"pick":{"text":"a","size":1}}`, false},
		`{pick: {text: "a", size: null}}`:         {`{"pick":{"text":"a","size":null}}`, false},
		`{pick: {inner: {pick: {size: 1}}}}`:      {`{"pick":{"inner":{"pick":{"size":1}}}}`, true},
		`{pick: {inner: {pick: {}}}}`:             {`{"pick":{"inner":{"pick":{}}}}`, false},
		`{pick: {inner: {int: 2147483648}}}`:      {`{"pick":{"inner":{"int":2147483648}}}`, false},
		`{pick: {text: "a", __typename: "Pick"}}`: {`{"pick":{"text":"a","__typename":"Pick"}}`, false},
	} {
		t.Run(literal, func(t *testing.T) {
			t.Parallel()
			written := s.query(t, "{echo(input: "+literal+")}")
			given := s.query(t, "query ($i: EchoInput) {echo(input: $i)}", `{"i":`+tc.json+`}`)
			preset := s.query(t, "query ($i: EchoInput = "+literal+") {echo(input: $i)}", `{}`)

			for how, a := range map[string]answer{"literal": written, "variable": given, "default": preset} {
				if good := a.code() == ""; good != tc.good || !good && a.code() != "BAD_USER_INPUT" {
					t.Errorf("%s: %s", how, a.text)
				}
			}

			if tc.good && (string(written.Data) != string(given.Data) || string(written.Data) != string(preset.Data)) {
				t.Errorf("%s, %s and %s", written.Data, given.Data, preset.Data)
			}
		})
	}
}

// A list of one-of inputs, texts in lists, and a one-of input whose member is a variable.
func TestVariablesWithinLiterals(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, tc := range map[string]struct{ document, variables, code string }{
		"a member by a variable that is there": {"query ($t: String!) {echo(input: {pick: {text: $t}})}",
			`{"t":"a"}`, ""},
		"a member by a variable that may be null": {"query ($t: String) {echo(input: {pick: {text: $t}})}", `{"t":"a"}`,
			"BAD_USER_INPUT"},
		"two members, one a variable that is absent": {"query ($t: Int!) {echo(input: {pick: {text: \"a\", size: $t}})}",
			`{"t":1}`, "BAD_USER_INPUT"},
		"a text within a list": {"query ($t: [String!]) {echo(texts: $t)}", `{"t":["a","\u0000"]}`,
			"BAD_USER_INPUT"},
		"a single text for a list": {"query ($t: [String!]) {echo(texts: $t)}", `{"t":"a"}`, ""},
		"a single number for a list of texts": {"query ($t: [String!]) {echo(texts: $t)}", `{"t":5}`,
			"BAD_USER_INPUT"},
		"a literal in a fragment": {"{...f} fragment f on Query {echo(input: {int: 2147483648})}",
			`{}`, "BAD_USER_INPUT"},
		"a literal of a directive": {"query ($a: String) {hello(name: \"\\u0000\") @include(if: false)}",
			`{"a":""}`, "BAD_USER_INPUT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := s.query(t, tc.document, tc.variables); a.code() != tc.code {
				t.Errorf("%q, not %q: %s", a.code(), tc.code, a.text)
			}
		})
	}
}

// The path of an error is a place in the response. Where in a variable or an argument the mistake
// is, the message says, and an extension.
func TestErrorsSayWhereInTheInputTheyAre(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	const variable = "query ($i: EchoInput) {echo(input: $i)}"

	for name, tc := range map[string]struct{ document, variables, extension, where, message, path string }{
		"an unknown field of a variable": {variable, `{"i":{"pick":{"inner":{"nosuch":1}}}}`, "variable",
			`["i","pick","inner","nosuch"]`, "$i.pick.inner.nosuch: ", `null`},
		"a text of a variable": {variable, `{"i":{"texts":["a","\u0000"]}}`, "variable", `["i","texts",1]`,
			"$i.texts.1: ", `null`},
		"half a character of a variable": {variable, `{"i":{"text":"\ud800"}}`, "variable", `["i","text"]`,
			"$i.text: ", `null`},
		"a member of a variable": {variable, `{"i":{"pick":{}}}`, "variable", `["i","pick"]`,
			"$i.pick: Pick takes exactly one", `null`},
		"a variable that is missing": {"query ($s: Int!) {padding(size: $s)}", `{}`, "variable", `["s"]`,
			"$s: ", `null`},
		"a time of a variable": {"query ($t: Time!) {again: since(at: $t)}", `{"t":"noon"}`, "argument",
			`["at"]`, "at: ", `["again"]`},
		"a time in an input of a variable": {"query ($i: EchoInput) {e: echo(input: $i)}", `{"i":{"at":"noon"}}`,
			"argument", `["input","at"]`, "input.at: ", `["e"]`},
		"a text of a literal": {`{echo(input: {pick: {text: "\u0000"}})}`, `{}`, "argument",
			`["input","pick","text"]`, "input.pick.text: ", `null`},
		"a number of a literal": {`{echo(input: {int: 3000000000})}`, `{}`, "argument", `["input","int"]`,
			"input.int: must be a whole number of 32 bits", `null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := s.query(t, tc.document, tc.variables)
			if a.code() != "BAD_USER_INPUT" {
				t.Fatal(a.text)
			}

			where, _ := json.Marshal(a.Errors[0].Extensions[tc.extension])
			path, _ := json.Marshal(a.Errors[0].Path)
			if string(where) != tc.where || string(path) != tc.path || !strings.HasPrefix(a.Errors[0].Message, tc.message) {
				t.Errorf("%s", a.text)
			}
		})
	}
}

// No parts of an answer come later, so nobody may ask for that, by whatever way.
func TestAnswersInPartsAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, document := range map[string]string{
		"@defer": "{node(id: 1) {... on Item {id ... @defer {related {totalCount}}}}}",
		"@defer on a named fragment": "{node(id: 1) {...f @defer(label: \"x\")}} fragment f on Item {id related " +
			"{totalCount}}",
		"@defer that is off":       "{hello ... @defer(if: false) {whoami}}",
		"@defer in a subscription": "subscription {ticks(count: 1) {seq ... @defer {odd}}}",
		"@stream":                  "{items {edges @stream(initialCount: 1) {cursor}}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wanted := fmt.Sprintf(`Unknown directive \"%s\"`, strings.Fields(name)[0])
			for _, accept := range []string{"application/json", urqlAccepts,
				"multipart/mixed;deferSpec=20220824,application/json"} {
				if a := s.send(t, "POST", "/", operation(document), asJSON, alice,
					"Accept: "+accept); a.code() != "BAD_USER_INPUT" || !strings.Contains(a.text, wanted) ||
					strings.Contains(a.text, `"data"`) {
					t.Errorf("%s: %s", accept, a.text)
				}
			}

			if event := s.open(t, document).wants("next"); !strings.Contains(event, wanted) {
				t.Errorf("event stream: %s", event)
			}

			for _, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
				p := s.hello(t, protocol)
				p.send(fmt.Sprintf(`{"id":"1","type":%q,"payload":{"query":%q}}`,
					map[string]string{"graphql-transport-ws": "subscribe", "graphql-ws": "start"}[protocol], document))
				if m := p.wants("error"); !strings.Contains(string(m.Payload), wanted) {
					t.Errorf("%s: %s", protocol, m.Payload)
				}
			}
		})
	}

	if a := s.query(t, "{__schema {directives {name locations}}}"); strings.Contains(a.text, "defer") ||
		strings.Contains(a.text, "DIRECTIVE_DEFINITION") || !strings.Contains(a.text, "oneOf") {
		t.Error(a.text)
	}
}
