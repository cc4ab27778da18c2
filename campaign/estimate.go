package campaign

import (
	"context"
	"errors"
	"fmt"

	"carillon/audience"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

// errEnough ends a walk over an audience early.
var errEnough = errors.New("enough is known")

// walkPage is how many people a walk reads at once.
const walkPage = 10_000

// walk calls visit with the pages of a campaign's audience as it is now, segments included, until
// visit returns errEnough.
func (s *Service) walk(ctx context.Context, c *ent.Campaign, visit func([]audience.Recipient) error) error {
	rule, err := audience.Freeze(ctx, s.db.Client, c.OrganizationID, c.AudienceRule)
	if err != nil {
		return err
	}

	for after := (uid.ID{}); ; {
		page, err := s.pageOf(ctx, c, rule, after, walkPage)
		if err != nil {
			return err
		}
		if err := visit(page); err != nil {
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
		if len(page) < walkPage {
			return nil
		}

		after = page[len(page)-1].ID
	}
}

func (s *Service) pageOf(ctx context.Context, c *ent.Campaign, rule jsonfield.Audience, after uid.ID,
	limit int) (page []audience.Recipient, err error) {
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		page, err = audience.Page(ctx, tx, c.OrganizationID, rule, after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audience of %s: %w", c.ID, err)
	}

	return page, nil
}

// checkMost refuses a campaign that would write to more people than somebody has agreed to.
func (s *Service) checkMost(ctx context.Context, c *ent.Campaign, atMost *int) error {
	if atMost == nil {
		return nil
	}
	if *atMost < 0 {
		return usererror.Refuse("atMostRecipients", usererror.Invalid, "a number of people is 0 or more")
	}

	plan, err := s.plan(ctx, s.db.Client, c)
	if err != nil {
		return err
	}

	n := 0
	err = s.walk(ctx, c, func(page []audience.Recipient) error {
		for _, r := range page {
			if m, _ := plan.message(r); m.Skip == "" {
				n++
			}
		}

		return nil
	})
	if err != nil {
		return err
	}
	if n > *atMost {
		return usererror.Refuse("atMostRecipients", usererror.Stale,
			"%d people would be written to by now, more than %d; look at the estimate again", n, *atMost)
	}

	return nil
}
