package app_test

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"carillon/app"
	"carillon/caller"
	"carillon/cli"
)

func TestTheOperatorSeesAndReplaysWhatWasKept(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	environ := []string{"DATABASE_URL=sqlite:" + filepath.Join(folder, "carillon.db"), "DATA_DIR=" + folder,
		"WHATSAPP_API_URL=http://127.0.0.1:1"}

	admin := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if err := cli.Run(t.Context(), args, environ, &out, io.Discard); err != nil {
			t.Fatalf("%v: %v", args, err)
		}

		return out.String()
	}

	admin("migrate")
	if got := admin("admin", "unmatched"); got != "no webhook is kept\n" {
		t.Errorf("at first: %s", got)
	}

	p, err := app.Open(t.Context(), environ, io.Discard)
	if err != nil {
		t.Fatal(err)
	}

	for range 2 {
		if _, err := p.Webhooks.Process(caller.System(t.Context()), []byte(`{"object":`)); err != nil {
			t.Fatal(err)
		}
	}

	if err := p.Close(); err != nil {
		t.Fatal(err)
	}

	if got := admin("admin", "unmatched"); !strings.HasPrefix(got,
		"NOT_UNDERSTOOD   1 kept, seen 2 times, the oldest from 2") {
		t.Errorf("kept: %s", got)
	}

	if got := admin("admin", "replay"); got != "0 webhooks were understood and matched, and deleted; 1 stay\n" {
		t.Errorf("replay: %s", got)
	}
	if got := admin("admin"); !strings.Contains(got, "replay") || !strings.Contains(got, "verify") {
		t.Errorf("help: %s", got)
	}
}
