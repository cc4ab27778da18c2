package metawebhook

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"carillon/account"
	"carillon/audience"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/ent/organization"
	"carillon/uid"
	"carillon/whatsapp"
)

// types are Meta's kinds of inbound messages in the API's words. What is not here is UNSUPPORTED,
// and kept with its content.
var types = map[string]enum.MessageType{
	"text": enum.MessageTypeText, "image": enum.MessageTypeImage, "video": enum.MessageTypeVideo,
	"audio": enum.MessageTypeAudio, "voice": enum.MessageTypeAudio,
	"document": enum.MessageTypeDocument, "sticker": enum.MessageTypeSticker, "location": enum.MessageTypeLocation,
	"contacts":    enum.MessageTypeContacts,
	"interactive": enum.MessageTypeInteractive, "button": enum.MessageTypeButton, "reaction": enum.MessageTypeReaction,
	"order": enum.MessageTypeOrder, "system": enum.MessageTypeSystem,
}

// content is how an inbound message is stored: its text as an outgoing one's, and the whole of it
// as Meta sent it.
type content struct {
	Text    text            `json:"text"`
	Button  string          `json:"buttonPayload,omitempty"`
	Context string          `json:"contextMessageId,omitempty"`
	Group   string          `json:"groupId,omitempty"`
	Standby bool            `json:"standby,omitempty"`
	Edit    string          `json:"edit,omitempty"` // the wamid of the edit that it is from
	Message json.RawMessage `json:"message,omitempty"`
}

type text struct {
	Body string `json:"body"`
}

// arrival is a message that came to one of our numbers.
type arrival struct {
	m     whatsapp.Inbound
	to    account.Receiver
	in    delivery.Received
	fresh bool // it is new, once it is committed
	over  bool // it is dropped: its person was erased
}

func (h *Handler) arrival(ctx context.Context, m whatsapp.Inbound) (*arrival, error) {
	to, err := h.Accounts.ReceiverOf(ctx, m.WABAID, m.PhoneNumberID)
	if err != nil {
		return nil, err
	}

	in, err := h.received(m, to.PhoneNumber)

	return &arrival{m: m, to: to, in: in}, err
}

// inbound commits what people wrote. Messages share commits with those of other posts; what changes
// a person or an earlier message has a transaction of its own, after them.
func (h *Handler) inbound(ctx context.Context, v *verdict, messages []whatsapp.Inbound) error {
	var together, alone []*arrival
	for _, m := range messages {
		if addressOf(m) == "" {
			v.add(Nobody, "a message without a sender")
			continue
		}

		err := h.one(ctx, v, UnknownNumber, func() error {
			a, err := h.arrival(ctx, m)
			switch {
			case err != nil:
			case m.Change != nil || renumbers(m):
				alone = append(alone, a)
			default:
				together = append(together, a)
			}

			return err
		})
		if err != nil {
			return err
		}
	}

	err := all(ctx, h, v, together, func(list []*arrival) error { return h.arrivals.do(ctx, list) })
	if err != nil {
		return err
	}

	if alone, err = h.unerased(ctx, alone); err != nil {
		return err
	}

	for _, a := range append(together, alone...) {
		if a.over {
			continue
		}
		if err := h.one(ctx, v, NotStored, func() error { return h.holder(ctx, a) }); err != nil {
			return err
		}
	}

	for _, a := range alone {
		err := h.one(ctx, v, NotStored, func() error {
			if a.m.Change != nil {
				return h.changed(ctx, v, a)
			}
			return h.store(ctx, []*arrival{a})
		})
		if err != nil {
			return err
		}
	}

	var fresh []string
	for _, a := range together {
		if a.fresh {
			fresh = append(fresh, a.m.WAMID)
		}
	}

	h.awaited(ctx, fresh...)

	return nil
}

// store stores messages, with the contacts that they make or renew, in one transaction.
func (h *Handler) store(ctx context.Context, list []*arrival) error {
	policies, erases, err := h.policies(ctx, list)
	if err != nil {
		return err
	}

	if erases {
		if list, err = h.living(ctx, list); err != nil || len(list) == 0 {
			return err
		}
	}

	var receipt *delivery.Receipt
	err = h.DB.InTx(ctx, func(tx *database.Tx) error {
		people, err := h.senders(ctx, tx, list)
		if err != nil {
			return err
		}

		messages := make([]delivery.Received, len(list))
		for i, a := range list {
			messages[i] = a.in
			if people[i].Contact != nil {
				messages[i].Contact = people[i].ID
			}
		}

		if receipt, err = h.Queue.ReceiveInTx(ctx, tx, messages...); err != nil {
			return err
		}

		var said []audience.Inbound
		for i, a := range list {
			if receipt.IDs[i].IsZero() {
				continue // what is told again has had its effects
			}

			said = append(said, a.said(people[i], opensWindow(a.m), policies[a.in.Organization]))
		}

		optOuts, err := h.Audience.RecordInbound(ctx, tx, said...)
		if err != nil {
			return err
		}

		return receipt.Count(ctx, tx, optOuts...)
	})
	if err != nil {
		return fmt.Errorf("receive %d messages: %w", len(list), err)
	}

	for i, a := range list {
		a.fresh = !receipt.IDs[i].IsZero()
	}

	return nil
}

// said is what a message means for its sender.
func (a *arrival) said(who audience.Person, opensWindow bool, policy jsonfield.SendingPolicy) audience.Inbound {
	return audience.Inbound{Person: who, Text: a.m.Written, At: a.m.At, OpensWindow: opensWindow, Policy: policy,
		Answers: delivery.OptOut{Organization: a.in.Organization, Account: a.in.Account, PhoneNumber: a.in.PhoneNumber}}
}

// policies are the sending policies of the organizations that messages came to; erases says that
// one of them has erased somebody.
func (h *Handler) policies(ctx context.Context, list []*arrival) (policies map[uid.ID]jsonfield.SendingPolicy,
	erases bool, err error) {
	policies = map[uid.ID]jsonfield.SendingPolicy{}
	for _, a := range list {
		policies[a.in.Organization] = jsonfield.SendingPolicy{}
	}

	organizations, err := h.DB.Client.Organization.Query().
		Where(organization.IDIn(slices.Collect(maps.Keys(policies))...)).All(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("read organizations: %w", err)
	}

	for _, o := range organizations {
		policies[o.ID], erases = o.SendingPolicy, erases || o.ErasureKey != nil
	}

	return policies, erases, nil
}

// changed applies an edit or a revocation. Where the message is not here, the payload waits for it.
// Words that are written into a message later count like others; the service window stays as it is.
func (h *Handler) changed(ctx context.Context, v *verdict, a *arrival) error {
	policies, _, err := h.policies(ctx, []*arrival{a})
	if err != nil {
		return err
	}

	found := false
	err = h.DB.InTx(ctx, func(tx *database.Tx) error {
		people, err := h.Audience.Identify(ctx, tx,
			audience.Identity{Organization: a.in.Organization, Phone: a.m.From, UserID: a.m.FromUserID,
				Username: a.m.Username, Name: a.m.ProfileName, At: a.m.At, Make: audience.MakeStranger})
		if err != nil {
			return err
		}

		optOuts, err := h.Audience.RecordInbound(ctx, tx, a.said(people[0], false, policies[a.in.Organization]))
		if err != nil {
			return err
		}

		found, err = h.amend(ctx, tx, a.m.Change,
			amendment{number(a.m.PhoneNumberID, a.to), enum.DirectionInbound, a.m.WAMID, a.m.At}, optOuts...)

		return err
	})
	if err != nil {
		return fmt.Errorf("change a message: %w", err)
	}

	v.wait(found, a.m.Change.Original)

	return nil
}

// wait has the payload wait for a message that it changes.
func (v *verdict) wait(found bool, original string) {
	if found {
		return
	}

	v.add(UnknownMessage, "a change of a message that is not here")
	if v.again = true; v.waits == "" {
		v.waits = original
	}
}

// amendment is where and when a message was changed, and by which one.
type amendment struct {
	number    delivery.Number
	direction enum.Direction
	wamid     string
	at        time.Time
}

func (h *Handler) amend(ctx context.Context, tx *database.Tx, c *whatsapp.Change, by amendment,
	optOuts ...delivery.OptOut) (found bool, err error) {
	stored, err := json.Marshal(content{Text: text{c.Text}, Edit: by.wamid, Message: c.Raw})
	if err != nil {
		return false, fmt.Errorf("keep an edit: %w", err)
	}

	return h.Queue.AmendInTx(ctx, tx, delivery.Amendment{Number: by.number, Direction: by.direction,
		Original: c.Original, Revoked: c.Revoked, Content: stored, At: by.at}, optOuts...)
}

func number(metaID string, to account.Receiver) delivery.Number {
	return delivery.Number{MetaID: metaID, Rows: to.Rows}
}

// call opens the service window of a person who called, or took our call.
func (h *Handler) call(ctx context.Context, c whatsapp.Call) error {
	to, err := h.Accounts.ReceiverOf(ctx, c.WABAID, c.PhoneNumberID)
	if err != nil {
		return err
	}

	return h.DB.InTx(ctx, func(tx *database.Tx) error {
		people, err := h.Audience.Identify(ctx, tx, audience.Identity{Organization: to.PhoneNumber.OrganizationID,
			Phone: c.From, UserID: c.FromUserID, At: c.At, Make: audience.MakeContact})
		if err != nil {
			return err
		}

		if people[0].ID.IsZero() { // they were erased after the call
			return nil
		}

		_, err = h.Audience.RecordInbound(ctx, tx, audience.Inbound{Person: people[0], At: c.At, OpensWindow: true})

		return err
	})
}

// received is an inbound message as it is stored.
func (h *Handler) received(m whatsapp.Inbound, number *ent.PhoneNumber) (delivery.Received, error) {
	stored, err := json.Marshal(content{Text: text{m.Text}, Button: m.ButtonPayload, Context: m.ContextMessageID,
		Group: m.GroupID, Standby: m.Standby, Message: m.Raw})
	if err != nil {
		return delivery.Received{}, fmt.Errorf("keep a message: %w", err)
	}

	kind, known := types[m.Type]
	if !known {
		kind = enum.MessageTypeUnsupported
	}

	address := addressOf(m)

	return delivery.Received{Organization: number.OrganizationID, PhoneNumber: number.ID, Account: number.AccountID,
		Address: address,
		Country: audience.AddressCountry(address), Type: kind, WAMID: m.WAMID, Content: stored, At: m.At,
		Quotes: m.ContextMessageID, Reply: chosen(m.Choice), Writes: opensWindow(m) && m.GroupID == ""}, nil
}

// chosen is what a person chose, as it is stored.
func chosen(c *whatsapp.Choice) *jsonfield.Reply {
	if c == nil {
		return nil
	}
	return &jsonfield.Reply{ID: c.ID, Title: c.Title, Payload: c.Payload}
}

// addressOf is by what the sender of a message is known; empty when nothing says.
func addressOf(m whatsapp.Inbound) string {
	address := cmp.Or(audience.Address(m.From), m.FromUserID)
	if c := m.System; c != nil {
		address = cmp.Or(address, c.PreviousUserID, c.UserID)
	}

	return address
}

// senders are whom messages are from, in their order.
func (h *Handler) senders(ctx context.Context, tx *database.Tx, list []*arrival) ([]audience.Person, error) {
	if len(list) == 1 && renumbers(list[0].m) {
		who, err := h.renumbered(ctx, tx, list[0].m, list[0].in)
		return []audience.Person{who}, err
	}

	identities := make([]audience.Identity, len(list))
	for i, a := range list {
		identities[i] = audience.Identity{Organization: a.in.Organization, Phone: a.m.From, UserID: a.m.FromUserID,
			Username: a.m.Username, Name: a.m.ProfileName, At: a.in.At, Make: audience.MakeContact}
		if a.m.Type == "system" || a.m.System != nil { // by WhatsApp, and not of their own writing
			identities[i].Make = audience.MakeNothing
		} else if a.m.GroupID == "" && a.m.ContextMessageID != "" {
			if err := quoted(ctx, tx, a.in.PhoneNumber, a.m.ContextMessageID, &identities[i]); err != nil {
				return nil, err
			}
		}
	}

	return h.Audience.Identify(ctx, tx, identities...)
}

// renumbers reports whether a message says that a person has another number or user id now.
func renumbers(m whatsapp.Inbound) bool {
	return m.System != nil && (m.System.Kind == whatsapp.ChangedNumber || m.System.Kind == whatsapp.ChangedUserID)
}

// renumbered follows a person to another number or user id.
func (h *Handler) renumbered(ctx context.Context, tx *database.Tx, m whatsapp.Inbound,
	in delivery.Received) (audience.Person, error) {
	told, err := tx.Client.Message.Query().Where(message.PhoneNumberID(in.PhoneNumber), message.Wamid(m.WAMID)).Exist(ctx)
	if err != nil || told { // by now the numbers may be others', and the message is not stored again
		return audience.Person{}, err
	}

	c := m.System

	return h.Audience.Renumber(ctx, tx, audience.Renumbered{Organization: in.Organization, From: m.From,
		FromUserID: cmp.Or(c.PreviousUserID, m.FromUserID),
		To:         c.WaID, ToUserID: c.UserID, At: in.At})
}

// quoted adds whom a message of ours went to that somebody answers: they are the same person, under
// whatever number they answer. It is for chats of two people alone.
func quoted(ctx context.Context, tx *database.Tx, number uid.ID, wamid string, who *audience.Identity) error {
	m, err := tx.Client.Message.Query().Where(message.PhoneNumberID(number), message.Wamid(wamid),
		message.DirectionEQ(enum.DirectionOutbound)).First(ctx)
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
	whatsapp.PreferenceStop: enum.ConsentOptedOut, whatsapp.PreferenceResume: enum.ConsentOptedIn,
	whatsapp.PreferenceSignup: enum.ConsentOptedIn,
}

// marketing is the category of preferences that consent is about.
const marketing = "marketing_messages"

// preference records that a person stopped marketing, or takes it again. What is not known changes
// nothing for the better; nor does a resumption that says not when, since it may have been told
// before.
func (h *Handler) preference(ctx context.Context, v *verdict, p whatsapp.Preference) error {
	to, err := h.Accounts.ReceiverOf(ctx, p.WABAID, p.PhoneNumberID)
	if err != nil {
		return err
	}

	number := to.PhoneNumber
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

	return h.Audience.RecordConsentOf(ctx, audience.Identity{Organization: number.OrganizationID, Phone: p.WaID,
		UserID: p.UserID, At: p.At}, audience.Statement{
		Consent: consent, By: enum.ConsentSpeakerContact, Source: "whatsapp user_preferences", Evidence: p.Detail,
		SaidAt:  p.At,
		Answers: &delivery.OptOut{Organization: number.OrganizationID, Account: number.AccountID, PhoneNumber: number.ID},
	})
}

// echo stores what the business itself wrote in the WhatsApp Business app.
func (h *Handler) echo(ctx context.Context, v *verdict, e whatsapp.Echo) error {
	to, err := h.Accounts.ReceiverOf(ctx, e.WABAID, e.PhoneNumberID)
	if err != nil {
		return err
	}

	if e.Change != nil {
		over, err := h.isOver(ctx, to.PhoneNumber.OrganizationID, e.At, false, e.To, e.ToUserID)
		if err != nil || over {
			return err
		}

		found := false
		err = h.DB.InTx(ctx, func(tx *database.Tx) (err error) {
			found, err = h.amend(ctx, tx, e.Change,
				amendment{number(e.PhoneNumberID, to), enum.DirectionOutbound, e.WAMID, e.At})
			return err
		})

		v.wait(found || err != nil, e.Change.Original)

		return err
	}

	from := to.PhoneNumber
	address := cmp.Or(audience.Address(e.To), e.ToUserID)
	over, err := h.isOver(ctx, from.OrganizationID, e.At, true, address, e.ToUserID)
	if err != nil || over {
		return err
	}

	if e.Standby {
		err := h.Accounts.NoteThread(ctx, account.Thread{PhoneNumber: from, Address: address, At: e.At})
		if err != nil {
			return err
		}
	}

	stored, err := json.Marshal(content{Text: text{e.Text}, Standby: e.Standby, Message: e.Raw})
	if err != nil {
		return fmt.Errorf("keep an echo: %w", err)
	}

	kind, known := types[e.Type]
	if !known {
		kind = enum.MessageTypeUnsupported
	}

	fresh := false
	err = h.DB.InTx(ctx, func(tx *database.Tx) error {
		people, err := h.Audience.Identify(ctx, tx,
			audience.Identity{Organization: from.OrganizationID, Phone: e.To, UserID: e.ToUserID, At: e.At})
		if err != nil {
			return err
		}

		var contact uid.ID
		if people[0].Contact != nil {
			contact = people[0].ID
		}

		fresh, err = h.Queue.NoteEchoInTx(ctx, tx,
			delivery.Echo{Organization: from.OrganizationID, PhoneNumber: from.ID, Account: from.AccountID, Contact: contact,
				Address: address, Country: audience.AddressCountry(address), Type: kind, WAMID: e.WAMID, Content: stored, At: e.At})

		return err
	})
	if err != nil {
		return fmt.Errorf("note an echo: %w", err)
	}
	if fresh {
		h.awaited(ctx, e.WAMID)
	}

	return nil
}
