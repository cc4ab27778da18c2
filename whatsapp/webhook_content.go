package whatsapp

import (
	"encoding/json"
	"strings"
)

// content is what a message can hold. At most one part is set, the one that its type names.
type content struct {
	Text struct {
		Body loose `json:"body"`
	} `json:"text"`
	Image    *wireMedia `json:"image"`
	Video    *wireMedia `json:"video"`
	Audio    *wireMedia `json:"audio"`
	Voice    *wireMedia `json:"voice"`
	Document *wireMedia `json:"document"`
	Sticker  *wireMedia `json:"sticker"`
	Location *struct {
		Name    note `json:"name"`
		Address note `json:"address"`
	} `json:"location"`
	Contacts []struct {
		Name struct {
			Formatted note `json:"formatted_name"`
		} `json:"name"`
	} `json:"contacts"`
	Button *struct {
		Payload loose `json:"payload"`
		Text    loose `json:"text"`
	} `json:"button"`
	Interactive *wireInteractive `json:"interactive"`
	Order       *struct {
		Text loose `json:"text"`
	} `json:"order"`
	Reaction *struct {
		MessageID ident `json:"message_id"`
		Emoji     word  `json:"emoji"`
	} `json:"reaction"`
	System *struct {
		Type           word  `json:"type"`
		Body           loose `json:"body"`
		WaID           ident `json:"wa_id"`
		NewWaID        ident `json:"new_wa_id"` // where older payloads have it
		UserID         ident `json:"user_id"`
		PreviousUserID ident `json:"previous_user_id"`
	} `json:"system"`
	Edit *struct {
		Original ident           `json:"original_message_id"`
		Message  json.RawMessage `json:"message"`
	} `json:"edit"`
	Revoke *struct {
		Original ident `json:"original_message_id"`
	} `json:"revoke"`
}

type wireMedia struct {
	ID       ident `json:"id"`
	MIMEType word  `json:"mime_type"`
	SHA256   word  `json:"sha256"`
	Caption  loose `json:"caption"`
	Filename word  `json:"filename"`
	Voice    bool  `json:"voice"`
}

type wireInteractive struct {
	Type   word       `json:"type"`
	Button *wireReply `json:"button_reply"`
	List   *wireReply `json:"list_reply"`
	Flow   *struct {
		Name     word            `json:"name"`
		Body     loose           `json:"body"`
		Response json.RawMessage `json:"response_json"`
	} `json:"nfm_reply"`
	CallPermission *struct {
		Response word `json:"response"`
	} `json:"call_permission_reply"`
}

type wireReply struct {
	ID    loose `json:"id"`
	Title loose `json:"title"`
}

// kind is the message's type, told from its content where Meta left it out.
func (c *content) kind(given string) string {
	if given != "" {
		return given
	}

	switch {
	case c.Text.Body != "":
		return "text"
	case c.Location != nil:
		return "location"
	case c.Interactive != nil:
		return "interactive"
	case c.Button != nil:
		return "button"
	case c.Reaction != nil:
		return "reaction"
	}

	if kind, media := c.media(); media != nil {
		return kind
	}

	return "unknown"
}

func (c *content) media() (kind string, media *wireMedia) {
	for _, m := range []struct {
		kind  string
		media *wireMedia
	}{{"image", c.Image}, {"video", c.Video}, {"audio", c.Audio}, {"audio", c.Voice}, {"document", c.Document},
		{"sticker", c.Sticker}} {
		if m.media != nil {
			return m.kind, m.media
		}
	}

	return "", nil
}

// changes reports whether a message of that type changes an earlier one.
func (c *content) changes(kind string) bool {
	return kind == "edit" || kind == "revoke" || c.Edit != nil || c.Revoke != nil
}

// written are the types of messages in which a person writes or presses something.
var written = map[string]bool{
	"text": true, "image": true, "video": true, "audio": true, "voice": true, "document": true, "sticker": true,
	"button": true, "interactive": true, "edit": true,
}

// describe fills in what the content says.
func (c *content) describe(m *Inbound) {
	c.read(m)
	if !written[m.Type] {
		m.Written = ""
	}
}

func (c *content) read(m *Inbound) {
	m.Text = string(c.Text.Body)
	if _, media := c.media(); media != nil {
		m.Text = string(media.Caption)
		m.Media = &InboundMedia{string(media.ID), string(media.MIMEType), string(media.SHA256), string(media.Filename),
			media.Voice || c.Voice != nil}
	}

	m.Written = m.Text
	switch {
	case c.Button != nil:
		m.Text, m.ButtonPayload = string(c.Button.Text), string(c.Button.Payload)
		m.Written, m.Choice = m.Text, choice("", m.Text, m.ButtonPayload)
	case c.Interactive != nil:
		c.Interactive.describe(m)
	case c.Reaction != nil:
		m.Text, m.Written, m.ContextMessageID = string(c.Reaction.Emoji), "", string(c.Reaction.MessageID)
	case c.Location != nil:
		m.Text = strings.TrimPrefix(string(c.Location.Name)+", "+string(c.Location.Address), ", ")
		m.Text, m.Written = strings.TrimSuffix(m.Text, ", "), ""
	case len(c.Contacts) > 0:
		m.Text, m.Written = string(c.Contacts[0].Name.Formatted), ""
	case c.Order != nil:
		m.Text = string(c.Order.Text)
		m.Written = m.Text
	case c.Edit != nil:
		c.edited(m)
	case c.Revoke != nil:
		m.ContextMessageID, m.Written = string(c.Revoke.Original), ""
		if c.Revoke.Original != "" {
			m.Change = &Change{Original: string(c.Revoke.Original), Revoked: true}
		}
	case c.System != nil:
		m.Text, m.Written = string(c.System.Body), ""
		m.System = &IdentityChange{
			Kind: string(c.System.Type), WaID: either(c.System.WaID, c.System.NewWaID),
			UserID: string(c.System.UserID), PreviousUserID: string(c.System.PreviousUserID),
		}
	}
}

// edited describes a message as it reads after an edit.
func (c *content) edited(m *Inbound) {
	var now struct {
		Type word `json:"type"`
		content
	}
	original := string(c.Edit.Original)
	if original == "" || !isObject(c.Edit.Message) || !decode(c.Edit.Message, &now) {
		m.Text, m.Written = "", ""
		return
	}

	now.Edit, now.Revoke = nil, nil // one edit at a time
	after := Inbound{Type: now.kind(string(now.Type))}
	now.describe(&after)
	m.Text, m.Written, m.Media, m.ButtonPayload, m.ContextMessageID = after.Text, after.Written, after.Media,
		after.ButtonPayload, original
	m.Change = &Change{Original: original, Type: after.Type, Text: after.Text, Raw: storable(c.Edit.Message)}
}

func (i *wireInteractive) describe(m *Inbound) {
	m.Written = ""
	switch {
	case i.Button != nil:
		m.Text, m.ButtonPayload = string(i.Button.Title), string(i.Button.ID)
		m.Written, m.Choice = m.Text, choice(m.ButtonPayload, m.Text, "")
	case i.List != nil:
		m.Text, m.ButtonPayload = string(i.List.Title), string(i.List.ID)
		m.Written, m.Choice = m.Text, choice(m.ButtonPayload, m.Text, "")
	case i.Flow != nil:
		// The answer of a Flow is a string that holds JSON, mostly.
		m.Text, m.ButtonPayload = string(i.Flow.Body), cut(scalar(i.Flow.Response), maxText)
		m.Choice = choice(string(i.Flow.Name), m.Text, m.ButtonPayload)
	case i.CallPermission != nil:
		m.Text = string(i.CallPermission.Response)
	}
}

// choice is what was chosen, with a title that can be counted by.
func choice(id, title, payload string) *Choice { return &Choice{id, cut(title, maxWord), payload} }
