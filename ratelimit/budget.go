package ratelimit

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"
)

// Kind says whose budget it is. Callers of the API read it.
type Kind string

const (
	Token        Kind = "token"        // an API key's or a session's
	Organization Kind = "organization" // of all its tokens together
	Address      Kind = "address"      // of callers without a token
)

// Rate is how many points a budget gets back in a minute, and how many it holds at most. Without
// points a minute there is no budget of that kind.
type Rate struct{ PerMinute, Burst int }

// window is how long an empty budget takes until it is full.
func (r Rate) window() time.Duration { return r.refill(float64(r.Burst)) }

// refill is how long so many points take to come back.
func (r Rate) refill(points float64) time.Duration {
	return time.Duration(math.Ceil(points * float64(time.Minute) / float64(r.PerMinute)))
}

// Owner is whose budget pays.
type Owner struct {
	Kind Kind
	ID   string
}

// Never is the Wait for more points than a budget can hold.
const Never time.Duration = math.MaxInt64

// Level is what a budget has left.
type Level struct {
	Kind             Kind
	Limit, Remaining int           // points
	Window           time.Duration // from empty to full
	Full             time.Duration // until it is full
	Wait             time.Duration // until it has enough for what it could not pay; zero if it could
}

// Budgets bound what callers may ask for by its cost in points. Each budget is a token bucket. All
// processes share the budgets over Redis. While Redis is away each process has its own, for a
// bounded number of owners, and they begin full.
//
// The library redis_rate has such a bucket, but takes one key in a round trip, and it forgets
// points that are given back if they make the bucket full. So one script takes from several at
// once.
type Budgets struct {
	redis   redis.UniversalClient
	prefix  string
	rates   map[Kind]Rate
	local   *buckets
	log     *slog.Logger
	logged  rate.Sometimes
	refused *prometheus.CounterVec
}

// noteFailureEvery is how often the log says that Redis fails to count.
const noteFailureEvery = time.Minute

// NewBudgets keeps the budgets under prefix. The client should fail fast: callers wait for it.
func NewBudgets(client redis.UniversalClient, prefix string, rates map[Kind]Rate, log *slog.Logger) *Budgets {
	return &Budgets{redis: client, prefix: prefix, rates: rates, local: newBuckets(rates, time.Now), log: log,
		logged: rate.Sometimes{First: 1, Interval: noteFailureEvery},
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "carillon_api_over_budget_total",
			Help: "Operations refused since a budget had too few points."}, []string{"budget"})}
}

// Metrics counts what was refused, by budget.
func (b *Budgets) Metrics() []prometheus.Collector { return []prometheus.Collector{b.refused} }

//go:embed budget.lua
var budgetSource string

var budgetScript = redis.NewScript(budgetSource)

// Spend takes so many points, at least one, from the budget of every owner, or from none if one has
// too few. Then Wait of that budget's level says when it has enough. Owners whose kind has no rate
// pay nothing and have no level. It makes one call to Redis, or none if nobody pays.
//
// The last owner has to be the one to whom the others belong: on a cluster that puts their budgets
// on one node.
func (b *Budgets) Spend(ctx context.Context, cost int, owners ...Owner) (levels []Level, paid bool) {
	var payers []Owner
	for _, o := range owners {
		if b.rates[o.Kind].PerMinute > 0 {
			payers = append(payers, o)
		}
	}

	if len(payers) == 0 {
		return nil, true
	}

	gone, paid, err := b.shared(ctx, cost, payers, owners[len(owners)-1].ID)
	if err != nil {
		b.note(ctx, err)
		gone, paid = b.local.spend(cost, payers)
	}

	for i, o := range payers {
		l := level(o.Kind, b.rates[o.Kind], gone[i], cost, paid)
		if l.Wait > 0 {
			b.refused.WithLabelValues(string(o.Kind)).Inc()
		}

		levels = append(levels, l)
	}

	return levels, paid
}

// level is what a budget has left from which so many points are gone.
func level(kind Kind, r Rate, gone float64, cost int, paid bool) Level {
	l := Level{Kind: kind, Limit: r.Burst, Remaining: max(0, int(math.Floor(float64(r.Burst)-gone))),
		Window: r.window(), Full: r.refill(gone)}
	switch missing := gone + float64(cost) - float64(r.Burst); {
	case paid || missing <= 0:
	case cost > r.Burst:
		l.Wait = Never
	default:
		l.Wait = r.refill(missing)
	}

	return l
}

// shared spends from what all processes have together. It says how many points are gone from each
// budget then.
func (b *Budgets) shared(ctx context.Context, cost int, payers []Owner, tag string) (gone []float64, paid bool,
	err error) {
	keys, args := make([]string, len(payers)), []any{cost}
	for i, o := range payers {
		r := b.rates[o.Kind]
		keys[i] = fmt.Sprintf("%s:points:{%s}:%s:%s", b.prefix, tag, o.Kind, o.ID)
		args = append(args, r.Burst, r.PerMinute)
	}

	reply, err := budgetScript.Run(ctx, b.redis, keys, args...).Slice()
	if err != nil {
		return nil, false, err
	}
	if len(reply) != 1+len(payers) {
		return nil, false, fmt.Errorf("the budget script answers %d values", len(reply))
	}

	for _, text := range reply[1:] {
		points, err := strconv.ParseFloat(fmt.Sprint(text), 64)
		if err != nil {
			return nil, false, fmt.Errorf("the budget script answers: %w", err)
		}

		gone = append(gone, points)
	}

	return gone, reply[0] == int64(1), nil
}

// note logs why a budget is not shared. A caller who has left is no reason.
func (b *Budgets) note(ctx context.Context, err error) {
	if ctx.Err() == nil {
		b.logged.Do(func() {
			b.log.Warn("budgets of API calls cannot be counted in Redis: each process counts its own", "error", err)
		})
	}
}
