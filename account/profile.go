package account

import (
	"context"
	"errors"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"carillon/audit"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

const (
	// profileFor is how long a profile that was read is good, and unreadFor how long WhatsApp is left
	// alone after it could not be read: a page of numbers must not wait again each time.
	profileFor = 5 * time.Minute
	unreadFor  = 10 * time.Second
	// profileWait bounds one reading, profilesWithin those of a response together, and profilesAtOnce
	// how many of them run beside each other.
	profileWait    = 5 * time.Second
	profilesWithin = 15 * time.Second
	profilesAtOnce = 8
)

// Read is what came of reading a profile: it, or why not. Both are nil of a number whose account is
// disconnected.
type Read struct {
	Profile *whatsapp.Profile
	Err     error

	until time.Time
}

// Profiles are the business profiles of some numbers of the caller's organization, as WhatsApp has
// them now or had them within profileFor. One statement finds the numbers, whatever their number.
func (s *Service) Profiles(ctx context.Context, ids []uid.ID) (map[uid.ID]Read, error) {
	numbers, err := s.db.Client.PhoneNumber.Query().Where(phonenumber.IDIn(ids...)).WithAccount().All(ctx)
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithTimeout(ctx, profilesWithin)
	defer cancel()
	all := make([]Read, len(numbers))
	var group errgroup.Group
	group.SetLimit(profilesAtOnce)
	for i, n := range numbers {
		group.Go(func() error { all[i] = s.profile(ctx, n); return nil })
	}

	_ = group.Wait() // each says for itself what went wrong
	found := make(map[uid.ID]Read, len(numbers))
	for i, n := range numbers {
		found[n.ID] = all[i]
	}

	return found, nil
}

func (s *Service) profile(ctx context.Context, n *ent.PhoneNumber) Read {
	if n.Edges.Account.Status == enum.AccountStatusDisconnected {
		return Read{}
	}

	read := func() (Read, error) { return s.readProfile(ctx, n), ctx.Err() }
	known, err := s.profiles.load(n.ID, read)
	if err == nil && !s.now().Before(known.until) { // a failure is good for less than a profile
		s.profiles.drop(n.ID)
		known, _ = s.profiles.load(n.ID, read)
	}

	return known
}

func (s *Service) readProfile(ctx context.Context, n *ent.PhoneNumber) Read {
	at, err := s.Access(n.Edges.Account)
	if err != nil {
		return Read{Err: err, until: s.now().Add(unreadFor)}
	}

	ctx, cancel := context.WithTimeout(ctx, profileWait)
	defer cancel()
	p, err := at.Client.Profile(ctx, at.Token, n.MetaID)
	if err != nil {
		return Read{Err: unreadable(err), until: s.now().Add(unreadFor)}
	}

	return Read{Profile: &p, until: s.now().Add(profileFor)}
}

// unreadable says for the one field why there is no profile.
func unreadable(err error) error {
	why := "it did not answer"
	if no, is := tokenRefused(err); is {
		return usererror.New(usererror.Unavailable, "WhatsApp does not accept the account's access token any more: %s",
			words(no))
	}
	if no, is := errors.AsType[*whatsapp.Error](err); is {
		why = words(no)
	}

	return &usererror.Error{Kind: usererror.Unavailable, RetryAfter: unreadFor,
		Message: "WhatsApp could not be asked for the business profile: " + why}
}

// Profile is what is to change of a business profile; what is nil stays.
type Profile struct {
	About, Address, Description, Email, Vertical, PictureHandle *string
	Websites                                                    []string
}

// Bounds of a profile's fields, in characters. developers.facebook.com, "Business profiles" (read
// 2025-12).
const (
	longestAbout       = 139
	longestAddress     = 256
	longestDescription = 512
	longestEmail       = 128
	longestWebsite     = 256
	mostWebsites       = 2
	longestHandle      = 8192 // ours: Meta gives none
)

// verticals are the trades that WhatsApp knows.
var verticals = strings.Fields(`UNDEFINED OTHER AUTO BEAUTY APPAREL EDU ENTERTAIN EVENT_PLAN FINANCE GROCERY GOVT HOTEL
	HEALTH NONPROFIT PROF_SERVICES RETAIL TRAVEL RESTAURANT NOT_A_BIZ ALCOHOL ONLINE_GAMBLING PHYSICAL_GAMBLING OTC_DRUGS
	MATRIMONY_SERVICE`)

// UpdateProfile changes the business profile of a number of the caller's organization. Every field
// is checked before WhatsApp is asked.
func (s *Service) UpdateProfile(ctx context.Context, id uid.ID, p Profile) (*ent.PhoneNumber, error) {
	n, err := s.own(ctx, id)
	if err != nil {
		return nil, err
	}
	p = p.trimmed()
	if err := p.check(); err != nil {
		return nil, err
	}

	change := whatsapp.ProfileChange{About: p.About, Address: p.Address, Description: p.Description, Email: p.Email,
		Vertical: p.Vertical, PictureHandle: p.PictureHandle}
	if p.Websites != nil {
		change.Websites = &p.Websites
	}

	n, err = s.ask(ctx, n, step{action: audit.ActionPhoneNumberUpdate, said: "changed the business profile of number ",
		ask: func(ctx context.Context, at Access) error {
			return at.Client.UpdateProfile(ctx, at.Token, n.MetaID, change)
		}})
	s.profiles.drop(id) // whatever came of it: a lost answer may have been a change

	return n, err
}

// trimmed is a change without blanks around its texts.
func (p Profile) trimmed() Profile {
	for _, text := range []**string{&p.About, &p.Address, &p.Description, &p.Email, &p.Vertical, &p.PictureHandle} {
		if *text != nil {
			*text = new(strings.TrimSpace(**text))
		}
	}

	sites := p.Websites
	p.Websites = slices.Clone(sites)
	for i := range sites {
		p.Websites[i] = strings.TrimSpace(sites[i])
	}

	return p
}

func (p *Profile) check() error {
	var wrong usererror.Fields
	given := p.Websites != nil
	for _, f := range []struct {
		name  string
		value *string
		most  int
		least int // 1 for what cannot be taken away
	}{
		{"about", p.About, longestAbout, 1}, {"address", p.Address, longestAddress, 0},
		{"description", p.Description, longestDescription, 0}, {"email", p.Email, longestEmail, 0},
		{"pictureHandle", p.PictureHandle, longestHandle, 1},
	} {
		if f.value == nil {
			continue
		}

		given = true
		switch length := utf8.RuneCountInString(*f.value); {
		case f.least > 0 && !whatsapp.Visible(*f.value):
			wrong.Add(f.name, usererror.TooShort, "It cannot be empty: leave it out to keep what there is.")
		case length > f.most:
			wrong.Add(f.name, usererror.TooLong, "It has %d characters; WhatsApp allows %d.", length, f.most)
		}
	}

	if e := p.Email; e != nil && *e != "" && !isEmail(*e) {
		wrong.Add("email", usererror.Invalid, "It is not an e-mail address, such as shop@example.com.")
	}
	if h := p.PictureHandle; h != nil && *h != "" && whatsapp.PictureProblem(*h) != "" {
		wrong.Add("pictureHandle", usererror.Invalid, "%s", whatsapp.PictureProblem(*h))
	}
	if v := p.Vertical; v != nil && !slices.Contains(verticals, *v) {
		wrong.Add("vertical", usererror.Invalid, "WhatsApp knows %s.", strings.Join(verticals, ", "))
	}

	if len(p.Websites) > mostWebsites {
		wrong.Add("websites", usererror.LimitExceeded, "There are %d; WhatsApp allows %d.", len(p.Websites), mostWebsites)
	}

	for i, site := range p.Websites[:min(len(p.Websites), mostWebsites)] {
		field := "websites." + strconv.Itoa(i)
		switch {
		case utf8.RuneCountInString(site) > longestWebsite:
			wrong.Add(field, usererror.TooLong, "It has more than %d characters.", longestWebsite)
		case !isWebsite(site):
			wrong.Add(field, usererror.Invalid, "It is not the address of a page, such as https://example.com.")
		}
	}

	if !given && p.Vertical == nil {
		wrong.Add("", usererror.Required, "Nothing is to change: give at least one field.")
	}

	return wrong.Err()
}

func isEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text
}

func isWebsite(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		!strings.ContainsAny(text, " \t\r\n")
}
