package account

import (
	"encoding/json"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/whatsapp"
)

// Text is what a person would read of a message: a template with its values, a text, or a file's
// caption. The template is the message's, as Of gives it; nil where it is gone. It is empty where
// there is nothing to read, and once its author took it back or it was erased.
func Text(m *ent.Message, t *whatsapp.Template) string {
	switch {
	case m.RevokedAt != nil:
		return ""
	case m.Type != enum.MessageTypeTemplate || m.TemplateID == nil:
		return writtenIn(m.Content)
	case t == nil || m.Parameters == nil && len(t.Parameters()) > 0:
		return ""
	}

	return t.Preview(m.Parameters).Body
}

// writtenIn is the text of a content, or its file's caption; empty where it has none.
func writtenIn(raw json.RawMessage) string {
	var content whatsapp.Message
	_ = json.Unmarshal(raw, &content) // another kind of content has no text
	switch {
	case content.Text != nil:
		return content.Text.Body
	case content.Media != nil:
		return content.Media.Caption
	}

	return ""
}
