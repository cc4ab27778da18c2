// Package app builds a running service and runs it: every part once, top to bottom, in the roles of
// one process, until it is told to stop. The command line (package cli), the demo and the tests of
// the whole program all use it. A process that ends in the middle of anything loses nothing: the
// database holds the truth, and the sweep finds what was left.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // campaigns have time zones, containers may have none

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"carillon/account"
	"carillon/audience"
	"carillon/campaign"
	"carillon/clientip"
	"carillon/config"
	"carillon/database"
	"carillon/delivery"
	"carillon/download"
	"carillon/export"
	"carillon/graph"
	"carillon/graph/transport"
	"carillon/hub"
	"carillon/identity"
	"carillon/media"
	"carillon/metawebhook"
	"carillon/notification"
	"carillon/operator"
	"carillon/outbox"
	"carillon/pricing"
	"carillon/privacy"
	"carillon/ratelimit"
	"carillon/reconciliation"
	"carillon/redisclient"
	"carillon/secret"
	"carillon/telemetry"
	"carillon/transactional"
	"carillon/uid"
	"carillon/webhook"
	"carillon/whatsapp"
	"carillon/worker"
)

const (
	tasksAtOnce = 64
	// stopWithin is how long HTTP may take to end after sockets have been told.
	stopWithin = 10 * time.Second
)

// App is a service with all its parts. What is exported is for the operator's commands and tests.
type App struct {
	Config   config.Config
	Log      *slog.Logger
	DB       *database.DB
	Keys     *secret.Keyring
	Identity *identity.Service
	Operator *operator.Service
	Queue    *delivery.Queue
	Journal  *delivery.Journal
	Prices   *pricing.Book
	Hub      *hub.Hub[delivery.Event]
	Webhooks *metawebhook.Handler

	redis     redis.UniversalClient // for workers and live news, which can wait
	quick     *redisclient.Quick    // for callers, who cannot
	prefix    string                // begins every key and channel in Redis
	news      newsTo
	meta      *whatsapp.Client
	sandbox   *account.App // where sandbox accounts live; nil: nowhere
	events    *delivery.Log
	tasks     *worker.Tasks
	worker    *worker.Worker
	limiter   *ratelimit.Limiter
	clock     *database.Clock // of what several processes read of Meta and write
	accounts  *account.Service
	audience  *audience.Service
	campaigns *campaign.Service
	media     *media.Service
	told      *notification.Service
	outbox    *outbox.Outbox
	downloads *download.Service
	privacy   *privacy.Service
	exports   *export.Service
	hooks     *webhook.Service

	reconciliation *reconciliation.Service

	api     http.Handler
	apiStop func(context.Context) error
	metrics telemetry.Metrics
	clients *clientip.Resolver // from which address a request comes
	closes  []func() error     // in the order of opening
}

// Build makes every part. What it opens, Close closes. Every key and channel in Redis begins with
// prefix.
func Build(ctx context.Context, cfg config.Config, prefix string, log *slog.Logger) (p *App, err error) {
	if cfg.WhatsApp.APIURL == nil { // what the operator does on a stopped service needs no WhatsApp
		cfg.WhatsApp.APIURL = &url.URL{Scheme: "http", Host: "127.0.0.1:9"} // discard: nothing answers
	}

	p = &App{Config: cfg, Log: log, prefix: prefix, metrics: telemetry.NewMetrics(),
		clients: clientip.New(cfg.TrustedProxies, cfg.ForwardedHeader, log)}
	for _, step := range []func(context.Context) error{p.openStores, p.buildDelivery, p.buildDomain, p.buildDoors} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}

	return p, nil
}

// openStores opens the database and Redis, and reads the keys that seal secrets.
func (p *App) openStores(ctx context.Context) (err error) {
	file, ok := strings.CutPrefix(p.Config.DatabaseURL, "sqlite:")
	if ok && filepath.Dir(file) == filepath.Clean(p.Config.DataDir) {
		if err := config.PrivateDir(p.Config.DataDir); err != nil {
			return err
		}
	}

	if p.DB, err = database.Open(ctx, p.Config.DatabaseURL, p.Config.DatabaseConnections); err != nil {
		return err
	}

	p.closes = append(p.closes, p.DB.Close)
	if err := p.openRedis(); err != nil {
		return err
	}

	p.Keys, err = keyring(p.Config)

	return err
}

// buildDelivery makes what messages pass: the log and its subscribers, the journal, the queue.
func (p *App) buildDelivery(context.Context) error {
	p.meta = whatsapp.NewClient(p.Config.WhatsApp.APIURL.String(), p.Config.WhatsApp.APIVersion,
		whatsapp.WithAppSecret(p.Config.WhatsApp.AppSecret()), whatsapp.WithSocket(p.Config.WhatsApp.Socket))
	p.sandbox = sandboxApp(p.Config.WhatsApp, p.meta)
	p.events = delivery.NewLog(p.DB)
	p.Hub = hub.New[delivery.Event](p.redis, p.prefix, p.events, hub.Options{
		Logger: p.Log, Announced: func(subjects ...uid.ID) { p.Identity.Forget(subjects...) },
	})
	p.news = newsTo{p.Hub}
	p.Journal = delivery.NewJournal(p.DB, p.news, database.Now, p.Log)
	p.Prices = pricing.NewBook(p.DB, database.Now, p.Log)
	p.Journal.PriceBy(p.Prices)
	p.Queue = delivery.NewQueue(p.DB, p.Journal, p.news, database.Now)
	p.Queue.KnowErased(delivery.NewErased(p.Keys))
	p.tasks = worker.NewTasks(p.redis, p.prefix, p.Log)

	return nil
}

// buildDomain makes the services that own the rules: who asks, accounts, audience, campaigns.
func (p *App) buildDomain(ctx context.Context) error {
	terms, err := loadTerms(p.Config.TermsFile)
	if err != nil {
		return err
	}
	if p.clock, err = p.DB.Clock(ctx, database.Now); err != nil {
		return err
	}

	mailer, err := mailerOf(p.Config, p.Log)
	if err != nil {
		return err
	}
	if p.Config.OIDC.SignUp && p.Config.SignUp != string(identity.SignUpsOpen) {
		p.Log.Warn("OIDC_SIGN_UP is true and has no effect, since SIGN_UP lets nobody sign up", "sign_up", p.Config.SignUp)
	}

	now := database.Now
	p.limiter = ratelimit.New(p.quick, p.prefix, limits(p.Config), p.Log)

	p.Identity = identity.New(p.DB, terms, now, identity.Options{
		Keys: p.Keys, External: external(p.Config, now), SignUps: identity.SignUps(p.Config.SignUp),
		Limiter: p.limiter, PublicURL: p.Config.PublicURL.String(), Hears: p.Hub.Hears,
		Announce: p.Hub.Announce,
		Log:      p.Log,
	})

	p.accounts = account.New(p.DB, p.Keys, p.meta, p.Identity, account.Options{
		AppID: p.Config.WhatsApp.AppID, AppSecret: p.Config.WhatsApp.AppSecret(), Sandbox: p.sandbox,
		Tell:        p.news.Notify,
		EditsPerDay: p.Config.TemplateEdits.PerDay, EditsPerMonth: p.Config.TemplateEdits.PerMonth,
		SyncEvery: p.Config.AccountSyncEvery,
	}, p.clock.Now)
	p.audience = audience.New(p.DB, now, func(ctx context.Context, organization, contactImport uid.ID) {
		p.news.Notify(ctx, organization, contactImport)
	})
	p.audience.WakeBy(p.tasks.WakeImport)
	if err := errors.Join(p.buildExports(), p.buildHooks()); err != nil {
		return err
	}

	p.audience.RememberBy(p.Identity.Once)
	p.audience.KnowErased(p.Queue.Erased())
	p.privacy = privacy.New(p.DB, p.Keys, p.Queue, p.audience, p.exports, p.tasks, now)
	p.privacy.ForgetBy(p.accounts)
	p.reconciliation = reconciliation.New(p.DB, p.accounts, p.events, now)
	p.downloads = download.New(p.DB, p.Keys, p.audience, p.exports, p.Config.PublicURL.String(), p.Log, now)
	p.media = media.New(p.DB, p.accounts, p.Keys, media.Options{
		PublicURL: p.Config.PublicURL.String(), Log: p.Log}, now)
	p.campaigns = campaign.New(p.DB, p.Queue, p.audience, p.Identity, p.accounts, p.tasks, p.news, now)
	p.campaigns.PriceBy(p.Prices)
	p.campaigns.RenewMediaBy(p.media.Renew)
	p.told = notification.New(p.DB, p.Config.PublicURL.String(), p.Config.SMTP.Host != "", now)
	p.outbox = outbox.New(p.DB, mailer, p.Log, now, p.Identity.Mails, p.told.Mails)
	p.Operator = operator.New(p.DB, p.accounts, p.campaigns, p.Hub, now)
	p.Journal.Watch(p.campaigns)
	p.Journal.Introduce(p.audience)

	return nil
}

// buildDoors makes what is called from outside: the workers' tasks, Meta's webhooks, the API.
func (p *App) buildDoors(context.Context) error {
	cfg, now := p.Config, database.Now
	lanes := worker.NewLanes(worker.Parts{Queue: p.Queue, Journal: p.Journal, Accounts: p.accounts,
		Campaigns: p.campaigns, Pace: worker.NewPace(p.redis, p.prefix), Waiting: p.tasks.Waiting,
		Now: now, Log: p.Log})
	p.worker = worker.New(p.redis, p.tasks, worker.Jobs{
		Enroll: p.campaigns.Enroll, Import: p.audience.RunImport, Erase: p.privacy.Run, Export: p.exports.Run,
		Retain: p.privacy.Retain, Drain: lanes.Drain, Sweep: p.sweep,
	}, tasksAtOnce, p.Log)

	p.Webhooks = metawebhook.New(metawebhook.Parts{DB: p.DB, Journal: p.Journal, Queue: p.Queue, Accounts: p.accounts,
		Audience: p.audience, Campaigns: p.campaigns, Now: now, Log: p.Log},
		metawebhook.Options{
			Secrets: cfg.WhatsApp.AppSecrets, SandboxSecret: cfg.WhatsApp.SandboxSecret,
			VerifyToken: cfg.WhatsApp.VerifyToken,
			BodyMemory:  cfg.Webhooks.Memory, KeptRows: cfg.Webhooks.Kept, KeptBytes: cfg.Webhooks.KeptBytes,
		})

	p.metrics.MustRegister(p.DB.Metrics(), backlog{p})
	for _, part := range []interface{ Metrics() []prometheus.Collector }{lanes, p.worker, p.Journal, p.Hub} {
		p.metrics.MustRegister(part.Metrics()...)
	}

	p.metrics.MustRegister(p.Webhooks.Metrics()...)
	p.metrics.MustRegister(p.media.Metrics()...)
	p.metrics.MustRegister(p.hooks.Metrics()...)
	p.metrics.MustRegister(p.reconciliation.Metrics()...)

	budgets := ratelimit.NewBudgets(p.quick, p.prefix, points(p.Config), p.Log)
	p.metrics.MustRegister(budgets.Metrics()...)

	direct := transactional.New(p.DB, p.Queue, p.Identity, p.tasks, now)
	direct.RenewMediaBy(p.media.Renew)

	api := graph.New(graph.Deps{
		DB: p.DB, Identity: p.Identity, Accounts: p.accounts, Audience: p.audience, Campaigns: p.campaigns,
		Direct: direct,
		Media:  p.media, Downloads: p.downloads, Privacy: p.privacy, Exports: p.exports, Webhooks: p.hooks,
		Reconciliations: p.reconciliation,
		Operator:        operator.NewStates(p.DB, now),
		Log:             p.events, Hub: p.Hub, Rates: worker.NewPace(p.quick, p.prefix), Prices: p.Prices, Budgets: budgets,
		Now: now, Logger: p.Log, AllowedOrigins: cfg.AllowedOrigins,
		ClientIP: p.clients.Of,
		Transport: transport.Options{MaxUpload: whatsapp.MaxMedia + 1<<20, Memory: int(cfg.Limits.Memory),
			MaxUploads:  cfg.Limits.Uploads,
			UploadSpace: cfg.Limits.UploadSpace, Websocket: transport.Websocket{
				MaxConnections: cfg.Limits.Connections, MaxPerOwner: cfg.Limits.OrganizationConnections,
				MaxSubscriptions: cfg.Limits.Subscriptions,
			}},
	})

	p.metrics.MustRegister(api.Metrics()...)
	p.api, p.apiStop = api, api.Shutdown

	return nil
}

// Close closes what Build has opened, in the reverse order.
func (p *App) Close() error {
	var errs []error
	for i := len(p.closes) - 1; i >= 0; i-- {
		errs = append(errs, p.closes[i]())
	}

	return errors.Join(errs...)
}

// Roles are what one process does: answer the API and webhooks, send messages, or both.
type Roles struct{ API, Work bool }

// Serve runs until ctx ends or a part fails. Then it stops the parts in the order in which they
// need each other: at once those that take requests and those that send, which finish what is in
// flight; then the journal, which commits what they told it; and last the hub, which tells of that.
func (p *App) Serve(ctx context.Context, listener net.Listener, r Roles) error {
	for _, w := range p.Config.Warnings() {
		p.Log.Warn("configuration: "+w.Variable+" "+w.Wrong, "right", w.Right)
	}

	metrics, err := p.listenMetrics()
	if err != nil {
		return err
	}

	server := p.httpServer(p.routes(r))
	failed := make(chan error, 8) // each part's

	start := func(run func(context.Context) error) (stop func()) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		over := make(chan struct{})
		go func() {
			defer close(over)
			if err := run(ctx); err != nil {
				failed <- err
			}
		}()

		return func() { cancel(); <-over }
	}

	stopMonitor, stopMetrics, stopClock := start(p.quick.Monitor), func() {}, start(p.clock.Run)
	if metrics != nil {
		stopMetrics = start(p.runMetrics(metrics))
	}

	stopHub, stopJournal := start(p.Hub.Run), start(p.Journal.Run)
	stopWork, stopMails, stopUses, stopHooks := func() {}, func() {}, func() {}, func() {}
	stopSyncs, stopComparing := func() {}, func() {}
	if r.API {
		stopUses = start(p.Identity.RunUses)
	}

	if r.Work {
		stopWork = start(p.worker.Run)
		stopMails = start(p.outbox.Run)
		stopHooks = start(p.hooks.Run)
		stopSyncs = start(func(ctx context.Context) error { return p.accounts.RunSyncs(ctx, p.Log) })
		stopComparing = start(func(ctx context.Context) error { return p.reconciliation.Run(ctx, p.Log) })
	}

	stopServing := start(func(context.Context) error {
		return ignore(server.Serve(p.bounded(listener)), http.ErrServerClosed)
	})

	select {
	case <-ctx.Done():
	case err = <-failed:
	}

	stopping := time.Now()
	p.Log.Info("carillon is stopping: what is in flight is finished")

	var ends sync.WaitGroup
	ends.Go(func() { err = errors.Join(err, p.stopHTTP(server)); stopServing() })
	ends.Go(stopWork)
	ends.Go(stopMails)
	ends.Go(stopUses)
	ends.Go(stopSyncs)
	ends.Go(stopHooks)
	ends.Go(stopComparing)
	ends.Wait()
	stopJournal()
	stopHub()
	stopMonitor()
	stopMetrics()
	stopClock()
	p.Log.Info("carillon has stopped", "duration", time.Since(stopping))

	return err
}

func (p *App) stopHTTP(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	p.Webhooks.Stop()
	errs := []error{p.apiStop(ctx), server.Shutdown(ctx)}
	if err := errors.Join(errs...); err != nil {
		p.Log.Warn("some connections had to be cut", "error", err)
		return ignore(server.Close(), http.ErrServerClosed)
	}

	return nil
}

func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// RedisPrefix begins the keys and channels of a service; a demo has one of its own.
const RedisPrefix = "carillon"
