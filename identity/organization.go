package identity

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/timezone"
	"carillon/uid"
	"carillon/usererror"
)

const (
	longestRetention = 3650 // days
	shortestUnknown  = time.Minute
	longestUnknown   = 24 * time.Hour
	mostKeywords     = 50
	longestKeyword   = 60
)

// OrganizationChange is what is to be changed of an organization. What is nil stays. The tags are
// what the audit trail calls it.
type OrganizationChange struct {
	Name                *string       `trail:"name"`
	TimeZone            *string       `trail:"time zone"`
	RetentionDays       *int          `trail:"retention"`
	MaskForViewers      *bool         `trail:"masking for viewers"`
	RequireSecondFactor *bool         `trail:"rule on second factors"`
	SendingPolicy       *PolicyChange `trail:"sending policy"`
}

// PolicyChange is what is to be changed of a sending policy. What is nil stays.
type PolicyChange struct {
	RequireOptIn                   *bool
	MarketingPerContactPerDay      *int                   // 0 is no cap
	QuietHours                     **jsonfield.QuietHours // a pointer to nil takes them away
	OptOutKeywords, OptInKeywords  []string
	UnknownWaitSeconds             *int
	UnknownMarketing, UnknownOther *enum.UnknownPolicy
	FailureThreshold               *float64
}

// mostPerContact is more marketing than anybody bears in a day.
const mostPerContact = 100

// UpdateOrganization changes the caller's organization. What is wrong with the change comes back as
// usererror.Fields, all at once. Of two changes at the same time none is lost.
func (s *Service) UpdateOrganization(ctx context.Context, change OrganizationChange) (*ent.Organization, error) {
	v, err := Require(ctx, enum.RoleAdmin)
	if err != nil {
		return nil, err
	}

	if change.RequireSecondFactor != nil && *change.RequireSecondFactor {
		if err := s.hasFactor(ctx, v); err != nil {
			return nil, err
		}
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		tx.After(func(ctx context.Context) { s.revoked(ctx, v.Organization) })
		var held uid.ID
		if err := tx.QueryRowContext(ctx, "SELECT id FROM organization WHERE id = $1"+s.db.ForUpdate(), v.Organization).
			Scan(&held); err != nil {
			return fmt.Errorf("hold organization: %w", err)
		}

		o, err := tx.Client.Organization.Get(ctx, v.Organization)
		if err != nil {
			return fmt.Errorf("read organization: %w", err)
		}

		update, err := change.on(o)
		if err != nil {
			return err
		}
		if err := update.Exec(ctx); err != nil {
			return fmt.Errorf("change organization: %w", err)
		}

		if said := change.fields(); said != "" {
			return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionOrganizationUpdate, Subject: v.Organization,
				Summary: "changed the organization's " + said})
		}

		return nil
	})
	if err != nil {
		return nil, err
	}

	// the transaction's own copy could not be asked for its members
	o, err := s.db.Client.Organization.Get(ctx, v.Organization)
	if err != nil {
		return nil, fmt.Errorf("read organization: %w", err)
	}

	return o, nil
}

// hasFactor refuses a user who would shut themselves out.
func (s *Service) hasFactor(ctx context.Context, v *Viewer) error {
	if v.User == nil || v.Session.Vouched {
		return nil
	}

	u, err := s.db.Client.User.Get(caller.System(ctx), v.User.ID)
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}

	if u.SecondFactorAt == nil {
		return usererror.Refuse("requireSecondFactor", usererror.NotAllowed,
			"Set up your own second factor before you require one of all members.")
	}

	return nil
}

// fields names what is to be changed, from the change's own fields, so that none is left out.
func (c OrganizationChange) fields() string {
	var names []string
	for field, value := range reflect.ValueOf(c).Fields() {
		if !value.IsNil() {
			names = append(names, field.Tag.Get("trail"))
		}
	}

	return strings.Join(names, ", ")
}

func (c OrganizationChange) on(o *ent.Organization) (*ent.OrganizationUpdateOne, error) {
	var in usererror.Fields
	update := o.Update()
	if c.Name != nil {
		update.SetName(checkName(&in, "name", *c.Name))
	}
	if c.TimeZone != nil {
		update.SetTimeZone(checkTimeZone(&in, "timeZone", *c.TimeZone))
	}

	if days := c.RetentionDays; days != nil {
		if *days < 1 || *days > longestRetention {
			in.Add("retentionDays", usererror.Invalid, "Messages can be kept for 1 to %d days.", longestRetention)
		}

		update.SetRetentionDays(*days)
	}

	if c.RequireSecondFactor != nil {
		update.SetRequireSecondFactor(*c.RequireSecondFactor)
	}
	if c.MaskForViewers != nil {
		update.SetMaskForViewers(*c.MaskForViewers)
	}
	if c.SendingPolicy != nil {
		update.SetSendingPolicy(c.SendingPolicy.on(o.SendingPolicy, &in))
	}

	return update, in.Err()
}

// on is the policy p once it is changed.
func (c PolicyChange) on(p jsonfield.SendingPolicy, in *usererror.Fields) jsonfield.SendingPolicy {
	if c.RequireOptIn != nil {
		p.RequireOptIn = *c.RequireOptIn
	}

	if most := c.MarketingPerContactPerDay; most != nil {
		if *most < 0 || *most > mostPerContact {
			in.Add("sendingPolicy.marketingPerContactPerDay", usererror.Invalid,
				"The cap is 1 to %d messages in 24 hours, or 0 for none.", mostPerContact)
		}

		p.MarketingPerContactPerDay = *most
	}

	if c.QuietHours != nil {
		p.QuietHours = checkQuietHours(in, *c.QuietHours)
	}

	c.keywords(&p, in)
	if wait := c.UnknownWaitSeconds; wait != nil {
		if span := time.Duration(*wait) * time.Second; *wait < 0 || span < shortestUnknown || span > longestUnknown {
			in.Add("sendingPolicy.unknownWaitSeconds", usererror.Invalid, "The waiting time is %.0f to %.0f seconds.",
				shortestUnknown.Seconds(), longestUnknown.Seconds())
		}

		p.UnknownWaitSeconds = *wait
	}

	if c.UnknownMarketing != nil {
		p.UnknownMarketing = *c.UnknownMarketing
	}
	if c.UnknownOther != nil {
		p.UnknownOther = *c.UnknownOther
	}

	if share := c.FailureThreshold; share != nil {
		if !(*share > 0 && *share <= 1) { // so that NaN fails too
			in.Add("sendingPolicy.failureThreshold", usererror.Invalid,
				"The failure threshold is a share over 0 and up to 1, e.g. 0.2.")
		}

		p.FailureThreshold = *share
	}

	return p
}

// checkQuietHours takes two different times of day, or none.
func checkQuietHours(in *usererror.Fields, hours *jsonfield.QuietHours) *jsonfield.QuietHours {
	if hours == nil {
		return nil
	}

	const field = "sendingPolicy.quietHours"
	if _, _, ok := hours.Minutes(); ok {
		return hours
	}

	for _, given := range []struct{ at, clock string }{{".start", hours.Start}, {".end", hours.End}} {
		if !jsonfield.IsClock(given.clock) {
			in.Add(field+given.at, usererror.Invalid, "This is not a time of day: write hours and minutes, e.g. 21:00.")
		}
	}

	if hours.Start == hours.End {
		in.Add(field, usererror.Invalid,
			"Quiet hours end at another time than they start, e.g. 21:00 to 08:00; give null for none.")
	}

	return hours
}

// keywords sets the words of both kinds, and refuses a word that would be of both.
func (c PolicyChange) keywords(p *jsonfield.SendingPolicy, in *usererror.Fields) {
	const out, back = "sendingPolicy.optOutKeywords", "sendingPolicy.optInKeywords"
	if c.OptOutKeywords != nil {
		p.OptOutKeywords = checkKeywords(in, out, c.OptOutKeywords)
	}
	if c.OptInKeywords != nil {
		p.OptInKeywords = checkKeywords(in, back, c.OptInKeywords)
	}

	field, ours, theirs := out, c.OptOutKeywords, p.OptInKeywords
	if ours == nil {
		field, ours, theirs = back, c.OptInKeywords, p.OptOutKeywords
	}
	if len(ours) > mostKeywords || len(theirs) > mostKeywords {
		return
	}

	for i, word := range ours {
		for _, other := range theirs {
			if strings.EqualFold(strings.TrimSpace(word), other) && other != "" {
				in.Add(field+"."+strconv.Itoa(i), usererror.Invalid, "A word cannot both opt out and opt in.")
			}
		}
	}
}

func checkKeywords(in *usererror.Fields, field string, words []string) []string {
	if len(words) > mostKeywords {
		in.Add(field, usererror.LimitExceeded, "There can be at most %d keywords.", mostKeywords)
		return words
	}

	checked := make([]string, len(words))
	for i, word := range words {
		at := field + "." + strconv.Itoa(i)
		checked[i] = strings.TrimSpace(word)
		switch word := checked[i]; {
		case word == "":
			in.Add(at, usererror.Required, "A keyword cannot be empty.")
		case utf8.RuneCountInString(word) > longestKeyword:
			in.Add(at, usererror.TooLong, "A keyword can have at most %d characters.", longestKeyword)
		case !utf8.ValidString(word) || strings.ContainsFunc(word, unicode.IsControl):
			in.Add(at, usererror.Invalid, "A keyword cannot hold control characters.")
		}

		for _, before := range checked[:i] {
			if strings.EqualFold(before, checked[i]) && before != "" {
				in.Add(at, usererror.Invalid, "This keyword is there already.")
				break
			}
		}
	}

	return checked
}

// checkTimeZone takes a name of the IANA's list.
func checkTimeZone(in *usererror.Fields, field, name string) string {
	name = strings.TrimSpace(name)
	_, err := timezone.Load(name)
	switch {
	case name == "":
		in.Add(field, usererror.Required, "A time zone is needed.")
	case err != nil:
		in.Add(field, usererror.Invalid, "This is not a time zone: write its IANA name, e.g. Asia/Shanghai.")
	}

	return name
}

// CreateOrganization makes another organization that the caller owns, and opens a session in it.
func (s *Service) CreateOrganization(ctx context.Context, name, acceptTermsVersion string) (Signed, error) {
	v, err := requireUser(ctx, enum.RoleViewer)
	if err != nil {
		return Signed{}, err
	}

	var wrong usererror.Fields
	name = checkName(&wrong, "name", name)
	s.checkVersion(&wrong, "acceptTermsVersion", acceptTermsVersion)
	if err := wrong.Err(); err != nil {
		return Signed{}, err
	}
	if err := s.allow(ctx, tooOften, "create:"+v.User.ID.String()); err != nil {
		return Signed{}, err
	}

	system, token := caller.System(ctx), ""
	err = s.db.InTx(system, func(tx *database.Tx) error {
		org, err := tx.Client.Organization.Create().SetName(name).SetCreatedAt(s.now()).Save(system)
		if err != nil {
			return err
		}
		if err := s.roomForMembership(system, tx, v.User.ID); err != nil {
			return err
		}

		err = tx.Client.Member.Create().SetOrganizationID(org.ID).SetUserID(v.User.ID).SetRole(enum.RoleOwner).
			SetCreatedAt(s.now()).Exec(system)
		if err != nil {
			return err
		}
		if err := s.recordTerms(system, tx.Client, acceptance{organization: org.ID, user: v.User.ID, ip: v.IP}); err != nil {
			return err
		}
		if token, err = s.switchSession(system, tx, v, org.ID); err != nil {
			return err
		}

		return audit.Record(system, tx, audit.Entry{Organization: org.ID, Action: audit.ActionOrganizationCreate,
			Subject: org.ID,
			Summary: fmt.Sprintf("made the organization %q", name)})
	})
	if err != nil {
		return Signed{}, fmt.Errorf("create organization: %w", err)
	}

	return s.signed(ctx, token, v.client())
}
