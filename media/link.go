package media

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"carillon/caller"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/mediaupload"
	"carillon/uid"
	"carillon/whatsapp"
)

// Path is where links to files of messages lead.
const Path = "/files/media/"

const (
	// linkLasts is how long a link is good at the least. It is the same for linkEvery, so that whoever
	// shows it has to fetch the file once.
	linkLasts = time.Hour
	linkEvery = time.Hour

	linkPurpose = "media link"
)

// File is a message's file. What is not known is empty.
type File struct {
	MIME, Name string
	SHA256     string // hex
	Size       int64  // bytes
	// URL is where it can be fetched by whoever has the link; empty when WhatsApp keeps it no longer.
	URL string
	// ExpiresAt is until when URL is good; zero for a public address that the message was sent with.
	ExpiresAt time.Time

	id      string    // WhatsApp's
	expires time.Time // when WhatsApp forgets it; zero when that is not known
}

// uploads finds, among a caller's rows, those of WhatsApp's ids.
func (s *Service) uploads(ctx context.Context, mediaIDs []string) (map[string]*ent.MediaUpload, error) {
	rows, err := s.db.Client.MediaUpload.Query().Where(mediaupload.MediaIDIn(mediaIDs...)).
		Order(mediaupload.ByExpiresAt()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("find uploads: %w", err)
	}

	found := make(map[string]*ent.MediaUpload, len(rows))
	for _, u := range rows {
		found[u.MediaID] = u
	}

	return found, nil
}

// UploadsOf finds the uploads that a caller's messages were sent with, by message.
func (s *Service) UploadsOf(ctx context.Context, messages []*ent.Message) (map[uid.ID]*ent.MediaUpload, error) {
	named, ids := map[uid.ID]string{}, []string(nil)
	for _, m := range messages {
		if f := FileOf(m); f != nil && f.id != "" && m.Direction == enum.DirectionOutbound {
			named[m.ID], ids = f.id, append(ids, f.id)
		}
	}

	uploads, err := s.uploads(ctx, ids)
	found := make(map[uid.ID]*ent.MediaUpload, len(named))
	for m, id := range named {
		found[m] = uploads[id]
	}

	return found, err
}

// FileOf is the file of a message; nil for none. Of a message that was made from a template, that
// is its header's, by the values that it was sent with.
func FileOf(m *ent.Message) *File {
	switch {
	case m.RevokedAt != nil:
		return nil
	case m.Direction == enum.DirectionInbound:
		return inboundFile(m)
	case m.Type == enum.MessageTypeTemplate:
		return headerFile(m.Parameters)
	}

	var sent whatsapp.Message
	if json.Unmarshal(m.Content, &sent) == nil && sent.Media != nil {
		return outboundFile(sent.Media.ID, sent.Media.Link, sent.Media.Filename)
	}

	return inboundFile(m) // an echo of what was sent on a phone, which is kept like what was received
}

// MediaID is WhatsApp's id of a file that was sent by it; empty for others.
func (f *File) MediaID() string { return f.id }

// Describe adds what is known of an upload.
func (f *File) Describe(u *ent.MediaUpload) {
	if u == nil {
		return
	}

	f.MIME, f.SHA256, f.Size, f.expires = u.MimeType, u.Sha256, u.Size, u.ExpiresAt
	if f.Name == "" {
		f.Name = u.FileName
	}
}

func inboundFile(m *ent.Message) *File {
	var kept struct {
		Message json.RawMessage `json:"message"`
	}
	if json.Unmarshal(m.Content, &kept) != nil {
		return nil
	}

	got := whatsapp.MediaOf(kept.Message)
	if got == nil {
		return nil
	}

	return &File{MIME: got.MIMEType, Name: got.Filename, SHA256: whatsapp.Digest(got.SHA256), id: got.ID,
		expires: m.CreatedAt.Add(whatsapp.InboundLasts)}
}

// headers are the parameters that name a header's file.
var headers = []string{"header_image", "header_video", "header_document", "header_gif"}

func headerFile(values map[string]string) *File {
	for _, name := range headers {
		value := values[name]
		switch {
		case value == "":
		case whatsapp.IsMediaID(value):
			return outboundFile(value, "", values[name+"_filename"])
		default:
			return outboundFile("", value, values[name+"_filename"])
		}
	}

	return nil
}

func outboundFile(id, link, name string) *File { return &File{URL: link, id: id, Name: name} }

// Sign gives a file that WhatsApp keeps its link.
func (s *Service) Sign(of uid.ID, f *File) {
	now := s.now()
	if f.id == "" || !f.expires.IsZero() && !f.expires.After(now) {
		return
	}

	f.ExpiresAt = now.Truncate(linkEvery).Add(linkEvery + linkLasts)
	if !f.expires.IsZero() && f.expires.Before(f.ExpiresAt) {
		f.ExpiresAt = f.expires.Truncate(time.Second)
	}

	until := strconv.FormatInt(f.ExpiresAt.Unix(), 10)
	query := url.Values{"expires": {until}, "signature": {s.keys.Sign(of.String()+" "+until, linkPurpose)}}
	f.URL = s.options.PublicURL + Path + of.String() + "?" + query.Encode()
}

// linked is the message whose file a link serves; false when the link is not one of ours, or not
// good any more.
func (s *Service) linked(u *url.URL) (of uid.ID, ok bool) {
	name, until, query := strings.TrimPrefix(u.Path, Path), "", u.Query()
	until = query.Get("expires")
	seconds, err := strconv.ParseInt(until, 10, 64)
	if err != nil || !s.keys.Signed(name+" "+until, linkPurpose, query.Get("signature")) {
		return uid.ID{}, false
	}

	of, err = uid.Parse(name)

	return of, err == nil && s.now().Before(time.Unix(seconds, 0))
}

// file reads what a link serves. Nothing is served of a message that its author took back, or of an
// organization that is not active.
func (s *Service) file(ctx context.Context, id uid.ID) (*ent.Message, *File, error) {
	ctx = caller.System(ctx)
	m, err := s.db.Client.Message.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("message %s: %w", id, err)
	}

	o, err := s.db.Client.Organization.Get(ctx, m.OrganizationID)
	if err != nil {
		return nil, nil, fmt.Errorf("organization of message %s: %w", id, err)
	}

	f := FileOf(m)
	if f == nil || f.id == "" || o.Status != enum.OrganizationStatusActive {
		return nil, nil, nil
	}

	uploads, err := s.uploads(caller.In(ctx, m.OrganizationID), []string{f.id})
	if err != nil {
		return nil, nil, err
	}

	f.Describe(uploads[f.id])

	return m, f, nil
}
