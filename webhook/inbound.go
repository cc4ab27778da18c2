package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"carillon/audience"
	"carillon/delivery"
	"carillon/ent"
	"carillon/enum"
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
	if m.WAMID == "" || m.From == "" && m.FromUserID == "" {
		return nil // nothing that could be answered or told apart
	}
	at := m.At
	if at.IsZero() {
		at = h.Now()
	}
	who, err := h.Audience.Hear(ctx, organization.ID, audience.Heard{Phone: m.From, UserID: m.FromUserID, Name: m.ProfileName, Text: m.Text, At: at}, organization.SendingPolicy)
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

// preference notes that a person stopped marketing, or takes it again.
func (h *Handler) preference(ctx context.Context, p whatsapp.Preference) error {
	_, organization, err := h.receiver(ctx, p.PhoneNumberID)
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
	if err != nil || who.IsZero() {
		return err
	}
	return h.Audience.Learn(ctx, organization.ID, who, "", consent, "whatsapp user_preferences", p.Detail, at)
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
