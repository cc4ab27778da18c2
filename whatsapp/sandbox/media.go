package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
)

// media is an uploaded file. Only its description outlives a restart.
type media struct {
	ID       string `json:"id"`
	NumberID string `json:"number_id"`
	MIME     string `json:"mime"`
	SHA256   string `json:"sha256"`
	Size     int    `json:"size"`

	number *number
	data   []byte
}

// mediaLimits are the largest sizes in bytes, by the start of the MIME type; everything else counts
// as a document.
// developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
// (read 2025-12).
var mediaLimits = []struct {
	prefix string
	bytes  int
}{
	{"image/webp", 500 << 10}, {"image/", 5 << 20}, {"audio/", 16 << 20}, {"video/", 16 << 20}, {"", 100 << 20},
}

func (s *Sandbox) receiveMedia(c *call, n *number) *refusal {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, 101<<20)
	if err := c.r.ParseMultipartForm(8 << 20); err != nil {
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

	data, err := io.ReadAll(file)
	if err != nil {
		return invalid("The file cannot be read: %s", err)
	}

	for _, l := range mediaLimits {
		if strings.HasPrefix(mime, l.prefix) {
			if len(data) > l.bytes {
				return refuse(131053, "The file has %d bytes; %s may have %d.", len(data), mime, l.bytes)
			}

			break
		}
	}

	sum := sha256.Sum256(data)
	m := &media{NumberID: n.ID, MIME: mime, SHA256: hex.EncodeToString(sum[:]), Size: len(data), number: n, data: data}
	s.catalog.Lock()
	m.ID = newID()
	s.catalog.media[m.ID] = m
	s.catalog.Unlock()
	s.journal.put(s, record{Media: m})
	s.write(c.w, http.StatusOK, map[string]any{"id": m.ID})

	return nil
}

func (s *Sandbox) mediaEdge(c *call, m *media) *refusal {
	switch c.r.Method + " " + c.edge {
	case "GET ":
		s.write(c.w, http.StatusOK, map[string]any{
			"messaging_product": "whatsapp", "id": m.ID, "mime_type": m.MIME, "sha256": m.SHA256, "file_size": m.Size,
			"url": "http://" + c.r.Host + "/" + m.ID + "/content",
		})
	case "GET content":
		c.w.Header().Set("Content-Type", m.MIME)
		if _, err := c.w.Write(m.data); err != nil {
			s.log.Debug("sandbox: caller went away", "error", err)
		}
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

// startUpload begins a resumable upload, of a template's example. The sandbox keeps no example: any
// handle will do.
func (s *Sandbox) startUpload(c *call) *refusal {
	if c.r.URL.Query().Get("file_type") == "" || c.r.URL.Query().Get("file_length") == "" {
		return invalid("The parameters file_type and file_length are required.")
	}

	s.write(c.w, http.StatusOK, map[string]any{"id": "upload:" + s.trace() + "?sig=" + s.trace()})
	return nil
}

func (s *Sandbox) receiveUpload(c *call) *refusal {
	if c.r.Method == http.MethodGet {
		s.write(c.w, http.StatusOK, map[string]any{"id": c.id, "file_offset": 0})
		return nil
	}

	hash := sha256.New()
	if _, err := io.Copy(hash, http.MaxBytesReader(c.w, c.r.Body, 101<<20)); err != nil {
		return invalid("The file cannot be read: %s", err)
	}

	handle := base64.StdEncoding.EncodeToString([]byte(c.r.Header.Get("Content-Type")))
	s.write(c.w, http.StatusOK, map[string]any{"h": "4::" + handle + ":AR" + hex.EncodeToString(hash.Sum(nil)[:12])})

	return nil
}
