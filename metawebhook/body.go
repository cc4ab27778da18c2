package metawebhook

import (
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

	// firstBuffer is what a body gets that does not say how long it is.
	firstBuffer = 8 << 10

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

// body is the body of a request while it is read.
type body struct {
	bytes []byte
	room  *bodies
	held  int64 // reserved of room
}

// grow makes room for more bytes, up to size in all.
func (b *body) grow(size int) error {
	n := int64(size)
	if !b.room.take(b.held, n) {
		return errNoRoom
	}

	larger := append(make([]byte, 0, size), b.bytes...)
	b.room.give(b.held)
	b.bytes, b.held = larger, n

	return nil
}

// release gives the memory back. The bytes must not be used any more.
func (b *body) release() {
	b.room.give(b.held)
	b.bytes, b.held = nil, 0
}

// read takes in a request's body and its signature, in one pass. The caller releases the body, also
// after an error.
func (b *body) read(r *http.Request, signature *whatsapp.Verifier) error {
	if r.ContentLength > maxBody {
		return errTooLarge
	}

	size, most := firstBuffer, maxBody+1
	if r.ContentLength >= 0 {
		most = int(r.ContentLength) + 1 // one more, to see its end without growing
		size = min(most, smallBody)
	}

	if err := b.grow(size); err != nil {
		return err
	}

	for {
		n, err := r.Body.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		signature.Write(b.bytes[len(b.bytes) : len(b.bytes)+n])
		b.bytes = b.bytes[:len(b.bytes)+n]

		switch {
		case len(b.bytes) > maxBody:
			return errTooLarge
		case err == io.EOF && !signature.Valid():
			return errUnsigned
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}

		if len(b.bytes) == cap(b.bytes) {
			if err := b.grow(min(2*cap(b.bytes), most)); err != nil {
				return err
			}
		}
	}
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
