package app

import (
	"context"
	"errors"
	"fmt"

	"carillon/caller"
	"carillon/database"
	"carillon/ent/jsonfield"
	"carillon/ent/organization"
	"carillon/uid"
	"carillon/whatsapp"
)

// sweep is what a worker does every few seconds: it finds what a lost wake-up or a dead process
// left, in the order in which one thing leads to another.
func (p *App) sweep(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"expire leases", func(ctx context.Context) error { _, err := p.Queue.ExpireLeases(ctx); return err }},
		{"settle unknown messages", p.settleUnknown},
		{"messaging windows", func(ctx context.Context) error { _, err := p.Queue.SweepWindows(ctx); return err }},
		{"clicks that nobody tells again", p.Queue.SweepClicks},
		{"restrictions that are over", p.accounts.EndRestrictions},
		{"tokens that run out", p.watchTokens},
		{"conversations without a holder", p.accounts.SweepThreads},
		{"suspensions that are over", p.endSuspensions},
		{"keys of numbers", p.audience.KeyNumbers},
		{"campaigns", p.campaigns.Sweep},
		{"quiet hours", func(ctx context.Context) error { _, err := p.Queue.ReleaseHeld(ctx); return err }},
		{"wake lanes", waking(p.Queue.Lanes, p.tasks.WakeLane)},
		{"wake imports", waking(p.audience.WaitingImports, p.tasks.WakeImport)},
		{"wake erasures", waking(p.privacy.Waiting, p.tasks.WakeErasure)},
		{"wake exports", waking(p.exports.Waiting, p.tasks.WakeExport)},
		{"wake retentions", waking(p.privacy.Due, p.tasks.WakeRetention)},
		{"exports", p.exports.Sweep},
		{"webhooks of organizations", p.hooks.Sweep},
		{"figures that are too old", p.reconciliation.Sweep},
		{"uploads", p.media.Sweep},
		{"identity", p.Identity.Sweep},
		{"notifications", p.told.Sweep},
		{"expire events", p.expireEvents},
		{"webhooks to try again", p.Webhooks.Retry},
		{"imports", func(ctx context.Context) error {
			return p.audience.Sweep(ctx, database.Now().Add(-p.Config.RejectionRetention))
		}},
		{"trim webhooks", p.Webhooks.Trim},
	} {
		if err := step.do(caller.System(ctx)); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}

	return nil
}

// endSuspensions comes before the campaigns that waited for it.
func (p *App) endSuspensions(ctx context.Context) error {
	if err := p.Operator.EndSuspensions(ctx); err != nil {
		return err
	}
	return p.Identity.EndSuspensions(ctx)
}

// watchTokens warns of tokens that run out, and pauses the campaigns of those that have.
func (p *App) watchTokens(ctx context.Context) error {
	expired, err := p.accounts.WatchTokens(ctx)
	for _, a := range expired {
		err = errors.Join(err, p.campaigns.AccountChanged(ctx, a))
	}

	return err
}

func (p *App) expireEvents(ctx context.Context) error {
	before := database.Now().Add(-p.Config.EventRetention)
	if _, err := p.Queue.ExpireEvents(ctx, before); err != nil {
		return err
	}

	_, err := p.Queue.ExpireAttempts(ctx, before)

	return err
}

func (p *App) settleUnknown(ctx context.Context) error {
	owners, err := p.Queue.UnknownOwners(ctx)
	if err != nil || len(owners) == 0 {
		return err
	}

	organizations, err := p.DB.Client.Organization.Query().Where(organization.IDIn(owners...)).All(ctx)
	if err != nil {
		return err
	}

	policies := map[uid.ID]jsonfield.SendingPolicy{}
	for _, o := range organizations {
		policies[o.ID] = o.SendingPolicy
	}

	rule := whatsapp.RuleFor(whatsapp.CodeLostAnswer, 0, 0, false)
	_, err = p.Queue.SettleUnknown(ctx, policies, rule.Code, rule.Title)

	return err
}

// waking has each of what is found woken. What was found before an error is woken too.
func waking(find func(context.Context) ([]uid.ID, error),
	wake func(context.Context, uid.ID)) func(context.Context) error {
	return func(ctx context.Context) error {
		found, err := find(ctx)
		for _, id := range found {
			wake(ctx, id)
		}

		return err
	}
}
