package worker_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

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
	"carillon/ent/message"
	"carillon/identity"
	"carillon/metawebhook"
	"carillon/secret"
	"carillon/transactional"
	"carillon/uid"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
	"carillon/worker"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

const (
	waba, metaNumber, token = "102290129340398", "106540352242922", "EAAtoken"
	appSecret, verifyToken  = "app-secret", "verify-token"
)

// stage is the whole back end on one database before a sandbox of its own: everything but the API.
type stage struct {
	db       *database.DB
	redis    redis.UniversalClient
	prefix   string
	sandbox  *sandbox.Sandbox
	meta     *whatsapp.Client
	keys     *secret.Keyring
	owner    context.Context // a signed-in owner
	system   context.Context
	accounts *account.Service
	account  *ent.Account
	number   *ent.PhoneNumber
	template *ent.Template
	process
}

// process is what each process of the service has for itself.
type process struct {
	journal   *delivery.Journal
	queue     *delivery.Queue
	tasks     *worker.Tasks
	audience  *audience.Service
	campaigns *campaign.Service
	direct    *transactional.Service
	lanes     *worker.Lanes
	news      *changes
	stop      context.CancelFunc
}

// changes signals that something was committed.
type changes struct{ c chan struct{} }

func (n *changes) Publish(context.Context, uid.ID, []delivery.Event) { n.signal() }
func (n *changes) Notify(context.Context, uid.ID, ...uid.ID)         { n.signal() }
func (n *changes) signal() {
	select {
	case n.c <- struct{}{}:
	default:
	}
}

func stand(t *testing.T, db *database.DB, o sandbox.Options) *stage {
	t.Helper()
	s := &stage{db: db, system: caller.System(t.Context())}
	s.redis, s.prefix = dbtest.Redis(t)
	o.AppSecret, o.VerifyToken, o.Log = appSecret, verifyToken, slog.New(slog.DiscardHandler)
	if o.RetryDelay == 0 {
		o.RetryDelay = 10 * time.Millisecond
	}

	var err error
	if s.sandbox, err = sandbox.New(o); err != nil {
		t.Fatal(err)
	}

	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: token,
		Numbers: []sandbox.NumberSpec{
			{ID: metaNumber, DisplayNumber: "+1 555-078-3881", VerifiedName: "Lucky Shrub", Throughput: o.Throughput}}})
	graph := httptest.NewServer(s.sandbox)
	t.Cleanup(graph.Close)
	s.meta = whatsapp.NewClient(graph.URL, "v26.0", whatsapp.WithTimeout(5*time.Second))
	if s.keys, err = secret.NewKeyring(secret.NewKey()); err != nil {
		t.Fatal(err)
	}

	s.process = s.start(t)
	s.signUp(t)
	hook := httptest.NewServer(s.webhooks())
	t.Cleanup(hook.Close)
	s.sandbox.SetCallbackURL(hook.URL)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.sandbox.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })

	return s
}

func (s *stage) webhooks() http.Handler {
	return metawebhook.New(metawebhook.Parts{DB: s.db, Journal: s.journal, Queue: s.queue, Accounts: s.accounts,
		Audience: s.audience, Campaigns: s.campaigns, Now: database.Now, Log: slog.New(slog.DiscardHandler)},
		metawebhook.Options{Secrets: []string{appSecret}, VerifyToken: verifyToken})
}

// start builds a process of the service.
func (s *stage) start(t *testing.T) process {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	p := process{news: &changes{make(chan struct{}, 1)}}
	who := identity.New(s.db, identity.DefaultTerms(), database.Now,
		identity.Options{Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}})
	s.accounts = account.New(s.db, s.keys, s.meta, who, account.Options{}, database.Now)
	p.journal = delivery.NewJournal(s.db, p.news, database.Now, log)
	p.queue = delivery.NewQueue(s.db, p.journal, p.news, database.Now)
	p.tasks = worker.NewTasks(s.redis, s.prefix, log)
	p.audience = audience.New(s.db, database.Now, nil)
	p.campaigns = campaign.New(s.db, p.queue, p.audience, who, s.accounts, p.tasks, p.news, database.Now)
	p.direct = transactional.New(s.db, p.queue, who, p.tasks, database.Now)
	p.journal.Watch(p.campaigns)
	p.lanes = worker.NewLanes(worker.Parts{Queue: p.queue, Journal: p.journal, Accounts: s.accounts,
		Campaigns: p.campaigns, Pace: worker.NewPace(s.redis, s.prefix), Waiting: p.tasks.Waiting,
		Now: database.Now, Log: log})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.journal.Run(ctx) }()
	p.stop = cancel
	t.Cleanup(func() { cancel(); <-done })

	if s.owner == nil {
		signed, err := who.SignUp(t.Context(), identity.SignUp{Email: "o@example.com", Password: "correct horse battery",
			Name: "O", OrganizationName: "Lucky Shrub", AcceptTermsVersion: who.Terms().Version})
		if err != nil {
			t.Fatal(err)
		}

		s.owner = identity.With(t.Context(), signed.Viewer)
	}

	return p
}

// work runs a worker as a process does, until the test is over or stop is called.
func (s *stage) work(t *testing.T, p process) (stop func()) { t.Helper(); return s.workAtOnce(t, p, 8) }

func (s *stage) workAtOnce(t *testing.T, p process, atOnce int) (stop func()) {
	t.Helper()
	w := worker.New(s.redis, p.tasks, worker.Jobs{Enroll: p.campaigns.Enroll, Import: p.audience.RunImport,
		Drain: p.lanes.Drain, Sweep: p.campaigns.Sweep}, atOnce, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	over := false

	stop = func() {
		if !over {
			over = true
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}

	t.Cleanup(stop)

	return stop
}

func (s *stage) signUp(t *testing.T) {
	t.Helper()
	var err error
	if s.account, err = s.accounts.Connect(s.owner,
		account.Connect{WABAID: waba, AccessToken: token, ConsentToTransfer: true}); err != nil {
		t.Fatal(err)
	}

	s.number = s.account.QueryPhoneNumbers().OnlyX(s.owner)
	s.template, err = s.accounts.CreateTemplate(s.owner,
		account.CreateTemplate{AccountID: s.account.ID, Submit: true, Template: whatsapp.Template{
			Name: "hello", Language: "en_US", Category: "MARKETING", Components: []whatsapp.Component{
				{Type: "BODY", Text: "Hello {{1}}, good to see you again.",
					Example: &whatsapp.Example{BodyText: whatsapp.Rows{{"Ana"}}}}}}})
	if err != nil {
		t.Fatal(err)
	}

	s.sandbox.ApproveTemplate(waba, "hello")
	if _, err := s.accounts.Sync(s.owner, s.account.ID); err != nil {
		t.Fatal(err)
	}
}

// contacts makes n people with ordinary numbers, and returns the list that they are on.
func (s *stage) contacts(t *testing.T, n int) uid.ID {
	t.Helper()
	phones := make([]string, n)
	for i := range phones {
		phones[i] = "+1416" + strconv.Itoa(2_000_000+i)
	}

	return s.contactsOf(t, phones...)
}

func (s *stage) contactsOf(t *testing.T, phones ...string) uid.ID {
	t.Helper()
	list, err := s.audience.CreateList(s.owner, "list "+uid.New(uid.ContactList).String())
	if err != nil {
		t.Fatal(err)
	}

	err = s.db.InTx(s.owner, func(tx *database.Tx) error {
		for i, phone := range phones {
			row, err := tx.Client.Contact.Create().SetPhone(phone).SetName("Person " + strconv.Itoa(i)).SetCountry("CA").
				SetOrganizationID(s.account.OrganizationID).Save(s.owner)
			if err != nil {
				return err
			}

			if err := tx.Client.ContactIdentifier.Create().SetOrganizationID(s.account.OrganizationID).
				SetKind(enum.IdentifierKindPhone).SetValue(phone).SetContactID(row.ID).SetSince(database.Now()).
				Exec(s.owner); err != nil {
				return err
			}

			if err := tx.Client.ListMember.Create().SetOrganizationID(s.account.OrganizationID).SetContactID(row.ID).
				SetContactListID(list.ID).Exec(s.owner); err != nil {
				return err
			}
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	return list.ID
}

func (s *stage) draft(t *testing.T, list uid.ID) *ent.Campaign {
	t.Helper()
	name := "name"
	c, err := s.campaigns.Create(s.owner, campaign.Draft{Name: "c", TemplateID: s.template.ID,
		PhoneNumberID: s.number.ID, Audience: jsonfield.Audience{ListIDs: []uid.ID{list}},
		Parameters: []jsonfield.ParameterBinding{{Parameter: "1", ContactField: &name}}})
	if err != nil {
		t.Fatal(err)
	}

	return c
}

func (s *stage) launch(t *testing.T, list uid.ID) *ent.Campaign {
	t.Helper()
	c, err := s.campaigns.Launch(s.owner, s.draft(t, list).ID, nil)
	if err != nil {
		t.Fatal(err)
	}

	return c
}

// until waits for news until the condition holds.
func (s *stage) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	s.within(t, time.Minute, what, holds)
}

func (s *stage) within(t *testing.T, d time.Duration, what string, holds func() bool) {
	t.Helper()
	give, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()

	for !holds() {
		select {
		case <-s.news.c:
		case <-look.C:
		case <-give.Done():
			t.Fatalf("waited too long until %s", what)
		}
	}
}

func (s *stage) campaign(id uid.ID) *ent.Campaign { return s.db.Client.Campaign.GetX(s.system, id) }

func (s *stage) messages(id uid.ID) []*ent.Message {
	return s.db.Client.Message.Query().Where(message.CampaignID(id)).AllX(s.system)
}

// judge holds what must be true whatever has happened: each recipient got one message, nothing is
// in anyone's hands, and every count is what a recount gives.
func (s *stage) judge(t *testing.T, c uid.ID, recipients int) {
	t.Helper()
	got := map[string]int{}
	for _, a := range s.sandbox.Accepted() {
		got[a.To]++
	}

	for to, n := range got {
		if n != 1 {
			t.Errorf("%s got %d messages", to, n)
		}
	}

	if len(got) != recipients {
		t.Errorf("%d people got a message, want %d", len(got), recipients)
	}
	if row := s.campaign(c); row.Sending != 0 || row.Queued != 0 {
		t.Errorf("%d are still sending and %d queued", row.Sending, row.Queued)
	}

	differences, err := s.queue.Verify(s.system)
	if err != nil {
		t.Fatal(err)
	}

	for _, d := range differences {
		t.Error(d)
	}
}

func status(m *ent.Message) string {
	if m.ErrorCode != nil {
		return string(m.Status) + " " + strconv.Itoa(*m.ErrorCode)
	}
	return string(m.Status)
}

func newMessage(s *stage, address string) []delivery.Outgoing {
	return []delivery.Outgoing{{Template: s.template.ID, PhoneNumber: s.number.ID, Account: s.account.ID, Address: address,
		Country: "CA",
		Type:    enum.MessageTypeTemplate, Category: enum.TemplateCategoryUtility, Parameters: map[string]string{"1": "Ana"}}}
}
