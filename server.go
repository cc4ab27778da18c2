// Command carillon is a self-hosted message service on the WhatsApp Business Platform. This file
// reads the configuration, builds every part once, top to bottom, and runs the chosen role until it
// is told to stop.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
	_ "time/tzdata" // campaigns have time zones, containers may have none

	"github.com/redis/go-redis/v9"

	"carillon/account"
	"carillon/audience"
	"carillon/campaign"
	"carillon/clientip"
	"carillon/config"
	"carillon/database"
	"carillon/delivery"
	"carillon/graph"
	"carillon/graph/graphiql"
	"carillon/graph/transport"
	"carillon/hub"
	"carillon/identity"
	"carillon/mail"
	"carillon/metawebhook"
	"carillon/oidc"
	"carillon/operator"
	"carillon/ratelimit"
	"carillon/redisclient"
	"carillon/secret"
	"carillon/telemetry"
	"carillon/transactional"
	"carillon/uid"
	"carillon/whatsapp"
	"carillon/worker"
)

const (
	databaseConns = 24
	tasksAtOnce   = 64
	// stopWithin is how long HTTP may take to end after sockets have been told.
	stopWithin = 10 * time.Second
)

func main() {
	defer runtime.KeepAlive(make([]byte, heapFloor))
	go giveBack()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "carillon:", err)
		os.Exit(1)
	}
}

// run is the whole program, as tests call it.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}

	do, ok := commands[command]
	if !ok {
		return fmt.Errorf("there is no command %q; there are: %s", command, commandNames())
	}

	err := do(ctx, args, environ, stdout, stderr)
	if errors.Is(err, errHelp) {
		return runHelp(ctx, args, environ, stdout, stderr)
	}

	return err
}

// parts is everything that a running service is made of.
type parts struct {
	cfg    config.Config
	log    *slog.Logger
	db     *database.DB
	redis  redis.UniversalClient // for workers and live news, which can wait
	quick  *redisclient.Quick    // for callers, who do not
	hub    *hub.Hub[delivery.Event]
	queue  *delivery.Queue
	tasks  *worker.Tasks
	closes []func() error

	keys      *secret.Keyring
	limiter   *ratelimit.Limiter
	operator  *operator.Service
	identity  *identity.Service
	accounts  *account.Service
	audience  *audience.Service
	campaigns *campaign.Service
	api       http.Handler
	apiStop   func(context.Context) error
	webhooks  *metawebhook.Handler
	worker    *worker.Worker
	journal   *delivery.Journal
	metrics   telemetry.Metrics
	clients   *clientip.Resolver // from which address a request comes
}

// build makes every part. What it opens, close closes. Every key and channel in Redis begins with
// prefix.
func build(ctx context.Context, cfg config.Config, prefix string, log *slog.Logger) (p *parts, err error) {
	p = &parts{cfg: cfg, log: log, metrics: telemetry.NewMetrics(),
		clients: clientip.New(cfg.TrustedProxies, cfg.ForwardedHeader, log)}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()

	if file, ok := strings.CutPrefix(cfg.DatabaseURL, "sqlite:"); ok && filepath.Dir(file) == filepath.Clean(cfg.DataDir) {
		if err := config.PrivateDir(cfg.DataDir); err != nil {
			return p, err
		}
	}

	if p.db, err = database.Open(ctx, cfg.DatabaseURL, databaseConns); err != nil {
		return p, err
	}

	p.closes = append(p.closes, p.db.Close)
	if err = p.openRedis(); err != nil {
		return p, err
	}
	if p.keys, err = keyring(cfg); err != nil {
		return p, err
	}

	terms, err := loadTerms(cfg.TermsFile)
	if err != nil {
		return p, err
	}

	now := database.Now
	if cfg.WhatsApp.APIURL == nil { // what the operator does on a stopped service needs no WhatsApp
		cfg.WhatsApp.APIURL = &url.URL{Scheme: "http", Host: "127.0.0.1:9"} // discard: nothing answers
	}

	meta := whatsapp.NewClient(cfg.WhatsApp.APIURL.String(), cfg.WhatsApp.APIVersion,
		whatsapp.WithAppSecret(currentSecret(cfg)), whatsapp.WithSocket(cfg.WhatsApp.Socket))
	events := delivery.NewLog(p.db)
	p.hub = hub.New[delivery.Event](p.redis, prefix, events, hub.Options{
		Logger: log, Announced: func(subjects ...uid.ID) { p.identity.Forget(subjects...) },
	})
	news := newsTo{p.hub}
	p.journal = delivery.NewJournal(p.db, news, now, log)
	p.queue = delivery.NewQueue(p.db, p.journal, news, now)
	p.tasks = worker.NewTasks(p.redis, prefix, log)
	pace := worker.NewPace(p.redis, prefix)

	mailer, err := mailerOf(cfg, log)
	if err != nil {
		return p, err
	}
	if cfg.OIDC.SignUp && cfg.SignUp != string(identity.SignUpsOpen) {
		log.Warn("OIDC_SIGN_UP is true and has no effect, since SIGN_UP lets nobody sign up", "sign_up", cfg.SignUp)
	}

	p.limiter = ratelimit.New(p.quick, prefix, limits(cfg), log)
	p.identity = identity.New(p.db, terms, now, identity.Options{
		Keys: p.keys, External: external(cfg, now), SignUps: identity.SignUps(cfg.SignUp), Limiter: p.limiter, Mail: mailer,
		PublicURL: cfg.PublicURL.String(), Hears: p.hub.Hears, Log: log,
	})

	p.accounts = account.New(p.db, p.keys, meta, p.identity,
		account.Options{AppID: cfg.WhatsApp.AppID, AppSecret: currentSecret(cfg), Tell: news.Notify}, now)
	p.audience = audience.New(p.db, now, func(ctx context.Context, organization, contactImport uid.ID) {
		news.Notify(ctx, organization, contactImport)
	})
	p.campaigns = campaign.New(p.db, p.queue, p.audience, p.identity, p.accounts, p.tasks, news, now)
	p.operator = operator.New(p.db, p.accounts, p.campaigns, p.hub, now)
	p.journal.Watch(p.campaigns)
	p.journal.Introduce(p.audience)
	lanes := worker.NewLanes(p.queue, p.journal, p.accounts, p.db.Client, p.campaigns, meta, pace,
		p.tasks.Waiting, now, log)

	p.webhooks = metawebhook.New(metawebhook.Parts{DB: p.db, Journal: p.journal, Queue: p.queue, Accounts: p.accounts,
		Audience: p.audience, Campaigns: p.campaigns, Now: now, Log: log},
		metawebhook.Options{
			Secrets: cfg.WhatsApp.AppSecrets, VerifyToken: cfg.WhatsApp.VerifyToken,
			BodyMemory: cfg.Webhooks.Memory, KeptRows: cfg.Webhooks.Kept, KeptBytes: cfg.Webhooks.KeptBytes,
		})

	p.metrics.MustRegister(p.webhooks.Metrics()...)
	p.worker = worker.New(p.redis, p.tasks, worker.Jobs{
		Enroll: p.campaigns.Enroll, Import: p.audience.RunImport, Drain: lanes.Drain, Sweep: p.sweep,
	}, tasksAtOnce, log)

	api := graph.New(graph.Deps{
		DB: p.db, Identity: p.identity, Accounts: p.accounts, Audience: p.audience, Campaigns: p.campaigns,
		Direct: transactional.New(p.db, p.queue, p.identity, p.tasks, now), Operator: operator.NewStates(p.db, now),
		Log: events, Hub: p.hub, Rates: worker.NewPace(p.quick, prefix),
		WakeImport: p.tasks.WakeImport, Now: now, Logger: log, AllowedOrigins: cfg.AllowedOrigins,
		ClientIP: p.clients.Of,
		Transport: transport.Options{Memory: int(cfg.Limits.Memory), MaxUploads: cfg.Limits.Uploads,
			UploadSpace: cfg.Limits.UploadSpace, Websocket: transport.Websocket{
				MaxConnections: cfg.Limits.Connections, MaxPerOwner: cfg.Limits.OrganizationConnections,
				MaxSubscriptions: cfg.Limits.Subscriptions,
			}},
	})

	p.metrics.MustRegister(api.Metrics()...)
	p.api, p.apiStop = api, api.Shutdown

	return p, nil
}

func (p *parts) close() error {
	var errs []error
	for i := len(p.closes) - 1; i >= 0; i-- {
		errs = append(errs, p.closes[i]())
	}

	return errors.Join(errs...)
}

// roles of one process.
type roles struct{ api, work bool }

// serve runs until ctx ends or a part fails. Then it stops the parts in the order in which they
// need each other: at once those that take requests and those that send, which finish what is in
// flight; then the journal, which commits what they told it; and last the hub, which tells of that.
func (p *parts) serve(ctx context.Context, listener net.Listener, r roles) error {
	for _, w := range p.cfg.Warnings() {
		p.log.Warn("configuration: "+w.Variable+" "+w.Wrong, "right", w.Right)
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

	stopMonitor, stopMetrics := start(p.quick.Monitor), func() {}
	if metrics != nil {
		stopMetrics = start(p.runMetrics(metrics))
	}

	stopHub, stopJournal := start(p.hub.Run), start(p.journal.Run)
	stopWork, stopPost, stopUses := func() {}, func() {}, func() {}
	if r.api {
		stopUses = start(p.identity.RunUses)
	}

	if r.work {
		stopWork = start(p.worker.Run)
		stopPost = start(func(ctx context.Context) error { return p.identity.RunPost(ctx, p.log) })
	}

	stopServing := start(func(context.Context) error {
		return ignore(server.Serve(p.bounded(listener)), http.ErrServerClosed)
	})

	select {
	case <-ctx.Done():
	case err = <-failed:
	}

	var ends sync.WaitGroup
	ends.Go(func() { err = errors.Join(err, p.stopHTTP(server)); stopServing() })
	ends.Go(stopWork)
	ends.Go(stopPost)
	ends.Go(stopUses)
	ends.Wait()
	stopJournal()
	stopHub()
	stopMonitor()
	stopMetrics()

	return err
}

func (p *parts) stopHTTP(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	errs := []error{p.apiStop(ctx), server.Shutdown(ctx)}
	if err := errors.Join(errs...); err != nil {
		p.log.Warn("some connections had to be cut", "error", err)
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

// routes are the paths of a process. One that only works still answers for its health.
func (p *parts) routes(r roles) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", p.ready)
	if p.cfg.MetricsAddr == "" {
		mux.Handle("GET /metrics", onlyHere(p.metrics.Handler()))
	}

	if r.api {
		mux.Handle("/graphql", p.api)
		mux.Handle("/webhooks/whatsapp", p.webhooks)
		mux.Handle("GET /schema.graphql", graph.ServeSDL())
		page := graphiql.Handler(graphiql.Default())
		mux.Handle("GET /{$}", page)
		mux.Handle("GET /graphiql/", page)
	}

	return mux
}

// readyWithin is how long the database and Redis together may take to answer. Balancers wait for a
// second or more.
const readyWithin = 800 * time.Millisecond

// ready says whether a process may get requests. Without Redis it may: queries, mutations and
// webhooks need only the database.
func (p *parts) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	if err := p.db.Ping(ctx); err != nil {
		p.log.Warn("not ready: the database does not answer", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}

	if err := p.quick.Ping(ctx).Err(); err != nil {
		_, _ = io.WriteString(w, "ready, without Redis: nothing is sent until it is back\n")
		return
	}

	_, _ = io.WriteString(w, "ready\n")
}

// redisPrefix begins the keys and channels of a service; a demo has one of its own.
const redisPrefix = "carillon"

func (p *parts) openRedis() error {
	options := p.cfg.Redis
	if options == nil {
		embedded, stop, err := startRedis()
		if err != nil {
			return err
		}

		p.closes = append(p.closes, stop)
		options = embedded
	}

	p.redis, p.quick = redisclient.Patient(*options), redisclient.NewQuick(*options, p.log)
	p.closes = append(p.closes, p.redis.Close, p.quick.Close)

	return nil
}

func keyring(cfg config.Config) (*secret.Keyring, error) {
	keys := cfg.EncryptionKeys
	if len(keys) == 0 {
		key, err := config.LocalKey(cfg.DataDir)
		if err != nil {
			return nil, err
		}

		keys = [][]byte{key}
	}

	return secret.NewKeyring(keys...)
}

func currentSecret(cfg config.Config) string {
	if len(cfg.WhatsApp.AppSecrets) == 0 {
		return ""
	}
	return cfg.WhatsApp.AppSecrets[0]
}

// external is the identity provider of the configuration. It is not asked yet: it may be down.
func external(cfg config.Config, now func() time.Time) identity.External {
	o := cfg.OIDC
	if o.Issuer == "" {
		return identity.External{}
	}

	return identity.External{
		Provider: oidc.New(oidc.Options{Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret,
			Scopes: o.Scopes, Name: o.Name}, now),
		AllowedDomains: o.AllowedDomains, SignUp: o.SignUp, RedirectOrigins: cfg.AllowedOrigins,
	}
}

// tries is how often may be tried what begins with such a key. Those of invitations are set in the
// configuration.
var tries = map[string]ratelimit.Limit{
	"account": {Tries: 10, Span: 5 * time.Minute},  // the password of an e-mail address
	"address": {Tries: 30, Span: 5 * time.Minute},  // from a network address, without being signed in
	"code":    {Tries: 10, Span: 15 * time.Minute}, // of a million codes, three are right at a time
	"reset":   {Tries: 5, Span: time.Hour},         // links asked for an e-mail address
	"invited": {Tries: 5, Span: time.Hour},         // invitations of an e-mail address
	"verify":  {Tries: 5, Span: time.Hour},         // links to prove their address asked for by a user
	"create":  {Tries: 20, Span: time.Hour},        // organizations by a user
}

func limits(cfg config.Config) func(key string) ratelimit.Limit {
	all := maps.Clone(tries)
	all["inviter"] = ratelimit.Limit{Tries: cfg.Invitations.PerUser, Span: time.Hour}
	all["invite"] = ratelimit.Limit{Tries: cfg.Invitations.PerOrganization, Span: time.Hour}
	all["invitations"] = ratelimit.Limit{Tries: cfg.Invitations.PerService, Span: time.Hour}

	return func(key string) ratelimit.Limit {
		kind, _, _ := strings.Cut(key, ":")
		kind, _, _ = strings.Cut(kind, "-") // the counts of one kind have one limit
		if limit, known := all[kind]; known {
			return limit
		}

		return all["address"]
	}
}

// mailerOf sends by the configured server, or writes to the log.
func mailerOf(cfg config.Config, log *slog.Logger) (identity.Mailer, error) {
	s := cfg.SMTP
	if s.Host == "" {
		return mail.Log{Logger: log}, nil
	}

	return mail.NewSMTP(mail.Server{Host: s.Host, Port: s.Port, User: s.User, Password: s.Password,
		Security: mail.Security(s.TLS), From: s.From})
}

// newsTo tells the hub what delivery and campaigns have committed.
type newsTo struct{ hub *hub.Hub[delivery.Event] }

func (n newsTo) Publish(ctx context.Context, organization uid.ID, events []delivery.Event) {
	_ = n.hub.Publish(ctx, organization, events) // the hub's poll makes good what is lost here
}

func (n newsTo) Notify(ctx context.Context, organization uid.ID, subjects ...uid.ID) {
	topics := make([]string, len(subjects))
	for i, s := range subjects {
		topics[i] = s.String()
	}

	n.hub.Notify(ctx, organization, topics...)
}

func open(ctx context.Context, environ []string, stderr io.Writer) (*parts, error) {
	cfg, err := config.Load(environ)
	if err != nil {
		return nil, err
	}

	log := telemetry.Logger(stderr, cfg.LogLevel, cfg.LogFormat)

	return build(ctx, cfg, redisPrefix, log)
}

func dataFile(cfg config.Config, name string) string { return filepath.Join(cfg.DataDir, name) }
