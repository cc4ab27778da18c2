package identity

import (
	"context"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/organization"
	"carillon/ent/termsacceptance"
	"carillon/uid"
)

// Obstacle is why an organization may not send now, whatever it wants to send. It goes by itself.
type Obstacle struct {
	Reason enum.CampaignStatusReason
	Text   string
}

// Obstacles say why organizations may not send now. One that may is left out. It acts as the
// system.
func (s *Service) Obstacles(ctx context.Context, organizations ...uid.ID) (map[uid.ID][]Obstacle, error) {
	rows, err := s.db.Client.Organization.Query().Where(organization.IDIn(organizations...)).All(caller.System(ctx))
	if err != nil {
		return nil, fmt.Errorf("read organizations: %w", err)
	}

	accepted, err := s.accepted(ctx, organizations)
	if err != nil {
		return nil, err
	}

	found := map[uid.ID][]Obstacle{}
	for _, o := range rows {
		if s.isStopped(o) {
			text := fmt.Sprintf("the organization is %s by the operator and may not send", o.Status)
			if o.SuspendedUntil != nil {
				text += " until " + o.SuspendedUntil.UTC().Format(time.RFC3339)
			}
			if o.StatusReason != nil {
				text += ": " + *o.StatusReason
			}

			found[o.ID] = append(found[o.ID], Obstacle{enum.CampaignStatusReasonOrganizationSuspended, text})
		}

		if !accepted[o.ID] {
			found[o.ID] = append(found[o.ID], Obstacle{enum.CampaignStatusReasonTermsNotAccepted,
				fmt.Sprintf("an owner or admin has to accept the terms of service of version %s first (acceptTerms)",
					s.terms.Version)})
		}
	}

	return found, nil
}

// isStopped reports whether the operator keeps an organization from sending. A suspension whose end
// has come counts as none, also before the sweep has written that down.
func (s *Service) isStopped(o *ent.Organization) bool {
	over := o.Status == enum.OrganizationStatusSuspended && o.SuspendedUntil != nil && !o.SuspendedUntil.After(s.now())
	return o.Status != enum.OrganizationStatusActive && !over
}

// accepted are the organizations that have accepted the terms in force. Terms whose time is still
// to come are only announced: until then every earlier acceptance holds.
func (s *Service) accepted(ctx context.Context, organizations []uid.ID) (map[uid.ID]bool, error) {
	query := s.db.Client.TermsAcceptance.Query().Where(termsacceptance.OrganizationIDIn(organizations...),
		termsacceptance.Personal(false))
	if !s.terms.EffectiveAt.After(s.now()) {
		query.Where(termsacceptance.Version(s.terms.Version))
	}

	var rows []struct {
		OrganizationID uid.ID `json:"organization_id"`
	}
	if err := query.Unique(true).Select(termsacceptance.FieldOrganizationID).Scan(caller.System(ctx), &rows); err != nil {
		return nil, fmt.Errorf("look for accepted terms: %w", err)
	}

	accepted := make(map[uid.ID]bool, len(rows))
	for _, r := range rows {
		accepted[r.OrganizationID] = true
	}

	return accepted, nil
}

// RecordRefusal records, in a transaction of its own, that the caller may not use a field, and why.
func (s *Service) RecordRefusal(ctx context.Context, field, why string) error {
	if _, ok := From(ctx); !ok {
		return nil
	}
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionAccessRefuse,
			Summary: fmt.Sprintf("was refused %s: %s", field, why)})
	})
}
