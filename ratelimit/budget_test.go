package ratelimit_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/redis/go-redis/v9"

	"carillon/database/dbtest"
	"carillon/ratelimit"
	"carillon/redisclient"
)

// slow budgets get nothing back while a test runs: at one point a minute, a hundred take 100
// minutes.
func slow(token, organization int) map[ratelimit.Kind]ratelimit.Rate {
	return map[ratelimit.Kind]ratelimit.Rate{ratelimit.Token: {PerMinute: 1, Burst: token},
		ratelimit.Organization: {PerMinute: 1, Burst: organization}, ratelimit.Address: {PerMinute: 1, Burst: 10}}
}

var (
	token   = ratelimit.Owner{Kind: ratelimit.Token, ID: "key_a"}
	another = ratelimit.Owner{Kind: ratelimit.Token, ID: "key_b"}
	shop    = ratelimit.Owner{Kind: ratelimit.Organization, ID: "org_a"}
)

func budgets(t *testing.T, rates map[ratelimit.Kind]ratelimit.Rate) *ratelimit.Budgets {
	t.Helper()
	client, prefix := dbtest.Redis(t)
	return ratelimit.NewBudgets(client, prefix, rates, discard)
}

// left is what the budgets have left after a payment.
func left(t *testing.T, b *ratelimit.Budgets, cost int, wants bool, owners ...ratelimit.Owner) string {
	t.Helper()
	levels, paid := b.Spend(t.Context(), cost, owners...)
	if paid != wants {
		t.Fatalf("paying %d: %v, want %v (%+v)", cost, paid, wants, levels)
	}

	var all []string
	for _, l := range levels {
		all = append(all, fmt.Sprint(l.Kind, " ", l.Remaining))
	}

	return strings.Join(all, ", ")
}

func TestTwoProcessesTogetherLetThroughExactlyTheBudget(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	var paid atomic.Int64
	var callers sync.WaitGroup

	for range 2 {
		process := ratelimit.NewBudgets(client, prefix, slow(700, 10_000), discard)
		for range 20 {
			callers.Go(func() {
				for range 10 {
					if _, ok := process.Spend(t.Context(), 7, token, shop); ok {
						paid.Add(7)
					}
				}
			})
		}
	}

	callers.Wait()
	if paid.Load() != 700 {
		t.Errorf("%d points were spent of 700", paid.Load())
	}
}

func TestAnOrganizationThatCannotPayCostsItsTokenNothing(t *testing.T) {
	t.Parallel()
	b := budgets(t, slow(100, 50))
	if got := left(t, b, 40, true, token, shop); got != "token 60, organization 10" {
		t.Errorf("after 40: %s", got)
	}
	if got := left(t, b, 11, false, another, shop); got != "token 100, organization 10" {
		t.Errorf("after a refusal: %s", got)
	}
	if got := left(t, b, 10, true, another, shop); got != "token 90, organization 0" {
		t.Errorf("after 10 more: %s", got)
	}
	if got := left(t, b, 1, false, token, shop); got != "token 60, organization 0" {
		t.Errorf("the first token has %s", got)
	}
}

func TestARefusalSaysWhoseBudgetAndHowLong(t *testing.T) {
	t.Parallel()
	rates := map[ratelimit.Kind]ratelimit.Rate{ratelimit.Token: {PerMinute: 1, Burst: 120},
		ratelimit.Organization: {PerMinute: 10, Burst: 1200}}
	b := budgets(t, rates)
	left(t, b, 120, true, token, shop)

	levels, paid := b.Spend(t.Context(), 30, token, shop)
	if paid || levels[0].Wait < 25*time.Minute || levels[0].Wait > 30*time.Minute ||
		levels[1].Wait != 0 {
		t.Errorf("refused with %+v", levels)
	}

	if levels[0].Limit != 120 || levels[0].Window != 2*time.Hour || levels[0].Full < 115*time.Minute {
		t.Errorf("the token's budget is %+v", levels[0])
	}

	levels, paid = b.Spend(t.Context(), 121, another, shop)
	if paid || levels[0].Wait != ratelimit.Never || levels[1].Wait != 0 || levels[0].Remaining != 120 {
		t.Errorf("what is beyond the budget is refused with %+v", levels)
	}

	if got := refusals(t, b, "token"); got != 2 {
		t.Errorf("%v refusals are counted", got)
	}
	if got := refusals(t, b, "organization"); got != 0 {
		t.Errorf("%v refusals of the organization are counted", got)
	}
}

func refusals(t *testing.T, b *ratelimit.Budgets, kind string) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(b.Metrics()...)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}

	for _, family := range families {
		for _, m := range family.GetMetric() {
			if named(m, kind) {
				return m.GetCounter().GetValue()
			}
		}
	}

	return 0
}

func named(m *dto.Metric, kind string) bool {
	return len(m.GetLabel()) == 1 && m.GetLabel()[0].GetName() == "budget" && m.GetLabel()[0].GetValue() == kind
}

func TestABudgetRefills(t *testing.T) {
	t.Parallel()
	b := budgets(t, map[ratelimit.Kind]ratelimit.Rate{ratelimit.Token: {PerMinute: 60_000_000, Burst: 1_000_000}})
	left(t, b, 1_000_000, true, token)

	for range 3 {
		for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
			if _, paid := b.Spend(t.Context(), 100_000, token); paid {
				break
			}
		}
	}
}

func TestABudgetThatIsFullLeavesNoKey(t *testing.T) {
	t.Parallel()
	client, prefix := dbtest.Redis(t)
	b := ratelimit.NewBudgets(client, prefix,
		map[ratelimit.Kind]ratelimit.Rate{ratelimit.Token: {PerMinute: 60, Burst: 1000}}, discard)
	left(t, b, 100, true, token)

	key := prefix + ":points:{key_a}:token:key_a"
	if ttl, err := client.PTTL(t.Context(), key).Result(); err != nil || ttl <= 0 || ttl > 100*time.Second {
		t.Errorf("%s lives for %v: %v", key, ttl, err)
	}
}

func TestWithoutARateThereIsNoBudgetAndNoCall(t *testing.T) {
	t.Parallel()
	rates := slow(1, 1)
	rates[ratelimit.Token] = ratelimit.Rate{}
	delete(rates, ratelimit.Address)
	b := ratelimit.NewBudgets(dead(t), "x", rates, discard)

	for range 3 {
		if got := left(t, b, 1000, true, token); got != "" {
			t.Errorf("without a rate the budget is %s", got)
		}
		if got := left(t, b, 1000, true, ratelimit.Owner{Kind: ratelimit.Address, ID: "192.0.2.1"}); got != "" {
			t.Errorf("without a rate the budget is %s", got)
		}
	}

	if got := left(t, b, 1, true, token, shop); got != "organization 0" {
		t.Errorf("the organization alone pays: %s", got)
	}
}

func TestWhileRedisIsAwayEachProcessHasItsOwnBudgetsAndThenTheSharedAgain(t *testing.T) {
	t.Parallel()
	wire := dbtest.NewWire(t, dbtest.RedisURL(t))
	options, err := redis.ParseURL(wire.URL)
	if err != nil {
		t.Fatal(err)
	}

	var log bytes.Buffer
	q := redisclient.NewQuick(redis.UniversalOptions{Addrs: []string{options.Addr}, DB: options.DB}, discard)
	t.Cleanup(func() { _ = q.Close() })
	b := ratelimit.NewBudgets(q, "x", slow(100, 150), slog.New(slog.NewTextHandler(&log, nil)))
	left(t, b, 60, true, token, shop)

	wire.Cut()
	if got := left(t, b, 90, true, token, shop); got != "token 10, organization 60" {
		t.Errorf("without Redis: %s", got)
	}
	if got := left(t, b, 61, false, another, shop); got != "token 100, organization 60" {
		t.Errorf("a refusal without Redis leaves %s", got)
	}
	if got := left(t, b, 11, false, token, shop); got != "token 10, organization 60" {
		t.Errorf("a refusal without Redis leaves %s", got)
	}

	levels, paid := b.Spend(t.Context(), 101, token, shop)
	if paid || levels[0].Wait != ratelimit.Never || levels[1].Wait <= 0 {
		t.Errorf("what is beyond the budget is refused with %+v", levels)
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "each process") {
		t.Errorf("logged %q, want one line", log.String())
	}

	wire.Mend()
	for tick := time.NewTicker(20 * time.Millisecond); q.Ping(t.Context()).Err() != nil; <-tick.C {
	}

	if got := left(t, b, 1, true, token, shop); got != "token 39, organization 89" {
		t.Errorf("with Redis again: %s", got)
	}
}

func TestWhatAProcessKeepsOfBudgetsIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := ratelimit.NewBuckets(slow(10, 10), func() time.Time { return now })
	b.Spend(10, token)

	for i := range 2 * ratelimit.MostBuckets {
		if _, paid := b.Spend(10, ratelimit.Owner{Kind: ratelimit.Address, ID: fmt.Sprint(i)}); !paid {
			t.Fatalf("address %d could not pay", i)
		}
	}

	if n := b.Len(); n != ratelimit.MostBuckets+1 {
		t.Errorf("%d budgets are kept", n)
	}
	if _, paid := b.Spend(1, token); paid {
		t.Error("addresses have pushed out a token")
	}

	now = now.Add(10 * time.Minute)
	if gone, paid := b.Spend(10, token); !paid || gone[0] != 10 {
		t.Errorf("after ten minutes: %v gone, paid %v", gone, paid)
	}
}

func TestManyCallersOfOneProcessSpendExactlyTheBudgetWithoutRedis(t *testing.T) {
	t.Parallel()
	b := ratelimit.NewBudgets(dead(t), "x", slow(300, 500), discard)
	var paid atomic.Int64
	var callers sync.WaitGroup

	for _, who := range []ratelimit.Owner{token, another} {
		for range 20 {
			callers.Go(func() {
				for range 20 {
					if _, ok := b.Spend(t.Context(), 1, who, shop); ok {
						paid.Add(1)
					}
				}
			})
		}
	}

	callers.Wait()
	if paid.Load() != 500 {
		t.Errorf("%d points were spent of 500", paid.Load())
	}
}
