package download

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"carillon/caller"
	"carillon/ent"
	"carillon/export"
	"carillon/uid"
)

// ExportsPath is where links to the files of exports lead.
const ExportsPath = "/files/exports/"

const (
	exportPurpose = "export link"
	// exportWithin is how long the file of an export may take: a gigabyte at three megabits a second.
	// What is cut off goes on where it stopped, by a request for a range.
	exportWithin = time.Hour
)

// Export is a link to the file of an export, good until the file expires; empty where there is
// none.
func (s *Service) Export(e *ent.Export) string {
	if !s.exports.Ready(e) {
		return ""
	}
	return s.link(ExportsPath, e.ID, strconv.FormatInt(e.ExpiresAt.Unix(), 10), exportPurpose)
}

// serveExport gives the file of an export, whole or in ranges.
func (s *Service) serveExport(w http.ResponseWriter, r *http.Request, id uid.ID) {
	ctx, cancel := context.WithTimeout(r.Context(), exportWithin)
	defer cancel()
	e, file, err := s.openExport(caller.System(ctx), id)
	switch {
	case err != nil:
		s.log.Error("an export was not opened for its link", "export", id, "error", err)
		http.Error(w, "the file cannot be looked up now; try again", http.StatusServiceUnavailable)
		return
	case file == nil:
		http.Error(w, "this file is kept no longer", http.StatusGone)
		return
	}

	defer file.Close()
	name := export.FileName(e)
	setHeaders(w.Header(), name, export.MediaType(e))
	w.Header().Set("ETag", strconv.Quote(e.ID.String()+"-"+strconv.FormatInt(e.FinishedAt.UnixMicro(), 10)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportWithin))
	http.ServeContent(w, r, name, *e.FinishedAt, file)
}

// openExport finds the file of an export of an organization that is active; nil where there is
// none.
func (s *Service) openExport(ctx context.Context, id uid.ID) (*ent.Export, *export.File, error) {
	e, err := s.db.Client.Export.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read export %s: %w", id, err)
	}
	if active, err := s.active(ctx, e.OrganizationID); err != nil || !active {
		return nil, nil, err
	}

	file, err := s.exports.Open(ctx, e)

	return e, file, err
}
