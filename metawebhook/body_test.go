package metawebhook_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"carillon/database/dbtest"
	"carillon/metawebhook"
	"carillon/whatsapp"
)

// served is a stage behind a real server.
func served(t *testing.T, changes ...func(*setting)) (*stage, string) {
	t.Helper()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), changes...)
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)

	return s, server.Listener.Addr().String()
}

// dial opens a connection and writes the head of a request.
func dial(t *testing.T, address, headers string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(3 * time.Minute))
	if _, err := fmt.Fprintf(conn, "POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", headers); err != nil {
		t.Fatal(err)
	}

	return conn
}

func answer(t *testing.T, conn net.Conn) *http.Response {
	t.Helper()
	w, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}

	return w
}

func TestNothingIsReadOfABodyWhoseSignatureCannotBeRight(t *testing.T) {
	t.Parallel()
	_, address := served(t)
	for name, signature := range map[string]string{
		"none": "", "SHA-1": "X-Hub-Signature: sha1=0123456789012345678901234567890123456789\r\n",
		"too short":        "X-Hub-Signature-256: sha256=00\r\n",
		"no hex":           "X-Hub-Signature-256: sha256=" + strings.Repeat("zz", 32) + "\r\n",
		"without its name": "X-Hub-Signature-256: " + strings.Repeat("00", 32) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// of which nothing is ever sent
			for _, length := range []string{"Content-Length: 1000", "Content-Length: 4194304", "Transfer-Encoding: chunked"} {
				conn := dial(t, address, signature+length)
				if w := answer(t, conn); w.StatusCode != http.StatusUnauthorized || !w.Close {
					t.Errorf("%s: answered %d, and the connection stays: %v", length, w.StatusCode, !w.Close)
				}
				if _, err := conn.Read(make([]byte, 200)); err == nil {
					t.Errorf("%s: the connection stays open", length)
				}
			}
		})
	}
}

const forged = "X-Hub-Signature-256: sha256=0000000000000000000000000000000000000000000000000000000000000000\r\n"

func TestABodyHasOnlySoMuchTime(t *testing.T) {
	t.Parallel()
	s, address := served(t, func(o *setting) { o.BodyTimeout = 50 * time.Millisecond })
	for _, length := range []string{"Content-Length: 1000", "Content-Length: 4194304", "Transfer-Encoding: chunked"} {
		conn := dial(t, address, forged+length)
		if w := answer(t, conn); w.StatusCode != http.StatusRequestTimeout || !w.Close {
			t.Errorf("%s: answered %d", length, w.StatusCode)
		}
	}

	if n := metawebhook.BodyBytes(s.Handler); n != 0 {
		t.Errorf("%d bytes are still reserved", n)
	}
}

// A stranger's bodies that never end take no more memory than they may, and leave room for Meta's.
// It runs beside no other test, whose memory would count.
func TestBodiesThatStallTakeABoundedMemory(t *testing.T) {
	const sockets, most = 60, 16 << 20
	s, address := served(t, func(o *setting) { o.BodyMemory, o.BodyTimeout = most, 2*time.Second })
	runtime.GC()
	var before, peak runtime.MemStats
	runtime.ReadMemStats(&before)
	part := bytes.Repeat([]byte("x"), 1<<20-1) // once for all senders, whose memory counts too
	var codes [sockets]int
	var all sync.WaitGroup

	for i := range sockets {
		conn := dial(t, address, forged+"Content-Length: 4194304")
		all.Go(func() {
			go func() {
				for range 4 {
					if _, err := conn.Write(part); err != nil {
						return
					}
				}
			}()

			if w, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				codes[i] = w.StatusCode
			}
		})
	}

	for metawebhook.BodyBytes(s.Handler) < most/2 { // the strangers are at it
		runtime.Gosched()
	}

	if n := metawebhook.BodyBytes(s.Handler); n > most {
		t.Errorf("%d bytes are reserved", n)
	}

	body := inbound("wamid.in1", "16505551234", "hello")
	r, _ := http.NewRequest(http.MethodPost, "http://"+address, strings.NewReader(body))
	r.Header.Set("X-Hub-Signature-256", whatsapp.Sign(secretNow, []byte(body)))

	if w, err := http.DefaultClient.Do(r); err != nil || w.StatusCode != http.StatusOK {
		t.Errorf("Meta's own webhook: %v, %v", w, err)
	} else {
		_ = w.Body.Close()
	}

	runtime.GC() // what other tests leave behind does not count
	runtime.ReadMemStats(&peak)
	if grown := int64(peak.HeapAlloc) - int64(before.HeapAlloc); grown > 2*most {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}

	all.Wait()
	counts := map[int]int{}
	for _, code := range codes {
		counts[code]++
	}

	if counts[http.StatusServiceUnavailable] < sockets/2 || counts[http.StatusOK] > 0 ||
		counts[http.StatusUnauthorized] > 0 {
		t.Errorf("answered %v", counts)
	}

	if n := metawebhook.BodyBytes(s.Handler); n != 0 {
		t.Errorf("%d bytes are still reserved", n)
	}
	if n := counted(t, s.Metrics(), "carillon_webhook_refused_total", "memory"); n < sockets/2 {
		t.Errorf("counted %v without memory", n)
	}
}

func TestARefusalForWantOfMemorySaysWhenToTryAgain(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), func(o *setting) { o.BodyMemory = 1 << 10 })
	body := strings.Repeat("x", 4<<10)
	if w := s.post(body, whatsapp.Sign(secretNow, []byte(body))); w.Code != http.StatusServiceUnavailable ||
		w.Header().Get("Retry-After") == "" {
		t.Errorf("answered %d %v", w.Code, w.Header())
	}
}

func TestABodyOfAnySizeIsReadWhole(t *testing.T) {
	t.Parallel()
	_, address := served(t)
	for _, size := range []int{1, 8 << 10, 8<<10 + 1, 64 << 10, 64<<10 - 1, 64<<10 + 1, 1 << 20, 4<<20 - 1, 4 << 20,
		4<<20 + 1} {
		body := strings.Repeat("x", size)
		want := http.StatusOK
		if size > 4<<20 {
			want = http.StatusRequestEntityTooLarge
		}

		// the second does not say how long it is
		for _, reader := range []io.Reader{strings.NewReader(body), io.MultiReader(strings.NewReader(body))} {
			r, _ := http.NewRequest(http.MethodPost, "http://"+address, reader)
			r.Header.Set("X-Hub-Signature-256", whatsapp.Sign(secretNow, []byte(body)))
			w, err := http.DefaultClient.Do(r)

			if err != nil {
				if want == http.StatusOK {
					t.Errorf("%d bytes: %v", size, err)
				}

				continue // the refusal came before the body was sent
			}

			_ = w.Body.Close()
			if w.StatusCode != want {
				t.Errorf("%d bytes: answered %d, want %d", size, w.StatusCode, want)
			}
		}
	}
}

func TestAShutdownWaitsForNoBodyThatComesSlowly(t *testing.T) {
	t.Parallel()
	s, address := served(t, func(o *setting) { o.BodyTimeout = time.Hour })
	conn := dial(t, address, forged+"Expect: 100-continue\r\nContent-Length: 1000")
	answers := bufio.NewReader(conn)
	if w, err := http.ReadResponse(answers, nil); err != nil || w.StatusCode != http.StatusContinue {
		t.Fatal("the body is not read", err)
	}

	s.Stop()
	if w, err := http.ReadResponse(answers, nil); err != nil || w.StatusCode != http.StatusServiceUnavailable || !w.Close {
		t.Errorf("%v, %v", w, err)
	}
	if w := answer(t, dial(t, address, forged+"Content-Length: 1000")); w.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after it: %d", w.StatusCode)
	}
}

// What is read is what was sent, also where parts are used by bodies at once, and all memory is
// given back.
func TestPartsOfABodyAreJoinedInTheirOrderAndSharedWithNoOther(t *testing.T) {
	t.Parallel()
	h := metawebhook.New(metawebhook.Parts{}, metawebhook.Options{Secrets: []string{secretNow}})
	var kept sync.Map // bodies and what was read of them, looked at when all are released
	var all sync.WaitGroup

	for i := range 40 {
		body := strings.Repeat(fmt.Sprintf("%d,", 1000+i), []int{1, 1638, 1639, 13107, 13108, 90000}[i%6])
		for _, length := range []int64{int64(len(body)), -1} {
			all.Go(func() {
				for _, secret := range []string{"another", secretNow} {
					v, _ := whatsapp.NewVerifier([]string{secretNow}, whatsapp.Sign(secret, []byte(body)))
					r := &http.Request{ContentLength: length, Body: io.NopCloser(iotest.HalfReader(strings.NewReader(body)))}
					err := metawebhook.ReadBody(h, r, v, func(read []byte) { kept.Store(&read, body) })
					if (err == nil) != (secret == secretNow) {
						t.Errorf("%d bytes, signed with %s: %v", len(body), secret, err)
					}
				}
			})
		}
	}

	all.Wait()
	count := 0

	kept.Range(func(read, body any) bool {
		count++
		if string(*read.(*[]byte)) != body.(string) {
			t.Errorf("a body of %d bytes is read as another", len(body.(string)))
		}

		return true
	})

	if n := metawebhook.BodyBytes(h); n != 0 || count != 80 {
		t.Errorf("%d bytes are still reserved, %d bodies are read", n, count)
	}
}

// net/http never gives such a body.
func TestABodyThatIsLongerThanItSaysIsRefused(t *testing.T) {
	t.Parallel()
	h := metawebhook.New(metawebhook.Parts{}, metawebhook.Options{Secrets: []string{secretNow}})
	body := strings.Repeat("x", 100_000)

	for _, length := range []int64{0, 10, 64<<10 - 1, 64 << 10, 99_999} {
		v, _ := whatsapp.NewVerifier([]string{secretNow}, whatsapp.Sign(secretNow, []byte(body)))
		r := &http.Request{ContentLength: length, Body: io.NopCloser(strings.NewReader(body))}
		if err := metawebhook.ReadBody(h, r, v, func([]byte) {}); err == nil {
			t.Errorf("%d bytes are read although it says %d", len(body), length)
		}
	}
}
