package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/predicate"
	enttemplate "carillon/ent/template"
	"carillon/uid"
	"carillon/whatsapp"
)

const (
	// listingWithin is how old a listing may be that goes on: Meta does not promise how long it knows
	// a cursor, and what was read long ago proves little.
	listingWithin = 24 * time.Hour

	// settledAfter is how long a template must have been left alone for a listing without it to prove
	// that it is gone. Of one that was changed later Meta is asked by its id: the listing may have
	// been made before the change, by a process whose clock is ahead.
	settledAfter = 24 * time.Hour
)

// errTaken says that somebody else has begun a sync of the same account, which goes by what is
// newer.
var errTaken = errors.New("another sync of the account has begun")

// run is one sync of an account.
type run struct {
	lease time.Time // the account's turn while this one runs; zero where no turn was taken
	asked bool      // a member waits for it
	// also is what else is done once the account could be read, in the same transaction; nil for
	// nothing.
	also func(context.Context, *database.Tx, *ent.Account) error
}

// byItself is a run that nobody waits for. It ends as soon as another one has begun.
func (r run) byItself() bool { return !r.asked && !r.lease.IsZero() }

// listing is a reading of all templates of an account, page by page.
type listing struct {
	started time.Time
	after   string // Meta's cursor behind what is stored; empty at the start
	resumed bool   // it began in an earlier sync
}

// listingOf is the listing that a run makes: a member's always begins at the start, so that all of
// it is new to who waits; another goes on where the last one broke off.
func (s *Service) listingOf(a *ent.Account, r run) listing {
	if r.asked || a.ListingStartedAt == nil || a.ListingAfter == nil ||
		s.now().Sub(*a.ListingStartedAt) > listingWithin {
		return listing{started: s.now()}
	}

	return listing{*a.ListingStartedAt, *a.ListingAfter, true}
}

// unlisted is why Meta did not list templates.
type unlisted struct{ error }

func (u unlisted) Unwrap() error { return u.error }

// pullTemplates reads all templates of an account and marks those that Meta has no more as DELETED.
// When it fails on the way, what was read is stored, and a later sync goes on from there.
func (s *Service) pullTemplates(ctx context.Context, a *ent.Account, at Access, r run) error {
	l := s.listingOf(a, r)
	err := s.readPages(ctx, a, at, &l, r)
	if whatsapp.IsStaleCursor(err) {
		l = listing{started: s.now()}
		err = s.readPages(ctx, a, at, &l, r)
	}

	if err == nil {
		err = s.markGone(ctx, a, at, l)
	}

	var from unlisted
	if !errors.As(err, &from) {
		return err
	}
	if kept := s.keepProgress(context.WithoutCancel(ctx), a, l, r); kept != nil {
		return kept
	}

	return s.unread(ctx, a, from.error)
}

// readPages stores the pages of a listing from where it stands, each with the place behind it.
func (s *Service) readPages(ctx context.Context, a *ent.Account, at Access, l *listing, r run) error {
	for page, err := range at.Client.TemplatePages(ctx, at.Token, a.WabaID, l.after) {
		if err != nil {
			return unlisted{err}
		}

		err := s.db.InTx(ctx, func(tx *database.Tx) error {
			if _, err := s.list(ctx, tx, a, page.Templates, l.started); err != nil || !r.byItself() {
				return err
			}
			return s.keepPlace(ctx, tx, a, listing{started: l.started, after: page.Next}, r)
		})
		if err != nil {
			return err
		}

		if page.Next != "" { // a listing that dies before it is wound up reads its last page again
			l.after = page.Next
		}
	}

	return nil
}

// keepPlace writes down how far a listing is, in the transaction that stores the page before, if
// the turn is still this run's.
func (s *Service) keepPlace(ctx context.Context, tx *database.Tx, a *ent.Account, l listing, r run) error {
	row := tx.Client.Account.Update().Where(turn(a.ID, r.lease)).
		SetListingStartedAt(l.started)
	if l.after != "" {
		row.SetListingAfter(l.after)
	}

	n, err := row.Save(ctx)
	if err == nil && n == 0 {
		err = errTaken
	}

	return err
}

// keepProgress lets a later sync go on where one broke off that somebody waited for. Where another
// listing is begun already, that one goes on.
func (s *Service) keepProgress(ctx context.Context, a *ent.Account, l listing, r run) error {
	if r.byItself() || l.after == "" {
		return nil
	}

	err := s.db.Client.Account.Update().Where(entaccount.ID(a.ID), sameToken(a), entaccount.Or(
		entaccount.ListingAfterIsNil(), entaccount.ListingStartedAtLT(s.now().Add(-listingWithin)))).
		SetListingStartedAt(l.started).SetListingAfter(l.after).Exec(ctx)

	return wrap("keep how far the templates are read", err)
}

// missing are the templates that Meta had, are not in a whole listing, and were not changed since.
// What somebody is just having Meta change is left alone.
func missing(a *ent.Account, l listing) predicate.Template {
	return enttemplate.And(enttemplate.AccountID(a.ID), enttemplate.MetaIDNotNil(),
		enttemplate.StatusIn(templateChanges["vanish"].from...), enttemplate.UpdatedAtLTE(l.started),
		enttemplate.Or(enttemplate.ListedAtIsNil(), enttemplate.ListedAtLT(l.started)),
		enttemplate.Or(enttemplate.ChangingUntilIsNil(), enttemplate.ChangingUntilLTE(l.started)))
}

// markGone sets to DELETED what a whole listing does not have. Where the listing alone proves too
// little, Meta is asked for each.
func (s *Service) markGone(ctx context.Context, a *ent.Account, at Access, l listing) error {
	candidates, err := s.db.Client.Template.Query().Where(missing(a, l)).Order(enttemplate.ByID()).All(ctx)
	if err != nil {
		return fmt.Errorf("look for templates that are gone: %w", err)
	}

	var gone []uid.ID
	for _, t := range candidates {
		if l.resumed || t.UpdatedAt.After(l.started.Add(-settledAfter)) {
			if there, err := s.stillThere(ctx, a, at, t, l); err != nil || there {
				if err != nil {
					return err
				}
				continue
			}
		}

		gone = append(gone, t.ID)
	}

	if len(gone) == 0 {
		return nil
	}

	return s.db.InTx(ctx, func(tx *database.Tx) error { return s.vanish(ctx, tx, a, l, gone) })
}

// stillThere asks Meta for a template that a listing does not have, and stores what it says.
func (s *Service) stillThere(ctx context.Context, a *ent.Account, at Access, t *ent.Template, l listing) (bool,
	error) {
	asked := s.now()
	read, err := at.Client.Template(ctx, at.Token, *t.MetaID)
	if whatsapp.IsNoNode(err) {
		return false, nil
	}
	if err != nil {
		return false, unlisted{err}
	}
	if read.ID != *t.MetaID {
		return false, unlisted{errors.New("an answer that is not that template")}
	}

	_, err = s.putTemplates(ctx, a, []whatsapp.Template{read}, asked, cause{actor: byWhatsApp})
	if err == nil {
		err = s.db.Client.Template.Update().Where(enttemplate.ID(t.ID)).SetListedAt(l.started).Exec(ctx)
	}

	return true, wrap("store a template that was not listed", err)
}

// vanish marks templates as DELETED that are missing still.
func (s *Service) vanish(ctx context.Context, tx *database.Tx, a *ent.Account, l listing, gone []uid.ID) error {
	var changed []uid.ID
	tx.After(func(ctx context.Context) { s.changed(ctx, a.OrganizationID, changed...) })

	rows, err := tx.Client.Template.Query().Where(enttemplate.IDIn(gone...), missing(a, l), s.db.Locked).
		Order(enttemplate.ByID()).All(ctx)
	if err != nil {
		return fmt.Errorf("look for templates that are gone: %w", err)
	}

	for _, t := range rows {
		row := tx.Client.Template.UpdateOne(t).ClearComingCategory().SetUpdatedAt(l.started)
		moveTemplate(t, row, "vanish")
		after, err := row.Save(ctx)
		if err != nil {
			return fmt.Errorf("mark template %s as gone: %w", t.ID, err)
		}

		if err := s.note(ctx, tx, cause{byWhatsApp, "WhatsApp has it no more."}, revised{t, after}); err != nil {
			return err
		}

		changed = append(changed, t.ID)
	}

	return nil
}
