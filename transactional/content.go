package transactional

import (
	"strings"
	"unicode/utf8"

	"carillon/ent/enum"
	"carillon/usererror"
	"carillon/whatsapp"
)

// Limits in characters. The first two are Meta's: developers.facebook.com, WhatsApp Cloud API
// "Messages" (read 2026-09).
const (
	maxBody     = 4096
	maxCaption  = 1024
	maxFileName = 240
)

// files are the kinds of media, with what may go with each.
var files = map[enum.MessageType]struct{ caption, fileName bool }{
	enum.MessageTypeImage: {caption: true}, enum.MessageTypeVideo: {caption: true},
	enum.MessageTypeDocument: {caption: true, fileName: true},
	enum.MessageTypeAudio:    {}, enum.MessageTypeSticker: {},
}

func (t Text) content(in *usererror.Fields) whatsapp.Message {
	if strings.TrimSpace(t.Body) == "" {
		in.Add("content.text.body", usererror.Required, "the text is missing")
	}

	checkText(in, "content.text.body", t.Body, maxBody)
	return whatsapp.Message{Type: "text", Text: &whatsapp.TextMessage{Body: t.Body, PreviewURL: t.PreviewURL}}
}

func (m Media) content(in *usererror.Fields) whatsapp.Message {
	may, known := files[m.Kind]
	switch {
	case !known:
		in.Add("content.media.kind", usererror.Invalid,
			"%s is no kind of media: give IMAGE, VIDEO, AUDIO, DOCUMENT or STICKER", m.Kind)
	case m.Caption != "" && !may.caption:
		in.Add("content.media.caption", usererror.Invalid, "media of kind %s cannot have a caption", m.Kind)
	}

	if known && m.FileName != "" && !may.fileName {
		in.Add("content.media.fileName", usererror.Invalid, "only a DOCUMENT has a file name")
	}

	checkText(in, "content.media.caption", m.Caption, maxCaption)
	checkText(in, "content.media.fileName", m.FileName, maxFileName)

	switch {
	case m.MediaID == "" && m.Link == "":
		in.Add("content.media", usererror.Required, "give a mediaId or a link")
	case m.MediaID != "" && m.Link != "":
		in.Add("content.media", usererror.Invalid, "give either a mediaId or a link, not both")
	case m.Link != "":
		checkLink(in, "content.media.link", m.Link)
	case !whatsapp.IsMediaID(m.MediaID):
		in.Add("content.media.mediaId", usererror.Invalid, "this is not the id of an upload, which is digits alone")
	}

	return whatsapp.Message{Type: strings.ToLower(string(m.Kind)),
		Media: &whatsapp.MediaMessage{ID: m.MediaID, Link: m.Link, Caption: m.Caption, Filename: m.FileName}}
}

// checkLink takes the address of a file that WhatsApp can fetch.
func checkLink(in *usererror.Fields, field, link string) {
	switch rule, message := whatsapp.LinkProblem(link); rule {
	case "":
	case "TOO_LONG":
		in.Add(field, usererror.TooLong, "the link %s", message)
	default:
		in.Add(field, usererror.Invalid, "the link %s", message)
	}
}

func checkText(in *usererror.Fields, field, s string, most int) {
	switch n := utf8.RuneCountInString(s); {
	case n > most:
		in.Add(field, usererror.TooLong, "this has %d characters; at most %d are allowed", n, most)
	case !isText(s):
		in.Add(field, usererror.Invalid, "this holds characters that are not text")
	}
}

// isText says whether both databases take it.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
