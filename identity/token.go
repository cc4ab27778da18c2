package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
)

// A token is its kind's prefix, 52 random characters (260 bits), and a checksum of both. The
// checksum tells a typo from a token without asking the database, and lets scanners for leaked
// secrets be sure.
const (
	sessionPrefix      = "crs_"
	keyPrefix          = "crk_"
	invitationPrefix   = "cri_"
	resetPrefix        = "crp_"
	verificationPrefix = "crv_"
	linkPrefix         = "crl_"
	prefixLength       = 4
	randomLength       = 52
	checksumLength     = 7
	shownLength        = prefixLength + 8 // of an API key, kept readable to know it by
)

var tokenEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

func newToken(prefix string) string {
	body := prefix + rand.Text() + rand.Text()
	return body + checksum(body)
}

func checksum(body string) string {
	return tokenEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
}

// tokenPrefix says what kind of token it could be; empty when it is none of ours.
func tokenPrefix(token string) string {
	if len(token) != prefixLength+randomLength+checksumLength {
		return ""
	}

	body := token[:prefixLength+randomLength]
	switch prefix := token[:prefixLength]; prefix {
	case sessionPrefix, keyPrefix, invitationPrefix, resetPrefix, verificationPrefix, linkPrefix:
		if checksum(body) == token[len(body):] {
			return prefix
		}
	}

	return ""
}

// digest is what is stored of a token. Its randomness makes a salt or a slow hash needless.
func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
