package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
	"github.com/redis/go-redis/v9"

	"carillon/caller"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// program is the running service, as its users meet it: the all-in-one process, or serve and work
// on servers.
type program struct {
	*store
	meta      *meta
	url       string
	processes []*exec.Cmd
	token     string

	organization                       uid.ID
	account, phone, template, campaign string // ids
}

// startProgram is startProgramBefore a sandbox in this process.
func startProgram(ctx context.Context, storeName string, o sandbox.Options) (*program, error) {
	return startProgramBefore(ctx, storeName, func(p *program, callback string) (string, error) {
		o.CallbackURL = callback
		var err error
		if p.meta, err = startMeta(ctx, o); err != nil {
			return "", err
		}

		return p.meta.url, nil
	})
}

// startProgramBefore builds and runs the program on a store of its own before what start starts,
// which posts to the callback and gives its own address; and signs up.
func startProgramBefore(ctx context.Context, storeName string,
	start func(p *program, callback string) (url string, err error)) (p *program, err error) {
	p = &program{}
	defer func() {
		if err != nil {
			p.close()
		}
	}()

	if p.store, err = openStore(ctx, storeName, nil); err != nil {
		return p, err
	}

	folder, err := os.MkdirTemp("", "carillon-bench")
	if err != nil {
		return p, err
	}

	p.closes = append(p.closes, func() { _ = os.RemoveAll(folder) })
	binary := filepath.Join(folder, "carillon")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "carillon").CombinedOutput(); err != nil {
		return p, fmt.Errorf("build the program: %w\n%s", err, out)
	}

	address, err := freeAddress()
	if err != nil {
		return p, err
	}

	p.url = "http://" + address
	meta, err := start(p, p.url+"/webhooks/whatsapp")
	if err != nil {
		return p, err
	}

	environ := []string{"MAX_CONNECTIONS_PER_ORGANIZATION=10000", "DATABASE_URL=" + p.dsn, "DATA_DIR=" + folder,
		"HTTP_ADDR=" + address, "WHATSAPP_API_URL=" + meta, "WHATSAPP_APP_ID=1",
		"WHATSAPP_APP_SECRET=" + appSecret, "WHATSAPP_VERIFY_TOKEN=" + verifyToken, "LOG_LEVEL=error",
		"ENCRYPTION_KEY=c2l4dGVlbiBieXRlcyBvZiBrZXksIHR3aWNlIG92ZXI="}
	if storeName == "postgres" {
		numbered, err := p.lockRedis(ctx)
		if err != nil {
			return p, err
		}

		environ = append(environ, "REDIS_URL="+numbered)
		err = errors.Join(p.run(binary, "serve", environ), p.run(binary, "work", append(environ, "HTTP_ADDR=127.0.0.1:0")))
		if err != nil {
			return p, err
		}
	} else if err := p.run(binary, "", environ); err != nil {
		return p, err
	}

	err = poll(ctx, 50*time.Millisecond, func() (bool, error) {
		w, err := http.Get(p.url + "/readyz")
		if err != nil {
			return false, nil
		}

		defer w.Body.Close()

		return w.StatusCode == http.StatusOK, nil
	})
	if err != nil {
		return p, err
	}

	return p, p.signUp(ctx)
}

func (p *program) run(binary, command string, environ []string) error {
	child := exec.Command(binary, strings.Fields(command)...)
	child.Env, child.Stderr = environ, os.Stderr
	p.processes = append(p.processes, child)

	return child.Start()
}

func (p *program) close() {
	for _, child := range p.processes {
		if child.Process != nil {
			_ = child.Process.Signal(syscall.SIGTERM)
			_ = child.Wait()
		}
	}

	if p.meta != nil {
		p.meta.close()
	}
	if p.store != nil {
		p.store.close()
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}

	defer l.Close()

	return l.Addr().String(), nil
}

// lockRedis takes a numbered database for the program, whose keys have no prefix of ours; tests
// take theirs by the same key.
func (p *program) lockRedis(ctx context.Context) (address string, err error) {
	u, err := url.Parse(redisAddress())
	if err != nil {
		return "", err
	}

	for n := 15; n > 0; n-- {
		key := fmt.Sprintf("carillon-test-database-%d", n)
		if free, err := p.redis.SetNX(ctx, key, "bench", atMost).Result(); err != nil || !free {
			continue
		}

		u.Path = fmt.Sprintf("/%d", n)
		options, err := redis.ParseURL(u.String())
		if err != nil {
			return "", err
		}

		mine := redis.NewClient(options)
		mine.FlushDB(ctx)

		p.closes = append(p.closes, func() {
			ctx := context.Background()
			mine.FlushDB(ctx)
			p.redis.Del(ctx, key)
			_ = mine.Close()
		})

		return u.String(), nil
	}

	return "", errors.New("no unused database in Redis")
}

// ask runs a GraphQL operation; user errors are errors.
func (p *program) ask(ctx context.Context, query string, input any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"i": input}})
	if err != nil {
		return err
	}

	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}

	r.Header.Set("Content-Type", "application/json")
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}

	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}

	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		return err
	}

	var answer struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Errors) > 0 ||
		bytes.Contains(text, []byte(`"userErrors":[{`)) {
		return fmt.Errorf("%.40s: %s", query, text)
	}

	return json.Unmarshal(answer.Data, into)
}

type identified struct{ ID string }

// signUp makes an organization with a connected account and an approved template.
func (p *program) signUp(ctx context.Context) error {
	var terms struct{ Terms struct{ Version string } }
	if err := p.ask(ctx, `{ terms { version } }`, nil, &terms); err != nil {
		return err
	}

	var up struct{ SignUp struct{ Token string } }
	if err := p.ask(ctx, `mutation($i: SignUpInput!) { signUp(input: $i) { token userErrors { message } } }`,
		map[string]any{"email": "owner@example.com", "password": "correct horse battery",
			"name": "Owner", "organizationName": "Lucky Shrub", "acceptTermsVersion": terms.Terms.Version}, &up); err != nil {
		return err
	}

	p.token = up.SignUp.Token
	var connected struct {
		ConnectAccount struct {
			Account struct {
				ID           string
				PhoneNumbers []identified
			}
		}
	}

	if err := p.ask(ctx,
		`mutation($i: ConnectAccountInput!) { connectAccount(input: $i) { account { id phoneNumbers { id } } userErrors { field message } } }`,
		map[string]any{
			"credentials":       map[string]any{"token": map[string]any{"wabaId": waba, "accessToken": token}},
			"consentToTransfer": true}, &connected); err != nil {
		return err
	}

	p.account, p.phone = connected.ConnectAccount.Account.ID, connected.ConnectAccount.Account.PhoneNumbers[0].ID
	var made struct {
		CreateTemplate struct{ Template identified }
	}

	if err := p.ask(ctx,
		`mutation($i: CreateTemplateInput!) { createTemplate(input: $i) { template { id } userErrors { field message } } }`,
		map[string]any{
			"accountId": p.account, "template": map[string]any{"name": "hello", "language": "en_US", "category": "UTILITY",
				"components": []any{
					map[string]any{"type": "BODY", "text": "Hello {{1}}, good to see you again.", "example": []string{"Ana"}}}}},
		&made); err != nil {
		return err
	}

	p.template = made.CreateTemplate.Template.ID
	p.organization = p.db.Client.Organization.Query().OnlyX(caller.System(ctx)).ID

	return poll(ctx, 50*time.Millisecond, func() (bool, error) {
		var templates struct {
			Templates struct {
				Edges []struct{ Node struct{ Status string } }
			}
		}
		err := p.ask(ctx, `{ templates { edges { node { status } } } }`, nil, &templates)
		return err == nil && len(templates.Templates.Edges) == 1 && templates.Templates.Edges[0].Node.Status == "APPROVED",
			err
	})
}

// draft makes n contacts and a campaign to them.
func (p *program) draft(ctx context.Context, n int) error {
	if err := addContacts(caller.System(ctx), p.db, p.organization, n); err != nil {
		return err
	}

	return p.create(ctx)
}

// create makes a campaign to all contacts.
func (p *program) create(ctx context.Context) error {
	var created struct {
		CreateCampaign struct{ Campaign identified }
	}
	err := p.ask(ctx,
		`mutation($i: CreateCampaignInput!) { createCampaign(input: $i) { campaign { id } userErrors { field message } } }`,
		map[string]any{
			"name": "Spring", "templateId": p.template, "phoneNumberId": p.phone,
			"audience":   map[string]any{"filter": map[string]any{"country": []string{"CA"}}},
			"parameters": []any{map[string]any{"parameter": "1", "contactField": "name"}}}, &created)

	p.campaign = created.CreateCampaign.Campaign.ID

	return err
}

func (p *program) launch(ctx context.Context) error {
	var into any
	return p.ask(ctx,
		`mutation($i: LaunchCampaignInput!) { launchCampaign(input: $i) { campaign { status } userErrors { message } } }`,
		map[string]any{"campaignId": p.campaign}, &into)
}

// subscribe opens a socket that follows the event log; it returns when the first batch, which says
// where the log stands, is in.
func (p *program) subscribe(ctx context.Context) (*websocket.Conn, error) {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 20 * time.Second}
	conn, _, err := dialer.DialContext(ctx, strings.Replace(p.url, "http", "ws", 1)+"/graphql", nil)
	if err != nil {
		return nil, err
	}

	send := func(m any) {
		if err == nil {
			err = conn.WriteJSON(m)
		}
	}

	send(map[string]any{"type": "connection_init", "payload": map[string]any{"Authorization": "Bearer " + p.token}})
	send(map[string]any{"id": "1", "type": "subscribe",
		"payload": map[string]any{"query": `subscription { deliveryEvents { cursor events { sequence status message { id } } } }`}})

	for err == nil {
		var text []byte
		if text, err = nextFrame(conn); bytes.Contains(text, []byte(`"type":"next"`)) {
			return conn, nil
		}
	}

	return nil, errors.Join(err, conn.Close())
}

// nextFrame reads a frame and answers pings.
func nextFrame(conn *websocket.Conn) ([]byte, error) {
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	_, text, err := conn.ReadMessage()
	switch {
	case err != nil:
		return nil, err
	case bytes.Contains(text, []byte(`"type":"ping"`)):
		return nil, conn.WriteJSON(map[string]any{"type": "pong"})
	case bytes.Contains(text, []byte(`"errors"`)) || bytes.Contains(text, []byte(`"type":"error"`)) ||
		bytes.Contains(text, []byte(`"type":"complete"`)):
		return nil, fmt.Errorf("the subscription ended: %s", text)
	}

	return text, nil
}

// eventsIn counts a frame's events without decoding it.
func eventsIn(frame []byte) int { return bytes.Count(frame, []byte(`"sequence":`)) }

// residentMiB is a process's memory.
func residentMiB(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.SplitSeq(string(text), "\n") {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}

	return 0
}
