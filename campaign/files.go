package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/usererror"
	"carillon/whatsapp"
)

// renewFiles sees to it that the uploaded files that everybody gets are there for the campaign's
// number, and for long enough. A file that is there under another id takes the place of the old one
// in the campaign. What cannot be had is an obstacle.
func (s *Service) renewFiles(ctx context.Context, c *ent.Campaign) (found []obstacle, err error) {
	bindings := slices.Clone(c.Parameters)
	renewed := false
	for i, b := range bindings {
		for _, place := range []struct {
			value **string
			field string
		}{{&bindings[i].Value, "value"}, {&bindings[i].Fallback, "fallback"}} {
			if !namesUpload(b.Parameter, *place.value) {
				continue
			}

			field := "parameters." + strconv.Itoa(i) + "." + place.field
			id, err := s.renew(ctx, c.PhoneNumberID, **place.value, field)
			var refused usererror.Fields
			if errors.As(err, &refused) {
				found = append(found, obstacle{enum.CampaignStatusReasonMissingParameter, "campaignId", refused[0].Code,
					fmt.Sprintf("%s: %s", field, refused[0].Message)})
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("renew a file of campaign %s: %w", c.ID, err)
			}

			renewed = renewed || id != **place.value
			*place.value = &id
		}
	}

	if !renewed || len(found) > 0 {
		return found, nil
	}

	return nil, s.setFiles(ctx, c, bindings)
}

// namesUpload reports whether a binding gives everybody a file that was uploaded.
func namesUpload(parameter string, value *string) bool {
	return value != nil && whatsapp.TakesMedia(parameter) && whatsapp.IsMediaID(*value)
}

// setFiles stores bindings with other ids of the same files, unless the campaign has changed since
// it was read.
func (s *Service) setFiles(ctx context.Context, c *ent.Campaign, bindings []jsonfield.ParameterBinding) error {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		now, err := tx.Client.Campaign.Query().Where(campaign.ID(c.ID), tx.DB.Locked).Only(ctx)
		if err != nil || phaseOf(now) >= underway || !sameContent(now, c) {
			return err
		}

		return tx.Client.Campaign.UpdateOneID(c.ID).SetParameters(bindings).Exec(ctx)
	})
	if err != nil {
		return fmt.Errorf("store files of campaign %s: %w", c.ID, err)
	}

	c.Parameters = bindings

	return nil
}
