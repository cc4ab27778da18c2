package webhook

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/whatsapp"
)

// mostPayload bounds a payload in bytes. What is larger is sent without its data, and says so.
const mostPayload = 64 << 10

// envelope is what is posted: the form that the Standard Webhooks specification recommends.
type envelope struct {
	Type      enum.WebhookEventType `json:"type"`
	Timestamp time.Time             `json:"timestamp"`
	Test      bool                  `json:"test,omitempty"`
	Data      any                   `json:"data"`
	Errors    []string              `json:"errors,omitempty"`
}

// shapedBy puts into a payload what a selection gave; null where that is nothing.
func (e *envelope) shapedBy(s Shaped) {
	e.Data, e.Errors = nil, s.Errors
	if len(s.Data) > 0 {
		e.Data = json.RawMessage(s.Data)
	}
}

// encode writes a payload.
func (e envelope) encode() (string, error) {
	text, err := json.Marshal(e)
	if err == nil && len(text) > mostPayload {
		e.Data, e.Errors = nil, []string{fmt.Sprintf("The payload has more than %d bytes.", mostPayload)}
		text, err = json.Marshal(e)
	}
	if err != nil {
		return "", fmt.Errorf("write the payload of %s: %w", e.Type, err)
	}

	return string(text), nil
}

// messageEvent is the default data of an event of a message. Its names are those of the API.
type messageEvent struct {
	Sequence   int64              `json:"sequence"`
	Status     enum.MessageStatus `json:"status"`
	At         time.Time          `json:"at"`
	RecordedAt time.Time          `json:"recordedAt"`
	Error      *messageError      `json:"error"`
	Message    message            `json:"message"`
}

type messageError struct {
	Code   int    `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
}

type message struct {
	ID            uid.ID           `json:"id"`
	Direction     enum.Direction   `json:"direction,omitempty"`
	Type          enum.MessageType `json:"type,omitempty"`
	From          string           `json:"from,omitempty"`
	To            string           `json:"to,omitempty"`
	Text          string           `json:"text,omitempty"` // of inbound messages
	Wamid         string           `json:"wamid,omitempty"`
	Reference     string           `json:"reference,omitempty"`
	SkipReason    enum.SkipReason  `json:"skipReason,omitempty"`
	PhoneNumberID uid.ID           `json:"phoneNumberId"`
	ContactID     *uid.ID          `json:"contactId,omitempty"`
	CampaignID    *uid.ID          `json:"campaignId,omitempty"`
	TemplateID    *uid.ID          `json:"templateId,omitempty"`
}

func eventData(e delivery.Event, m message) messageEvent {
	m.ID, m.PhoneNumberID = e.Message, e.PhoneNumber
	if !e.Campaign.IsZero() {
		m.CampaignID = &e.Campaign
	}
	if !e.Template.IsZero() {
		m.TemplateID = &e.Template
	}

	data := messageEvent{Sequence: e.Sequence, Status: e.Status, At: e.At, RecordedAt: e.RecordedAt, Message: m}
	if e.ErrorCode != 0 || e.ErrorDetail != "" {
		data.Error = &messageError{e.ErrorCode, whatsapp.RuleFor(e.ErrorCode, 0, 0, false).Title, e.ErrorDetail}
	}

	return data
}

// messagesOf reads what payloads tell of messages, with one statement.
func (s *Service) messagesOf(ctx context.Context, entries []delivery.Event) (map[uid.ID]message, error) {
	ids := make([]uid.ID, len(entries))
	for i, e := range entries {
		ids[i] = e.Message
	}

	slices.SortFunc(ids, uid.Compare)
	from, args := s.DB.Rowset(nil, database.IDs("id", slices.Compact(ids)))
	rows, err := s.DB.Query(ctx, `SELECT message.id, direction, type, address, contact_id, reference, wamid, skip_reason,
		CASE WHEN direction = 'INBOUND' AND revoked_at IS NULL THEN content END FROM `+from+
		` JOIN message ON message.id = f.id`, args...)

	all, err := database.CollectMap(rows, err, func(rows *sql.Rows) (id uid.ID, m message, err error) {
		var address string
		var reference, wamid *string
		var reason *enum.SkipReason
		var content []byte
		if err := rows.Scan(&id, &m.Direction, &m.Type, &address, &m.ContactID, &reference, &wamid, &reason,
			&content); err != nil {
			return id, m, err
		}

		m.Reference, m.Wamid, m.SkipReason, m.Text = orEmpty(reference), orEmpty(wamid), orEmpty(reason), written(content)
		if m.From = address; m.Direction == enum.DirectionOutbound {
			m.From, m.To = "", address
		}

		return id, m, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read messages for webhooks: %w", err)
	}

	return all, nil
}

func orEmpty[T ~string](v *T) T {
	if v == nil {
		return ""
	}
	return *v
}

// written is the text of a content, or its file's caption.
func written(raw []byte) string {
	var content whatsapp.Message
	if len(raw) == 0 || json.Unmarshal(raw, &content) != nil {
		return ""
	}

	switch {
	case content.Text != nil:
		return content.Text.Body
	case content.Media != nil:
		return content.Media.Caption
	}

	return ""
}

// payloads makes those of entries of the log: by the endpoint's selection, or the default.
func (s *Service) payloads(ctx context.Context, e *ent.WebhookEndpoint, entries []delivery.Event) ([]string, error) {
	all := make([]envelope, len(entries))
	for i, entry := range entries {
		all[i] = envelope{Type: statuses[entry.Status], Timestamp: entry.At}
	}

	var shaped []Shaped
	says := false
	if e.Selection != nil && s.Shaper != nil {
		var err error
		if shaped, says, err = s.Shaper.Events(ctx, e, entries); err != nil {
			return nil, err
		}
	}

	if says {
		for i := range shaped {
			all[i].shapedBy(shaped[i])
		}
	} else {
		messages, err := s.messagesOf(ctx, entries)
		if err != nil {
			return nil, err
		}

		for i, entry := range entries {
			all[i].Data = eventData(entry, messages[entry.Message])
		}
	}

	texts := make([]string, len(all))
	for i, one := range all {
		var err error
		if texts[i], err = one.encode(); err != nil {
			return nil, err
		}
	}

	return texts, nil
}
