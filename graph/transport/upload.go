package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// Files up to this many bytes stay in memory, so that a small attachment costs no file.
	uploadInMemory = 64 << 10
	// spaceAtOnce is how many bytes of disk are asked for in one go.
	spaceAtOnce = 1 << 20

	longestFileName = 255
)

var errNoSpace = errors.New("no space for an upload")

func isMultipart(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && r.Method == http.MethodPost && media == "multipart/form-data"
}

// serveUpload runs an operation with files: github.com/jaydenseric/graphql-multipart-request-spec,
// version 2. The operation stands in front of its files, so it is parsed, and its caller's right
// looked at, before the first byte of a file is taken. A page of any origin may post such a form
// without asking first, hence the header that it could not set.
func (h *Handler) serveUpload(w http.ResponseWriter, r *http.Request) *refusal {
	if r.Header.Get("Authorization") == "" {
		return &refusal{status: http.StatusUnauthorized, code: codeUnauthenticated,
			message: "an upload needs the Authorization header",
			header:  http.Header{"WWW-Authenticate": {"Bearer"}}}
	}

	if r.ContentLength > h.options.MaxUpload {
		return h.unread(r, &http.MaxBytesError{Limit: h.options.MaxUpload})
	}

	owner := h.options.Owner(r.Context())
	place := h.uploads.of(owner)
	defer place.done()
	if err := place.try(1); err != nil {
		return h.unread(r, err)
	}

	defer place.give(1)
	in := h.intakeOf(r)
	defer in.end()
	form := &upload{limit: h.options.MaxBody, most: h.options.MaxFiles, in: in, space: h.space.of(owner), open: &h.files,
		params: &graphql.RawParams{Headers: r.Header, ReadTime: graphql.TraceTiming{Start: graphql.Now()}}}
	defer form.close()

	control := http.NewResponseController(w)
	r.Body = &hurried{ReadCloser: http.MaxBytesReader(w, r.Body, h.options.MaxUpload), control: control,
		begun: time.Now(), grace: h.options.Timeout, whole: h.options.UploadTimeout}
	if err := form.readOperation(r); err != nil {
		return h.notUploaded(r, err)
	}

	opCtx, errs := h.exec.CreateOperationContext(r.Context(), form.params)
	if errs == nil {
		if err := form.check(h.options.Schema.Schema(), opCtx); err != nil {
			return h.notUploaded(r, err)
		}
		if err := h.options.MayUpload(r.Context(), opCtx); err != nil {
			return h.mayNot(r, err)
		}
		if no := h.afford(w, r, opCtx, costOf(r.Context(), opCtx)); no != nil {
			return no
		}
		if err := form.readFiles(opCtx); err != nil {
			return h.notUploaded(r, err)
		}

		_ = control.SetReadDeadline(time.Time{})
	} else {
		abandon(w, r)
	}

	return h.answer(w, r, opCtx, errs)
}

func (h *Handler) notUploaded(r *http.Request, err error) *refusal {
	if no := (*malformed)(nil); errors.As(err, &no) {
		return badRequest("%s", no.message)
	}
	return h.unread(r, err)
}

// malformed says what is wrong with a form.
type malformed struct{ message string }

func (m *malformed) Error() string { return m.message }

func wrongForm(format string, args ...any) error { return &malformed{fmt.Sprintf(format, args...)} }

// upload is a multipart form while it is read: first operations, then map, then each file that the
// map names.
type upload struct {
	limit int64
	most  int // files
	in    *intake
	space *holder
	open  *atomic.Int64 // files of all uploads

	form   *multipart.Reader
	params *graphql.RawParams
	paths  map[string][]string
	files  []*os.File
	taken  int // bytes of disk
}

func (u *upload) close() {
	for _, f := range u.files {
		_ = f.Close()
		u.open.Add(-1)
	}

	u.space.force(-u.taken)
	u.space.done()
}

// readOperation reads what stands in front of the files, and puts a mark where each of them
// belongs.
func (u *upload) readOperation(r *http.Request) (err error) {
	if u.form, err = r.MultipartReader(); err != nil {
		return wrongForm("the multipart form cannot be read")
	}
	if err := u.readJSON("operations", u.params); err != nil {
		return err
	}
	if err := u.readJSON("map", &u.paths); err != nil {
		return err
	}
	if no := checkParams(u.params); no != nil {
		return wrongForm("%s", no.message)
	}
	if len(u.paths) > u.most {
		return wrongForm("the form has more than %d files", u.most)
	}

	for _, paths := range u.paths {
		if len(paths) > u.most {
			return wrongForm("the map names more than %d places for a file", u.most)
		}

		for _, path := range paths {
			if !put(u.params.Variables, path, graphql.Upload{}, nil) {
				return wrongForm("the map names a path that is not null in the variables")
			}
		}
	}

	u.params.ReadTime.End = graphql.Now()

	return nil
}

func (u *upload) readJSON(name string, into any) error {
	part, err := u.form.NextPart()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err != nil || part.FormName() != name {
		return wrongForm("the form's first fields must be operations and map")
	}

	text, err := u.in.read(http.MaxBytesReader(nil, part, u.limit))
	if err != nil {
		return err
	}
	if decodeJSON(text, into) != nil {
		return wrongForm("the form's field %s is no JSON object of the right form", name)
	}

	return nil
}

// check refuses files where the operation does not want any.
func (u *upload) check(schema *ast.Schema, opCtx *graphql.OperationContext) error {
	for _, paths := range u.paths {
		for _, path := range paths {
			if typ := typeAt(schema, opCtx.Operation, path); typ != "Upload" {
				return wrongForm("the map names a path that takes no Upload")
			}
		}
	}

	return nil
}

// typeAt is the name of the type at a path like "variables.input.files.0".
func typeAt(schema *ast.Schema, op *ast.OperationDefinition, path string) string {
	steps := strings.Split(path, ".")
	v := op.VariableDefinitions.ForName(steps[1]) // put has seen that there is one
	if v == nil {
		return ""
	}

	typ := v.Type
	for _, step := range steps[2:] {
		if typ.Elem != nil {
			typ = typ.Elem
			continue
		}

		field := schema.Types[typ.NamedType].Fields.ForName(step)
		if field == nil {
			return ""
		}

		typ = field.Type
	}

	return typ.NamedType
}

func (u *upload) readFiles(opCtx *graphql.OperationContext) error {
	for {
		part, err := u.form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := u.readFile(opCtx, part); err != nil {
			return err
		}
	}

	if len(u.paths) > 0 {
		return wrongForm("the map names a file that is not in the form")
	}

	return nil
}

func (u *upload) readFile(opCtx *graphql.OperationContext, part *multipart.Part) error {
	paths := u.paths[part.FormName()]
	if len(paths) == 0 {
		return wrongForm("the form has a file that the map does not name")
	}

	delete(u.paths, part.FormName())
	name := part.FileName()
	if len(name) > longestFileName || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return wrongForm("the name of a file must be Unicode, and at most %d bytes long", longestFileName)
	}

	content, size, err := u.keep(part)
	if err != nil {
		return err
	}

	for _, path := range paths {
		file := graphql.Upload{File: io.NewSectionReader(content, 0, size), Filename: name, Size: size,
			ContentType: part.Header.Get("Content-Type")}
		put(opCtx.Variables, path, file, graphql.Upload{})
	}

	return nil
}

// keep holds a file in memory, or in a temporary file that has no name any more and goes with its
// descriptor.
func (u *upload) keep(part io.Reader) (io.ReaderAt, int64, error) {
	if err := u.in.pay(uploadInMemory); err != nil {
		return nil, 0, err
	}

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
		return nil, 0, fmt.Errorf("%w: %w", errNoSpace, err)
	}

	u.files = append(u.files, file)
	u.open.Add(1)
	if err := os.Remove(file.Name()); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", errNoSpace, err)
	}

	size, err = u.store(file, io.MultiReader(&head, part))

	return file, size, err
}

// store copies a file to disk, for as much of which as is free.
func (u *upload) store(file *os.File, from io.Reader) (size int64, err error) {
	for {
		if err := u.space.try(spaceAtOnce); err != nil {
			return size, err
		}

		u.taken += spaceAtOnce
		n, err := io.CopyN(fileWriter{file}, from, spaceAtOnce)
		size += n
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}

// fileWriter tells our disk's faults from the client's.
type fileWriter struct{ *os.File }

func (w fileWriter) Write(p []byte) (int, error) {
	n, err := w.File.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", errNoSpace, err)
	}

	return n, err
}

// put puts a file where the variables have what it takes the place of, at a path like
// "variables.input.files.0".
func put(variables map[string]any, path string, file graphql.Upload, instead any) bool {
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
			if !ok || last && !same(value, instead) {
				return false
			}
			if last {
				holder[step] = file
			}

			at = value
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(holder) || last && !same(holder[n], instead) {
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

// same says whether a value is null, or any file, as is asked.
func same(value, instead any) bool {
	if instead == nil {
		return value == nil
	}
	return value != nil // of what type gqlparser made it, such as a list of one
}
