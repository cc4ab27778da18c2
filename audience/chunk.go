package audience

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"carillon/ent"
	"carillon/ent/importchunk"
	"carillon/uid"
)

const (
	chunkBytes = 256 << 10
)

// errChunkMissing says that a piece of the file is gone, so that the import can never end.
var errChunkMissing = errors.New("a piece of the uploaded file is missing")

// store writes the text of a file in pieces of chunkBytes, each in a transaction of its own: a
// large file holds up nobody. It gives a digest of the text.
func (s *Service) store(ctx context.Context, owner, id uid.ID, text io.Reader) (size int64, digest string, err error) {
	piece, sum := make([]byte, chunkBytes), sha256.New()
	for {
		n, err := io.ReadFull(text, piece)
		if n > 0 {
			_, err := s.db.Client.ImportChunk.Create().SetOrganizationID(owner).SetContactImportID(id).SetStart(size).
				SetData(piece[:n]).Save(ctx)
			if err != nil {
				return size, "", err
			}

			_, _ = sum.Write(piece[:n])
			size += int64(n)
		}

		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return size, hex.EncodeToString(sum.Sum(nil)), nil
		case err != nil:
			return size, "", err
		}
	}
}

// discard removes what is stored of an upload that err ended, also when that was its caller's
// hanging up.
func (s *Service) discard(ctx context.Context, id uid.ID, err error) error {
	if _, left := s.db.Client.ImportChunk.Delete().Where(importchunk.ContactImportID(id)).
		Exec(context.WithoutCancel(ctx)); left != nil {
		return errors.Join(err, fmt.Errorf("remove upload: %w", left))
	}

	return err
}

// chunks reads the pieces of an import's file from the byte offset on.
func (s *Service) chunks(ctx context.Context, im *ent.ContactImport) func() ([]byte, error) {
	at := im.NextOffset
	return func() ([]byte, error) {
		if at >= im.FileBytes {
			return nil, io.EOF
		}

		begin := at - at%chunkBytes
		data, err := s.chunk(ctx, im, begin)
		if err != nil {
			return nil, err
		}
		if int64(len(data)) != min(chunkBytes, im.FileBytes-begin) {
			return nil, errChunkMissing
		}

		data = data[at-begin:]
		at += int64(len(data))

		return data, nil
	}
}

func (s *Service) chunk(ctx context.Context, im *ent.ContactImport, begin int64) (data []byte, err error) {
	err = s.db.QueryRow(ctx,
		`SELECT data FROM import_chunk WHERE organization_id = $1 AND contact_import_id = $2 AND start = $3`,
		im.OrganizationID, im.ID, begin).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errChunkMissing
	}

	return data, err
}
