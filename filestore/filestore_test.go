package filestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"carillon/filestore"
)

// each runs a test on a folder and on a bucket of a server that speaks S3 over HTTP.
func each(t *testing.T, test func(t *testing.T, s filestore.Store)) {
	t.Helper()
	t.Run("folder", func(t *testing.T) { t.Parallel(); test(t, filestore.NewFolder(t.TempDir())) })
	t.Run("bucket", func(t *testing.T) { t.Parallel(); test(t, bucket(t, "carillon/prod")) })
}

func bucket(t *testing.T, folder string) *filestore.Bucket {
	t.Helper()
	memory := s3mem.New()
	server := httptest.NewTLSServer(gofakes3.New(memory).Server())
	t.Cleanup(server.Close)
	if err := memory.CreateBucket("files"); err != nil {
		t.Fatal(err)
	}

	b, err := filestore.NewBucket(filestore.BucketOptions{Endpoint: strings.TrimPrefix(server.URL, "https://"),
		Bucket: "files", Prefix: folder, Region: "eu-central-1", AccessKey: "key", SecretKey: "secret",
		Transport: server.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}

	return b
}

func put(t *testing.T, s filestore.Store, name, content string) {
	t.Helper()
	n, err := s.Put(t.Context(), name, int64(len(content)), strings.NewReader(content))
	if err != nil || n != int64(len(content)) {
		t.Fatalf("%s: %d bytes, %v", name, n, err)
	}
}

func read(t *testing.T, s filestore.Store, name string, offset int64) string {
	t.Helper()
	in, err := s.Open(t.Context(), name, offset)
	if err != nil {
		t.Fatal(err)
	}

	defer in.Close()
	content, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}

	return string(content)
}

func TestAFileIsReadFromAnyByteOnAsItWasWrittenLast(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s filestore.Store) {
		put(t, s, "exp_1/000001-a", "first")
		put(t, s, "exp_1/000001-a", "0123456789")
		put(t, s, "exp_1/000002-b", "")
		put(t, s, "exp_2/x", "another")
		for offset, want := range map[int64]string{0: "0123456789", 4: "456789", 9: "9"} {
			if got := read(t, s, "exp_1/000001-a", offset); got != want {
				t.Errorf("from %d on it is %q", offset, got)
			}
		}

		if got := read(t, s, "exp_1/000002-b", 0); got != "" {
			t.Errorf("nothing reads as %q", got)
		}

		names, err := s.Names(t.Context(), "exp_1")
		if slices.Sort(names); err != nil || !slices.Equal(names, []string{"exp_1/000001-a", "exp_1/000002-b"}) {
			t.Errorf("the folder has %q, %v", names, err)
		}

		folders, err := s.Folders(t.Context())
		if slices.Sort(folders); err != nil || !slices.Equal(folders, []string{"exp_1", "exp_2"}) {
			t.Errorf("there are the folders %q, %v", folders, err)
		}
	})
}

func TestARemovedFileIsGoneAndItsFolderWithTheLast(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s filestore.Store) {
		put(t, s, "exp_1/a", "a")
		put(t, s, "exp_1/b", "b")
		for _, name := range []string{"exp_1/a", "exp_1/a", "exp_1/never"} {
			if err := s.Remove(t.Context(), name); err != nil {
				t.Errorf("remove %s: %v", name, err)
			}
		}
		if _, err := s.Open(t.Context(), "exp_1/a", 0); !errors.Is(err, filestore.ErrMissing) {
			t.Errorf("it opens with %v", err)
		}

		if err := filestore.RemoveFolder(t.Context(), s, "exp_1"); err != nil {
			t.Fatal(err)
		}

		folders, err := s.Folders(t.Context())
		names, err2 := s.Names(t.Context(), "exp_1")
		if len(folders)+len(names) > 0 || err != nil || err2 != nil {
			t.Errorf("left are %q and %q, %v", folders, names, err)
		}
	})
}

// breaks gives some bytes and then an error, as a process that dies in the middle.
type breaks struct{ left int }

var errBroken = errors.New("broken")

func (b *breaks) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBroken
	}

	n := min(len(p), b.left)
	b.left -= n

	return n, nil
}

func TestAFileThatIsNotWrittenToItsEndIsNotThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s filestore.Store) {
		for _, size := range []int64{-1, 20 << 20} {
			if _, err := s.Put(t.Context(), "exp_1/a", size, &breaks{1000}); !errors.Is(err, errBroken) {
				t.Errorf("of %d bytes: %v", size, err)
			}
		}
		if _, err := s.Open(t.Context(), "exp_1/a", 0); !errors.Is(err, filestore.ErrMissing) {
			t.Errorf("it opens with %v", err)
		}
		if names, err := s.Names(t.Context(), "exp_1"); len(names) > 0 || err != nil {
			t.Errorf("the folder has %q, %v", names, err)
		}

		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := s.Put(ended, "exp_1/a", -1, strings.NewReader("x")); err == nil {
			t.Error("a caller that is gone is written for")
		}
	})
}

func TestAFileOfUnknownSizeMayBeLargerThanAPiece(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s filestore.Store) {
		content := bytes.Repeat([]byte("0123456789abcdef"), (17<<20)/16)
		n, err := s.Put(t.Context(), "exp_1/a", -1, bytes.NewReader(content))
		if err != nil || n != int64(len(content)) {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if got := read(t, s, "exp_1/a", 16<<20); got != string(content[16<<20:]) {
			t.Errorf("behind the first piece there are %d bytes", len(got))
		}
	})
}

func TestNamesLeadNowhereElse(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s filestore.Store) {
		for _, name := range []string{"", "a", "/a", "a/", "../a", "a/..", "a/b/c", "a/.b", "a\\b/c", "ä/b"} {
			_, put := s.Put(t.Context(), name, 1, strings.NewReader("x"))
			_, open := s.Open(t.Context(), name, 0)
			if put == nil || open == nil || s.Remove(t.Context(), name) == nil {
				t.Errorf("%q is a name: %v, %v", name, put, open)
			}
		}
	})
}

func TestAFolderIsThisUsersAloneAndKeepsNothingThatADeadProcessLeft(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "exports")
	s := filestore.NewFolder(root)
	put(t, s, "exp_1/a", "a")
	for _, path := range []string{root, filepath.Join(root, "exp_1"), filepath.Join(root, "exp_1", "a")} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v, %v", path, info.Mode(), err)
		}
	}

	if err := os.WriteFile(filepath.Join(root, "exp_1", ".half"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := s.Names(t.Context(), "exp_1"); fmt.Sprint(names) != "[exp_1/a]" || err != nil {
		t.Errorf("the folder has %q, %v", names, err)
	}
	if err := filestore.RemoveFolder(t.Context(), s, "exp_1"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "exp_1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}
