package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// unfinished begins the name of a file that is being written; no name may begin so.
const unfinished = "."

// Folder is a Store in a folder of the file system, which only this user may read. Several
// processes may share it.
type Folder struct{ root string }

// NewFolder keeps files in that folder. It is made with the first file.
func NewFolder(root string) *Folder { return &Folder{root} }

// Put writes beside the file first, so that a process that dies leaves no half of it.
func (f *Folder) Put(ctx context.Context, name string, size int64, content io.Reader) (written int64, err error) {
	folder, file, err := split(name)
	if err != nil {
		return 0, fmt.Errorf("write %q: %w", name, err)
	}

	folder = filepath.Join(f.root, folder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return 0, fmt.Errorf("make a folder for files: %w", err)
	}

	out, err := os.CreateTemp(folder, unfinished)
	if err != nil {
		return 0, fmt.Errorf("write %q: %w", name, err)
	}

	defer os.Remove(out.Name()) // it has another name then
	written, err = io.Copy(out, contentOf(ctx, content))
	if err == nil && size >= 0 && written != size {
		err = io.ErrUnexpectedEOF
	}

	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), filepath.Join(folder, file))
	}
	if err == nil {
		err = syncFolder(folder)
	}
	if err != nil {
		return 0, fmt.Errorf("write %q: %w", name, err)
	}

	return written, nil
}

// contentOf ends with the context.
func contentOf(ctx context.Context, r io.Reader) io.Reader { return &content{ctx, r} }

type content struct {
	ctx context.Context
	r   io.Reader
}

func (c *content) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// syncFolder has the disk keep the names of a folder.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Open reads a file from a byte on.
func (f *Folder) Open(_ context.Context, name string, offset int64) (io.ReadCloser, error) {
	folder, file, err := split(name)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}

	in, err := os.Open(filepath.Join(f.root, folder, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %q: %w", name, ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}

	if _, err := in.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("read %q: %w", name, err), in.Close())
	}

	return in, nil
}

// Names are the files of a folder, but for those that are being written.
func (f *Folder) Names(_ context.Context, folder string) (names []string, err error) {
	if !plain(folder) {
		return nil, fmt.Errorf("list %q: %w", folder, errName)
	}

	entries, err := f.list(folder)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), unfinished) {
			names = append(names, folder+"/"+e.Name())
		}
	}

	return names, err
}

// Folders are all there are.
func (f *Folder) Folders(context.Context) (folders []string, err error) {
	entries, err := f.list("")
	for _, e := range entries {
		if e.IsDir() && plain(e.Name()) {
			folders = append(folders, e.Name())
		}
	}

	return folders, err
}

func (f *Folder) list(folder string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(filepath.Join(f.root, folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list files: %w", err)
	}

	return entries, nil
}

// Remove deletes a file, and its folder with the last one. What a process that died has left
// unfinished there goes with it.
func (f *Folder) Remove(ctx context.Context, name string) error {
	folder, file, err := split(name)
	if err != nil {
		return fmt.Errorf("remove %q: %w", name, err)
	}

	err = os.Remove(filepath.Join(f.root, folder, file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %q: %w", name, err)
	}

	left, err := f.Names(ctx, folder)
	if err != nil || len(left) > 0 {
		return err
	}
	if err := os.RemoveAll(filepath.Join(f.root, folder)); err != nil {
		return fmt.Errorf("remove %q: %w", folder, err)
	}

	return nil
}
