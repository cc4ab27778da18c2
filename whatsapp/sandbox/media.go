package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// How long the id of a file is good, after it was uploaded and after a user sent it.
// developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
// (read 2026-06).
const (
	uploadLasts  = 30 * 24 * time.Hour
	inboundLasts = 7 * 24 * time.Hour
)

// media is an uploaded file, or one that a user sent. Only its description outlives a restart.
type media struct {
	ID       string    `json:"id"`
	NumberID string    `json:"number_id"`
	MIME     string    `json:"mime"`
	SHA256   string    `json:"sha256"`
	Size     int64     `json:"size"`
	Until    time.Time `json:"until,omitzero"`

	number  *number
	content io.ReaderAt // nil after a restart
}

// mediaLimits are the largest sizes in bytes, by the start of the MIME type; everything else counts
// as a document.
// developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
// (read 2025-12).
var mediaLimits = []struct {
	prefix string
	bytes  int64
}{
	{"image/webp", 500 << 10}, {"image/", 5 << 20}, {"audio/", 16 << 20}, {"video/", 16 << 20}, {"", 100 << 20},
}

const maxUpload = 101 << 20

func (s *Sandbox) receiveMedia(c *call, n *number) *refusal {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxUpload)
	if err := c.r.ParseMultipartForm(1 << 20); err != nil {
		return invalid("The form cannot be read: %s", err)
	}

	defer c.r.MultipartForm.RemoveAll()
	if c.r.FormValue("messaging_product") != "whatsapp" {
		return invalid("The parameter messaging_product is required.")
	}

	file, header, err := c.r.FormFile("file")
	if err != nil {
		return invalid("The parameter file is required.")
	}

	defer file.Close()
	mime := c.r.FormValue("type")
	if mime == "" {
		mime = header.Header.Get("Content-Type")
	}
	if !strings.Contains(mime, "/") {
		return invalid("Param file must be a file with one of the supported types - got %q.", mime)
	}

	for _, l := range mediaLimits {
		if strings.HasPrefix(mime, l.prefix) {
			if header.Size > l.bytes {
				return refuse(131053, "The file has %d bytes; %s may have %d.", header.Size, mime, l.bytes)
			}

			break
		}
	}

	content, sum, err := spooled(file, header.Size)
	if err != nil {
		return invalid("The file cannot be read: %s", err)
	}

	m := &media{NumberID: n.ID, MIME: mime, SHA256: sum, Size: header.Size, Until: s.now().Add(uploadLasts), number: n,
		content: content}
	s.addMedia(m)
	s.write(c.w, http.StatusOK, map[string]any{"id": m.ID})

	return nil
}

// spooled copies a file: into memory when it is small, else into a file that has no name any more,
// and goes with the process.
func spooled(from io.Reader, size int64) (content io.ReaderAt, sum string, err error) {
	sha := sha256.New()
	from = io.TeeReader(from, sha)
	if size <= 1<<20 {
		data, err := io.ReadAll(from)
		return bytes.NewReader(data), hex.EncodeToString(sha.Sum(nil)), err
	}

	file, err := os.CreateTemp("", "carillon-sandbox-")
	if err != nil {
		return nil, "", err
	}

	_ = os.Remove(file.Name())
	_, err = io.Copy(file, from)

	return file, hex.EncodeToString(sha.Sum(nil)), err
}

// addMedia gives a file its id and keeps it.
func (s *Sandbox) addMedia(m *media) {
	s.catalog.Lock()
	m.ID = newID()
	s.catalog.media[m.ID] = m
	s.catalog.Unlock()
	s.journal.put(s, record{Media: m})
}

// mediaEdge answers for a file. One of another number than is asked for, or one whose time is over,
// is not there.
func (s *Sandbox) mediaEdge(c *call, m *media) *refusal {
	of := c.r.URL.Query().Get("phone_number_id")
	if of != "" && of != m.NumberID || !m.Until.IsZero() && !s.now().Before(m.Until) {
		return missing(c.r.Method, c.id)
	}

	switch c.r.Method + " " + c.edge {
	case "GET ":
		s.write(c.w, http.StatusOK, map[string]any{
			"messaging_product": "whatsapp", "id": m.ID, "mime_type": m.MIME, "sha256": m.SHA256, "file_size": m.Size,
			"url": "http://" + c.r.Host + "/" + m.ID + "/content",
		})
	case "GET content":
		if m.content == nil {
			return missing(c.r.Method, c.id)
		}

		c.w.Header().Set("Content-Type", m.MIME)
		http.ServeContent(c.w, c.r, "", time.Time{}, io.NewSectionReader(m.content, 0, m.Size))
	case "DELETE ":
		s.catalog.Lock()
		delete(s.catalog.media, m.ID)
		s.catalog.Unlock()
		s.journal.put(s, record{DeletedMedia: m.ID})
		s.succeed(c.w)
	default:
		return missing(c.r.Method, c.id+"/"+c.edge)
	}

	return nil
}

// InboundMedia is a file that a user sends.
type InboundMedia struct {
	Kind     string `json:"kind"` // image, video, audio, document, sticker
	MIME     string `json:"mime_type"`
	Filename string `json:"filename"` // of a document
	Caption  string `json:"caption"`
	Size     int64  `json:"size"` // bytes; the content is made up while it is read
}

// SendInboundMedia plays a user who sends a file to a number, and gives the message's wamid.
func (s *Sandbox) SendInboundMedia(phoneNumberID, from string, f InboundMedia) (string, error) {
	s.catalog.RLock()
	n := s.catalog.numbers[phoneNumberID]
	s.catalog.RUnlock()
	if n == nil {
		return "", fmt.Errorf("phone number %s is unknown to the sandbox", phoneNumberID)
	}
	if f.Size < 1 || f.Size > maxUpload || f.Kind == "" {
		return "", fmt.Errorf("a file has a kind, and 1 to %d bytes", maxUpload)
	}

	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(MadeUp{}, 0, f.Size)); err != nil {
		return "", err
	}

	m := &media{NumberID: n.ID, MIME: f.MIME, SHA256: hex.EncodeToString(sum.Sum(nil)), Size: f.Size,
		Until: s.now().Add(inboundLasts), number: n, content: MadeUp{}}
	s.addMedia(m)
	object := map[string]any{"id": m.ID, "mime_type": f.MIME, "sha256": base64.StdEncoding.EncodeToString(sum.Sum(nil))}
	for key, value := range map[string]string{"filename": f.Filename, "caption": f.Caption} {
		if value != "" {
			object[key] = value
		}
	}

	return s.SendInboundMessage(phoneNumberID, from, map[string]any{"type": f.Kind, f.Kind: object})
}

// MadeUp is the content of files that the sandbox makes up: byte after byte the same for each
// place, without end.
type MadeUp struct{}

func (MadeUp) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		at := uint64(off) + uint64(i)
		p[i] = byte(mix(at>>3) >> (8 * (at & 7)))
	}

	return len(p), nil
}

// resumable is an upload of a template's example. The sandbox keeps no example, only its sum.
type resumable struct {
	sync.Mutex
	mime      string
	length    int64
	offset    int64
	sum       hash.Hash
	breakOnce bool // the connection breaks in the middle
}

// brokenName is the file name whose upload breaks in the middle, once.
const brokenName = "broken"

// mostUploads bounds the uploads that were begun: one more takes the place of any.
const mostUploads = 1000

// startUpload begins a resumable upload.
func (s *Sandbox) startUpload(c *call) *refusal {
	q := c.r.URL.Query()
	length, err := strconv.ParseInt(q.Get("file_length"), 10, 64)
	if q.Get("file_name") == "" || q.Get("file_type") == "" || err != nil || length < 1 || length > maxUpload {
		return invalid("The parameters file_name, file_type and file_length are required.")
	}

	id := "upload:" + s.trace()
	s.catalog.Lock()
	for other := range s.catalog.uploads {
		if len(s.catalog.uploads) >= mostUploads {
			delete(s.catalog.uploads, other)
		}
	}

	s.catalog.uploads[id] = &resumable{mime: q.Get("file_type"), length: length, sum: sha256.New(),
		breakOnce: strings.HasPrefix(q.Get("file_name"), brokenName)}
	s.catalog.Unlock()
	s.write(c.w, http.StatusOK, map[string]any{"id": id + "?sig=" + s.trace()})

	return nil
}

// receiveUpload takes what is left of a file from its offset on, and gives the handle.
func (s *Sandbox) receiveUpload(c *call) *refusal {
	if !strings.HasPrefix(c.r.Header.Get("Authorization"), "OAuth ") || c.r.URL.Query().Get("sig") == "" {
		return invalid("An upload wants the Authorization scheme OAuth, and its id as it was given.")
	}

	s.catalog.RLock()
	u := s.catalog.uploads[c.id]
	s.catalog.RUnlock()
	if u == nil {
		return missing(c.r.Method, c.id)
	}

	u.Lock()
	defer u.Unlock()
	if c.r.Method == http.MethodGet {
		s.write(c.w, http.StatusOK, map[string]any{"id": c.id, "file_offset": u.offset})
		return nil
	}

	if offset := strings.Join(c.r.Header["File_offset"], ""); offset != strconv.FormatInt(u.offset, 10) {
		return invalid("The header file_offset is %q; %d bytes are here.", offset, u.offset)
	}

	rest := u.length - u.offset
	if u.breakOnce {
		u.breakOnce = false
		n, _ := io.CopyN(u.sum, c.r.Body, rest/2)
		u.offset += n
		panic(http.ErrAbortHandler)
	}

	n, err := io.Copy(u.sum, io.LimitReader(c.r.Body, rest+1))
	if u.offset += n; err != nil || u.offset != u.length {
		return invalid("The file has %d bytes, and %d were announced.", u.offset, u.length)
	}

	handle := base64.StdEncoding.EncodeToString([]byte(u.mime))
	s.write(c.w, http.StatusOK, map[string]any{"h": "4::" + handle + ":AR" + hex.EncodeToString(u.sum.Sum(nil)[:12])})

	return nil
}
