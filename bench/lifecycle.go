package main

import (
	"context"
	"time"

	"carillon/caller"
	"carillon/whatsapp/sandbox"
)

// benchLifecycle is whole lives of messages a second through the running program: enrolled, sent,
// told of by three webhooks, and every event streamed to one subscriber.
func benchLifecycle(ctx context.Context, o options) error {
	for _, store := range o.stores {
		if err := lifecycleOnce(ctx, store, o.count(10_000)); err != nil {
			return err
		}
	}

	return nil
}

func lifecycleOnce(ctx context.Context, store string, n int) error {
	p, err := startProgram(ctx, store, sandbox.Options{Throughput: anyRate, NoLimits: true})
	if err != nil {
		return err
	}

	defer p.close()
	if err := p.draft(ctx, n); err != nil {
		return err
	}

	conn, err := p.subscribe(ctx)
	if err != nil {
		return err
	}

	defer conn.Close()
	var cpu time.Duration
	for _, child := range p.processes {
		cpu -= cpuOf(child.Process.Pid)
	}

	begun := costNow()
	if err := p.launch(ctx); err != nil {
		return err
	}

	events := 0
	for events < 4*n { // accepted, sent, delivered, read
		frame, err := nextFrame(conn)
		if err != nil {
			return err
		}

		events += eventsIn(frame)
	}

	f := figures{"store": store}.since(begun, n)
	for _, child := range p.processes {
		cpu += cpuOf(child.Process.Pid)
	}

	f["cpu_seconds_per_1000"], f["events"] = cpu.Seconds()/float64(n)*1000, events
	delete(f, "allocations_per_1000") // of this process, which only watches
	delete(f, "kib_per_1000")
	c := p.db.Client.Campaign.Query().OnlyX(caller.System(ctx))
	f["read"] = c.Read

	return f.print("lifecycle")
}
