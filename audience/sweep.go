package audience

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

const (
	// abandoned is how old the pieces of an upload are that ended without an import. Longer than
	// any upload takes.
	abandoned = 24 * time.Hour
	// sweptRejections and sweptChunks are how many rows one statement removes.
	sweptRejections = 5000
	sweptChunks     = 200 // 50 MiB
)

// Sweep removes what nobody needs any more: pieces of files whose import is over or never began,
// since a process died in between, and rejected rows that were kept before that time. It acts as
// the system. Any number of processes may sweep at once.
func (s *Service) Sweep(ctx context.Context, rejectionsBefore time.Time) error {
	dead := `id < $1 AND contact_import_id NOT IN (SELECT id FROM contact_import WHERE status IN ($2, $3))`
	err := s.removeOld(ctx, "import_chunk", dead, sweptChunks, uid.From(s.now().Add(-abandoned)), enum.JobStatusPending,
		enum.JobStatusRunning)
	if err != nil {
		return fmt.Errorf("remove abandoned uploads: %w", err)
	}
	if err := s.removeOld(ctx, "import_rejection", "id < $1", sweptRejections, uid.From(rejectionsBefore)); err != nil {
		return fmt.Errorf("remove old rejections: %w", err)
	}

	return nil
}

// removeOld removes a table's rows with that condition, so many in a transaction.
func (s *Service) removeOld(ctx context.Context, table, condition string, atOnce int64, args ...any) error {
	statement := fmt.Sprintf("DELETE FROM %[1]s WHERE id IN (SELECT id FROM %[1]s WHERE %[2]s ORDER BY id LIMIT %[3]d)",
		table, condition, atOnce)
	for removed := atOnce; removed >= atOnce; {
		err := s.db.InTx(ctx, func(tx *database.Tx) error {
			done, err := tx.ExecContext(ctx, statement, args...)
			if err == nil {
				removed, err = done.RowsAffected()
			}

			return err
		})
		if err != nil {
			return err
		}
	}

	return nil
}
