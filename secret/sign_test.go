package secret

import "testing"

func TestASignatureIsOfOneTextForOnePurposeAndOutlivesItsKey(t *testing.T) {
	t.Parallel()
	old, current := NewKey(), NewKey()
	before, _ := NewKeyring(old)
	after, _ := NewKeyring(current, old)
	alone, _ := NewKeyring(current)
	signature := before.Sign("a text", "link")

	if !before.Signed("a text", "link", signature) || !after.Signed("a text", "link", signature) {
		t.Error("a signature is not known again")
	}

	for what, is := range map[string]bool{
		"another text":     before.Signed("a text ", "link", signature),
		"another purpose":  before.Signed("a text", "export", signature),
		"without its key":  alone.Signed("a text", "link", signature),
		"half of it":       before.Signed("a text", "link", signature[:10]),
		"nothing":          before.Signed("a text", "link", ""),
		"one of a new key": before.Signed("a text", "link", after.Sign("a text", "link")),
	} {
		if is {
			t.Errorf("%s counts", what)
		}
	}
}
