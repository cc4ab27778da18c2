package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/account"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/secret"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

const (
	waba      = "102290129340398"
	otherWABA = "102290129340399"
	phone     = "106540352242922"
	token     = "EAAtoken"
	appID     = "4200"
)

// stage is a service on one database before a sandbox of its own, with a clock that the test moves
// and calls it can break.
type stage struct {
	*account.Service
	t       *testing.T
	db      *database.DB
	who     *identity.Service
	sandbox *sandbox.Sandbox
	meta    *whatsapp.Client
	url     string
	keys    *secret.Keyring
	nanos   atomic.Int64

	mu     sync.Mutex
	told   map[uid.ID]string           // what each row was like when it was last told of
	broken map[string]http.HandlerFunc // by method and last part of the path
}

func stand(t *testing.T, db *database.DB, edit func(*sandbox.Options)) *stage {
	t.Helper()
	s := &stage{t: t, db: db, broken: map[string]http.HandlerFunc{}, told: map[uid.ID]string{}}
	t.Cleanup(s.checkTold)
	s.nanos.Store(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixNano())
	o := sandbox.Options{AppID: appID, AppSecret: "app-secret", NoLimits: true, NoWebhooks: true, DailyLimit: 2000,
		Now: s.now}
	if edit != nil {
		edit(&o)
	}

	var err error
	if s.sandbox, err = sandbox.New(o); err != nil {
		t.Fatal(err)
	}

	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: token,
		Numbers: []sandbox.NumberSpec{
			{ID: phone, DisplayNumber: "+1 555-078-3881", VerifiedName: "Lucky Shrub"},
		}})

	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: otherWABA, Name: "Other", Token: "EAAother"})
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.meta = whatsapp.NewClient(s.url, "v26.0", whatsapp.WithTimeout(5*time.Second))
	if s.keys, err = secret.NewKeyring(secret.NewKey()); err != nil {
		t.Fatal(err)
	}

	s.who = identity.New(db, identity.DefaultTerms(), s.now,
		identity.Options{Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}})
	s.Service = s.with(account.Options{AppID: appID, AppSecret: "app-secret"})

	return s
}

func (s *stage) with(o account.Options) *account.Service {
	o.Tell = s.hear
	return account.New(s.db, s.keys, s.meta, s.who, o, s.now)
}

// rows is what is told of each account, number and template when it changes.
func (s *stage) rows() map[uid.ID]string {
	ctx, rows := caller.System(context.WithoutCancel(s.t.Context())), map[uid.ID]string{}
	for _, a := range s.db.Client.Account.Query().AllX(ctx) {
		rows[a.ID] = fmt.Sprint(a.Name, a.Status, text(a.StatusReason), text(a.ReviewStatus), text(a.MessagingLimit),
			said(a.Health), text(a.TokenWarnedAt))
	}

	for _, n := range s.db.Client.PhoneNumber.Query().AllX(ctx) {
		rows[n.ID] = fmt.Sprint(n.DisplayNumber, n.VerifiedName, n.Status, n.QualityRating, n.Throughput,
			text(n.ThroughputCap), text(n.Username),
			n.SharedAt != nil)
	}

	for _, t := range s.db.Client.Template.Query().AllX(ctx) {
		rows[t.ID] = fmt.Sprint(t.Status, t.Category, t.QualityScore, text(t.RejectionReason), string(t.Components))
	}

	return rows
}

func text[T any](v *T) string {
	if v == nil {
		return "nothing"
	}
	return fmt.Sprint(*v)
}

func (s *stage) hear(_ context.Context, _ uid.ID, subjects ...uid.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := s.rows()
	for _, id := range subjects {
		s.told[id] = rows[id]
	}
}

// checkTold runs after every test of this package: whatever it did, everything was told of as it is
// now.
func (s *stage) checkTold() {
	for id, row := range s.rows() {
		if s.told[id] != row {
			s.t.Errorf("%s is %s, and was told of as %q", id, row, s.told[id])
		}
	}
}

func each(t *testing.T, test func(s *stage)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(stand(t, db, nil)) })
}

func onSQLite(t *testing.T) *stage { return stand(t, dbtest.Open(t, dbtest.SQLite(t)), nil) }

func (s *stage) now() time.Time          { return time.Unix(0, s.nanos.Load()) }
func (s *stage) advance(d time.Duration) { s.nanos.Add(int64(d)) }

func (s *stage) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	answer := s.broken[r.Method+" "+r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]
	s.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}

	s.sandbox.ServeHTTP(w, r)
}

// breaks makes one call answer otherwise; nil mends it.
func (s *stage) breaks(call string, answer http.HandlerFunc) {
	s.mu.Lock()
	s.broken[call] = answer
	s.mu.Unlock()
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// hangs answers nothing until the caller gives up.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

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

var credentials = account.Connect{WABAID: waba, AccessToken: token, ConsentToTransfer: true}

// connected is an organization with the sandbox's account.
func (s *stage) connected() (context.Context, *ent.Account) {
	s.t.Helper()
	ctx := s.organization("ann@example.com")
	a, err := s.Connect(ctx, credentials)
	if err != nil {
		s.t.Fatal(err)
	}

	return ctx, a
}

// codes are the user errors of err, as field:CODE.
func codes(t *testing.T, err error) (out []string) {
	t.Helper()
	var in usererror.Fields
	if !errors.As(err, &in) {
		t.Errorf("not user errors: %v", err)
		return nil
	}

	for _, one := range in {
		out = append(out, strings.Join(one.Path, ".")+":"+string(one.Code))
	}

	slices.Sort(out)

	return out
}

func (s *stage) wrong(err error, want ...string) {
	s.t.Helper()
	if got := codes(s.t, err); !slices.Equal(got, want) {
		s.t.Errorf("got %v, want %v (%v)", got, want, err)
	}
}

// offer is a template that Meta takes.
func offer(name string) whatsapp.Template {
	return whatsapp.Template{Name: name, Language: "en_US", Category: "MARKETING", Components: []whatsapp.Component{
		{Type: "BODY", Text: "Hello {{1}}, here is our offer.", Example: &whatsapp.Example{BodyText: whatsapp.Rows{{"Ann"}}}},
	}}
}

// atMeta makes a template past us.
func (s *stage) atMeta(t whatsapp.Template) string {
	s.t.Helper()
	created, err := s.meta.CreateTemplate(s.t.Context(), token, waba, t)
	if err != nil {
		s.t.Fatal(err)
	}

	return created.ID
}

// renew gives the account another token at Meta.
func (s *stage) renew(value string) {
	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: value})
}

// organizationOf is the context of an organization's owner.
func (s *stage) organizationOf(id uid.ID) context.Context {
	return identity.With(s.t.Context(), &identity.Viewer{Organization: id, Role: enum.RoleOwner})
}
