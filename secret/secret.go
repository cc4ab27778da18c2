// Package secret keeps what must be readable again, such as access tokens, encrypted at rest:
// AES-256-GCM with a random nonce, the owner row's id as associated data, so that a ciphertext
// moved to another row does not open. It also signs links, with keys that it derives from the same
// ones.
package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

const (
	version     = 1
	keyLength   = 32
	idLength    = 4 // bytes of the key's fingerprint, written before the ciphertext
	headerBytes = 1 + idLength
)

// Keyring encrypts under its first key and decrypts under all of them.
type Keyring struct{ keys []key }

type key struct {
	id     [idLength]byte
	aead   cipher.AEAD
	secret []byte // for signatures
}

// NewKeyring takes keys of 32 bytes, the current one first.
func NewKeyring(keys ...[]byte) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("no encryption key")
	}

	ring := &Keyring{}
	for i, k := range keys {
		if len(k) != keyLength {
			return nil, fmt.Errorf("encryption key %d has %d bytes, want %d", i+1, len(k), keyLength)
		}

		block, err := aes.NewCipher(k)
		if err != nil {
			return nil, err
		}

		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}

		sum := sha256.Sum256(k)
		ring.keys = append(ring.keys, key{id: [idLength]byte(sum[:idLength]), aead: aead, secret: bytes.Clone(k)})
	}

	return ring, nil
}

// NewKey makes a key.
func NewKey() []byte {
	k := make([]byte, keyLength)
	_, _ = rand.Read(k) // never fails: crypto/rand ends the program instead
	return k
}

// Seal encrypts plain for the row that owner names.
func (r *Keyring) Seal(plain, owner []byte) []byte {
	k := r.keys[0]
	out := append([]byte{version}, k.id[:]...)
	return k.aead.Seal(out, nil, plain, owner)
}

// Open gives back what Seal got. It fails when the text was changed, belongs to another row, or its
// key is not in the ring.
func (r *Keyring) Open(sealed, owner []byte) ([]byte, error) {
	if len(sealed) < headerBytes || sealed[0] != version {
		return nil, errors.New("open secret: not a sealed text of a known version")
	}

	for _, k := range r.keys {
		if [idLength]byte(sealed[1:headerBytes]) == k.id {
			return k.aead.Open(nil, nil, sealed[headerBytes:], owner)
		}
	}

	return nil, fmt.Errorf("open secret: key %x is not in ENCRYPTION_KEY", sealed[1:headerBytes])
}

// Current reports whether sealed is under the first key; if not, it waits for rotation.
func (r *Keyring) Current(sealed []byte) bool {
	return len(sealed) >= headerBytes && [idLength]byte(sealed[1:headerBytes]) == r.keys[0].id
}
