package transport

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// Files up to this many bytes stay in memory, so that a small attachment costs no file.
const uploadInMemory = 64 << 10

func isMultipart(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && r.Method == http.MethodPost && media == "multipart/form-data"
}

// serveUpload runs an operation with files: github.com/jaydenseric/graphql-multipart-request-spec, version 2.
// A page of any origin may post such a form without asking first, hence the header that it could not set.
func (h *Handler) serveUpload(w http.ResponseWriter, r *http.Request) *refusal {
	if r.Header.Get("Authorization") == "" {
		return &refusal{status: http.StatusUnauthorized, code: codeUnauthenticated, message: "an upload needs the Authorization header",
			header: http.Header{"WWW-Authenticate": {"Bearer"}}}
	}
	if r.ContentLength > h.options.MaxUpload {
		return unreadable(&http.MaxBytesError{Limit: h.options.MaxUpload})
	}
	r.Body = &patientBody{ReadCloser: http.MaxBytesReader(w, r.Body, h.options.MaxUpload), control: http.NewResponseController(w), patience: h.options.Timeout}
	form := upload{limit: h.options.MaxBody, params: &graphql.RawParams{Headers: r.Header, ReadTime: graphql.TraceTiming{Start: graphql.Now()}}}
	defer form.close()
	no := form.read(r)
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if no != nil {
		return no
	}
	form.params.ReadTime.End = graphql.Now()
	return h.run(w, r, form.params)
}

// patientBody waits for a client that is slow, not for one that has stopped.
type patientBody struct {
	io.ReadCloser
	control  *http.ResponseController
	patience time.Duration
}

func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.patience))
	return b.ReadCloser.Read(p)
}

// upload is a multipart form while it is read: first operations, then map, then each file that the map names.
type upload struct {
	limit  int64
	params *graphql.RawParams
	paths  map[string][]string
	files  []*os.File
}

func (u *upload) close() {
	for _, f := range u.files {
		_ = f.Close()
	}
}

func (u *upload) read(r *http.Request) *refusal {
	form, err := r.MultipartReader()
	if err != nil {
		return badRequest("the multipart form cannot be read")
	}
	if no := u.readJSON(form, "operations", u.params); no != nil {
		return no
	}
	if no := u.readJSON(form, "map", &u.paths); no != nil {
		return no
	}
	if no := checkParams(u.params); no != nil {
		return no
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return unreadable(err)
		}
		if no := u.readFile(part); no != nil {
			return no
		}
	}
	if len(u.paths) > 0 {
		return badRequest("the map names a file that is not in the form")
	}
	return nil
}

func (u *upload) readJSON(form *multipart.Reader, name string, into any) *refusal {
	part, err := form.NextPart()
	if err != nil && !errors.Is(err, io.EOF) {
		return unreadable(err)
	}
	if err != nil || part.FormName() != name {
		return badRequest("the form's first fields must be operations and map")
	}
	text, err := io.ReadAll(http.MaxBytesReader(nil, part, u.limit))
	if err != nil {
		return unreadable(err)
	}
	if decodeJSON(text, into) != nil {
		return badRequest("the form's field %s is no JSON object of the right form", name)
	}
	return nil
}

func (u *upload) readFile(part *multipart.Part) *refusal {
	paths := u.paths[part.FormName()]
	if len(paths) == 0 {
		return badRequest("the form has a file that the map does not name")
	}
	delete(u.paths, part.FormName())
	content, size, err := u.keep(part)
	if err != nil {
		return unreadable(err)
	}
	for _, path := range paths {
		file := graphql.Upload{File: io.NewSectionReader(content, 0, size), Filename: part.FileName(), Size: size, ContentType: part.Header.Get("Content-Type")}
		if !place(u.params.Variables, path, file) {
			return badRequest("the map names a path that is not null in the variables")
		}
	}
	return nil
}

// keep holds a file in memory, or in a temporary file that has no name any more and goes with its descriptor.
func (u *upload) keep(part io.Reader) (io.ReaderAt, int64, error) {
	var head bytes.Buffer
	size, err := io.CopyN(&head, part, uploadInMemory)
	if errors.Is(err, io.EOF) {
		return bytes.NewReader(head.Bytes()), size, nil
	}
	if err != nil {
		return nil, 0, err
	}
	file, err := os.CreateTemp("", "upload-*")
	if err != nil {
		return nil, 0, err
	}
	u.files = append(u.files, file)
	if err := os.Remove(file.Name()); err != nil {
		return nil, 0, err
	}
	size, err = io.Copy(file, io.MultiReader(&head, part))
	return file, size, err
}

// place puts a file where the variables have null, at a path like "variables.input.files.0".
func place(variables map[string]any, path string, file graphql.Upload) bool {
	steps := strings.Split(path, ".")
	if len(steps) < 2 || steps[0] != "variables" {
		return false
	}
	var at any = variables
	for i, step := range steps[1:] {
		last := i == len(steps)-2
		switch holder := at.(type) {
		case map[string]any:
			value, ok := holder[step]
			if !ok || last && value != nil {
				return false
			}
			if last {
				holder[step] = file
			}
			at = value
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(holder) || last && holder[n] != nil {
				return false
			}
			at = holder[n]
			if last {
				holder[n] = file
			}
		default:
			return false
		}
	}
	return true
}
