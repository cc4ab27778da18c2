// Package download serves the files that Carillon itself makes, by signed links: whoever has a
// link has the file until the link has run out, and needs no token. Rejected rows are written from
// the database while they are fetched; exports are read from where their files are kept.
package download

import (
	"context"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/export"
	"carillon/secret"
	"carillon/uid"
)

// RejectionsPath is where links to the rejected rows of imports lead.
const RejectionsPath = "/files/rejections/"

const (
	// linkEvery is how long a link stays the same, and linkLasts how long it is good at the least.
	linkEvery = time.Hour
	linkLasts = time.Hour

	linkPurpose = "rejected rows link"
	// fetchWithin is how long a file may take: some megabytes at the pace of a telephone.
	fetchWithin = 5 * time.Minute
)

// Service makes links and serves what they lead to.
type Service struct {
	db        *database.DB
	keys      *secret.Keyring
	audience  *audience.Service
	exports   *export.Service
	publicURL string
	log       *slog.Logger
	now       func() time.Time
}

// New builds a Service. publicURL is where the world reaches this one.
func New(db *database.DB, keys *secret.Keyring, people *audience.Service, exports *export.Service, publicURL string,
	log *slog.Logger, now func() time.Time) *Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}

	return &Service{db: db, keys: keys, audience: people, exports: exports, publicURL: strings.TrimSuffix(publicURL, "/"),
		log: log, now: now}
}

// RejectedRows is a link to the rejected rows of an import; empty where there are none.
func (s *Service) RejectedRows(im *ent.ContactImport) string {
	if im.Rejected == 0 {
		return ""
	}

	until := strconv.FormatInt(s.now().Truncate(linkEvery).Add(linkEvery+linkLasts).Unix(), 10)

	return s.link(RejectionsPath, im.ID, until, linkPurpose)
}

func (s *Service) link(path string, id uid.ID, until, purpose string) string {
	query := url.Values{"expires": {until}, "signature": {s.keys.Sign(id.String()+" "+until, purpose)}}
	return s.publicURL + path + id.String() + "?" + query.Encode()
}

// linked is what a link is of; false when the link is not one of ours, or has run out.
func (s *Service) linked(u *url.URL, path, purpose string) (id uid.ID, ok bool) {
	name, until := strings.TrimPrefix(u.Path, path), u.Query().Get("expires")
	seconds, err := strconv.ParseInt(until, 10, 64)
	if err != nil || !s.keys.Signed(name+" "+until, purpose, u.Query().Get("signature")) {
		return uid.ID{}, false
	}

	id, err = uid.Parse(name)

	return id, err == nil && s.now().Before(time.Unix(seconds, 0))
}

// ServeHTTP answers links.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this address answers GET", http.StatusMethodNotAllowed)
		return
	}

	path, purpose, serve := RejectionsPath, linkPurpose, s.serveRejections
	if strings.HasPrefix(r.URL.Path, ExportsPath) {
		path, purpose, serve = ExportsPath, exportPurpose, s.serveExport
	}

	id, ok := s.linked(r.URL, path, purpose)
	if !ok {
		http.Error(w, "this link is not valid, or not any more; ask the API for a new one", http.StatusForbidden)
		return
	}

	serve(w, r, id)
}

// serveRejections writes the rejected rows of an import as CSV.
func (s *Service) serveRejections(w http.ResponseWriter, r *http.Request, id uid.ID) {
	ctx, cancel := context.WithTimeout(r.Context(), fetchWithin)
	defer cancel()
	im, err := s.find(ctx, id)
	switch {
	case err != nil:
		s.log.Error("an import was not found for its link", "import", id, "error", err)
		http.Error(w, "the file cannot be looked up now; try again", http.StatusServiceUnavailable)
		return
	case im == nil:
		http.Error(w, "this file is kept no longer", http.StatusGone)
		return
	}

	name := strings.TrimSuffix(im.FileName, path.Ext(im.FileName)) + "-rejected.csv"
	setHeaders(w.Header(), name, "text/csv; charset=utf-8")
	if r.Method == http.MethodHead {
		return
	}

	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(fetchWithin))
	if err := s.audience.WriteRejections(caller.In(ctx, im.OrganizationID), id, w); err != nil {
		s.log.Warn("rejected rows were not written to their end", "import", id, "error", err)
		panic(http.ErrAbortHandler) // so that nobody takes it for the whole
	}
}

// find reads an import of an organization that is active; nil where there is none.
func (s *Service) find(ctx context.Context, id uid.ID) (*ent.ContactImport, error) {
	ctx = caller.System(ctx)
	im, err := s.db.Client.ContactImport.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", id, err)
	}

	if active, err := s.active(ctx, im.OrganizationID); err != nil || !active {
		return nil, err
	}

	return im, nil
}

func (s *Service) active(ctx context.Context, organization uid.ID) (bool, error) {
	o, err := s.db.Client.Organization.Get(ctx, organization)
	if err != nil {
		return false, fmt.Errorf("read organization %s: %w", organization, err)
	}

	return o.Status == enum.OrganizationStatusActive, nil
}

// setHeaders makes of the answer a download, whatever stands in it.
func setHeaders(h http.Header, name, mediaType string) {
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Access-Control-Allow-Origin", "*") // the link is the right; nothing else is sent along
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "private, no-store")
}
