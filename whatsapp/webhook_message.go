package whatsapp

import (
	"bytes"
	"encoding/json"
)

func (r *receipt) status(wabaID, phoneNumberID string) (Status, bool) {
	if r.ID == "" || r.Status == "" {
		return Status{}, false
	}
	status := Status{
		WABAID: wabaID, PhoneNumberID: phoneNumberID, WAMID: r.ID, Status: statusKind(r.Status), At: unixTime(r.Timestamp),
		RecipientID: r.RecipientID, RecipientUserID: r.RecipientUserID, ParticipantID: r.ParticipantID, CallbackData: r.CallbackData,
	}
	if r.Pricing != nil {
		status.Pricing = &Pricing{r.Pricing.Billable, r.Pricing.Model, r.Pricing.Type, r.Pricing.Category}
	}
	if r.Conversation != nil {
		status.ConversationID = r.Conversation.ID
	}
	if len(r.Errors) > 0 {
		status.Errors = statusErrors(r.Errors)
	}
	return status, true
}

func statusKind(status string) StatusKind {
	switch kind := StatusKind(status); kind {
	case StatusSent, StatusDelivered, StatusRead, StatusPlayed, StatusFailed, StatusDeleted, StatusWarning:
		return kind
	}
	return StatusOther
}

func statusErrors(raw json.RawMessage) []StatusError {
	var errs []StatusError
	for _, element := range list(raw) {
		var wire struct {
			Code    number          `json:"code"`
			Title   loose           `json:"title"`
			Message loose           `json:"message"`
			Details loose           `json:"details"` // where older payloads have it
			Data    json.RawMessage `json:"error_data"`
		}
		if !decode(element, &wire) {
			continue
		}
		details := errorDetails(wire.Data)
		if details == "" {
			details = string(wire.Details)
		}
		errs = append(errs, StatusError{int(wire.Code), string(wire.Title), string(wire.Message), details})
	}
	return errs
}

// messagesValue is the value of the field messages, with its elements still raw.
type messagesValue struct {
	Metadata metadata        `json:"metadata"`
	Contacts json.RawMessage `json:"contacts"`
	Messages json.RawMessage `json:"messages"`
	Statuses json.RawMessage `json:"statuses"`
	Echoes   json.RawMessage `json:"message_echoes"`
	Errors   json.RawMessage `json:"errors"`
}

func (w *Webhook) messages(from origin, value json.RawMessage) bool {
	var wire messagesValue
	if !decode(value, &wire) {
		return false
	}
	from.phoneNumberID = string(wire.Metadata.PhoneNumberID)
	return w.conversation(from, wire, false)
}

// standby is messages one level deeper: another agent holds the conversation.
func (w *Webhook) standby(from origin, value json.RawMessage) bool {
	var wire struct {
		Metadata metadata      `json:"metadata"`
		Standby  messagesValue `json:"standby"`
	}
	if !decode(value, &wire) {
		return false
	}
	from.phoneNumberID = string(wire.Metadata.PhoneNumberID)
	return w.conversation(from, wire.Standby, true)
}

func (w *Webhook) conversation(from origin, wire messagesValue, standby bool) bool {
	people := readPeople(wire.Contacts)
	statuses, messages, echoes, errs := list(wire.Statuses), list(wire.Messages), list(wire.Echoes), list(wire.Errors)
	for _, raw := range statuses {
		if status, ok := readStatus(from, raw); ok {
			w.Statuses = append(w.Statuses, status)
		} else {
			w.unknown(raw)
		}
	}
	for _, raw := range messages {
		if message, ok := readInbound(from, raw, people); ok {
			message.Standby = standby
			w.Inbound = append(w.Inbound, message)
		} else {
			w.unknown(raw)
		}
	}
	for _, raw := range echoes {
		if echo, ok := readEcho(from, raw); ok {
			w.Echoes = append(w.Echoes, echo)
		} else {
			w.unknown(raw)
		}
	}
	for _, e := range statusErrors(wire.Errors) {
		w.Errors = append(w.Errors, ChannelError{from.wabaID, from.phoneNumberID, e})
	}
	return len(statuses)+len(messages)+len(echoes)+len(errs) > 0
}

func readStatus(from origin, raw json.RawMessage) (Status, bool) {
	var wire struct {
		ID              loose           `json:"id"`
		Status          loose           `json:"status"`
		Timestamp       loose           `json:"timestamp"`
		RecipientID     loose           `json:"recipient_id"`
		RecipientUserID loose           `json:"recipient_user_id"`
		UserID          loose           `json:"user_id"`
		ParticipantID   loose           `json:"recipient_participant_id"`
		CallbackData    loose           `json:"biz_opaque_callback_data"`
		Conversation    json.RawMessage `json:"conversation"`
		Pricing         json.RawMessage `json:"pricing"`
		Errors          json.RawMessage `json:"errors"`
	}
	if !decode(raw, &wire) {
		return Status{}, false
	}
	strict := receipt{
		ID: string(wire.ID), Status: string(wire.Status), Timestamp: string(wire.Timestamp), RecipientID: string(wire.RecipientID),
		RecipientUserID: either(wire.RecipientUserID, wire.UserID), ParticipantID: string(wire.ParticipantID),
		CallbackData: string(wire.CallbackData), Errors: wire.Errors,
	}
	// A price or a conversation that cannot be read must not cost the receipt.
	if isObject(wire.Pricing) {
		decode(wire.Pricing, &strict.Pricing)
	}
	if isObject(wire.Conversation) {
		decode(wire.Conversation, &strict.Conversation)
	}
	return strict.status(from.wabaID, from.phoneNumberID)
}

// person is who wrote, by the list of contacts that comes along.
type person struct {
	WaID    loose `json:"wa_id"`
	UserID  loose `json:"user_id"`
	Profile struct {
		Name     loose `json:"name"`
		Username loose `json:"username"`
	} `json:"profile"`
}

func readPeople(raw json.RawMessage) []person {
	var people []person
	for _, element := range list(raw) {
		var p person
		if decode(element, &p) {
			people = append(people, p)
		}
	}
	return people
}

// whoWrote finds the sender among the contacts. Samples and a few accounts have a contact whose id
// is not the sender's; alone, it is still the sender.
func whoWrote(people []person, from, userID loose) person {
	for _, p := range people {
		if (from != "" && p.WaID == from) || (userID != "" && p.UserID == userID) {
			return p
		}
	}
	if len(people) == 1 {
		return people[0]
	}
	return person{}
}

type wireInbound struct {
	From       loose           `json:"from"`
	FromUserID loose           `json:"from_user_id"`
	ID         loose           `json:"id"`
	Timestamp  stamp           `json:"timestamp"`
	Type       loose           `json:"type"`
	GroupID    loose           `json:"group_id"`
	Context    wireContextIn   `json:"context"`
	Referral   wireReferral    `json:"referral"`
	Errors     json.RawMessage `json:"errors"`
	content
}

type wireContextIn struct {
	ID loose `json:"id"`
}

type wireReferral struct {
	ClickID loose `json:"ctwa_clid"`
}

func readInbound(from origin, raw json.RawMessage, people []person) (Inbound, bool) {
	var wire wireInbound
	if !decode(raw, &wire) || wire.ID == "" {
		return Inbound{}, false
	}
	who := whoWrote(people, wire.From, wire.FromUserID)
	message := Inbound{
		WABAID: from.wabaID, PhoneNumberID: from.phoneNumberID, WAMID: string(wire.ID), From: string(wire.From),
		FromUserID: either(wire.FromUserID, who.UserID), ProfileName: string(who.Profile.Name), Username: string(who.Profile.Username),
		GroupID: string(wire.GroupID), Type: wire.kind(string(wire.Type)), At: wire.Timestamp.time(), ContextMessageID: string(wire.Context.ID),
		AdClickID: string(wire.Referral.ClickID), Raw: bytes.Clone(raw),
	}
	if len(wire.Errors) > 0 {
		message.Errors = statusErrors(wire.Errors)
	}
	wire.describe(&message)
	return message, true
}

func readEcho(from origin, raw json.RawMessage) (Echo, bool) {
	var wire struct {
		ID        loose `json:"id"`
		Timestamp stamp `json:"timestamp"`
		wireEcho
		Message *wireEcho `json:"message"` // where standby has it
	}
	if !decode(raw, &wire) || wire.ID == "" {
		return Echo{}, false
	}
	inner := wire.wireEcho
	if wire.Message != nil {
		inner = *wire.Message
	}
	// Only to read the text; an echo is described like any message.
	described := Inbound{Type: inner.kind(string(inner.Type))}
	inner.describe(&described)
	return Echo{
		WABAID: from.wabaID, PhoneNumberID: from.phoneNumberID, WAMID: string(wire.ID), To: either(inner.To, inner.Recipient),
		ToUserID: string(inner.ToUserID), Type: described.Type, Text: described.Text, At: wire.Timestamp.time(), Raw: bytes.Clone(raw),
	}, true
}

type wireEcho struct {
	To        loose `json:"to"`
	ToUserID  loose `json:"to_user_id"`
	Recipient loose `json:"recipient"`
	Type      loose `json:"type"`
	content
}
