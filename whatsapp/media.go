package whatsapp

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// How long what WhatsApp keeps of a file is good.
// developers.facebook.com, WhatsApp "Media" (read 2026-06).
const (
	UploadLasts  = 30 * 24 * time.Hour // the id of an upload
	InboundLasts = 7 * 24 * time.Hour  // the id of a file that a person sent
)

const (
	// transferTimeout bounds an upload as a whole: 100 MB at 1.4 Mbit/s.
	transferTimeout = 10 * time.Minute
	// resumptions is how often a resumable upload goes on after its connection broke.
	resumptions = 3
)

// File is a file to be uploaded. Its content is Size bytes.
type File struct {
	Name    string
	MIME    string
	Size    int64
	Content io.Reader
}

// UploadMedia gives a number a file that it can send, and returns the file's id, which is good for
// UploadLasts. The content is read once, as it is sent.
func (c *Client) UploadMedia(ctx context.Context, token Token, phoneNumberID string, f File) (id string, err error) {
	if err := checkPath([]string{phoneNumberID}); err != nil {
		return "", err
	}

	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	head, tail, kind := mediaForm(f)
	request := c.request(ctx, http.MethodPost, token, []string{phoneNumberID, "media"}, nil)
	request.Header.Set("Content-Type", kind)
	request.Body = io.NopCloser(io.MultiReader(bytes.NewReader(head), io.LimitReader(f.Content, f.Size),
		bytes.NewReader(tail)))
	request.ContentLength = int64(len(head)) + f.Size + int64(len(tail))

	var wire struct {
		ID loose `json:"id"`
	}
	if err := c.do(request, phoneNumberID+"/media", &wire, token.Reveal()); err != nil {
		return "", err
	}
	if !IsMediaID(string(wire.ID)) {
		return "", errors.New("upload media: no id in the answer")
	}

	return string(wire.ID), nil
}

// mediaForm is the multipart form around a file: what stands before its content and after it.
func mediaForm(f File) (head, tail []byte, contentType string) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("messaging_product", "whatsapp") // writing to memory does not fail
	_ = w.WriteField("type", f.MIME)
	_, _ = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", f.Name)}, "Content-Type": {f.MIME},
	})
	head = bytes.Clone(form.Bytes())
	form.Reset()
	_ = w.Close()

	return head, form.Bytes(), w.FormDataContentType()
}

// UploadExample gives Meta a file for a template's review, or a profile's picture, and returns its
// handle. It goes on where it was when a connection breaks. The token must be one of the app's.
// developers.facebook.com, Graph API "Resumable Upload" (read 2026-07).
func (c *Client) UploadExample(ctx context.Context, token Token, appID string, f File,
	content io.ReaderAt) (handle string, err error) {
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	var session struct {
		ID string `json:"id"`
	}
	query := url.Values{"file_name": {f.Name}, "file_length": {strconv.FormatInt(f.Size, 10)}, "file_type": {f.MIME}}
	if err := c.call(ctx, http.MethodPost, token, []string{appID, "uploads"}, query, nil, &session); err != nil {
		return "", err
	}

	var offset int64
	for tries := 0; ; tries++ {
		handle, err = c.sendExample(ctx, token, session.ID, offset, io.NewSectionReader(content, offset, f.Size-offset))
		var no *Error
		if err == nil || errors.As(err, &no) || ctx.Err() != nil || tries == resumptions {
			return handle, err
		}
		if offset, err = c.exampleOffset(ctx, token, session.ID); err != nil {
			return "", err
		}
		if offset < 0 || offset > f.Size {
			return "", fmt.Errorf("resume an upload: %d of %d bytes are said to be there", offset, f.Size)
		}
	}
}

// session builds a request to an upload. Its id has a query of its own, which is kept as it is.
func (c *Client) session(ctx context.Context, method string, token Token, id string) (*http.Request, error) {
	path, query, _ := strings.Cut(id, "?")
	name, found := strings.CutPrefix(path, "upload:")
	if !found || name == "" || strings.ContainsAny(name, "/\\%#?") || strings.Contains(name, "..") {
		return nil, errors.New("resumable upload: the answer names no upload")
	}

	request := c.request(ctx, method, token, []string{path}, nil)
	if request.URL.RawQuery != "" && query != "" {
		query = "&" + query
	}

	request.URL.RawQuery += query
	request.Header.Set("Authorization", "OAuth "+token.Reveal())

	return request, nil
}

func (c *Client) sendExample(ctx context.Context, token Token, id string, offset int64,
	rest *io.SectionReader) (handle string, err error) {
	request, err := c.session(ctx, http.MethodPost, token, id)
	if err != nil {
		return "", err
	}

	request.Header["file_offset"] = []string{strconv.FormatInt(offset, 10)} // in Meta's spelling
	request.Header.Set("Content-Type", "application/octet-stream")
	request.Body, request.ContentLength = io.NopCloser(rest), rest.Size()
	var wire struct {
		Handle string `json:"h"`
	}
	if err := c.do(request, "upload", &wire, token.Reveal()); err != nil {
		return "", err
	}
	if wire.Handle == "" {
		return "", errors.New("resumable upload: no handle in the answer")
	}

	return wire.Handle, nil
}

func (c *Client) exampleOffset(ctx context.Context, token Token, id string) (int64, error) {
	request, err := c.session(ctx, http.MethodGet, token, id)
	if err != nil {
		return 0, err
	}

	var wire struct {
		Offset number `json:"file_offset"`
	}
	err = c.do(request, "upload", &wire, token.Reveal())

	return int64(wire.Offset), err
}

// Media is what WhatsApp says of a file that it keeps.
type Media struct {
	URL    string // good for 5 minutes, with the token
	MIME   string
	SHA256 string // hex
	Size   int64  // bytes; 0 when it is not said
}

// Media looks a file up. A file of another number is an error.
func (c *Client) Media(ctx context.Context, token Token, id, phoneNumberID string) (Media, error) {
	var wire struct {
		URL    string `json:"url"`
		MIME   word   `json:"mime_type"`
		SHA256 word   `json:"sha256"`
		Size   number `json:"file_size"`
	}
	err := c.call(ctx, http.MethodGet, token, []string{id}, url.Values{"phone_number_id": {phoneNumberID}}, nil, &wire)
	if err == nil && wire.URL == "" {
		err = errors.New("media: no address in the answer")
	}

	return Media{wire.URL, string(wire.MIME), Digest(string(wire.SHA256)), max(0, int64(wire.Size))}, err
}

// mediaHosts are the hosts, and parents of hosts, that Meta serves files from. The token goes
// nowhere else.
var mediaHosts = []string{"fbsbx.com", "facebook.com", "fbcdn.net", "whatsapp.net"}

// Download asks for the content of a file, or for a part of it where asked is a Range header. The
// caller reads and closes the answer's body, which ends when ctx does. The answer's status is 200,
// or 206 for a part, or 416; anything else is an error.
func (c *Client) Download(ctx context.Context, token Token, m Media, asked string) (*http.Response, error) {
	target, err := url.Parse(m.URL)
	if err != nil || !c.servesMedia(target) {
		return nil, errors.New("download media: WhatsApp names an address that is not one of its own")
	}

	request := &http.Request{Method: http.MethodGet, URL: target, Host: target.Host, Header: http.Header{
		"Authorization": {"Bearer " + token.Reveal()}, "User-Agent": userAgent,
	}}
	if asked != "" {
		request.Header.Set("Range", asked)
	}

	response, err := c.http.Do(request.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("download media: %w", plain(err))
	}

	switch response.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
		return response, nil
	}

	defer func() { _ = response.Body.Close() }()
	var answer readBuffer
	answer.fill(response.Body)
	if failure := envelopeError(response, answer.Bytes()); failure != nil {
		failure.redact(token.Reveal())
		return nil, failure
	}

	return nil, gatewayError(response)
}

// servesMedia reports whether a file may be fetched from there: one of Meta's hosts by TLS, or the
// host of this client's API.
func (c *Client) servesMedia(target *url.URL) bool {
	if target.Scheme == c.base.Scheme && target.Host == c.base.Host {
		return true
	}
	if target.Scheme != "https" || target.Port() != "" {
		return false
	}

	for _, host := range mediaHosts {
		if target.Hostname() == host || strings.HasSuffix(target.Hostname(), "."+host) {
			return true
		}
	}

	return false
}

// MediaOf is the file in a message as Meta sent it; nil where it holds none.
func MediaOf(message json.RawMessage) *InboundMedia {
	var c content
	if !decode(message, &c) {
		return nil
	}

	var m Inbound
	c.read(&m)

	return m.Media
}

const sha256Bytes = 32

// Digest is a SHA-256 in hex, which Meta writes in hex or in base64; empty for anything else.
func Digest(s string) string {
	if raw, err := hex.DecodeString(s); err == nil && len(raw) == sha256Bytes {
		return strings.ToLower(s)
	}
	if raw, err := base64.StdEncoding.DecodeString(s); err == nil && len(raw) == sha256Bytes {
		return hex.EncodeToString(raw)
	}

	return ""
}
