package whatsapp

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxButtons    = 10
	maxButtonText = 25
)

// mostOf is how many buttons of a type a template may have.
var mostOf = map[string]int{
	"QUICK_REPLY": 10, "URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "OTP": 1, "FLOW": 1, "CATALOG": 1, "MPM": 1,
	"SPM": 1, "VOICE_CALL": 1, contactInfo: 1,
}

var buttonsChecks = from(pageComponents, []check[*Component]{
	{rule: "buttons_count", field: "buttons", message: "There are 1 to 10 buttons.",
		broken: func(_ Template, c *Component) bool { return len(c.Buttons) < 1 || len(c.Buttons) > maxButtons }},
	{rule: "buttons_per_type", field: "buttons",
		message: "There are at most two URL buttons, and at most one of every type but quick replies.",
		broken: func(_ Template, c *Component) bool {
			have := make(map[string]int)
			for _, button := range c.Buttons {
				have[button.Type]++
				if most, known := mostOf[button.Type]; known && have[button.Type] > most {
					return true
				}
			}

			return false
		}},
	{rule: "buttons_grouped", field: "buttons",
		message: "Quick replies stand together: all before the other buttons, or all after them.",
		broken:  func(_ Template, c *Component) bool { return !grouped(c.Buttons) }},
	{rule: "buttons_desktop", field: "buttons", severity: SeverityWarning,
		message: "More than three buttons, or quick replies mixed with others, are not shown on desktop.",
		broken: func(_ Template, c *Component) bool {
			replies := 0
			for _, button := range c.Buttons {
				if button.Type == "QUICK_REPLY" {
					replies++
				}
			}

			return len(c.Buttons) > 3 || (replies > 0 && replies < len(c.Buttons))
		}},
}...)

var cardButtonsChecks = from(pageCarousel, check[*Component]{rule: "card_buttons", field: "buttons",
	message: "A card has one or two buttons.",
	broken:  func(_ Template, c *Component) bool { return len(c.Buttons) < 1 || len(c.Buttons) > 2 }})

// buttonChecks are the rules for each type of button.
var buttonChecks = map[string][]check[*Button]{
	"QUICK_REPLY":  labeled(),
	"PHONE_NUMBER": labeled(phoneCheck),
	"URL":          labeled(urlChecks...),
	"COPY_CODE":    from(pageCoupon, copyCodeCheck, buttonTextLength, buttonTextVariables),
	"OTP":          otpChecks,
	"FLOW":         labeled(flowChecks...),
	"CATALOG":      labeled(fixedLabel("View catalog")),
	"MPM":          labeled(fixedLabel("View items")),
	"SPM":          labeled(fixedLabel("View")),
	"VOICE_CALL":   labeled(callCheck),
	contactInfo:    contactInfoChecks,
}

var buttonTextLength = check[*Button]{rule: "button_text_length", field: "text", source: pageComponents,
	message: "A button's text has at most 25 characters.",
	broken: func(_ Template, b *Button) bool {
		return utf8.RuneCountInString(b.Text) > maxButtonText || utf8.RuneCountInString(b.AutofillText) > maxButtonText
	}}

var buttonTextVariables = check[*Button]{rule: "button_text_variables", field: "text", source: pageComponents,
	message: "A button's text has no variables.",
	broken: func(_ Template, b *Button) bool {
		return strings.Contains(b.Text, "{{") || strings.Contains(b.AutofillText, "{{")
	}}

func labeled(more ...check[*Button]) []check[*Button] {
	return from(pageComponents, append([]check[*Button]{
		{rule: "button_text_required", field: "text", message: "The button has a text.",
			broken: func(_ Template, b *Button) bool { return !visible(b.Text) }},
		buttonTextLength,
		buttonTextVariables,
		{rule: "button_text_plain", field: "text", severity: SeverityWarning,
			message: "A button's text has no line break, emoji or formatting: reviewers refuse them.",
			broken: func(_ Template, b *Button) bool {
				return strings.ContainsFunc(b.Text, lineBreak) || HasEmoji(b.Text) ||
					strings.ContainsAny(b.Text, "*~`")
			}},
	}, more...)...)
}

// fixedLabel is the rule of a button whose text Meta gives.
func fixedLabel(text string) check[*Button] {
	return check[*Button]{rule: "button_text_fixed", field: "text", severity: SeverityWarning, source: pageCommerce,
		message: `The text of a CATALOG button is "View catalog", of an MPM button "View items", of an SPM button "View".`,
		broken:  func(_ Template, b *Button) bool { return !strings.EqualFold(b.Text, text) }}
}

var phoneCheck = check[*Button]{
	rule: "phone_number", field: "phone_number",
	message: "A phone number has digits, perhaps after a plus, and at most 20 characters.",
	broken: func(_ Template, b *Button) bool {
		return len(b.PhoneNumber) > 20 || !phoneFormat.MatchString(b.PhoneNumber)
	},
}

var copyCodeCheck = check[*Button]{
	rule: "copy_code_example", field: "example",
	message: "A copy-code button needs one example code of at most 20 letters and digits.",
	broken: func(_ Template, b *Button) bool {
		code := first(b.Example)
		return len(b.Example) != 1 || code == "" || len(code) > maxCoupon || !alphanumeric(code)
	},
}

var callCheck = check[*Button]{
	rule: "call_ttl", field: "ttl_minutes", source: pageCallButton,
	message: "A call's button works for 1 to 43,200 minutes.",
	broken: func(_ Template, b *Button) bool {
		return b.TTLMinutes < 0 || b.TTLMinutes > maxCallMinutes
	},
}

var contactInfoChecks = from(pageContactInfo, []check[*Button]{
	{rule: "contact_info_text", field: "text",
		message: `WhatsApp writes the text of a button that asks for contact info: leave it out, or write "Share Contact Info".`,
		broken:  func(_ Template, b *Button) bool { return b.Text != "" && b.Text != "Share Contact Info" }},
	{rule: "contact_info_category", field: "type",
		message: "Only utility and marketing templates ask for contact info.",
		broken:  func(t Template, _ *Button) bool { return t.Category == authenticated }},
}...)

var flowChecks = []check[*Button]{
	{rule: "flow_reference", source: pageFlows,
		message: "A Flow button names exactly one of the Flow's id, its name and its JSON.",
		broken: func(_ Template, b *Button) bool {
			given := 0
			for _, reference := range []string{b.FlowID, b.FlowName, b.FlowJSON} {
				if reference != "" {
					given++
				}
			}

			return given != 1
		}},
	{rule: "flow_action", field: "flow_action", source: pageFlows,
		message: "A Flow's action is navigate or data_exchange.",
		broken: func(_ Template, b *Button) bool {
			return !slices.Contains([]string{"", "navigate", "data_exchange"}, strings.ToLower(b.FlowAction))
		}},
	{rule: "flow_icon", field: "icon", source: pageFlows,
		message: "A Flow's icon is DOCUMENT, PROMOTION or REVIEW.",
		broken: func(_ Template, b *Button) bool {
			return !slices.Contains([]string{"", "DOCUMENT", "PROMOTION", "REVIEW"}, strings.ToUpper(b.Icon))
		}},
}

var urlChecks = []check[*Button]{
	{rule: "url_format", field: "url", message: "The address starts with https:// and has a host.",
		broken: func(_ Template, b *Button) bool {
			fixed := fixedPart(b.URL)
			address, err := url.Parse(fixed)
			return err != nil || address.Scheme != "https" || address.Host == "" ||
				strings.ContainsFunc(fixed, notInAddress) || brokenEscape(fixed)
		}},
	{rule: "url_length", field: "url", message: "An address has at most 2,000 characters.",
		broken: func(_ Template, b *Button) bool { return utf8.RuneCountInString(b.URL) > maxURL }},
	{rule: "url_variable", field: "url", message: "An address has at most one variable, {{1}}, and that at its end.",
		broken: func(_ Template, b *Button) bool {
			return strings.Count(b.URL, "{{") > 1 || (strings.Contains(b.URL, "{{") && !strings.HasSuffix(b.URL, "{{1}}"))
		}},
	{rule: "url_example", field: "example", message: "An address with a variable needs one full address as its example.",
		broken: func(_ Template, b *Button) bool {
			return strings.Contains(b.URL, "{{") && (len(b.Example) != 1 || !visible(b.Example[0]))
		}},
	{rule: "url_example_full", field: "example", severity: SeverityWarning,
		message: "The example of an address is the whole address, from https:// on.",
		broken: func(_ Template, b *Button) bool {
			example := first(b.Example)
			return strings.Contains(b.URL, "{{") && visible(example) && !strings.HasPrefix(example, "https://")
		}},
	{rule: "app_deep_link", field: "app_deep_link", source: pageMarketing,
		message: "A link into an app has the app's id at Meta, digits alone, and an address inside the app.",
		broken: func(_ Template, b *Button) bool {
			return b.AppDeepLink != nil && (!IsMediaID(string(b.AppDeepLink.MetaAppID)) || b.AppDeepLink.AndroidLink == "")
		}},
	{rule: "url_shortened", field: "url", source: pageReview, severity: SeverityWarning,
		message: "Links to wa.me and shortened links are refused.",
		broken:  func(_ Template, b *Button) bool { return shortened.MatchString(b.URL) }},
}

var otpChecks = from(pageAuthentication, []check[*Button]{
	{rule: "otp_category", field: "type", message: "Only authentication templates have an OTP button.",
		broken: func(t Template, _ *Button) bool { return t.Category != authenticated }},
	{rule: "otp_type", field: "otp_type", message: "The OTP type is COPY_CODE, ONE_TAP or ZERO_TAP.",
		broken: func(_ Template, b *Button) bool {
			return !slices.Contains([]string{"COPY_CODE", "ONE_TAP", "ZERO_TAP"}, b.OTPType)
		}},
	buttonTextLength, buttonTextVariables,
	{rule: "otp_apps", field: "supported_apps",
		message: "One-tap and zero-tap buttons name 1 to 5 apps, each with a package of two or more parts and a " +
			"signature hash of 11 characters.",
		broken: func(_ Template, b *Button) bool { return tapped(b) && !appsNamed(b.SupportedApps) }},
	{rule: "otp_zero_tap_terms", field: "zero_tap_terms_accepted",
		message: "A zero-tap button needs the zero-tap terms accepted.",
		broken:  func(_ Template, b *Button) bool { return b.OTPType == "ZERO_TAP" && !b.ZeroTapTermsAccepted }},
}...)

var (
	phoneFormat = regexp.MustCompile(`^\+?[0-9]{5,}$`)
	shortened   = regexp.MustCompile(
		`(?i)^https?://(www\.)?(wa\.me|api\.whatsapp\.com|bit\.ly|tinyurl\.com|t\.co|goo\.gl|ow\.ly|is\.gd|rebrand\.ly)(/|$)`)
	packageName = regexp.MustCompile(`^[a-zA-Z]\w*(\.[a-zA-Z]\w*)+$`)
	signature   = regexp.MustCompile(`^[a-zA-Z0-9+/=]{11}$`)
)

func tapped(b *Button) bool { return b.OTPType == "ONE_TAP" || b.OTPType == "ZERO_TAP" }

func appsNamed(apps []SupportedApp) bool {
	return len(apps) >= 1 && len(apps) <= 5 && !slices.ContainsFunc(apps, func(app SupportedApp) bool {
		return len(app.PackageName) > 224 || !packageName.MatchString(app.PackageName) ||
			!signature.MatchString(app.SignatureHash)
	})
}

// grouped tells whether quick replies form one block at the start or at the end.
func grouped(buttons []Button) bool {
	turns := 0
	for i := 1; i < len(buttons); i++ {
		if (buttons[i].Type == "QUICK_REPLY") != (buttons[i-1].Type == "QUICK_REPLY") {
			turns++
		}
	}

	return turns <= 1
}

func offerButtons(buttons *Component) bool {
	if buttons == nil {
		return false
	}

	links := 0
	for i, button := range buttons.Buttons {
		if button.Type != "URL" && (button.Type != "COPY_CODE" || i != 0) {
			return false
		}
		if button.Type == "URL" {
			links++
		}
	}

	return links == 1
}

func oneOTP(buttons *Component) bool {
	return buttons != nil && len(buttons.Buttons) == 1 && buttons.Buttons[0].Type == "OTP"
}
