package ratelimit

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// mostBuckets is how many owners of one kind have a budget within a process. Beyond, the one that
// paid longest ago is forgotten. Each kind has its own, so that many addresses push out no token.
const mostBuckets = 10_000

// buckets are budgets within this process. Their memory is bounded.
type buckets struct {
	now   func() time.Time
	rates map[Kind]Rate

	mu    sync.Mutex
	kinds map[Kind]*simplelru.LRU[string, *rate.Limiter]
}

func newBuckets(rates map[Kind]Rate, now func() time.Time) *buckets {
	b := &buckets{now: now, rates: rates, kinds: map[Kind]*simplelru.LRU[string, *rate.Limiter]{}}
	for kind := range rates {
		b.kinds[kind], _ = simplelru.NewLRU[string, *rate.Limiter](mostBuckets, nil) // fails only for a size below one
	}

	return b
}

// spend does what the script does. Under the lock nothing comes between the look and the payment.
func (b *buckets) spend(cost int, payers []Owner) (gone []float64, paid bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, each := b.now(), make([]*rate.Limiter, len(payers))
	paid = true

	for i, o := range payers {
		each[i] = b.bucket(o)
		paid = paid && each[i].TokensAt(now) >= float64(cost)
	}

	for _, one := range each {
		if paid {
			one.AllowN(now, cost)
		}

		gone = append(gone, float64(one.Burst())-one.TokensAt(now))
	}

	return gone, paid
}

func (b *buckets) bucket(o Owner) *rate.Limiter {
	known, is := b.kinds[o.Kind].Get(o.ID)
	if !is {
		r := b.rates[o.Kind]
		known = rate.NewLimiter(rate.Limit(float64(r.PerMinute)/60), r.Burst)
		b.kinds[o.Kind].Add(o.ID, known)
	}

	return known
}
