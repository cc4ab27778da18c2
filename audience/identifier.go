package audience

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"carillon/ent/enum"
	"carillon/uid"
)

// Identity is what is told of one person at once: by a webhook, by the answer to a message, or by
// somebody who adds a contact. Everything in it is about the same person, so that two contacts
// which it names are one.
type Identity struct {
	Organization uid.ID

	// Phone is a number as WhatsApp or a person writes it, with its country code. What is no number
	// but a user id counts as one; what is neither names nobody.
	Phone string
	// UserID is WhatsApp's business-scoped user id.
	UserID string
	// Others are further numbers and user ids of theirs, such as the parent user id.
	Others []string
	// Contact is a contact that they are known to be; zero where nothing says.
	Contact uid.ID

	Username string
	Name     string
	// At is when this was so, by WhatsApp's clock.
	At time.Time
	// Make says what is made of somebody whom nobody knows.
	Make Making
}

// Making is what Identify makes of somebody whom nobody knows.
type Making int

const (
	// MakeNothing remembers which identifiers belong together, where there are several.
	MakeNothing Making = iota
	// MakeStranger keeps an id for the person, under which their consent can be recorded.
	MakeStranger
	// MakeContact makes a contact.
	MakeContact
)

// identifier is one way by which a person is found.
type identifier struct {
	organization uid.ID
	kind         enum.IdentifierKind
	value        string
}

func compareIdentifiers(a, b identifier) int {
	return cmp.Or(uid.Compare(a.organization, b.organization), strings.Compare(string(a.kind), string(b.kind)),
		strings.Compare(a.value, b.value))
}

const (
	leastPhoneDigits = 5   // of a number that WhatsApp gives; some islands have no more
	maxUserID        = 200 // bytes; Meta's are up to 138
	maxUsername      = 100 // characters; Meta's are up to 35
)

// userIDForm is a user id as Meta writes it: a country and up to 128 letters and digits. That of a
// linked portfolio has ENT in between.
var userIDForm = regexp.MustCompile(`^([A-Z]{2})\.(?:ENT\.)?[A-Za-z0-9]{1,128}$`)

// IsUserID reports whether an address is a business-scoped user id and no number.
func IsUserID(address string) bool { return userIDForm.MatchString(address) }

// userIDCountry is the country that a user id names; empty where it is none.
func userIDCountry(userID string) string {
	if m := userIDForm.FindStringSubmatch(userID); m != nil && isCountry(m[1]) {
		return m[1]
	}
	return ""
}

// Address reads who somebody is by what WhatsApp writes in one of its fields: E.164 with its +, or
// a user id. It is empty for what is neither. WhatsApp knows its numbers, whatever a table of
// numbering plans thinks of them.
func Address(told string) string {
	told = visible(told)
	if IsUserID(told) {
		return told
	}

	digits := strings.TrimPrefix(told, "+")
	if len(digits) < leastPhoneDigits || len(digits) > maxDigits || strings.Trim(digits, "0123456789") != "" ||
		digits[0] == '0' {
		return ""
	}

	return "+" + digits
}

// AddressCountry is the ISO 3166 country of a number in E.164 or of a user id; empty where neither
// says.
func AddressCountry(address string) string {
	if IsUserID(address) {
		return userIDCountry(address)
	}

	_, country, err := Phone(address, "")
	if err != nil {
		return ""
	}

	return country
}

// visible is s without the blanks and the invisible marks around it.
func visible(s string) string {
	return strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.IsControl(r)
	})
}

// told is an Identity that is read.
type told struct {
	Identity
	phone, userID string // cleaned; empty where there is none
	identifiers   []identifier
	written       map[identifier]string
	people        []uid.ID // who they are, where something besides the identifiers says it
}

func read(in Identity) told {
	t := told{Identity: in, written: map[identifier]string{}}
	t.Username, t.Name = cut(clean(strings.TrimPrefix(visible(in.Username), "@")), maxUsername),
		cut(clean(strings.TrimSpace(in.Name)), maxName)
	if id := visible(in.UserID); isPlainUserID(id) {
		t.userID = id
	}

	switch address := Address(in.Phone); {
	case IsUserID(address):
		t.userID = cmp.Or(t.userID, address)
		t.add(address)
	case address != "":
		t.phone = address
	}

	t.add(t.phone)
	t.addUserID(t.userID)
	for _, other := range in.Others {
		t.add(Address(other))
	}

	if !in.Contact.IsZero() {
		t.identifiers = append(t.identifiers, identifier{in.Organization, enum.IdentifierKindContact, in.Contact.String()})
	}

	slices.SortFunc(t.identifiers, compareIdentifiers)
	t.identifiers = slices.Compact(t.identifiers)

	return t
}

// isPlainUserID is what is believed of a field that is for user ids: also one of a form that is
// yet to come.
func isPlainUserID(id string) bool {
	return id != "" && len(id) <= maxUserID && strings.IndexFunc(id, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '_' && r != '-'
	}) < 0
}

func (t *told) add(address string) {
	switch {
	case address == "":
	case IsUserID(address):
		t.addUserID(address)
	default:
		i := identifier{t.Organization, enum.IdentifierKindPhone, NumberKey(address)}
		t.identifiers = append(t.identifiers, i)
		if i.value != address && t.written[i] == "" {
			t.written[i] = address
		}
	}
}

func (t *told) addUserID(id string) {
	if id != "" {
		t.identifiers = append(t.identifiers, identifier{t.Organization, enum.IdentifierKindUserID, id})
	}
}
