// Package privacy is what people have a right to: that they are erased, and that what is kept of
// them ends. It hides in how many tables something is kept of a person. It promises that once an
// erasure is answered nobody finds, lists or writes to them any more; that what is left of them,
// and what is older than an organization's retentionDays, goes in small transactions, whatever
// crashes; and that a proof stays of what was erased, which names nobody. Reading starts in
// privacy.go for erasures, in retention.go for what ends by its age.
package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"carillon/audience"
	"carillon/audit"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/erasure"
	"carillon/identity"
	"carillon/secret"
	"carillon/uid"
	"carillon/usererror"
)

const (
	// drainFor is how long an erasure waits for messages that are on their way to its person, and
	// drainEvery how often it looks. WhatsApp answers within seconds.
	drainFor   = 10 * time.Second
	drainEvery = 100 * time.Millisecond
	// slack is how far the clocks of two processes may differ.
	slack = time.Minute
)

// Waker tells workers that an erasure goes on. It may fail in silence: the sweep finds it again.
type Waker interface {
	WakeErasure(ctx context.Context, erasure uid.ID)
}

// Service erases people, and what is too old.
type Service struct {
	db       *database.DB
	keys     *secret.Keyring
	queue    *delivery.Queue
	audience *audience.Service
	files    Files
	waker    Waker
	now      func() time.Time
	book     Book

	mu       sync.Mutex
	patience map[uid.ID]patience // of erasures that Meta did not hear
}

// Files are those that may hold a person: exports.
type Files interface {
	// Forget takes back all of an organization, in the caller's transaction, and counts them.
	Forget(ctx context.Context, tx *database.Tx, organization uid.ID) (int, error)
	// Expire takes back those of an organization that were asked for before a moment, in the caller's
	// transaction, and counts them.
	Expire(ctx context.Context, tx *database.Tx, organization uid.ID, before time.Time) (int, error)
}

// New makes the service. The queue and the audience know erased people by the same keys.
func New(db *database.DB, keys *secret.Keyring, queue *delivery.Queue, people *audience.Service, files Files,
	waker Waker, now func() time.Time) *Service {
	return &Service{db: db, keys: keys, queue: queue, audience: people, files: files, waker: waker, now: now,
		patience: map[uid.ID]patience{}}
}

// person is who is erased, as it is sealed while the erasure is under way.
type person struct {
	audience.Removed

	contact uid.ID
	before  time.Time // what came later is not theirs, or of a new acquaintance
}

func (p person) erasee(organization uid.ID) delivery.Erasee {
	return delivery.Erasee{Organization: organization, Contact: p.contact, Addresses: p.Addresses, Before: p.before}
}

// EraseContact erases a contact of the caller's organization. When it returns nobody finds, lists
// or writes to them any more, and no message to them is on its way; a worker erases the rest. It
// may be called again, and then waits for the same.
func (s *Service) EraseContact(ctx context.Context, id uid.ID) (*uid.ID, error) {
	v, err := identity.Require(ctx, enum.RoleCampaigner)
	if err != nil {
		return nil, err
	}

	there, err := s.db.Client.Contact.Get(ctx, id)
	switch {
	case err == nil && there.OrganizationID == v.Organization:
		if err := s.queue.Erased().MakeKey(ctx, s.db, v.Organization); err != nil {
			return nil, err
		}
	case err != nil && !ent.IsNotFound(err):
		return nil, fmt.Errorf("read contact %s: %w", id, err)
	}

	var who person
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		who, err = s.begin(ctx, tx, v.Organization, id)
		return err
	})
	if err != nil {
		return nil, err
	}

	return &id, s.drain(ctx, who.erasee(v.Organization))
}

// begin takes a person out of the audience, and writes down what is to be erased yet. For one who
// was taken out before it gives who they were.
func (s *Service) begin(ctx context.Context, tx *database.Tx, owner, contact uid.ID) (who person, err error) {
	known, err := tx.Client.Erasure.Query().Where(erasure.ContactID(contact)).Only(ctx)
	if err == nil {
		return s.open(known)
	}
	if !ent.IsNotFound(err) {
		return who, fmt.Errorf("look for an erasure: %w", err)
	}

	removed, err := s.audience.Remove(ctx, tx, owner, contact)
	if err != nil {
		return who, err
	}

	at := database.Moment(s.now())
	if err := s.queue.Erased().Add(ctx, tx, owner, removed.Addresses, at); err != nil {
		return who, err
	}

	id := uid.New(uid.Erasure)
	plain, err := json.Marshal(removed)
	if err != nil {
		return who, fmt.Errorf("write down who is erased: %w", err)
	}

	err = tx.Client.Erasure.Create().SetID(id).SetOrganizationID(owner).SetContactID(contact).
		SetRequestedBy(audit.ActorOf(ctx)).SetRequestedAt(at).SetPerson(s.keys.Seal(plain, id[:])).
		SetCounts(map[string]int{}).Exec(ctx)
	if database.IsUnique(err) { // another call was faster
		return who, database.ErrAgain
	}
	if err != nil {
		return who, fmt.Errorf("write down an erasure: %w", err)
	}

	if _, err := s.files.Forget(ctx, tx, owner); err != nil { // and once more at the end: the rest was still to be read
		return who, err
	}

	tx.After(func(ctx context.Context) { s.waker.WakeErasure(ctx, id) })

	return person{Removed: *removed, contact: contact, before: at.Add(slack)}, audit.Record(ctx, tx, audit.Entry{
		Action: audit.ActionContactErase, Subject: contact, Summary: "erased a contact"})
}

// open reads who an erasure is about; nobody once it is finished.
func (s *Service) open(e *ent.Erasure) (who person, err error) {
	who.contact, who.before = e.ContactID, e.RequestedAt.Add(slack)
	if e.Person == nil {
		return who, nil
	}

	plain, err := s.keys.Open(e.Person, e.ID[:])
	if err == nil {
		err = json.Unmarshal(plain, &who.Removed)
	}
	if err != nil {
		return who, fmt.Errorf("open erasure %s: %w", e.ID, err)
	}

	return who, nil
}

// drain waits until no message to a person is on its way. A worker that died with one in its hands
// holds it for longer than a caller waits.
func (s *Service) drain(ctx context.Context, who delivery.Erasee) error {
	for waited := time.Duration(0); ; waited += drainEvery {
		onTheirWay, err := s.queue.Drain(ctx, who)
		if err != nil || onTheirWay == 0 {
			return err
		}
		if waited >= drainFor {
			return usererror.New(usererror.Conflict, "the contact is erased; WhatsApp has not answered yet about %d "+
				"messages that were on their way to them, ask again in two minutes", onTheirWay)
		}

		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(drainEvery):
		}
	}
}

// Erasure is the proof of an erasure of the caller's organization; nil where there is none.
func (s *Service) Erasure(ctx context.Context, contact uid.ID) (*ent.Erasure, error) {
	e, err := s.db.Client.Erasure.Query().Where(erasure.ContactID(contact)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read an erasure: %w", err)
	}

	return e, nil
}
