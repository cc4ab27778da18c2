package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"carillon/audience"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/message"
	"carillon/enum"
	"carillon/fault"
	"carillon/uid"
	"carillon/whatsapp"
)

// types are Meta's kinds of inbound messages in the API's words. What is not here is UNSUPPORTED, and kept with its content.
var types = map[string]enum.MessageType{
	"text": enum.MessageTypeText, "image": enum.MessageTypeImage, "video": enum.MessageTypeVideo, "audio": enum.MessageTypeAudio, "voice": enum.MessageTypeAudio,
	"document": enum.MessageTypeDocument, "sticker": enum.MessageTypeSticker, "location": enum.MessageTypeLocation, "contacts": enum.MessageTypeContacts,
	"interactive": enum.MessageTypeInteractive, "button": enum.MessageTypeButton, "reaction": enum.MessageTypeReaction, "order": enum.MessageTypeOrder, "system": enum.MessageTypeSystem,
}

// content is how an inbound message is stored: its text as an outgoing one's, and the whole of it as Meta sent it.
type content struct {
	Text    text            `json:"text"`
	Button  string          `json:"buttonPayload,omitempty"`
	Context string          `json:"contextMessageId,omitempty"`
	Message json.RawMessage `json:"message"`
}

type text struct {
	Body string `json:"body"`
}

// inbound stores what somebody wrote, with the contact that it makes or renews. The contact comes first: when the process dies
// in between, Meta tells it again.
func (h *Handler) inbound(ctx context.Context, m whatsapp.Inbound) error {
	number, organization, err := h.receiver(ctx, m.PhoneNumberID)
	if err != nil {
		return err
	}
	if m.From == "" && m.FromUserID == "" {
		h.note(ctx, "message_from_nobody", slog.LevelWarn, "wamid", m.WAMID) // nothing that could be answered
		return nil
	}
	at := m.At
	if at.IsZero() {
		at = h.Now()
	}
	who, err := h.sender(ctx, m, at, number, organization)
	if err != nil {
		return err
	}
	stored, err := json.Marshal(content{text{m.Text}, m.ButtonPayload, m.ContextMessageID, m.Raw})
	if err != nil {
		return fmt.Errorf("keep message %s: %w", m.WAMID, err)
	}
	kind, known := types[m.Type]
	if !known {
		kind = enum.MessageTypeUnsupported
	}
	address, country := m.FromUserID, ""
	if m.From != "" {
		address = "+" + strings.TrimPrefix(m.From, "+")
		_, country, _ = audience.Phone(address, "")
	}
	_, err = h.Queue.Receive(ctx, delivery.Received{Organization: organization.ID, PhoneNumber: number.ID, Account: number.AccountID, Contact: who,
		Address: address, Country: country, Type: kind, WAMID: m.WAMID, Content: stored, At: at})
	return err
}

// sender is the contact that a message comes from, made or renewed.
func (h *Handler) sender(ctx context.Context, m whatsapp.Inbound, at time.Time, number *ent.PhoneNumber, organization *ent.Organization) (uid.ID, error) {
	if c := m.System; c != nil && c.Kind == whatsapp.ChangedNumber && c.WaID != "" { // not of their own writing
		told, err := h.DB.Client.Message.Query().Where(message.PhoneNumberID(number.ID), message.Wamid(m.WAMID)).Exist(ctx)
		if err != nil {
			return uid.ID{}, fmt.Errorf("look for message %s: %w", m.WAMID, err)
		}
		if told { // by now the numbers may be others', and the message is not stored again
			return uid.ID{}, nil
		}
		return h.Audience.Renumber(ctx, organization.ID, audience.Renumbered{From: m.From, FromUserID: cmp.Or(c.PreviousUserID, m.FromUserID), To: c.WaID, ToUserID: c.UserID, At: at})
	}
	return h.Audience.Hear(ctx, organization.ID, audience.Heard{Phone: m.From, UserID: m.FromUserID, Name: m.ProfileName, Text: m.Text, At: at,
		OptedOut: delivery.OptOut{Organization: organization.ID, Account: number.AccountID, PhoneNumber: number.ID, At: at}.Count}, organization.SendingPolicy)
}

// preference notes that a person stopped marketing, or takes it again.
func (h *Handler) preference(ctx context.Context, p whatsapp.Preference) error {
	number, organization, err := h.receiver(ctx, p.PhoneNumberID)
	if err != nil {
		return err
	}
	consent := enum.ConsentOptedIn
	if p.Value == whatsapp.PreferenceStop {
		consent = enum.ConsentOptedOut
	}
	address := p.UserID
	if p.WaID != "" {
		address = "+" + strings.TrimPrefix(p.WaID, "+")
	}
	at := p.At
	if at.IsZero() {
		at = h.Now()
	}
	who, err := h.Audience.Known(ctx, organization.ID, address)
	if err != nil {
		return err
	}
	if who.IsZero() {
		return fault.Missing("contact")
	}
	return h.Audience.Learn(ctx, organization.ID, audience.Lesson{
		Contact: who, Consent: consent, Source: "whatsapp user_preferences", Evidence: p.Detail, At: at,
		OptedOut: delivery.OptOut{Organization: organization.ID, Account: number.AccountID, PhoneNumber: number.ID, At: at}.Count,
	})
}

// echo stores what the business itself wrote in the WhatsApp Business app.
func (h *Handler) echo(ctx context.Context, e whatsapp.Echo) error {
	number, organization, err := h.receiver(ctx, e.PhoneNumberID)
	if err != nil {
		return err
	}
	address, country := e.ToUserID, ""
	if e.To != "" {
		address = "+" + strings.TrimPrefix(e.To, "+")
		_, country, _ = audience.Phone(address, "")
	}
	if address == "" {
		h.note(ctx, "echo_to_nobody", slog.LevelWarn, "wamid", e.WAMID)
		return nil
	}
	who, err := h.Audience.Known(ctx, organization.ID, address)
	if err != nil {
		return err
	}
	stored, err := json.Marshal(content{Text: text{e.Text}, Message: e.Raw})
	if err != nil {
		return fmt.Errorf("keep echo %s: %w", e.WAMID, err)
	}
	kind, known := types[e.Type]
	if !known {
		kind = enum.MessageTypeUnsupported
	}
	at := e.At
	if at.IsZero() {
		at = h.Now()
	}
	_, err = h.Queue.NoteEcho(ctx, delivery.Echo{Organization: organization.ID, PhoneNumber: number.ID, Account: number.AccountID, Contact: who,
		Address: address, Country: country, Type: kind, WAMID: e.WAMID, Content: stored, At: at})
	return err
}

func (h *Handler) receiver(ctx context.Context, metaNumber string) (*ent.PhoneNumber, *ent.Organization, error) {
	number, err := h.Accounts.ByMetaNumber(ctx, metaNumber)
	if err != nil {
		return nil, nil, err
	}
	organization, err := h.DB.Client.Organization.Get(ctx, number.OrganizationID)
	if err != nil {
		return nil, nil, fmt.Errorf("read organization: %w", err)
	}
	return number, organization, nil
}
