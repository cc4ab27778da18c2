// Package oidctest runs a real OpenID provider, a child process on loopback, for tests. It logs in
// whom a test names, and misbehaves when asked. The process ends with its test.
package oidctest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"carillon/oidc"
)

// RedirectURI is the one that the provider takes.
const RedirectURI = "http://localhost:8080/signed-in"

// Provider is a running provider.
type Provider struct {
	Options oidc.Options
	t       *testing.T
	stop    func()
}

// Account is a person at the provider. ID becomes the subject.
type Account struct {
	ID            string   `json:"id"`
	Email         string   `json:"email,omitempty"`
	EmailVerified bool     `json:"email_verified"`
	Name          string   `json:"name,omitempty"`
	AMR           []string `json:"amr,omitempty"`
}

// Start runs a provider; the test is skipped where Node or its packages are not to be had.
func Start(t *testing.T) *Provider {
	t.Helper()
	if err := installed(); err != nil {
		if os.Getenv("CARILLON_TEST_REQUIRE_ALL") == "1" {
			t.Fatalf("the OpenID provider is needed: %v", err)
		}

		t.Skipf("NOT TESTED against an OpenID provider: %v", err)
	}

	node := exec.Command("node", "provider.mjs")
	node.Dir = folder()
	var complaints bytes.Buffer
	node.Stderr = &complaints
	stdin, err := node.StdinPipe() // the process ends when this is closed, also by our own death
	if err != nil {
		t.Fatal(err)
	}

	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}

	p := &Provider{t: t, stop: sync.OnceFunc(func() { _ = stdin.Close(); _ = node.Wait() })}
	t.Cleanup(p.stop)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "http://") {
	}

	if lines.Text() == "" {
		p.stop()
		t.Fatalf("the provider did not start: %s", complaints.String())
	}

	p.Options = oidc.Options{Issuer: lines.Text(), ClientID: "carillon",
		ClientSecret: "a secret of at least 32 characters", Scopes: []string{"openid", "email", "profile"}, Name: "Test"}

	return p
}

// Stop ends the provider before its test does.
func (p *Provider) Stop() { p.stop() }

// Has makes or changes an account.
func (p *Provider) Has(a Account) { p.t.Helper(); p.control(map[string]any{"account": a}) }

// Misbehave has the provider forge its tokens in that way, see provider.mjs; "honest" ends it.
func (p *Provider) Misbehave(mode string) { p.t.Helper(); p.control(map[string]any{"mode": mode}) }

// Rotate gives the provider another key.
func (p *Provider) Rotate() { p.t.Helper(); p.control(map[string]any{"rotate": true}) }

func (p *Provider) control(asked map[string]any) {
	p.t.Helper()
	body, err := json.Marshal(asked)
	if err != nil {
		p.t.Fatal(err)
	}

	resp, err := http.Post(p.Options.Issuer+"/control", "application/json", bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}

	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("the provider refused %s", body)
	}
}

// SignIn goes to the address as a browser in which that account signs in, up to where the provider
// sends it back.
func (p *Provider) SignIn(authURL, account string) (code, state string) {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}

	var back *url.URL
	browser := &http.Client{Jar: jar, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(req.URL.String(), RedirectURI) {
			back = req.URL
			return http.ErrUseLastResponse
		}

		return nil
	}}

	resp, err := browser.Get(authURL + "&login_hint=" + url.QueryEscape(account))
	if err != nil {
		p.t.Fatal(err)
	}

	_ = resp.Body.Close()
	if back == nil || back.Query().Get("code") == "" {
		p.t.Fatalf("the provider gave %s and sent back %v", resp.Status, back)
	}

	return back.Query().Get("code"), back.Query().Get("state")
}

// folder is where the provider's script is: a test runs in its package's folder, somewhere below
// the module's root.
func folder() string {
	root := "."
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil || len(root) > 100 {
			return filepath.Join(root, "oidc", "oidctest", "provider")
		}

		root = filepath.Join(root, "..")
	}
}

// installed installs the provider's packages where they are not there yet, in one process at a
// time.
var installed = sync.OnceValue(func() error {
	if _, err := exec.LookPath("node"); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder(), "node_modules", "oidc-provider")); err == nil {
		return nil
	}

	npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = folder()
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, bytes.TrimSpace(out))
	}

	return nil
})
