package media_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/media"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// arrive has somebody send a file, and stores the message.
func (s *stage) arrive(f sandbox.InboundMedia) *ent.Message {
	s.t.Helper()
	caught := make(chan []byte)
	callback := s.catch(caught)
	s.sandbox.Change(func(o *sandbox.Options) { o.NoWebhooks, o.CallbackURL = false, callback })
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = s.sandbox.Run(ctx)
	}()

	defer func() { cancel(); <-over }()
	wamid, err := s.sandbox.SendInboundMedia(phone, "14165550100", f)
	if err != nil {
		s.t.Fatal(err)
	}

	for text := range caught {
		if !strings.Contains(string(text), wamid) {
			continue // one whose answer did not come in time before, and that is posted again
		}

		var body struct {
			Entry []struct {
				Changes []struct {
					Value struct{ Messages []json.RawMessage }
				}
			}
		}
		if err := json.Unmarshal(text, &body); err != nil {
			s.t.Fatal(err)
		}

		for _, e := range body.Entry {
			for _, message := range e.Changes[0].Value.Messages {
				if strings.Contains(string(message), wamid) {
					return s.received(string(message))
				}
			}
		}
	}

	return nil
}

// link is where a message's file is.
func (s *stage) link(m *ent.Message) string {
	s.t.Helper()
	f := media.FileOf(m)
	if f == nil {
		s.t.Fatal("the message has no file")
	}

	s.Sign(m.ID, f)

	return f.URL
}

// get fetches, with headers as "Name: value".
func (s *stage) get(url string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}

	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}

	response, err := s.links.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}

	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}

	return response, string(body)
}

func madeUp(size int64) string {
	content := make([]byte, size)
	_, _ = sandbox.MadeUp{}.ReadAt(content, 0)

	return string(content)
}

func TestAFileThatSomebodySentIsServedByItsLink(t *testing.T) {
	each(t, func(s *stage) {
		m := s.arrive(sandbox.InboundMedia{Kind: "image", MIME: "image/jpeg", Caption: "look", Size: 70_000})
		f := media.FileOf(m)
		sum := sha256.Sum256([]byte(madeUp(70_000)))
		if f.MIME != "image/jpeg" || f.SHA256 != hex.EncodeToString(sum[:]) {
			s.t.Errorf("the file is %+v", f)
		}

		url := s.link(m)
		response, body := s.get(url)
		if response.StatusCode != http.StatusOK || body != madeUp(70_000) || response.ContentLength != 70_000 {
			s.t.Errorf("answered %d with %d bytes", response.StatusCode, len(body))
		}

		for name, want := range map[string]string{"Content-Type": "image/jpeg", "Content-Disposition": "inline",
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
			"Cache-Control": "private, max-age=3600", "Referrer-Policy": "no-referrer"} {
			if got := response.Header.Get(name); got != want {
				s.t.Errorf("%s is %q, not %q", name, got, want)
			}
		}

		if response, body := s.get(url, "Range: bytes=100-199"); response.StatusCode != http.StatusPartialContent ||
			body != madeUp(200)[100:] || response.Header.Get("Content-Range") != "bytes 100-199/70000" {
			s.t.Errorf("a part is answered %d %v", response.StatusCode, response.Header)
		}
		if response, _ := s.get(url, "Range: bytes=80000-"); response.StatusCode != http.StatusRequestedRangeNotSatisfiable {
			s.t.Errorf("a part beyond the end is answered %d", response.StatusCode)
		}
		if again := s.link(m); again != url {
			s.t.Errorf("the link changes within the hour: %s, %s", url, again)
		}
	})
}

// Whatever a stranger calls a file, no browser runs it on our address.
func TestOnlyPicturesSoundAndVideoAreShown(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	for _, c := range []struct{ kind, mime, name, wantType, wantDisposition string }{
		{"image", "image/png", "", "image/png", "inline"},
		{"image", "IMAGE/PNG; x=y", "", "image/png", "inline"},
		{"image", "image/svg+xml", "", "application/octet-stream", "attachment"},
		{"document", "text/html", "a.html", "application/octet-stream", `attachment; filename=a.html`},
		{"document", "application/pdf", "Rechnung \"Mai\".pdf", "application/octet-stream",
			`attachment; filename="Rechnung \"Mai\".pdf"`},
		{"document", "application/pdf", "发票.pdf", "application/octet-stream",
			`attachment; filename*=utf-8''%E5%8F%91%E7%A5%A8.pdf`},
		{"document", "application/xhtml+xml", "../../etc/a\r\nX: y", "application/octet-stream", `attachment; filename="aX: y"`},
		{"audio", "audio/ogg; codecs=opus", "", "audio/ogg", "inline"},
		{"video", "video/mp4", "", "video/mp4", "inline"},
		{"sticker", "image/webp", "", "image/webp", "inline"},
	} {
		response, _ := s.get(s.link(s.arrive(sandbox.InboundMedia{Kind: c.kind, MIME: c.mime, Filename: c.name, Size: 10})))
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != c.wantType ||
			response.Header.Get("Content-Disposition") != c.wantDisposition {
			t.Errorf("%s %q: %d, %q, %q", c.mime, c.name, response.StatusCode, response.Header.Get("Content-Type"),
				response.Header.Get("Content-Disposition"))
		}
	}
}

func TestALinkServesOneFileForItsTime(t *testing.T) {
	each(t, func(s *stage) {
		m := s.arrive(sandbox.InboundMedia{Kind: "image", MIME: "image/jpeg", Size: 10})
		other := s.arrive(sandbox.InboundMedia{Kind: "image", MIME: "image/jpeg", Size: 20})
		url := s.link(m)
		changed := func(old, new string) string { return strings.Replace(url, old, new, 1) }
		f := media.FileOf(m)
		s.Sign(m.ID, f)
		until := fmt.Sprint(f.ExpiresAt.Unix())

		for name, bad := range map[string]string{
			"another message":  changed(m.ID.String(), other.ID.String()),
			"another time":     changed(until, fmt.Sprint(f.ExpiresAt.Unix()+1)),
			"no time":          changed("expires="+until, ""),
			"a time and words": changed(until, until+"x"),
			"no signature":     url[:strings.Index(url, "&signature")],
			"half a signature": url[:len(url)-4],
			"no message":       changed(m.ID.String(), ""),
			"something else":   changed(m.ID.String(), uid.New(uid.Contact).String()),
		} {
			if response, body := s.get(bad); response.StatusCode != http.StatusForbidden || strings.Contains(body, "signature") {
				s.t.Errorf("%s: answered %d %s", name, response.StatusCode, body)
			}
		}

		s.advance(f.ExpiresAt.Sub(s.now()) - time.Second)
		if response, _ := s.get(url); response.StatusCode != http.StatusOK {
			s.t.Errorf("a second before its end the link is answered %d", response.StatusCode)
		}

		s.advance(time.Second)
		if response, _ := s.get(url); response.StatusCode != http.StatusForbidden {
			s.t.Errorf("at its end the link is answered %d", response.StatusCode)
		}
	})
}

func TestWhatWhatsAppKeepsNoLongerHasNoLink(t *testing.T) {
	each(t, func(s *stage) {
		m := s.arrive(sandbox.InboundMedia{Kind: "image", MIME: "image/jpeg", Size: 10})
		s.advance(7*24*time.Hour - 10*time.Minute)
		url, f := s.link(m), media.FileOf(m)
		s.Sign(m.ID, f)
		if want := m.CreatedAt.Add(7 * 24 * time.Hour).Truncate(time.Second); !f.ExpiresAt.Equal(want) {
			s.t.Errorf("the link is good until %v, the file until %v", f.ExpiresAt, want)
		}
		if response, _ := s.get(url); response.StatusCode != http.StatusOK {
			s.t.Errorf("answered %d", response.StatusCode)
		}

		s.advance(10 * time.Minute)
		if url := s.link(m); url != "" {
			s.t.Errorf("a file of 7 days ago has the link %s", url)
		}
	})
}

// What was there when the link was made can be gone when it is used.
func TestALinkToWhatIsGoneSaysSo(t *testing.T) {
	each(t, func(s *stage) {
		system := s.system()
		wants := func(what, url string, status int) {
			s.t.Helper()
			response, body := s.get(url)
			if response.StatusCode != status || strings.Contains(body, phone) || strings.Contains(body, token) {
				s.t.Errorf("%s: answered %d %s", what, response.StatusCode, body)
			}
		}

		revoked := s.arrive(sandbox.InboundMedia{Kind: "image", MIME: "image/jpeg", Size: 10})
		url := s.link(revoked)
		revoked.Update().SetRevokedAt(s.now()).SaveX(system)
		wants("taken back", url, http.StatusGone)
		if f := media.FileOf(s.db.Client.Message.GetX(system, revoked.ID)); f != nil {
			s.t.Errorf("what was taken back has the file %+v", f)
		}

		erased := s.arrive(sandbox.InboundMedia{Kind: "image", MIME: "image/jpeg", Size: 10})
		url = s.link(erased)
		s.db.Client.Message.DeleteOne(erased).ExecX(system)
		wants("erased", url, http.StatusGone)

		unknown := s.received(`{"type":"image","image":{"id":"998877","mime_type":"image/jpeg"}}`)
		wants("unknown to WhatsApp", s.link(unknown), http.StatusGone)

		there := s.arrive(sandbox.InboundMedia{Kind: "image", MIME: "image/jpeg", Size: 10})
		url = s.link(there)
		s.sandbox.SetDown(true)
		wants("while WhatsApp is away", url, http.StatusBadGateway)
		s.sandbox.SetDown(false)
		wants("once it is back", url, http.StatusOK)

		suspend := func(to enum.OrganizationStatus) {
			s.db.Client.Organization.UpdateOneID(s.account.OrganizationID).SetStatus(to).ExecX(system)
		}
		suspend(enum.OrganizationStatusSuspended)
		wants("of a suspended organization", url, http.StatusGone)
		suspend(enum.OrganizationStatusActive)
		if _, err := s.accounts.Disconnect(s.owner, s.account.ID); err != nil {
			s.t.Fatal(err)
		}

		wants("of a disconnected account", url, http.StatusGone)
	})
}

func TestFilesThatWereSentAreServedToo(t *testing.T) {
	each(t, func(s *stage) {
		id := s.uploaded("sale.png", sized(png, 1000))
		sent := func(content string, kind enum.MessageType, parameters map[string]string) *ent.Message {
			now := s.now()
			create := s.db.Client.Message.Create().SetOrganizationID(s.account.OrganizationID).SetAccountID(s.account.ID).
				SetPhoneNumberID(s.number.ID).SetAddress("+14165550100").SetDirection(enum.DirectionOutbound).SetType(kind).
				SetStatus(enum.MessageStatusSent).SetNotBefore(now).SetCreatedAt(now).SetParameters(parameters)
			if content != "" {
				create.SetContent([]byte(content))
			}

			return create.SaveX(s.system())
		}

		free := sent(`{"type":"image","image":{"id":"`+id+`","caption":"hi"}}`, enum.MessageTypeImage, nil)
		header := sent("", enum.MessageTypeTemplate, map[string]string{"1": "Ann", "header_image": id})
		found, err := s.UploadsOf(s.owner, []*ent.Message{free, header})
		if err != nil || len(found) != 2 {
			s.t.Fatalf("found %v, %v", found, err)
		}

		for _, m := range []*ent.Message{free, header} {
			f := media.FileOf(m)
			f.Describe(found[m.ID])
			s.Sign(m.ID, f)
			response, body := s.get(f.URL)
			if f.MIME != "image/png" || f.Name != "sale.png" || f.Size != 1000 || response.StatusCode != http.StatusOK ||
				body != string(sized(png, 1000)) || response.Header.Get("Content-Disposition") != "inline; filename=sale.png" {
				s.t.Errorf("%+v: answered %d with %d bytes, %v", f, response.StatusCode, len(body), response.Header)
			}
		}

		public := sent("", enum.MessageTypeTemplate, map[string]string{"header_document": "https://example.com/a.pdf",
			"header_document_filename": "Mai.pdf"})
		f := media.FileOf(public)
		s.Sign(public.ID, f)
		if f.URL != "https://example.com/a.pdf" || f.Name != "Mai.pdf" || !f.ExpiresAt.IsZero() {
			s.t.Errorf("a public address became %+v", f)
		}
		if f := media.FileOf(sent(`{"type":"text","text":{"body":"hi"}}`, enum.MessageTypeText, nil)); f != nil {
			s.t.Errorf("a text has the file %+v", f)
		}
	})
}

// It measures the memory of the whole process, so it runs alone.
func TestALargeFilePassesInConstantMemory(t *testing.T) {
	s := onSQLite(t)
	const size = 100_000_000
	url := s.link(s.arrive(sandbox.InboundMedia{Kind: "document", MIME: "application/pdf", Filename: "a.pdf", Size: size}))
	response, err := s.links.Client().Get(url)
	if err != nil {
		t.Fatal(err)
	}

	defer response.Body.Close()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sum, most, buffer := sha256.New(), uint64(0), make([]byte, 64<<10)
	for passed, looked := int64(0), int64(0); ; {
		n, err := response.Body.Read(buffer)
		sum.Write(buffer[:n])
		if passed += int64(n); passed-looked > size/20 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most, looked = max(most, now.HeapAlloc), passed
		}

		if err == io.EOF {
			if passed != size {
				t.Errorf("%d bytes came", passed)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	want := sha256.New()
	_, _ = io.Copy(want, io.NewSectionReader(sandbox.MadeUp{}, 0, size))
	if !bytes.Equal(sum.Sum(nil), want.Sum(nil)) {
		t.Error("the file changed on its way")
	}

	grown := int64(most) - int64(before.HeapAlloc)
	if t.Logf("100 MB passed with %d KiB more in use", grown>>10); grown > 4<<20 {
		t.Errorf("100 MB passed with %d KiB more in use", grown>>10)
	}
}

// A client that reads nothing holds one of the places, and those beyond are refused at once.
func TestFilesAreFewAtATime(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	url := s.link(s.arrive(sandbox.InboundMedia{Kind: "document", MIME: "application/pdf", Size: 50_000_000}))
	var held []*http.Response
	defer func() {
		for _, r := range held {
			r.Body.Close()
		}
	}()

	for range 4 {
		r, err := s.links.Client().Get(url)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatal(r, err)
		}

		held = append(held, r)
	}

	response, _ := s.get(url)
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("a fifth is answered %d", response.StatusCode)
	}
}

// catch is an address that takes webhooks, as long as somebody wants them.
func (s *stage) catch(into chan []byte) string {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case into <- body:
		case <-r.Context().Done():
		}
	}))

	s.t.Cleanup(server.Close)

	return server.URL
}
