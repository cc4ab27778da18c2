package whatsapp

import "encoding/json"

// Message is one outgoing message. Exactly one of the contents is set, the one that Type names.
type Message struct {
	// To is the recipient's number, international, with or without the plus.
	To string
	// Recipient is a business-scoped user id, for people who hide their number. To wins when both are
	// set.
	Recipient string
	// Type may be left empty; it is then told from the content that is set.
	Type string
	// BizOpaqueCallbackData comes back in every webhook about this message. Not secret; at most 512
	// characters.
	BizOpaqueCallbackData string
	// ContextMessageID is the message that this one quotes.
	ContextMessageID string
	// Route is the endpoint that it goes to; empty is the usual one.
	Route Route
	// MaxPrice says that the template has one, which the Marketing Messages API is told to keep to.
	MaxPrice bool

	Template *TemplateMessage
	Text     *TextMessage
	// Media is an image, video, audio, document or sticker; Type says which.
	Media *MediaMessage
	// Other is the content of any other type (interactive, location, contacts, reaction), as Meta's
	// JSON.
	Other json.RawMessage
}

// TemplateMessage is a template with its parameters bound.
type TemplateMessage struct {
	Name       string             `json:"name"`
	Language   string             `json:"-"`
	Components []MessageComponent `json:"components,omitempty"`
}

// MessageComponent binds the parameters of one header, body, button, or of all cards.
type MessageComponent struct {
	Type    string `json:"type"`
	SubType string `json:"sub_type,omitempty"`
	// Index is a button's place among all of the template's buttons, from "0".
	Index      string             `json:"index,omitempty"`
	Parameters []MessageParameter `json:"parameters,omitempty"`
	Cards      []MessageCard      `json:"cards,omitempty"`
}

// UnmarshalJSON takes an index as a number, too, as Meta does.
func (c *MessageComponent) UnmarshalJSON(raw []byte) error {
	type plain MessageComponent
	wire := struct {
		*plain
		Index loose `json:"index"`
	}{plain: (*plain)(c)}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return err
	}

	c.Index = string(wire.Index)

	return nil
}

// MessageCard binds the parameters of one card of a carousel.
type MessageCard struct {
	CardIndex  int                `json:"card_index"`
	Components []MessageComponent `json:"components"`
}

// MessageParameter is one value. Type names the field that holds it.
type MessageParameter struct {
	Type string `json:"type"`
	// Name is required in templates with named parameters, and forbidden in others.
	Name             string            `json:"parameter_name,omitempty"`
	Text             string            `json:"text,omitempty"`
	Payload          string            `json:"payload,omitempty"`
	CouponCode       string            `json:"coupon_code,omitempty"`
	Image            *MediaMessage     `json:"image,omitempty"`
	Video            *MediaMessage     `json:"video,omitempty"`
	GIF              *MediaMessage     `json:"gif,omitempty"`
	Document         *MediaMessage     `json:"document,omitempty"`
	Location         *Location         `json:"location,omitempty"`
	Product          *Product          `json:"product,omitempty"`
	LimitedTimeOffer *LimitedTimeOffer `json:"limited_time_offer,omitempty"`
	TTLMinutes       int               `json:"ttl_minutes,omitempty"` // of a call's button
	TapTarget        []TapTarget       `json:"tap_target_configuration,omitempty"`
	// Currency, DateTime and Action are Meta's JSON as it stands.
	Currency json.RawMessage `json:"currency,omitempty"`
	DateTime json.RawMessage `json:"date_time,omitempty"`
	Action   json.RawMessage `json:"action,omitempty"`
}

// TextMessage is plain text, at most 4,096 characters.
type TextMessage struct {
	Body       string `json:"body"`
	PreviewURL bool   `json:"preview_url,omitempty"`
}

// MediaMessage is a file, by an id from an upload or by a public link.
type MediaMessage struct {
	ID       string `json:"id,omitempty"`
	Link     string `json:"link,omitempty"`
	Caption  string `json:"caption,omitempty"`
	Filename string `json:"filename,omitempty"`
	// Voice makes an audio a voice message.
	Voice bool `json:"voice,omitempty"`
}

// Location is a place on the map.
type Location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name,omitempty"`
	Address   string  `json:"address,omitempty"`
}

// Product is one item of a catalog.
type Product struct {
	ProductRetailerID string `json:"product_retailer_id"`
	CatalogID         string `json:"catalog_id,omitempty"`
}

// TapTarget is where a tap on the message leads, and what the person reads of it.
type TapTarget struct {
	URL   string `json:"url"`
	Title string `json:"title"`
}

// LimitedTimeOffer says when an offer ends, in Unix milliseconds.
type LimitedTimeOffer struct {
	ExpirationTimeMS int64 `json:"expiration_time_ms"`
}

type wireMessage struct {
	MessagingProduct string          `json:"messaging_product"`
	RecipientType    string          `json:"recipient_type,omitempty"`
	To               string          `json:"to,omitempty"`
	Recipient        string          `json:"recipient,omitempty"`
	Type             string          `json:"type,omitempty"`
	CallbackData     string          `json:"biz_opaque_callback_data,omitempty"`
	Context          *wireContext    `json:"context,omitempty"`
	Template         *wireTemplate   `json:"template,omitempty"`
	Text             *TextMessage    `json:"text,omitempty"`
	Image            *MediaMessage   `json:"image,omitempty"`
	Video            *MediaMessage   `json:"video,omitempty"`
	Audio            *MediaMessage   `json:"audio,omitempty"`
	Document         *MediaMessage   `json:"document,omitempty"`
	Sticker          *MediaMessage   `json:"sticker,omitempty"`
	Interactive      json.RawMessage `json:"interactive,omitempty"`
	Location         json.RawMessage `json:"location,omitempty"`
	Contacts         json.RawMessage `json:"contacts,omitempty"`
	Reaction         json.RawMessage `json:"reaction,omitempty"`
	Bid              *wireBid        `json:"bid_spec,omitempty"`
}

type wireContext struct {
	MessageID string `json:"message_id"`
}

type wireTemplate struct {
	Name       string             `json:"name"`
	Language   wireLanguage       `json:"language"`
	Components []MessageComponent `json:"components,omitempty"`
}

type wireLanguage struct {
	Code string `json:"code"`
}

// media returns the place of a kind of media; nil when kind is none.
func (w *wireMessage) media(kind string) **MediaMessage {
	switch kind {
	case "image":
		return &w.Image
	case "video":
		return &w.Video
	case "audio":
		return &w.Audio
	case "document":
		return &w.Document
	case "sticker":
		return &w.Sticker
	}

	return nil
}

// other returns the place of a content that we pass through as it stands.
func (w *wireMessage) other(kind string) *json.RawMessage {
	switch kind {
	case "interactive":
		return &w.Interactive
	case "location":
		return &w.Location
	case "contacts":
		return &w.Contacts
	case "reaction":
		return &w.Reaction
	}

	return nil
}

func (m Message) MarshalJSON() ([]byte, error) {
	wire := wireMessage{
		MessagingProduct: "whatsapp", RecipientType: "individual", To: m.To, Recipient: m.Recipient,
		Type: m.kind(), CallbackData: m.BizOpaqueCallbackData, Text: m.Text,
	}
	if m.ContextMessageID != "" {
		wire.Context = &wireContext{MessageID: m.ContextMessageID}
	}

	if m.Template != nil {
		wire.Template = &wireTemplate{Name: m.Template.Name, Language: wireLanguage{m.Template.Language},
			Components: m.Template.Components}
	}

	if m.MaxPrice && m.Route == RouteMarketing { // the usual endpoint knows no such field
		wire.Bid = wholeBid
	}

	if place := wire.media(wire.Type); place != nil {
		*place = m.Media
	}
	if place := wire.other(wire.Type); place != nil {
		*place = m.Other
	}

	return json.Marshal(&wire)
}

// UnmarshalJSON reads what MarshalJSON writes, and what other clients send to the same endpoint.
func (m *Message) UnmarshalJSON(raw []byte) error {
	var wire wireMessage
	if err := json.Unmarshal(raw, &wire); err != nil {
		return err
	}

	*m = Message{To: wire.To, Recipient: wire.Recipient, Type: wire.Type, BizOpaqueCallbackData: wire.CallbackData,
		Text: wire.Text}
	if wire.Context != nil {
		m.ContextMessageID = wire.Context.MessageID
	}

	if wire.Template != nil {
		m.Template = &TemplateMessage{Name: wire.Template.Name, Language: wire.Template.Language.Code,
			Components: wire.Template.Components}
	}

	if place := wire.media(wire.Type); place != nil {
		m.Media = *place
	}
	if place := wire.other(wire.Type); place != nil {
		m.Other = *place
	}

	return nil
}

func (m Message) kind() string {
	switch {
	case m.Type != "":
		return m.Type
	case m.Template != nil:
		return "template"
	default:
		return "text"
	}
}
