package metawebhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"carillon/whatsapp"
)

const (
	// maxBody is Meta's documented maximum of 3 MB and some room.
	maxBody = 4 << 20

	// smallBody is up to where a body may use all of the memory for bodies. Larger ones share three
	// quarters of it, so that a few large ones that come slowly do not keep out the ordinary ones.
	smallBody = 64 << 10

	// firstPart is what a body gets that does not say how long it is.
	firstPart = 8 << 10

	// fullPart is what a body gets at a time once it is large.
	fullPart = 64 << 10

	// tryAgainAfter is when Meta may send a webhook again for which there was no memory, in seconds.
	tryAgainAfter = 5
)

// bodies bounds the memory, in bytes, that the bodies of webhooks take in this process at once,
// whoever sends them.
type bodies struct {
	most int64

	mu   sync.Mutex
	used int64
}

// take reserves n bytes more for a body that has some already. It reports false when there is no
// room.
func (b *bodies) take(has, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	most := b.most
	if has+n > smallBody {
		most -= most / 4
	}
	if b.used+n > most {
		return false
	}

	b.used += n

	return true
}

func (b *bodies) give(n int64) {
	b.mu.Lock()
	b.used -= n
	b.mu.Unlock()
}

// inUse is how many bytes are reserved.
func (b *bodies) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

var (
	errNoRoom   = errors.New("there is no memory for the body")
	errTooLarge = errors.New("the body is too large")
	errUnsigned = errors.New("the signature is not right")
)

// fullParts are parts of bodies to be used again, so that they need not be cleared. The collector
// takes those that nobody uses.
var fullParts = sync.Pool{New: func() any { return new([fullPart]byte) }}

// body is the body of a request while it is read. It is kept in parts as it comes, which are put
// together once the signature is right: for those who cannot sign, nothing is copied.
type body struct {
	bytes []byte // the whole, once it is read
	parts [][]byte
	size  int // bytes in the parts
	room  *bodies
	held  int64 // reserved of room
}

// grow adds an empty part of n bytes.
func (b *body) grow(n int) error {
	if !b.room.take(b.held, int64(n)) {
		return errNoRoom
	}

	b.held += int64(n)
	if n == fullPart {
		b.parts = append(b.parts, fullParts.Get().(*[fullPart]byte)[:0])
	} else {
		b.parts = append(b.parts, make([]byte, 0, n))
	}

	return nil
}

// join makes one of the parts. What it gives never shares memory with another body.
func (b *body) join() error {
	if len(b.parts) == 1 && cap(b.parts[0]) != fullPart {
		b.bytes = b.parts[0]
		return nil
	}

	if !b.room.take(b.held, int64(b.size)) {
		return errNoRoom
	}

	before := b.held
	b.held = int64(b.size)
	b.bytes = bytes.Join(b.parts, nil)
	b.drop()
	b.room.give(before)

	return nil
}

// drop lets others use the parts.
func (b *body) drop() {
	for _, part := range b.parts {
		if cap(part) == fullPart {
			fullParts.Put((*[fullPart]byte)(part[:fullPart]))
		}
	}

	b.parts = nil
}

// release gives the memory back. The bytes must not be used any more.
func (b *body) release() {
	b.drop()
	b.room.give(b.held)
	b.bytes, b.held = nil, 0
}

// read takes in a request's body and its signature, in one pass. The caller releases the body, also
// after an error.
func (b *body) read(r *http.Request, signature *whatsapp.Verifier) error {
	if r.ContentLength > maxBody {
		return errTooLarge
	}

	next, most := firstPart, maxBody+1
	if r.ContentLength >= 0 {
		most = int(r.ContentLength) + 1 // one more, to see its end without growing
		next = min(most, fullPart)
	}

	for {
		if err := b.grow(next); err != nil {
			return err
		}

		err := b.fill(r.Body, signature)

		switch {
		case b.size >= most:
			return errTooLarge // or longer than it says
		case err == io.EOF && !signature.Valid():
			return errUnsigned
		case err == io.EOF:
			return b.join()
		case err != nil:
			return err
		}

		next = min(b.size, fullPart, most-b.size)
	}
}

// fill reads until the last part is full. The end of the body is io.EOF.
func (b *body) fill(from io.Reader, signature *whatsapp.Verifier) error {
	part := b.parts[len(b.parts)-1]
	for len(part) < cap(part) {
		n, err := from.Read(part[len(part):cap(part)])
		signature.Write(part[len(part) : len(part)+n])
		part = part[:len(part)+n]
		b.parts[len(b.parts)-1] = part
		b.size += n

		if err != nil {
			return err
		}
	}

	return nil
}

// refusals are how requests are answered whose body is not taken.
var refusals = []struct {
	err    error
	status int
	text   string
}{
	{errUnsigned, http.StatusUnauthorized, "unauthorized"},
	{errTooLarge, http.StatusRequestEntityTooLarge, "payload too large"},
	{errNoRoom, http.StatusServiceUnavailable, "try again"},
	{errStopping, http.StatusServiceUnavailable, "try again"},
	{os.ErrDeadlineExceeded, http.StatusRequestTimeout, "the body came too slowly"},
}

// refuse answers a request whose body is not taken. What of it has not been read yet is never read.
func refuse(w http.ResponseWriter, err error) {
	status, text := http.StatusBadRequest, "the body could not be read"
	for _, refusal := range refusals {
		if errors.Is(err, refusal.err) {
			status, text = refusal.status, refusal.text
		}
	}

	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(tryAgainAfter))
	}

	// Without both, net/http would read on, to use the connection again.
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // not every ResponseWriter can
	http.Error(w, text, status)
}
