package whatsapp

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// removed stands in an outline for what a person or a caller wrote.
	removed = "•••"
	// maxOutline bounds an outline, and maxSaid what was said to it, in bytes.
	maxOutline, maxSaid = 2 << 10, 1 << 10
)

// Outline is what is kept of a message that was not taken: its JSON with the recipient, texts,
// values, files and all other words of people and callers removed. What is left is its shape: type,
// template, language, and which parameters there were.
type Outline struct {
	// Body is at most 2 KiB; a longer one is cut.
	Body string

	words []string // that were removed, the longest first
}

// Outline gives the message's.
func (m Message) Outline() Outline {
	body, err := m.MarshalJSON()
	if err != nil {
		return Outline{}
	}

	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return Outline{}
	}

	var o Outline
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(o.strip(value, "", "")); err != nil {
		return Outline{}
	}

	o.Body = shorten(strings.TrimSpace(out.String()), maxOutline)
	slices.SortFunc(o.words, func(a, b string) int { return len(b) - len(a) })

	return o
}

// shapes are the fields of a message that say what it is, and the form of what they hold. A name is
// kept of a template, and a code of a language.
var shapes = map[string]bool{"messaging_product": true, "recipient_type": true, "type": true, "sub_type": true,
	"index": true, "card_index": true, "parameter_name": true, "template.name": true, "language.code": true,
	"language.policy": true, "preview_url": true, "per_message_bid_multiplier": true}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_.]{1,512}$`)
	digits    = regexp.MustCompile(`\+?[0-9][0-9 ().-]{5,}[0-9]`) // that may be somebody's number
)

// strip removes from a value what is not shape; parent and field are where it stands.
func (o *Outline) strip(value any, parent, field string) any {
	kept := shapes[field] || shapes[parent+"."+field]
	switch v := value.(type) {
	case map[string]any:
		stripped := make(map[string]any, len(v))
		for name, inner := range v {
			if known := plainWord.MatchString(name) && !digits.MatchString(name); !known {
				o.words = append(o.words, name)
				name = removed
			}

			stripped[name] = o.strip(inner, field, name)
		}

		return stripped
	case []any:
		for i := range v {
			v[i] = o.strip(v[i], parent, field)
		}

		return v
	case string:
		if kept && plainWord.MatchString(v) && !digits.MatchString(v) {
			return v
		}
		if v != "" {
			o.words = append(o.words, v)
		}

		return removed
	case json.Number:
		if kept {
			return v
		}
		o.words = append(o.words, v.String())

		return removed
	}

	return value // true, false and null
}

// shortWord is up to which length a removed word is left in what was said, since it is in any text.
const shortWord = 2

// Said is a text of Meta's about the message without the message's words, and without what may be a
// number of somebody. It is at most 1 KiB.
func (o Outline) Said(text string) string {
	for _, w := range o.words {
		if w = strings.TrimPrefix(w, "+"); utf8.RuneCountInString(w) > shortWord {
			text = strings.ReplaceAll(text, w, removed)
		}
	}

	return shorten(digits.ReplaceAllString(strings.ToValidUTF8(text, "\uFFFD"), removed), maxSaid)
}

// shorten cuts a text to a number of bytes, between two characters.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}

	most -= len("…")
	for !utf8.RuneStart(text[most]) {
		most--
	}

	return text[:most] + "…"
}

// Path is where the message is posted, below Meta's address and version.
func (r Route) Path(phoneNumberID string) string { return phoneNumberID + "/" + r.edge() }
