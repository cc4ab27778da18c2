package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// LocalKey is the encryption key of a development set-up that names none: it is
// made once and kept in dir, so that what was encrypted can be read after a
// restart. Processes that start together agree on one key.
func LocalKey(dir string) ([]byte, error) {
	if err := PrivateDir(dir); err != nil {
		return nil, err
	}

	path := filepath.Join(dir, "encryption.key")
	text, err := os.ReadFile(path)

	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(dir, path); err != nil {
			return nil, fmt.Errorf("make an encryption key: %w", err)
		}

		text, err = os.ReadFile(path)
	}

	if err != nil {
		return nil, fmt.Errorf("read the encryption key: %w", err)
	}

	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("read the encryption key: %s does not hold 32 bytes in base64", path)
	}

	return key, nil
}

// makeKey links a finished file into place: whoever comes second finds the
// first one's key, never half of it.
func makeKey(dir, path string) error {
	f, err := os.CreateTemp(dir, "encryption-*") // mode 0600
	if err != nil {
		return err
	}

	defer os.Remove(f.Name())
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(key))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}

	return nil
}
