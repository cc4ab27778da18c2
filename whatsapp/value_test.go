package whatsapp

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAValueIsMendedWhereItSaysTheSameAndElseNamed(t *testing.T) {
	t.Parallel()
	const fixed = "https://shop.example.com/track/"
	for _, tc := range []struct {
		kind         Kind
		value        string
		rule, mended string // what the value breaks as it is, and what is sent of it
		still        string // what that breaks
	}{
		// White space in texts.
		{KindText, "plain  text", "", "plain  text", ""},
		{KindText, "a\nb", "LINE_BREAK", "a b", ""},
		{KindText, "a\r\nb", "LINE_BREAK", "a b", ""},
		{KindText, "a\rb", "LINE_BREAK", "a b", ""},
		{KindText, "a\u2028b", "LINE_BREAK", "a b", ""},
		{KindText, "a\u2029b", "LINE_BREAK", "a b", ""},
		{KindText, "a\u0085b", "LINE_BREAK", "a b", ""},
		{KindText, "a\v\fb", "LINE_BREAK", "a b", ""},
		{KindText, "a\tb", "TAB", "a b", ""},
		{KindText, "a \n\n b\u2028 c", "LINE_BREAK", "a b c", ""},
		{KindText, "a    b", "", "a    b", ""},
		{KindText, "a     b", "SPACES", "a b", ""},
		{KindText, "a\u00a0\u00a0\u00a0\u00a0\u00a0b", "SPACES", "a b", ""},
		{KindText, "a \u2003 \u2003 b", "SPACES", "a b", ""},
		{KindText, "10\u00a0000\u2003€", "", "10\u00a0000\u2003€", ""},
		{KindText, "\u2003a ", "", "a", ""},
		{KindText, "", "MISSING", "", "MISSING"},
		{KindText, " \t\n", "MISSING", "", "MISSING"},
		{KindText, "\u200b\u200d\ufeff\u2060", "MISSING", "", "MISSING"},
		{KindText, " \u3164\u2800\ufe0f ", "MISSING", "", "MISSING"},
		{KindText, "👩‍👩‍👧", "", "👩‍👩‍👧", ""},
		{KindText, "{{1}}", "", "{{1}}", ""},
		{KindText, "a\x01b\x7f", "FORMAT", "ab", ""},
		{KindText, "a\xffb", "FORMAT", "ab", ""},

		// Files.
		{KindImage, "https://example.com/a.jpg", "", "https://example.com/a.jpg", ""},
		{KindImage, "HTTPS://example.com/a.jpg", "", "https://example.com/a.jpg", ""},
		{KindImage, " https://example.com/a.jpg\n", "FORMAT", "https://example.com/a.jpg", ""},
		{KindImage, "1234567890123456", "", "1234567890123456", ""},
		{KindVideo, " 123 ", "FORMAT", "123", ""},
		{KindImage, "photo.jpg", "FORMAT", "photo.jpg", "FORMAT"},
		{KindDocument, "example.com/a.pdf", "FORMAT", "example.com/a.pdf", "FORMAT"},
		{KindImage, "http://example.com/a.jpg", "FORMAT", "http://example.com/a.jpg", "FORMAT"},
		{KindImage, "data:image/png;base64,AA==", "FORMAT", "data:image/png;base64,AA==", "FORMAT"},
		{KindImage, "file:///tmp/a.jpg", "FORMAT", "file:///tmp/a.jpg", "FORMAT"},
		{KindImage, "https:example.com", "FORMAT", "https:example.com", "FORMAT"},
		{KindImage, "https:///a.jpg", "FORMAT", "https:///a.jpg", "FORMAT"},
		{KindImage, "https://example.com/a b.jpg", "FORMAT", "https://example.com/a b.jpg", "FORMAT"},
		{KindImage, "https://localhost/a.jpg", "FORMAT", "https://localhost/a.jpg", "FORMAT"},
		{KindImage, "https://192.168.0.1/a.jpg", "FORMAT", "https://192.168.0.1/a.jpg", "FORMAT"},
		{KindImage, "123abc", "FORMAT", "123abc", "FORMAT"},
		{KindImage, strings.Repeat("1", 40), "FORMAT", strings.Repeat("1", 40), "FORMAT"},
		{KindImage, "https://example.com/" + strings.Repeat("a", 2048), "TOO_LONG",
			"https://example.com/" + strings.Repeat("a", 2048), "TOO_LONG"},
		{KindImage, "  ", "MISSING", "", "MISSING"},

		// What follows a button's address.
		{KindURLSuffix, "AB12?utm_source=wa&x=1", "", "AB12?utm_source=wa&x=1", ""},
		{KindURLSuffix, "https://shop.example.com/track/AB12", "FORMAT", "AB12", ""},
		{KindURLSuffix, "HTTP://WWW.Shop.Example.com/track/AB12", "FORMAT", "AB12", ""},
		{KindURLSuffix, "shop.example.com/track/AB12", "FORMAT", "AB12", ""},
		{KindURLSuffix, "//shop.example.com/track/AB12", "FORMAT", "AB12", ""},
		{KindURLSuffix, "/track/AB12", "FORMAT", "AB12", ""},
		{KindURLSuffix, "https://shop.example.com/track/https://shop.example.com/track/AB12", "FORMAT", "AB12", ""},
		{KindURLSuffix, "https://shop.example.com/track/", "FORMAT", "", "MISSING"},
		{KindURLSuffix, "https://shop.example.com/other/AB12", "FORMAT", "https://shop.example.com/other/AB12", "FORMAT"},
		{KindURLSuffix, "https://elsewhere.example.com/AB12", "", "https://elsewhere.example.com/AB12", ""},
		{KindURLSuffix, "AB 12", "FORMAT", "AB%2012", ""},
		{KindURLSuffix, "50%", "FORMAT", "50%25", ""},
		{KindURLSuffix, "a%20b", "", "a%20b", ""},
		{KindURLSuffix, `<"{|\^}">`, "FORMAT", "%3C%22%7B%7C%5C%5E%7D%22%3E", ""},
		{KindURLSuffix, "büro", "", "b%C3%BCro", ""},
		{KindURLSuffix, " AB12\u200b\n", "FORMAT", "AB12", ""},
		{KindURLSuffix, "AB\r\n12\t3\u200b4", "FORMAT", "AB1234", ""},
		{KindURLSuffix, "AB\u00a012", "FORMAT", "AB%2012", ""},
		{KindURLSuffix, " ", "MISSING", "", "MISSING"},

		{KindCouponCode, " SAVE10 ", "FORMAT", "SAVE10", ""},
		{KindCouponCode, "SAVE-10", "FORMAT", "SAVE-10", "FORMAT"},
		{KindCouponCode, strings.Repeat("A", 21), "TOO_LONG", strings.Repeat("A", 21), "TOO_LONG"},
		{KindOTPCode, "J$FpnYnP", "", "J$FpnYnP", ""},
		{KindOTPCode, "1234567890123456", "TOO_LONG", "1234567890123456", "TOO_LONG"},
		{KindOTPCode, "12\n34", "LINE_BREAK", "12 34", ""},
	} {
		rules := valueRules[tc.kind]
		if rule, message := rules.check(tc.value, fixed); rule != tc.rule || (rule == "") != (message == "") {
			t.Errorf("%s %q breaks %q (%s), want %q", tc.kind, tc.value, rule, message, tc.rule)
		}

		mended := rules.mend(tc.value, fixed)
		if rule, _ := rules.check(mended, fixed); mended != tc.mended || rule != tc.still {
			t.Errorf("%s %q is mended to %q, which breaks %q; want %q, %q", tc.kind, tc.value, mended, rule, tc.mended, tc.still)
		}
	}
}

func TestASuffixStandsBehindItsAddressWhereverThatEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ fixed, value, mended string }{
		{"https://example.com/", "/AB12", "AB12"},
		{"https://example.com/", "example.com/AB12", "AB12"},
		{"https://example.com", "AB12", "/AB12"},
		{"https://example.com", "https://example.com/AB12", "/AB12"},
		{"https://example.com", "?a=1", "?a=1"},
		{"https://example.com/o?c=", "https://example.com/o?c=n3", "n3"},
		{"https://example.com/r?to=", "https://example.com/cart", "https://example.com/cart"},
		{"https://example.com/a%20b/", "https://example.com/a b/AB12", "AB12"},
		{"https://", "https://example.com/AB12", "example.com/AB12"},
		{"https://www.example.com/p/", "https://example.com/p/AB12", "AB12"},
		{"http://example.com/p/", "https://example.com/p/AB12", "AB12"},
	} {
		got := mendSuffix(tc.value, tc.fixed)
		if rule, message := checkSuffix(got, tc.fixed); got != tc.mended || rule != "" {
			t.Errorf("%s%s: %q, %s", tc.fixed, tc.value, got, message)
		}
	}
}

func TestTheLengthCountsWithTheValuesFilledIn(t *testing.T) {
	t.Parallel()
	values := map[string]string{"order_no": "1", "first_name": strings.Repeat("ä", 490), "button_1_url": "x"}
	if _, problems := templateOf(t, named).Mend(values); len(problems) != 0 {
		t.Errorf("a body within its limit: %v", problems)
	}

	values["first_name"] = strings.Repeat("ä", 500) // twice, and the text between
	if _, problems := templateOf(t, named).Mend(values); len(problems) != 1 || problems[0].Parameter != "first_name" ||
		problems[0].Rule != "TOO_LONG" {
		t.Errorf("a body beyond it: %v", problems)
	}

	// six characters each, once escaped
	values = map[string]string{"order_no": "1", "first_name": "Bo", "button_1_url": strings.Repeat("é", 700)}
	if _, problems := templateOf(t, named).Message(values); len(problems) != 1 || problems[0].Rule != "TOO_LONG" {
		t.Errorf("an address beyond its limit: %v", problems)
	}
}

func TestAConstantIsJudgedWithoutTheValuesOfOthers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template  string
		constants map[string]string
		want      string
	}{
		"nothing":         {named, nil, ""},
		"a good one":      {named, map[string]string{"order_no": "A\n7"}, ""},
		"an empty one":    {named, map[string]string{"order_no": " "}, "order_no MISSING"},
		"too long a name": {named, map[string]string{"first_name": strings.Repeat("x", 600)}, "first_name TOO_LONG"},
		"a file's name":   {offer, map[string]string{"header_image": "photo.jpg"}, "header_image FORMAT"},
		"seconds":         {offer, map[string]string{"expiration_ms": "1709944072"}, "expiration_ms FORMAT"},
		"a coupon":        {offer, map[string]string{"button_0_code": "TRIP-25"}, "button_0_code FORMAT"},
		"a card's picture": {carousel, map[string]string{"card_1_header_image": "http://example.com/a.jpg"},
			"card_1_header_image FORMAT"},
		"a place": {`{"components":[{"type":"HEADER","format":"LOCATION"}]}`,
			map[string]string{"header_location": `{"latitude":91,"longitude":0}`}, "header_location FORMAT"},
		"a place with lines": {`{"components":[{"type":"HEADER","format":"LOCATION"}]}`,
			map[string]string{"header_location": `{"latitude":1,"longitude":0,"name":"a\nb"}`}, "header_location FORMAT"},
		"half a place": {`{"components":[{"type":"HEADER","format":"LOCATION"}]}`,
			map[string]string{"header_location": `{"latitude":1}`}, "header_location FORMAT"},
		"no product": {`{"components":[{"type":"HEADER","format":"PRODUCT"}]}`,
			map[string]string{"header_product": "catalog:"}, "header_product FORMAT"},
	} {
		got := ""
		for _, p := range templateOf(t, tc.template).Constants(tc.constants) {
			got += p.Parameter + " " + p.Rule
		}

		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestAPreviewShowsWhatIsSent(t *testing.T) {
	t.Parallel()
	got := templateOf(t, named).Preview(map[string]string{"first_name": "Ana\u2028Maria", "order_no": " \u200b"})
	if got.Body != "Hi Ana Maria, your parcel is on its way, Ana Maria." || got.Header != "Order A-1" {
		t.Errorf("previews as %+v", got)
	}
}

func FuzzWhatIsMendedStaysSo(f *testing.F) {
	f.Add("https://ex.com/t/https://ex.com/t/a b%zz\u2028", "https://ex.com/t/")
	f.Add("a\u0085\u200b     \n", "https://ex.com")
	f.Fuzz(func(t *testing.T, value, fixed string) {
		for kind, rules := range valueRules {
			once := rules.mend(value, fixed)
			if twice := rules.mend(once, fixed); twice != once {
				t.Errorf("%s: %q becomes %q and then %q", kind, value, once, twice)
			}

			rule, _ := rules.check(once, fixed)
			if (kind == KindText) && rule != "" && rule != "MISSING" {
				t.Errorf("%q is mended to %q, which breaks %s", value, once, rule)
			}
			if !utf8.ValidString(once) {
				t.Errorf("%s: %q is mended to %q", kind, value, once)
			}
		}
	})
}
