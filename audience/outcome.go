package audience

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent/dialect/sql"

	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/listing"
	"carillon/ent/message"
	"carillon/ent/reply"
	"carillon/uid"
	"carillon/usererror"
)

// arrived are the statuses of a message that arrived.
var arrived = []enum.MessageStatus{enum.MessageStatusDelivered, enum.MessageStatusRead}

// outcomes say which messages of a campaign have each outcome: those with one of the statuses, and
// with or without an answer where replied says so.
var outcomes = map[enum.CampaignOutcome]struct {
	statuses []enum.MessageStatus // nil is any
	replied  *bool                // nil is either
}{
	enum.CampaignOutcomeSkipped: {statuses: []enum.MessageStatus{enum.MessageStatusSkipped}},
	enum.CampaignOutcomeFailed:  {statuses: []enum.MessageStatus{enum.MessageStatusFailed}},
	enum.CampaignOutcomeNotDelivered: {statuses: []enum.MessageStatus{enum.MessageStatusAccepted,
		enum.MessageStatusHeld, enum.MessageStatusSent, enum.MessageStatusFailed}},
	enum.CampaignOutcomeDelivered:  {statuses: arrived},
	enum.CampaignOutcomeNotRead:    {statuses: []enum.MessageStatus{enum.MessageStatusDelivered}},
	enum.CampaignOutcomeRead:       {statuses: []enum.MessageStatus{enum.MessageStatusRead}},
	enum.CampaignOutcomeReplied:    {replied: new(true)},
	enum.CampaignOutcomeNotReplied: {statuses: arrived, replied: new(false)},
}

// cameOut holds for contacts for whom a campaign came out as a condition asks, about one that two
// columns name. It goes by the index of the campaign's people. after is as in members.
func cameOut(dialect, organization, contactID string, f jsonfield.CampaignOutcome, after *uid.ID) *sql.Predicate {
	l, m := sql.Table(listing.Table).As("got"), sql.Table(message.Table).As("outcome")
	s := sql.Dialect(dialect).Select(l.C(listing.FieldID)).From(l).Join(m).On(l.C(listing.FieldID), m.C(message.FieldID)).
		Where(sql.And(sql.EQ(l.C(listing.FieldCampaignID), f.CampaignID),
			sql.ColumnsEQ(l.C(listing.FieldContactID), contactID),
			sql.ColumnsEQ(l.C(listing.FieldOrganizationID), organization)))
	if after != nil {
		s.Where(sql.GT(l.C(listing.FieldContactID), *after))
	}

	answers := func(more ...*sql.Predicate) *sql.Predicate {
		r := sql.Table(reply.Table).As("answer")
		given := sql.Dialect(dialect).Select(r.C(reply.FieldID)).From(r).
			Where(sql.ColumnsEQ(r.C(reply.FieldMessageID), m.C(message.FieldID)))
		for _, p := range more {
			given.Where(p)
		}

		return sql.Exists(given)
	}

	var any []*sql.Predicate
	for _, o := range f.Outcome {
		var all []*sql.Predicate
		if statuses := outcomes[o].statuses; statuses != nil {
			all = append(all, sql.In(m.C(message.FieldStatus), anys(statuses)...))
		}
		if replied := outcomes[o].replied; replied != nil && *replied {
			all = append(all, answers())
		} else if replied != nil {
			all = append(all, sql.Not(answers()))
		}

		any = append(any, sql.And(all...))
	}

	if len(any) == 0 {
		return sql.False()
	}

	s.Where(sql.Or(any...))
	if len(f.ErrorCode) > 0 {
		s.Where(sql.In(m.C(message.FieldErrorCode), anys(f.ErrorCode)...))
	}
	if len(f.Button) > 0 {
		s.Where(answers(sql.In(sql.Table(reply.Table).As("answer").C(reply.FieldButton), anys(mapped(f.Button, clean))...)))
	}

	return sql.Exists(s)
}

// checkOutcome notes what of a condition on a campaign's outcome names nothing, or cannot be.
func checkOutcome(ctx context.Context, client *ent.Client, in *usererror.Fields, at string,
	f jsonfield.CampaignOutcome) error {
	if len(f.Outcome) == 0 {
		in.Add(at+"outcome", usererror.Required, "name at least one outcome, such as NOT_READ")
	}

	for i, o := range f.Outcome {
		if !slices.Contains(o.Values(), string(o)) {
			in.Add(fmt.Sprintf("%soutcome.%d", at, i), usererror.Invalid, "%s is no outcome", shown(string(o)))
		}
	}

	for _, c := range []struct {
		field   string
		choices int
	}{{"outcome", len(f.Outcome)}, {"errorCode", len(f.ErrorCode)}, {"button", len(f.Button)}} {
		if c.choices > maxChoices {
			in.Add(at+c.field, usererror.LimitExceeded, "there are %d values; at most %d", c.choices, maxChoices)
		}
	}

	for i, title := range f.Button {
		note(in, fmt.Sprintf("%sbutton.%d", at, i), checkText("the title", title, maxSearch))
	}

	there, err := client.Campaign.Query().Where(campaign.ID(f.CampaignID)).Exist(ctx)
	if err != nil {
		return fmt.Errorf("look up a campaign: %w", err)
	}
	if !there {
		in.Add(at+"campaignId", usererror.NoSuch, "there is no such campaign")
	}

	return nil
}
