package whatsapp

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// status makes a fact of a receipt, or says what is wrong with it.
func (r *receipt) status(wabaID, phoneNumberID string) (status Status, wrong string) {
	status = Status{
		WABAID: wabaID, PhoneNumberID: phoneNumberID, WAMID: identOf(r.ID), Status: StatusKind(r.Status),
		At:          unixTime(r.Timestamp),
		RecipientID: identOf(r.RecipientID), RecipientUserID: identOf(r.RecipientUserID),
		ParticipantID: identOf(r.ParticipantID),
		CallbackData:  r.CallbackData,
	}

	switch {
	case status.WAMID == "":
		return Status{}, "a status without an id"
	case !statusKinds[status.Status]:
		return Status{}, "status " + quoted(r.Status)
	}

	if p := r.Pricing; p != nil {
		status.Pricing = &Pricing{p.Billable, cut(p.Model, maxWord), cut(p.Type, maxWord), cut(p.Category, maxWord)}
	}
	if r.Conversation != nil {
		status.ConversationID = r.Conversation.ID
	}
	if len(r.Errors) > 0 {
		status.Errors = statusErrors(r.Errors)
	}

	return status, ""
}

var statusKinds = map[StatusKind]bool{
	StatusSent: true, StatusDelivered: true, StatusRead: true, StatusPlayed: true, StatusFailed: true,
	StatusDeleted: true, StatusWarning: true,
}

func statusErrors(raw json.RawMessage) []StatusError {
	var errs []StatusError
	for _, element := range list(raw) {
		var wire struct {
			Code    number          `json:"code"`
			Title   word            `json:"title"`
			Message note            `json:"message"`
			Details note            `json:"details"` // where older payloads have it
			Data    json.RawMessage `json:"error_data"`
		}
		if !decode(element, &wire) {
			continue
		}

		details := cmp.Or(cut(errorDetails(wire.Data), maxNote), string(wire.Details))
		code := max(0, int(wire.Code)) // below zero are ours
		errs = append(errs, StatusError{code, string(wire.Title), string(wire.Message), details})
	}

	return errs
}

// messagesValue is the value of the field messages, with its elements still raw.
type messagesValue struct {
	Metadata    metadata        `json:"metadata"`
	Contacts    json.RawMessage `json:"contacts"`
	Messages    json.RawMessage `json:"messages"`
	Statuses    json.RawMessage `json:"statuses"`
	Echoes      json.RawMessage `json:"message_echoes"`
	Errors      json.RawMessage `json:"errors"`
	UserActions json.RawMessage `json:"user_actions"`
}

func (w *Webhook) messages(from origin, value json.RawMessage) bool {
	var wire messagesValue
	if !decode(value, &wire) {
		return false
	}

	from.phoneNumberID = string(wire.Metadata.PhoneNumberID)

	return w.conversation(from, wire)
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

	from.phoneNumberID, from.standby = string(wire.Metadata.PhoneNumberID), true

	return w.conversation(from, wire.Standby)
}

// conversation reads the lists of a value. It reports whether there was anything in them.
func (w *Webhook) conversation(from origin, wire messagesValue) (any bool) {
	before := w.facts()
	for _, raw := range w.list("statuses", wire.Statuses) {
		if status, wrong := readStatus(from, raw); wrong == "" {
			w.Statuses = append(w.Statuses, status)
		} else {
			w.unknown(wrong)
		}
	}

	w.inbound(from, w.list("messages", wire.Messages), readProfiles(wire.Contacts))
	for _, raw := range w.list("message_echoes", wire.Echoes) {
		w.echo(from, raw)
	}

	for _, e := range statusErrors(wire.Errors) {
		w.Errors = append(w.Errors, ChannelError{from.wabaID, from.phoneNumberID, e})
	}

	for _, raw := range w.list("user_actions", wire.UserActions) {
		w.userAction(from, raw)
	}

	return w.facts() > before
}

// facts counts what has been read so far.
func (w *Webhook) facts() int {
	return len(w.Statuses) + len(w.Inbound) + len(w.Echoes) + len(w.Errors) + len(w.Clicks) + len(w.Notices) +
		len(w.Unknown)
}

// list reads the elements of a part that should be a list.
func (w *Webhook) list(name string, raw json.RawMessage) []json.RawMessage {
	all, ok := elements(raw)
	if !ok {
		w.unknown(name + " of the wrong type")
	}

	return all
}

func readStatus(from origin, raw json.RawMessage) (status Status, wrong string) {
	var wire struct {
		ID              ident           `json:"id"`
		Status          word            `json:"status"`
		Timestamp       loose           `json:"timestamp"`
		RecipientID     ident           `json:"recipient_id"`
		RecipientUserID ident           `json:"recipient_user_id"`
		UserID          ident           `json:"user_id"`
		ParticipantID   ident           `json:"recipient_participant_id"`
		CallbackData    ident           `json:"biz_opaque_callback_data"`
		Conversation    json.RawMessage `json:"conversation"`
		Pricing         json.RawMessage `json:"pricing"`
		Errors          json.RawMessage `json:"errors"`
	}
	if !isObject(raw) || !decode(raw, &wire) {
		return Status{}, "a status that is no object"
	}

	strict := receipt{
		ID: string(wire.ID), Status: string(wire.Status), Timestamp: string(wire.Timestamp),
		RecipientID:     string(wire.RecipientID),
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

type wireInbound struct {
	From       ident           `json:"from"`
	FromUserID ident           `json:"from_user_id"`
	ID         ident           `json:"id"`
	Timestamp  stamp           `json:"timestamp"`
	Type       word            `json:"type"`
	GroupID    ident           `json:"group_id"`
	Context    wireContextIn   `json:"context"`
	Referral   wireReferral    `json:"referral"`
	Errors     json.RawMessage `json:"errors"`
	content

	raw json.RawMessage
}

type wireContextIn struct {
	ID ident `json:"id"`
}

type wireReferral struct {
	ClickID word `json:"ctwa_clid"`
}

func (w *Webhook) inbound(from origin, elements []json.RawMessage, profiles []profile) {
	messages := make([]wireInbound, 0, len(elements))
	for _, raw := range elements {
		wire := wireInbound{raw: raw}
		if !isObject(raw) || !decode(raw, &wire) || wire.ID == "" {
			w.unknown("a message without an id")
			continue
		}

		messages = append(messages, wire)
	}

	one := oneSender(messages)
	for i := range messages {
		w.message(from, &messages[i], profiles, one)
	}
}

func (w *Webhook) message(from origin, wire *wireInbound, profiles []profile, oneSender bool) {
	who := profileOf(profiles, wire.From, wire.FromUserID, oneSender)
	m := Inbound{
		WABAID: from.wabaID, PhoneNumberID: from.phoneNumberID, WAMID: string(wire.ID),
		ProfileName: string(who.Profile.Name), Username: string(who.Profile.Username), GroupID: string(wire.GroupID),
		Type: wire.kind(string(wire.Type)), At: wire.Timestamp.time(), ContextMessageID: string(wire.Context.ID),
		AdClickID: string(wire.Referral.ClickID), Standby: from.standby, Raw: storable(wire.raw),
	}

	m.From, m.FromUserID = person(wire.From, ident(either(wire.FromUserID, who.UserID)))
	if len(wire.Errors) > 0 {
		m.Errors = statusErrors(wire.Errors)
	}

	wire.describe(&m)
	if m.Raw == nil || m.Change != nil && !m.Change.Revoked && m.Change.Raw == nil {
		w.unknown("a message that is too large or too deep to be stored as it came")
	}

	if m.Change == nil && wire.changes(m.Type) {
		w.unknown("a change of a message that it does not name")
		return
	}

	w.Inbound = append(w.Inbound, m)
}

func (w *Webhook) echo(from origin, raw json.RawMessage) {
	var wire struct {
		ID        ident `json:"id"`
		Timestamp stamp `json:"timestamp"`
		wireEcho
		Message *wireEcho `json:"message"` // where standby has it
	}
	if !isObject(raw) || !decode(raw, &wire) || wire.ID == "" {
		w.unknown("an echo without an id")
		return
	}

	inner := wire.wireEcho
	if wire.Message != nil {
		inner = *wire.Message
	}

	m := Inbound{Type: inner.kind(string(inner.Type))} // an echo is described like any message
	inner.describe(&m)
	e := Echo{
		WABAID: from.wabaID, PhoneNumberID: from.phoneNumberID, WAMID: string(wire.ID), Type: m.Type, Text: m.Text,
		At: wire.Timestamp.time(), Standby: from.standby, Change: m.Change, Raw: storable(raw),
	}

	e.To, e.ToUserID = person(ident(either(inner.To, inner.Recipient)), inner.ToUserID)
	if e.Raw == nil {
		w.unknown("an echo that is too large or too deep to be stored as it came")
	}

	if e.Change == nil && inner.changes(e.Type) {
		w.unknown("a change of a message that it does not name")
		return
	}

	w.Echoes = append(w.Echoes, e)
}

type wireEcho struct {
	To        ident `json:"to"`
	ToUserID  ident `json:"to_user_id"`
	Recipient ident `json:"recipient"`
	Type      word  `json:"type"`
	content
}

// userAction is a click or a visit. It names neither person nor message, so it is only counted.
func (w *Webhook) userAction(from origin, raw json.RawMessage) {
	var wire struct {
		Type      word      `json:"action_type"`
		Timestamp stamp     `json:"timestamp"`
		Link      wireClick `json:"marketing_messages_link_click_data"`
	}
	if !isObject(raw) || !decode(raw, &wire) {
		w.unknown("a user action that is no object")
		return
	}

	if strings.HasSuffix(string(wire.Type), "link_click") {
		w.Clicks = append(w.Clicks, Click{from.wabaID, from.phoneNumberID, wire.Timestamp.time(),
			wire.Link.fingerprint(from.phoneNumberID, string(wire.Type), wire.Timestamp.time())})
		return
	}

	w.Notices = append(w.Notices, Notice{WABAID: from.wabaID, PhoneNumberID: from.phoneNumberID, Field: "user_actions",
		Event: string(wire.Type), At: wire.Timestamp.time()})
}

// wireClick is what tells clicks apart. Each of its parts can be missing.
type wireClick struct {
	Component word  `json:"click_component"`
	Product   ident `json:"product_id"`
	Click     ident `json:"click_id"`
	Token     ident `json:"tracking_token"`
}

func (c wireClick) fingerprint(number, kind string, at time.Time) string {
	told, err := json.Marshal([]any{number, kind, at.Unix(), c})
	if err != nil {
		panic(fmt.Sprintf("fingerprint of a click: %v", err)) // texts and a number only
	}

	return fmt.Sprintf("%x", sha256.Sum256(told))
}
