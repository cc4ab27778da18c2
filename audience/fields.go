package audience

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"carillon/timezone"
	"carillon/usererror"
)

// Limits in characters, but for the last.
const (
	maxName       = 256
	maxKey        = 64
	maxValue      = 1024
	maxSource     = 256
	maxEvidence   = 1024
	maxListName   = 128
	maxAttributes = 100
)

// mistake is what is wrong with one value. Nil is nothing.
type mistake struct {
	code usererror.Code
	text string
}

// note puts a mistake beside the field of the input.
func note(in *usererror.Fields, field string, m *mistake) {
	if m != nil {
		in.Add(field, m.code, "%s", m.text)
	}
}

// checkText looks at what every text must keep to. what begins the message.
func checkText(what, s string, most int) *mistake {
	switch {
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return &mistake{usererror.Invalid, what + " holds characters that are not text"}
	case utf8.RuneCountInString(s) > most:
		return &mistake{usererror.TooLong,
			fmt.Sprintf("%s has %d characters; at most %d", what, utf8.RuneCountInString(s), most)}
	}

	return nil
}

// checkRequired is checkText that also refuses nothing.
func checkRequired(what, s string, most int) *mistake {
	if strings.TrimSpace(s) == "" {
		return &mistake{usererror.Required, what + " is missing"}
	}
	return checkText(what, s, most)
}

// checkKey looks at the key of an attribute, wherever it comes from. It stands among others in
// lists of columns and in filters, so it is one line.
func checkKey(what, key string) *mistake {
	if m := checkRequired(what, key, maxKey); m != nil {
		return m
	}
	if !usererror.OneLine(key) {
		return &mistake{usererror.Invalid, what + " is one line, without characters that turn the direction of writing"}
	}

	return nil
}

// checkLanguage takes BCP 47, with - or _ as Meta writes it.
func checkLanguage(code string) *mistake {
	if _, err := language.Parse(code); err != nil {
		return &mistake{usererror.Invalid, shown(code) + " is not a language: write its code, e.g. zh_CN or en"}
	}
	return nil
}

func checkTimeZone(name string) *mistake {
	if _, err := timezone.Load(name); name != "" && err != nil {
		return &mistake{usererror.Invalid, shown(name) + " is not a time zone: write its IANA name, e.g. Asia/Shanghai"}
	}
	return nil
}
