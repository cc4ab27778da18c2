package whatsapp

import (
	"strings"
	"testing"
)

func TestSignatureIsOverTheBytesAsTheyCame(t *testing.T) {
	t.Parallel()
	// The first two and the last two are equal JSON in different bytes.
	for body, want := range map[string]string{
		`{"object":"whatsapp_business_account","entry":[]}`:    "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
		`{"object": "whatsapp_business_account", "entry": []}`: "sha256=56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a",
		`{"a":"\u00e9"}`: "sha256=4355f1d1bf75cf85000ee9646587c547d6b5618b0b655e791bf4495ff655c463",
		`{"a":"é"}`:      "sha256=b1da91d17c8e6b70d338244a5ba4bd25d4b70ac950812f5c91dee574d84a1180",
	} {
		if got := Sign("test_app_secret", []byte(body)); got != want {
			t.Errorf("%s: got %s", body, got)
		}
		if !Verify([]string{"test_app_secret"}, []byte(body), want) {
			t.Errorf("%s: not verified", body)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	body := []byte(`{"object":"whatsapp_business_account"}`)
	signed := Sign("new", body)

	for name, tc := range map[string]struct {
		secrets []string
		header  string
		want    bool
	}{
		"takes either secret while they rotate": {[]string{"old", "new"}, signed, true},
		"takes upper-case digits":               {[]string{"new"}, "sha256=" + strings.ToUpper(signed[7:]), true},
		"refuses another app's secret":          {[]string{"old"}, signed, false},
		"refuses everything without a secret":   {nil, signed, false},
		"refuses an empty secret":               {[]string{""}, Sign("", body), false},
		"refuses no header":                     {[]string{"new"}, "", false},
		"refuses a bare digest":                 {[]string{"new"}, signed[7:], false},
		"refuses the older SHA-1 form": {[]string{"new"}, "sha1=0123456789012345678901234567890123456789",
			false},
		"refuses half a digest":           {[]string{"new"}, signed[:40], false},
		"refuses what is not hexadecimal": {[]string{"new"}, "sha256=" + strings.Repeat("zz", 32), false},
		"refuses a digest that differs in one digit": {[]string{"new"},
			signed[:len(signed)-1] + other(signed[len(signed)-1]), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Verify(tc.secrets, body, tc.header); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func other(digit byte) string {
	if digit == '0' {
		return "1"
	}
	return "0"
}
