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
		Name    loose `json:"name"`
		Address loose `json:"address"`
	} `json:"location"`
	Contacts []struct {
		Name struct {
			Formatted loose `json:"formatted_name"`
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
		MessageID loose `json:"message_id"`
		Emoji     loose `json:"emoji"`
	} `json:"reaction"`
	System *struct {
		Type           loose `json:"type"`
		Body           loose `json:"body"`
		WaID           loose `json:"wa_id"`
		NewWaID        loose `json:"new_wa_id"` // where older payloads have it
		UserID         loose `json:"user_id"`
		PreviousUserID loose `json:"previous_user_id"`
	} `json:"system"`
	Edit *struct {
		Original loose `json:"original_message_id"`
		Message  struct {
			Text struct {
				Body loose `json:"body"`
			} `json:"text"`
		} `json:"message"`
	} `json:"edit"`
	Revoke *struct {
		Original loose `json:"original_message_id"`
	} `json:"revoke"`
}

type wireMedia struct {
	ID       loose `json:"id"`
	MIMEType loose `json:"mime_type"`
	SHA256   loose `json:"sha256"`
	Caption  loose `json:"caption"`
	Filename loose `json:"filename"`
	Voice    bool  `json:"voice"`
}

type wireInteractive struct {
	Type   loose      `json:"type"`
	Button *wireReply `json:"button_reply"`
	List   *wireReply `json:"list_reply"`
	Flow   *struct {
		Name     loose           `json:"name"`
		Body     loose           `json:"body"`
		Response json.RawMessage `json:"response_json"`
	} `json:"nfm_reply"`
	CallPermission *struct {
		Response loose `json:"response"`
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
	}{{"image", c.Image}, {"video", c.Video}, {"audio", c.Audio}, {"audio", c.Voice}, {"document", c.Document}, {"sticker", c.Sticker}} {
		if m.media != nil {
			return m.kind, m.media
		}
	}
	return "", nil
}

// describe fills in what the content says.
func (c *content) describe(m *Inbound) {
	m.Text = string(c.Text.Body)
	if _, media := c.media(); media != nil {
		m.Text = string(media.Caption)
		m.Media = &InboundMedia{string(media.ID), string(media.MIMEType), string(media.SHA256), string(media.Filename), media.Voice || c.Voice != nil}
	}
	switch {
	case c.Button != nil:
		m.Text, m.ButtonPayload = string(c.Button.Text), string(c.Button.Payload)
	case c.Interactive != nil:
		c.Interactive.describe(m)
	case c.Reaction != nil:
		m.Text, m.ContextMessageID = string(c.Reaction.Emoji), string(c.Reaction.MessageID)
	case c.Location != nil:
		m.Text = strings.TrimPrefix(string(c.Location.Name)+", "+string(c.Location.Address), ", ")
		m.Text = strings.TrimSuffix(m.Text, ", ")
	case len(c.Contacts) > 0:
		m.Text = string(c.Contacts[0].Name.Formatted)
	case c.Order != nil:
		m.Text = string(c.Order.Text)
	case c.Edit != nil:
		m.Text, m.ContextMessageID = string(c.Edit.Message.Text.Body), string(c.Edit.Original)
	case c.Revoke != nil:
		m.ContextMessageID = string(c.Revoke.Original)
	case c.System != nil:
		m.Text = string(c.System.Body)
		m.System = &IdentityChange{
			Kind: string(c.System.Type), WaID: either(c.System.WaID, c.System.NewWaID),
			UserID: string(c.System.UserID), PreviousUserID: string(c.System.PreviousUserID),
		}
	}
}

func (i *wireInteractive) describe(m *Inbound) {
	switch {
	case i.Button != nil:
		m.Text, m.ButtonPayload = string(i.Button.Title), string(i.Button.ID)
	case i.List != nil:
		m.Text, m.ButtonPayload = string(i.List.Title), string(i.List.ID)
	case i.Flow != nil:
		// The answer of a Flow is a string that holds JSON, mostly.
		m.Text, m.ButtonPayload = string(i.Flow.Body), scalar(i.Flow.Response)
	case i.CallPermission != nil:
		m.Text = string(i.CallPermission.Response)
	}
}
