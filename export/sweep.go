package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	entexport "carillon/ent/export"
	"carillon/ent/exportpart"
	"carillon/ent/jsonfield"
	"carillon/ent/predicate"
	"carillon/filestore"
	"carillon/uid"
)

const (
	// listedFor is how long an export is listed whose file is gone.
	listedFor = 30 * 24 * time.Hour
	// orphansEvery is how often files are looked for that no row knows: those of an organization that
	// was erased.
	orphansEvery = 10 * time.Minute
	sweptAtOnce  = 100
	// abandoned is how old a file is that a process left which died while it wrote a workbook.
	abandoned = 24 * time.Hour
)

// erasedReason is what an export says whose file went because of an erasure.
const erasedReason = "The file was removed, since a person was erased after it was made. Start the export again."

// Sweep removes the files of exports that have expired, and in the end their rows. It acts as the
// system. Any number of processes may sweep at once.
func (s *Service) Sweep(ctx context.Context) error {
	expired, err := s.DB.Client.Export.Query().Where(entexport.ExpiresAtLTE(s.moment()), entexport.PartsGT(0)).
		Order(entexport.ByExpiresAt()).Limit(sweptAtOnce).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look for expired exports: %w", err)
	}

	for _, id := range expired {
		if err := s.expire(ctx, id); err != nil {
			return fmt.Errorf("remove export %s: %w", id, err)
		}
	}

	_, err = s.DB.Client.Export.Delete().Where(entexport.ExpiresAtLT(s.moment().Add(-listedFor)), entexport.Parts(0)).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("forget old exports: %w", err)
	}

	return s.sweepOrphans(ctx)
}

// expire removes the files first: a process that dies between does it again.
func (s *Service) expire(ctx context.Context, id uid.ID) error {
	if err := filestore.RemoveFolder(ctx, s.Files, folderOf(id)); err != nil {
		return err
	}

	return s.DB.InTx(ctx, func(tx *database.Tx) error {
		if _, err := tx.Client.ExportPart.Delete().Where(exportpart.ExportID(id)).Exec(ctx); err != nil {
			return err
		}

		return tx.Client.Export.Update().Where(entexport.ID(id)).SetParts(0).SetQuestion(jsonfield.ExportQuestion{}).
			ClearAttributes().ClearPlace().Exec(ctx)
	})
}

// sweepOrphans removes files of exports that have no row. A row is there before its first file.
func (s *Service) sweepOrphans(ctx context.Context) error {
	now := s.moment()
	if now.Sub(s.orphans) < orphansEvery {
		return nil
	}

	folders, err := s.Files.Folders(ctx)
	if err != nil {
		return fmt.Errorf("look for files of exports: %w", err)
	}

	for _, folder := range folders {
		id, err := uid.Parse(folder)
		if err != nil || id.Kind() != uid.Export {
			continue // not ours
		}

		there, err := s.DB.Client.Export.Query().Where(entexport.ID(id)).Exist(ctx)
		if err == nil && !there {
			err = filestore.RemoveFolder(ctx, s.Files, folder)
		}
		if err != nil {
			return fmt.Errorf("remove what is left of export %s: %w", id, err)
		}
	}

	s.orphans = now

	return s.sweepTemporary()
}

// sweepTemporary removes what excelize left where a process died.
func (s *Service) sweepTemporary() (err error) {
	left, _ := filepath.Glob(filepath.Join(s.Folder, "excelize-*")) // the pattern is good
	for _, path := range left {
		info, err := os.Stat(path)
		if err == nil && s.Now().Sub(info.ModTime()) > abandoned {
			err = os.Remove(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a temporary file: %w", err)
		}
	}

	return nil
}

// retiredReason is what an export says whose file went by the organization's retentionDays.
const retiredReason = "The file was removed, since the organization keeps nothing that is as old."

// Expire ends an organization's exports that were asked for before a moment: what has a file has no
// link any more and is removed by the sweep, and what has none is not listed any more. One that is
// under way stays until it is over. It gives how many files those were.
func (s *Service) Expire(ctx context.Context, tx *database.Tx, organization uid.ID, before time.Time) (n int,
	err error) {
	over := []predicate.Export{entexport.OrganizationID(organization), entexport.CreatedAtLT(before),
		entexport.StatusNotIn(unfinished...)}
	if _, err := tx.Client.Export.Delete().Where(append(over, entexport.Parts(0))...).Exec(ctx); err != nil {
		return 0, fmt.Errorf("forget exports: %w", err)
	}

	n, err = tx.Client.Export.Update().Where(append(over, entexport.PartsGT(0), entexport.ExpiresAtGT(s.moment()))...).
		SetExpiresAt(s.moment()).SetStatusReason(retiredReason).Save(ctx)
	if err != nil {
		return 0, fmt.Errorf("expire exports: %w", err)
	}

	return n, nil
}

// Forget takes back each file of an organization's that may hold a person who is being erased: what
// is finished has no link any more and is removed by the sweep, and what is under way begins anew.
// Statistics name nobody and stay. It gives how many files those were.
func (s *Service) Forget(ctx context.Context, tx *database.Tx, organization uid.ID) (n int, err error) {
	ofPeople := []enum.ExportKind{enum.ExportKindMessages, enum.ExportKindContacts, enum.ExportKindPersonalData}
	finished, err := tx.Client.Export.Update().Where(entexport.OrganizationID(organization),
		entexport.KindIn(ofPeople...), entexport.StatusEQ(enum.JobStatusCompleted), entexport.PartsGT(0),
		entexport.ExpiresAtGT(s.moment())).
		SetExpiresAt(s.moment()).SetStatusReason(erasedReason).Save(ctx)
	if err != nil {
		return 0, fmt.Errorf("expire exports: %w", err)
	}

	running, err := tx.Client.Export.Query().Where(entexport.OrganizationID(organization),
		entexport.KindIn(ofPeople...), entexport.StatusIn(unfinished...), tx.DB.Locked).IDs(ctx)
	if err != nil {
		return 0, fmt.Errorf("look for exports under way: %w", err)
	}
	if _, err := tx.Client.ExportPart.Delete().Where(exportpart.ExportIDIn(running...)).Exec(ctx); err != nil {
		return 0, fmt.Errorf("forget parts: %w", err)
	}

	// Also of those without a part: who has one in hand has read what it is about to commit.
	err = tx.Client.Export.Update().Where(entexport.IDIn(running...)).SetStatus(enum.JobStatusPending).
		SetRows(0).SetBytes(0).SetParts(0).SetGathered(false).SetTries(0).
		ClearRowsTotal().ClearPlace().ClearLeaseID().ClearLeaseUntil().Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("begin exports anew: %w", err)
	}

	return finished + len(running), nil
}
