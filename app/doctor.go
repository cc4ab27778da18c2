package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"carillon/account"
	"carillon/caller"
	"carillon/config"
	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/webhookendpoint"
	"carillon/redisclient"
)

// Verdict says how a part of a deployment is.
type Verdict string

const (
	Fine    Verdict = "ok"
	Warning Verdict = "warning" // it works, and not as it should
	Problem Verdict = "problem" // something does not work
)

// Finding is what an examination says of one part.
type Finding struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Says    string  `json:"says"`
	Do      string  `json:"do,omitempty"` // what would help; empty where all is well
}

const (
	examineWithin = 10 * time.Second // each part
	clockApart    = 2 * time.Second  // more than this upsets codes of second factors and the worth of signatures
	tokenEndsSoon = 14 * 24 * time.Hour
	fullRedis     = 80  // percent of maxmemory
	mostAccounts  = 500 // whose tokens are examined
)

// examination collects findings.
type examination struct {
	*App
	findings []Finding
}

func (e *examination) say(check string, v Verdict, says, do string) {
	e.findings = append(e.findings, Finding{check, v, says, do})
}

// Examine looks at everything around a deployment that has to be right: what it finds, it says with
// what to do. It changes nothing, and works beside running processes and without.
func Examine(ctx context.Context, environ []string) []Finding {
	e := &examination{}
	cfg, err := config.Load(environ)
	if mistakes := (config.Mistakes{}); errors.As(err, &mistakes) {
		for _, m := range mistakes {
			e.say("configuration", Problem, m.Variable+" "+m.Wrong, "set it to "+m.Right)
		}

		return e.findings
	}

	e.say("configuration", Fine, "every variable can be read", "")
	for _, w := range cfg.Warnings() {
		e.say("configuration", Warning, w.Variable+" "+w.Wrong, "set it to "+w.Right)
	}

	if e.App, err = Build(ctx, cfg, RedisPrefix, slog.New(slog.DiscardHandler)); err != nil {
		e.say("stores", Problem, err.Error(), "mend what the error names; until then nothing else can be examined")
		return e.findings
	}

	defer e.Close()
	ctx = caller.System(ctx)
	for _, look := range []func(context.Context){e.database, e.redisStore, e.clocks, e.folders, e.meta, e.tokens,
		e.webhooks, e.proxy, e.limits} {
		within, cancel := context.WithTimeout(ctx, examineWithin)
		look(within)
		cancel()
	}

	return e.findings
}

func (e *examination) database(ctx context.Context) {
	state, err := e.DB.State(ctx)
	place := e.Config.DatabasePlace()
	switch {
	case err != nil:
		e.say("database", Problem, place+" does not answer: "+err.Error(), "start it, or mend DATABASE_URL")
		return
	case state.Problem() != "":
		says, do, _ := strings.Cut(state.Problem(), ": ")
		e.say("database", Problem, says, do)
	case state.Newer() != "":
		says, do, _ := strings.Cut(state.Newer(), ": ")
		e.say("database", Warning, says, do)
	default:
		e.say("database", Fine, place+" answers, takes writes and is up to date", "")
	}

	if most, used, err := e.DB.Connections(ctx); err == nil && most > 0 {
		if free := most - used; free < e.Config.DatabaseConnections {
			e.say("database", Warning, fmt.Sprintf("%d of its %d connections are free, and one process wants up to %d", free,
				most, e.Config.DatabaseConnections), "raise max_connections, lower DATABASE_CONNECTIONS, or put PgBouncer between")
		}
	}
}

func (e *examination) redisStore(ctx context.Context) {
	if e.Config.Redis == nil {
		e.say("redis", Fine, "in this process, good for `carillon` alone", "")
		return
	}
	if err := e.redis.Ping(ctx).Err(); err != nil {
		e.say("redis", Problem, "it does not answer: "+err.Error(), "start it, or mend REDIS_URL; nothing is sent without it")
		return
	}

	evicts, err := redisclient.Eviction(ctx, e.redis)
	used, most := redisclient.Memory(ctx, e.redis)

	switch {
	case evicts != "":
		says, do, _ := strings.Cut(evicts, ": ")
		e.say("redis", Warning, says, do)
	case err != nil:
		e.say("redis", Warning, "it answers, and does not tell its maxmemory-policy", "see that it is noeviction")
	case most > 0 && used*100 > most*fullRedis:
		e.say("redis", Warning, fmt.Sprintf("its memory is full to %d %%", used*100/most), "raise its maxmemory")
	default:
		e.say("redis", Fine, "it answers and evicts nothing", "")
	}
}

func (e *examination) clocks(context.Context) {
	apart := e.clock.Now().Sub(database.Now())
	if apart.Abs() > clockApart {
		e.say("clock", Problem, fmt.Sprintf("this machine's clock is %v off the database's", apart.Round(time.Millisecond)),
			"run NTP (chrony, systemd-timesyncd) on both")
		return
	}

	e.say("clock", Fine, "this machine's clock agrees with the database's", "")
}

// folders are looked at where files are written.
func (e *examination) folders(context.Context) {
	for variable, folder := range map[string]string{"TMPDIR": os.TempDir(), "DATA_DIR": e.Config.DataDir} {
		if variable == "DATA_DIR" && e.Config.Files.Bucket != "" && e.Config.NamesDatabase() {
			continue
		}

		f, err := os.CreateTemp(folder, "carillon-doctor-*")
		if err != nil {
			e.say("folders", Problem, variable+" cannot be written: "+err.Error(),
				"give "+variable+" a folder that this user may write")
			continue
		}

		_ = f.Close()
		_ = os.Remove(f.Name())
		e.say("folders", Fine, variable+" can be written", "")
	}
}

// meta looks whether WhatsApp's API is reached and what time it is there.
func (e *examination) meta(ctx context.Context) {
	if e.Config.Embedded() {
		e.say("whatsapp", Fine, "the built-in sandbox stands for it", "")
		return
	}

	api := e.Config.WhatsApp.APIURL
	response, err := fetch(ctx, api.String()+"/"+e.Config.WhatsApp.APIVersion+"/")
	if err != nil {
		e.say("whatsapp", Problem, api.Host+" is not reached: "+err.Error(), "let outgoing connections to "+api.Host+
			" through, and mend the machine's DNS")
		return
	}

	_ = response.Body.Close()
	if there, err := http.ParseTime(response.Header.Get("Date")); err == nil &&
		time.Since(there).Abs() > clockApart+time.Second {
		e.say("clock", Problem, fmt.Sprintf("this machine's clock is %v off WhatsApp's",
			time.Since(there).Abs().Round(time.Second)), "run NTP (chrony, systemd-timesyncd)")
	}

	e.say("whatsapp", Fine, api.Host+" is reached", "")
}

// tokens has those of all accounts examined where they are for.
func (e *examination) tokens(ctx context.Context) {
	accounts, err := e.DB.Client.Account.Query().Where(entaccount.StatusNEQ(enum.AccountStatusDisconnected)).
		Limit(mostAccounts).All(ctx)
	if err != nil {
		e.say("tokens", Problem, "accounts cannot be read: "+err.Error(), "run `carillon migrate`, and look at the database")
		return
	}

	good := 0
	for _, a := range accounts {
		if e.token(ctx, a) {
			good++
		}
	}

	e.say("tokens", Fine, fmt.Sprintf("%d of %d accounts can send", good, len(accounts)), "")
}

func (e *examination) token(ctx context.Context, a *ent.Account) (good bool) {
	info, err := e.accounts.Inspect(ctx, a)
	who := "account " + a.WabaID + " of organization " + a.OrganizationID.String()
	switch {
	case errors.Is(err, account.ErrSealed):
		e.say("tokens", Problem, "the token of "+who+" does not open under ENCRYPTION_KEY",
			"add the key that sealed it to ENCRYPTION_KEY, or connect the account again")
	case err != nil:
		e.say("tokens", Warning, "the token of "+who+" could not be examined: "+err.Error(), "run `carillon doctor` again")
	case !info.Valid:
		e.say("tokens", Problem, "the token of "+who+" is not valid", "connect the account again (connectAccount)")
	case !info.ExpiresAt.IsZero() && time.Until(info.ExpiresAt) < tokenEndsSoon:
		e.say("tokens", Warning, "the token of "+who+" ends on "+info.ExpiresAt.UTC().Format(time.DateOnly),
			"connect the account with a system user's token, which does not end")
	case a.Status != enum.AccountStatusConnected:
		e.say("tokens", Warning, who+" is "+string(a.Status), "see Account.statusReason and its remedies in the console")
	default:
		return true
	}

	return false
}

// webhooks looks at both directions: those of WhatsApp that reach us, and those of organizations.
func (e *examination) webhooks(ctx context.Context) {
	silent, err := e.DB.Client.Account.Query().Where(entaccount.WebhookReceivedAtIsNil(),
		entaccount.StatusEQ(enum.AccountStatusConnected), entaccount.ConnectedAtLT(time.Now().Add(-time.Hour))).Count(ctx)
	if err == nil && silent > 0 {
		e.say("webhooks", Warning, fmt.Sprintf("WhatsApp has never posted a webhook of %d accounts", silent),
			"enter "+e.Config.PublicURL.String()+"/webhooks/whatsapp in Meta's app dashboard and subscribe to messages")
	}

	stopped, err := e.DB.Client.WebhookEndpoint.Query().
		Where(webhookendpoint.StatusEQ(enum.WebhookEndpointStatusSuspended)).Count(ctx)
	if err == nil && stopped > 0 {
		e.say("webhooks", Warning, fmt.Sprintf("%d endpoints of organizations are suspended", stopped),
			"tell their organizations; updateWebhookEndpoint(enabled: true) starts one again")
	}

	e.verification(ctx)
}

// verification asks our own address from outside what Meta asks when a webhook is set up.
func (e *examination) verification(ctx context.Context) {
	at, challenge := e.Config.PublicURL.String()+"/webhooks/whatsapp", rand.Text()
	response, err := fetch(ctx, at+"?"+url.Values{"hub.mode": {"subscribe"}, "hub.challenge": {challenge},
		"hub.verify_token": {e.Config.WhatsApp.VerifyToken}}.Encode())
	if err != nil {
		e.say("webhooks", Problem, at+" is not reached from here: "+err.Error(),
			"start `carillon serve`, let PUBLIC_URL name the proxy before it, and see to its certificate")
		return
	}

	defer response.Body.Close()
	body := make([]byte, len(challenge))
	n, _ := response.Body.Read(body)
	if response.StatusCode != http.StatusOK || string(body[:n]) != challenge {
		e.say("webhooks", Problem, at+" answers WhatsApp's verification with "+response.Status,
			"let the proxy pass this path on with its query, and give all processes the same WHATSAPP_VERIFY_TOKEN")
		return
	}

	e.say("webhooks", Fine, at+" answers WhatsApp's verification", "")
}

// proxy looks whether what stands before the service passes on sockets, and hides the metrics.
func (e *examination) proxy(ctx context.Context) {
	base := e.Config.PublicURL.String()
	if response, err := fetch(ctx, base+"/metrics"); err == nil {
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK && e.Config.PublicURL.Scheme == "https" {
			e.say("proxy", Problem, base+"/metrics shows the metrics to everybody",
				"set METRICS_ADDR, or refuse the path in the proxy")
		}
	}

	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: examineWithin}
	socket, response, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(base, "http")+"/graphql",
		http.Header{"Origin": {e.Config.AllowedOrigins[0]}})
	if err == nil {
		_ = socket.Close()
		e.say("proxy", Fine, "PUBLIC_URL passes WebSocket on", "")
		return
	}

	if response == nil {
		e.say("proxy", Warning, "PUBLIC_URL is not reached, so its WebSocket is not examined", "start `carillon serve`")
		return
	}

	e.say("proxy", Problem, "PUBLIC_URL answers a WebSocket with "+response.Status,
		"let the proxy pass on Upgrade, Connection, Host and Origin; docs/operations.md has examples")
}

// limits looks whether the system lets one process hold what the configuration allows.
func (e *examination) limits(context.Context) {
	want := uint64(e.Config.Limits.Connections + besideStreams + e.Config.DatabaseConnections)
	have, known := descriptors()
	switch {
	case !known:
		e.say("limits", Fine, "this system has no limit of open files that could be asked for", "")
	case have < want:
		e.say("limits", Warning, fmt.Sprintf("a process may open %d files, and MAX_CONNECTIONS wants %d", have, want),
			fmt.Sprintf("raise it (ulimit -n %d, LimitNOFILE=), or lower MAX_CONNECTIONS", want))
	default:
		e.say("limits", Fine, fmt.Sprintf("a process may open %d files", have), "")
	}
}

// fetch asks an address once, and follows no redirects.
func fetch(ctx context.Context, address string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}

	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return nil, wrapped.Err // its address holds the verify token
	}

	return response, err
}
