package campaign

import (
	"context"
	"fmt"
	"math"
	"time"

	"carillon/audience"
	"carillon/ent"
	"carillon/ent/campaignrecipient"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/pricing"
	"carillon/uid"
)

// Progress is a campaign's counters with the figures that follow from them.
type Progress struct {
	Organization, Campaign uid.ID

	Total, Queued, Sending, Accepted, Sent, Delivered, Read, Failed, Unknown, Skipped, Canceled int

	Replied int // people who answered

	Cost *pricing.Money // of what was delivered; nil as long as no price is known

	Fraction      float64 // of messages that need no more sending
	RatePerSecond float64 // since the launch, on average; 0 when nothing is under way
	EtaSeconds    *int    // nil when nothing is under way, or nothing was sent yet
}

// ProgressOf reads a campaign's row.
func ProgressOf(c *ent.Campaign, now time.Time) Progress {
	p := Progress{
		Organization: c.OrganizationID, Campaign: c.ID, Total: c.Total, Queued: c.Queued, Sending: c.Sending,
		Accepted: c.Accepted, Sent: c.Sent,
		Delivered: c.Delivered, Read: c.Read, Failed: c.Failed, Unknown: c.Unknown, Skipped: c.Skipped, Canceled: c.Canceled,
		Replied: c.Replied,
	}

	if c.CostCurrency != nil {
		p.Cost = &pricing.Money{Micros: c.CostMicros, Currency: *c.CostCurrency}
	}

	left := c.Queued + c.Sending
	if c.Total > 0 {
		p.Fraction = float64(c.Total-left) / float64(c.Total)
	}

	under := c.Status == enum.CampaignStatusPreparing || c.Status == enum.CampaignStatusRunning
	if !under || c.LaunchedAt == nil {
		return p
	}

	since := *c.LaunchedAt
	if c.ScheduledAt != nil && c.ScheduledAt.After(since) {
		since = *c.ScheduledAt
	}

	handed := c.Accepted + c.Sent + c.Delivered + c.Read + c.Failed + c.Unknown
	if seconds := now.Sub(since).Seconds(); seconds > 0 && handed > 0 {
		p.RatePerSecond = float64(handed) / seconds
		eta := int(math.Ceil(float64(left) / p.RatePerSecond))
		p.EtaSeconds = &eta
	}

	return p
}

// Final reports whether nothing about the messages can change any more: the campaign is over, and
// every message has come to an end of which WhatsApp reports nothing further. People may still
// answer.
func (p Progress) Final(status enum.CampaignStatus) bool {
	over := status == enum.CampaignStatusCompleted || status == enum.CampaignStatusCanceled ||
		status == enum.CampaignStatusFailed
	return over && p.Read+p.Failed+p.Skipped+p.Canceled == p.Total
}

// Audience is to whom a campaign goes.
type Audience struct {
	Campaign *ent.Campaign
	Rule     jsonfield.Audience // with the recipients who were added one by one
	Contacts int                // named one by one
}

// AudienceOf reads a campaign's row.
func AudienceOf(c *ent.Campaign) Audience {
	return Audience{Campaign: c, Rule: ruleOf(c), Contacts: len(c.AudienceRule.ContactIDs)}
}

// ruleOf is who a campaign goes to: what its row says, and the recipients who were added to it.
func ruleOf(c *ent.Campaign) jsonfield.Audience {
	rule := c.AudienceRule
	rule.ValuesOf, rule.Recipients = c.ID, true

	return rule
}

// frozenRule is ruleOf for reading all of a campaign's people: with the rules of its segments as
// they are, and without recipients where it has none, which spares each page a union.
func frozenRule(ctx context.Context, client *ent.Client, c *ent.Campaign) (rule jsonfield.Audience, err error) {
	if rule, err = audience.Freeze(ctx, client, c.OrganizationID, ruleOf(c)); err != nil {
		return rule, err
	}

	added, err := client.CampaignRecipient.Query().Where(campaignrecipient.OrganizationID(c.OrganizationID),
		campaignrecipient.CampaignID(c.ID)).Exist(ctx)
	if err != nil {
		return rule, fmt.Errorf("look for recipients of %s: %w", c.ID, err)
	}
	if !added {
		rule.ValuesOf, rule.Recipients = uid.ID{}, false
	}

	return rule, nil
}
