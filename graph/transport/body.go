package transport

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"time"
)

const (
	// What a value of decoded JSON takes besides its text, and how many times its text is there: as it
	// came, and as parts.
	jsonValueCost = 64
	jsonTextCost  = 3

	mostValues           = 200_000 // of a request
	mostValuesOfStranger = 5_000
)

// stranger is in whose name something is used by who has not said yet who they are: everybody
// behind one address.
type stranger struct{ network netip.Prefix }

// strangerOf names the stranger who calls. A network of IPv6 is one house: everybody has many
// addresses in theirs.
func (h *Handler) strangerOf(r *http.Request) stranger {
	at, err := netip.ParseAddr(h.options.Address(r))
	if err != nil {
		return stranger{}
	}

	bits := 64
	if at = at.Unmap().WithZone(""); at.Is4() {
		bits = 32
	}

	network, _ := at.Prefix(bits)

	return stranger{network}
}

// intake is the part of a request that is in memory, and who pays for it.
type intake struct {
	account *holder
	paid    int
	most    int // values
}

// intakeOf has those who are known pay from another budget than strangers, so that these cannot
// shut them out.
func (h *Handler) intakeOf(r *http.Request) *intake {
	if h.options.IsStranger(r.Context()) {
		return &intake{account: h.strangersBodies.of(h.strangerOf(r)), most: mostValuesOfStranger}
	}
	return &intake{account: h.bodies.of(h.options.Owner(r.Context())), most: mostValues}
}

func (in *intake) end() {
	in.account.force(-in.paid)
	in.account.done()
}

func (in *intake) pay(n int) error {
	err := in.account.try(n)
	if err == nil {
		in.paid += n
	}

	return err
}

// read reads a body of JSON. It pays as the bytes come, since whoever says how many there will be
// may never send them.
func (in *intake) read(body io.Reader) ([]byte, error) {
	var text []byte
	for free := 4 << 10; ; free = min(2*free, 256<<10) {
		if err := in.pay(free); err != nil {
			return nil, err
		}

		at := len(text)
		text = append(text, make([]byte, free)...)
		n, err := io.ReadFull(body, text[at:])
		text = text[:at+n]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return text, in.unpacked(text)
		}
		if err != nil {
			return nil, err
		}
	}
}

var errTooManyValues = errors.New("too many values")

// unpacked pays for what becomes of a text when it is decoded.
func (in *intake) unpacked(text []byte) error {
	n := values(text)
	if n > in.most {
		return errTooManyValues
	}

	return in.pay((jsonTextCost-1)*len(text) + jsonValueCost*n)
}

// values is how many values there are in JSON: each but the first follows a comma, a colon or an
// opening bracket.
func values(text []byte) (n int) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ':' || c == '{' || c == '['):
			n++
		}
	}

	return n
}

// unread says why a body could not be taken.
func (h *Handler) unread(r *http.Request, err error) *refusal {
	extensions := map[string]any{"retryAfterSeconds": retrySeconds}
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLarge):
		return &refusal{status: http.StatusRequestEntityTooLarge, code: codeBadInput,
			message: "the request is larger than " + itoa(int(tooLarge.Limit)) + " bytes"}
	case errors.Is(err, errOwnInUse):
		return &refusal{status: http.StatusTooManyRequests, code: codeRateLimited,
			message: "too many large requests at a time: wait until some are answered", extensions: extensions}
	case errors.Is(err, errAllInUse):
		return &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable,
			message: "too much is going on here, try again", extensions: extensions}
	case errors.Is(err, errTooManyValues):
		return &refusal{status: http.StatusRequestEntityTooLarge, code: codeTooComplex,
			message: "the request has too many values"}
	case errors.Is(err, errNoSpace):
		h.log.ErrorContext(r.Context(), "graphql: an upload could not be kept", "request_id", RequestID(r.Context()),
			"error", err)
		return &refusal{status: http.StatusServiceUnavailable, code: codeUnavailable,
			message: "the file could not be kept, try again", extensions: extensions}
	}

	return badRequest("the body could not be read")
}

// hurried is a body with a deadline for the whole, and for each part of it at a least pace: a
// client may be slow, and not stop.
type hurried struct {
	io.ReadCloser
	control *http.ResponseController
	begun   time.Time
	grace   time.Duration // in which nothing need come
	whole   time.Duration
	read    int64
}

// leastPace is the bytes a second that a body comes at, or it is given up.
const leastPace = 16 << 10

func (b *hurried) Read(p []byte) (int, error) {
	allowed := min(b.whole, b.grace+time.Duration(b.read)*time.Second/leastPace)
	_ = b.control.SetReadDeadline(b.begun.Add(allowed)) // not every ResponseWriter can
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)

	return n, err
}

// readJSON reads and decodes a body that is one JSON object.
func (h *Handler) readJSON(w http.ResponseWriter, r *http.Request, in *intake, into any) *refusal {
	body := &hurried{ReadCloser: http.MaxBytesReader(w, r.Body, h.options.MaxBody),
		control: http.NewResponseController(w), begun: time.Now(),
		grace: h.options.Timeout, whole: h.options.Timeout}
	text, err := in.read(body)
	if err != nil {
		return h.unread(r, err)
	}

	_ = body.control.SetReadDeadline(time.Time{}) // net/http goes on reading, to see whether the client leaves
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("[")) {
		return badRequest("a request is one operation: send those of a batch in requests of their own")
	}
	if decodeJSON(text, into) != nil {
		return badRequest("the body is no JSON object of the form {query, operationName, variables, extensions}")
	}

	return nil
}

// abandon sees to it that what a client still has to send of a request that was refused is not
// waited for.
func abandon(w http.ResponseWriter, r *http.Request) {
	if r.Body != nil && r.Body != http.NoBody {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Second))
	}
}
