package app

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// heapFloor is never written to, so it takes no memory, but the garbage collector counts it: it
	// runs after some 64 MiB of garbage instead of 4, which were a fifth of what sending a message
	// costs. GOGC works on top of it.
	heapFloor = 64 << 20

	restEvery = 10 * time.Second
	calm      = 8 << 20  // bytes allocated in restEvery by a process that has little to do
	garbage   = 16 << 20 // bytes that are worth a collection
)

// rest knows when a process should give memory back. The runtime would keep what a burst of work
// has left, since heapFloor makes it expect another.
type rest struct {
	last, collected uint64 // bytes allocated since the start: at the last look, at the last collection
}

// look says whether to collect now: little was allocated since the last look, and much since the
// last collection.
func (r *rest) look(allocated uint64) bool {
	since := allocated - r.last
	r.last = allocated
	if since > calm || allocated-r.collected < garbage {
		return false
	}

	r.collected = allocated

	return true
}

// TuneMemory sets how this process uses memory, until stop is called: few collections while it
// sends, and what a burst has left goes back to the system when the process comes to rest.
func TuneMemory() (stop func()) {
	floor, done := make([]byte, heapFloor), make(chan struct{})
	var resting sync.WaitGroup
	resting.Go(func() { giveBack(done) })

	return func() {
		close(done)
		resting.Wait()
		runtime.KeepAlive(floor)
	}
}

// giveBack returns memory to the system whenever the process comes to rest, until done is closed.
// Some tens of milliseconds of one core.
func giveBack(done <-chan struct{}) {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	tick := time.NewTicker(restEvery)
	defer tick.Stop()

	for r := (rest{}); ; {
		select {
		case <-done:
			return
		case <-tick.C:
		}

		metrics.Read(sample)
		if r.look(sample[0].Value.Uint64()) {
			debug.FreeOSMemory()
		}
	}
}
