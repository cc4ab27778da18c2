package usererror_test

import (
	"testing"

	"carillon/usererror"
)

func TestNamesAreOneLine(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"": true, "Spring sale 2026": true, "春の売り出し": true, "مبيعات الربيع": true, "מבצע אביב \u200f!": true,
		"👩‍👩‍👧 family": true,
		"two\nlines":   false, "two\r\nlines": false, "a\tb": false, "a\x00b": false, "a\u0085b": false, "a\u2028b": false,
		"a\u2029b":      false,
		"fdp.exe\u202e": false, "a\u202ab": false, "a\u2066b\u2069": false, "a\x7f": false, "a\xffb": false,
	} {
		if usererror.OneLine(name) != good {
			t.Errorf("%q: want %v", name, good)
		}
	}
}

func TestAFilesNamesBecomeOneLine(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Han\r\nMeimei": "Han Meimei", "Han\nMeimei\n": "Han Meimei", "a\tb": "a b", "\u202efdp.exe": "fdp.exe",
		"a\u2028b": "a b", "מבצע \u200f!": "מבצע \u200f!", "Ann Lee": "Ann Lee", "\x00": "",
	} {
		got := usererror.ToOneLine(name)
		if got != want || !usererror.OneLine(got) {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}
