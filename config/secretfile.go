package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const (
	// fileSuffix ends the name of a variable that names the file which holds a secret.
	fileSuffix = "_FILE"
	// mostOfFile is how many bytes such a file may have.
	mostOfFile = 64 << 10
)

// readSecrets takes the secrets that stand in files as if they had been given themselves.
func readSecrets(given map[string]string) (mistakes Mistakes) {
	for _, v := range variables {
		file := given[v.Name+fileSuffix]
		if !v.Secret || file == "" {
			continue
		}

		const right = "the path of a file that holds the secret and nothing else"
		value, err := readSecret(file)
		switch {
		case given[v.Name] != "":
			mistakes = append(mistakes, Mistake{v.Name + fileSuffix, "is set, and " + v.Name + " too", "one of the two"})
		case err != nil:
			mistakes = append(mistakes, Mistake{v.Name + fileSuffix, err.Error(), right})
		default:
			given[v.Name] = value
		}
	}

	return mistakes
}

// readSecret reads a file without the line's end that editors add. What is wrong is said without
// quoting it.
func readSecret(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", unreadable(file, err)
	}

	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostOfFile+1))
	value := strings.TrimSpace(string(text))

	switch {
	case err != nil:
		return "", unreadable(file, err)
	case len(text) > mostOfFile:
		return "", fmt.Errorf("names the file %s, which has more than %d bytes", file, mostOfFile)
	case value == "":
		return "", fmt.Errorf("names the file %s, which is empty", file)
	case strings.ContainsAny(value, "\n\r\x00"):
		return "", fmt.Errorf("names the file %s, which has several lines", file)
	}

	return value, nil
}

func unreadable(file string, err error) error {
	if path := new(fs.PathError); errors.As(err, &path) {
		err = path.Err
	}

	return fmt.Errorf("names the file %s, which cannot be read: %w", file, err)
}

// isSecretFile reports whether a name is that of a secret's file.
func isSecretFile(name string) bool {
	for _, v := range variables {
		if v.Secret && name == v.Name+fileSuffix {
			return true
		}
	}

	return false
}
