package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"carillon/usererror"
)

const (
	shortestPassword = 10
	longestPassword  = 200
	saltLength       = 16
	hashLength       = 32
)

// Costs are argon2id's.
type Costs struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

// DefaultCosts are OWASP's recommendation (cheatsheetseries.owasp.org, Password Storage, read
// 2026-10).
var DefaultCosts = Costs{MemoryKiB: 19 * 1024, Passes: 2, Threads: 1}

// passwords hashes, a few at a time: a flood of sign-ins waits instead of eating the memory.
type passwords struct {
	costs Costs
	slots chan struct{}
	decoy func() (string, error) // the hash of no password, to spend as much time on an unknown address
}

func newPasswords(costs Costs, concurrent int) *passwords {
	if costs == (Costs{}) {
		costs = DefaultCosts
	}
	if concurrent == 0 {
		concurrent = max(2, runtime.GOMAXPROCS(0))
	}

	p := &passwords{costs: costs, slots: make(chan struct{}, concurrent)}
	p.decoy = sync.OnceValues(func() (string, error) { return p.hash(context.Background(), rand.Text()) })

	return p
}

// phc is how a hash is stored: github.com/P-H-C/phc-string-format.
const phc = "$argon2id$v=%d$m=%d,t=%d,p=%d$"

func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	sum, err := p.derive(ctx, password, salt, p.costs)
	if err != nil {
		return "", err
	}

	head := fmt.Sprintf(phc, argon2.Version, p.costs.MemoryKiB, p.costs.Passes, p.costs.Threads)

	return head + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(sum), nil
}

// verify reports whether the password is the hash's, and whether the hash was made at other costs
// than today's. An empty hash is nobody's, found out in the same time.
func (p *passwords) verify(ctx context.Context, password, hash string) (right, outdated bool, err error) {
	nobody := hash == ""
	if nobody {
		if hash, err = p.decoy(); err != nil {
			return false, false, err
		}
	}

	var version int
	var costs Costs
	if _, err := fmt.Sscanf(hash, phc, &version, &costs.MemoryKiB, &costs.Passes, &costs.Threads); err != nil ||
		version != argon2.Version {
		return false, false, fmt.Errorf("a stored password hash cannot be read")
	}

	parts := strings.Split(hash, "$")
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[len(parts)-2])
	want, wantErr := base64.RawStdEncoding.DecodeString(parts[len(parts)-1])
	if saltErr != nil || wantErr != nil || len(want) != hashLength {
		return false, false, fmt.Errorf("a stored password hash cannot be read")
	}

	got, err := p.derive(ctx, password, salt, costs)
	if err != nil {
		return false, false, err
	}

	right = subtle.ConstantTimeCompare(got, want) == 1 && !nobody

	return right, right && costs != p.costs, nil
}

func (p *passwords) derive(ctx context.Context, password string, salt []byte, costs Costs) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}

	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, costs.Passes, costs.MemoryKiB, costs.Threads,
		hashLength), nil
}

//go:embed common.txt
var commonList string

// common holds the passwords that are tried first, of those long enough to be allowed.
var common = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(commonList) {
		set[strings.TrimSpace(line)] = true
	}

	return set
})

// checkPassword notes why a new password will not do. It must be none of the personal texts.
func checkPassword(in *usererror.Fields, field, password string, personal ...string) {
	n := utf8.RuneCountInString(password)
	lower := strings.ToLower(password)
	switch {
	case !utf8.ValidString(password):
		in.Add(field, usererror.Invalid, "The password is not valid UTF-8.")
	case n == 0:
		in.Add(field, usererror.Required, "A password is needed.")
	case n < shortestPassword:
		in.Add(field, usererror.TooShort, "The password needs at least %d characters.", shortestPassword)
	case n > longestPassword:
		in.Add(field, usererror.TooLong, "The password can have at most %d characters.", longestPassword)
	case common()[lower]:
		in.Add(field, usererror.Invalid, "This password is among those that attackers try first. Choose another one.")
	default:
		for _, text := range personal {
			if text != "" && lower == strings.ToLower(text) {
				in.Add(field, usererror.Invalid, "The password must not be your name or e-mail address.")
				return
			}
		}
	}
}
