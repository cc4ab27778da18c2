// Package campaign is what a campaign is and may do: it is drafted, launched, enrolled page by
// page, paused, resumed, canceled and completed. Every change of status goes through one function
// and its table (status.go), so of two callers at once one wins and the other gets CONFLICT. It
// keeps its promises in the database alone: a wake-up that is lost only costs the time until the
// sweep.
package campaign

import (
	"context"
	"fmt"
	"time"

	"carillon/account"
	"carillon/audience"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/pricing"
	"carillon/uid"
	"carillon/usererror"
)

// Waker tells workers that there is something to do. It may fail in silence: the sweep finds the
// work again.
type Waker interface {
	WakeEnrollment(ctx context.Context, campaign uid.ID)
	WakeLane(ctx context.Context, phoneNumber uid.ID)
}

// Service does everything that is done to campaigns.
type Service struct {
	db       *database.DB
	queue    *delivery.Queue
	audience *audience.Service
	identity *identity.Service
	accounts *account.Service
	waker    Waker
	news     delivery.News
	now      func() time.Time
	hits     hits
	renew    RenewMedia
	book     *pricing.Book // nil: nothing is priced
}

// PriceBy says what messages cost. Without it, an estimate tells no cost.
func (s *Service) PriceBy(book *pricing.Book) { s.book = book }

// RenewMedia returns the id by which a number can send an uploaded file for a week to come, which
// may be another than is given. What it refuses, it refuses as the value of field.
type RenewMedia func(ctx context.Context, phoneNumber uid.ID, mediaID, field string) (string, error)

// RenewMediaBy says who sees to it that the files of templates' headers are still there when a
// campaign starts. Without it, they are taken as they are.
func (s *Service) RenewMediaBy(renew RenewMedia) { s.renew = renew }

// New makes the service.
func New(db *database.DB, queue *delivery.Queue, audience *audience.Service, identity *identity.Service,
	accounts *account.Service, waker Waker, news delivery.News, now func() time.Time) *Service {
	asItIs := func(_ context.Context, _ uid.ID, mediaID, _ string) (string, error) { return mediaID, nil }
	s := &Service{db: db, queue: queue, audience: audience, identity: identity, accounts: accounts, waker: waker,
		news: news, now: now, renew: asItIs}
	audience.AdmitBy(s.admit)

	return s
}

func (s *Service) find(ctx context.Context, id uid.ID) (*ent.Campaign, error) {
	c, err := s.db.Client.Campaign.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("campaign")
	}
	if err != nil {
		return nil, fmt.Errorf("read campaign %s: %w", id, err)
	}

	return c, nil
}

// expired reports whether a campaign's messages are not to be sent any more.
func (s *Service) expired(c *ent.Campaign) bool {
	return c.ExpiresAt != nil && !c.ExpiresAt.After(s.now())
}

// Canary is the share of a campaign that is sent first, and how far it has come.
type Canary struct {
	jsonfield.Canary
	State enum.CanaryState
}

// CanaryOf is a campaign's canary; nil when it has none.
func CanaryOf(c *ent.Campaign) *Canary {
	if c.Canary == nil || c.CanaryState == nil {
		return nil
	}

	state := *c.CanaryState
	if state == enum.CanaryStatePending && handed(c) > 0 {
		state = enum.CanaryStateSending
	}

	return &Canary{*c.Canary, state}
}
