package campaign

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// Retry queues a campaign's failed messages again: those with one of the codes, or without codes
// all whose errors may pass by themselves or once their advice was followed. A lost answer is tried
// again only when its code is named, since the message may have arrived. A campaign that was over
// runs again; one that is paused stays so.
func (s *Service) Retry(ctx context.Context, id uid.ID, codes []int) (*ent.Campaign, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}

	switch c.Status {
	case preparing, running, paused, completed:
	default:
		return nil, conflict(c, "retried")
	}

	mayPass, err := retryable(codes)
	if err != nil {
		return nil, err
	}

	if s.expired(c) {
		return nil, usererror.Refuse("campaignId", usererror.Stale, "the campaign expired at %s",
			c.ExpiresAt.UTC().Format(time.RFC3339))
	}

	if err := s.sendable(ctx, c); err != nil {
		return nil, err
	}

	// Recorded before it is done: the messages are queued page by page, each in a transaction of its
	// own.
	if err := s.db.InTx(ctx, func(tx *database.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{Organization: c.OrganizationID,
			Action: audit.ActionCampaignRetry, Subject: c.ID, Summary: fmt.Sprintf("retried campaign %q", c.Name)})
	}); err != nil {
		return nil, fmt.Errorf("retry campaign %s: %w", id, err)
	}

	n, err := s.queue.Requeue(ctx, id, mayPass)
	if err != nil {
		return nil, fmt.Errorf("retry campaign %s: %w", id, err)
	}

	if n > 0 {
		if err := s.reopen(ctx, id); err != nil {
			return nil, err
		}

		s.waker.WakeLane(ctx, c.PhoneNumberID)
	}

	return s.find(ctx, id)
}

// retryable says which error codes are to be tried again, and refuses those that would fail again.
func retryable(codes []int) (func(code int) bool, error) {
	var in usererror.Fields
	for i, code := range codes {
		if rule := whatsapp.RuleFor(code, 0, 0, false); !rule.Retryable {
			in.Add("errorCodes."+strconv.Itoa(i), usererror.Invalid, "%d (%s) does not pass: %s", code, rule.Title, rule.Advice)
		}
	}

	if len(codes) > 0 {
		return func(code int) bool { return slices.Contains(codes, code) }, in.Err()
	}

	return func(code int) bool {
		return code != whatsapp.CodeLostAnswer && whatsapp.RuleFor(code, 0, 0, false).Retryable
	}, nil
}

// reopen lets a campaign run again that was over and has messages to send.
func (s *Service) reopen(ctx context.Context, id uid.ID) error {
	_, err := s.changeAlone(ctx, request{change: reopen, campaign: id,
		still: func(c *ent.Campaign) bool { return c.Queued > 0 },
		also:  func(u *ent.CampaignUpdateOne) { u.ClearRecentAnswers() }})
	return err
}
