package whatsapp

import (
	"fmt"
	"slices"
	"strings"
)

// megabyte is Meta's: its pages do not say which one they mean, so it is the smaller.
const megabyte = 1_000_000

// MediaType is a kind of file that can be sent, with what WhatsApp takes of it.
type MediaType struct {
	Kind    string // of a message: image, video, audio, sticker, document
	MIME    []string
	MaxSize int64 // bytes
}

// mediaTypes is developers.facebook.com, WhatsApp "Media" (read 2026-06). Documents may be of any
// other type too.
var mediaTypes = []MediaType{
	{"image", []string{"image/jpeg", "image/png"}, 5 * megabyte},
	{"sticker", []string{"image/webp"}, megabyte / 2},
	{"audio", []string{"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}, 16 * megabyte},
	{"video", []string{"video/mp4", "video/3gpp"}, 16 * megabyte},
	{"document", []string{"text/plain", "application/pdf",
		"application/msword", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"application/vnd.ms-excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/vnd.ms-powerpoint",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation"}, 100 * megabyte},
}

// stillSticker is the most bytes of a sticker that does not move.
const stillSticker = megabyte / 10

// MaxMedia is the size of the largest file that WhatsApp takes, in bytes.
const MaxMedia = 100 * megabyte

// exampleTypes are what a template's example, or a profile's picture, may be: Graph API "Resumable
// Upload" (read 2026-07).
var exampleTypes = []string{"image/jpeg", "image/png", "video/mp4", "application/pdf"}

// MediaTypeOf is the type of a file of that MIME type, and whether there is one.
func MediaTypeOf(mime string) (MediaType, bool) {
	for _, t := range mediaTypes {
		if slices.Contains(t.MIME, mime) {
			return t, true
		}
	}

	return MediaType{}, false
}

// MediaProblem says in words why WhatsApp would not take a file to be sent; empty when it would.
// Head is the beginning of its content, 32 bytes or more.
func MediaProblem(mime string, size int64, head []byte) string {
	t, known := MediaTypeOf(mime)
	if !known {
		return fmt.Sprintf("is %s, which WhatsApp does not take; it takes %s", mime, strings.Join(allTypes(), ", "))
	}

	most := t.MaxSize
	if t.Kind == "sticker" && !moves(head) {
		most = stillSticker
	}

	return sizeProblem(t.Kind, size, most)
}

// ExampleProblem says in words why Meta would not take a file as a template's example; empty when
// it would.
func ExampleProblem(mime string, size int64) string {
	if !slices.Contains(exampleTypes, mime) {
		return fmt.Sprintf("is %s; an example is one of %s", mime, strings.Join(exampleTypes, ", "))
	}

	t, _ := MediaTypeOf(mime)

	return sizeProblem(t.Kind, size, t.MaxSize)
}

func sizeProblem(kind string, size, most int64) string {
	switch {
	case size == 0:
		return "is empty"
	case size > most:
		return fmt.Sprintf("has %d bytes; WhatsApp takes %d of a file of kind %s", size, most, kind)
	}

	return ""
}

func allTypes() (all []string) {
	for _, t := range mediaTypes {
		all = append(all, t.MIME...)
	}

	return all
}

// moves reports whether a WebP picture is an animation: the second bit of the flags of its extended
// header (developers.google.com/speed/webp/docs/riff_container).
func moves(head []byte) bool {
	const flags = 20
	return len(head) > flags && string(head[12:16]) == "VP8X" && head[flags]&0x02 != 0
}

// mediaParameters are how the names of parameters end that take a file.
var mediaParameters = []string{"header_image", "header_video", "header_document", "header_gif"}

// TakesMedia reports whether a template's parameter of that name takes a file, of a card too.
func TakesMedia(parameter string) bool {
	return slices.ContainsFunc(mediaParameters, func(end string) bool { return strings.HasSuffix(parameter, end) })
}
