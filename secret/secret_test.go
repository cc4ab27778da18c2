package secret

import (
	"bytes"
	"testing"
)

func TestASecretOpensOnlyForItsOwnerAndWithItsKey(t *testing.T) {
	t.Parallel()
	old, current := NewKey(), NewKey()
	before, _ := NewKeyring(old)
	after, _ := NewKeyring(current, old)
	sealed := before.Seal([]byte("token"), []byte("row 1"))

	if got, err := after.Open(sealed, []byte("row 1")); err != nil || !bytes.Equal(got, []byte("token")) {
		t.Fatalf("Open after rotation = %q, %v", got, err)
	}
	if after.Current(sealed) {
		t.Error("a text under the old key counts as current")
	}
	if _, err := after.Open(sealed, []byte("row 2")); err == nil {
		t.Error("a text opened for another row")
	}
	if _, err := before.Open(after.Seal([]byte("token"), nil), nil); err == nil {
		t.Error("a text opened without its key")
	}

	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := after.Open(bad, []byte("row 1")); err == nil {
			t.Errorf("a text with byte %d changed opened", i)
		}
	}

	if _, err := after.Open(nil, nil); err == nil {
		t.Error("nothing opened")
	}
}
