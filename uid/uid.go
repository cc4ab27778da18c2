// Package uid names rows. An ID is a UUIDv7 whose last byte says what kind of row it names, so that
// it is 16 bytes in the database, sorts by the time of its making, and reads as a type prefix and
// 26 base32 characters (cmp_01k9z…) everywhere else. node(id) needs no look-up table.
package uid

import (
	"bytes"
	"crypto/rand"
	"database/sql/driver"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is what an ID names. Its value is stored in every ID: never reuse or change one.
type Kind byte

const (
	Organization       Kind = 1
	User               Kind = 2
	Member             Kind = 3
	Session            Kind = 4
	APIKey             Kind = 5
	TermsAcceptance    Kind = 6
	IdempotencyKey     Kind = 7
	Account            Kind = 8
	PhoneNumber        Kind = 9
	Template           Kind = 10
	Contact            Kind = 11
	ContactList        Kind = 12
	ConsentRecord      Kind = 13
	ContactImport      Kind = 14
	ImportChunk        Kind = 15
	ImportRejection    Kind = 16
	Campaign           Kind = 17
	Message            Kind = 18
	Statistic          Kind = 19
	UnmatchedWebhook   Kind = 20
	EventCounter       Kind = 21
	MessagingWindow    Kind = 22
	Invitation         Kind = 23
	PasswordReset      Kind = 24
	AuditEvent         Kind = 25
	SecondFactor       Kind = 26
	RecoveryCode       Kind = 27
	ExternalLogin      Kind = 28
	SignInFlow         Kind = 29
	Claim              Kind = 30
	MediaUpload        Kind = 40
	EmailVerification  Kind = 50
	SecurityNotice     Kind = 51
	Thread             Kind = 52
	LinkClick          Kind = 53
	Reconciliation     Kind = 54
	SendAttempt        Kind = 55
	TemplateChange     Kind = 60
	Segment            Kind = 61
	Suppression        Kind = 62
	CampaignRecipient  Kind = 70
	Notification       Kind = 75
	NotificationMail   Kind = 76
	RateCard           Kind = 80
	Erasure            Kind = 85
	ErasedAddress      Kind = 86
	Export             Kind = 90
	ExportPart         Kind = 91
	WebhookEndpoint    Kind = 100
	WebhookDelivery    Kind = 101
	kindsEnd                = 102
	encodedLength           = 26
	alphabet                = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's base32: sorts as its bytes do
	maxCounter         uint = 1<<12 - 1
	counterStartBits        = 11 // a fresh millisecond starts in the lower half, so that the counter has room
	millisecondBits         = 48
	versionNibble      byte = 0x70
	variantBits        byte = 0x80
	positionOfKind          = 15
	millisecondsLength      = 6
)

var prefixes = [kindsEnd]string{
	Organization: "org", User: "usr", Member: "mem", Session: "ses", APIKey: "key", TermsAcceptance: "tac",
	IdempotencyKey: "idk",
	Account:        "acc", PhoneNumber: "pho", Template: "tpl", Contact: "con", ContactList: "lst", ConsentRecord: "csr",
	ContactImport: "imp", ImportChunk: "ich", ImportRejection: "irj", Campaign: "cmp", Message: "msg", Statistic: "sta",
	UnmatchedWebhook: "umw", EventCounter: "evc", MessagingWindow: "mwd",
	Invitation: "inv", PasswordReset: "pwr", AuditEvent: "aud", SecondFactor: "sfa", RecoveryCode: "rcv",
	ExternalLogin: "xlg", SignInFlow: "sif", Claim: "clm", MediaUpload: "mup",
	EmailVerification: "emv", SecurityNotice: "sno", Thread: "thr", LinkClick: "lck", Reconciliation: "rec",
	SendAttempt:    "sat",
	TemplateChange: "tch",
	Segment:        "seg", Suppression: "sup", CampaignRecipient: "crp", Notification: "ntf", NotificationMail: "ntm",
	RateCard: "rcd", Erasure: "ers", ErasedAddress: "era", Export: "exp", ExportPart: "xpt",
	WebhookEndpoint: "whe", WebhookDelivery: "whd",
}

var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// ID names one row. The zero ID names none.
type ID [16]byte

// Compare orders IDs as the databases do: by the time of their making.
func Compare(a, b ID) int { return bytes.Compare(a[:], b[:]) }

// clock makes IDs of one process ascend, also within a millisecond.
var clock struct {
	sync.Mutex
	milliseconds uint64
	counter      uint
}

// New returns an ID of that kind, larger than every one this process has made before.
func New(kind Kind) ID {
	var n ID
	if _, err := rand.Read(n[millisecondsLength:]); err != nil {
		panic(err) // crypto/rand does not fail on any system we run on
	}

	seed := uint(binary.BigEndian.Uint16(n[6:8])) & (1<<counterStartBits - 1)

	clock.Lock()

	if now := uint64(time.Now().UnixMilli()); now > clock.milliseconds {
		clock.milliseconds, clock.counter = now, seed
	} else if clock.counter++; clock.counter > maxCounter {
		clock.milliseconds, clock.counter = clock.milliseconds+1, seed
	}

	milliseconds, counter := clock.milliseconds, clock.counter
	clock.Unlock()

	var head [8]byte
	binary.BigEndian.PutUint64(head[:], milliseconds<<(64-millisecondBits)|uint64(counter))
	copy(n[:8], head[:])
	n[6] |= versionNibble
	n[8] = n[8]&0x3f | variantBits
	n[positionOfKind] = byte(kind)

	return n
}

// Kind says what the ID names; 0 when it names nothing that we know.
func (n ID) Kind() Kind {
	if k := Kind(n[positionOfKind]); k < kindsEnd && prefixes[k] != "" {
		return k
	}
	return 0
}

// IsZero reports whether n is the zero ID.
func (n ID) IsZero() bool { return n == ID{} }

// Time is when the ID was made, to the millisecond.
func (n ID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(n[:8]) >> (64 - millisecondBits))).UTC()
}

// From is where the IDs made at a time, to the millisecond, or later begin. It names nothing
// itself.
func From(t time.Time) (n ID) {
	if ms := t.UnixMilli(); ms > 0 {
		binary.BigEndian.PutUint64(n[:8], uint64(ms)<<(64-millisecondBits))
	}
	return n
}

// String is the public form: prefix, underscore, 26 base32 characters. The zero ID is the empty
// string.
func (n ID) String() string {
	if n.IsZero() {
		return ""
	}
	return prefixes[n.Kind()] + "_" + encoding.EncodeToString(n[:])
}

// Parse reads the public form.
func Parse(s string) (ID, error) {
	prefix, rest, ok := strings.Cut(s, "_")
	var n ID
	if !ok || len(rest) != encodedLength {
		return ID{}, fmt.Errorf("%.40q is not an id", s)
	}
	if _, err := encoding.Decode(n[:], []byte(rest)); err != nil || n.String() != s || prefix == "" {
		return ID{}, fmt.Errorf("%.40q is not an id", s)
	}

	return n, nil
}

// MarshalText writes the public form.
func (n ID) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads the public form; the empty text is the zero ID.
func (n *ID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*n = ID{}
		return nil
	}

	*n, err = Parse(string(b))
	return err
}

// MarshalGQL writes the ID as a GraphQL ID.
func (n ID) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(n.String())) }

// UnmarshalGQL reads a GraphQL ID. What is not an id of ours becomes the zero ID, which names
// nothing: so a made-up id is answered exactly like one of another organization, NOT_FOUND.
func (n *ID) UnmarshalGQL(v any) error {
	switch v := v.(type) {
	case string:
		*n, _ = Parse(v)
		return nil
	case ID: // ent hands ids on in this way
		*n = v
		return nil
	case int, int64, fmt.Stringer: // GraphQL lets a client write an ID as a number
		*n = ID{}
		return nil
	default:
		return fmt.Errorf("an ID is a string, not %T", v)
	}
}

// Value stores the 16 bytes: uuid on PostgreSQL, a blob on SQLite.
func (n ID) Value() (driver.Value, error) { return n[:], nil }

// Scan reads what either database gives.
func (n *ID) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*n = ID{}
		return nil
	case []byte:
		if len(v) == len(n) {
			copy(n[:], v)
			return nil
		}

		return n.scanText(string(v))
	case string:
		return n.scanText(v)
	}

	return fmt.Errorf("scan id: unexpected %T", src)
}

func (n *ID) scanText(s string) error {
	var digits [2*len(n) + 1]byte // one more than fit
	read := digits[:0]
	for i := 0; i < len(s) && len(read) < len(digits); i++ {
		if s[i] != '-' {
			read = append(read, s[i])
		}
	}

	if len(read) != 2*len(n) {
		return fmt.Errorf("scan id: %q is not a uuid", s)
	}
	if _, err := hex.Decode(n[:], read); err != nil {
		return fmt.Errorf("scan id: %q is not a uuid", s)
	}

	return nil
}
