package whatsapp

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPreviewShowsWhatARecipientSees(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template string
		values   map[string]string
		want     Preview
	}{
		"named, by example": {named, nil, Preview{Header: "Order A-1", Body: "Hi Ana, your parcel is on its way, Ana.",
			Footer: "Lucky Shrub", Buttons: []string{"Help", "Track"},
			Actions: []PreviewButton{{Type: "QUICK_REPLY", Text: "Help"},
				{Type: "URL", Text: "Track", URL: "https://ex.com/t/abc"}}}},
		"positional": {positional, map[string]string{"2": "10%", "header_1": "Bo", "button_0_code": "SAVE10"},
			Preview{Header: "For Bo", Body: "Take 10% off with FALL25 until Sunday.",
				Buttons: []string{"Copy offer code", "Call"},
				Actions: []PreviewButton{{Type: "COPY_CODE", Text: "Copy offer code", Code: "SAVE10"},
					{Type: "PHONE_NUMBER", Text: "Call", PhoneNumber: "+15550001111"}}}},
		"code": {code, map[string]string{"otp_code": "777"},
			Preview{Body: "*777* is your verification code. For your security, do not share this code.",
				Footer: "This code expires in 10 minutes.", Buttons: []string{"Copy code"},
				Actions: []PreviewButton{{Type: "OTP", Text: "Copy code", Code: "777"}}}},
		"offer": {offer, map[string]string{"header_image": "https://ex.com/a.jpg", "expiration_ms": "2026-12-31T23:59:59Z",
			"button_0_code": "SAVE10", "button_1_url": "x 1"},
			Preview{Header: "[image: https://ex.com/a.jpg]", Body: "Good news, Ana! Book now.",
				Media:   &PreviewMedia{Kind: "IMAGE", Link: "https://ex.com/a.jpg"},
				Offer:   &PreviewOffer{"Ends soon!", "SAVE10", time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)},
				Buttons: []string{"Copy offer code", "Book"},
				Actions: []PreviewButton{{Type: "COPY_CODE", Text: "Copy offer code", Code: "SAVE10"},
					{Type: "URL", Text: "Book", URL: "https://ex.com/o?c=x%201"}}}},
		"a file by its id": {`{"components":[{"type":"HEADER","format":"DOCUMENT"},{"type":"BODY","text":"See"}]}`,
			map[string]string{"header_document": "987", "header_document_filename": "bill.pdf"},
			Preview{Header: "[document: 987]", Body: "See",
				Media: &PreviewMedia{Kind: "DOCUMENT", ID: "987", Filename: "bill.pdf"}}},
		"a file that is not known": {`{"components":[{"type":"HEADER","format":"VIDEO","example":{"header_handle":["4::a"]}},{"type":"BODY","text":"See"}]}`,
			nil, Preview{Header: "[video]", Body: "See", Media: &PreviewMedia{Kind: "VIDEO"}}},
		"a place": {`{"components":[{"type":"HEADER","format":"LOCATION"},{"type":"BODY","text":"Here"}]}`,
			map[string]string{"header_location": "37.44,-122.16,Philz"},
			Preview{Header: "[location: 37.44,-122.16,Philz]", Body: "Here",
				Location: &Location{Latitude: 37.44, Longitude: -122.16, Name: "Philz"}}},
		"a product": {`{"components":[{"type":"HEADER","format":"PRODUCT"},{"type":"BODY","text":"Buy"},{"type":"BUTTONS","buttons":[{"type":"SPM","text":"View"}]}]}`,
			map[string]string{"header_product": "12:sku"},
			Preview{Header: "[product: 12:sku]", Body: "Buy", Product: &Product{"sku", "12"}, Buttons: []string{"View"},
				Actions: []PreviewButton{{Type: "SPM", Text: "View"}}}},
		"a request to call": {`{"components":[{"type":"BODY","text":"May we call?"},{"type":"call_permission_request"}]}`, nil,
			Preview{Body: "May we call?", AsksToCall: true}},
		"nothing known of a variable": {`{"components":[{"type":"BODY","text":"Hi {{1}}!"}]}`, nil,
			Preview{Body: "Hi {{1}}!"}},
		"an example that is another address": {`{"components":[{"type":"BODY","text":"Hi"},{"type":"BUTTONS","buttons":[
			{"type":"URL","text":"Go","url":"https://ex.com/o?code={{1}}","example":["https://ex.com/o?ref=n3"]},{"type":"VOICE_CALL"},{"type":"HOLOGRAM"}]}]}`, nil,
			Preview{Body: "Hi", Buttons: []string{"Go", "Call on WhatsApp", `"HOLOGRAM"`},
				Actions: []PreviewButton{{Type: "URL", Text: "Go", URL: "https://ex.com/o?ref=n3"},
					{Type: "VOICE_CALL", Text: "Call on WhatsApp"}, {Type: "HOLOGRAM", Text: `"HOLOGRAM"`}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := templateOf(t, tc.template).Preview(tc.values); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func TestPreviewShowsEveryCard(t *testing.T) {
	t.Parallel()
	got := templateOf(t, carousel).Preview(map[string]string{"card_1_1": "cactus", "card_0_header_image": "55"})
	if got.Body != "Hi Ana, look at these." || len(got.Cards) != 2 {
		t.Fatalf("got %+v", got)
	}

	for i, want := range []string{"Rare lemon plants here https://ex.com/lemon 55",
		"Common cactus plants here https://ex.com/aloe "} {
		card := got.Cards[i]
		if line := card.Body + " " + card.Actions[1].URL + " " + card.Media.ID; line != want ||
			!reflect.DeepEqual(card.Buttons, []string{"More", "Buy"}) {
			t.Errorf("card %d: %q, %+v", i, line, card)
		}
	}

	more := templateOf(t, products).Preview(map[string]string{"card_2_header_product": "1:third"})
	if len(more.Cards) != 3 || more.Cards[2].Product == nil || more.Cards[2].Product.ProductRetailerID != "third" {
		t.Errorf("a card beyond those of the template: %+v", more)
	}
}

func TestACodesTextsAreThoseOfItsLanguageOrMetasOwn(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{
		"en_GB": "*123456* is your verification code. For your security, do not share this code. | " +
			"This code expires in 10 minutes. | Copy code",
		"es_MX": "Tu código de verificación es *123456*. Por tu seguridad, no lo compartas. | " +
			"Este código caduca en 10 minutos. | Copiar código",
		"de": "*123456* is your verification code. For your security, do not share this code. | " +
			"This code expires in 10 minutes. | Copy code",
	} {
		template := templateOf(t, strings.ReplaceAll(code, `,"text":"Copy code"`, ""))
		template.Language = language
		got := template.Preview(nil)
		if line := got.Body + " | " + got.Footer + " | " + got.Buttons[0]; line != want {
			t.Errorf("%s: %q", language, line)
		}
	}

	read := `{"language":"de","category":"AUTHENTICATION","components":[{"type":"BODY","text":"*{{1}}* ist dein Code.","add_security_recommendation":true},
		{"type":"FOOTER","text":"Läuft in 5 Minuten ab.","code_expiration_minutes":5},
		{"type":"BUTTONS","buttons":[{"type":"URL","text":"Kopieren","url":"https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}","example":["https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp123456"]}]}]}`
	got := templateOf(t, read).Preview(map[string]string{"otp_code": "42"})
	if got.Body != "*42* ist dein Code." || got.Footer != "Läuft in 5 Minuten ab." || got.Buttons[0] != "Kopieren" ||
		got.Actions[0].Code != "42" {
		t.Errorf("what Meta has written: %+v", got)
	}
}

func TestOneTapShowsTheTextThatFillsIn(t *testing.T) {
	t.Parallel()
	for button, want := range map[string]string{
		`{"type":"OTP","otp_type":"ONE_TAP","text":"Copy","autofill_text":"Fill it in"}`: "Fill it in",
		`{"type":"OTP","otp_type":"ONE_TAP"}`:                                            "Autofill",
		`{"type":"OTP","otp_type":"ZERO_TAP"}`:                                           "Copy code",
	} {
		got := templateOf(t, `{"language":"en","category":"AUTHENTICATION","components":[{"type":"BODY"},{"type":"BUTTONS","buttons":[`+button+`]}]}`).Preview(nil)
		if got.Buttons[0] != want {
			t.Errorf("%s reads %q", button, got.Buttons[0])
		}
	}
}
