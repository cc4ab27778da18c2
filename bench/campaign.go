package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/uid"
)

// benchCampaign is a campaign as its owner meets it: from launchCampaign over HTTP until WhatsApp
// has taken the last message, and, in a second campaign, until the last receipt is written down.
// Beside it a bare loop posts as many messages to the same sandbox.
func benchCampaign(ctx context.Context, o options) error {
	for _, store := range o.stores {
		if err := campaignOnce(ctx, store, o.count(100_000)); err != nil {
			return fmt.Errorf("%s: %w", store, err)
		}
	}

	return nil
}

func campaignOnce(ctx context.Context, store string, n int) error {
	var box *sandboxProcess
	p, err := startProgramBefore(ctx, store, func(p *program, callback string) (url string, err error) {
		if box, err = startSandbox(0, callback); err != nil {
			return "", err
		}

		p.closes = append(p.closes, box.stop)

		return box.url, nil
	})
	if err != nil {
		return err
	}

	defer p.close()
	if err := p.draft(ctx, n); err != nil {
		return err
	}

	if err := box.tell(postNoWebhooks); err != nil {
		return err
	}

	bareBegun := p.spent(ctx, box.pid())
	before, err := bareSends(ctx, box.url, n, inFlight(0))
	if err != nil {
		return err
	}

	bare := p.spent(ctx, box.pid()).minus(bareBegun)
	f := figures{"store": store, "n": n}
	accepted := func(c *ent.Campaign) bool { return c.Accepted == n }
	if err := p.timed(ctx, f, "accepted", n, box.pid(), accepted); err != nil {
		return err
	}

	after, err := bareSends(ctx, box.url, n, inFlight(0))
	if err != nil {
		return err
	}

	f["bare_per_second"] = (before + after) / 2
	f["ratio"] = f["accepted_per_second"].(float64) / f["bare_per_second"].(float64)
	f["bare_cpu_us"], f["bare_sandbox_cpu_us"] = perMessage(bare.watcher, n), perMessage(bare.sandbox, n)
	f["cpu_ratio"] = perMessage(bare.watcher+bare.sandbox, n) / cpuOfParts(f, "accepted")
	if err := p.received(ctx, f, n, box); err != nil {
		return err
	}

	return f.print("campaign")
}

// received sends a second campaign to the same people, with three receipts for each message.
func (p *program) received(ctx context.Context, f figures, n int, box *sandboxProcess) error {
	if err := p.create(ctx); err != nil {
		return err
	}
	if err := box.tell(postWebhooks); err != nil {
		return err
	}
	if err := p.timed(ctx, f, "read", n, box.pid(), func(c *ent.Campaign) bool { return c.Read == n }); err != nil {
		return err
	}

	return recounted(caller.System(ctx), delivery.NewQueue(p.db, nil, nil, database.Now))
}

// timed launches the drafted campaign, waits until it is as holds wants it, and notes what that
// took.
func (p *program) timed(ctx context.Context, f figures, name string, n, sandbox int,
	holds func(*ent.Campaign) bool) error {
	begun, at := p.spent(ctx, sandbox), time.Now()
	if err := p.launch(ctx); err != nil {
		return err
	}

	id, err := uid.Parse(p.campaign)
	if err != nil {
		return err
	}

	if err := p.until(ctx, id, holds); err != nil {
		return err
	}

	seconds, cost := time.Since(at).Seconds(), p.spent(ctx, sandbox).minus(begun)
	f[name+"_seconds"], f[name+"_per_second"] = seconds, float64(n)/seconds
	f[name+"_own_cpu_us"], f[name+"_database_cpu_us"], f[name+"_sandbox_cpu_us"] = perMessage(cost.own, n),
		perMessage(cost.database, n), perMessage(cost.sandbox, n)

	return nil
}

// programSpent is CPU time of the program's processes, of PostgreSQL, of the sandbox and of this
// process.
type programSpent struct{ own, database, sandbox, watcher time.Duration }

func (p *program) spent(ctx context.Context, sandbox int) (s programSpent) {
	for _, child := range p.processes {
		s.own += cpuOf(child.Process.Pid)
	}

	s.database, s.sandbox, s.watcher = p.serverCPU(ctx), cpuOf(sandbox), cpuOf(os.Getpid())

	return s
}

func (s programSpent) minus(o programSpent) programSpent {
	return programSpent{s.own - o.own, s.database - o.database, s.sandbox - o.sandbox, s.watcher - o.watcher}
}

// cpuOfParts is what program, database and sandbox took for a message together.
func cpuOfParts(f figures, name string) (all float64) {
	for _, part := range []string{"own", "database", "sandbox"} {
		all += f[name+"_"+part+"_cpu_us"].(float64)
	}

	return all
}

// perMessage is in microseconds.
func perMessage(cpu time.Duration, n int) float64 { return float64(cpu.Microseconds()) / float64(n) }
