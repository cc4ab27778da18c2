package transport_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime/multipart"
	"os"
	"strings"
	"testing"

	"carillon/graph/transport"
)

func sha256Hex(text string) string {
	hash := sha256.Sum256([]byte(text))
	return hex.EncodeToString(hash[:])
}

func newPipe() (*io.PipeReader, *io.PipeWriter) { return io.Pipe() }

const (
	uploadOne  = `{"query":"mutation ($file: Upload!) {upload(file: $file) {name size contentType sha256}}","variables":{"file":null}}`
	uploadMany = `{"query":"mutation ($files: [Upload!]!) {uploads(files: $files) {name size sha256}}","variables":{"files":[null,null]}}`
)

// form is fields in order: name, content, and "@name" for a file.
func form(t *testing.T, fields ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)

	for i := 0; i < len(fields); i += 2 {
		var err error
		var part io.Writer
		if name, isFile := strings.CutPrefix(fields[i], "@"); isFile {
			part, err = w.CreateFormFile(name, name+".csv")
		} else {
			part, err = w.CreateFormField(fields[i])
		}

		if err == nil {
			_, err = io.WriteString(part, fields[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	_ = w.Close()

	return b.String(), "Content-Type: " + w.FormDataContentType()
}

func TestUpload(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.MaxUpload, o.MaxBody = 1<<20, 10_000 })
	big := strings.Repeat("0123456789abcdef", 10_000) // goes to a file

	for name, tc := range map[string]struct {
		fields  []string
		status  int
		code    string
		answers string
	}{
		"takes a file": {[]string{"operations", uploadOne, "map", `{"f":["variables.file"]}`,
			"@f", "a,b"}, 200, "", sha256Hex("a,b")},
		"takes an empty file": {[]string{"operations", uploadOne, "map", `{"f":["variables.file"]}`,
			"@f", ""}, 200, "", `"size":0`},
		"takes a large file": {[]string{"operations", uploadOne, "map", `{"f":["variables.file"]}`,
			"@f", big}, 200, "", sha256Hex(big)},
		"takes a list of files": {[]string{"operations", uploadMany, "map",
			`{"a":["variables.files.0"],"b":["variables.files.1"]}`, "@a", "x", "@b", big}, 200, "", sha256Hex(big)},
		"takes one file for two places": {[]string{"operations", uploadMany, "map",
			`{"a":["variables.files.0","variables.files.1"]}`, "@a", big}, 200, "", sha256Hex(big)},
		"takes a file inside an input": {[]string{"operations",
			`{"query":"mutation ($i: AddItemInput!) {addItem(input: $i) {text}}","variables":{"i":{"text":"t","attachment":null}}}`,
			"map", `{"f":["variables.i.attachment"]}`, "@f", "x"}, 200, "", "t with f.csv"},
		"takes a form without files": {[]string{"operations", `{"query":"{hello}"}`, "map", `{}`}, 200,
			"", "hello world"},
		"refuses more than the limit": {[]string{"operations", uploadOne, "map", `{"f":["variables.file"]}`,
			"@f", strings.Repeat("x", 2<<20)}, 413, "BAD_USER_INPUT", ""},
		"refuses long operations": {[]string{"operations", `{"query":"{hello}` + strings.Repeat(" ", 11_000) +
			`"}`, "map", `{}`}, 413, "BAD_USER_INPUT", ""},
		"refuses broken operations": {[]string{"operations", `{"query":"s3cret`, "map", `{}`}, 400,
			"BAD_USER_INPUT", ""},
		"refuses a batch": {[]string{"operations", `[` + uploadOne + `]`, "map", `{}`}, 400,
			"BAD_USER_INPUT", ""},
		"refuses a broken map": {[]string{"operations", uploadOne, "map", `{"f":"variables.file"}`,
			"@f", "x"}, 400, "BAD_USER_INPUT", ""},
		"refuses a form without map":        {[]string{"operations", uploadOne, "@f", "x"}, 400, "BAD_USER_INPUT", ""},
		"refuses a form without operations": {[]string{"map", `{}`}, 400, "BAD_USER_INPUT", ""},
		"refuses a form of nothing":         {nil, 400, "BAD_USER_INPUT", ""},
		"refuses a file that is missing": {[]string{"operations", uploadOne, "map", `{"f":["variables.file"]}`},
			400, "BAD_USER_INPUT", ""},
		"refuses a file that is not named": {[]string{"operations", uploadOne, "map", `{"f":["variables.file"]}`,
			"@f", "x", "@g", "x"}, 400, "BAD_USER_INPUT", ""},
		"refuses the same file twice": {[]string{"operations", uploadOne, "map", `{"f":["variables.file"]}`,
			"@f", "x", "@f", "x"}, 400, "BAD_USER_INPUT", ""},
		"refuses a path beside variables": {[]string{"operations", uploadOne, "map", `{"f":["query"]}`, "@f", "x"},
			400, "BAD_USER_INPUT", ""},
		"refuses a path to nowhere": {[]string{"operations", uploadOne, "map", `{"f":["variables.nosuch"]}`,
			"@f", "x"}, 400, "BAD_USER_INPUT", ""},
		"refuses a path through a value": {[]string{"operations", uploadOne, "map", `{"f":["variables.file.x"]}`,
			"@f", "x"}, 400, "BAD_USER_INPUT", ""},
		"refuses a path beyond a list": {[]string{"operations", uploadMany, "map", `{"f":["variables.files.9"]}`,
			"@f", "x"}, 400, "BAD_USER_INPUT", ""},
		"refuses a path before a list": {[]string{"operations", uploadMany, "map", `{"f":["variables.files.-1"]}`,
			"@f", "x"}, 400, "BAD_USER_INPUT", ""},
		"refuses a path into the files": {[]string{"operations", uploadMany, "map", `{"f":["variables.files"]}`,
			"@f", "x"}, 400, "BAD_USER_INPUT", ""},
		"refuses a file where a text belongs": {[]string{"operations",
			`{"query":"query ($n: String) {hello(name: $n)}","variables":{"n":null}}`, "map", `{"f":["variables.n"]}`,
			"@f", "x"}, 200, "BAD_USER_INPUT", ""},
		"refuses a place that is taken": {[]string{"operations",
			`{"query":"mutation ($file: Upload!) {upload(file: $file) {name}}","variables":{"file":"s3cret"}}`, "map",
			`{"f":["variables.file"]}`, "@f", "x"}, 400, "BAD_USER_INPUT", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, contentType := form(t, tc.fields...)
			a := s.send(t, "POST", "/", body, contentType, alice)
			if a.status != tc.status || a.code() != tc.code || !strings.Contains(a.text, tc.answers) ||
				strings.Contains(a.text, "s3cret") {
				t.Errorf("%d %s", a.status, a.text)
			}
		})
	}
}

func TestUploadOfStrangers(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	body, contentType := form(t, "operations", uploadOne, "map", `{"f":["variables.file"]}`, "@f", "x")

	for name, tc := range map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"is refused, since any page could send it": {body, []string{contentType}, 401},
		"is refused with a bad token":              {body, []string{contentType, "Authorization: Bearer expired"}, 401},
		"is refused when it is no form":            {"x", []string{"Content-Type: multipart/form-data", alice}, 400},
		"is refused when it is cut off":            {body[:len(body)-20], []string{contentType, alice}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a := s.send(t, "POST", "/", tc.body, tc.headers...); a.status != tc.status || a.code() == "" {
				t.Errorf("%d %s", a.status, a.text)
			}
		})
	}
}

func TestUploadLeavesNoFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := serve(t, nil)
	body, contentType := form(t, "operations", uploadOne, "map", `{"f":["variables.file"]}`, "@f",
		strings.Repeat("x", 1<<20))
	s.send(t, "POST", "/", body, contentType, alice)
	s.send(t, "POST", "/", body[:len(body)-20], contentType, alice)
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("%v %v", left, err)
	}
}
