package privacy_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/export"
	"carillon/filestore"
	"carillon/identity"
	"carillon/pricing"
	"carillon/privacy"
	"carillon/secret"
	"carillon/uid"
	"carillon/usererror"
)

// house is an organization with a number, and people to be erased.
type house struct {
	t       *testing.T
	db      *database.DB
	ctx     context.Context // of a member
	system  context.Context
	org     uid.ID
	number  *ent.PhoneNumber
	keys    *secret.Keyring
	journal *delivery.Journal
	queue   *delivery.Queue
	people  *audience.Service
	files   *export.Service
	service *privacy.Service
}

type nobody struct{}

func (nobody) Publish(context.Context, uid.ID, []delivery.Event) {}
func (nobody) Notify(context.Context, uid.ID, ...uid.ID)         {}
func (nobody) WakeErasure(context.Context, uid.ID)               {}

func open(t *testing.T, db *database.DB) *house {
	t.Helper()
	h := &house{t: t, db: db, system: caller.System(t.Context())}
	o := db.Client.Organization.Create().SetName("Lucky Shrub").SaveX(h.system)
	h.org = o.ID
	key := db.Client.APIKey.Create().SetOrganizationID(o.ID).SetName("crm").SetRole(enum.RoleOwner).SetPrefix("ck_1").
		SetSecretHash([]byte("hash")).SaveX(h.system)
	h.ctx = identity.With(t.Context(), &identity.Viewer{Organization: o.ID, Role: enum.RoleOwner, Key: key})
	account := db.Client.Account.Create().SetOrganizationID(o.ID).SetWabaID("1").SetName("shop").SetToken([]byte("t")).
		SaveX(h.system)
	h.number = db.Client.PhoneNumber.Create().SetOrganizationID(o.ID).SetAccountID(account.ID).SetMetaID("2").
		SetDisplayNumber("+1 555-078-3881").SetVerifiedName("shop").SaveX(h.system)

	var err error
	if h.keys, err = secret.NewKeyring(secret.NewKey()); err != nil {
		t.Fatal(err)
	}

	h.journal = delivery.NewJournal(db, nobody{}, database.Now, slog.New(slog.DiscardHandler))
	h.queue = delivery.NewQueue(db, h.journal, nobody{}, database.Now)
	h.queue.KnowErased(delivery.NewErased(h.keys))
	h.people = audience.New(db, database.Now, nil)
	h.people.KnowErased(h.queue.Erased())
	h.journal.Introduce(h.people)
	h.files = export.New(export.Parts{DB: db, Files: filestore.NewFolder(t.TempDir()), Log: delivery.NewLog(db),
		Audience: h.people, Prices: pricing.NewBook(db, database.Now, nil), Keep: time.Hour, Folder: t.TempDir(),
		Wake: nobody{}.WakeErasure, Now: database.Now})
	h.service = privacy.New(db, h.keys, h.queue, h.people, h.files, nobody{}, database.Now)

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.journal.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })

	return h
}

func (h *house) contact(phone string) *ent.Contact {
	h.t.Helper()
	c, err := h.people.CreateContact(h.ctx, audience.NewContact{Phone: phone})
	if err != nil {
		h.t.Fatal(err)
	}

	return c
}

// messages queues n texts to a contact, or to a number that is nobody's.
func (h *house) messages(contact uid.ID, phone string, n int) (ids []uid.ID) {
	h.t.Helper()
	out := make([]delivery.Outgoing, n)
	for i := range out {
		out[i] = delivery.Outgoing{PhoneNumber: h.number.ID, Account: h.number.AccountID, Contact: contact, Address: phone,
			Country: "US", Type: enum.MessageTypeText, Content: []byte(`{"text":{"body":"words"}}`),
			Reference: fmt.Sprintf("order %d", i)}
	}

	err := h.db.InTx(h.system, func(tx *database.Tx) (err error) {
		ids, err = h.queue.Enqueue(h.system, tx, h.org, out, func() error { return nil })
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}

	return ids
}

func (h *house) claim(n int) []delivery.Claimed {
	h.t.Helper()
	claimed, _, err := h.queue.Claim(h.system, h.number.ID, n, nil, delivery.Limit{Account: h.number.AccountID,
		Organization: h.org})
	if err != nil {
		h.t.Fatal(err)
	}

	return claimed
}

func (h *house) record(facts ...delivery.Fact) {
	h.t.Helper()
	if _, err := h.journal.Record(h.system, facts...); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) finish() {
	h.t.Helper()
	waiting, err := h.service.Waiting(h.system)
	for _, id := range waiting {
		if err == nil {
			err = h.service.Run(h.system, id)
		}
	}

	if err != nil {
		h.t.Fatal(err)
	}
}

func each(t *testing.T, test func(t *testing.T, h *house)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(t, open(t, db)) })
}

func TestTwoWorkersEraseManyMessagesAndCountEachOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const phone, n = "+13035550101", 1300
		c := h.contact(phone)
		h.messages(c.ID, phone, n-1)
		h.messages(uid.ID{}, phone, 1) // of before they were a contact
		other := h.contact("+13035550102")
		kept := h.messages(other.ID, *other.Phone, 1)[0]
		if _, err := h.service.EraseContact(h.ctx, c.ID); err != nil {
			t.Fatal(err)
		}

		waiting, err := h.service.Waiting(h.system)
		if err != nil || len(waiting) != 1 {
			t.Fatalf("%d erasures wait, %v", len(waiting), err)
		}

		var workers sync.WaitGroup
		for range 2 {
			workers.Go(func() {
				if err := h.service.Run(h.system, waiting[0]); err != nil {
					t.Error(err)
				}
			})
		}

		workers.Wait()
		proof, err := h.service.Erasure(h.ctx, c.ID)
		if err != nil || proof.FinishedAt == nil || proof.Person != nil || proof.Counts["message"] != n {
			t.Errorf("the proof is %v, %v", proof, err)
		}

		left := h.db.Client.Message.Query().Where(message.AddressNEQ("")).AllX(h.system)
		if len(left) != 1 || left[0].ID != kept {
			t.Errorf("%d messages have an address, want the other person's", len(left))
		}
		h.recount()
	})
}

func (h *house) recount() {
	h.t.Helper()
	differences, err := h.queue.Verify(h.system)
	if err != nil {
		h.t.Fatal(err)
	}

	for _, d := range differences {
		h.t.Error(d)
	}
}

func TestWhatAWorkerHasClaimedAndNotHandedOverIsTakenFromIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const phone = "+13035550101"
		c, other := h.contact(phone), h.contact("+13035550102")
		mine := h.messages(c.ID, phone, 1)[0]
		theirs := h.messages(other.ID, *other.Phone, 1)[0]
		claimed := h.claim(2)
		if len(claimed) != 2 {
			t.Fatalf("%d messages were claimed", len(claimed))
		}
		if _, err := h.service.EraseContact(h.ctx, c.ID); err != nil {
			t.Fatal(err)
		}

		if held, err := h.queue.HandOver(h.system, claimed[0].Claim, 2, true); held || err != nil {
			t.Errorf("after the answer the worker may send: %t, %v", held, err)
		}

		if _, err := h.queue.ExpireLeases(h.system); err != nil {
			t.Fatal(err)
		}

		m, o := h.db.Client.Message.GetX(h.system, mine), h.db.Client.Message.GetX(h.system, theirs)
		if m.Status != enum.MessageStatusSkipped || *m.SkipReason != enum.SkipReasonContactDeleted ||
			o.Status != enum.MessageStatusQueued {
			t.Errorf("theirs is %s, another's in the same claim %s", m.Status, o.Status)
		}
		if again := h.claim(2); len(again) != 1 || again[0].ID != theirs {
			t.Errorf("%d messages are claimed again", len(again))
		}
		h.recount()
	})
}

func TestAnErasureIsAnsweredOnceWhatIsOnItsWayHasArrived(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const phone = "+13035550101"
		c := h.contact(phone)
		mine := h.messages(c.ID, phone, 1)[0]
		claimed := h.claim(1)
		if held, err := h.queue.HandOver(h.system, claimed[0].Claim, 1, true); !held || err != nil {
			t.Fatal(err)
		}

		answered := make(chan error, 1)
		go func() {
			_, err := h.service.EraseContact(h.ctx, c.ID)
			answered <- err
		}()

		for gone := false; !gone; { // they are gone before that
			exists, err := h.db.Client.Contact.Query().Exist(h.system)
			if gone = !exists; err != nil {
				t.Fatal(err)
			}
		}

		select {
		case err := <-answered:
			t.Fatalf("it was answered while a message was on its way: %v", err)
		default:
		}

		h.record(delivery.Fact{Message: mine, Kind: delivery.Accepted, Attempt: 1, Claim: claimed[0].Claim,
			WAMID: "wamid.1", At: time.Now()})
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatIsToldLateOfAnErasedMessageCountsAndNamesNobody(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const phone = "+13035550101"
		c := h.contact(phone)
		mine := h.messages(c.ID, phone, 1)[0]
		claimed := h.claim(1)
		h.record(delivery.Fact{Message: mine, Kind: delivery.Accepted, Attempt: 1, Claim: claimed[0].Claim,
			WAMID: "wamid.1", At: time.Now()})
		if _, err := h.service.EraseContact(h.ctx, c.ID); err != nil {
			t.Fatal(err)
		}

		h.finish()
		h.record(delivery.Fact{Message: mine, WAMID: "wamid.1", Attempt: 1, Kind: delivery.Read, At: time.Now(),
			Recipient: "13035550101", RecipientUserID: "US.abc123"})
		m := h.db.Client.Message.GetX(h.system, mine)
		if m.Status != enum.MessageStatusRead || m.Wamid != nil || m.Address != "" || m.ContactID != nil {
			t.Errorf("the message is %s of %q, %v", m.Status, m.Address, m.Wamid)
		}
		if n := h.db.Client.ContactIdentifier.Query().CountX(h.system); n != 0 {
			t.Errorf("%d identifiers came back", n)
		}
		h.recount()
	})
}

func TestAFailedMessageOfSomebodyErasedIsNeverTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const phone = "+13035550101"
		c := h.contact(phone)
		ids := h.messages(c.ID, phone, 2)
		claimed := h.claim(2)
		h.record(delivery.Fact{Message: ids[0], Kind: delivery.Lost, Attempt: 1, Claim: claimed[0].Claim, At: time.Now()},
			delivery.Fact{Message: ids[1], Kind: delivery.Lost, Attempt: 1, Claim: claimed[0].Claim, At: time.Now()})
		if _, err := h.service.EraseContact(h.ctx, c.ID); err != nil {
			t.Fatal(err)
		}

		again := func(id uid.ID) delivery.Fact {
			return delivery.Fact{Message: id, Kind: delivery.SendAgain, Attempt: 1, At: time.Now(), NotBefore: time.Now()}
		}

		h.record(again(ids[0])) // before the message is erased, and after
		if got := h.claim(2); len(got) > 0 {
			t.Errorf("%d messages were claimed", len(got))
		}

		h.finish()
		h.record(again(ids[1]))
		if got := h.claim(2); len(got) > 0 {
			t.Errorf("%d messages were claimed once they were erased", len(got))
		}

		if n := h.db.Client.Message.Query().Where(message.StatusEQ(enum.MessageStatusSkipped)).CountX(h.system); n != 2 {
			t.Errorf("%d of 2 messages are skipped", n)
		}
		h.recount()
	})
}

func TestAContactThatIsNotThereIsNotErased(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if _, err := h.service.EraseContact(h.ctx, uid.New(uid.Contact)); !usererror.Is(err, usererror.NotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnErasureDoesNotGoOnUnderAKeyThatDoesNotOpenIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.contact("+13035550101")
		if _, err := h.service.EraseContact(h.ctx, c.ID); err != nil {
			t.Fatal(err)
		}

		stranger, err := secret.NewKeyring(secret.NewKey())
		if err != nil {
			t.Fatal(err)
		}

		waiting, _ := h.service.Waiting(h.system)
		lost := privacy.New(h.db, stranger, h.queue, h.people, h.files, nobody{}, database.Now)
		if err := lost.Run(h.system, waiting[0]); err == nil {
			t.Error("it went on under a key that does not open it")
		}

		h.finish()
	})
}
