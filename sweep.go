package main

import (
	"context"
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
func (p *parts) sweep(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"expire leases", func(ctx context.Context) error { _, err := p.queue.ExpireLeases(ctx); return err }},
		{"settle unknown messages", p.settleUnknown},
		{"messaging windows", func(ctx context.Context) error { _, err := p.queue.SweepWindows(ctx); return err }},
		{"restrictions that are over", p.accounts.EndRestrictions},
		{"suspensions that are over", p.endSuspensions},
		{"keys of numbers", p.audience.KeyNumbers},
		{"campaigns", p.campaigns.Sweep},
		{"wake lanes", p.wakeLanes},
		{"wake imports", p.wakeImports},
		{"identity", p.identity.Sweep},
		{"expire events", p.expireEvents},
		{"webhooks to try again", p.webhooks.Retry},
		{"imports", func(ctx context.Context) error {
			return p.audience.Sweep(ctx, database.Now().Add(-p.cfg.RejectionRetention))
		}},
		{"trim webhooks", p.webhooks.Trim},
	} {
		if err := step.do(caller.System(ctx)); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}

	return nil
}

// endSuspensions comes before the campaigns that waited for it.
func (p *parts) endSuspensions(ctx context.Context) error {
	if err := p.operator.EndSuspensions(ctx); err != nil {
		return err
	}
	return p.identity.EndSuspensions(ctx)
}

func (p *parts) expireEvents(ctx context.Context) error {
	_, err := p.queue.ExpireEvents(ctx, database.Now().Add(-p.cfg.EventRetention))
	return err
}

func (p *parts) settleUnknown(ctx context.Context) error {
	owners, err := p.queue.UnknownOwners(ctx)
	if err != nil || len(owners) == 0 {
		return err
	}

	organizations, err := p.db.Client.Organization.Query().Where(organization.IDIn(owners...)).All(ctx)
	if err != nil {
		return err
	}

	policies := map[uid.ID]jsonfield.SendingPolicy{}
	for _, o := range organizations {
		policies[o.ID] = o.SendingPolicy
	}

	rule := whatsapp.RuleFor(whatsapp.CodeLostAnswer, 0, 0, false)
	_, err = p.queue.SettleUnknown(ctx, policies, rule.Code, rule.Title)

	return err
}

func (p *parts) wakeLanes(ctx context.Context) error {
	lanes, err := p.queue.Lanes(ctx)
	for _, number := range lanes {
		p.tasks.WakeLane(ctx, number)
	}

	return err
}

func (p *parts) wakeImports(ctx context.Context) error {
	imports, err := p.audience.WaitingImports(ctx)
	for _, n := range imports {
		p.tasks.WakeImport(ctx, n)
	}

	return err
}
