package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"carillon/audience"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/export"
	"carillon/filestore"
	"carillon/pricing"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// benchExport is how fast messages become files, and what memory that takes.
func benchExport(ctx context.Context, o options) error {
	m, err := startMeta(ctx, sandbox.Options{Throughput: anyRate, NoLimits: true, NoWebhooks: true})
	if err != nil {
		return err
	}

	defer m.close()
	s, err := setStage(ctx, "postgres", m.url, nil)
	if err != nil {
		return err
	}

	defer s.close()
	if _, err := s.fill(ctx, o.count(1_000_000)*10/7+1); err != nil { // seven of ten are the organization's
		return err
	}

	folder, err := os.MkdirTemp("", "carillon-bench-")
	if err != nil {
		return err
	}

	defer os.RemoveAll(folder)
	exports := export.New(export.Parts{DB: s.db, Files: filestore.NewFolder(folder), Log: delivery.NewLog(s.db),
		Audience: audience.New(s.db, database.Now, nil), Prices: pricing.NewBook(s.db, database.Now, nil),
		Keep: time.Hour, Folder: folder,
		Now: database.Now, Wake: func(context.Context, uid.ID) {}})
	for _, format := range (enum.ExportFormat("")).Values() {
		if err := s.exportOnce(exports, enum.ExportFormat(format)); err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}

	return nil
}

func (s *stage) exportOnce(exports *export.Service, format enum.ExportFormat) error {
	e, err := exports.Start(s.owner, export.Order{Kind: enum.ExportKindMessages, Format: format,
		Question: jsonfield.ExportQuestion{Messages: &jsonfield.MessageFilter{Direction: new(enum.DirectionOutbound)}}})
	if err != nil {
		return err
	}

	before, begun := peakMiB(), costNow()
	if err := exports.Run(s.system, e.ID); err != nil {
		return err
	}

	e, err = s.db.Client.Export.Get(s.system, e.ID)
	if err != nil {
		return err
	}
	if e.Status != enum.JobStatusCompleted {
		return fmt.Errorf("it is %s: %v", e.Status, e.StatusReason)
	}

	f := figures{"format": format, "rows": e.Rows, "mib": float64(e.Bytes) / (1 << 20), "peak_mib": peakMiB(),
		"peak_mib_before": before}.since(begun, e.Rows)
	read, err := s.read(exports, e)
	f["read_seconds"] = read.Seconds()

	return errors.Join(err, f.print("export"))
}

// read is how long the file takes to be read whole.
func (s *stage) read(exports *export.Service, e *ent.Export) (time.Duration, error) {
	begun := time.Now()
	file, err := exports.Open(s.system, e)
	if err != nil {
		return 0, err
	}

	defer file.Close()
	n, err := io.Copy(io.Discard, file)
	if n != e.Bytes {
		return 0, fmt.Errorf("%d of %d bytes", n, e.Bytes)
	}

	return time.Since(begun), err
}
