package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/organization"
	"carillon/uid"
	"carillon/usererror"
)

// erasedReason marks an organization of which nothing is left to open again.
const erasedReason = "erased"

// Organization is one row of the operator's list.
type Organization struct {
	ID        uid.ID                  `json:"id"`
	Name      string                  `json:"name"`
	Status    enum.OrganizationStatus `json:"status"`
	Reason    *string                 `json:"reason,omitempty"`
	Until     *time.Time              `json:"suspendedUntil,omitempty"` // when a suspension ends by itself
	CreatedAt time.Time               `json:"createdAt"`
	Members   int                     `json:"members"`
	Contacts  int                     `json:"contacts"`
	Numbers   int                     `json:"numbers"` // of accounts that are connected
	Sent      int                     `json:"sent24h"` // messages that WhatsApp took in the last 24 hours, to the hour
	Quota     Quota                   `json:"quota"`
}

// Organizations lists all organizations, the oldest first.
func (s *Service) Organizations(ctx context.Context) (list []Organization, err error) {
	rows, err := s.db.Query(ctx, `SELECT id, name, status, status_reason, suspended_until, created_at,
		quota_messages_per_day, quota_contacts, quota_numbers,
		(SELECT count(*) FROM member WHERE organization_id = organization.id), (SELECT count(*) FROM contact
		WHERE organization_id = organization.id),
		(SELECT count(*) FROM phone_number JOIN account ON account.id = phone_number.account_id
		WHERE phone_number.organization_id = organization.id AND account.status <> 'DISCONNECTED'),
		(SELECT coalesce(sum(accepted), 0) FROM statistic WHERE organization_id = organization.id AND hour > $1)
		FROM organization ORDER BY id`, s.now().Add(-24*time.Hour))
	if err != nil {
		return nil, fmt.Errorf("list organizations: %w", err)
	}

	defer rows.Close()
	for rows.Next() {
		var o Organization
		var until database.NullTime
		err := rows.Scan(&o.ID, &o.Name, &o.Status, &o.Reason, &until, &o.CreatedAt, &o.Quota.MessagesPerDay,
			&o.Quota.Contacts, &o.Quota.Numbers, &o.Members, &o.Contacts, &o.Numbers, &o.Sent)
		if err != nil {
			return nil, fmt.Errorf("list organizations: %w", err)
		}

		o.CreatedAt = o.CreatedAt.UTC()
		if until.Valid {
			at := until.Time.UTC()
			o.Until = &at
		}

		list = append(list, o)
	}

	return list, rows.Err()
}

// change is one way in which the operator changes what an organization may do.
type change struct {
	to     enum.OrganizationStatus
	from   []enum.OrganizationStatus
	action string
	verb   string

	until *time.Time // of a suspension; nil: it does not end by itself
}

var (
	suspend = change{to: enum.OrganizationStatusSuspended, action: audit.ActionOrganizationSuspend, verb: "suspended",
		from: []enum.OrganizationStatus{enum.OrganizationStatusActive, enum.OrganizationStatusSuspended}}
	resume = change{to: enum.OrganizationStatusActive, action: audit.ActionOrganizationActivate, verb: "resumed",
		from: []enum.OrganizationStatus{enum.OrganizationStatusSuspended, enum.OrganizationStatusClosed}}
	closing = change{to: enum.OrganizationStatusClosed, action: audit.ActionOrganizationClose, verb: "closed",
		from: []enum.OrganizationStatus{enum.OrganizationStatusActive, enum.OrganizationStatusSuspended,
			enum.OrganizationStatusClosed}}
)

// Suspend stops an organization for now: its members read and export, and nothing of it is sent. It
// takes hold with the next claim of any worker; its running campaigns are paused with the reason.
// With an end it is over by itself; again changes both.
func (s *Service) Suspend(ctx context.Context, id uid.ID, reason string, until *time.Time) error {
	if strings.TrimSpace(reason) == "" {
		return usererror.Refuse("reason", usererror.Required, "say why: its members read the reason")
	}

	c := suspend
	c.until = until

	return s.change(ctx, id, c, &reason)
}

// Resume opens an organization again that was suspended or closed. Its campaigns that waited for
// that go on by themselves.
func (s *Service) Resume(ctx context.Context, id uid.ID) error { return s.change(ctx, id, resume, nil) }

// Close ends an organization: nobody signs in to it, its sockets end, nothing is sent, and what
// Meta still reports of it is dropped. All its data stays, until it is erased.
func (s *Service) Close(ctx context.Context, id uid.ID, reason string) error {
	return s.change(ctx, id, closing, &reason)
}

func (s *Service) change(ctx context.Context, id uid.ID, c change, reason *string) error {
	if reason != nil && strings.TrimSpace(*reason) == "" {
		reason = nil
	}

	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		o, err := hold(ctx, tx, id)
		if err != nil {
			return err
		}
		if !slices.Contains(c.from, o.Status) || isErased(o) {
			return usererror.New(usererror.Conflict, "organization %s is %s and cannot be %s", id, describe(o), c.verb)
		}

		update, summary := o.Update().SetStatus(c.to), c.verb+" the organization"
		if c.until == nil {
			update.ClearSuspendedUntil()
		} else {
			update.SetSuspendedUntil(*c.until)
			summary += " until " + c.until.UTC().Format(time.RFC3339)
		}

		if reason == nil {
			update.ClearStatusReason()
		} else {
			update.SetStatusReason(*reason)
			summary += ": " + *reason
		}

		if err := update.Exec(ctx); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Organization: id, Action: c.action, Subject: id, Summary: summary})
	})
	if err != nil {
		return fmt.Errorf("change organization %s: %w", id, err)
	}

	s.news.Announce(ctx, id)
	if c.to == enum.OrganizationStatusActive {
		return nil // the sweep lets its campaigns go on
	}

	_, err = s.campaigns.Stop(ctx, campaign.OrganizationID(id), enum.CampaignStatusReasonOrganizationSuspended,
		fmt.Sprintf("The organization was %s by the operator. The campaign goes on by itself when that is over.", c.verb))

	return err
}

// sweptOrganizations bounds how many suspensions one sweep ends.
const sweptOrganizations = 100

// EndSuspensions opens the organizations again whose suspension has come to its end. Their
// campaigns that waited for that go on with the sweep's next step.
func (s *Service) EndSuspensions(ctx context.Context) error {
	over := organization.And(organization.StatusEQ(enum.OrganizationStatusSuspended),
		organization.SuspendedUntilLTE(s.now()))
	ids, err := s.db.Client.Organization.Query().Where(over).Order(organization.ByID()).Limit(sweptOrganizations).IDs(ctx)
	if err != nil {
		return fmt.Errorf("look for suspensions that are over: %w", err)
	}

	for _, id := range ids {
		err := s.db.InTx(ctx, func(tx *database.Tx) error {
			o, err := hold(ctx, tx, id)
			if err != nil || o.Status != enum.OrganizationStatusSuspended || o.SuspendedUntil == nil ||
				o.SuspendedUntil.After(s.now()) {
				return err // another process was first, or the operator has changed it
			}

			err = o.Update().SetStatus(enum.OrganizationStatusActive).ClearStatusReason().ClearSuspendedUntil().Exec(ctx)
			if err != nil {
				return err
			}

			return audit.Record(ctx, tx, audit.Entry{Organization: id, Action: audit.ActionOrganizationActivate,
				Subject: id,
				Summary: "the suspension of the organization has ended by itself"})
		})
		if err != nil {
			return fmt.Errorf("end the suspension of %s: %w", id, err)
		}

		s.news.Announce(ctx, id)
	}

	return nil
}

// hold reads an organization and keeps others from changing it until the transaction ends.
func hold(ctx context.Context, tx *database.Tx, id uid.ID) (*ent.Organization, error) {
	var held uid.ID
	// the next line tells
	_ = tx.QueryRowContext(ctx, "SELECT id FROM organization WHERE id = $1"+tx.DB.ForUpdate(), id).Scan(&held)
	o, err := tx.Client.Organization.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("organization " + id.String())
	}

	return o, err
}

func isErased(o *ent.Organization) bool {
	return o.Status == enum.OrganizationStatusClosed && o.StatusReason != nil && *o.StatusReason == erasedReason
}

func describe(o *ent.Organization) string {
	if isErased(o) {
		return erasedReason
	}
	return string(o.Status)
}
