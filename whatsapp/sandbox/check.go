package sandbox

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"carillon/whatsapp"
)

// component is a part of a template, as far as the rules look at it.
type component struct {
	Type     string   `json:"type"`
	Format   string   `json:"format"`
	Text     string   `json:"text"`
	Buttons  []button `json:"buttons"`
	Security bool     `json:"add_security_recommendation"`
	Minutes  *int     `json:"code_expiration_minutes"`
	Cards    []struct {
		Components []component `json:"components"`
	} `json:"cards"`
	Example struct {
		HeaderText      []string       `json:"header_text"`
		HeaderTextNamed []namedExample `json:"header_text_named_params"`
		HeaderHandle    []string       `json:"header_handle"`
		BodyText        [][]string     `json:"body_text"`
		BodyTextNamed   []namedExample `json:"body_text_named_params"`
	} `json:"example"`
	LimitedTimeOffer *struct {
		Text          string `json:"text"`
		HasExpiration bool   `json:"has_expiration"`
	} `json:"limited_time_offer"`
}

type namedExample struct {
	Name    string `json:"param_name"`
	Example string `json:"example"`
}

type button struct {
	Type        string          `json:"type"`
	Text        string          `json:"text"`
	URL         string          `json:"url"`
	PhoneNumber string          `json:"phone_number"`
	Example     json.RawMessage `json:"example"`
	OTPType     string          `json:"otp_type"`
	Autofill    string          `json:"autofill_text"`
	Apps        []struct {
		Package string `json:"package_name"`
		Hash    string `json:"signature_hash"`
	} `json:"supported_apps"`
	TermsAccepted bool            `json:"zero_tap_terms_accepted"`
	FlowID        json.RawMessage `json:"flow_id"` // a string or a number
	FlowName      json.RawMessage `json:"flow_name"`
	FlowJSON      json.RawMessage `json:"flow_json"`
	FlowAction    string          `json:"flow_action"`
	Icon          string          `json:"icon"`
	Minutes       *int            `json:"ttl_minutes"`
}

// shape is what a send must fill in.
type shape struct {
	header   string   // "", TEXT, IMAGE, VIDEO, DOCUMENT, GIF, LOCATION, PRODUCT
	inHeader []string // variables, by name or number
	inBody   []string
	headText string
	bodyText string // with its variables
	buttons  []button
	cards    []shape
	offer    bool // has an end, which a send tells
	limited  bool // is a limited-time offer
	card     bool
	named    bool
	adjacent bool // variables follow each other, which the review rejects
}

var (
	namePattern     = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	variablePattern = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)
	namedVariable   = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	adjacentPattern = regexp.MustCompile(`\}\}\s*\{\{`)
)

// lineBreaks are what ends a line in Unicode.
const lineBreaks = "\n\r\v\f\u0085\u2028\u2029"

// languages are the codes that Meta lists for templates
// (developers.facebook.com/documentation/business-messaging/whatsapp/templates/supported-languages,
// read 2025-11).
var languages = strings.Fields(`af sq ar ar_EG ar_AE ar_LB ar_MA ar_QA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da prs_AF nl nl_BE
	en en_GB en_US en_AE en_AU en_CA en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_ZA et fil fi fr fr_BE fr_CA fr_CH fr_CI fr_MA
	ka de de_AT de_CH el gu ha he hi hu id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk ms ml mr nb ps_AF fa pl pt_BR pt_PT pa ro ru sr si_LK sk
	sl es es_AR es_CL es_CO es_CR es_DO es_EC es_HN es_MX es_PA es_PE es_ES es_UY sw sv ta te th tr uk ur uz vi zu`)

// Subcodes of code 100 in template management.
const (
	tooManyTemplates = 2388019
	nameLocked       = 2388023
	nameTaken        = 2388024
	notEditable      = 2388039
	tooLong          = 2388040
	fieldsMissing    = 2388043
	headerFormat     = 2388047
	bodyFormat       = 2388072
	footerFormat     = 2388073
	tooManyVariables = 2388293
	danglingVariable = 2388299
)

// parse checks components by the rules for creating and editing, and gives them back as Graph shows
// them, with their shape.
func parseComponents(category, format string, raw []json.RawMessage) ([]json.RawMessage, shape, *refusal) {
	sh := shape{named: format == "NAMED" && category != "AUTHENTICATION"} // whose text is Meta's
	seen := map[string]bool{}
	shown := make([]json.RawMessage, 0, len(raw))

	for i, one := range raw {
		var c component
		if err := json.Unmarshal(one, &c); err != nil {
			return nil, sh, invalid("Param components[%d] is not as expected: %s", i, err)
		}

		c.Type = strings.ToUpper(c.Type)
		if seen[c.Type] {
			return nil, sh, badTemplate(fieldsMissing, "Duplicate component", "There is more than one component of type %s.",
				c.Type)
		}

		seen[c.Type] = true
		if no := sh.take(category, &c); no != nil {
			return nil, sh, no
		}

		shown = append(shown, show(one, &c))
	}

	if !seen["BODY"] {
		return nil, sh, badTemplate(fieldsMissing, "Message template \"components\" param is missing expected field(s)",
			"A component of type BODY is required.")
	}

	if no := sh.whole(category, seen); no != nil {
		return nil, sh, no
	}

	return shown, sh, nil
}

// take checks one component and adds it to the shape.
func (sh *shape) take(category string, c *component) *refusal {
	switch c.Type {
	case "HEADER":
		return sh.takeHeader(category, c)
	case "BODY":
		return sh.takeBody(category, c)
	case "FOOTER":
		return checkFooter(category, c)
	case "BUTTONS":
		return sh.takeButtons(category, c.Buttons)
	case "CAROUSEL":
		return sh.takeCards(category, c)
	case "LIMITED_TIME_OFFER":
		return sh.takeOffer(c)
	case "CALL_PERMISSION_REQUEST":
		return nil
	}

	return invalid("Param components[]['type'] must be one of {HEADER, BODY, FOOTER, BUTTONS, CAROUSEL, "+
		"LIMITED_TIME_OFFER, CALL_PERMISSION_REQUEST} - got %q.", c.Type)
}

func checkFooter(category string, c *component) *refusal {
	bad := func(why string) *refusal { return badTemplate(footerFormat, "Invalid footer", "%s", why) }
	switch {
	case category == "AUTHENTICATION" && (c.Text != "" || c.Minutes == nil || *c.Minutes < 1 || *c.Minutes > 90):
		return bad("The footer of an authentication template has code_expiration_minutes between 1 and 90, and no text.")
	case category == "AUTHENTICATION":
		return nil
	case !whatsapp.Visible(c.Text):
		return bad("The footer needs a text.")
	case strings.Contains(c.Text, "{{") || strings.Contains(c.Text, "}}"):
		return bad("The footer cannot have variables.")
	}

	return atMost("FOOTER", c.Text, 60)
}

func (sh *shape) takeOffer(c *component) *refusal {
	sh.limited = true
	if c.LimitedTimeOffer == nil || !whatsapp.Visible(c.LimitedTimeOffer.Text) {
		return lacksField("LIMITED_TIME_OFFER", "text")
	}
	if strings.Contains(c.LimitedTimeOffer.Text, "{{") {
		return invalid("The text of a limited-time offer cannot have variables.")
	}

	sh.offer = c.LimitedTimeOffer.HasExpiration

	return atMost("limited_time_offer", c.LimitedTimeOffer.Text, 16)
}

func (sh *shape) takeHeader(category string, c *component) *refusal {
	sh.header, sh.headText = strings.ToUpper(c.Format), c.Text
	bad := func(why string) *refusal { return badTemplate(headerFormat, "Invalid header", "%s", why) }
	if sh.header != "TEXT" && c.Text != "" {
		return bad("Only a text header has a text.")
	}

	switch sh.header {
	case "LOCATION", "PRODUCT":
		return nil
	case "GIF", "IMAGE", "VIDEO", "DOCUMENT":
		if sh.header == "GIF" && category != "MARKETING" {
			return bad("Only marketing templates have a GIF header.")
		}
		if len(c.Example.HeaderHandle) != 1 || c.Example.HeaderHandle[0] == "" {
			return lacksExample("HEADER")
		}
		if handle := c.Example.HeaderHandle[0]; isPhone(handle) || strings.Contains(handle, "://") {
			return bad("The example of the header is not a handle of an upload.")
		}

		return nil
	case "TEXT":
	default:
		return bad(fmt.Sprintf("The header format %q is not known.", c.Format))
	}

	fixed := variablePattern.ReplaceAllString(c.Text, "")
	if !whatsapp.Visible(c.Text) || strings.ContainsAny(fixed, lineBreaks+"*_~`") || whatsapp.HasEmoji(c.Text) {
		return bad("The header needs a text without new lines, formatting characters or emojis.")
	}

	names, no := sh.variables("HEADER", c.Text, headerFormat)
	if no != nil {
		return no
	}
	if len(variablePattern.FindAllString(c.Text, -1)) > 1 {
		return bad("The header can have one variable only.")
	}

	sh.inHeader = names
	if len(names) > 0 && !sh.exampled(names, c.Example.HeaderText, c.Example.HeaderTextNamed) {
		return lacksExample("HEADER")
	}

	return atMost("HEADER", c.Text, 60)
}

func (sh *shape) takeBody(category string, c *component) *refusal {
	if category == "AUTHENTICATION" { // Meta writes the text, and puts the code first
		if c.Text != "" {
			return badTemplate(bodyFormat, "Invalid body", "The body of an authentication template has no text of its own.")
		}

		sh.inBody, sh.bodyText = []string{"1"}, codeText(c)

		return nil
	}

	if !whatsapp.Visible(c.Text) {
		return badTemplate(fieldsMissing, "Message template \"components\" param is missing expected field(s)",
			"component of type BODY is missing expected field(s) (text)")
	}

	names, no := sh.variables("BODY", c.Text, bodyFormat)
	if no != nil {
		return no
	}

	seen := whatsapp.Seen(c.Text)
	trimmed := strings.TrimSpace(seen)
	if strings.HasPrefix(trimmed, "{{") || strings.HasSuffix(trimmed, "}}") {
		return badTemplate(danglingVariable, "Leading or trailing params not allowed",
			"Variables can't be at the start or end of the template.")
	}

	rest := variablePattern.ReplaceAllString(c.Text, " ")
	sh.adjacent = adjacentPattern.MatchString(seen)
	if len(names) > 0 && len(strings.Fields(rest)) < len(names)+1 {
		return badTemplate(tooManyVariables, "Message template has too many variables for its length",
			"This template has too many variables for its length. Reduce the number of variables or increase the message "+
				"length.")
	}

	var examples []string
	if len(c.Example.BodyText) > 0 {
		examples = c.Example.BodyText[0]
	}
	if len(names) > 0 && !sh.exampled(names, examples, c.Example.BodyTextNamed) {
		return lacksExample("BODY")
	}

	sh.inBody, sh.bodyText = names, c.Text

	return atMost("BODY", c.Text, 1024)
}

// exampled says whether a text has an example for each of its variables.
func (sh *shape) exampled(names, examples []string, named []namedExample) bool {
	if !sh.named {
		return len(examples) == len(names) && !slices.Contains(examples, "")
	}

	if len(named) != len(names) {
		return false
	}

	for _, name := range names {
		if !slices.ContainsFunc(named, func(e namedExample) bool { return e.Name == name && e.Example != "" }) {
			return false
		}
	}

	return true
}

// variables lists a text's variables once each, in order. Positional ones must count up from 1
// without a gap.
func (sh *shape) variables(where, text string, subcode int) ([]string, *refusal) {
	var names []string
	for _, m := range variablePattern.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}

	bad := func(why string) *refusal {
		return badTemplate(subcode, "Invalid variable", "The %s has a variable that %s.", where, why)
	}
	if rest := variablePattern.ReplaceAllString(text, ""); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		return nil, bad("has mismatched braces")
	}

	for i, name := range names {
		switch {
		case sh.named && !namedVariable.MatchString(name):
			return nil, bad("is not in lower case letters, digits and underscores")
		case !sh.named && !slices.Contains(names, fmt.Sprint(i+1)):
			return nil, bad("is out of sequence: they count up from {{1}}")
		}
	}

	if !sh.named {
		for i := range names {
			names[i] = fmt.Sprint(i + 1) // {{2}} may stand before {{1}}
		}
	}

	return names, nil
}

func atMost(where, text string, limit int) *refusal {
	if utf8.RuneCountInString(text) > limit {
		return badTemplate(tooLong, "Character Limit Exceeded",
			"The message template's %s field has more than %d characters.", where, limit)
	}

	return nil
}

func lacksExample(where string) *refusal {
	return badTemplate(fieldsMissing, "Message template \"components\" param is missing expected field(s)",
		"component of type %s is missing expected field(s) (example)", where)
}
