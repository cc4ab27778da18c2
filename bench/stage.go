package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"carillon/account"
	"carillon/audience"
	"carillon/caller"
	"carillon/campaign"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/hub"
	"carillon/identity"
	"carillon/secret"
	"carillon/uid"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
	"carillon/worker"
)

const (
	waba, metaNumber, token = "102290129340398", "106540352242922", "EAAsandbox"
	appSecret, verifyToken  = "app-secret", "verify-token"
)

// stage is the back end as one process has it, on a store, before a sandbox. Its own parts are
// those of the program.
type stage struct {
	*store
	system, owner context.Context
	journal       *delivery.Journal
	queue         *delivery.Queue
	hub           *hub.Hub[delivery.Event]
	who           *identity.Service
	session       string // the owner's
	tasks         *worker.Tasks
	audience      *audience.Service
	accounts      *account.Service
	campaigns     *campaign.Service
	lanes         *worker.Lanes
	worker        *worker.Worker
	account       *ent.Account
	number        *ent.PhoneNumber
	template      *ent.Template
	stop          context.CancelFunc
	running       sync.WaitGroup
}

// news tells the hub, as the program does.
type news struct{ hub *hub.Hub[delivery.Event] }

func (n news) Publish(ctx context.Context, organization uid.ID, events []delivery.Event) {
	_ = n.hub.Publish(ctx, organization, events)
}

func (n news) Notify(ctx context.Context, organization uid.ID, subjects ...uid.ID) {
	topics := make([]string, len(subjects))
	for i, s := range subjects {
		topics[i] = s.String()
	}

	n.hub.Notify(ctx, organization, topics...)
}

// setStage builds everything, signs up an organization and connects its account in the sandbox at
// address. For hear see openStore.
func setStage(ctx context.Context, storeName, address string, hear func(*pgx.ConnConfig)) (*stage, error) {
	opened, err := openStore(ctx, storeName, hear)
	if err != nil {
		return nil, err
	}

	s := &stage{store: opened, system: caller.System(ctx)}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	keys, err := secret.NewKeyring(secret.NewKey())
	if err != nil {
		return nil, err
	}

	meta := whatsapp.NewClient(address, "v26.0", whatsapp.WithAppSecret(appSecret))
	h := hub.New[delivery.Event](s.redis, s.prefix, delivery.NewLog(s.db), hub.Options{Logger: log})
	s.hub = h
	who := identity.New(s.db, identity.DefaultTerms(), database.Now, identity.Options{})
	s.journal = delivery.NewJournal(s.db, news{h}, database.Now, log)
	s.queue = delivery.NewQueue(s.db, s.journal, news{h}, database.Now)
	s.tasks = worker.NewTasks(s.redis, s.prefix, log)
	s.accounts = account.New(s.db, keys, meta, who, account.Options{}, database.Now)
	s.audience = audience.New(s.db, database.Now, nil)
	s.campaigns = campaign.New(s.db, s.queue, s.audience, who, s.accounts, s.tasks, news{h}, database.Now)
	s.journal.Watch(s.campaigns)
	s.lanes = worker.NewLanes(worker.Parts{Queue: s.queue, Journal: s.journal, Accounts: s.accounts,
		Campaigns: s.campaigns, Pace: worker.NewPace(s.redis, s.prefix), Waiting: s.tasks.Waiting,
		Now: database.Now, Log: log})
	s.worker = worker.New(s.redis, s.tasks, worker.Jobs{Enroll: s.campaigns.Enroll, Import: s.audience.RunImport,
		Drain: s.lanes.Drain, Sweep: s.campaigns.Sweep}, 64, log)
	var running context.Context
	running, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.goes(running, s.journal.Run)
	s.goes(running, h.Run)
	if err := s.signUp(ctx, who); err != nil {
		s.close()
		return nil, err
	}

	return s, nil
}

// setScene is a stage before a sandbox in this process, which can be asked what arrived.
func setScene(ctx context.Context, storeName string, o sandbox.Options) (m *meta, s *stage, end func(), err error) {
	o.NoPairLimit, o.NoWebhooks = true, true
	if m, err = startMeta(ctx, o); err != nil {
		return nil, nil, nil, err
	}

	if s, err = setStage(ctx, storeName, m.url, nil); err != nil {
		m.close()
		return nil, nil, nil, err
	}

	return m, s, func() { s.close(); m.close() }, nil
}

func (s *stage) goes(ctx context.Context, run func(context.Context) error) {
	s.running.Go(func() {
		if err := run(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	})
}

// work runs the worker until the returned function is called.
func (s *stage) work() (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.system))
	over := make(chan struct{})
	s.goes(ctx, func(ctx context.Context) error { defer close(over); return s.worker.Run(ctx) })

	return func() { cancel(); <-over }
}

func (s *stage) close() {
	s.stop()
	s.running.Wait()
	s.store.close()
}

func (s *stage) signUp(ctx context.Context, who *identity.Service) error {
	signed, err := who.SignUp(ctx, identity.SignUp{Email: "owner@example.com", Password: "correct horse battery",
		Name: "Owner", OrganizationName: "Lucky Shrub", AcceptTermsVersion: who.Terms().Version})
	if err != nil {
		return err
	}

	s.owner, s.session, s.who = identity.With(ctx, signed.Viewer), signed.Token, who
	if s.account, err = s.accounts.Connect(s.owner,
		account.Connect{WABAID: waba, AccessToken: token, ConsentToTransfer: true}); err != nil {
		return err
	}

	s.number = s.account.QueryPhoneNumbers().OnlyX(s.owner)
	s.template, err = s.accounts.CreateTemplate(s.owner,
		account.CreateTemplate{AccountID: s.account.ID, Submit: true, Template: whatsapp.Template{
			Name: "hello", Language: "en_US", Category: "UTILITY", Components: []whatsapp.Component{
				{Type: "BODY", Text: "Hello {{1}}, good to see you again.",
					Example: &whatsapp.Example{BodyText: whatsapp.Rows{{"Ana"}}}}}}})
	if err != nil {
		return err
	}

	return poll(ctx, 50*time.Millisecond, func() (bool, error) {
		if _, err := s.accounts.Sync(s.owner, s.account.ID); err != nil {
			return false, err
		}

		t, err := s.db.Client.Template.Get(s.system, s.template.ID)
		return err == nil && t.Status == enum.TemplateStatusApproved, err
	})
}

const contactsAtOnce = 500

// contacts makes n people, all of the organization's.
func (s *stage) contacts(n int) error {
	return addContacts(s.system, s.db, s.account.OrganizationID, n)
}

func addContacts(system context.Context, db *database.DB, organization uid.ID, n int) error {
	for from := 0; from < n; from += contactsAtOnce {
		err := db.InTx(system, func(tx *database.Tx) error {
			rows := make([]*ent.ContactCreate, min(contactsAtOnce, n-from))
			numbers := make([]*ent.ContactIdentifierCreate, len(rows))
			for i := range rows {
				id, phone := uid.New(uid.Contact), "+1416"+strconv.Itoa(2_000_000+from+i)
				rows[i] = tx.Client.Contact.Create().SetID(id).SetOrganizationID(organization).SetPhone(phone).
					SetName("Person " + strconv.Itoa(from+i)).SetCountry("CA")
				numbers[i] = tx.Client.ContactIdentifier.Create().SetOrganizationID(organization).
					SetKind(enum.IdentifierKindPhone).SetValue(phone).SetContactID(id).SetSince(database.Now())
			}

			if err := tx.Client.Contact.CreateBulk(rows...).Exec(system); err != nil {
				return err
			}

			return tx.Client.ContactIdentifier.CreateBulk(numbers...).Exec(system)
		})
		if err != nil {
			return fmt.Errorf("make contacts: %w", err)
		}
	}

	return nil
}

func (s *stage) draft() (*ent.Campaign, error) {
	return s.draftTo(jsonfield.Audience{Filter: &jsonfield.ContactFilter{Country: []string{"CA"}}})
}

func (s *stage) draftTo(people jsonfield.Audience) (*ent.Campaign, error) {
	name := "name"
	return s.campaigns.Create(s.owner, campaign.Draft{Name: "Spring", TemplateID: s.template.ID,
		PhoneNumberID: s.number.ID,
		Audience:      people,
		Parameters:    []jsonfield.ParameterBinding{{Parameter: "1", ContactField: &name}}})
}

// enrolled is a campaign whose n messages all wait to be sent, with no worker running.
func (s *stage) enrolled(n int) (*ent.Campaign, error) {
	if err := s.contacts(n); err != nil {
		return nil, err
	}

	c, err := s.draft()
	if err != nil {
		return nil, err
	}
	if _, err := s.campaigns.Launch(s.owner, c.ID, nil); err != nil {
		return nil, err
	}
	if err := s.campaigns.Enroll(s.system, c.ID); err != nil {
		return nil, err
	}

	return c, s.analyze()
}

// analyze does what autovacuum does for a table that has lived for a minute.
func (s *stage) analyze() error {
	if s.db.Dialect != "postgres" {
		return nil
	}

	return s.db.InTx(s.system, func(tx *database.Tx) error {
		_, err := tx.ExecContext(s.system, "ANALYZE")
		return err
	})
}

// until waits for a campaign to be as holds wants it.
func (s *store) until(ctx context.Context, id uid.ID, holds func(*ent.Campaign) bool) error {
	system := caller.System(ctx)
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		c, err := s.db.Client.Campaign.Get(system, id)
		return err == nil && holds(c), err
	})
}

func poll(ctx context.Context, every time.Duration, holds func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if ok, err := holds(); ok || err != nil {
			return err
		}

		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New("gave up waiting")
		}
	}
}

// verified holds what was measured against a recount: a figure that was got by losing something is
// none. On top of a past there is none: its counters are made up.
func (s *stage) verified(past int) error {
	if past > 0 {
		return nil
	}

	return recounted(s.system, s.queue)
}

func recounted(system context.Context, queue *delivery.Queue) error {
	differences, err := queue.Verify(system)
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("%d counts differ from a recount, the first: %s", len(differences), differences[0])
	}

	return err
}
