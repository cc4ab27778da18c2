// Package filestore keeps files by name, in a folder of this machine or in a bucket of a service
// that speaks S3. It promises that a file is there whole or not at all, also after a process died
// while it was written, and that what Put has answered is on the disk.
package filestore

import (
	"context"
	"errors"
	"io"
	"strings"
)

// Store keeps files. A name is a folder and a name in it, such as exp_01k9/000001-x: no more, and
// no other characters than letters, digits, _ and -. All its methods may be called at once.
type Store interface {
	// Put writes a file, and replaces one of that name. Size is in bytes; -1 where nobody knows it.
	// It gives how many bytes were written.
	Put(ctx context.Context, name string, size int64, content io.Reader) (int64, error)
	// Open reads a file from a byte on; ErrMissing where there is none.
	Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error)
	// Names are the files of a folder; none where there is no such folder.
	Names(ctx context.Context, folder string) ([]string, error)
	// Folders are all there are.
	Folders(ctx context.Context) ([]string, error)
	// Remove deletes a file. It is no mistake where there is none.
	Remove(ctx context.Context, name string) error
}

// ErrMissing is what Open says of a file that is not there.
var ErrMissing = errors.New("there is no such file")

// errName is a mistake of ours: no caller chooses names.
var errName = errors.New("not a folder and a name in it")

// split checks a name and gives its parts.
func split(name string) (folder, file string, err error) {
	folder, file, ok := strings.Cut(name, "/")
	if !ok || !plain(folder) || !plain(file) {
		return "", "", errName
	}

	return folder, file, nil
}

func plain(part string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	return part != "" && strings.Trim(part, allowed) == ""
}

// RemoveFolder deletes all files of a folder.
func RemoveFolder(ctx context.Context, s Store, folder string) error {
	names, err := s.Names(ctx, folder)
	for _, name := range names {
		err = errors.Join(err, s.Remove(ctx, name))
	}

	return err
}
