package whatsapp

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// wordingChecks are about what a text says. Reviewers judge that, so all of them are warnings.
var wordingChecks = from(pageReview, []check[*Component]{
	{rule: "utility_promotional", field: "text", severity: SeverityWarning, source: pageCategories,
		message: "Words of advertising in a UTILITY template make WhatsApp count it as MARKETING: " +
			"leave them out, or choose that category.",
		broken: func(t Template, c *Component) bool { return t.Category == utility && promotional(c.Text) }},
	{rule: "text_shortened", field: "text", severity: SeverityWarning,
		message: "A text with a shortened link or one to wa.me is refused: write the whole address, or use a URL button.",
		broken:  func(_ Template, c *Component) bool { return shortenedInText.MatchString(c.Text) }},
	{rule: "text_sensitive", field: "text", severity: SeverityWarning,
		message: "A text that asks for numbers of cards, accounts or identity papers, or for a password, is refused.",
		broken:  func(_ Template, c *Component) bool { return sensitive.MatchString(c.Text) }},
	{rule: "text_contest", field: "text", severity: SeverityWarning,
		message: "Games and contests are refused where the law forbids them.",
		broken:  func(_ Template, c *Component) bool { return contest.MatchString(c.Text) }},
}...)

var bodyWordingChecks = from(pageReview, []check[*Component]{
	{rule: "text_placeholder", field: "text", severity: SeverityWarning,
		message: "A text that only fills the place is refused: write what people will receive.",
		broken:  func(_ Template, c *Component) bool { return fillsPlace(c.Text) }},
	{rule: "language_script", field: "text", severity: SeverityWarning,
		message: "The text is not written in the script of the template's language: WhatsApp refuses what is in another " +
			"language than it says (TAG_CONTENT_MISMATCH).",
		broken: func(t Template, c *Component) bool { return !writtenIn(t.Language, fixedText(c.Text)) }},
}...)

// Words that reviewers take for advertising. Whole words, but for scripts without blanks.
var (
	promotionalWords = regexp.MustCompile(`(?i)(^|\P{L})(` + strings.Join([]string{
		`sales?|discount(s|ed)?|special offers?|limited[- ]time|coupons?|promo(tion(s|al)?)?|promo code|vouchers?|` +
			`cash ?back|buy now|shop now|black friday|\d+ ?% off|best price`,
		`oferta(s)?|descuento(s)?|rebaja(s)?|promoción|promociones|cupón|cupones|compra ya|compra ahora`,
		`promoção|promoções|desconto(s)?|cupom|cupons|compre agora`,
		`soldes|remise(s)?|réduction(s)?|offre spéciale|code promo|achetez maintenant`,
		`angebot(e)?|sonderangebot(e)?|rabatt(e)?|gutschein(e)?|jetzt kaufen`,
		`sconto|sconti|offerta|offerte|promozione|promozioni|saldi|acquista ora`,
		`diskon|kupon|beli sekarang|indirim|kampanya|скидк(а|и|ой|у)|акци(я|и|ю)|распродажа`,
	}, "|") + `)($|\P{L})`)
	promotionalSigns = regexp.MustCompile(`优惠|優惠|折扣|促销|促銷|特价|特價|セール|割引|クーポン|할인|쿠폰|छूट|ऑफर|خصم|عرض خاص|ส่วนลด`)

	shortenedInText = regexp.MustCompile(
		`(?i)(^|[^a-z0-9.-])(wa\.me|api\.whatsapp\.com|bit\.ly|tinyurl\.com|t\.co|goo\.gl|ow\.ly|is\.gd|rebrand\.ly)(/|$|\s)`)
	sensitive = regexp.MustCompile(`(?i)(^|\P{L})((credit|debit) card number|card number|cvv|cvc|bank account number|` +
		`account number and|social security number|national id number|identity card number|passport number|` +
		`your password|your pin|número de tarjeta|número de cartão|numéro de carte|kartennummer|contraseña|senha|` +
		`mot de passe|passwort)($|\P{L})`)
	contest = regexp.MustCompile(`(?i)(^|\P{L})(raffles?|lottery|sweepstakes?|giveaways?|lucky draw|jackpot|casino|` +
		`sorteo|sorteio|tombola|gewinnspiel|lotterie)($|\P{L})`)
	fillers = regexp.MustCompile(`(?i)^(lorem ipsum.*|test|tests|testing|test message|asdf+|foo|foo bar|x+|abc|sample|` +
		`hello|hi)\P{L}*$`)
)

func promotional(text string) bool {
	return promotionalWords.MatchString(text) || promotionalSigns.MatchString(text)
}

func fillsPlace(text string) bool {
	return fillers.MatchString(strings.Join(strings.Fields(fixedText(text)), " "))
}

// scripts are those of the languages that are not written in Latin letters, by the start of the
// language's code.
var scripts = map[string][]*unicode.RangeTable{
	"ar": {unicode.Arabic}, "fa": {unicode.Arabic}, "ur": {unicode.Arabic}, "ps": {unicode.Arabic},
	"prs": {unicode.Arabic}, "he": {unicode.Hebrew}, "el": {unicode.Greek},
	"be": {unicode.Cyrillic}, "bg": {unicode.Cyrillic}, "kk": {unicode.Cyrillic}, "ky": {unicode.Cyrillic},
	"mk": {unicode.Cyrillic}, "ru": {unicode.Cyrillic}, "uk": {unicode.Cyrillic},
	"sr": {unicode.Cyrillic, unicode.Latin}, "uz": {unicode.Cyrillic, unicode.Latin},
	"az": {unicode.Latin, unicode.Cyrillic}, "bn": {unicode.Bengali}, "gu": {unicode.Gujarati},
	"hi": {unicode.Devanagari}, "mr": {unicode.Devanagari}, "kn": {unicode.Kannada}, "ml": {unicode.Malayalam},
	"pa": {unicode.Gurmukhi, unicode.Arabic}, "si": {unicode.Sinhala}, "ta": {unicode.Tamil}, "te": {unicode.Telugu},
	"th": {unicode.Thai}, "lo": {unicode.Lao}, "ka": {unicode.Georgian},
	"zh": {unicode.Han}, "ko": {unicode.Hangul}, "ja": {unicode.Han, unicode.Hiragana, unicode.Katakana},
}

// writtenIn says whether a text has a letter of a language's script, or so few letters that it does
// not matter.
func writtenIn(language, text string) bool {
	const few = 4
	base, _, _ := strings.Cut(language, "_")
	tables := scripts[base]
	if tables == nil {
		tables = []*unicode.RangeTable{unicode.Latin}
	}

	letters := 0
	for _, r := range text {
		if unicode.IsOneOf(tables, r) {
			return true
		}
		if unicode.IsLetter(r) {
			letters++
		}
	}

	return letters < few
}

// dense are the scripts that put no blanks between words.
var dense = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao,
	unicode.Khmer, unicode.Myanmar}

// words counts the words of a text. Two signs of a script without blanks count as one.
func words(text string) int {
	signs := 0
	rest := strings.Map(func(r rune) rune {
		if unicode.IsOneOf(dense, r) {
			signs++
			return ' '
		}
		return r
	}, text)

	spaced := slices.DeleteFunc(strings.Fields(rest), func(word string) bool {
		return !strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
	})

	return len(spaced) + (signs+1)/2
}
