package whatsapp

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanTakesOutWhatPostgreSQLRefuses(t *testing.T) {
	t.Parallel()
	for have, want := range map[string]string{
		`{"a":"b"}`:                  `{"a":"b"}`,
		"\uFEFF\uFEFF" + `{"a":"b"}`: `{"a":"b"}`,
		`"a\u0000b"`:                 `"ab"`,
		`"a\\u0000b"`:                `"a\\u0000b"`,
		`"a\\\u0000b"`:               `"a\\b"`,
		`"\ud83d\ude00"`:             `"\ud83d\ude00"`,
		`"\uD83D\uDE00\u0000"`:       `"\uD83D\uDE00"`,
		`"a\ud83d"`:                  `"a\ufffd"`,
		`"a\ud83d\n"`:                `"a\ufffd\n"`,
		`"\ude00\ud83d"`:             `"\ufffd\ufffd"`,
		`"\ud83d\ud83d\ude00"`:       `"\ufffd\ud83d\ude00"`,
		`"\ud83d\u0000\ude00"`:       `"\ufffd\ufffd"`,
		`"\\ud83d"`:                  `"\\ud83d"`,
		`"\u00e9 \u0001"`:            `"\u00e9 \u0001"`,
		"\"a\xff\xfe\"":              "\"a\uFFFD\"",
		`"\u0000`:                    `"`,
		`"\ud83d`:                    `"\ufffd`,
		`"\ud83`:                     `"\ud83`,
		`"\`:                         `"\`,
	} {
		if got := string(clean([]byte(have))); got != want {
			t.Errorf("%s became %s, want %s", have, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add([]byte(`{"a":"\ud83d\ude00\u0000\ud83d"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := clean(body)
		var text string
		if !utf8.Valid(got) || json.Unmarshal(got, &text) == nil && strings.ContainsRune(text, 0) {
			t.Errorf("%q became %q", body, got)
		}
		if again := clean(got); string(again) != string(got) {
			t.Errorf("%q became %q, and then %q", body, got, again)
		}
		if json.Valid(body) && !json.Valid(got) {
			t.Errorf("%q is JSON, and %q is not", body, got)
		}
	})
}

func TestOnlyWhatAJSONColumnTakesIsStoredAsItCame(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raw  string
		want bool
	}{
		"an ordinary message":                     {`{"a":[1,-2.5e3,"1e999999"],"b":null}`, true},
		"digits in a text":                        {`{"a":"` + strings.Repeat("9", 400) + `"}`, true},
		"brackets in a text":                      {`{"a":"\"` + strings.Repeat("[", 200) + `"}`, true},
		"as deep as is taken":                     {strings.Repeat("[", 100) + strings.Repeat("]", 100), true},
		"not one that is deeper":                  {strings.Repeat("[", 101) + strings.Repeat("]", 101), false},
		"not one with a number that is too large": {`[1e301]`, false},
		"not one with a very large exponent":      {`[1e99999999999999999999]`, false},
		"not one with a very small number":        {`[1E-0400]`, false},
		"not one with too many digits":            {`[` + strings.Repeat("9", 301) + `]`, false},
		"not one that is too long":                {`"` + strings.Repeat("a", maxRaw) + `"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := storable([]byte(tc.raw)) != nil; got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
