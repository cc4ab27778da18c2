// Package transactional sends single messages: a template, or a text or a file to somebody whose
// service window is open. It hides how a message is checked and stored. It promises that what
// WhatsApp is known to refuse is refused here, with everything that is wrong at once; that a
// message it returns is committed, and goes ahead of campaigns on its number; and that the same
// call with the same idempotency key sends nothing twice.
package transactional

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"carillon/audience"
	"carillon/audit"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// Waker tells workers that a single message waits. It may fail in silence: the sweep finds the work
// again.
type Waker interface {
	WakeLaneFirst(ctx context.Context, phoneNumber uid.ID)
}

// Service sends for all organizations.
type Service struct {
	db       *database.DB
	queue    *delivery.Queue
	identity *identity.Service
	waker    Waker
	now      func() time.Time
	renew    RenewMedia
}

// RenewMedia returns the id by which a number can send an uploaded file, which may be another than
// is given. What it refuses, it refuses as the value of field.
type RenewMedia func(ctx context.Context, phoneNumber uid.ID, mediaID, field string) (string, error)

// RenewMediaBy says who sees to it that an uploaded file is there for the number that it is sent
// from. Without it, ids are taken as they are.
func (s *Service) RenewMediaBy(renew RenewMedia) { s.renew = renew }

// New makes the service.
func New(db *database.DB, queue *delivery.Queue, identity *identity.Service, waker Waker,
	now func() time.Time) *Service {
	asItIs := func(_ context.Context, _ uid.ID, mediaID, _ string) (string, error) { return mediaID, nil }
	return &Service{db: db, queue: queue, identity: identity, waker: waker, now: now, renew: asItIs}
}

// Message is what is to be sent to one person. Exactly one of Template, Text and Media is given.
type Message struct {
	PhoneNumberID  uid.ID
	To             string // a number with its country code, as people write it, or a user id
	Template       *Template
	Text           *Text
	Media          *Media
	ReplyTo        *uid.ID // a message that this one quotes
	Reference      *string `json:",omitempty"` // the caller's own name for it
	Tries          uid.ID  `json:"-"`          // the campaign that it tries; zero for none
	IdempotencyKey string  `json:"-"`
}

// Template is an approved template with the values of its parameters.
type Template struct {
	TemplateID uid.ID
	Values     []Value
}

// Value is what one parameter is bound to.
type Value struct{ Parameter, Value string }

// Text is free text.
type Text struct {
	Body       string
	PreviewURL bool
}

// Media is a file, by the id of an upload or by a public link.
type Media struct {
	Kind                             enum.MessageType
	MediaID, Link, Caption, FileName string
}

func (m Message) contents() (n int) {
	for _, given := range []bool{m.Template != nil, m.Text != nil, m.Media != nil} {
		if given {
			n++
		}
	}

	return n
}

// Send queues a message ahead of all campaigns of its number and returns it once that is committed;
// a worker sends it. What is wrong with it comes back as usererror.Fields, all at once. A key that
// was used before gives the message of that call, whatever has changed meanwhile.
func (s *Service) Send(ctx context.Context, m Message) (*ent.Message, error) {
	v, err := identity.Require(ctx, enum.RoleCampaigner)
	if err != nil {
		return nil, err
	}

	obstacles, err := s.identity.Obstacles(ctx, v.Organization)
	if err != nil {
		return nil, err
	}

	toSend, notThere := s.renewed(ctx, m)

	var id uid.ID
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.waker.WakeLaneFirst(ctx, m.PhoneNumberID) })
		made, replayed, err := s.identity.Once(ctx, tx, "sendMessage", m.IdempotencyKey, m, func() (uid.ID, error) {
			if notThere != nil { // a key that was used before gives its message all the same
				return uid.ID{}, notThere
			}
			if err := audience.HoldPeople(ctx, tx, v.Organization); err != nil {
				return uid.ID{}, err
			}

			c := check{tx: tx, client: tx.Client, erased: s.queue.Erased(), now: s.now(),
				obstacles: obstacles[v.Organization]}
			message, err := c.message(ctx, v.Organization, toSend)
			if err != nil {
				return uid.ID{}, err
			}
			if err := s.withinQuota(ctx, tx, c.organization); err != nil {
				return uid.ID{}, err
			}

			ids, err := s.queue.Enqueue(ctx, tx, v.Organization, []delivery.Outgoing{message}, func() error { return nil })
			if err != nil {
				return uid.ID{}, fmt.Errorf("queue a message: %w", err)
			}

			return ids[0], nil
		})
		if id = made; err != nil || replayed {
			return err
		}

		return audit.Record(ctx, tx, m.entry(id))
	})
	if err != nil {
		return nil, err
	}

	row, err := s.db.Client.Message.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read message %s: %w", id, err)
	}

	return row, nil
}

// entry is what the audit trail says of a message that was queued.
func (m Message) entry(id uid.ID) audit.Entry {
	if !m.Tries.IsZero() {
		return audit.Entry{Action: audit.ActionCampaignTest, Subject: m.Tries,
			Summary: "sent a test of the campaign to " + audit.Ending(m.To)}
	}

	return audit.Entry{Action: audit.ActionMessageSend, Subject: id,
		Summary: "queued a message to " + audit.Ending(m.To)}
}

// renewed is a message with the ids by which its number has its uploaded files.
func (s *Service) renewed(ctx context.Context, m Message) (_ Message, err error) {
	if m.Media != nil && whatsapp.IsMediaID(m.Media.MediaID) {
		file := *m.Media
		file.MediaID, err = s.renew(ctx, m.PhoneNumberID, file.MediaID, "content.media.mediaId")
		m.Media = &file
	}

	if m.Template != nil && len(m.Template.Values) <= maxValues {
		filled := Template{m.Template.TemplateID, slices.Clone(m.Template.Values)}
		for i, v := range filled.Values {
			if err != nil || !whatsapp.TakesMedia(v.Parameter) || !whatsapp.IsMediaID(v.Value) {
				continue
			}

			filled.Values[i].Value, err = s.renew(ctx, m.PhoneNumberID, v.Value,
				"content.template.values."+strconv.Itoa(i)+".value")
		}

		m.Template = &filled
	}

	return m, err
}

// withinQuota takes a place in the organization's quota, where it has one.
func (s *Service) withinQuota(ctx context.Context, tx *database.Tx, o *ent.Organization) error {
	quota := o.QuotaMessagesPerDay
	if quota == nil {
		return nil
	}

	room, err := s.queue.Take(ctx, tx, o.ID, *quota)
	if err != nil || room {
		return err
	}

	return usererror.Refuse("", usererror.LimitExceeded,
		"the organization has sent as many messages today as its quota allows (messages a day: %d); "+
			"the day ends at midnight in UTC", *quota)
}
