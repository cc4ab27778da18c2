package secret

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

const signatureLength = 16 // bytes: 2^128 guesses

// Sign returns a signature of text, safe in a URL. One that was made for another purpose does not
// count.
func (r *Keyring) Sign(text, purpose string) string { return r.keys[0].sign(text, purpose) }

// Signed reports whether Sign has made that signature, under whichever key of the ring.
func (r *Keyring) Signed(text, purpose, signature string) bool {
	for _, k := range r.keys {
		if hmac.Equal([]byte(k.sign(text, purpose)), []byte(signature)) {
			return true
		}
	}

	return false
}

func (k key) sign(text, purpose string) string {
	derived, err := hkdf.Key(sha256.New, k.secret, nil, "sign "+purpose, sha256.Size)
	if err != nil { // only of a length that HKDF cannot give
		panic(err)
	}

	mac := hmac.New(sha256.New, derived)
	mac.Write([]byte(text))

	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:signatureLength])
}
