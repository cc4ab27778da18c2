package media_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"carillon/account"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/media"
	"carillon/secret"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

const (
	waba        = "102290129340398"
	phone       = "106540352242922"
	secondPhone = "106540352242923"
	token       = "EAAtoken"
	appID       = "4200"
)

// stage is the service before a sandbox, with an organization that has an account with two numbers,
// and a clock that the test moves.
type stage struct {
	*media.Service
	t       *testing.T
	db      *database.DB
	sandbox *sandbox.Sandbox
	links   *httptest.Server
	nanos   atomic.Int64
	uploads atomic.Int64 // to numbers

	accounts       *account.Service
	who            *identity.Service
	owner          context.Context
	account        *ent.Account
	number, second *ent.PhoneNumber
}

func each(t *testing.T, test func(s *stage)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(stand(t, db)) })
}

func stand(t *testing.T, db *database.DB) *stage {
	t.Helper()
	s := &stage{t: t, db: db}
	s.nanos.Store(time.Date(2026, 11, 20, 12, 20, 0, 0, time.UTC).UnixNano())
	var err error
	if s.sandbox, err = sandbox.New(sandbox.Options{AppID: appID, AppSecret: "app-secret", NoLimits: true,
		NoWebhooks: true, Now: s.now, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}

	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: token,
		Numbers: []sandbox.NumberSpec{{ID: phone, DisplayNumber: "+1 555-078-3881", VerifiedName: "Lucky Shrub"},
			{ID: secondPhone, DisplayNumber: "+1 555-078-3882", VerifiedName: "Lucky Shrub 2"}}})
	meta := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/media") {
			s.uploads.Add(1)
		}

		s.sandbox.ServeHTTP(w, r)
	}))

	t.Cleanup(meta.Close)
	keys, err := secret.NewKeyring(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}

	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := whatsapp.NewClient(meta.URL, "v26.0", whatsapp.WithHTTPClient(&http.Client{Transport: transport}))
	s.who = identity.New(db, identity.DefaultTerms(), s.now,
		identity.Options{Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}})
	s.accounts = account.New(db, keys, client, s.who, account.Options{}, s.now)
	s.links = httptest.NewUnstartedServer(nil)
	s.Service = media.New(db, s.accounts, keys, media.Options{Streams: 4, Log: slog.New(slog.DiscardHandler),
		PublicURL: "http://" + s.links.Listener.Addr().String()}, s.now)
	s.links.Config.Handler = s.Service
	s.links.Start()
	t.Cleanup(s.links.Close)
	s.owner = s.organization("ann@example.com")
	if s.account, err = s.accounts.Connect(s.owner, account.Connect{WABAID: waba, AccessToken: token,
		ConsentToTransfer: true}); err != nil {
		t.Fatal(err)
	}

	for _, n := range s.account.QueryPhoneNumbers().AllX(s.owner) {
		if n.MetaID == phone {
			s.number = n
		} else {
			s.second = n
		}
	}

	return s
}

func (s *stage) now() time.Time          { return time.Unix(0, s.nanos.Load()).UTC() }
func (s *stage) advance(d time.Duration) { s.nanos.Add(int64(d)) }

// organization is the context of the owner of a new organization.
func (s *stage) organization(email string) context.Context {
	s.t.Helper()
	signed, err := s.who.SignUp(s.t.Context(), identity.SignUp{
		Email: email, Password: "a good long password", Name: "Ann", OrganizationName: email,
		AcceptTermsVersion: identity.DefaultTerms().Version,
	})
	if err != nil {
		s.t.Fatal(err)
	}

	return identity.With(s.t.Context(), signed.Viewer)
}

func (s *stage) system() context.Context { return caller.System(s.t.Context()) }

// upload is a file for the first number.
func (s *stage) upload(name string, content []byte) media.NewUpload {
	return media.NewUpload{AccountID: s.account.ID, PhoneNumberID: &s.number.ID, FileName: name,
		File: bytes.NewReader(content)}
}

func (s *stage) uploaded(name string, content []byte) string {
	s.t.Helper()
	u, err := s.Upload(s.owner, s.upload(name, content))
	if err != nil {
		s.t.Fatal(err)
	}

	return u.MediaID
}

// received stores what somebody sent, as Meta's webhook has it.
func (s *stage) received(raw string) *ent.Message {
	s.t.Helper()
	id := uid.New(uid.Message)
	now := s.now().Truncate(time.Microsecond)

	return s.db.Client.Message.Create().SetID(id).SetOrganizationID(s.account.OrganizationID).SetAccountID(s.account.ID).
		SetPhoneNumberID(s.number.ID).SetAddress("+14165550100").SetDirection(enum.DirectionInbound).
		SetType(enum.MessageTypeImage).SetStatus(enum.MessageStatusReceived).SetNotBefore(now).SetCreatedAt(now).
		SetContent([]byte(`{"text":{"body":""},"message":` + raw + `}`)).SaveX(s.system())
}

// wrong holds that err is one user error, of that field and code.
func wrong(t *testing.T, err error, field string, code usererror.Code, says string) {
	t.Helper()
	var in usererror.Fields
	if !errors.As(err, &in) || len(in) != 1 {
		t.Errorf("not one user error: %v", err)
		return
	}

	if got := strings.Join(in[0].Path, "."); got != field || in[0].Code != code || !strings.Contains(in[0].Message, says) {
		t.Errorf("got %s:%s %q, want %s:%s with %q", got, in[0].Code, in[0].Message, field, code, says)
	}
}

// Beginnings of files, by which their types are told.
var (
	png  = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00")
	jpeg = []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
	pdf  = []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	mp4  = []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom")
	ogg  = []byte("OggS\x00\x02" + strings.Repeat("\x00", 20) + "\x01\x13OpusHead\x01\x01")
	exe  = []byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00")
)

func sized(head []byte, size int) []byte {
	return append(bytes.Clone(head), make([]byte, size-len(head))...)
}

func webp(moves bool) []byte {
	head := append([]byte("RIFF\x24\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00"), make([]byte, 20)...)
	if moves {
		head[20] = 0x02
	}

	return head
}

func onSQLite(t *testing.T) *stage { return stand(t, dbtest.Open(t, dbtest.SQLite(t))) }
