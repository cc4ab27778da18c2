package app_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"carillon/app"
	"carillon/caller"
	"carillon/database/dbtest"
	"carillon/whatsapp/sandbox"
)

// siegeVariable set to "long" makes the siege last a minute.
const siegeVariable = "CARILLON_TEST_SIEGE"

// siegeMemory is the most that the process may hold in memory, in bytes. The race detector
// multiplies what a program takes, so under it the bound is another.
const siegeMemory = 512 << 20

// siege says how long strangers attack, and how large the customer's campaign is meanwhile.
type siege struct {
	lasts      time.Duration
	recipients int
	perSecond  int
}

func sizeOfSiege() siege {
	if os.Getenv(siegeVariable) == "long" {
		return siege{lasts: time.Minute, recipients: 5600, perSecond: 80}
	}
	return siege{lasts: 4 * time.Second, recipients: 400, perSecond: 80}
}

// Strangers send the largest documents that parse, webhooks whose body never ends, sockets that say
// nothing, and a viewer sends uploads that never end, all at once, while a customer's campaign runs
// and a subscriber listens.
func TestASiegeOfStrangersHurtsNoCustomer(t *testing.T) {
	t.Parallel()
	size := sizeOfSiege()
	s := deploy(t, dbtest.SQLite(t), sandbox.Options{
		Throughput: size.perSecond, NoPairLimit: true, Latency: 20 * time.Millisecond,
		SentDelay: 10 * time.Millisecond, DeliveredDelay: 50 * time.Millisecond, ReadDelay: 150 * time.Millisecond, Spread: 1,
	})

	s.start("")
	s.ready()
	campaign := s.draft(size.recipients)
	viewer := s.viewerKey()
	watch := s.watchMemory()
	listener := s.listen()
	s.do("launchCampaign", campaign)

	ctx, cancel := context.WithTimeout(t.Context(), size.lasts)
	defer cancel()
	a := &attack{ctx: ctx, address: strings.TrimPrefix(s.url, "http://"), url: s.url, viewer: viewer}
	a.repeat(2, a.largestDocument)
	a.repeat(40, a.endlessWebhook)
	a.repeat(40, a.silentSocket)
	a.repeat(4, a.endlessUpload)
	a.over.Wait()

	s.until("the campaign is over", func() bool {
		status, p := s.progress(campaign)
		return status == "COMPLETED" && p.Read == size.recipients
	})

	peak := watch()
	s.judge(size.recipients)
	var last int
	if err := s.db.QueryRow(caller.System(t.Context()), "SELECT last FROM event_counter").Scan(&last); err != nil {
		t.Fatal(err)
	}

	listener.holds(last)

	usage := s.sandbox.Usage(app.SandboxNumber)
	t.Logf("%d documents, %d webhooks, %d sockets, %d uploads; at most %d MiB; %d requests in %.1f s, %.2f of the limit",
		a.documents.Load(), a.webhooks.Load(), a.sockets.Load(), a.uploads.Load(), peak>>20,
		usage.Requests, usage.Last.Sub(usage.First).Seconds(), usage.Share())

	for what, n := range map[string]int64{"documents": a.documents.Load(), "webhooks": a.webhooks.Load(),
		"sockets": a.sockets.Load(), "uploads": a.uploads.Load()} {
		if n == 0 {
			t.Errorf("the siege had no %s", what)
		}
	}

	if !raceDetector && peak > siegeMemory {
		t.Errorf("the process held %d MiB, at most %d", peak>>20, siegeMemory>>20)
	}
	if os.Getenv(siegeVariable) == "long" && usage.Share() < 0.9 {
		t.Errorf("the campaign used %.2f of its limit, at least 0.9", usage.Share())
	}
}

// viewerKey makes an API key that may only read.
func (s *service) viewerKey() string {
	s.t.Helper()
	var made struct{ CreateAPIKey struct{ Secret string } }
	s.ask(`mutation { createApiKey(input: {name: "viewer", role: VIEWER}) { secret userErrors { field message } } }`,
		nil, &made)

	return made.CreateAPIKey.Secret
}

// watchMemory looks at the memory of the process that was started last, every 50 ms until the
// returned function is called, which gives the most that it held, in bytes.
func (s *service) watchMemory() (stop func() int64) {
	s.t.Helper()
	pid, done := s.pid, make(chan struct{})
	var peak atomic.Int64
	var over sync.WaitGroup

	over.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			peak.Store(max(peak.Load(), residentBytes(pid)))
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	})

	stop = sync.OnceValue(func() int64 { close(done); over.Wait(); return peak.Load() })
	s.t.Cleanup(func() { stop() })

	return stop
}

// residentBytes reads a process's resident memory; 0 where the system does not tell.
func residentBytes(pid int) int64 {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kilobytes << 10
		}
	}

	return 0
}

// attack is what strangers do until the context ends.
type attack struct {
	ctx          context.Context
	address, url string
	viewer       string // a key that may only read
	over         sync.WaitGroup

	documents, webhooks, sockets, uploads atomic.Int64
}

// repeat has n strangers do the same again and again. Each try is bounded in bytes; a refusal makes
// them pause, so that the siege costs the machine no more than it must.
func (a *attack) repeat(n int, once func() error) {
	for range n {
		a.over.Go(func() {
			for a.ctx.Err() == nil {
				if once() == nil {
					continue
				}

				select {
				case <-time.After(50 * time.Millisecond):
				case <-a.ctx.Done():
				}
			}
		})
	}
}

// largestDocument posts a document of 128 KiB that parses and is refused afterwards, each time
// another.
func (a *attack) largestDocument() error {
	var ids strings.Builder
	for i := range 4970 {
		fmt.Fprintf(&ids, `"0%d",`, i)
	}

	document := fmt.Sprintf("{nodes(ids:[%s]){id}} #%d ", ids.String(), a.documents.Add(1))
	if padding := 131_070 - len(document); padding > 0 {
		document += strings.Repeat("y", padding)
	}

	body := `{"query":` + strconv.Quote(document) + `}`
	request, err := http.NewRequestWithContext(a.ctx, http.MethodPost, a.url+"/graphql", strings.NewReader(body))
	if err != nil {
		return err
	}

	request.Header.Set("Content-Type", "application/json")

	return answered(request)
}

func answered(request *http.Request) error {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}

	defer response.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if err == nil && response.StatusCode >= 429 {
		err = fmt.Errorf("status %d", response.StatusCode)
	}

	return err
}

// dial opens a connection that ends with the siege.
func (a *attack) dial() (net.Conn, func(), error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(a.ctx, "tcp", a.address)
	if err != nil {
		return nil, nil, err
	}

	stop := context.AfterFunc(a.ctx, func() { conn.Close() })

	return conn, func() { stop(); conn.Close() }, nil
}

// untilClosed waits for the server's answer, or for it to close the connection.
func untilClosed(conn net.Conn) {
	_, _ = io.Copy(io.Discard, io.LimitReader(bufio.NewReader(conn), 64<<10))
}

// endlessWebhook sends all but the last byte of a webhook that has a signature, though a wrong one.
func (a *attack) endlessWebhook() error {
	conn, end, err := a.dial()
	if err != nil {
		return err
	}

	defer end()
	a.webhooks.Add(1)
	head := "POST /webhooks/whatsapp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
		"X-Hub-Signature-256: sha256=" + strings.Repeat("0", 64) + "\r\nContent-Length: 4194304\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		return err
	}
	if _, err := conn.Write(bytes.Repeat([]byte(" "), 4<<20-1)); err != nil {
		return err
	}

	untilClosed(conn)

	return nil
}

// silentSocket opens a socket and says nothing.
func (a *attack) silentSocket() error {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 5 * time.Second}
	conn, response, err := dialer.DialContext(a.ctx, strings.Replace(a.url, "http", "ws", 1)+"/graphql", nil)
	if response != nil {
		defer response.Body.Close()
	}
	if err != nil {
		return err
	}

	defer conn.Close()
	defer context.AfterFunc(a.ctx, func() { conn.Close() })()
	a.sockets.Add(1)
	_, _, _ = conn.ReadMessage()

	return nil
}

// endlessUpload sends 900 files that no operation asks for, and never the end.
func (a *attack) endlessUpload() error {
	conn, end, err := a.dial()
	if err != nil {
		return err
	}

	defer end()
	a.uploads.Add(1)
	head := "POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + a.viewer + "\r\n" +
		"Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		return err
	}

	paths := make([]string, 900)
	for i := range paths {
		paths[i] = fmt.Sprintf(`"%d":["variables.f.%d"]`, i, i)
	}

	nulls := strings.TrimSuffix(strings.Repeat("null,", len(paths)), ",")
	parts := []string{
		part("operations", `{"query":"query($f:[Upload]){__typename}","variables":{"f":[`+nulls+`]}}`),
		part("map", "{"+strings.Join(paths, ",")+"}"),
	}

	for i := range paths {
		parts = append(parts, part(fmt.Sprintf(`%d"; filename="f`, i), strings.Repeat("z", 65_600)))
	}

	for _, p := range parts {
		if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", len(p), p); err != nil {
			return err
		}
	}

	untilClosed(conn)

	return nil
}

func part(name, content string) string {
	return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + content + "\r\n"
}
