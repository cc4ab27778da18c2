package whatsapp

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The pages of developers.facebook.com, WhatsApp, on which the rules stand, with the month in which
// they were read. docs/templates.md lists them.
const (
	pageOverview       = "Templates: overview (2025-12)"
	pageComponents     = "Template components (2025-11)"
	pageMedia          = "Template media (2026-05)"
	pageReview         = "Template review (2025-10)"
	pageCategories     = "Template categorization (2026-09)"
	pageLanguages      = "Supported languages (2025-11)"
	pageTTL            = "Time to live (2026-09)"
	pageAuthentication = "Authentication templates (2026-06)"
	pageCarousel       = "Media card carousel templates (2025-11)"
	pageProducts       = "Product card carousel templates (2025-11)"
	pageOffer          = "Limited-time offer templates (2025-11)"
	pageCoupon         = "Coupon code templates (2025-12)"
	pageCommerce       = "Catalog, multi-product and single-product templates (2025-11)"
	pageFlows          = "Flows: templates (2025-11)"
	pageCallPermission = "Calling: call permission requests (2026-07)"
	pageCallButton     = "Calling: call button messages (2026-07)"
	pageContactInfo    = "Business-scoped user ids (2026-09)"
	pageMarketing      = "Marketing Messages API (2026-09)"
)

// Meta's words that stand in several rules.
const (
	marketing      = "MARKETING"
	utility        = "UTILITY"
	callPermission = "CALL_PERMISSION_REQUEST"
	contactInfo    = "REQUEST_CONTACT_INFO"
)

var templateChecks = from(pageOverview, []check[Template]{
	{rule: "name_format", field: "name", message: "A name has only lower-case letters, digits and underscores.",
		broken: func(_ Template, t Template) bool { return !nameFormat.MatchString(t.Name) }},
	{rule: "name_length", field: "name", message: "A name has at most 512 characters.",
		broken: func(_ Template, t Template) bool { return len(t.Name) > 512 }},
	{rule: "language_known", field: "language", source: pageLanguages,
		message: "WhatsApp does not know this language code. Write it like en_US.",
		broken:  func(_ Template, t Template) bool { return !slices.Contains(languages, t.Language) }},
	{rule: "category_known", field: "category", message: "The category is MARKETING, UTILITY or AUTHENTICATION.",
		broken: func(_ Template, t Template) bool {
			return !slices.Contains([]string{marketing, utility, authenticated}, t.Category)
		}},
	{rule: "parameter_format_known", field: "parameter_format", message: "The parameter format is POSITIONAL or NAMED.",
		broken: func(_ Template, t Template) bool {
			return !slices.Contains([]string{"", Positional, Named}, t.ParameterFormat)
		}},
	{rule: "ttl_range", field: "message_send_ttl_seconds", source: pageTTL,
		message: "The time to live is 30 to 900 seconds for authentication, 30 to 43,200 for utility, " +
			"43,200 to 2,592,000 for marketing; −1 is 30 days, not for marketing.",
		broken: func(_ Template, t Template) bool { return !ttlAllowed(t.Category, t.MessageSendTTLSeconds) }},
	{rule: "ttl_marketing", field: "message_send_ttl_seconds", severity: SeverityWarning, source: pageTTL,
		message: "A marketing template's time to live counts only for accounts that use the Marketing Messages API.",
		broken:  func(_ Template, t Template) bool { return t.Category == marketing && t.MessageSendTTLSeconds != 0 }},
	{rule: "body_required", field: "components", source: pageComponents, message: "A template has exactly one body.",
		broken: func(_ Template, t Template) bool { return count(t.Components, "BODY") != 1 }},
	{rule: "component_repeated", field: "components", source: pageComponents,
		message: "A template has at most one header, footer, group of buttons, carousel, offer and request to call.",
		broken: func(_ Template, t Template) bool {
			return slices.ContainsFunc([]string{"HEADER", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER",
				callPermission}, func(kind string) bool { return count(t.Components, kind) > 1 })
		}},
	{rule: "carousel_alone", field: "components", source: pageCarousel,
		message: "Beside a carousel there is only the body: headers, footers and buttons belong into the cards.",
		broken: func(_ Template, t Template) bool {
			return t.component("CAROUSEL") != nil && count(t.Components, "HEADER")+count(t.Components, "FOOTER")+
				count(t.Components, "BUTTONS") > 0
		}},
	{rule: "offer_no_footer", field: "components", source: pageOffer, message: "A limited-time offer has no footer.",
		broken: func(_ Template, t Template) bool { return t.isOffer() && t.component("FOOTER") != nil }},
	{rule: "offer_buttons", field: "components", source: pageOffer,
		message: "A limited-time offer has a copy-code button first, if any, and one URL button; no others.",
		broken: func(_ Template, t Template) bool {
			return t.isOffer() && !offerButtons(t.component("BUTTONS"))
		}},
	{rule: "authentication_no_header", field: "components", source: pageAuthentication,
		message: "An authentication template has no header.",
		broken:  func(_ Template, t Template) bool { return t.Category == authenticated && t.component("HEADER") != nil }},
	{rule: "authentication_button", field: "components", source: pageAuthentication,
		message: "An authentication template has exactly one button, of type OTP.",
		broken: func(_ Template, t Template) bool {
			return t.Category == authenticated && !oneOTP(t.component("BUTTONS"))
		}},
	{rule: "product_button", field: "components", source: pageCommerce,
		message: "A product header and an SPM button belong together: give both, or neither.",
		broken: func(_ Template, t Template) bool {
			header := t.component("HEADER")
			return (header != nil && header.Format == "PRODUCT") != t.hasButton("SPM")
		}},
	{rule: "variable_unique", field: "components", source: pageOverview,
		message: "A variable's name stands in one part of a template only: give header and body different names.",
		broken:  func(_ Template, t Template) bool { return t.sharesNames() }},
	{rule: "mpm_header", field: "components", severity: SeverityWarning, source: pageCommerce,
		message: "The header of a template with an MPM button is a text.",
		broken: func(_ Template, t Template) bool {
			header := t.component("HEADER")
			return t.hasButton("MPM") && header != nil && header.Format != "TEXT"
		}},
	{rule: "call_permission_alone", field: "components", severity: SeverityWarning, source: pageCallPermission,
		message: "A request for permission to call stands beside header, body and footer, without buttons, cards or offer.",
		broken: func(_ Template, t Template) bool {
			return t.component(callPermission) != nil && (t.component("BUTTONS") != nil || t.isOffer() ||
				t.component("CAROUSEL") != nil)
		}},
	{rule: "utility_commerce", field: "components", severity: SeverityWarning, source: pageCategories,
		message: "Coupons, catalogs and products in a UTILITY template make WhatsApp count it as MARKETING: " +
			"choose that category.",
		broken: func(_ Template, t Template) bool {
			return t.Category == utility && slices.ContainsFunc([]string{"COPY_CODE", "CATALOG", "MPM", "SPM"}, t.hasButton)
		}},
}...)

// componentChecks are the rules for each type of component outside cards, cardChecks for those
// inside.
var (
	componentChecks = map[string][]check[*Component]{
		"HEADER":             slices.Concat(headerChecks, wordingChecks),
		"BODY":               slices.Concat(bodyChecks, bodyLengthChecks, wordingChecks, bodyWordingChecks),
		"FOOTER":             slices.Concat(footerChecks, wordingChecks),
		"BUTTONS":            buttonsChecks,
		"CAROUSEL":           carouselChecks,
		"LIMITED_TIME_OFFER": offerChecks,
		callPermission:       callPermissionChecks,
	}
	cardChecks = map[string][]check[*Component]{
		"HEADER":  slices.Concat(headerChecks, cardHeaderChecks),
		"BODY":    slices.Concat(bodyChecks, cardBodyChecks, wordingChecks),
		"BUTTONS": slices.Concat(buttonsChecks, cardButtonsChecks),
	}
)

var headerChecks = from(pageComponents, []check[*Component]{
	{rule: "header_format", field: "format",
		message: "A header is a text, image, video, document, GIF, location or product.",
		broken: func(_ Template, c *Component) bool {
			return c.Format != "TEXT" && c.Format != "LOCATION" && c.Format != "PRODUCT" && !isMedia(c.Format)
		}},
	{rule: "header_text_required", field: "text", message: "A text header has a text.",
		broken: func(_ Template, c *Component) bool { return c.Format == "TEXT" && !visible(c.Text) }},
	{rule: "header_text_only", field: "text",
		message: "Only a text header has a text: leave it out, or write it into the body.",
		broken:  func(_ Template, c *Component) bool { return c.Format != "TEXT" && c.Format != "" && c.Text != "" }},
	{rule: "header_length", field: "text", message: "A header has at most 60 characters.",
		broken: func(_ Template, c *Component) bool { return utf8.RuneCountInString(c.Text) > maxHeader }},
	{rule: "header_variables", field: "text", message: "A header has at most one variable.",
		broken: func(_ Template, c *Component) bool { return len(braces.FindAllString(c.Text, -1)) > 1 }},
	{rule: "header_emoji", field: "text", message: "A header has no emoji.",
		broken: func(_ Template, c *Component) bool { return HasEmoji(c.Text) }},
	{rule: "header_formatting", field: "text", message: "A header has no formatting: no *, _, ~ or `.",
		broken: func(_ Template, c *Component) bool { return strings.ContainsAny(fixedText(c.Text), "*_~`") }},
	{rule: "header_line_break", field: "text", message: "A header has no line break.",
		broken: func(_ Template, c *Component) bool { return strings.ContainsFunc(c.Text, lineBreak) }},
	{rule: "header_example", field: "example", message: "A header with a variable needs exactly one example for it.",
		broken: func(t Template, c *Component) bool {
			return c.Format == "TEXT" && !exemplified(t, c, func(e *Example) ([]string, []NamedExample) {
				return e.HeaderText, e.HeaderTextNamed
			})
		}},
	{rule: "header_media_example", field: "example", source: pageMedia,
		message: "A media header needs an example: the handle of an uploaded file.",
		broken: func(_ Template, c *Component) bool {
			return isMedia(c.Format) && first(c.Example.handles()) == ""
		}},
	{rule: "header_media_handle", field: "example", source: pageMedia,
		message: "A media header's example is one handle from a resumable upload (4::…); a media id or a link is refused.",
		broken: func(_ Template, c *Component) bool {
			handles := c.Example.handles()
			return isMedia(c.Format) && first(handles) != "" && (len(handles) > 1 || !isHandle(handles[0]))
		}},
	{rule: "header_media_kind", field: "example", severity: SeverityWarning, source: pageMedia,
		message: "The example of an image header is a JPEG or PNG, of a video or GIF an MP4, of a document a PDF.",
		broken: func(_ Template, c *Component) bool {
			return isMedia(c.Format) && ofAnotherKind(c.Format, first(c.Example.handles()))
		}},
	{rule: "header_gif_category", field: "format", source: pageMarketing,
		message: "Only a marketing template has a GIF header, and only accounts that use the Marketing Messages API send it.",
		broken:  func(t Template, c *Component) bool { return c.Format == "GIF" && t.Category != marketing }},
	{rule: "header_location_category", field: "format",
		message: "Only utility and marketing templates have a location header.",
		broken:  func(t Template, c *Component) bool { return c.Format == "LOCATION" && t.Category == authenticated }},
	{rule: "offer_header", field: "format", source: pageOffer,
		message: "A limited-time offer's header is an image or a video.",
		broken: func(t Template, c *Component) bool {
			return t.isOffer() && c.Format != "IMAGE" && c.Format != "VIDEO"
		}},
	variableBraces, variableSequence,
}...)

var cardHeaderChecks = from(pageCarousel, check[*Component]{rule: "card_header", field: "format",
	message: "A card's header is an image, a video or a product.",
	broken: func(_ Template, c *Component) bool {
		return !slices.Contains([]string{"IMAGE", "VIDEO", "PRODUCT"}, c.Format)
	}})

var (
	variableBraces = check[*Component]{rule: "variable_braces", field: "text",
		message: "A variable is {{1}}, or {{first_name}} with lower-case letters, digits and underscores, " +
			"in matching braces; the whole template uses one style.",
		broken: badVariables}
	variableSequence = check[*Component]{rule: "variable_sequence", field: "text",
		message: "Numbered variables count from {{1}} without a gap.", broken: badSequence}
)

var bodyChecks = from(pageComponents, []check[*Component]{
	{rule: "body_text_required", field: "text", message: "A body has a text.",
		broken: func(t Template, c *Component) bool {
			return t.Category != authenticated && !visible(c.Text)
		}},
	{rule: "authentication_body_text", field: "text", source: pageAuthentication,
		message: "WhatsApp writes the text of an authentication template: leave it out.",
		broken:  func(t Template, c *Component) bool { return t.Category == authenticated && c.Text != "" }},
	{rule: "security_recommendation_category", field: "add_security_recommendation", severity: SeverityWarning,
		source:  pageAuthentication,
		message: "Only an authentication template has WhatsApp's security recommendation: here it says nothing.",
		broken:  func(t Template, c *Component) bool { return t.Category != authenticated && c.AddSecurityRecommendation }},
	variableBraces, variableSequence,
	{rule: "variable_dangling", field: "text", message: "A body neither starts nor ends with a variable.",
		broken: func(_ Template, c *Component) bool {
			text := strings.TrimSpace(Seen(c.Text))
			return strings.HasPrefix(text, "{{") || strings.HasSuffix(text, "}}")
		}},
	{rule: "variable_adjacent", field: "text", source: pageReview, message: "Between two variables there are words.",
		broken: func(_ Template, c *Component) bool { return adjacent.MatchString(Seen(c.Text)) }},
	{rule: "variable_ratio", field: "text", severity: SeverityWarning,
		message: "There are many variables for so little text: write about three words for each.",
		broken: func(_ Template, c *Component) bool {
			variables := len(braces.FindAllString(c.Text, -1))
			return variables > 0 && words(fixedText(c.Text)) < 2*variables+1
		}},
	{rule: "variable_repeated", field: "text", severity: SeverityWarning, source: pageOverview,
		message: "A named variable stands in a template once: give the second place a name of its own.",
		broken: func(t Template, c *Component) bool {
			return t.ParameterFormat == Named &&
				len(placeholders(c.Text, true)) < len(braces.FindAllString(c.Text, -1))
		}},
	{rule: "body_example", field: "example", message: "A body with variables needs exactly one example for each.",
		broken: func(t Template, c *Component) bool {
			return !exemplified(t, c, func(e *Example) ([]string, []NamedExample) {
				if len(e.BodyText) == 0 {
					return nil, e.BodyTextNamed
				}
				return e.BodyText[0], e.BodyTextNamed
			})
		}},
}...)

var bodyLengthChecks = from(pageComponents, []check[*Component]{
	{rule: "body_length", field: "text", message: "A body has at most 1,024 characters.",
		broken: func(_ Template, c *Component) bool { return utf8.RuneCountInString(c.Text) > maxBody }},
	{rule: "offer_body_length", field: "text", source: pageOffer,
		message: "A limited-time offer's body has at most 600 characters.",
		broken: func(t Template, c *Component) bool {
			return t.isOffer() && utf8.RuneCountInString(c.Text) > maxOfferBody
		}},
	{rule: "product_body_length", field: "text", source: pageCommerce,
		message: "The body of a template with an SPM button has at most 160 characters.",
		broken: func(t Template, c *Component) bool {
			return t.hasButton("SPM") && utf8.RuneCountInString(c.Text) > maxCardBody
		}},
}...)

var cardBodyChecks = from(pageCarousel, check[*Component]{rule: "card_body_length", field: "text",
	message: "A card's body has at most 160 characters.",
	broken:  func(_ Template, c *Component) bool { return utf8.RuneCountInString(c.Text) > maxCardBody }})

var footerChecks = from(pageComponents, []check[*Component]{
	{rule: "footer_text_required", field: "text", message: "A footer has a text.",
		broken: func(t Template, c *Component) bool {
			return t.Category != authenticated && !visible(c.Text)
		}},
	{rule: "footer_length", field: "text", message: "A footer has at most 60 characters.",
		broken: func(_ Template, c *Component) bool { return utf8.RuneCountInString(c.Text) > maxFooter }},
	{rule: "footer_variables", field: "text", message: "A footer has no variables.",
		broken: func(_ Template, c *Component) bool {
			return strings.Contains(c.Text, "{{") || strings.Contains(c.Text, "}}")
		}},
	{rule: "authentication_footer_text", field: "text", source: pageAuthentication,
		message: "The footer of an authentication template only says when the code expires: set that, and no text.",
		broken:  func(t Template, c *Component) bool { return t.Category == authenticated && c.Text != "" }},
	{rule: "authentication_expiration", field: "code_expiration_minutes", source: pageAuthentication,
		message: "A code expires after 1 to 90 minutes.",
		broken: func(t Template, c *Component) bool {
			return t.Category == authenticated && (c.CodeExpirationMinutes < 1 || c.CodeExpirationMinutes > 90)
		}},
	{rule: "code_expiration_category", field: "code_expiration_minutes", severity: SeverityWarning,
		source:  pageAuthentication,
		message: "Only an authentication template says when a code expires: here it says nothing.",
		broken: func(t Template, c *Component) bool {
			return t.Category != authenticated && c.CodeExpirationMinutes != 0
		}},
}...)

var offerChecks = from(pageOffer, []check[*Component]{
	{rule: "offer_category", message: "Only marketing templates have a limited-time offer.",
		broken: func(t Template, _ *Component) bool { return t.Category != marketing }},
	{rule: "offer_text", field: "limited_time_offer", message: "An offer has a text of 1 to 16 characters.",
		broken: func(_ Template, c *Component) bool {
			return c.LimitedTimeOffer == nil || !visible(c.LimitedTimeOffer.Text) ||
				utf8.RuneCountInString(c.LimitedTimeOffer.Text) > maxOffer
		}},
	{rule: "offer_variables", field: "limited_time_offer", message: "An offer's text has no variables.",
		broken: func(_ Template, c *Component) bool {
			return c.LimitedTimeOffer != nil && strings.Contains(c.LimitedTimeOffer.Text, "{{")
		}},
}...)

var callPermissionChecks = from(pageCallPermission, check[*Component]{rule: "call_permission_category",
	message: "Only utility and marketing templates ask for permission to call.",
	broken:  func(t Template, _ *Component) bool { return t.Category == authenticated }})

var carouselChecks = from(pageCarousel, []check[*Component]{
	{rule: "carousel_category", message: "Only marketing templates have a carousel.",
		broken: func(t Template, _ *Component) bool { return t.Category != marketing }},
	{rule: "carousel_cards", field: "cards", message: "A carousel has 2 to 10 cards.",
		broken: func(_ Template, c *Component) bool { return len(c.Cards) < 2 || len(c.Cards) > maxCards }},
	{rule: "carousel_alike", field: "cards", message: "All cards have the same components and the same kinds of buttons.",
		broken: func(_ Template, c *Component) bool {
			return slices.ContainsFunc(c.Cards, func(card Card) bool { return shape(card) != shape(c.Cards[0]) })
		}},
	{rule: "card_complete", field: "cards", message: "Every card has a header and buttons.",
		broken: func(_ Template, c *Component) bool {
			return slices.ContainsFunc(c.Cards, func(card Card) bool {
				return find(card.Components, "HEADER") == nil || find(card.Components, "BUTTONS") == nil
			})
		}},
	{rule: "card_repeated", field: "cards", message: "A card has at most one header, body and group of buttons.",
		broken: func(_ Template, c *Component) bool {
			return slices.ContainsFunc(c.Cards, func(card Card) bool {
				return count(card.Components, "HEADER") > 1 || count(card.Components, "BODY") > 1 ||
					count(card.Components, "BUTTONS") > 1
			})
		}},
	{rule: "card_media_buttons", field: "cards",
		message: "The buttons of a card with an image or a video are quick replies, URL and phone number buttons.",
		broken: func(_ Template, c *Component) bool {
			return slices.ContainsFunc(c.Cards, func(card Card) bool {
				return !isProductCard(card) && !hasOnly(card, "QUICK_REPLY", "URL", "PHONE_NUMBER")
			})
		}},
	{rule: "card_product_buttons", field: "cards", source: pageProducts,
		message: "The buttons of a product card are SPM or URL buttons.",
		broken: func(_ Template, c *Component) bool {
			return slices.ContainsFunc(c.Cards, func(card Card) bool {
				return isProductCard(card) && !hasOnly(card, "SPM", "URL")
			})
		}},
}...)

var (
	nameFormat = regexp.MustCompile(`^[a-z0-9_]+$`)
	braces     = regexp.MustCompile(`\{\{[^{}]*\}\}`)
	adjacent   = regexp.MustCompile(`\}\}\s*\{\{`)
)

// isMedia says whether a header of this format has a file.
func isMedia(format string) bool {
	return slices.Contains([]string{"IMAGE", "VIDEO", "DOCUMENT", "GIF"}, format)
}

// isHandle says whether an example can be the handle of a resumable upload: neither a link nor a
// media id.
func isHandle(example string) bool { return !strings.Contains(example, "://") && !IsMediaID(example) }

// headerTypes are the types of files that Meta takes as the example of a header.
// developers.facebook.com, Graph "Resumable upload" (read 2026-07).
var headerTypes = map[string][]string{"IMAGE": {"image/jpeg", "image/jpg", "image/png"}, "VIDEO": {"video/mp4"},
	"GIF": {"video/mp4"}, "DOCUMENT": {"application/pdf"}}

// ofAnotherKind says whether a handle tells that its file cannot be the example of a header of that
// format.
func ofAnotherKind(format, handle string) bool {
	kind := handleType(handle)
	return kind != "" && !slices.Contains(headerTypes[format], kind)
}

// handleType is the type of the file that a handle is of, as in 4::aW1hZ2UvanBlZw==:ARb; empty
// where the handle does not say it so. That form is Meta's, but not a promise of Meta's.
func handleType(handle string) string {
	parts := strings.Split(handle, ":")
	if len(parts) < 4 || parts[1] != "" {
		return ""
	}

	kind, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(parts[2], "="))
	if err != nil || strings.Count(string(kind), "/") != 1 {
		return ""
	}

	return strings.ToLower(string(kind))
}

// PictureProblem says why an example cannot be a profile's picture, empty where nothing speaks
// against it.
func PictureProblem(example string) string {
	switch {
	case !isHandle(example):
		return "It is not the handle of an upload, but a link or a media id: upload the picture as an example first."
	case ofAnotherKind("IMAGE", example):
		return "It is the handle of a file that is no picture: WhatsApp takes a JPEG or a PNG."
	}

	return ""
}

func (t Template) isOffer() bool { return t.component("LIMITED_TIME_OFFER") != nil }

// sharesNames says whether header and body have a named variable in common.
func (t Template) sharesNames() bool {
	header, body := t.component("HEADER"), t.component("BODY")
	if t.ParameterFormat != Named || header == nil || body == nil {
		return false
	}

	inBody := placeholders(body.Text, true)

	return slices.ContainsFunc(placeholders(header.Text, true), func(name string) bool {
		return slices.Contains(inBody, name)
	})
}

// hasOnly says whether the buttons of a card are all of these types.
func hasOnly(card Card, kinds ...string) bool {
	buttons := find(card.Components, "BUTTONS")
	return buttons == nil || !slices.ContainsFunc(buttons.Buttons, func(b Button) bool {
		return !slices.Contains(kinds, b.Type)
	})
}

func count(components []Component, kind string) int {
	n := 0
	for _, component := range components {
		if component.Type == kind {
			n++
		}
	}

	return n
}

// ttls are the times to live that a category allows, in seconds.
var ttls = map[string]struct {
	from, to int
	endless  bool // −1 is allowed, for 30 days
}{
	authenticated: {30, 900, true},
	utility:       {30, 43_200, true},
	marketing:     {43_200, 2_592_000, false},
}

func ttlAllowed(category string, seconds int) bool {
	allowed, known := ttls[category]
	switch {
	case seconds == 0, !known:
		return true
	case seconds == -1:
		return allowed.endless
	default:
		return allowed.from <= seconds && seconds <= allowed.to
	}
}

// fixedText is a text without its variables.
func fixedText(text string) string { return braces.ReplaceAllString(text, " ") }

// badVariables tells whether braces do not match, or a variable has a name that Meta refuses or of
// the other style.
func badVariables(t Template, c *Component) bool {
	if rest := fixedText(c.Text); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		return true
	}

	for _, variable := range braces.FindAllString(c.Text, -1) {
		name := strings.TrimSpace(strings.Trim(variable, "{}"))
		number := name != "" && name[0] >= '0' && name[0] <= '9'
		if !validName(name) || number == (t.ParameterFormat == Named) || number && name != strconv.Itoa(position(name)) {
			return true
		}
	}

	return false
}

// badSequence tells whether positional variables leave out a number.
func badSequence(t Template, c *Component) bool {
	if t.ParameterFormat == Named {
		return false
	}

	for i, name := range placeholders(c.Text, false) {
		if n := position(name); n < 1<<30 && n != i+1 {
			return true
		}
	}

	return false
}

// exemplified tells whether each variable of a text has an example, and no more than those.
func exemplified(t Template, c *Component, examples func(*Example) (positional []string, named []NamedExample)) bool {
	variables := placeholders(c.Text, t.ParameterFormat == Named)
	if len(variables) == 0 {
		return true
	}
	if c.Example == nil {
		return false
	}

	positional, named := examples(c.Example)
	if t.ParameterFormat != Named {
		return len(positional) == len(variables) &&
			!slices.ContainsFunc(positional, func(e string) bool { return !visible(e) })
	}

	return len(named) == len(variables) && !slices.ContainsFunc(variables, func(name string) bool {
		return !slices.ContainsFunc(named, func(e NamedExample) bool { return e.Name == name && visible(e.Example) })
	})
}

// shape is what all cards of a carousel have in common.
func shape(card Card) string {
	var kinds []string
	for _, component := range card.Components {
		if kinds = append(kinds, component.Type+component.Format); component.Type != "BUTTONS" {
			continue
		}
		for _, button := range component.Buttons {
			kinds = append(kinds, button.Type)
		}
	}

	return strings.Join(kinds, " ")
}

// languages are the codes that WhatsApp takes, exactly.
// developers.facebook.com, WhatsApp "Supported languages" (read 2025-11).
var languages = strings.Fields(`af sq ar ar_EG ar_AE ar_LB ar_MA ar_QA az be_BY bn bn_IN bg ca zh_CN zh_HK zh_TW hr cs da
	prs_AF nl nl_BE en en_GB en_US en_AE en_AU en_CA en_GH en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_ZA et fil fi
	fr fr_BE fr_CA fr_CH fr_CI fr_MA ka de de_AT de_CH el gu ha he hi hu id ga it ja kn kk rw_RW ko ky_KG lo lv lt mk ms ml
	mr nb ps_AF fa pl pt_BR pt_PT pa ro ru sr si_LK sk sl es es_AR es_CL es_CO es_CR es_DO es_EC es_HN es_MX es_PA es_PE
	es_ES es_UY sw sv ta te th tr uk ur uz vi zu`)

// Languages lists the language codes that a template can have.
func Languages() []string { return slices.Clone(languages) }
