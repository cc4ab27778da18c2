package whatsapp

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind says what sort of value a parameter takes.
type Kind string

const (
	KindText Kind = "TEXT"
	// KindImage, KindVideo and KindDocument take a public link, or the id of an upload.
	KindImage    Kind = "IMAGE"
	KindVideo    Kind = "VIDEO"
	KindDocument Kind = "DOCUMENT"
	// KindLocation takes "latitude,longitude,name,address", the last two optional, or the same as a
	// JSON object.
	KindLocation Kind = "LOCATION"
	// KindURLSuffix takes what follows the fixed part of a button's address.
	KindURLSuffix  Kind = "URL_SUFFIX"
	KindCouponCode Kind = "COUPON_CODE"
	KindOTPCode    Kind = "OTP_CODE"
	// KindPayload takes what Meta's JSON wants: a product as "catalog:product", a list of products
	// as an action object.
	KindPayload Kind = "PAYLOAD"
	// KindExpiration takes Unix milliseconds, or a time as in RFC 3339.
	KindExpiration Kind = "EXPIRATION"
)

// Parameter is a value that a message of a template has to bind.
type Parameter struct {
	// Name is unique in the template and stays the same as long as the template does.
	Name string
	// Component is the type of the component it stands in: HEADER, BODY, BUTTONS,
	// LIMITED_TIME_OFFER.
	Component string
	// ButtonIndex and CardIndex count from zero; nil outside buttons and cards.
	ButtonIndex *int
	CardIndex   *int
	Kind        Kind
	Example     string

	fixed string // of a button's address, before its variable
}

// Parameters lists what a message of this template has to bind, in order of appearance. What may be
// bound and need not be is not listed: header_document_filename, button_0_payload of a quick reply
// or a call, button_0_ttl_minutes of a call, button_0_flow_token and button_0_flow_data of a Flow,
// button_0_product of a catalog, button_0_thumbnail of a list of products, tap_target_url with
// tap_target_title where there is a URL button, and the cards of products beyond those that the
// template has.
func (t Template) Parameters() []Parameter {
	b := binder{template: t, listing: true}
	b.bindAll()
	return b.parameters
}

// Message binds values by name of parameter. Each problem names its parameter; with any, the
// message is not to be sent.
func (t Template) Message(values map[string]string) (TemplateMessage, []*ValueError) {
	b := binder{template: t, values: values}
	components := b.bindAll()
	return TemplateMessage{Name: t.Name, Language: t.Language, Components: components}, b.problems
}

// Mend makes of values what WhatsApp takes, where that can be done and says the same, and gives
// every parameter one. Each problem names a parameter whose value cannot be mended, or that has
// none; without any, the values can be sent.
func (t Template) Mend(values map[string]string) (map[string]string, []*ValueError) {
	b := binder{template: t, values: values, mended: make(map[string]string, len(values))}
	b.bindAll()
	return b.mended, b.problems
}

// Constants says what is wrong with values, once mended, whatever the other parameters will be.
func (t Template) Constants(values map[string]string) []*ValueError {
	b := binder{template: t, values: values, mended: make(map[string]string, len(values)), constants: true}
	b.bindAll()
	return b.problems
}

// Takes says whether a message of this template has a place for a value of that name, required or
// not.
func (t Template) Takes(name string) bool {
	b := binder{template: t, listing: true}
	b.bindAll()
	return b.seen[name] || b.optionals[name]
}

// binder walks a template's variable parts once: either to list them, or to bind values to them.
type binder struct {
	template   Template
	values     map[string]string
	mended     map[string]string // what is sent of values, where they are to be mended
	constants  bool              // a parameter without a value will have one that breaks no rule
	listing    bool
	parameters []Parameter
	problems   []*ValueError
	seen       map[string]bool
	optionals  map[string]bool // names that may be bound and need not be, when listing
	surplus    bool            // the card being bound is one beyond the template's
	// card is the index of the card being bound; nil outside cards.
	card   *int
	prefix string
}

func (b *binder) bindAll() []MessageComponent {
	if b.template.Category == authenticated {
		return b.oneTimePassword()
	}
	return append(b.components(b.template.Components), b.tapTarget()...)
}

// tapTarget binds where a tap on the message leads. WhatsApp allows it to few accounts.
func (b *binder) tapTarget() []MessageComponent {
	buttons := b.template.component("BUTTONS")
	if buttons == nil || !slices.ContainsFunc(buttons.Buttons, func(button Button) bool { return button.Type == "URL" }) {
		return nil
	}

	const address, title = "tap_target_url", "tap_target_title"
	target := TapTarget{URL: b.optional(address, maxURL), Title: b.optional(title, maxTapTitle)}
	if target == (TapTarget{}) {
		return nil
	}

	if rule, message := LinkProblem(target.URL); target.URL != "" && rule != "" {
		b.problem(Parameter{Name: address}, rule, message)
	}
	for name, value := range map[string]string{address: target.URL, title: target.Title} {
		if value == "" {
			b.problem(Parameter{Name: name}, "MISSING", "has no value, and "+address+" and "+title+" go together")
		}
	}

	parameter := MessageParameter{Type: "tap_target_configuration", TapTarget: []TapTarget{target}}

	return []MessageComponent{{Type: "tap_target_configuration", Parameters: []MessageParameter{parameter}}}
}

// oneTimePassword binds an authentication template: its one code goes into the text, and again into
// the button.
func (b *binder) oneTimePassword() []MessageComponent {
	code := b.value(Parameter{Name: "otp_code", Component: "BODY", Kind: KindOTPCode, Example: "123456"})
	components := []MessageComponent{{Type: "body", Parameters: []MessageParameter{{Type: "text", Text: code}}}}
	if buttons := b.template.component("BUTTONS"); buttons != nil {
		for i, button := range buttons.Buttons {
			if button.Type == "OTP" || button.Type == "URL" || button.Type == "COPY_CODE" {
				// Whatever it was created as, it is a URL button now.
				return append(components, buttonComponent("url", i, MessageParameter{Type: "text", Text: code}))
			}
		}
	}

	return components
}

func (b *binder) components(parts []Component) []MessageComponent {
	var bound []MessageComponent
	add := func(kind string, parameters []MessageParameter) {
		if len(parameters) > 0 {
			bound = append(bound, MessageComponent{Type: kind, Parameters: parameters})
		}
	}

	for i := range parts {
		switch part := &parts[i]; part.Type {
		case "HEADER":
			add("header", b.header(part))
		case "BODY":
			add("body", b.body(part))
		case "LIMITED_TIME_OFFER":
			add("limited_time_offer", b.offer(part))
		case "BUTTONS":
			bound = append(bound, b.buttons(part.Buttons)...)
		case "CAROUSEL":
			bound = append(bound, b.cards(part.Cards)...)
		}
	}

	return bound
}

func (b *binder) header(part *Component) []MessageParameter {
	media := func(kind Kind) (string, *MediaMessage) {
		value := b.value(Parameter{Name: "header_" + strings.ToLower(part.Format), Component: "HEADER", Kind: kind,
			Example: first(part.Example.handles())})
		return strings.ToLower(part.Format), mediaOf(value)
	}

	switch part.Format {
	case "IMAGE":
		kind, file := media(KindImage)
		return []MessageParameter{{Type: kind, Image: file}}
	case "VIDEO":
		kind, file := media(KindVideo)
		return []MessageParameter{{Type: kind, Video: file}}
	case "GIF":
		kind, file := media(KindVideo)
		return []MessageParameter{{Type: kind, GIF: file}}
	case "DOCUMENT":
		kind, file := media(KindDocument)
		file.Filename = b.optional("header_document_filename", maxFilename)
		return []MessageParameter{{Type: kind, Document: file}}
	case "LOCATION":
		p := Parameter{Name: "header_location", Component: "HEADER", Kind: KindLocation}
		return []MessageParameter{{Type: "location", Location: b.location(p)}}
	case "PRODUCT":
		p := Parameter{Name: "header_product", Component: "HEADER", Kind: KindPayload}
		value := b.value(p)
		product := parseProduct(value)
		if rule, _ := checkText(value, ""); value != "" && (rule != "" || product.ProductRetailerID == "") {
			b.problem(p, "FORMAT", "is not a product: write catalog:product")
		}

		return []MessageParameter{{Type: "product", Product: product}}
	default:
		return b.text(part, maxHeader)
	}
}

func (b *binder) body(part *Component) []MessageParameter {
	return b.text(part, b.template.bodyLimit(b.card != nil))
}

// bodyLimit is how many characters a body may have, with its variables filled in.
func (t Template) bodyLimit(card bool) int {
	switch {
	case card, t.hasButton("SPM"):
		return maxCardBody
	case t.component("LIMITED_TIME_OFFER") != nil:
		return maxOfferBody
	default:
		return maxBody
	}
}

// hasButton says whether the template has a button of a type outside of cards.
func (t Template) hasButton(kind string) bool {
	buttons := t.component("BUTTONS")
	return buttons != nil && slices.ContainsFunc(buttons.Buttons, func(b Button) bool { return b.Type == kind })
}

// text binds the variables of a text, which may grow to limit characters.
func (b *binder) text(part *Component, limit int) []MessageParameter {
	named := b.template.ParameterFormat == Named
	names := placeholders(part.Text, named)
	bound := make([]MessageParameter, 0, len(names))
	longest, most := "", 0

	for _, placeholder := range names {
		p := Parameter{Name: placeholder, Component: part.Type, Kind: KindText}
		if b.listing {
			p.Example = part.Example.of(placeholder)
		}
		if part.Type == "HEADER" && !named {
			// Its 1 is not the body's 1.
			p.Name = "header_" + placeholder
		}

		parameter := MessageParameter{Type: "text", Text: b.value(p)}
		if named {
			parameter.Name = placeholder
		}

		bound = append(bound, parameter)
		if longest == "" || len(parameter.Text) > most {
			longest, most = b.prefix+p.Name, len(parameter.Text)
		}
	}

	if len(bound) == 0 || b.listing {
		return bound
	}

	length := expandedLength(part.Text, func(name string) string { return bound[slices.Index(names, name)].Text })
	if length > limit {
		b.problems = append(b.problems, &ValueError{longest, "TOO_LONG",
			fmt.Sprintf("makes the %s %d characters long; %d are allowed", strings.ToLower(part.Type), length, limit)})
	}

	return bound
}

func (b *binder) buttons(buttons []Button) []MessageComponent {
	var bound []MessageComponent
	for i, button := range buttons {
		name := "button_" + strconv.Itoa(i)
		p := Parameter{Component: "BUTTONS", ButtonIndex: &i, Example: first(button.Example)}
		switch button.Type {
		case "URL":
			if variables := placeholders(button.URL, false); len(variables) > 0 {
				p.Name, p.Kind, p.fixed = name+"_url", KindURLSuffix, fixedPart(button.URL)
				p.Example = strings.TrimPrefix(p.Example, p.fixed)
				suffix := escaped(b.value(p))
				b.limit(p, suffix, maxURL-len(button.URL))
				parameter := MessageParameter{Type: "text", Text: suffix}
				if variables[0] != "1" {
					parameter.Name = variables[0]
				}

				bound = append(bound, buttonComponent("url", i, parameter))
			}
		case "COPY_CODE":
			p.Name, p.Kind = name+"_code", KindCouponCode
			bound = append(bound, buttonComponent("copy_code", i, MessageParameter{Type: "coupon_code", CouponCode: b.value(p)}))
		case "QUICK_REPLY":
			if payload := b.optional(name+"_payload", maxPayload); payload != "" {
				bound = append(bound, buttonComponent("quick_reply", i, MessageParameter{Type: "payload", Payload: payload}))
			}
		case "VOICE_CALL":
			bound = append(bound, b.call(name, i)...)
		case "FLOW":
			bound = append(bound, buttonComponent("flow", i, MessageParameter{Type: "action", Action: b.flow(name)}))
		case "CATALOG":
			if product := b.optional(name+"_product", maxOptional); product != "" {
				action := object(thumbnail, product)
				bound = append(bound, buttonComponent("CATALOG", i, MessageParameter{Type: "action", Action: action}))
			}
		case "MPM":
			p.Name, p.Kind = name+"_products", KindPayload
			action := b.products(p, b.value(p), b.optional(name+"_thumbnail", maxOptional))
			bound = append(bound, buttonComponent("mpm", i, MessageParameter{Type: "action", Action: action}))
		}
	}

	return bound
}

// thumbnail is Meta's word for the product whose picture a message shows.
const thumbnail = "thumbnail_product_retailer_id"

// call binds what a call's button may be given: how long it works, and what the call's webhook
// brings back.
func (b *binder) call(name string, index int) []MessageComponent {
	var parameters []MessageParameter
	if minutes := b.optional(name+"_ttl_minutes", maxOptional); minutes != "" {
		n, err := strconv.Atoi(minutes)
		if err != nil || n < 1 || n > maxCallMinutes {
			b.problem(Parameter{Name: name + "_ttl_minutes"}, "FORMAT", "is not a number of minutes from 1 to 43,200")
		}

		parameters = append(parameters, MessageParameter{Type: "ttl_minutes", TTLMinutes: n})
	}

	if payload := b.optional(name+"_payload", maxPayload); payload != "" {
		parameters = append(parameters, MessageParameter{Type: "payload", Payload: payload})
	}

	if parameters == nil {
		return nil
	}

	return []MessageComponent{{Type: "button", SubType: "voice_call", Index: strconv.Itoa(index),
		Parameters: parameters}}
}

// flow binds a Flow. Meta wants its component even when nothing in it varies, and takes "unused"
// for no token.
func (b *binder) flow(name string) json.RawMessage {
	token := b.optional(name+"_flow_token", maxOptional)
	if token == "" {
		token = "unused"
	}

	action := map[string]any{"flow_token": token}
	if data := b.optional(name+"_flow_data", maxFlowData); data != "" {
		if !isObject([]byte(data)) || !json.Valid([]byte(data)) {
			b.problem(Parameter{Name: name + "_flow_data"}, "FORMAT", "is not a JSON object")
			return nil
		}

		action["flow_action_data"] = json.RawMessage(data)
	}

	raw, _ := json.Marshal(action) // checked above

	return raw
}

func buttonComponent(subType string, index int, parameter MessageParameter) MessageComponent {
	return MessageComponent{Type: "button", SubType: subType, Index: strconv.Itoa(index),
		Parameters: []MessageParameter{parameter}}
}

func object(key, value string) json.RawMessage {
	raw, _ := json.Marshal(map[string]string{key: value}) // strings always marshal
	return raw
}

// cards binds a carousel. As soon as one card varies, all of them are listed: a message has as many
// cards as its template.
func (b *binder) cards(cards []Card) []MessageComponent {
	named := len(cards)
	cards = b.withMore(cards)
	bound := make([]MessageCard, len(cards))
	varies := false
	for i, card := range cards {
		b.card, b.prefix = &i, cardPrefix(i)
		b.surplus = i >= named
		components := b.components(card.Components)
		if components == nil {
			components = []MessageComponent{}
		}

		bound[i] = MessageCard{CardIndex: i, Components: components}
		varies = varies || len(components) > 0
	}

	b.card, b.prefix, b.surplus = nil, "", false
	if !varies {
		return nil
	}

	return []MessageComponent{{Type: "carousel", Cards: bound}}
}

func cardPrefix(i int) string { return "card_" + strconv.Itoa(i) + "_" }

// withMore adds to the cards of a carousel of products those that a message may have beyond them:
// as many as it gives values for. An approved template of two such cards sends up to ten.
// developers.facebook.com, WhatsApp "Product card carousel templates" (read 2025-11).
func (b *binder) withMore(cards []Card) []Card {
	last := len(cards) - 1
	if last < 0 || last >= maxCards || !isProductCard(cards[last]) {
		return cards
	}

	count := len(cards)
	for i := len(cards); i < maxCards; i++ {
		for name := range b.values {
			if strings.HasPrefix(name, cardPrefix(i)) {
				count = i + 1
			}
		}
	}

	if b.listing {
		count = maxCards
	}

	more := slices.Clone(cards)
	for len(more) < count {
		more = append(more, cards[last])
	}

	return more
}

func isProductCard(card Card) bool {
	header := find(card.Components, "HEADER")
	return header != nil && header.Format == "PRODUCT"
}

// value is a parameter's value, checked; empty when there is none, or when the template is only
// being listed.
func (b *binder) value(p Parameter) string {
	p.Name, p.CardIndex = b.prefix+p.Name, b.card
	if b.listing {
		if b.surplus {
			b.mayBind(p.Name)
		} else if !b.seen[p.Name] {
			b.parameters = append(b.parameters, p)
			if b.seen == nil {
				b.seen = make(map[string]bool)
			}

			b.seen[p.Name] = true
		}

		return ""
	}

	value, given := b.values[p.Name]
	if b.constants && !given {
		return standIns[p.Kind]
	}

	rules := valueRules[p.Kind]
	if b.mended != nil {
		value = rules.mend(value, p.fixed)
		b.mended[p.Name] = value
	}

	if rule, message := rules.check(value, p.fixed); rule != "" {
		b.problems = append(b.problems, &ValueError{p.Name, rule, message})
		return ""
	}

	return value
}

// optional is the value of a place that may stay empty.
func (b *binder) optional(name string, limit int) string {
	if b.listing {
		b.mayBind(b.prefix + name)
	}

	value := b.values[b.prefix+name]
	if value == "" {
		return ""
	}

	p := Parameter{Name: name}
	if b.mended != nil {
		value = mendWord(value, "")
		b.mended[b.prefix+name] = value
	}

	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		b.problem(p, "FORMAT", "has characters that are not text")
	}

	b.limit(p, value, limit)

	return value
}

func (b *binder) mayBind(name string) {
	if b.optionals == nil {
		b.optionals = make(map[string]bool)
	}

	b.optionals[name] = true
}

func (b *binder) problem(p Parameter, rule, message string) {
	if !b.listing {
		b.problems = append(b.problems, &ValueError{b.prefix + p.Name, rule, message})
	}
}

func (b *binder) limit(p Parameter, value string, limit int) {
	if length := utf8.RuneCountInString(value); length > limit {
		b.problem(p, "TOO_LONG", fmt.Sprintf("has %d characters; %d are allowed", length, max(limit, 0)))
	}
}
