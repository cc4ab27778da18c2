package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"carillon/config"
	"carillon/whatsapp/sandbox"
)

const (
	sandboxWABA   = "102290129340398"
	sandboxNumber = "106540352242922"
	sandboxToken  = "EAAsandbox"
	// ticksOfRedis: the in-process Redis expires keys only when it is told that time has passed.
	ticksOfRedis = 100 * time.Millisecond
)

// startRedis runs a Redis inside this process. Other users of this machine can reach its port, so
// it has a password.
func startRedis() (options *redis.UniversalOptions, stop func() error, err error) {
	m, password := miniredis.NewMiniRedis(), rand.Text()
	m.RequireAuth(password)
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("start the in-process Redis: %w", err)
	}

	options = &redis.UniversalOptions{Addrs: []string{m.Addr()}, Password: password}
	done, over := make(chan struct{}), make(chan struct{})

	go func() {
		defer close(over)
		tick := time.NewTicker(ticksOfRedis)
		defer tick.Stop()

		for {
			select {
			case <-tick.C:
				m.FastForward(ticksOfRedis)
			case <-done:
				return
			}
		}
	}()

	return options, func() error { close(done); <-over; m.Close(); return nil }, nil
}

// builtInSandbox is the sandbox, serving inside this process.
type builtInSandbox struct {
	*sandbox.Sandbox
	server *http.Server
	listen net.Listener
	folder string // of the socket
}

// startSandbox opens the sandbox's socket; run serves it. Where no WhatsApp is configured it stands
// for it, else it runs beside. It makes app credentials that are good for this process. Whoever
// reaches a sandbox controls it, so its socket lies in a folder that is this user's alone.
func startSandbox(cfg *config.Config, options sandbox.Options) (*builtInSandbox, error) {
	if cfg.WhatsApp.APIURL != nil {
		return startBeside(cfg, options)
	}
	if len(cfg.WhatsApp.AppSecrets) == 0 {
		cfg.WhatsApp.AppSecrets = []string{rand.Text()}
	}
	if cfg.WhatsApp.VerifyToken == "" {
		cfg.WhatsApp.VerifyToken = rand.Text()
	}
	if cfg.WhatsApp.AppID == "" {
		cfg.WhatsApp.AppID = "634974688087057"
	}

	options.AppID, options.AppSecret, options.VerifyToken = cfg.WhatsApp.AppID, cfg.WhatsApp.AppSecrets[0],
		cfg.WhatsApp.VerifyToken
	box, err := listenSandbox(options)
	if err != nil {
		return nil, err
	}

	cfg.WhatsApp.APIURL = &url.URL{Scheme: "http", Host: "whatsapp.sandbox"}
	cfg.WhatsApp.Socket = box.listen.Addr().String()
	cfg.WhatsApp.SandboxURL = cfg.WhatsApp.APIURL

	return box, nil
}

// startBeside has the sandbox know nothing of the app at WhatsApp.
func startBeside(cfg *config.Config, options sandbox.Options) (*builtInSandbox, error) {
	cfg.WhatsApp.SandboxSecret = rand.Text()
	options.AppID, options.AppSecret, options.VerifyToken = sandbox.AppID, cfg.WhatsApp.SandboxSecret,
		cfg.WhatsApp.VerifyToken
	box, err := listenSandbox(options)
	if err != nil {
		return nil, err
	}

	cfg.WhatsApp.SandboxURL, cfg.WhatsApp.SandboxSocket = &url.URL{Scheme: "http", Host: "whatsapp.sandbox"},
		box.listen.Addr().String()

	return box, nil
}

func listenSandbox(options sandbox.Options) (*builtInSandbox, error) {
	s, err := sandbox.New(options)
	if err != nil {
		return nil, err
	}

	folder, err := os.MkdirTemp("", "carillon-sandbox-") // not in DATA_DIR: a socket's path must be short
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}

	listen, err := net.Listen("unix", filepath.Join(folder, "socket"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder), s.Close())
	}

	return &builtInSandbox{s, &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}, listen, folder}, nil
}

func (m *builtInSandbox) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.Run(ctx) })
	g.Go(func() error { return ignore(m.server.Serve(m.listen), http.ErrServerClosed) })
	g.Go(func() error { <-ctx.Done(); return m.server.Close() })

	return errors.Join(g.Wait(), m.Close())
}

func sandboxAccount(waba, number string, perSecond int) sandbox.AccountSpec {
	return sandbox.AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: sandboxToken, Numbers: []sandbox.NumberSpec{
		{ID: number, DisplayNumber: "+1 202-555-0199", VerifiedName: "Lucky Shrub", Throughput: perSecond},
	}}
}

// metaID is a number such as Meta gives.
func metaID() string {
	n, _ := rand.Int(rand.Reader, big.NewInt(9e14))
	return n.Add(n, big.NewInt(1e14)).String()
}
