package whatsapp

import (
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// samples returns the payloads of a kind from all sources, by "source/name".
func samples(t testing.TB, kind string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/" + kind + "__*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples of %s: %v", kind, err)
	}

	bodies := make(map[string][]byte, len(paths))
	for _, path := range paths {
		name := strings.Replace(strings.TrimSuffix(filepath.ToSlash(path), ".json"), kind+"__", "", 1)
		bodies[strings.TrimPrefix(name, "testdata/")] = read(t, path)
	}

	return bodies
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	return body
}

// quiet is for servers whose handshakes are meant to fail.
var quiet = log.New(io.Discard, "", 0)
