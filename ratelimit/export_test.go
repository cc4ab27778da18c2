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
