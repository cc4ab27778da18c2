package whatsapp

import (
	"encoding/json"
	"unicode/utf8"
)

// The most that a message of several products has. developers.facebook.com, WhatsApp "Multi-product
// message templates" (read 2025-11).
const (
	maxSections     = 10
	maxProducts     = 30
	maxSectionTitle = 24
)

// productList is the action of a message of several products.
type productList struct {
	Thumbnail string `json:"thumbnail_product_retailer_id"`
	Sections  []struct {
		Title string `json:"title"`
		Items []struct {
			ID string `json:"product_retailer_id"`
		} `json:"product_items"`
	} `json:"sections"`
}

// products is the action that shows several products: the value, which is that action as JSON, with
// the picture's product in it where one is given by itself.
func (b *binder) products(p Parameter, value, picture string) json.RawMessage {
	if b.listing || value == "" {
		return nil
	}

	var list productList
	if !isObject([]byte(value)) || json.Unmarshal([]byte(value), &list) != nil {
		b.problem(p, "FORMAT", `is not a JSON object with sections of products: `+
			`{"sections":[{"title":"New","product_items":[{"product_retailer_id":"sku1"}]}]}`)
		return nil
	}

	if wrong := list.wrong(); wrong != "" {
		b.problem(p, "FORMAT", wrong)
		return nil
	}

	if picture == "" {
		return json.RawMessage(value)
	}

	var action map[string]json.RawMessage
	_ = json.Unmarshal([]byte(value), &action) // it is an object
	action[thumbnail], _ = json.Marshal(picture)
	raw, _ := json.Marshal(action)

	return raw
}

// wrong says which of WhatsApp's rules a list of products breaks.
func (l productList) wrong() string {
	if len(l.Sections) < 1 || len(l.Sections) > maxSections {
		return "has no sections, or more than 10"
	}

	products := 0
	for _, section := range l.Sections {
		products += len(section.Items)
		switch {
		case len(section.Items) == 0:
			return "has a section without products"
		case len(l.Sections) > 1 && !visible(section.Title):
			return "has a section without a title, which each needs where there are several"
		case utf8.RuneCountInString(section.Title) > maxSectionTitle:
			return "has a section whose title is longer than 24 characters"
		}

		for _, item := range section.Items {
			if !visible(item.ID) {
				return "has a product without a product_retailer_id"
			}
		}
	}

	if products > maxProducts {
		return "has more than 30 products"
	}

	return ""
}
