package notification_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"carillon/account"
	"carillon/audience"
	"carillon/caller"
	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/mail"
	"carillon/notification"
	"carillon/outbox"
	"carillon/secret"
	"carillon/uid"
	"carillon/whatsapp"
)

const publicURL = "https://carillon.example"

var quiet = slog.New(slog.DiscardHandler)

// post is an SMTP server that keeps what it takes, or refuses as it is told.
type post struct {
	mu      sync.Mutex
	refusal error
	taken   []letter
	server  mail.Server
}

type letter struct{ to, subject, text string }

type session struct {
	post *post
	to   string
}

func (p *post) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{post: p}, nil }

func (*session) Reset()                               {}
func (*session) Logout() error                        { return nil }
func (*session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	s.to = to

	return s.post.refusal
}

func (s *session) Data(r io.Reader) error {
	m, err := netmail.ReadMessage(r)
	if err != nil {
		return err
	}

	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}

	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	s.post.taken = append(s.post.taken, letter{s.to, subject, string(text)})

	return err
}

func (p *post) refuse(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusal = err
}

// mails are those that were taken since the last call, by the name before the @ of their receiver.
func (p *post) mails() (all []letter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.taken {
		m.to, _, _ = strings.Cut(m.to, "@")
		all = append(all, m)
	}

	p.taken = nil
	slices.SortFunc(all, func(a, b letter) int { return strings.Compare(a.to, b.to) })

	return all
}

func openPost(t *testing.T) *post {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	p := &post{server: mail.Server{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Security: mail.None,
		From: "Carillon <no-reply@carillon.example>", Step: 5 * time.Second}}
	server := smtp.NewServer(p)
	server.Domain = "localhost"
	over := make(chan error, 1)
	go func() { over <- server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); _ = listener.Close(); <-over })

	return p
}

// process is the parts of one worker.
type process struct {
	who       *identity.Service
	accounts  *account.Service
	audience  *audience.Service
	campaigns *campaign.Service
	told      *notification.Service
	outbox    *outbox.Outbox
}

// stage is an organization of four roles, with a real mail server and a clock that the test moves.
type stage struct {
	process
	t        *testing.T
	db       *database.DB
	post     *post
	keys     *secret.Keyring
	system   context.Context
	org      uid.ID
	members  map[string]*ent.Member
	account  *ent.Account
	number   *ent.PhoneNumber
	template *ent.Template
	nanos    atomic.Int64
}

func (*stage) WakeEnrollment(context.Context, uid.ID)            {}
func (*stage) WakeLane(context.Context, uid.ID)                  {}
func (*stage) Publish(context.Context, uid.ID, []delivery.Event) {}
func (*stage) Notify(context.Context, uid.ID, ...uid.ID)         {}

func (s *stage) now() time.Time          { return time.Unix(0, s.nanos.Load()).UTC().Truncate(time.Microsecond) }
func (s *stage) advance(d time.Duration) { s.nanos.Add(int64(d)) }

func each(t *testing.T, test func(s *stage)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(stand(t, db)) })
}

func stand(t *testing.T, db *database.DB) *stage {
	t.Helper()
	s := &stage{t: t, db: db, post: openPost(t), system: caller.System(t.Context()), members: map[string]*ent.Member{}}
	s.nanos.Store(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixNano())
	keys, err := secret.NewKeyring(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}

	s.keys = keys
	s.process = s.start(true)

	c := db.Client
	s.org = c.Organization.Create().SetName("Lucky Shrub").SaveX(s.system).ID
	for name, role := range map[string]enum.Role{"owner": enum.RoleOwner, "admin": enum.RoleAdmin,
		"ann": enum.RoleCampaigner, "bob": enum.RoleCampaigner, "viewer": enum.RoleViewer} {
		s.join(name, role)
	}

	s.account = c.Account.Create().SetOrganizationID(s.org).SetWabaID("1").SetName("Flowers").SetToken([]byte{1}).
		SaveX(s.system)
	s.number = c.PhoneNumber.Create().SetOrganizationID(s.org).SetAccountID(s.account.ID).SetMetaID("2").
		SetDisplayNumber("+1 555").SetVerifiedName("n").SaveX(s.system)
	s.template = c.Template.Create().SetOrganizationID(s.org).SetAccountID(s.account.ID).SetName("sale").SetMetaID("7").
		SetUpdatedAt(s.now()).SetLanguage("en").SetCategory(enum.TemplateCategoryMarketing).
		SetStatus(enum.TemplateStatusApproved).SetComponents([]byte(`[{"type":"BODY","text":"Hi"}]`)).SaveX(s.system)
	s.advance(time.Hour)

	return s
}

// start is another process on the same database.
func (s *stage) start(mails bool) (p process) {
	s.t.Helper()
	smtp, err := mail.NewSMTP(s.post.server)
	if err != nil {
		s.t.Fatal(err)
	}

	p.who = identity.New(s.db, identity.DefaultTerms(), s.now, identity.Options{Keys: s.keys,
		PublicURL: publicURL, Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}})
	p.accounts = account.New(s.db, s.keys, whatsapp.NewClient("http://127.0.0.1:1", "v26.0"), p.who, account.Options{},
		s.now)
	p.audience = audience.New(s.db, s.now, func(context.Context, uid.ID, uid.ID) {})
	journal := delivery.NewJournal(s.db, s, s.now, quiet)
	p.campaigns = campaign.New(s.db, delivery.NewQueue(s.db, journal, s, s.now), p.audience, p.who, p.accounts, s, s,
		s.now)
	p.told = notification.New(s.db, publicURL, mails, s.now)
	p.outbox = outbox.New(s.db, smtp, quiet, s.now, p.who.Mails, p.told.Mails)

	return p
}

// join makes a member.
func (s *stage) join(name string, role enum.Role) *ent.Member {
	u := s.db.Client.User.Create().SetEmail(name + "@example.com").SetName(name).SetPasswordHash("x").
		SetEmailVerifiedAt(s.now()).SaveX(s.system)
	s.members[name] = s.db.Client.Member.Create().SetOrganizationID(s.org).SetUserID(u.ID).SetRole(role).
		SetCreatedAt(s.now()).SaveX(s.system)

	return s.members[name]
}

// as is the context of a member's call.
func (s *stage) as(name string) context.Context {
	m := s.members[name]
	return identity.With(s.t.Context(), &identity.Viewer{Organization: s.org, Role: m.Role, Member: m,
		User: s.db.Client.User.GetX(s.system, m.UserID), Session: &ent.Session{}})
}

// campaign is one that runs, of a member's.
func (s *stage) campaign(name string, by string) *ent.Campaign {
	create := s.db.Client.Campaign.Create().SetOrganizationID(s.org).SetName(name).SetTemplateID(s.template.ID).
		SetPhoneNumberID(s.number.ID).SetAudienceRule(jsonfield.Audience{}).SetParameters(nil).
		SetStatus(enum.CampaignStatusRunning).SetEnrolledAt(s.now()).SetCreatedAt(s.now())
	if m := s.members[by]; m != nil {
		create.SetCreatedByID(m.ID)
	}

	return create.SaveX(s.system)
}

// mail lets so much time pass that what was told is mailed.
func (s *stage) mail(p process) {
	s.t.Helper()
	s.advance(15 * time.Second)
	if err := p.outbox.Send(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// told gives who gets which mails now.
func (s *stage) mailed() []letter {
	s.t.Helper()
	s.mail(s.process)

	return s.post.mails()
}

func to(mails []letter) (names []string) {
	for _, m := range mails {
		names = append(names, m.to)
	}

	return names
}

func (s *stage) want(mails []letter, names ...string) {
	s.t.Helper()
	if got := to(mails); !slices.Equal(got, names) {
		s.t.Errorf("mails went to %v, want %v", got, names)
		for _, m := range mails {
			s.t.Logf("%s\n%s", m.subject, m.text)
		}
	}
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
