package sandbox

import (
	"log/slog"
	"time"

	"github.com/spf13/pflag"
)

// Options say how the sandbox behaves. The zero value is a Meta that answers and reviews at once,
// at 80 messages a second. Shares are between 0 and 1.
type Options struct {
	AppID, AppSecret         string // the app that tokens belong to; the secret signs webhooks
	CallbackURL, VerifyToken string // the app's webhook; while the URL is empty, webhooks wait

	Latency       time.Duration // before a send is answered
	LatencyJitter time.Duration // up to this much more
	ReviewDelay   time.Duration // until a template is reviewed
	HoldFor       time.Duration // until a message held for quality assessment is sent

	Throughput  int // messages a second for numbers without their own; 0 means 80
	PairBurst   int // messages to one recipient before the pair limit; 0 means 45
	NoPairLimit bool
	DailyLimit  int  // recipients an account may write to first within 24 hours; 0 means no limit
	NoLimits    bool // no throughput, pair, daily or hourly limit

	Usage, AppUsage int           // percent of their hourly limits that an account and the app seem to have used
	RegainAfter     time.Duration // with Usage: when calls are said to be allowed again, in whole minutes

	SentDelay, DeliveredDelay, ReadDelay time.Duration // each counted from the status before
	Spread                               float64       // each delay is up to this share longer
	Undeliverable                        float64       // share of messages that fail with 131026
	Unread                               float64       // share of delivered messages that are never read

	LoseAnswers float64       // share of accepted messages whose connection is closed without an answer
	ErrorShare  float64       // share of sends refused with 130429, 500 or 503 in turn
	OutageEvery time.Duration // every so often …
	OutageFor   time.Duration // … for so long, all sends are refused with 130429, 500 or 503 in turn

	DuplicateWebhooks float64       // share of statuses posted twice
	ShuffleWebhooks   float64       // share of messages whose statuses come in a wrong order
	DropWebhooks      float64       // share of statuses never posted
	NoWebhooks        bool          // post nothing at all
	Batch             int           // most statuses in one post; 0 means 100
	RetryDelay        time.Duration // before the first retry of a webhook, doubling up to a minute; 0 means 1 s

	StatePath string           // file that keeps the state over restarts; empty keeps none
	Seed      uint64           // of all chance; 0 picks one
	Now       func() time.Time // nil means time.Now
	Log       *slog.Logger     // nil logs nothing
}

// AppID is the app's id where nothing else is said.
const AppID = "1000000000000001"

// Defaults are options for people: delays that can be watched.
func Defaults() Options {
	return Options{
		AppID: AppID, AppSecret: "sandbox-app-secret", VerifyToken: "sandbox-verify-token",
		Latency: 80 * time.Millisecond, LatencyJitter: 120 * time.Millisecond,
		ReviewDelay: 2 * time.Second, HoldFor: 15 * time.Second,
		SentDelay: 200 * time.Millisecond, DeliveredDelay: 800 * time.Millisecond, ReadDelay: 4 * time.Second, Spread: 1,
		Undeliverable: 0.01, Unread: 0.3,
	}
}

// filled puts in what zero stands for.
func (o Options) filled() Options {
	if o.Throughput == 0 {
		o.Throughput = 80 // developers.facebook.com/documentation/business-messaging/whatsapp/throughput (read 2026-08)
	}
	if o.PairBurst == 0 {
		o.PairBurst = 45
	}
	if o.Batch == 0 {
		o.Batch = 100
	}
	if o.RetryDelay == 0 {
		o.RetryDelay = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}

	return o
}

// Flags binds o to command-line flags; what o holds already are the defaults. POST /sandbox/options
// takes the same names.
func Flags(fs *pflag.FlagSet, o *Options) {
	text := func(p *string, name, usage string) { fs.StringVar(p, name, *p, usage) }
	span := func(p *time.Duration, name, usage string) { fs.DurationVar(p, name, *p, usage) }
	part := func(p *float64, name, usage string) { fs.Float64Var(p, name, *p, usage) }
	count := func(p *int, name, usage string) { fs.IntVar(p, name, *p, usage) }
	yes := func(p *bool, name, usage string) { fs.BoolVar(p, name, *p, usage) }

	text(&o.AppID, "app-id", "id of the app that tokens belong to")
	text(&o.AppSecret, "app-secret", "secret that signs webhooks")
	text(&o.CallbackURL, "callback-url", "where webhooks are posted; while empty, they wait")
	text(&o.VerifyToken, "verify-token", "token sent when a callback is verified")
	span(&o.Latency, "latency", "time before a send is answered")
	span(&o.LatencyJitter, "latency-jitter", "up to this much more latency")
	span(&o.ReviewDelay, "review-delay", "time until a template is reviewed")
	span(&o.HoldFor, "hold-for", "time until a held message is sent")
	count(&o.Throughput, "throughput", "messages a second per number (Meta: 20, 80 or 1000; 0 means 80)")
	count(&o.PairBurst, "pair-burst", "messages to one recipient before the pair limit (0 means 45)")
	yes(&o.NoPairLimit, "no-pair-limit", "no limit per recipient")
	count(&o.DailyLimit, "daily-limit", "recipients an account may write to first within 24 hours (0: no limit)")
	yes(&o.NoLimits, "no-limits", "no rate limit of any kind")
	count(&o.Usage, "usage", "percent of its hourly limit that an account seems to have used (0: what is true)")
	count(&o.AppUsage, "app-usage", "the same of the app")
	span(&o.RegainAfter, "regain-after", "with --usage: when calls are said to be allowed again, in whole minutes")
	span(&o.SentDelay, "sent-delay", "time from acceptance to sent")
	span(&o.DeliveredDelay, "delivered-delay", "time from sent to delivered")
	span(&o.ReadDelay, "read-delay", "time from delivered to read")
	part(&o.Spread, "spread", "each delay is up to this share longer")
	part(&o.Undeliverable, "undeliverable", "share of messages that fail with 131026")
	part(&o.Unread, "unread", "share of delivered messages that are never read")
	part(&o.LoseAnswers, "lose-answers", "share of accepted messages whose answer is lost")
	part(&o.ErrorShare, "error-share", "share of sends refused with 130429, 500 or 503 in turn")
	span(&o.OutageEvery, "outage-every", "how often all sends are refused for a while")
	span(&o.OutageFor, "outage-for", "how long that lasts")
	part(&o.DuplicateWebhooks, "duplicate-webhooks", "share of statuses posted twice")
	part(&o.ShuffleWebhooks, "shuffle-webhooks", "share of messages whose statuses come in a wrong order")
	part(&o.DropWebhooks, "drop-webhooks", "share of statuses never posted")
	yes(&o.NoWebhooks, "no-webhooks", "post no webhooks")
	count(&o.Batch, "batch", "most statuses in one webhook (0 means 100)")
	span(&o.RetryDelay, "retry-delay", "time before a webhook's first retry (0 means 1s)")
	text(&o.StatePath, "state", "file that keeps the state over restarts")
	fs.Uint64Var(&o.Seed, "seed", o.Seed, "seed of all chance (0 picks one)")
}
