package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

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
	number, organization, err := h.receiver(ctx, m.WABAID, m.PhoneNumberID)
	if err != nil {
		return err
	}
	in, err := h.received(m, number)
	if err != nil {
		return err
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
			optOuts, err = h.Audience.RecordInbound(ctx, tx, audience.Inbound{Person: who, Text: m.Written, At: m.At, OpensWindow: opensWindow(m), Policy: organization.SendingPolicy,
				Answers: delivery.OptOut{Organization: organization.ID, Account: number.AccountID, PhoneNumber: number.ID}})
			if err != nil {
				return err
			}
		}
		return receipt.Count(ctx, tx, optOuts...)
	})
	if err != nil {
		return fmt.Errorf("receive a message: %w", err)
	}
	return nil
}

// received is an inbound message as it is stored.
func (h *Handler) received(m whatsapp.Inbound, number *ent.PhoneNumber) (delivery.Received, error) {
	stored, err := json.Marshal(content{text{m.Text}, m.ButtonPayload, m.ContextMessageID, m.Raw})
	if err != nil {
		return delivery.Received{}, fmt.Errorf("keep a message: %w", err)
	}
	kind, known := types[m.Type]
	if !known {
		kind = enum.MessageTypeUnsupported
	}
	address := addressOf(m)
	return delivery.Received{Organization: number.OrganizationID, PhoneNumber: number.ID, Account: number.AccountID, Address: address,
		Country: audience.AddressCountry(address), Type: kind, WAMID: m.WAMID, Content: stored, At: m.At}, nil
}

// addressOf is by what the sender of a message is known; empty when nothing says.
func addressOf(m whatsapp.Inbound) string {
	address := cmp.Or(audience.Address(m.From), m.FromUserID)
	if c := m.System; c != nil {
		address = cmp.Or(address, c.PreviousUserID, c.UserID)
	}
	return address
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

// opensWindow says whether a message allows free-form replies: any that the person sent does.
func opensWindow(m whatsapp.Inbound) bool {
	return m.Type != "system" && m.System == nil && m.Type != "edit" && m.Type != "revoke"
}

// consents are what the values of a preference mean.
var consents = map[whatsapp.PreferenceValue]enum.Consent{
	whatsapp.PreferenceStop: enum.ConsentOptedOut, whatsapp.PreferenceResume: enum.ConsentOptedIn, whatsapp.PreferenceSignup: enum.ConsentOptedIn,
}

// marketing is the category of preferences that consent is about.
const marketing = "marketing_messages"

// preference records that a person stopped marketing, or takes it again. What is not known changes nothing for the better; nor
// does a resumption that says not when, since it may have been told before.
func (h *Handler) preference(ctx context.Context, v *verdict, p whatsapp.Preference) error {
	number, organization, err := h.receiver(ctx, p.WABAID, p.PhoneNumberID)
	if err != nil {
		return err
	}
	consent, known := consents[p.Value]
	if !known || p.Category != marketing {
		v.add(NotUnderstood, "a preference of a value or category that is not known")
		if consent != enum.ConsentOptedOut {
			return nil
		}
	}
	if consent == enum.ConsentOptedIn && p.Undated {
		v.add(NotUnderstood, "a preference that does not say since when it holds")
		return nil
	}
	return h.Audience.RecordConsentOf(ctx, audience.Identity{Organization: organization.ID, Phone: p.WaID, UserID: p.UserID, At: p.At}, audience.Statement{
		Consent: consent, By: enum.ConsentSpeakerContact, Source: "whatsapp user_preferences", Evidence: p.Detail, SaidAt: p.At,
		Answers: &delivery.OptOut{Organization: organization.ID, Account: number.AccountID, PhoneNumber: number.ID},
	})
}

// echo stores what the business itself wrote in the WhatsApp Business app.
func (h *Handler) echo(ctx context.Context, e whatsapp.Echo) error {
	number, organization, err := h.receiver(ctx, e.WABAID, e.PhoneNumberID)
	if err != nil {
		return err
	}
	address := cmp.Or(audience.Address(e.To), e.ToUserID)
	stored, err := json.Marshal(content{Text: text{e.Text}, Message: e.Raw})
	if err != nil {
		return fmt.Errorf("keep an echo: %w", err)
	}
	kind, known := types[e.Type]
	if !known {
		kind = enum.MessageTypeUnsupported
	}
	err = h.DB.InTx(ctx, func(tx *database.Tx) error {
		people, err := h.Audience.Identify(ctx, tx, audience.Identity{Organization: organization.ID, Phone: e.To, UserID: e.ToUserID, At: e.At})
		if err != nil {
			return err
		}
		var contact uid.ID
		if people[0].Contact != nil {
			contact = people[0].ID
		}
		_, err = h.Queue.NoteEchoInTx(ctx, tx, delivery.Echo{Organization: organization.ID, PhoneNumber: number.ID, Account: number.AccountID, Contact: contact,
			Address: address, Country: audience.AddressCountry(address), Type: kind, WAMID: e.WAMID, Content: stored, At: e.At})
		return err
	})
	if err != nil {
		return fmt.Errorf("note an echo: %w", err)
	}
	return nil
}

func (h *Handler) receiver(ctx context.Context, waba, metaNumber string) (*ent.PhoneNumber, *ent.Organization, error) {
	to, err := h.Accounts.ReceiverOf(ctx, waba, metaNumber)
	if err != nil {
		return nil, nil, err
	}
	number := to.PhoneNumber
	organization, err := h.DB.Client.Organization.Get(ctx, number.OrganizationID)
	if err != nil {
		return nil, nil, fmt.Errorf("read organization: %w", err)
	}
	return number, organization, nil
}
