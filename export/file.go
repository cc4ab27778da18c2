package export

import (
	"context"
	"errors"
	"fmt"
	"io"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/exportpart"
	"carillon/uid"
)

// File is a finished export's file, to be read from any place: http.ServeContent takes it.
type File struct {
	parts *reader
	size  int64
	place int64
}

// Open gives the file of an export; nil where there is none, or none any more. The caller closes
// it.
func (s *Service) Open(ctx context.Context, e *ent.Export) (*File, error) {
	if !s.Ready(e) {
		return nil, nil
	}

	parts, err := s.partsOf(ctx, e.ID)
	if err != nil {
		return nil, err
	}

	f := &File{parts: s.partsFrom(ctx, e.ID, parts, 0)}
	for _, p := range parts {
		f.size += p.Bytes
	}
	if f.size != e.Bytes { // it was removed meanwhile
		return nil, nil
	}

	return f, nil
}

// Ready says whether an export has a file.
func (s *Service) Ready(e *ent.Export) bool {
	return e.Status == enum.JobStatusCompleted && e.ExpiresAt != nil && s.Now().Before(*e.ExpiresAt)
}

func (s *Service) partsOf(ctx context.Context, id uid.ID) ([]*ent.ExportPart, error) {
	parts, err := s.DB.Client.ExportPart.Query().Where(exportpart.ExportID(id)).Order(exportpart.ByNumber()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the parts of export %s: %w", id, err)
	}

	return parts, nil
}

// Read reads on.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.parts.Read(p)
	f.place += int64(n)

	return n, err
}

// Seek goes to a place, without reading what lies between.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.place
	case io.SeekEnd:
		offset += f.size
	}

	if offset < 0 {
		return 0, errors.New("a place before the file")
	}

	f.place = offset

	return offset, f.parts.goTo(offset)
}

// Close lets the file go.
func (f *File) Close() error { return f.parts.Close() }

// reader reads parts one after the other.
type reader struct {
	s      *Service
	ctx    context.Context
	export uid.ID
	all    []*ent.ExportPart
	next   int   // the part that is opened next
	skip   int64 // of that part
	open   io.ReadCloser
}

func (s *Service) partsFrom(ctx context.Context, export uid.ID, parts []*ent.ExportPart, offset int64) *reader {
	r := &reader{s: s, ctx: ctx, export: export, all: parts}
	_ = r.goTo(offset) // nothing is open yet

	return r
}

// goTo opens nothing yet.
func (r *reader) goTo(offset int64) error {
	for r.next = 0; r.next < len(r.all) && offset >= r.all[r.next].Bytes; r.next++ {
		offset -= r.all[r.next].Bytes
	}

	r.skip = offset

	return r.Close()
}

func (r *reader) Read(p []byte) (int, error) {
	for {
		if r.open == nil {
			if r.next == len(r.all) {
				return 0, io.EOF
			}

			in, err := r.s.Files.Open(r.ctx, folderOf(r.export)+"/"+r.all[r.next].Name, r.skip)
			if err != nil {
				return 0, err
			}

			r.open, r.skip = in, 0
			r.next++
		}

		n, err := r.open.Read(p)
		if errors.Is(err, io.EOF) {
			err = r.Close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close closes the part that is open.
func (r *reader) Close() error {
	if r.open == nil {
		return nil
	}

	err := r.open.Close()
	r.open = nil

	return err
}
