package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
)

// signaturePrefix stands before the hex digits in the X-Hub-Signature-256 header.
const signaturePrefix = "sha256="

// Sign returns the X-Hub-Signature-256 header of a webhook body under an app secret.
func Sign(secret string, body []byte) string {
	return signaturePrefix + hex.EncodeToString(digest(secret, body))
}

// Verify tells whether header signs exactly these bytes under one of the secrets.
func Verify(secrets []string, body []byte, header string) bool {
	v, ok := NewVerifier(secrets, header)
	if !ok {
		return false
	}

	v.Write(body)

	return v.Valid()
}

// Verifier checks the signature of a body while it is read.
type Verifier struct {
	given   []byte
	secrets []string    // those that are not empty
	hashes  []hash.Hash // one for each
}

// NewVerifier reads a header. It reports false when that is not of the right form, so that no body
// can be right. Several secrets serve a rotation: Meta signs with one, and we cannot know when it
// changes over.
func NewVerifier(secrets []string, header string) (v *Verifier, ok bool) {
	digits, found := strings.CutPrefix(header, signaturePrefix)
	if !found || len(digits) != hex.EncodedLen(sha256.Size) {
		return nil, false
	}

	given, err := hex.DecodeString(digits)
	if err != nil {
		return nil, false
	}

	v = &Verifier{given: given}
	for _, secret := range secrets {
		if secret != "" { // an empty secret would let anybody sign
			v.secrets = append(v.secrets, secret)
			v.hashes = append(v.hashes, hmac.New(sha256.New, []byte(secret)))
		}
	}

	return v, true
}

// Write takes in the next bytes of the body.
func (v *Verifier) Write(part []byte) {
	for _, h := range v.hashes {
		h.Write(part)
	}
}

// Valid tells whether the header signs exactly what was written.
func (v *Verifier) Valid() bool { return v.Secret() != "" }

// Secret is the secret under which the header signs exactly what was written; empty for none. Its
// time does not depend on how much of the header is right.
func (v *Verifier) Secret() (signed string) {
	for i, h := range v.hashes {
		if hmac.Equal(v.given, h.Sum(nil)) {
			signed = v.secrets[i]
		}
	}

	return signed
}

func digest(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}
