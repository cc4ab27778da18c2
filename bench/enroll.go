package main

import (
	"context"
	"time"

	"carillon/ent"
	"carillon/whatsapp/sandbox"
)

// benchEnroll is how fast an audience becomes messages, and how soon the first of them is sent.
func benchEnroll(ctx context.Context, o options) error {
	for _, store := range o.stores {
		if err := enrollOnce(ctx, store, o.count(200_000)); err != nil {
			return err
		}
	}

	return nil
}

func enrollOnce(ctx context.Context, store string, n int) error {
	m, s, end, err := setScene(ctx, store, sandbox.Options{Throughput: 80})
	if err != nil {
		return err
	}

	defer end()
	if err := s.contacts(n); err != nil {
		return err
	}

	c, err := s.draft()
	if err != nil {
		return err
	}

	ends := s.work()
	defer ends()
	seeded, begun := peakMiB(), costNow()
	if _, err := s.campaigns.Launch(s.owner, c.ID, nil); err != nil {
		return err
	}

	launched := time.Since(begun.at)
	first := make(chan time.Duration, 1)
	go func() {
		_ = m.WaitAccepted(ctx, 1)
		first <- time.Since(begun.at)
	}()

	if err := s.until(ctx, c.ID, func(c *ent.Campaign) bool { return c.EnrolledAt != nil }); err != nil {
		return err
	}

	f := figures{"store": store, "launch_seconds": launched.Seconds()}.since(begun, n)
	f["first_message_seconds"] = (<-first).Seconds()
	f["peak_mib"], f["peak_mib_before"] = peakMiB(), seeded

	return f.print("enroll")
}
