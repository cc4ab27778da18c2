package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"carillon/audience"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/message"
	"carillon/enum"
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

// inbound stores what somebody wrote, with the contact that it makes or renews, in one transaction.
func (h *Handler) inbound(ctx context.Context, m whatsapp.Inbound) error {
	number, organization, err := h.receiver(ctx, m.PhoneNumberID)
	if err != nil {
		return err
	}
	in, err := h.received(m, number)
	if err != nil {
		return err
	}
	if in.Address == "" {
		h.note(ctx, "message_from_nobody", slog.LevelWarn, "wamid", m.WAMID) // nothing that could be answered
		return nil
	}
	err = h.DB.InTx(ctx, func(tx *database.Tx) error {
		who, err := h.sender(ctx, tx, m, in)
		if err != nil {
			return err
		}
		if who.Contact != nil {
			in.Contact = who.ID
		}
		receipt, err := h.Queue.ReceiveInTx(ctx, tx, in)
		if err != nil {
			return err
		}
		var optOuts []delivery.OptOut
		if !receipt.IDs[0].IsZero() { // what is told again has had its effects
			optOuts, err = h.Audience.RecordInbound(ctx, tx, audience.Inbound{Person: who, Text: written(m), At: m.At, OpensWindow: opensWindow(m), Policy: organization.SendingPolicy,
				Answers: delivery.OptOut{Organization: organization.ID, Account: number.AccountID, PhoneNumber: number.ID}})
			if err != nil {
				return err
			}
		}
		return receipt.Count(ctx, tx, optOuts...)
	})
	if err != nil {
		return fmt.Errorf("receive message %s: %w", m.WAMID, err)
	}
	return nil
}

// received is an inbound message as it is stored. It has no address when nothing says who wrote.
func (h *Handler) received(m whatsapp.Inbound, number *ent.PhoneNumber) (delivery.Received, error) {
	stored, err := json.Marshal(content{text{m.Text}, m.ButtonPayload, m.ContextMessageID, m.Raw})
	if err != nil {
		return delivery.Received{}, fmt.Errorf("keep message %s: %w", m.WAMID, err)
	}
	kind, known := types[m.Type]
	if !known {
		kind = enum.MessageTypeUnsupported
	}
	address := cmp.Or(audience.Address(m.From), m.FromUserID)
	if c := m.System; c != nil {
		address = cmp.Or(address, c.PreviousUserID, c.UserID)
	}
	return delivery.Received{Organization: number.OrganizationID, PhoneNumber: number.ID, Account: number.AccountID, Address: address,
		Country: audience.AddressCountry(address), Type: kind, WAMID: m.WAMID, Content: stored, At: or(m.At, h.Now())}, nil
}

// sender is who an inbound message is from.
func (h *Handler) sender(ctx context.Context, tx *database.Tx, m whatsapp.Inbound, in delivery.Received) (audience.Person, error) {
	who := audience.Identity{Organization: in.Organization, Phone: m.From, UserID: m.FromUserID, Username: m.Username, Name: m.ProfileName, At: in.At, Make: audience.MakeContact}
	if m.Type == "system" || m.System != nil { // by WhatsApp, and not of their own writing
		who.Make = audience.MakeNothing
		if c := m.System; c != nil && (c.Kind == whatsapp.ChangedNumber || c.Kind == whatsapp.ChangedUserID) {
			return h.renumbered(ctx, tx, m, in)
		}
	}
	if m.GroupID == "" && m.ContextMessageID != "" {
		if err := quoted(ctx, tx, in.PhoneNumber, m.ContextMessageID, &who); err != nil {
			return audience.Person{}, err
		}
	}
	people, err := h.Audience.Identify(ctx, tx, who)
	if err != nil {
		return audience.Person{}, err
	}
	return people[0], nil
}

// renumbered follows a person to another number or user id.
func (h *Handler) renumbered(ctx context.Context, tx *database.Tx, m whatsapp.Inbound, in delivery.Received) (audience.Person, error) {
	told, err := tx.Client.Message.Query().Where(message.PhoneNumberID(in.PhoneNumber), message.Wamid(m.WAMID)).Exist(ctx)
	if err != nil || told { // by now the numbers may be others', and the message is not stored again
		return audience.Person{}, err
	}
	c := m.System
	return h.Audience.Renumber(ctx, tx, audience.Renumbered{Organization: in.Organization, From: m.From, FromUserID: cmp.Or(c.PreviousUserID, m.FromUserID),
		To: c.WaID, ToUserID: c.UserID, At: in.At})
}

// quoted adds whom a message of ours went to that somebody answers: they are the same person, under
// whatever number they answer. It is for chats of two people alone.
func quoted(ctx context.Context, tx *database.Tx, number uid.ID, wamid string, who *audience.Identity) error {
	m, err := tx.Client.Message.Query().Where(message.PhoneNumberID(number), message.Wamid(wamid), message.DirectionEQ(enum.DirectionOutbound)).First(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look for the message that is answered: %w", err)
	case m.ContactID != nil:
		who.Contact = *m.ContactID
	default:
		who.Others = append(who.Others, m.Address)
	}
	return nil
}

// written is what a person wrote or pressed: a text, a caption, or the label of a button or of a
// list's entry. Names of places and people, orders, reactions and WhatsApp's own texts are not.
func written(m whatsapp.Inbound) string {
	switch m.Type {
	case "text", "image", "video", "audio", "voice", "document", "sticker", "button", "interactive", "edit":
		return m.Text
	}
	return ""
}

// opensWindow says whether a message allows free-form replies: any that the person sent does.
func opensWindow(m whatsapp.Inbound) bool {
	return m.Type != "system" && m.System == nil && m.Type != "edit" && m.Type != "revoke"
}

// or is a time, or another one where it is not known.
func or(at, otherwise time.Time) time.Time {
	if at.IsZero() {
		return otherwise
	}
	return at
}

// preference records that a person stopped marketing, or takes it again. What is not known changes
// nothing for the better.
func (h *Handler) preference(ctx context.Context, p whatsapp.Preference) error {
	number, organization, err := h.receiver(ctx, p.PhoneNumberID)
	if err != nil {
		return err
	}
	consent := enum.ConsentOptedOut
	switch {
	case p.Value == whatsapp.PreferenceStop:
	case (p.Value == whatsapp.PreferenceResume || p.Value == whatsapp.PreferenceSignup) && p.Category == "marketing_messages":
		consent = enum.ConsentOptedIn
	default:
		h.note(ctx, "preference_"+string(p.Value), slog.LevelWarn, "category", p.Category)
		return nil
	}
	return h.Audience.RecordConsentOf(ctx, audience.Identity{Organization: organization.ID, Phone: p.WaID, UserID: p.UserID, At: p.At}, audience.Statement{
		Consent: consent, By: enum.ConsentSpeakerContact, Source: "whatsapp user_preferences", Evidence: p.Detail, SaidAt: p.At,
		Answers: &delivery.OptOut{Organization: organization.ID, Account: number.AccountID, PhoneNumber: number.ID},
	})
}

// echo stores what the business itself wrote in the WhatsApp Business app.
func (h *Handler) echo(ctx context.Context, e whatsapp.Echo) error {
	number, organization, err := h.receiver(ctx, e.PhoneNumberID)
	if err != nil {
		return err
	}
	address := cmp.Or(audience.Address(e.To), e.ToUserID)
	if address == "" {
		h.note(ctx, "echo_to_nobody", slog.LevelWarn, "wamid", e.WAMID)
		return nil
	}
	stored, err := json.Marshal(content{Text: text{e.Text}, Message: e.Raw})
	if err != nil {
		return fmt.Errorf("keep echo %s: %w", e.WAMID, err)
	}
	kind, known := types[e.Type]
	if !known {
		kind = enum.MessageTypeUnsupported
	}
	at := or(e.At, h.Now())
	err = h.DB.InTx(ctx, func(tx *database.Tx) error {
		people, err := h.Audience.Identify(ctx, tx, audience.Identity{Organization: organization.ID, Phone: e.To, UserID: e.ToUserID, At: at})
		if err != nil {
			return err
		}
		var contact uid.ID
		if people[0].Contact != nil {
			contact = people[0].ID
		}
		_, err = h.Queue.NoteEchoInTx(ctx, tx, delivery.Echo{Organization: organization.ID, PhoneNumber: number.ID, Account: number.AccountID, Contact: contact,
			Address: address, Country: audience.AddressCountry(address), Type: kind, WAMID: e.WAMID, Content: stored, At: at})
		return err
	})
	if err != nil {
		return fmt.Errorf("note echo %s: %w", e.WAMID, err)
	}
	return nil
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
