package campaign

import (
	"context"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	"carillon/notification"
	"carillon/uid"
)

// A pause concerns what several campaigns use. Those that pause under one topic for one such thing
// are told of in one mail.
type concern struct {
	topic string
	of    func(context.Context, *database.Tx, *ent.Campaign) (uid.ID, error)
}

// concerns are by reason. A reason without a row is a topic of its own in the organization: many
// campaigns that fail at once, or miss their time, mostly have one cause.
var concerns = map[enum.CampaignStatusReason]concern{
	enum.CampaignStatusReasonTokenInvalid:      {notification.TopicToken, itsAccount},
	enum.CampaignStatusReasonAccountRestricted: {notification.TopicRestriction, itsAccount},
	enum.CampaignStatusReasonTemplatePaused:    {notification.TopicTemplates, itsAccount},
	enum.CampaignStatusReasonTemplateDisabled:  {notification.TopicTemplates, itsAccount},
	enum.CampaignStatusReasonMessagingLimit:    {"LIMIT", itsAccount},
	enum.CampaignStatusReasonPaymentIssue:      {"PAYMENT", itsAccount},

	enum.CampaignStatusReasonQualityLow:        {"QUALITY", itsNumber},
	enum.CampaignStatusReasonNumberUnavailable: {"NUMBER", itsNumber},

	enum.CampaignStatusReasonOrganizationSuspended: {"SUSPENSION", itsOrganization},
	enum.CampaignStatusReasonTermsNotAccepted:      {"TERMS", itsOrganization},
	enum.CampaignStatusReasonQuotaReached:          {"QUOTA", itsOrganization},
	enum.CampaignStatusReasonQuietHours:            {"QUIET", itsOrganization},
}

func itsAccount(ctx context.Context, tx *database.Tx, c *ent.Campaign) (uid.ID, error) {
	n, err := tx.Client.PhoneNumber.Query().Where(phonenumber.ID(c.PhoneNumberID)).Only(ctx)
	if err != nil {
		return uid.ID{}, err
	}

	return n.AccountID, nil
}

func itsNumber(_ context.Context, _ *database.Tx, c *ent.Campaign) (uid.ID, error) {
	return c.PhoneNumberID, nil
}

func itsOrganization(context.Context, *database.Tx, *ent.Campaign) (uid.ID, error) {
	return uid.ID{}, nil
}

// tellMembers has members told of what the service itself did to a campaign: it paused, or it is
// complete.
func (s *Service) tellMembers(ctx context.Context, tx *database.Tx, c *ent.Campaign, by actor) error {
	if by != service || c.Status != paused && c.Status != completed {
		return nil
	}

	now := s.now()
	cause := notification.Cause{Organization: c.OrganizationID, Kind: enum.NotificationKindCampaignEnded,
		Key: fmt.Sprintf("%s COMPLETED %d", c.ID, now.UnixMicro()), Scope: "COMPLETED", Subject: c.ID, At: now,
		CreatedBy: c.CreatedByID, LaunchedBy: c.LaunchedByID}

	if c.Status == completed {
		cause.Detail = outcome(c)
		return notification.Tell(ctx, tx, cause)
	}

	scope, err := pauseScope(ctx, tx, c)
	if err != nil {
		return fmt.Errorf("whom the pause of campaign %s concerns: %w", c.ID, err)
	}

	reason := *c.StatusReason
	when := fmt.Sprint(now.UnixMicro())
	if slices.Contains(temporary, reason) { // it comes and goes: once a day is enough
		when = now.UTC().Format(time.DateOnly)
	}

	cause.Kind, cause.Reason, cause.Scope = enum.NotificationKindCampaignPaused, string(reason), scope
	cause.Key = fmt.Sprintf("%s %s %s", c.ID, reason, when)
	if c.StatusDetail != nil {
		cause.Detail = *c.StatusDetail
	}

	return notification.Tell(ctx, tx, cause)
}

// outcome says what became of a campaign's messages.
func outcome(c *ent.Campaign) string {
	sent := c.Accepted + c.Sent + c.Delivered + c.Read
	return fmt.Sprintf("Of %d messages WhatsApp took %d, %d failed, %d were skipped.", c.Total, sent, c.Failed, c.Skipped)
}

// pauseScope is what a paused campaign has in common with others that pause for the same cause.
func pauseScope(ctx context.Context, tx *database.Tx, c *ent.Campaign) (string, error) {
	concern, known := concerns[*c.StatusReason]
	if !known {
		return notification.Scope(string(*c.StatusReason), uid.ID{}), nil
	}

	of, err := concern.of(ctx, tx, c)

	return notification.Scope(concern.topic, of), err
}
