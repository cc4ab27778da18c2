package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// whole checks what the components of a template must be to each other.
func (sh *shape) whole(category string, seen map[string]bool) *refusal {
	bad := func(why string) *refusal {
		return badTemplate(fieldsMissing, "Components cannot be combined", "%s", why)
	}
	spm := slices.ContainsFunc(sh.buttons, func(b button) bool { return b.Type == "SPM" })

	switch {
	case category != "MARKETING" && (seen["CAROUSEL"] || seen["LIMITED_TIME_OFFER"]):
		return bad("Only marketing templates have a carousel or a limited-time offer.")
	case category == "AUTHENTICATION" && (seen["HEADER"] || seen["CALL_PERMISSION_REQUEST"]):
		return bad("An authentication template has a body, a footer and buttons only.")
	case category == "AUTHENTICATION" && len(sh.buttons) != 1:
		return bad("An authentication template has one button, of type OTP.")
	case seen["CAROUSEL"] && (seen["HEADER"] || seen["FOOTER"] || seen["BUTTONS"]):
		return bad("Beside a carousel there is only a body.")
	case sh.limited && seen["FOOTER"]:
		return badTemplate(footerFormat, "Invalid footer", "A template with a limited-time offer cannot have a footer.")
	case sh.limited && seen["HEADER"] && sh.header != "IMAGE" && sh.header != "VIDEO":
		return badTemplate(headerFormat, "Invalid header", "The header of a limited-time offer is an image or a video.")
	case sh.limited && !offerButtons(sh.buttons):
		return bad("A limited-time offer has one URL button, and before it perhaps one of type COPY_CODE.")
	case (sh.header == "PRODUCT") != spm:
		return bad("A product header and a button of type SPM need each other.")
	case sh.named && slices.ContainsFunc(sh.inHeader, func(name string) bool { return slices.Contains(sh.inBody, name) }):
		return badTemplate(bodyFormat, "Invalid variable", "The name of a variable must be unique in the template.")
	}

	return atMost("BODY", sh.bodyText, sh.bodyLimit())
}

func offerButtons(buttons []button) bool {
	links := 0
	for i, b := range buttons {
		switch {
		case b.Type == "URL":
			links++
		case b.Type != "COPY_CODE" || i > 0:
			return false
		}
	}

	return links == 1
}

// bodyLimit is how many characters the body may have once its variables are filled in.
func (sh *shape) bodyLimit() int {
	switch {
	case sh.card, sh.header == "PRODUCT":
		return 160
	case sh.limited:
		return 600
	}

	return 1024
}

// cardButtons are the types of buttons that a card with such a header may have.
func cardButtons(header string) []string {
	if header == "PRODUCT" {
		return []string{"SPM", "URL"}
	}
	return []string{"QUICK_REPLY", "URL", "PHONE_NUMBER"}
}

func (sh *shape) takeCards(category string, c *component) *refusal {
	if len(c.Cards) < 2 || len(c.Cards) > 10 {
		return invalid("A carousel needs 2 to 10 cards.")
	}

	var first string
	for i, card := range c.Cards {
		inner, parts, no := sh.takeCard(category, card.Components)
		if no != nil {
			return no
		}

		if i == 0 {
			first = parts
		}
		if parts != first {
			return invalid("All cards of a carousel must have the same components.")
		}

		sh.cards = append(sh.cards, inner)
	}

	return nil
}

// takeCard checks a card, and tells of what parts it is made.
func (sh *shape) takeCard(category string, components []component) (inner shape, parts string, no *refusal) {
	inner = shape{named: sh.named, card: true}
	seen := map[string]bool{}
	for i := range components {
		part := &components[i]
		part.Type = strings.ToUpper(part.Type)
		if !slices.Contains([]string{"HEADER", "BODY", "BUTTONS"}, part.Type) || seen[part.Type] {
			return inner, "", invalid("A card has one header, body and group of buttons - got %q.", part.Type)
		}

		seen[part.Type] = true
		if no := inner.take(category, part); no != nil {
			return inner, "", no
		}

		parts += fmt.Sprint(part.Type, " ", strings.ToUpper(part.Format), " ")
	}

	for _, b := range inner.buttons {
		if !slices.Contains(cardButtons(inner.header), b.Type) {
			return inner, "", invalid("A card cannot have a button of type %s.", b.Type)
		}

		parts += b.Type + " "
	}

	switch {
	case !slices.Contains([]string{"IMAGE", "VIDEO", "PRODUCT"}, inner.header):
		return inner, "", badTemplate(headerFormat, "Invalid header", "A card needs an image, a video or a product.")
	case len(inner.buttons) < 1 || len(inner.buttons) > 2:
		return inner, "", invalid("A card needs one or two buttons.")
	}

	return inner, parts, atMost("BODY", inner.bodyText, inner.bodyLimit())
}
