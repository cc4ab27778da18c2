package hub

// batch is how many entries a subscriber gets at most in one go, and the size of a tail's blocks: a
// reader that is stuck with what it got holds on to no more than that.
const batch = 256

// tail is the end of one log as it stood at one moment. It does not change: what follows makes a
// new one. So readers need no lock, and all of them share the entries.
type tail[E Entry] struct {
	base, head int64         // it holds the entries base+1 to head
	full       [][]E         // blocks of batch entries
	last       []E           // the block that is being filled
	passed     chan struct{} // closed when there is a later tail
}

func newTail[E Entry](at int64) *tail[E] {
	return &tail[E]{base: at, head: at, passed: make(chan struct{})}
}

// after returns entries that follow on the cursor, at least one; the cursor must be within the
// tail, and not at its head.
func (t *tail[E]) after(cursor int64) []E {
	n, i := (cursor-t.base)/batch, (cursor-t.base)%batch
	if n < int64(len(t.full)) {
		return t.full[n][i:]
	}

	return t.last[i:len(t.last):len(t.last)]
}

// extend returns the tail with those of the entries that follow on it, up to the first gap, and
// drops the oldest blocks beyond keep. It shares t's memory, so it must be done only once to each
// tail.
func (t *tail[E]) extend(entries []E, keep int) *tail[E] {
	next := &tail[E]{base: t.base, head: t.head, full: t.full, last: t.last, passed: make(chan struct{})}
	for _, e := range entries {
		if e.Seq() > next.head+1 {
			break
		}
		if e.Seq() <= next.head {
			continue
		}

		next.head++
		next.last = append(next.last, e) // beyond what any earlier tail shows

		if len(next.last) == batch {
			full := make([][]E, 0, len(next.full)+1)
			next.full = append(append(full, next.full...), next.last[:batch:batch])
			next.last = nil
		}
	}

	if drop := len(next.full) - keep/batch; drop > 0 {
		next.full = next.full[drop:]
		next.base += int64(drop) * batch
	}

	return next
}
