package telemetry

import (
	"encoding"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

const masked = "[redacted]"

// secretKeys are masked in whole when a key contains one of them, whatever its case.
var secretKeys = []string{"token", "password", "passwd", "authorization", "secret", "cookie", "apikey", "api_key",
	"encryption_key", "signature"}

// phoneKeys hold a phone number or a wa_id; whole keys, as "to" is in many words.
var phoneKeys = map[string]bool{"phone": true, "phones": true, "phone_number": true, "to": true, "from": true,
	"recipient": true, "recipients": true, "address": true, "wa_id": true, "msisdn": true}

// mailKey is the attribute that holds a whole mail, for operators without a mail server: it is of
// no use without its link.
const mailKey = "unsent_mail"

// tokens finds credentials wherever they stand: ours (crs_ sessions, crk_ keys, crp_, cri_ and crf_
// links), Meta's (EAA…), and whatever follows Bearer or the password of a URL. WhatsApp's message
// ids (wamid.…) hold a phone number.
var tokens = regexp.MustCompile(
	`(?i:(\bbearer\s+))[^\s"',;]{6,}|\b(cr[a-z]_)[A-Za-z0-9_-]{6,}|\b(EAA)[A-Za-z0-9]{8,}|` +
		`(://[^\s:/@]*:)[^\s/@]+@|\b(wamid\.)[A-Za-z0-9+/=_-]{6,}`)

var (
	// addresses finds e-mail addresses; the domain stays.
	addresses = regexp.MustCompile(`[\pL\pN.!#$%&'*+=?^_{|}~-]+@([\pL\pN-]+(?:\.[\pL\pN-]+)+)`)
	// numbers finds phone numbers in the international form, perhaps with blanks and hyphens.
	numbers = regexp.MustCompile(`\+[1-9](?:[ ()-]{0,2}[0-9]){6,14}\b`)
)

func redact(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindGroup:
		members := a.Value.Group()
		clean := make([]slog.Attr, len(members))
		for i, member := range members {
			clean[i] = redact(member)
		}

		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindString, slog.KindAny:
		return slog.Attr{Key: a.Key, Value: redactValue(a.Key, a.Value)}
	case slog.KindInt64, slog.KindUint64:
		if phoneKeys[strings.ToLower(a.Key)] { // a wa_id is a number to some
			return slog.String(a.Key, maskPhone(a.Value.String()))
		}
	}

	return a
}

func redactValue(key string, v slog.Value) slog.Value {
	switch {
	case key == mailKey:
		return v
	case isSecret(key):
		if v.Kind() == slog.KindString && v.String() == "" {
			return v
		}
		return slog.StringValue(masked)
	case phoneKeys[strings.ToLower(key)]:
		return slog.StringValue(maskPhones(v))
	case v.Kind() == slog.KindString:
		return slog.StringValue(maskText(v.String()))
	}

	return redactAny(v)
}

// redactAny writes out what it cannot look into: a struct could hold anything.
func redactAny(v slog.Value) (clean slog.Value) {
	defer func() { // a String method that cannot bear a nil receiver
		if r := recover(); r != nil {
			clean = slog.StringValue(fmt.Sprintf("!PANIC: %T", v.Any()))
		}
	}()

	switch x := v.Any().(type) {
	case nil:
		return v
	case error:
		return slog.StringValue(maskText(x.Error()))
	case fmt.Stringer:
		return slog.StringValue(maskText(x.String()))
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			return slog.StringValue(err.Error())
		}

		return slog.StringValue(maskText(string(text)))
	case []byte:
		return slog.StringValue(maskText(string(x)))
	case []string:
		clean := make([]string, len(x))
		for i, text := range x {
			clean[i] = maskText(text)
		}

		return slog.AnyValue(clean)
	default:
		return slog.StringValue(maskText(fmt.Sprintf("%+v", x)))
	}
}

// isSecret lets an id through: token_id names a token, and is none.
func isSecret(key string) bool {
	if strings.HasSuffix(key, "_id") || strings.HasSuffix(key, "Id") || strings.HasSuffix(key, "ID") {
		return false
	}

	for _, word := range secretKeys {
		if containsFold(key, word) {
			return true
		}
	}

	return false
}

// containsFold is strings.Contains for a lower-case ASCII word, without a copy.
func containsFold(s, word string) bool {
	for i := 0; i+len(word) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(word)], word) {
			return true
		}
	}

	return false
}

func maskText(text string) string {
	credential, at, plus := hints(text)
	if credential {
		text = tokens.ReplaceAllStringFunc(text, maskToken)
	}
	if at {
		text = addresses.ReplaceAllString(text, masked+"@$1")
	}
	if plus {
		text = numbers.ReplaceAllStringFunc(text, maskPhone)
	}

	return text
}

// hints looks once through a text for what the three patterns begin with: most texts have none of
// it.
func hints(text string) (credential, at, plus bool) {
	for i := range len(text) {
		switch text[i] {
		case '@':
			at = true
		case '+':
			plus = true
		case '_':
			credential = credential || i >= 3 && text[i-3:i-1] == "cr"
		case '.':
			credential = credential || strings.HasSuffix(text[:i], "wamid")
		case ':':
			credential = credential || strings.HasPrefix(text[i:], "://")
		case 'A':
			credential = credential || strings.HasPrefix(text[i:], "AA")
		case 'e', 'E':
			credential = credential || len(text) >= i+5 && strings.EqualFold(text[i:i+5], "earer")
		}
	}

	return credential, at, plus
}

// maskToken keeps what says of which kind it was.
func maskToken(found string) string {
	parts := tokens.FindStringSubmatch(found)
	kept := strings.Join(parts[1:], "")
	if strings.HasSuffix(found, "@") {
		return kept + masked + "@"
	}

	return kept + masked
}

func maskPhones(v slog.Value) string {
	phones, ok := v.Any().([]string)
	if !ok {
		return maskPhone(v.String())
	}

	clean := make([]string, len(phones))
	for i, phone := range phones {
		clean[i] = maskPhone(phone)
	}

	return strings.Join(clean, ",")
}

// maskPhone keeps the country code and the last two digits of a phone number, and
// of what is none, such as an internet address, nothing that is secret: it is as it was.
func maskPhone(text string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		if strings.ContainsRune("+-() \u00a0", r) {
			return -1
		}

		return utf8.RuneError
	}, text)
	if strings.ContainsRune(digits, utf8.RuneError) || len(digits) < 7 {
		return maskText(text)
	}

	code := countryCode(digits)

	return "+" + code + strings.Repeat("*", len(digits)-len(code)-2) + digits[len(digits)-2:]
}

func countryCode(digits string) string {
	for n := 1; n <= 3; n++ { // no code begins another
		code := 0
		for _, d := range digits[:n] {
			code = code*10 + int(d-'0')
		}

		if len(phonenumbers.GetRegionCodesForCountryCode(code)) > 0 {
			return digits[:n]
		}
	}

	return ""
}
