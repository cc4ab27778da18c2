package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/contactimport"
	"carillon/ent/enum"
	"carillon/ent/importchunk"
	"carillon/notification"
	"carillon/uid"
	"carillon/usererror"
	"carillon/webhook"
)

var unfinished = []enum.JobStatus{enum.JobStatusPending, enum.JobStatusRunning}

// WaitingImports is every import that a worker should run.
func (s *Service) WaitingImports(ctx context.Context) ([]uid.ID, error) {
	ids, err := s.db.Client.ContactImport.Query().Where(contactimport.StatusIn(unfinished...)).
		Order(contactimport.ByID()).IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for imports: %w", err)
	}

	return ids, nil
}

// RunImport takes an import's rows page by page until the file ends, from where the last commit
// left it. Any number of workers may run one import at once: each page is taken by one of them, and
// a worker that finds another ahead of it leaves the rest to that one. An import that is over is
// left alone.
func (s *Service) RunImport(ctx context.Context, id uid.ID) error {
	im, err := s.db.Client.ContactImport.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil // its organization is gone
	}
	if err != nil {
		return fmt.Errorf("read import %s: %w", id, err)
	}
	if im.Status != enum.JobStatusPending && im.Status != enum.JobStatusRunning {
		return nil
	}

	err = s.run(ctx, im)
	if errors.Is(err, errChunkMissing) {
		return s.fail(ctx, im, err.Error())
	}
	if err != nil {
		return fmt.Errorf("run import %s: %w", id, err)
	}

	return nil
}

func (s *Service) run(ctx context.Context, im *ent.ContactImport) error {
	if err := s.begin(ctx, im); err != nil {
		return err
	}

	file, err := newRows(im, s.chunks(ctx, im))
	if err != nil {
		return err
	}

	for {
		p, err := file.page()
		if err != nil {
			return err
		}

		moved, err := s.take(ctx, im, p)
		if err != nil || !moved {
			return err
		}

		if p.last {
			return nil
		}
	}
}

// begin counts the rows, so that progress has an end, and says that the import runs.
func (s *Service) begin(ctx context.Context, im *ent.ContactImport) error {
	if im.RowsTotal != nil {
		return nil
	}

	file, err := newRows(im, s.chunks(ctx, im))
	if err != nil {
		return err
	}

	total, err := file.count(ctx)
	if err != nil {
		return err
	}

	return s.db.InTx(ctx, func(tx *database.Tx) error {
		moved, err := tx.Client.ContactImport.Update().Where(contactimport.ID(im.ID),
			contactimport.StatusIn(unfinished...), contactimport.RowsTotalIsNil()).
			SetStatus(enum.JobStatusRunning).SetRowsTotal(im.RowsRead + total).Save(ctx)
		if moved > 0 {
			s.publish(tx, im)
		}

		return err
	})
}

// publish tells, after the commit, that an import has moved.
func (s *Service) publish(tx *database.Tx, im *ent.ContactImport) {
	tx.After(func(ctx context.Context) { s.news(ctx, im.OrganizationID, im.ID) })
}

// tellEnded has webhooks tell that an import is over.
func tellEnded(ctx context.Context, tx *database.Tx, id uid.ID, at time.Time) error {
	im, err := tx.Client.ContactImport.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("read import %s: %w", id, err)
	}

	return webhook.Tell(ctx, tx, webhook.ImportEnded(im, at))
}

// fail ends an import that can never go on. Nothing happens to one that another worker has ended
// meanwhile.
func (s *Service) fail(ctx context.Context, im *ent.ContactImport, reason string) error {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		moved, err := tx.Client.ContactImport.Update().Where(contactimport.ID(im.ID), contactimport.StatusIn(unfinished...)).
			SetStatus(enum.JobStatusFailed).SetStatusReason(reason).SetFinishedAt(s.moment()).Save(ctx)
		if err != nil || moved == 0 {
			return err
		}

		s.publish(tx, im)
		err = notification.Tell(ctx, tx, notification.Cause{Organization: im.OrganizationID,
			Kind: enum.NotificationKindImportFailed, Key: im.ID.String(), Scope: notification.Scope("IMPORT", uid.ID{}),
			Subject: im.ID, Detail: reason, At: s.moment(), CreatedBy: im.CreatedByID})
		if err != nil {
			return err
		}

		if _, err = tx.Client.ImportChunk.Delete().Where(importchunk.ContactImportID(im.ID)).Exec(ctx); err != nil {
			return err
		}

		return tellEnded(ctx, tx, im.ID, s.moment())
	})
	if err != nil {
		return fmt.Errorf("fail import %s: %w", im.ID, err)
	}

	return nil
}

// CancelImport ends an import that is not over. What it has taken by then stays. A worker that has
// it in hand finds that out at its next page, whatever happens to either process: the status is
// looked at in the transaction that writes the page.
func (s *Service) CancelImport(ctx context.Context, id uid.ID) (*ent.ContactImport, error) {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		im, err := tx.Client.ContactImport.Query().Where(contactimport.ID(id), tx.DB.Locked).Only(ctx)
		if ent.IsNotFound(err) {
			return usererror.Missing("import")
		}
		if err != nil {
			return err
		}
		if !slices.Contains(unfinished, im.Status) {
			return usererror.New(usererror.Conflict, "the import is over: it is %s", im.Status)
		}

		reason := fmt.Sprintf("Canceled after %d rows: what they brought stays.", im.RowsRead)
		if err := tx.Client.ContactImport.UpdateOneID(id).SetStatus(enum.JobStatusCanceled).SetStatusReason(reason).
			SetFinishedAt(s.moment()).Exec(ctx); err != nil {
			return err
		}

		s.publish(tx, im)
		if _, err := tx.Client.ImportChunk.Delete().Where(importchunk.ContactImportID(id)).Exec(ctx); err != nil {
			return err
		}

		if err := tellEnded(ctx, tx, id, s.moment()); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionContactImportCancel, Subject: id,
			Summary: fmt.Sprintf("canceled the import of %q after %d rows", im.FileName, im.RowsRead)})
	})

	var known *usererror.Error
	if err != nil && !errors.As(err, &known) {
		err = fmt.Errorf("cancel import %s: %w", id, err)
	}
	if err != nil {
		return nil, err
	}

	return s.db.Client.ContactImport.Get(ctx, id)
}
