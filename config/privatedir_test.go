package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"carillon/config"
)

func TestTheDataFolderIsPrivate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mode  os.FileMode // of a folder that is there; 0: none is
		files []string
		want  os.FileMode
	}{
		"that is new":           {0, nil, 0o700},
		"that was there, empty": {0o755, nil, 0o700},
		"that was there, with ours": {0o777, []string{"carillon.db", "carillon.db-wal", "encryption.key", "sandbox.jsonl"},
			0o700},
		"that was private":           {0o500, nil, 0o500},
		"not one with other things":  {0o755, []string{"carillon.db", "letters.txt"}, 0o755},
		"not a place for everything": {0o777 | os.ModeSticky, nil, 0o777},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			if tc.mode != 0 {
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}

				for _, file := range tc.files {
					if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}

				if err := os.Chmod(dir, tc.mode); err != nil {
					t.Fatal(err)
				}
			}

			if err := config.PrivateDir(dir); err != nil {
				t.Fatal(err)
			}

			info, err := os.Stat(dir)
			if err != nil || info.Mode().Perm() != tc.want {
				t.Errorf("the mode is %v, %v; want %v", info.Mode(), err, tc.want)
			}
		})
	}
}
