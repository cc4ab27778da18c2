package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"carillon/account"
	"carillon/caller"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

const (
	// fetchWithin bounds a file as a whole: 100 MB at 0.9 Mbit/s.
	fetchWithin = 15 * time.Minute
	// stalled is how long neither side may leave the other waiting.
	stalled = time.Minute
	// block is how many bytes of a file are in memory at a time.
	block = 64 << 10
	// maxServed ends a file that is larger than any that WhatsApp has.
	maxServed = whatsapp.MaxMedia + 10_000_000
)

// shown are the types that a browser may show in its window. Everything else is a download that
// says nothing of what it is: HTML, SVG or PDF from a stranger must not run on our address.
var shown = []string{
	"image/jpeg", "image/png", "image/webp", "image/gif",
	"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg",
	"video/mp4", "video/3gpp",
}

// ServeHTTP serves the files of messages by signed links. It fetches them from WhatsApp while it
// passes them on. A part can be asked for with Range.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this address answers GET", http.StatusMethodNotAllowed)
		return
	}

	message, ok := s.linked(r.URL)
	if !ok {
		http.Error(w, "this link is not valid, or not any more; ask the API for a new one", http.StatusForbidden)
		return
	}

	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many files are being fetched; try again soon", http.StatusServiceUnavailable)
		return
	}

	ctx, cancel := context.WithTimeout(r.Context(), fetchWithin)
	defer cancel()
	if no := s.serve(ctx, w, r, message); no != nil {
		http.Error(w, no.text, no.status)
	}
}

// refusal is why a file is not served.
type refusal struct {
	status int
	text   string
}

var (
	errGone   = &refusal{http.StatusGone, "WhatsApp keeps this file no longer"}
	errAway   = &refusal{http.StatusBadGateway, "WhatsApp does not give this file out now; try again"}
	errFailed = &refusal{http.StatusServiceUnavailable, "the file cannot be looked up now; try again"}
)

func (s *Service) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, message uid.ID) *refusal {
	m, f, err := s.file(ctx, message)
	if err != nil {
		s.options.Log.Error("a message's file was not found", "message", message, "error", err)
		return errFailed
	}
	if f == nil {
		return errGone
	}

	sender, err := s.accounts.Sender(caller.System(ctx), m.PhoneNumberID)
	if err != nil {
		s.options.Log.Error("a message's number was not found", "message", message, "error", err)
		return errFailed
	}
	if sender.Token == "" {
		return &refusal{http.StatusGone, "the WhatsApp account of this file is disconnected"}
	}

	answer, err := s.fetch(ctx, sender, f.id, r.Header.Get("Range"))
	if no := (*whatsapp.Error)(nil); errors.As(err, &no) && (no.Code == 100 || no.HTTPStatus == http.StatusNotFound) {
		return errGone
	}
	if err != nil {
		s.options.Log.Warn("a file was not fetched from WhatsApp", "message", message, "error", err)
		return errAway
	}

	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		w.Header().Set("Content-Range", answer.Header.Get("Content-Range"))
		return &refusal{http.StatusRequestedRangeNotSatisfiable, "the file has no such part"}
	}

	setHeaders(w.Header(), answer, f)
	w.WriteHeader(answer.StatusCode)
	if r.Method == http.MethodHead {
		return nil
	}

	if err := pass(w, answer.Body); err != nil {
		s.options.Log.Debug("a file was not passed on to its end", "message", message, "error", err)
		panic(http.ErrAbortHandler) // so that nobody takes it for the whole
	}

	return nil
}

// fetch asks WhatsApp for a file, or for a part of it where asked is a Range header.
func (s *Service) fetch(ctx context.Context, sender account.Sender, id, asked string) (*http.Response, error) {
	if sender.Token == "" {
		return nil, usererror.New(usererror.Conflict, "the account is disconnected: connect it again")
	}

	where, err := sender.Client.Media(ctx, sender.Token, id, sender.PhoneNumber.MetaID)
	if err != nil {
		return nil, err
	}

	return sender.Client.Download(ctx, sender.Token, where, asked)
}

// setHeaders says what the file is, and forbids browsers to take it for anything else.
func setHeaders(h http.Header, answer *http.Response, f *File) {
	kind, _, _ := strings.Cut(f.MIME, ";")
	if kind = strings.ToLower(strings.TrimSpace(kind)); kind == "" {
		kind, _, _ = strings.Cut(answer.Header.Get("Content-Type"), ";")
	}

	disposition := "inline"
	if !slices.Contains(shown, kind) {
		kind, disposition = "application/octet-stream", "attachment"
	}

	if f.Name != "" {
		disposition = mime.FormatMediaType(disposition, map[string]string{"filename": fileName(f.Name)})
	}

	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // pages of the organization show it
	h.Set("Access-Control-Allow-Origin", "*")             // the link is the right; nothing else is sent along
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, max-age=3600")
	for _, name := range []string{"Content-Range", "Accept-Ranges"} {
		if value := answer.Header.Get(name); value != "" {
			h.Set(name, value)
		}
	}

	if answer.ContentLength >= 0 {
		h.Set("Content-Length", strconv.FormatInt(answer.ContentLength, 10))
	}
}

// pass copies a file block by block. It ends when either side has the other wait for too long.
func pass(w http.ResponseWriter, from io.ReadCloser) error {
	control := http.NewResponseController(w)
	buffer := make([]byte, block)
	idle := time.AfterFunc(stalled, func() { _ = from.Close() })
	defer idle.Stop()

	for passed := int64(0); ; {
		n, err := from.Read(buffer)
		idle.Reset(stalled)
		if passed += int64(n); passed > maxServed {
			return fmt.Errorf("a file of more than %d bytes", int64(maxServed))
		}

		if n > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(stalled))
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}

			idle.Reset(stalled)
		}

		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
