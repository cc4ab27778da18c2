package worker

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"carillon/uid"
)

const (
	// headroom keeps a little below the limit, so that messages which leave in time but arrive bunched
	// are still within it: at 97.5 % any second has room for 25 ms of jitter.
	headroom = 0.975
	// lateness is how long after its time a slot may still be used, and written how late a message may
	// be written without costing another slot. headroom × (1 s + written) stays within one second's
	// limit.
	lateness = 20 * time.Millisecond
	written  = 25 * time.Millisecond
	// ahead is how far into the future slots are leased: few enough to lose when a process dies,
	// enough that pacing costs one Redis call for dozens of messages on a fast number.
	ahead = 100 * time.Millisecond
	// climb is the share of its limit that a slowed number wins back in a second.
	climb = 0.01
	// slowAtMostEvery keeps one burst of refusals from counting as many.
	slowAtMostEvery = time.Second
)

// Pace leases moments at which a number may send, shared by all workers over Redis: slots are
// handed out one after another, never closer than the number's rate allows. Meta's refusals halve
// the rate, and it climbs back by itself. Without Redis there are no slots, and nothing is sent.
type Pace struct {
	redis  redis.UniversalClient
	prefix string
}

// NewPace keeps its keys under prefix.
func NewPace(client redis.UniversalClient, prefix string) *Pace { return &Pace{client, prefix} }

//go:embed pace.lua
var paceSource string

var paceScript = redis.NewScript(paceSource)

// slots are a run of them: n of them, every apart, from first on.
type slots struct {
	first time.Time
	every time.Duration
	n     int
	at    time.Duration // of the first, by the clock of Redis
}

// key names a number's state. The braces keep all of a number's keys on one node of a cluster.
func (p *Pace) key(number uid.ID) string { return p.prefix + ":pace:{" + number.String() + "}" }

// lease asks for up to most slots for a number that may send perSecond messages a second. It may
// give none: then wait says how long to wait before asking again.
func (p *Pace) lease(ctx context.Context, number uid.ID, perSecond float64, most int) (s slots, wait time.Duration,
	err error) {
	return p.leaseKey(ctx, p.key(number), perSecond, most, ahead)
}

// leaseCampaign asks for slots of a campaign with a limit of its own, within its number's.
func (p *Pace) leaseCampaign(ctx context.Context, number, campaign uid.ID, perSecond float64, most int) (slots, error) {
	s, _, err := p.leaseKey(ctx, p.key(number)+":"+campaign.String(), perSecond, most, claimAhead)
	return s, err
}

func (p *Pace) leaseKey(ctx context.Context, key string, perSecond float64, most int, ahead time.Duration) (s slots,
	wait time.Duration, err error) {
	reply, err := paceScript.Run(ctx, p.redis, []string{key}, "lease", perSecond*headroom, most, ahead.Microseconds(),
		climb).Int64Slice()
	if err != nil {
		return slots{}, 0, fmt.Errorf("lease slots of %s: %w", key, err)
	}

	granted, delay, every := int(reply[0]), time.Duration(reply[1])*time.Microsecond,
		time.Duration(reply[2])*time.Nanosecond
	if granted == 0 {
		return slots{}, delay, nil
	}

	// Counted from the answer, not from the question: late by the way back, never early.
	return slots{first: time.Now().Add(delay), every: every, n: granted, at: time.Duration(reply[3]) * time.Microsecond},
		0, nil
}

// Slow halves a number's rate, and lets it rest for a while, because Meta said that it is too fast.
func (p *Pace) Slow(ctx context.Context, number uid.ID, perSecond float64, rest time.Duration) error {
	err := paceScript.Run(ctx, p.redis, []string{p.key(number)}, "slow", perSecond*headroom, rest.Microseconds(),
		slowAtMostEvery.Microseconds(), climb).Err()
	if err != nil {
		return fmt.Errorf("slow %s down: %w", number, err)
	}

	return nil
}

// Rates is what numbers may send a second now, after adaptation, by what each may at most. It asks
// Redis once for all.
func (p *Pace) Rates(ctx context.Context, perSecond map[uid.ID]float64) (map[uid.ID]float64, error) {
	pipe := p.redis.Pipeline()
	clock, states := pipe.Time(ctx), make(map[uid.ID]*redis.SliceCmd, len(perSecond))
	for number := range perSecond {
		states[number] = pipe.HMGet(ctx, p.key(number), "rate", "since")
	}

	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("read the rates of %d numbers: %w", len(perSecond), err)
	}

	rates := make(map[uid.ID]float64, len(perSecond))
	for number, state := range states {
		slowed := struct {
			Rate  float64 `redis:"rate"`
			Since int64   `redis:"since"`
		}{Rate: 1}
		if err := state.Scan(&slowed); err != nil {
			return nil, fmt.Errorf("read the rate of %s: %w", number, err)
		}

		passed := max(0, clock.Val().Sub(time.UnixMicro(slowed.Since))) // as pace.lua has it
		rates[number] = perSecond[number] * min(1, slowed.Rate+climb*passed.Seconds())
	}

	return rates, nil
}
