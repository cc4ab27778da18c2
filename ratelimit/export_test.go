package ratelimit

import "time"

// What the tests of this package look at from outside.
const MostWindows = mostWindows

type Windows struct{ *windows }

func NewWindows(now func() time.Time) Windows { return Windows{newWindows(now)} }

func (w Windows) Count(key string, limit Limit) time.Duration { return w.count(key, limit) }

func (w Windows) Len() (n int) {
	for _, keys := range w.kinds {
		n += keys.Len()
	}

	return n
}

// MostBuckets is how many owners of one kind pay within a process.
const MostBuckets = mostBuckets

type Buckets struct{ *buckets }

func NewBuckets(rates map[Kind]Rate, now func() time.Time) Buckets {
	return Buckets{newBuckets(rates, now)}
}

func (b Buckets) Spend(cost int, payers ...Owner) (gone []float64, paid bool) {
	return b.spend(cost, payers)
}

func (b Buckets) Len() (n int) {
	for _, owners := range b.kinds {
		n += owners.Len()
	}

	return n
}
