package sandbox

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"carillon/whatsapp"
)

// forms are templates with a place for every kind of value.
var forms = []string{
	`{"name":"texts","language":"en","category":"MARKETING","components":[{"type":"HEADER","format":"TEXT","text":"For {{1}}","example":{"header_text":["Ana"]}},
		{"type":"BODY","text":"Take {{2}} off with {{1}} until Sunday evening.","example":{"body_text":[["FALL25","25%"]]}},
		{"type":"BUTTONS","buttons":[{"type":"COPY_CODE","example":"FALL25"},{"type":"URL","text":"Track","url":"https://shop.example.com/track/{{1}}","example":["https://shop.example.com/track/a"]}]}]}`,
	`{"name":"names","language":"en","category":"UTILITY","parameter_format":"NAMED","components":[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["4::a"]}},
		{"type":"BODY","text":"Hi {{name}}, your parcel {{parcel}} is on its way to {{name}} now.","example":{"body_text_named_params":[{"param_name":"name","example":"Ana"},{"param_name":"parcel","example":"A"}]}},
		{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Stop"},{"type":"URL","text":"Go","url":"https://www.example.com/r?to={{1}}","example":["https://www.example.com/r?to=a"]},{"type":"URL","text":"Home","url":"https://example.com{{1}}","example":["https://example.com/a"]}]}]}`,
	`{"name":"video","language":"en","category":"MARKETING","components":[{"type":"HEADER","format":"VIDEO","example":{"header_handle":["4::a"]}},{"type":"BODY","text":"Look at this."}]}`,
	`{"name":"document","language":"en","category":"UTILITY","components":[{"type":"HEADER","format":"DOCUMENT","example":{"header_handle":["4::a"]}},{"type":"BODY","text":"Your bill is here."}]}`,
	`{"name":"place","language":"en","category":"UTILITY","components":[{"type":"HEADER","format":"LOCATION"},{"type":"BODY","text":"Meet us here."}]}`,
	`{"name":"product","language":"en","category":"MARKETING","components":[{"type":"HEADER","format":"PRODUCT"},{"type":"BODY","text":"Buy this."},{"type":"BUTTONS","buttons":[{"type":"SPM","text":"View"}]}]}`,
	`{"name":"offer","language":"en","category":"MARKETING","components":[{"type":"LIMITED_TIME_OFFER","limited_time_offer":{"text":"Ends soon","has_expiration":true}},
		{"type":"BODY","text":"Good news, {{1}}! Book your trip now.","example":{"body_text":[["Ana"]]}},
		{"type":"BUTTONS","buttons":[{"type":"COPY_CODE","example":"TRIP25"},{"type":"URL","text":"Book","url":"https://example.com/o?c={{1}}","example":["https://example.com/o?c=n"]}]}]}`,
	`{"name":"code","language":"en","category":"AUTHENTICATION","components":[{"type":"BODY","add_security_recommendation":true},{"type":"BUTTONS","buttons":[{"type":"OTP","otp_type":"COPY_CODE","text":"Copy"}]}]}`,
	`{"name":"cards","language":"en","category":"MARKETING","components":[{"type":"BODY","text":"Hi {{1}}, look at these plants.","example":{"body_text":[["Ana"]]}},{"type":"CAROUSEL","cards":[
		{"components":[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["4::x"]}},{"type":"BODY","text":"Rare {{1}} plants here","example":{"body_text":[["lemon"]]}},
			{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"More"},{"type":"URL","text":"Buy","url":"https://ex.com/{{1}}","example":["https://ex.com/lemon"]}]}]},
		{"components":[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["4::x"]}},{"type":"BODY","text":"Common {{1}} plants here","example":{"body_text":[["aloe"]]}},
			{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"More"},{"type":"URL","text":"Buy","url":"https://ex.com/{{1}}","example":["https://ex.com/aloe"]}]}]}]}]}`,
}

// pieces are what values are put together of: what people, spreadsheets and web pages write, and
// what WhatsApp's rules are about.
var pieces = []string{
	"a", "Ana", "AB12", "x1", "é", "漢字", "👩‍👩‍👧", "\n", "\r\n", "\t", " ", "  ", "     ", "\u00a0", "\u2003",
	"\u2028", "\u2029", "\u0085", "\v", "\f", "\u200b", "\ufeff", "\u202e", "\u3164", "\x01", "\x7f", "\xff",
	"https://", "HTTPS://", "http://", "data:image/png;base64,AA==", "photo.jpg", "shop.example.com/track/", "www.",
	"example.com", "/", "/track/", "//", "?", "#", "&", "=", "%", "%20", "%zz", "\"", "<", "{", "}", "{{1}}",
	"|", "\\", "^", "`", ",", ":", "-", ".",
	"1", "12.5", "-91", "0,0", "52.5,13.4,Office,Main St 1", `{"latitude":1,"longitude":2}`,
	`{"latitude":100,"longitude":2}`, "1709944072", "1909944072000", "2030-01-01T00:00:00Z", "catalog:sku", "SAVE10",
	"localhost", "10.0.0.1", "[::1]",
	strings.Repeat("w", 15), strings.Repeat("ö", 61), strings.Repeat("long ", 130), strings.Repeat("z", 1990),
}

func piece() string { return pieces[rand.IntN(len(pieces))] }

// someValue is anything that may stand in an attribute.
func someValue(upload string) string {
	switch rand.IntN(8) {
	case 0:
		return upload
	case 1:
		return "https://example.com/" + piece()
	}

	var b strings.Builder
	for range 1 + rand.IntN(4) {
		b.WriteString(piece())
	}

	return b.String()
}

// upload puts a picture into the sandbox, and gives its id.
func (st *stage) upload() string {
	st.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	w.WriteField("messaging_product", "whatsapp")
	w.WriteField("type", "image/png")
	file, err := w.CreateFormFile("file", "a.png")
	if err != nil {
		st.t.Fatal(err)
	}

	file.Write([]byte("png"))
	w.Close()
	r := httptest.NewRequest("POST", "/v25.0/"+sender+"/media", &form)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+bearer)
	answer := httptest.NewRecorder()
	st.ServeHTTP(answer, r)
	_, rest, _ := strings.Cut(answer.Body.String(), `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if id == "" {
		st.t.Fatalf("upload: %s", answer.Body)
	}

	return id
}

// ordinary are values that every template takes.
func ordinary(t whatsapp.Template, upload string) map[string]string {
	values := map[string]string{}
	for _, p := range t.Parameters() {
		values[p.Name] = "x"
		switch p.Kind {
		case whatsapp.KindImage, whatsapp.KindVideo, whatsapp.KindDocument:
			values[p.Name] = upload
		case whatsapp.KindLocation:
			values[p.Name] = "1,2"
		case whatsapp.KindExpiration:
			values[p.Name] = "1909944072000"
		}
	}

	mended, _ := t.Mend(values)

	return mended
}

// accepts sends a template with values as they are.
func (st *stage) accepts(t whatsapp.Template, values map[string]string) (bool, string) {
	st.t.Helper()
	st.clock.advance(10 * time.Millisecond)
	bound, _ := t.Message(values)
	raw, err := json.Marshal(whatsapp.Message{To: "447400123456", Template: &bound})
	if err != nil {
		st.t.Fatal(err)
	}

	out := st.send(string(raw))

	return out.status == 200, out.body
}

func TestWhatPassesOurCheckWhatsAppTakesAndWhatItRefusesOfAConstantIsFoundBefore(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	upload := st.upload()

	known := func(values map[string]string) bool { // a number that is no upload's id can be no fault of its form
		for _, v := range values {
			if v != upload && whatsapp.IsMediaID(strings.TrimSpace(v)) {
				return false
			}
		}

		return true
	}

	passed, found := 0, 0
	for _, form := range forms {
		st.template(form)
		var template whatsapp.Template
		if err := json.Unmarshal([]byte(form), &template); err != nil {
			t.Fatal(err)
		}
		if ok, body := st.accepts(template, ordinary(template, upload)); !ok {
			t.Fatalf("%s with ordinary values: %s", template.Name, body)
		}

		for range 500 {
			values, parameters := ordinary(template, upload), template.Parameters()
			if len(parameters) == 0 {
				continue
			}

			one := parameters[rand.IntN(len(parameters))].Name
			values[one] = someValue(upload)
			if rand.IntN(3) == 0 {
				values[parameters[rand.IntN(len(parameters))].Name] = someValue(upload)
			}

			mended, wrong := template.Mend(values)
			if !known(values) || !known(mended) {
				continue
			}

			if _, problems := template.Message(values); len(problems) == 0 {
				passed++
				if ok, body := st.accepts(template, values); !ok {
					t.Errorf("%s passes %q, and WhatsApp says %s", template.Name, values, body)
				}
			}

			if again, still := template.Mend(mended); !equal(again, mended) || len(still) != len(wrong) {
				t.Errorf("%s mends %q to %q, and that to %q", template.Name, values, mended, again)
			}

			if len(wrong) == 0 {
				if ok, body := st.accepts(template, mended); !ok {
					t.Errorf("%s mends %q to %q, and WhatsApp says %s", template.Name, values, mended, body)
				}
			}

			constant := ordinary(template, upload)
			constant[one] = mended[one]

			if ok, body := st.accepts(template, constant); !ok {
				found++
				if problems := template.Constants(map[string]string{one: values[one]}); len(problems) == 0 {
					t.Errorf("%s takes %q as a constant of %s, and WhatsApp says %s", template.Name, values[one], one, body)
				}
			}
		}
	}

	if passed < 100 || found < 100 {
		t.Errorf("%d passed, %d were refused: that shows little", passed, found)
	}
}

func equal(a, b map[string]string) bool {
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}

	return len(a) == len(b)
}
