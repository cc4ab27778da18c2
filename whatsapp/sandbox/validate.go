package sandbox

import (
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"carillon/whatsapp"
)

// readAll reads r to its end into buffer.
func readAll(r io.Reader, buffer []byte) ([]byte, error) {
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}

		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if err == io.EOF {
			return buffer, nil
		}
		if err != nil {
			return buffer, err
		}
	}
}

// kinds are the types that a message can have.
var kinds = []string{"audio", "contacts", "document", "image", "interactive", "location", "reaction", "sticker",
	"template", "text", "video"}

// freeForm are the contents of messages without a template, which need no room in the catalog.
var freeForm = func() map[string]*content {
	all := map[string]*content{}
	for _, kind := range kinds {
		all[kind] = &content{Category: "service", Type: kind}
	}

	return all
}()

// check holds a send to Meta's rules, and drafts the message.
func (s *Sandbox) check(n *number, b *sendBody, now int64) (message, *refusal) {
	to, no := b.check(n)
	if no != nil {
		return message{}, no
	}

	if b.Type == "template" {
		content, parameters, no := s.checkTemplate(n, b, to)
		if no != nil {
			return message{}, no
		}

		return newMessage(n, content, to, b.CallbackData, parameters), nil
	}

	if b.edge == marketingEdge {
		return message{}, refuse(131055, "Only marketing templates can be sent here.")
	}
	if b.Bid != nil {
		return message{}, invalid("Param bid_spec is not supported by this endpoint.")
	}

	parameters, no := s.checkFreeForm(b)
	if no == nil {
		no = s.checkHolder(n, to)
	}
	if no != nil {
		return message{}, no
	}

	m := newMessage(n, freeForm[b.Type], to, b.CallbackData, parameters)
	if m.magic == nil && !n.traffic.inWindow(recipientKey(to), now) {
		m.magic = outsideWindow // Meta accepts it, and fails it by webhook
	}

	return m, nil
}

// check holds the envelope to the rules, and gives the recipient: digits, or a business-scoped user
// id.
func (b *sendBody) check(n *number) (to string, no *refusal) {
	if b.Type == "" {
		b.Type = "text"
	}

	switch {
	case b.MessagingProduct != "whatsapp":
		return "", invalid("The parameter messaging_product is required.")
	case b.RecipientType != "" && b.RecipientType != "individual":
		return "", invalid("Param recipient_type must be one of {individual} - got %q.", b.RecipientType)
	case b.To == "" && b.Recipient == "":
		return "", invalid("The parameter to is required.")
	case !slices.Contains(kinds, b.Type):
		return "", invalid("Param type must be one of {%s} - got %q.", strings.ToUpper(strings.Join(kinds, ", ")), b.Type)
	case utf8.RuneCountInString(b.CallbackData) > 512:
		return "", invalid("Param biz_opaque_callback_data must be at most 512 characters long.")
	}

	if b.To == "" {
		if len(b.Recipient) > 160 || !strings.Contains(b.Recipient, ".") {
			return "", refuse(131009, "The recipient is not a business-scoped user id.")
		}
		return b.Recipient, nil
	}

	to = whatsapp.Digits(b.To)
	if len(to) < 7 || len(to) > 15 || strings.ContainsFunc(b.To, func(r rune) bool {
		return !strings.ContainsRune("+-() .0123456789", r)
	}) {
		return "", refuse(131009, "The recipient is not a valid phone number.")
	}

	if to == n.digits {
		return "", refuse(131021, "The recipient is the sender.")
	}

	return to, nil
}

func (s *Sandbox) checkFreeForm(b *sendBody) ([]string, *refusal) {
	media := map[string]*sentMedia{"image": b.Image, "video": b.Video, "audio": b.Audio, "document": b.Document,
		"sticker": b.Sticker}
	raw := map[string][]byte{"location": b.Location, "contacts": b.Contacts, "interactive": b.Interactive,
		"reaction": b.Reaction}
	absent := refuse(131008, "Parameter of type %s is missing.", b.Type)

	switch {
	case b.Type == "text" && b.Text == nil:
		return nil, absent
	case b.Type == "text" && b.Text.Body == "":
		return nil, invalid("The parameter text['body'] is required.")
	case b.Type == "text" && utf8.RuneCountInString(b.Text.Body) > 4096:
		return nil, invalid("Param text['body'] must be at most 4096 characters long.")
	case b.Type == "text":
		return []string{b.Text.Body}, nil
	}

	if one, isMedia := media[b.Type]; isMedia {
		if one == nil {
			return nil, absent
		}
		if utf8.RuneCountInString(one.Caption) > 1024 {
			return nil, invalid("Param %s['caption'] must be at most 1024 characters long.", b.Type)
		}

		value, no := s.checkMedia(one, b.Type)

		return []string{value}, no
	}

	if len(raw[b.Type]) == 0 {
		return nil, absent
	}

	return []string{string(raw[b.Type])}, nil
}

// checkMedia wants an id that was uploaded, or a link.
func (s *Sandbox) checkMedia(m *sentMedia, where string) (string, *refusal) {
	switch {
	case m == nil || m.ID == "" && m.Link == "":
		return "", refuse(131008, "%s needs an id or a link.", where)
	case m.ID == "":
		link, err := url.Parse(m.Link)
		if err != nil || link.Host == "" || link.Scheme != "https" && link.Scheme != "http" ||
			strings.ContainsAny(m.Link, " \t\r\n") {
			return "", refuse(131009, "The link of %s is not the address of a file.", where)
		}

		return m.Link, nil
	}

	s.catalog.RLock()
	known := s.catalog.media[m.ID] != nil
	s.catalog.RUnlock()
	if !known {
		return "", refuse(131009, "The media id of %s is not valid.", where)
	}

	return m.ID, nil
}
