package metawebhook_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"carillon/account"
	"carillon/audience"
	"carillon/caller"
	"carillon/campaign"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/metawebhook"
	"carillon/secret"
	"carillon/uid"
	"carillon/whatsapp"
)

// stage is a handler on one database, and an organization whose number it serves.
type stage struct {
	*metawebhook.Handler
	*world
	t      testing.TB
	db     *database.DB
	keys   *secret.Keyring
	system context.Context
	log    bytes.Buffer // read it when the test is over
}

type silence struct{}

func (silence) Publish(context.Context, uid.ID, []delivery.Event) {}
func (silence) Notify(context.Context, uid.ID, ...uid.ID)         {}
func (silence) WakeEnrollment(context.Context, uid.ID)            {}
func (silence) WakeLane(context.Context, uid.ID)                  {}

// setting is what a test changes of a stage.
type setting struct {
	metawebhook.Options
	meta string // where Meta is; nowhere at first
}

func stand(t testing.TB, db *database.DB, changes ...func(*setting)) *stage {
	t.Helper()
	s := &stage{t: t, db: db, system: caller.System(t.Context())}
	o := setting{Options: metawebhook.Options{Secrets: []string{secretNow, secretBefore}, VerifyToken: verifyToken},
		meta: "http://127.0.0.1:1"}
	for _, change := range changes {
		change(&o)
	}

	log := slog.New(slog.NewTextHandler(&s.log, nil))
	journal := delivery.NewJournal(db, silence{}, database.Now, log)
	queue := delivery.NewQueue(db, journal, silence{}, database.Now)
	people := audience.New(db, database.Now, nil)
	journal.Introduce(people)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- journal.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	var err error
	if s.keys, err = secret.NewKeyring(secret.NewKey()); err != nil {
		t.Fatal(err)
	}

	who := identity.New(db, identity.DefaultTerms(), database.Now, identity.Options{})
	accounts := account.New(db, s.keys, whatsapp.NewClient(o.meta, "v26.0"), who, account.Options{}, database.Now)
	campaigns := campaign.New(db, queue, people, who, accounts, silence{}, silence{}, database.Now)
	s.Handler = metawebhook.New(metawebhook.Parts{
		DB: db, Journal: journal, Queue: queue, Accounts: accounts, Audience: people, Campaigns: campaigns,
		Now: database.Now, Log: log,
	}, o.Options)

	s.world = s.open("1", metaNumber)

	return s
}

// world is an organization with an account, a number, a template, a campaign and a message of it.
type world struct {
	waba, phone                                       string // Meta's ids
	org, account, number, template, campaign, message uid.ID
}

// open makes a world, whose message has been claimed once and waits for its answer.
func (s *stage) open(waba, phone string) *world {
	s.t.Helper()
	w := &world{waba: waba, phone: phone}
	c := s.db.Client
	w.org = c.Organization.Create().SetName("o").SaveX(s.system).ID
	w.account = uid.New(uid.Account)
	token := s.keys.Seal([]byte("EAA"+waba), w.account[:])
	c.Account.Create().SetID(w.account).SetOrganizationID(w.org).SetWabaID(waba).SetName("a").SetToken(token).
		ExecX(s.system)
	w.number = c.PhoneNumber.Create().SetOrganizationID(w.org).SetAccountID(w.account).SetMetaID(phone).
		SetDisplayNumber("+1").SetVerifiedName("n").SaveX(s.system).ID
	w.template = c.Template.Create().SetOrganizationID(w.org).SetAccountID(w.account).SetMetaID("7" + waba).SetName("t").
		SetLanguage("en").SetCategory(enum.TemplateCategoryUtility).
		SetStatus(enum.TemplateStatusApproved).SetComponents([]byte("[]")).SaveX(s.system).ID
	w.campaign = c.Campaign.Create().SetOrganizationID(w.org).SetName("c").SetTemplateID(w.template).
		SetPhoneNumberID(w.number).SetAudienceRule(jsonfield.Audience{}).SetParameters(nil).SaveX(s.system).ID
	w.message = s.send(w, "+16505551234")

	return w
}

// send is a single message to an address that has been claimed.
func (s *stage) send(w *world, address string) (id uid.ID) {
	s.t.Helper()
	err := s.db.InTx(s.system, func(tx *database.Tx) error {
		ids, err := s.Queue.Enqueue(s.system, tx, w.org, []delivery.Outgoing{{Template: w.template, PhoneNumber: w.number,
			Account: w.account, Address: address, Country: "US", Type: enum.MessageTypeTemplate}}, func() error { return nil })
		if err == nil {
			id = ids[0]
		}

		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, _, err := s.Queue.Claim(s.system, w.number, 1, nil, delivery.Limit{}); err != nil {
		s.t.Fatal(err)
	}

	return id
}

// contact adds a contact of the stage's organization.
func (s *stage) contact(t *testing.T, phone string) *ent.Contact {
	t.Helper()
	c, err := s.Audience.CreateContact(caller.In(t.Context(), s.org), audience.NewContact{Phone: phone})
	if err != nil {
		t.Fatal(err)
	}

	return c
}
