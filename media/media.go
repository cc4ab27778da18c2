// Package media is the files that go to WhatsApp and come from it: uploads, which are kept by
// number as long as WhatsApp has them, and links by which the files of messages are fetched. It
// stores no file. It promises that a file is checked by its content before it is uploaded, that
// one that a number has already is not uploaded again, that a link serves one message's file until
// it expires and nothing else, and that what it passes on takes memory for a block, not for a file.
package media

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"carillon/account"
	"carillon/database"
	"carillon/secret"
)

// Service uploads and fetches for all organizations.
type Service struct {
	db       *database.DB
	accounts *account.Service
	keys     *secret.Keyring
	options  Options
	now      func() time.Time
	streams  chan struct{} // holds a token for each file that is being fetched
}

// Options are what depends on where the service runs.
type Options struct {
	// PublicURL is how others reach this service, without a slash at the end.
	PublicURL string
	// Streams is how many files are fetched at once by this process; 0 is 100.
	Streams int
	Log     *slog.Logger
}

const defaultStreams = 100

// New returns the service.
func New(db *database.DB, accounts *account.Service, keys *secret.Keyring, o Options, now func() time.Time) *Service {
	if o.Streams == 0 {
		o.Streams = defaultStreams
	}

	return &Service{db: db, accounts: accounts, keys: keys, options: o,
		now:     func() time.Time { return database.Moment(now()) },
		streams: make(chan struct{}, o.Streams)}
}

// Metrics are what the service counts.
func (s *Service) Metrics() []prometheus.Collector {
	return []prometheus.Collector{prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "carillon_media_streams", Help: "Files of messages that are being fetched from WhatsApp by their links.",
	}, func() float64 { return float64(len(s.streams)) })}
}
