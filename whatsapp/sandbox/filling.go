package sandbox

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkTemplate finds the template and holds the components to it.
func (s *Sandbox) checkTemplate(n *number, b *sendBody, to string) (*content, []string, *refusal) {
	if b.Template == nil || b.Template.Name == "" {
		return nil, nil, refuse(131008, "Parameter of type template is missing.")
	}
	if b.Template.Language.Code == "" {
		return nil, nil, refuse(131008, "The parameter template['language']['code'] is required.")
	}

	key := templateKey{b.Template.Name, strings.ReplaceAll(b.Template.Language.Code, "-", "_")}
	t, no := s.sendable(n.account, key)
	if no != nil {
		return nil, nil, no
	}
	if !isPhone(to) && t.content.Category == "authentication" {
		return nil, nil, refuse(131062, "Authentication templates need a phone number.")
	}

	content, no := s.checkMarketing(n.account, b, to, t.content, t.maxPrice)
	if no != nil {
		return nil, nil, no
	}

	f := filling{sandbox: s, shape: &t.shape}
	if no := f.take(b.Template.Components); no != nil {
		return nil, nil, no
	}

	if outcome := s.pace(n.account, key); outcome != "" {
		waits := *content
		waits.Pace = outcome
		s.catalog.Lock()
		content = s.catalog.intern(waits)
		s.catalog.Unlock()
	}

	return content, f.values, nil
}

// sendable gives a copy of the template's head, if it may be sent.
func (s *Sandbox) sendable(a *account, key templateKey) (t struct {
	content  *content
	shape    shape
	maxPrice int
}, no *refusal) {
	s.catalog.RLock()
	found := a.templates[key]
	var status string
	if found != nil {
		status, t.content, t.shape, t.maxPrice = found.Status, found.content, found.shape, found.Bid.Amount
	}

	s.catalog.RUnlock()
	if status == "PENDING" { // its review may be due without Run having come to it
		s.review(found)
		s.catalog.RLock()
		status = found.Status
		s.catalog.RUnlock()
	}

	switch status {
	case "APPROVED":
		return t, nil
	case "PAUSED":
		return t, refuse(132015, "Template %s (%s) is paused because of its quality.", key.name, key.language)
	case "DISABLED":
		return t, refuse(132016, "Template %s (%s) is disabled for good.", key.name, key.language)
	}

	return t, refuse(132001, "template name (%s) does not exist in %s", key.name, key.language)
}

// filling holds what a send gives against what a template needs.
type filling struct {
	sandbox *Sandbox
	shape   *shape
	values  []string
}

func (f *filling) take(components []sentComponent) *refusal {
	sh := f.shape
	given, filled := map[string]bool{}, map[int]bool{}

	for i := range components {
		c := &components[i]
		kind := strings.ToLower(c.Type)
		if given[kind] && kind != "button" {
			return invalid("Param template['components'] has more than one component of type %s.", kind)
		}

		given[kind] = true
		var no *refusal
		switch kind {
		case "header":
			no = f.header(c)
		case "body":
			no = f.texts("body", c.Parameters, sh.inBody, sh.bodyText, sh.bodyLimit())
		case "button":
			no = f.button(c, filled)
		case "carousel":
			no = f.carousel(c)
		case "limited_time_offer":
			no = checkOffer(c)
		case "tap_target_configuration":
			no = f.tapTarget(c)
		default:
			no = invalid("Param template['components'][%d]['type'] is not known - got %q.", i, c.Type)
		}

		if no != nil {
			return no
		}
	}

	switch {
	case !given["body"] && len(sh.inBody) > 0:
		return count("body", 0, len(sh.inBody))
	case !given["header"] && len(sh.inHeader) > 0:
		return count("header", 0, 1)
	case !given["header"] && isMediaHeader(sh.header):
		return refuse(132012, "header: Format mismatch, expected %s, received UNKNOWN", sh.header)
	case !given["carousel"] && len(sh.cards) > 0, !given["limited_time_offer"] && sh.offer:
		return count("cards or offer", 0, max(1, len(sh.cards)))
	}

	for i := range sh.buttons {
		if sh.buttons[i].variable() && !filled[i] {
			return refuse(131008, "buttons: Button at index %d of type %s requires a parameter", i, sh.buttons[i].Type)
		}
	}

	return nil
}

// tapTarget is where a tap on the message leads, which needs a URL button.
func (f *filling) tapTarget(c *sentComponent) *refusal {
	if !slices.ContainsFunc(f.shape.buttons, func(b button) bool { return b.Type == "URL" }) {
		return refuse(132012, "tap_target_configuration: the template has no URL button")
	}
	if len(c.Parameters) != 1 || len(c.Parameters[0].TapTarget) != 1 {
		return count("tap_target_configuration", len(c.Parameters), 1)
	}

	target := c.Parameters[0].TapTarget[0]
	if u, err := url.Parse(target.URL); err != nil || u.Host == "" || target.Title == "" {
		return refuse(131009, "tap_target_configuration: url and title are needed")
	}

	return nil
}

func isMediaHeader(format string) bool {
	return format != "" && format != "TEXT"
}

func count(where string, given, wanted int) *refusal {
	return refuse(132000, "%s: number of localizable_params (%d) does not match the expected number of params (%d)",
		where, given, wanted)
}

func (f *filling) header(c *sentComponent) *refusal {
	if !isMediaHeader(f.shape.header) {
		return f.texts("header", c.Parameters, f.shape.inHeader, f.shape.headText, 60)
	}
	if len(c.Parameters) != 1 {
		return count("header", len(c.Parameters), 1)
	}

	p := &c.Parameters[0]
	if !strings.EqualFold(p.Type, f.shape.header) {
		return refuse(132012, "header: Format mismatch, expected %s, received %s", f.shape.header, strings.ToUpper(p.Type))
	}

	switch f.shape.header {
	case "LOCATION":
		return p.Location.check()
	case "PRODUCT":
		if p.Product == nil || p.Product.RetailerID == "" {
			return refuse(131008, "header: Parameter of type product is missing product_retailer_id")
		}
		return nil
	}

	media := map[string]*sentMedia{"IMAGE": p.Image, "VIDEO": p.Video, "DOCUMENT": p.Document,
		"GIF": p.GIF}[f.shape.header]
	value, no := f.sandbox.checkMedia(media, "header")
	f.values = append(f.values, value)

	return no
}

// texts holds text parameters to a component's variables. With them filled in, its text has at most
// limit characters.
func (f *filling) texts(where string, given []sentParameter, wanted []string, template string, limit int) *refusal {
	if len(given) != len(wanted) {
		return count(where, len(given), len(wanted))
	}

	values := make(map[string]string, len(given))
	for i := range given {
		p := &given[i]
		text, no := p.value(where)
		if no != nil {
			return no
		}

		name := wanted[i]
		if f.shape.named {
			if p.Name == "" {
				return invalid("%s: Parameter name is missing or empty", where)
			}

			if !slices.Contains(wanted, p.Name) ||
				slices.ContainsFunc(given[:i], func(q sentParameter) bool { return q.Name == p.Name }) {
				return invalid("%s: Parameter name %q is not one of the template's", where, p.Name)
			}

			name = p.Name
		}

		values[name] = text
		f.values = append(f.values, text)
	}

	hydrated := variablePattern.ReplaceAllStringFunc(template, func(variable string) string {
		return values[variablePattern.FindStringSubmatch(variable)[1]]
	})
	if over := utf8.RuneCountInString(hydrated) - limit; over > 0 && len(wanted) > 0 {
		return refuse(132005, "%s: the text is %d characters too long", where, over)
	}

	return nil
}

// value is the text that a parameter puts in.
func (p *sentParameter) value(where string) (string, *refusal) {
	switch {
	case p.Type == "currency" && p.Currency != nil:
		return p.Currency.Fallback, nil
	case p.Type == "date_time" && p.DateTime != nil:
		return p.DateTime.Fallback, nil
	case p.Type != "text":
		return "", refuse(132012, "%s: Format mismatch, expected TEXT, received %s", where, strings.ToUpper(p.Type))
	case strings.TrimSpace(p.Text) == "":
		return "", refuse(131008, "%s: Parameter of type text is missing text value", where)
	case strings.ContainsAny(p.Text, lineBreaks+"\t") || strings.Contains(p.Text, "     "):
		return "", refuse(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
	}

	return p.Text, nil
}

// subTypes says which sub_type fills which button.
var subTypes = map[string]string{
	"QUICK_REPLY": "quick_reply", "URL": "url", "OTP": "url", "COPY_CODE": "copy_code", "FLOW": "flow",
	"CATALOG": "catalog", "MPM": "mpm",
	"VOICE_CALL": "voice_call",
}

// fillings says of which type the parameter is that fills a button of a sub_type.
var fillings = map[string]string{"quick_reply": "payload", "url": "text", "copy_code": "coupon_code", "flow": "action",
	"catalog": "action", "mpm": "action"}

func (f *filling) button(c *sentComponent, filled map[int]bool) *refusal {
	at, no := f.place(c)
	if no != nil {
		return no
	}
	if at >= len(f.shape.buttons) {
		return refuse(132012, "buttons: there is no button at index %d", at)
	}

	b := &f.shape.buttons[at]
	subType := strings.ToLower(c.SubType)
	switch {
	case subType != subTypes[b.Type] || subType == "":
		return refuse(132012, "buttons: Format mismatch at index %d, expected %s, received %s", at,
			subTypes[b.Type], c.SubType)
	case filled[at]:
		return invalid("There is more than one component for the button at index %d.", at)
	}

	filled[at] = true
	if subType == "voice_call" {
		return checkCall(at, c.Parameters)
	}

	if len(c.Parameters) != 1 {
		return count("button", len(c.Parameters), 1)
	}

	p := &c.Parameters[0]
	if !strings.EqualFold(p.Type, fillings[subType]) {
		return refuse(132012, "buttons: Format mismatch at index %d, expected %s, received %s", at, fillings[subType], p.Type)
	}
	if fillings[subType] == "action" {
		return p.Action.check(at, subType)
	}

	value := map[string]string{"quick_reply": p.Payload, "url": p.Text, "copy_code": p.CouponCode}[subType]
	if value == "" && b.variable() {
		return refuse(131008, "buttons: Button at index %d of type %s requires a parameter", at, b.Type)
	}
	if b.Type == "URL" && !b.variable() {
		return count("button", 1, 0)
	}
	if no := b.checkValue(at, value); no != nil {
		return no
	}

	f.values = append(f.values, value)

	return nil
}

// place is the index of the button that a component fills. A call's may leave it out, as Meta's own
// example does.
func (f *filling) place(c *sentComponent) (int, *refusal) {
	if c.Index == nil && strings.EqualFold(c.SubType, "voice_call") {
		return max(0, slices.IndexFunc(f.shape.buttons, func(b button) bool { return b.Type == "VOICE_CALL" })), nil
	}
	return index(c.Index)
}

func checkCall(at int, parameters []sentParameter) *refusal {
	for _, p := range parameters {
		switch {
		case p.Type == "ttl_minutes" && p.Minutes != nil && *p.Minutes >= 1 && *p.Minutes <= 43_200:
		case p.Type == "payload" && p.Payload != "" && utf8.RuneCountInString(p.Payload) <= 256:
		default:
			return refuse(131009, "buttons: the call at index %d takes ttl_minutes from 1 to 43200 and a payload", at)
		}
	}

	return nil
}

// check holds an action to the rules of the button that it is for.
func (a *sentAction) check(at int, subType string) *refusal {
	switch {
	case a == nil:
		return refuse(131008, "buttons: Button at index %d requires an action", at)
	case subType == "flow" && a.FlowToken == "":
		return refuse(131008, "buttons: the Flow at index %d requires a flow_token", at)
	case subType == "flow" && len(a.FlowData) > 0 && a.FlowData[0] != '{':
		return refuse(131009, "buttons: the flow_action_data at index %d is no object", at)
	case subType != "mpm":
		return nil
	case len(a.Sections) < 1 || len(a.Sections) > 10:
		return refuse(131009, "buttons: the products at index %d need 1 to 10 sections", at)
	}

	products := 0
	for _, section := range a.Sections {
		products += len(section.Items)
		if len(section.Items) == 0 || len(a.Sections) > 1 && section.Title == "" ||
			utf8.RuneCountInString(section.Title) > 24 {
			return refuse(131009, "buttons: a section at index %d has no products, or not a title of 1 to 24 characters", at)
		}

		for _, item := range section.Items {
			if item.ID == "" {
				return refuse(131008, "buttons: a product at index %d is missing product_retailer_id", at)
			}
		}
	}

	if products > 30 {
		return refuse(131009, "buttons: the products at index %d are more than 30", at)
	}

	return nil
}

// checkValue holds what a send puts into a button to the rules of its type.
func (b *button) checkValue(at int, value string) *refusal {
	length := utf8.RuneCountInString(value)
	if limit := map[string]int{"OTP": 15, "COPY_CODE": 20}[b.Type]; limit > 0 && length > limit {
		return refuse(132018, "buttons: the code at index %d is longer than %d characters", at, limit)
	}

	switch b.Type {
	case "QUICK_REPLY":
		if length > 256 {
			return invalid("Param payload must be at most 256 characters long.")
		}
	case "COPY_CODE":
		if strings.ContainsFunc(value, notInCoupon) {
			return refuse(132018, "buttons: the coupon code at index %d may have letters and digits only", at)
		}
	case "URL":
		address := variablePattern.ReplaceAllLiteralString(b.URL, value)
		if u, err := url.Parse(address); err != nil || u.Host == "" || strings.ContainsFunc(value, notInURL) {
			return refuse(131009, "buttons: Button at index %d would have an address that is not valid", at)
		}
		if utf8.RuneCountInString(address) > 2000 {
			return refuse(132018, "buttons: the address at index %d is longer than 2000 characters", at)
		}
	}

	return nil
}

// notInURL are characters that the standard of addresses leaves out.
func notInURL(r rune) bool {
	return r <= ' ' || r == 0x7f || r > unicode.MaxASCII || strings.ContainsRune("<>\"{}|\\^`", r)
}

func (l *sentLocation) check() *refusal {
	if l == nil || l.Latitude == nil || l.Longitude == nil {
		return refuse(131008, "header: Parameter of type location is missing latitude or longitude")
	}
	if *l.Latitude < -90 || *l.Latitude > 90 || *l.Longitude < -180 || *l.Longitude > 180 {
		return refuse(131009, "header: The location is not on the map.")
	}

	return nil
}

func checkOffer(c *sentComponent) *refusal {
	if len(c.Parameters) != 1 || c.Parameters[0].Offer == nil {
		return count("limited_time_offer", 0, 1)
	}
	if ms := c.Parameters[0].Offer.Expires; ms < 1e12 || ms >= 1e15 {
		return refuse(131009, "limited_time_offer: expiration_time_ms is a time in milliseconds.")
	}

	return nil
}

// index reads a button's index, which Meta takes as a string or a number.
func index(given any) (int, *refusal) {
	var at int
	var err error
	switch v := given.(type) {
	case string:
		at, err = strconv.Atoi(v)
	case float64:
		at = int(v)
	default:
		return 0, refuse(131008, "buttons: index is missing")
	}

	if err != nil || at < 0 || at > 9 {
		return 0, invalid("Param index must be between 0 and 9.")
	}

	return at, nil
}

// carousel wants each card once. An approved carousel of products sends 2 to 10 cards, others as
// many as they have.
func (f *filling) carousel(c *sentComponent) *refusal {
	shapes := f.shape.cards
	if len(shapes) == 0 {
		return count("cards", len(c.Cards), 0)
	}

	products := shapes[0].header == "PRODUCT" && len(c.Cards) >= 2 && len(c.Cards) <= 10
	if len(c.Cards) != len(shapes) && !products {
		return count("cards", len(c.Cards), len(shapes))
	}

	seen := map[int]bool{}
	for _, card := range c.Cards {
		if card.Index == nil || *card.Index < 0 || *card.Index >= len(c.Cards) || seen[*card.Index] {
			return invalid("Param card_index must count the cards from 0, each once.")
		}

		seen[*card.Index] = true
		inner := filling{sandbox: f.sandbox, shape: &shapes[min(*card.Index, len(shapes)-1)]}
		if no := inner.take(card.Components); no != nil {
			return no
		}

		f.values = append(f.values, inner.values...)
	}

	return nil
}
