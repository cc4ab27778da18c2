package campaign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"carillon/audience"
	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

// phase is how far a campaign is, for what may change of it.
type phase int

const (
	drafted  phase = iota
	waiting        // launched, and nobody has become a message
	underway       // people become messages, or have
	over
)

// mostTries is how often a change is tried again because the campaign has changed meanwhile.
const mostTries = 20

var phases = map[phase]string{drafted: "a draft", waiting: "a campaign that waits for its start",
	underway: "a campaign that is under way", over: "a campaign that is over"}

func phaseOf(c *ent.Campaign) phase {
	switch {
	case c.Status == draft:
		return drafted
	case c.Status == completed, c.Status == canceled, c.Status == enum.CampaignStatusFailed:
		return over
	case c.Status == preparing, c.EnrollCursor != nil, c.EnrolledAt != nil:
		return underway
	}

	return waiting
}

// Revision is a word that is another one whenever what Update changes of a campaign has changed.
func Revision(c *ent.Campaign) string {
	content, err := json.Marshal(draftOf(c))
	if err != nil {
		panic(err) // it has nothing that JSON does not know
	}

	sum := sha256.Sum256(content)

	return hex.EncodeToString(sum[:8])
}

// recipientsField stands for people who are added one by one.
const recipientsField = "recipients"

// changeable says until when each part of a campaign may change. What people get is fixed once the
// first of them may have become messages.
var changeable = []struct {
	field string // of the input
	until phase
	of    func(Draft) any
}{
	{"name", over, func(d Draft) any { return d.Name }},
	{"reference", over, func(d Draft) any { return d.Reference }},
	{"rateLimit", underway, func(d Draft) any { return d.RateLimit }},
	{"failureThreshold", underway, func(d Draft) any { return d.FailureThreshold }},
	{"expiresAt", underway, func(d Draft) any { return d.ExpiresAt }},
	{"audience", waiting, func(d Draft) any { return d.Audience }},
	{recipientsField, waiting, func(Draft) any { return nil }}, // which addCampaignRecipients adds
	{"parameters", waiting, func(d Draft) any { return d.Parameters }},
	{"missingParameter", waiting, func(d Draft) any { return d.MissingParameter }},
	{"scheduledAt", waiting, func(d Draft) any { return d.ScheduledAt }},
	{"timeZone", waiting, func(d Draft) any { return d.TimeZone }},
	{"recipientTime", waiting, func(d Draft) any { return d.RecipientTime }},
	{"translate", waiting, func(d Draft) any { return d.Translate }},
	{"canary", waiting, func(d Draft) any { return d.Canary }},
	{"templateId", drafted, func(d Draft) any { return d.TemplateID }},
	{"phoneNumberId", drafted, func(d Draft) any { return d.PhoneNumberID }},
}

// Update changes a campaign. edit changes its parts, and is called again where the campaign has
// changed meanwhile. What may not change any more, and what is wrong with the rest, comes back as
// usererror.Fields, all at once.
func (s *Service) Update(ctx context.Context, id uid.ID, edit func(*Draft)) (*ent.Campaign, error) {
	return s.UpdateRevision(ctx, id, "", edit)
}

// UpdateRevision is Update of a campaign that is still what the caller knows: where it has another
// Revision than this one, nothing changes, and the error is a usererror.Fields of code STALE. ""
// is any.
func (s *Service) UpdateRevision(ctx context.Context, id uid.ID, revision string,
	edit func(*Draft)) (*ent.Campaign, error) {
	for range mostTries {
		c, err := s.find(ctx, id)
		if err != nil {
			return nil, err
		}
		if revision != "" && revision != Revision(c) {
			return nil, usererror.Refuse("revision", usererror.Stale,
				"somebody has changed the campaign since you read it")
		}

		before, after := draftOf(c), draftOf(c)
		edit(&after)
		after.Name = strings.TrimSpace(after.Name)

		changed, err := s.checkChange(ctx, c, before, after)
		if err != nil {
			return nil, err
		}

		done := true
		err = s.db.InTx(ctx, func(tx *database.Tx) error {
			done, err = s.update(ctx, tx, c, after, changed)
			return err
		})
		if err != nil {
			return nil, err
		}
		if done {
			return s.find(ctx, id)
		}
	}

	return nil, usererror.New(usererror.Conflict, "the campaign is being changed by others all the time; try again")
}

// checkChange are the fields that a change is of, unless it may not be made.
func (s *Service) checkChange(ctx context.Context, c *ent.Campaign, before, after Draft) (changed []string, err error) {
	var in usererror.Fields
	now := phaseOf(c)

	for _, part := range changeable {
		if reflect.DeepEqual(part.of(before), part.of(after)) {
			continue
		}

		changed = append(changed, part.field)
		if now > part.until {
			in.Add(part.field, usererror.NotAllowed, "this cannot change any more: it is %s", phases[now])
		}
	}

	if c.Status == scheduled && after.ScheduledAt == nil {
		in.Add("scheduledAt", usererror.Required,
			"the campaign is scheduled: give another time, or pause it first and resume it without one")
	}

	var more usererror.Fields
	if err := s.checkParts(ctx, after, now > waiting, changed); !asInputs(err, &more) && err != nil {
		return nil, err
	}

	return changed, append(in, more...).Err()
}

// update stores a change, unless the campaign has changed since it was read; then it reports false.
func (s *Service) update(ctx context.Context, tx *database.Tx, read *ent.Campaign, after Draft,
	changed []string) (done bool, err error) {
	if phaseOf(read) <= waiting {
		if err := audience.Hold(ctx, tx, after.Audience); err != nil {
			return false, err
		}
	}

	now, err := tx.Client.Campaign.Query().Where(campaign.ID(read.ID), tx.DB.Locked).Only(ctx)
	if ent.IsNotFound(err) {
		return false, usererror.Missing("campaign")
	}
	if err != nil {
		return false, fmt.Errorf("read campaign %s: %w", read.ID, err)
	}
	if phaseOf(now) != phaseOf(read) || !sameContent(now, read) {
		return false, nil
	}
	if len(changed) == 0 {
		return true, nil
	}

	u := tx.Client.Campaign.UpdateOneID(read.ID)
	after.write(u.Mutation())
	if slices.Contains(changed, "canary") {
		after.writeCanary(u.Mutation())
	}
	if err := u.Exec(ctx); err != nil {
		return false, fmt.Errorf("change campaign %s: %w", read.ID, err)
	}

	s.tell(tx, now)

	return true, audit.Record(ctx, tx, audit.Entry{Action: audit.ActionCampaignUpdate, Subject: read.ID,
		Summary: fmt.Sprintf("changed %s of campaign %q", strings.Join(changed, ", "), now.Name)})
}

// tell says after the commit that a campaign has changed.
func (s *Service) tell(tx *database.Tx, c *ent.Campaign) {
	tx.After(func(ctx context.Context) { s.news.Notify(ctx, c.OrganizationID, c.ID) })
}

// draftOf are the parts of a campaign that its draft was made of.
func draftOf(c *ent.Campaign) Draft {
	d := Draft{Name: c.Name, TemplateID: c.TemplateID, PhoneNumberID: c.PhoneNumberID, Audience: c.AudienceRule,
		Parameters: slices.Clone(c.Parameters), MissingParameter: c.MissingParameter, RateLimit: c.RateLimit,
		FailureThreshold: c.FailureThreshold, ScheduledAt: inUTC(c.ScheduledAt), TimeZone: c.TimeZone,
		RecipientTime: c.RecipientTime, Translate: c.Translate, Canary: c.Canary, Reference: c.Reference,
		ExpiresAt: inUTC(c.ExpiresAt)}
	if len(d.Parameters) == 0 {
		d.Parameters = nil
	}

	return d
}

// inUTC is a moment as it is compared: without the zone in which a database gave it.
func inUTC(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}

	utc := at.UTC()

	return &utc
}

// sameContent reports whether a campaign still says what it said when it was read.
func sameContent(now, read *ent.Campaign) bool { return reflect.DeepEqual(draftOf(now), draftOf(read)) }

// write sets the columns of a draft, but for its canary's.
func (d Draft) write(m *ent.CampaignMutation) {
	m.SetName(d.Name)
	m.SetTemplateID(d.TemplateID)
	m.SetPhoneNumberID(d.PhoneNumberID)
	m.SetAudienceRule(d.Audience)
	m.SetParameters(append([]jsonfield.ParameterBinding{}, d.Parameters...))
	m.SetMissingParameter(d.MissingParameter)
	m.SetRecipientTime(d.RecipientTime)
	m.SetTranslate(d.Translate)

	set(d.RateLimit, m.SetRateLimit, m.ClearRateLimit)
	set(d.FailureThreshold, m.SetFailureThreshold, m.ClearFailureThreshold)
	set(d.ScheduledAt, m.SetScheduledAt, m.ClearScheduledAt)
	set(d.TimeZone, m.SetTimeZone, m.ClearTimeZone)
	set(d.Reference, m.SetReference, m.ClearReference)
	set(d.ExpiresAt, m.SetExpiresAt, m.ClearExpiresAt)

}

// writeCanary sets the columns of a draft's canary, which is to be sent from the beginning.
func (d Draft) writeCanary(m *ent.CampaignMutation) {
	m.ClearCanaryUntil()
	if d.Canary == nil {
		m.ClearCanary()
		m.ClearCanaryState()
		return
	}

	m.SetCanary(d.Canary)
	m.SetCanaryState(enum.CanaryStatePending)
}

// set writes a value that may be missing.
func set[T any](value *T, set func(T), clear func()) {
	if value != nil {
		set(*value)
	} else {
		clear()
	}
}

// Duplicate makes a draft of what a campaign says, without its times and its reference. Without a
// name it is called a copy.
func (s *Service) Duplicate(ctx context.Context, id uid.ID, name *string) (*ent.Campaign, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}

	d := draftOf(c)
	d.ScheduledAt, d.TimeZone, d.RecipientTime, d.ExpiresAt, d.Reference = nil, nil, false, nil, nil
	d.Audience.Rules = nil // its segments are read anew
	if d.Name = copyName(c.Name); name != nil {
		d.Name = *name
	}

	return s.create(ctx, d, audit.ActionCampaignDuplicate, "copied a campaign into %q")
}

// copyName is the name of a copy, within what a name may have.
func copyName(name string) string {
	const suffix = " (copy)"
	runes := []rune(name)

	return string(runes[:min(len(runes), maxName-len(suffix))]) + suffix
}
