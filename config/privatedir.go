package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ours are the names of what the service keeps in DATA_DIR.
var ours = []string{
	"carillon.db", "carillon.db-*", "credentials.json", ".credentials", "encryption.key", "encryption-*", "sandbox.json*",
}

// PrivateDir makes a folder that only its owner can read. One that is there already, and holds
// nothing but what is ours, is made so; a folder that holds other things, such as somebody's home,
// stays as it is.
func PrivateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}

	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}

	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("DATA_DIR: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 || info.Mode()&os.ModeSticky != 0 || slices.ContainsFunc(entries, foreignTo) {
		return nil
	}
	if err := os.Chmod(dir, 0o700); err != nil && !os.IsPermission(err) { // it is somebody else's
		return fmt.Errorf("DATA_DIR: %w", err)
	}

	return nil
}

func foreignTo(entry fs.DirEntry) bool {
	return !slices.ContainsFunc(ours, func(pattern string) bool {
		is, _ := filepath.Match(pattern, entry.Name()) // the patterns are good
		return is
	})
}
