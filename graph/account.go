package graph

import (
	"context"

	"carillon/ent"
	"carillon/uid"
)

// currentRate is how fast a number may send now; those of all the response's numbers are asked for at once.
func (r *Resolver) currentRate(ctx context.Context, n *ent.PhoneNumber) (float64, error) {
	l := loadsOf(ctx)
	l.limits.Store(n.ID, limitOf(n))
	return l.rates.load(ctx, n.ID, func(ctx context.Context, numbers []uid.ID) (map[uid.ID]float64, error) {
		perSecond := make(map[uid.ID]float64, len(numbers))
		for _, id := range numbers {
			if limit, known := l.limits.Load(id); known {
				perSecond[id] = limit.(float64)
			}
		}
		return r.Rates.Rates(ctx, perSecond)
	})
}

// limitOf is how many messages a second a number may send at most.
func limitOf(n *ent.PhoneNumber) float64 {
	if n.ThroughputCap != nil {
		return float64(min(n.Throughput, *n.ThroughputCap))
	}
	return float64(n.Throughput)
}
