package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"carillon/graph/transport"
	"carillon/graph/transport/transporttest"
)

// slowForm begins a form and sends of it what write writes, then nothing until end.
func (s *served) slowForm(t *testing.T, write func(*multipart.Writer)) (answered <-chan answer, end func()) {
	t.Helper()
	body, w := io.Pipe()
	form := multipart.NewWriter(w)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bearer alice")
	answers := make(chan answer, 1)

	go func() {
		resp, err := s.Client().Do(req)
		if err != nil {
			answers <- answer{}
			return
		}

		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		answers <- answer{status: resp.StatusCode, text: string(text)}
	}()

	write(form)

	return answers, func() { _ = w.CloseWithError(errors.New("gone")) }
}

func fields(form *multipart.Writer, operations, files string) {
	_ = form.WriteField("operations", operations)
	_ = form.WriteField("map", files)
}

// descriptors is how many files this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}

	return len(open)
}

// A map of 900 files opens none: the operation wants none, and nobody needs so many.
func TestFilesThatNobodyWantsAreNotTaken(t *testing.T) {
	s := serve(t, nil)
	var places, nulls []string
	for i := range 900 {
		places, nulls = append(places, fmt.Sprintf(`"%d":["variables.f.%d"]`, i, i)), append(nulls, "null")
	}

	many := "{" + strings.Join(places, ",") + "}"
	large := strings.Repeat("x", 65_600)

	for name, tc := range map[string]struct{ operations, files, says string }{
		"an unused variable": {`{"query":"query ($f: [Upload]) {__typename}","variables":{"f":[null]}}`,
			`{"0":["variables.f.0"]}`, "never used"},
		"a variable of a text": {`{"query":"query ($f: [String!]) {echo(texts: $f)}","variables":{"f":[null]}}`,
			`{"0":["variables.f.0"]}`, "BAD_USER_INPUT"},
		"a place of a time": {`{"query":"query ($f: EchoInput) {echo(input: $f)}","variables":{"f":{"at":null}}}`,
			`{"0":["variables.f.at"]}`, "takes no Upload"},
		"900 files": {`{"query":"mutation ($f: [Upload!]!) {uploads(files: $f) {name}}","variables":{"f":[` +
			strings.Join(nulls, ",") + `]}}`, many, "more than 4 files"},
		"a document that is bad": {`{"query":"mutation ($f: Upload!) {nosuch(file: $f)}","variables":{"f":null}}`,
			`{"0":["variables.f"]}`, "BAD_USER_INPUT"},
	} {
		t.Run(name, func(t *testing.T) {
			before := descriptors(t)
			answered, end := s.slowForm(t, func(form *multipart.Writer) {
				fields(form, tc.operations, tc.files)
				go func() { // it may be refused before all is written
					for i := range 900 {
						part, err := form.CreateFormFile(fmt.Sprint(i), "f")
						if err != nil {
							return
						}
						if _, err := io.WriteString(part, large); err != nil {
							return
						}
					}
				}()
			})

			defer end()
			select {
			case a := <-answered:
				if !strings.Contains(a.text, tc.says) && a.text != "" { // the client may be cut off while it writes
					t.Errorf("%d %s", a.status, a.text)
				}
			case <-time.After(20 * time.Second):
				t.Error("it waits for files that nobody wants")
			}

			if now := descriptors(t); now > before+5 {
				t.Errorf("%d descriptors more", now-before)
			}
		})
	}
}

// Who may not run the operation does not get to send its files.
func TestTheRightToUploadIsLookedAtFirst(t *testing.T) {
	t.Parallel()
	var asked graphql.OperationContext
	s := serve(t, func(o *transport.Options) {
		o.MayUpload = func(_ context.Context, op *graphql.OperationContext) error {
			asked.Operation = op.Operation
			return transporttest.Fault{Code: "FORBIDDEN", Message: "not for you"}
		}
	})

	answered, end := s.slowForm(t, func(form *multipart.Writer) {
		fields(form, uploadOne, `{"f":["variables.file"]}`)
		part, _ := form.CreateFormFile("f", "f")
		_, _ = io.WriteString(part, "the beginning of a file")
	})

	defer end()
	if a := <-answered; a.status != 403 || !strings.Contains(a.text, "FORBIDDEN") {
		t.Errorf("%d %s", a.status, a.text)
	}
	if asked.Operation == nil || asked.Operation.SelectionSet == nil {
		t.Error("it was not asked about the operation")
	}
}

func TestUploadsAreFewAtATime(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.MaxUploads = 4 })
	for range 2 { // one caller gets half
		_, end := s.slowForm(t, func(form *multipart.Writer) {
			fields(form, uploadOne, `{"f":["variables.file"]}`)
			part, _ := form.CreateFormFile("f", "f")
			_, _ = io.WriteString(part, strings.Repeat("x", 1<<20))
		})

		defer end()
	}

	// The two hold their places once the server has begun to read them: until then a third upload
	// still gets in.
	eventually(t, "a third upload is refused", func() bool {
		body, contentType := form(t, "operations", uploadOne, "map", `{"f":["variables.file"]}`, "@f", "x")
		a := s.send(t, "POST", "/", body, contentType, alice)
		return a.status == 429 && a.code() == "RATE_LIMITED" && a.header.Get("Retry-After") != ""
	})
}

// A file comes at a pace, as a whole within a time, and goes when its client stops: descriptor,
// disk and place are free again.
func TestUploadsThatStopAreGivenUp(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for name, tc := range map[string]struct {
		grace, whole time.Duration
		every        time.Duration
	}{
		"that say nothing more":          {100 * time.Millisecond, time.Minute, 0},
		"that send a byte now and then":  {100 * time.Millisecond, time.Minute, 5 * time.Millisecond},
		"that take longer than is given": {time.Minute, 100 * time.Millisecond, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(o *transport.Options) { o.Timeout, o.UploadTimeout = tc.grace, tc.whole })
			before := descriptors(t)
			answered, end := s.slowForm(t, func(form *multipart.Writer) {
				fields(form, uploadOne, `{"f":["variables.file"]}`)
				part, _ := form.CreateFormFile("f", "f")
				go func() {
					if tc.every == 0 {
						_, _ = io.WriteString(part, "x")
						return
					}

					for tick := time.NewTicker(tc.every); ; {
						if _, err := io.WriteString(part, "x"); err != nil {
							tick.Stop()
							return
						}

						<-tick.C
					}
				}()
			})

			defer end()
			select {
			case <-answered:
			case <-time.After(20 * time.Second):
				t.Fatal("it is waited for")
			}

			end()
			s.Client().CloseIdleConnections()
			eventually(t, "no descriptors are left", func() bool { return descriptors(t) <= before })
		})
	}
}

func TestUploadsTakeNoMoreSpaceThanThereIs(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) { o.UploadSpace = 8 << 20 })
	body, contentType := form(t, "operations", uploadOne, "map", `{"f":["variables.file"]}`, "@f",
		strings.Repeat("x", 6<<20))
	if a := s.send(t, "POST", "/", body, contentType, alice); a.status != 429 || a.code() != "RATE_LIMITED" {
		t.Errorf("more than half: %d %s", a.status, a.text)
	}

	body, contentType = form(t, "operations", uploadOne, "map", `{"f":["variables.file"]}`, "@f",
		strings.Repeat("x", 3<<20))
	for range 10 { // each gives back what it took
		if a := s.send(t, "POST", "/", body, contentType, alice); a.status != 200 || a.code() != "" {
			t.Errorf("less than half: %d %s", a.status, a.text)
		}
	}
}

func TestNamesOfFilesAreText(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for name, good := range map[string]bool{"people.csv": true, "名簿.csv": true, "a\x80b.csv": false,
		strings.Repeat("a", 256): false} {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		fields(w, uploadOne, `{"f":["variables.file"]}`)
		part, _ := w.CreateFormFile("f", name)
		_, _ = io.WriteString(part, "x")
		_ = w.Close()
		if a := s.send(t, "POST", "/", b.String(), "Content-Type: "+w.FormDataContentType(),
			alice); (a.status == 200) != good {
			t.Errorf("%q: %d %s", name, a.status, a.text)
		}
	}
}

// Bodies of strangers that are never ended take little, and those who are known are not shut out by
// them.
func TestBodiesOfStrangersAreBoundedTogether(t *testing.T) {
	s := serve(t, func(o *transport.Options) {
		o.Memory = 16 << 20 // of which strangers have 1 MiB
		o.Owner = func(ctx context.Context) any { return transporttest.Caller(ctx) }
		o.IsStranger = func(ctx context.Context) bool { return transporttest.Caller(ctx) == "" }
	})

	before := heap()
	const length = 900_000
	var waiting []net.Conn

	for range 60 {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}

		defer c.Close()
		waiting = append(waiting, c)
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", length)
		go func() { _, _ = c.Write(bytes.Repeat([]byte(" "), length-1)) }()
	}

	// Those who are not refused are answered nothing, since their bodies do not end.
	refusals := make(chan bool, len(waiting))
	for _, c := range waiting {
		go func() {
			head := make([]byte, 12)
			n, _ := io.ReadFull(c, head)
			refusals <- n == 12 && (string(head[9:]) == "503" || string(head[9:]) == "429")
		}()
	}

	refused := 0
	for refused < 50 {
		select {
		case is := <-refusals:
			if !is {
				t.Fatal("a body was ended by something else than a refusal")
			}
			refused++
		case <-time.After(time.Minute):
			t.Fatalf("of 60 bodies of strangers %d were refused, want at least 50", refused)
		}
	}

	if grown := heap() - before; grown > 12<<20 {
		t.Errorf("60 bodies of strangers take %d MiB", grown>>20)
	}
	if a := s.query(t, "{whoami}"); a.code() != "" {
		t.Errorf("who is known: %d %s", a.status, a.text)
	}

	runtime.KeepAlive(waiting)
}

func TestValuesOfARequestAreBounded(t *testing.T) {
	t.Parallel()
	s := serve(t, func(o *transport.Options) {
		o.Owner = func(ctx context.Context) any { return transporttest.Caller(ctx) }
		o.IsStranger = func(ctx context.Context) bool { return transporttest.Caller(ctx) == "" }
	})

	values := func(n int) string {
		return `{"query":"{hello}","variables":{"v":[` + strings.Repeat("{},", n) + `"\",[[[[\""]}}`
	}
	for name, tc := range map[string]struct {
		n       int
		headers []string
		status  int
	}{
		"some of a stranger":           {1000, []string{asJSON}, 200},
		"many of a stranger":           {10_000, []string{asJSON}, 413},
		"many of somebody":             {10_000, []string{asJSON, alice}, 200},
		"more than anybody could need": {300_000, []string{asJSON, alice}, 413},
	} {
		if a := s.send(t, "POST", "/", values(tc.n), tc.headers...); a.status != tc.status {
			t.Errorf("%s: %d %.300s", name, a.status, a.text)
		}
	}
}
