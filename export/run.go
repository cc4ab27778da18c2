package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	entexport "carillon/ent/export"
	"carillon/ent/exportpart"
	"carillon/ent/organization"
	"carillon/ent/predicate"
	"carillon/filestore"
	"carillon/notification"
	"carillon/uid"
	"carillon/usererror"
	"carillon/webhook"
)

const (
	// leaseFor is how long a worker that says nothing keeps an export, and leaseEvery how often it
	// says something.
	leaseFor   = 30 * time.Second
	leaseEvery = 10 * time.Second
	// mostTries is how often an export is taken up again before it fails, and rest how long it rests
	// after the first time; it rests longer each time.
	mostTries = 6
	rest      = 5 * time.Second
)

// errLost says that an export is another worker's, or nobody's any more.
var errLost = errors.New("another worker has taken the export, or it was begun anew")

// part is a piece of a file that lies in the store.
type part struct {
	name  string
	bytes int64
	rows  int
	place uid.ID // the last row in it
	last  bool   // there are no more rows
}

// partName is a name that no other worker uses: of two that write the same part, the one stays that
// is committed.
func partName(number int) string {
	return fmt.Sprintf("%06d-%s", number, uid.New(uid.ExportPart))
}

// Waiting is every export that a worker should run.
func (s *Service) Waiting(ctx context.Context) ([]uid.ID, error) {
	ids, err := s.DB.Client.Export.Query().Where(s.free()...).Order(entexport.ByID()).IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for exports: %w", err)
	}

	return ids, nil
}

// free holds of exports that wait and that no worker has in hand.
func (s *Service) free() []predicate.Export {
	return []predicate.Export{entexport.StatusIn(unfinished...),
		entexport.Or(entexport.LeaseUntilIsNil(), entexport.LeaseUntilLT(s.moment()))}
}

// Run makes an export's file, from where the last commit left it. Any number of workers may run it:
// one of them takes it, and the others leave it alone, as they do one that is over.
func (s *Service) Run(ctx context.Context, id uid.ID) error {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return nil // the sweep comes by again
	}

	e, err := s.take(ctx, id)
	if err != nil || e == nil {
		return err
	}

	held, letGo := s.keep(ctx, e)
	err = s.write(held, e)
	letGo()

	return s.settle(ctx, e, err)
}

// take leases an export to this worker; nil where it is not to be had.
func (s *Service) take(ctx context.Context, id uid.ID) (*ent.Export, error) {
	lease := uid.New(uid.Claim)
	taken, err := s.DB.Client.Export.Update().Where(append(s.free(), entexport.ID(id))...).
		SetStatus(enum.JobStatusRunning).SetLeaseID(lease).SetLeaseUntil(s.moment().Add(leaseFor)).AddTries(1).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("take export %s: %w", id, err)
	}
	if taken == 0 {
		return nil, nil
	}

	e, err := s.DB.Client.Export.Query().Where(entexport.ID(id), entexport.LeaseID(lease)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read export %s: %w", id, err)
	}

	return e, nil
}

// keep holds the lease until the caller lets go. Its context ends when the lease is lost.
func (s *Service) keep(ctx context.Context, e *ent.Export) (held context.Context, letGo func()) {
	held, lose := context.WithCancelCause(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(leaseEvery)
		defer tick.Stop()
		for {
			select {
			case <-held.Done():
				return
			case <-tick.C:
			}

			kept, err := s.mine(e).SetLeaseUntil(s.moment().Add(leaseFor)).Save(ctx)
			if err == nil && kept == 0 {
				lose(errLost)
			}
		}
	}()

	return held, func() { lose(nil); <-over }
}

// mine changes an export as long as this worker has it.
func (s *Service) mine(e *ent.Export) *ent.ExportUpdate {
	return s.DB.Client.Export.Update().Where(held(e)...)
}

func held(e *ent.Export) []predicate.Export {
	return []predicate.Export{entexport.ID(e.ID), entexport.LeaseID(*e.LeaseID),
		entexport.StatusEQ(enum.JobStatusRunning)}
}

// settle lets an export go after an error: it is tried again later, or it has failed.
func (s *Service) settle(ctx context.Context, e *ent.Export, err error) error {
	var refused *usererror.Error
	switch {
	case err == nil, errors.Is(err, errLost):
		return nil
	case errors.As(err, &refused):
		return s.fail(ctx, e, refused.Message)
	case ctx.Err() == nil && e.Tries >= mostTries:
		s.Logger.Error("an export failed for good", "export", e.ID, "error", err)
		return s.fail(ctx, e, "The file could not be written. Start the export again; tell the operator if it fails again.")
	}

	again := s.moment()
	update := s.DB.Client.Export.Update().Where(held(e)...)
	if ctx.Err() != nil { // the process stops: another takes it at once, and this was no try
		ctx = context.WithoutCancel(ctx)
		update.AddTries(-1)
	} else {
		again = again.Add(time.Duration(e.Tries) * rest)
		s.Logger.Warn("an export was interrupted and is tried again", "export", e.ID, "at", again, "error", err)
	}

	if _, err := update.SetLeaseUntil(again).Save(ctx); err != nil {
		return fmt.Errorf("let export %s go: %w", e.ID, err)
	}

	return nil
}

// fail ends an export that can never go on, and has the sweep remove what there is of it.
func (s *Service) fail(ctx context.Context, e *ent.Export, reason string) error {
	err := s.DB.InTx(ctx, func(tx *database.Tx) error {
		moved, err := tx.Client.Export.Update().Where(held(e)...).SetStatus(enum.JobStatusFailed).SetStatusReason(reason).
			SetFinishedAt(s.moment()).SetExpiresAt(s.moment()).ClearLeaseID().ClearLeaseUntil().Save(ctx)
		if err != nil || moved == 0 {
			return err
		}

		tx.After(func(ctx context.Context) {
			if err := filestore.RemoveFolder(ctx, s.Files, folderOf(e.ID)); err != nil {
				s.Logger.Warn("what there is of an export that failed was not removed yet", "export", e.ID, "error", err)
			}
		})

		if err := s.tellEnded(ctx, tx, e.ID); err != nil {
			return err
		}

		return notification.Tell(ctx, tx, notification.Cause{Organization: e.OrganizationID,
			Kind: enum.NotificationKindExportFailed, Key: e.ID.String(), Scope: notification.Scope("EXPORT", uid.ID{}),
			Subject: e.ID, Detail: reason, At: s.moment(), CreatedBy: e.CreatedByID})
	})
	if err != nil {
		return fmt.Errorf("fail export %s: %w", e.ID, err)
	}

	return nil
}

// write makes what is missing of the file.
func (s *Service) write(ctx context.Context, e *ent.Export) error {
	active, err := s.DB.Client.Organization.Query().Where(organization.ID(e.OrganizationID),
		organization.StatusEQ(enum.OrganizationStatusActive)).Exist(ctx)
	if err != nil {
		return fmt.Errorf("read the organization of export %s: %w", e.ID, err)
	}
	if !active {
		return usererror.New(usererror.Forbidden, "The organization is not active.")
	}

	rows, err := s.open(caller.In(ctx, e.OrganizationID), e)
	if err != nil {
		return err
	}
	if err := s.count(ctx, e, rows); err != nil {
		return err
	}
	if err := s.gather(ctx, e, rows); err != nil {
		return err
	}

	return s.finish(ctx, e, rows.columns())
}

// count says how many rows there will be, so that progress has an end.
func (s *Service) count(ctx context.Context, e *ent.Export, rows source) error {
	if e.RowsTotal != nil {
		return nil
	}

	total, err := rows.count(caller.In(ctx, e.OrganizationID))
	if err != nil {
		return err
	}

	return s.kept(s.mine(e).SetRowsTotal(total).Save(ctx))
}

// kept is what a change by mine comes to.
func (s *Service) kept(moved int, err error) error {
	if err == nil && moved == 0 {
		return errLost
	}
	return err
}

// gather writes the rows that are not committed yet, part by part.
func (s *Service) gather(ctx context.Context, e *ent.Export, rows source) error {
	encode := formats[e.Format].encode(rows.columns())
	for !e.Gathered {
		p, err := s.next(ctx, e, rows, encode)
		if err != nil {
			return err
		}
		if err := s.add(ctx, e, p); err != nil {
			return err
		}

		e.Parts, e.Rows, e.Gathered = e.Parts+1, e.Rows+p.rows, p.last
		if p.rows > 0 {
			e.Place = &p.place
		}
	}

	return nil
}

// next reads pages until a part is full, and keeps it in the store.
func (s *Service) next(ctx context.Context, e *ent.Export, rows source, encode encoder) (p part, err error) {
	var buffer bytes.Buffer
	if e.Parts == 0 {
		if err := encode.begin(&buffer); err != nil {
			return p, err
		}
	}

	if e.Place != nil {
		p.place = *e.Place
	}

	for !p.last && buffer.Len() < s.partBytes {
		page, err := rows.page(caller.In(ctx, e.OrganizationID), p.place, s.pageRows)
		if err != nil {
			return p, err
		}

		for _, values := range page.rows {
			if err := encode.row(&buffer, values); err != nil {
				return p, err
			}
		}

		p.rows += len(page.rows)
		p.place, p.last = page.place, !page.more
	}

	p.name = partName(e.Parts + 1)
	p.bytes, err = s.Files.Put(ctx, folderOf(e.ID)+"/"+p.name, int64(buffer.Len()), &buffer)

	return p, err
}

// add commits a part that is in the store.
func (s *Service) add(ctx context.Context, e *ent.Export, p part) error {
	err := s.DB.InTx(ctx, func(tx *database.Tx) error {
		update := tx.Client.Export.Update().Where(held(e)...).AddRows(p.rows).AddBytes(p.bytes).AddParts(1).
			SetGathered(p.last).SetTries(0).SetLeaseUntil(s.moment().Add(leaseFor))
		if !p.place.IsZero() {
			update.SetPlace(p.place)
		}
		if err := s.kept(update.Save(ctx)); err != nil {
			return err
		}

		return tx.Client.ExportPart.Create().SetOrganizationID(e.OrganizationID).SetExportID(e.ID).
			SetNumber(e.Parts + 1).SetName(p.name).SetBytes(p.bytes).Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("commit a part of export %s: %w", e.ID, err)
	}

	return nil
}

// finish makes one file of the parts where the format wants that, and says that the export is
// there. What other workers have left beside its parts goes first.
func (s *Service) finish(ctx context.Context, e *ent.Export, columns []column) error {
	parts, err := s.partsOf(ctx, e.ID)
	if err != nil {
		return err
	}

	var whole *part
	if e.Format == enum.ExportFormatXLSX {
		made, err := s.workbook(ctx, e, parts, columns)
		if err != nil {
			return err
		}

		whole = &made
	}

	if err := s.tidy(ctx, e, parts, whole); err != nil {
		return err
	}

	err = s.DB.InTx(ctx, func(tx *database.Tx) error {
		update := tx.Client.Export.Update().Where(held(e)...).SetStatus(enum.JobStatusCompleted).SetRowsTotal(e.Rows).
			SetFinishedAt(s.moment()).SetExpiresAt(s.moment().Add(s.Keep)).ClearLeaseID().ClearLeaseUntil()
		if whole != nil {
			update.SetBytes(whole.bytes).SetParts(1)
		}
		if err := s.kept(update.Save(ctx)); err != nil {
			return err
		}
		if err := s.tellEnded(ctx, tx, e.ID); err != nil || whole == nil {
			return err
		}

		if _, err := tx.Client.ExportPart.Delete().Where(exportpart.ExportID(e.ID)).Exec(ctx); err != nil {
			return err
		}

		tx.After(func(ctx context.Context) { s.remove(ctx, e.ID, parts) })

		return tx.Client.ExportPart.Create().SetOrganizationID(e.OrganizationID).SetExportID(e.ID).SetNumber(0).
			SetName(whole.name).SetBytes(whole.bytes).Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("finish export %s: %w", e.ID, err)
	}

	return nil
}

// tellEnded has webhooks tell that an export is over.
func (s *Service) tellEnded(ctx context.Context, tx *database.Tx, id uid.ID) error {
	e, err := tx.Client.Export.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("read export %s: %w", id, err)
	}

	return webhook.Tell(ctx, tx, webhook.ExportEnded(e, s.moment()))
}

// tidy removes files of the export that are none of its parts.
func (s *Service) tidy(ctx context.Context, e *ent.Export, parts []*ent.ExportPart, whole *part) error {
	names, err := s.Files.Names(ctx, folderOf(e.ID))
	if err != nil {
		return err
	}

	ours := map[string]bool{}
	for _, p := range parts {
		ours[folderOf(e.ID)+"/"+p.Name] = true
	}
	if whole != nil {
		ours[folderOf(e.ID)+"/"+whole.name] = true
	}

	for _, name := range names {
		if !ours[name] {
			err = errors.Join(err, s.Files.Remove(ctx, name))
		}
	}

	return err
}

// remove deletes the files of parts. What it leaves is deleted when the export expires.
func (s *Service) remove(ctx context.Context, export uid.ID, parts []*ent.ExportPart) {
	for _, p := range parts {
		if err := s.Files.Remove(ctx, folderOf(export)+"/"+p.Name); err != nil {
			s.Logger.Warn("a part of an export was not removed yet", "export", export, "error", err)
		}
	}
}
