// Package audience keeps the people an organization writes to: contacts, lists and consent, the
// files they come from, and the rules that say who a campaign goes to. It promises that every
// number it stores is E.164 and stands once in an organization, that an import takes each row once
// whatever crashes, and that a contact who opted out stays so.
package audience

import (
	"context"
	"errors"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/uid"
)

// Service changes contacts and lists and runs imports.
type Service struct {
	db   *database.DB
	now  func() time.Time
	news func(ctx context.Context, organization, importID uid.ID)
	wake func(ctx context.Context, importID uid.ID)
	once Once

	erased    *delivery.Erased
	admission Admission

	workbooks chan struct{} // a place for each that is unpacked

	acquaintances *acquaintances
}

// New builds a Service. news is told after each commit that moves an import; nil tells nobody.
func New(db *database.DB, now func() time.Time,
	news func(ctx context.Context, organization, importID uid.ID)) *Service {
	if news == nil {
		news = func(context.Context, uid.ID, uid.ID) {}
	}

	wake := func(context.Context, uid.ID) {}
	return &Service{db: db, now: now, news: news, wake: wake, once: always,
		erased: delivery.NewErased(nil), admission: closed, acquaintances: newAcquaintances(),
		workbooks: make(chan struct{}, workbooksAtOnce)}
}

// WakeBy sets how workers learn of an import that has begun; call it before the first. The call may
// be lost: a sweep finds the import again. Without it nobody is woken.
func (s *Service) WakeBy(wake func(ctx context.Context, importID uid.ID)) { s.wake = wake }

// Once runs make once for a caller's idempotency key; it is identity.Service.Once.
type Once func(ctx context.Context, tx *database.Tx, operation, key string, input any,
	make func() (uid.ID, error)) (id uid.ID, replayed bool, err error)

// RememberBy sets what remembers idempotency keys; call it before the first import. Without it
// none is remembered.
func (s *Service) RememberBy(once Once) { s.once = once }

// KnowErased sets who knows the people that were erased; call it before the first contact.
func (s *Service) KnowErased(erased *delivery.Erased) { s.erased = erased }

func always(_ context.Context, _ *database.Tx, _, _ string, _ any, make func() (uid.ID, error)) (uid.ID, bool, error) {
	id, err := make()
	return id, false, err
}

// moment is the present in the precision that both databases keep.
func (s *Service) moment() time.Time { return database.Moment(s.now()) }

// organization is whose rows the caller writes.
func organization(ctx context.Context) (uid.ID, error) {
	scope, ok := caller.From(ctx)
	if !ok || scope.Organization.IsZero() {
		return uid.ID{}, errors.New("no organization in the context")
	}

	return scope.Organization, nil
}
