package whatsapp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// signaturePrefix stands before the hex digits in the X-Hub-Signature-256 header.
const signaturePrefix = "sha256="

// Sign returns the X-Hub-Signature-256 header of a webhook body under an app secret.
func Sign(secret string, body []byte) string {
	return signaturePrefix + hex.EncodeToString(digest(secret, body))
}

// Verify tells whether header signs exactly these bytes under one of the secrets. Several
// secrets serve a rotation: Meta signs with one, and we cannot know when it changes over.
// Time does not depend on how much of the header is right.
func Verify(secrets []string, body []byte, header string) bool {
	digits, found := strings.CutPrefix(header, signaturePrefix)
	if !found || len(digits) != hex.EncodedLen(sha256.Size) {
		return false
	}
	given, err := hex.DecodeString(digits)
	if err != nil {
		return false
	}

	valid := false
	for _, secret := range secrets {
		// An empty secret would let anybody sign.
		if secret != "" && hmac.Equal(given, digest(secret, body)) {
			valid = true
		}
	}
	return valid
}

func digest(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}
