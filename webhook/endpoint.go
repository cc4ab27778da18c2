package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/webhookdelivery"
	"carillon/ent/webhookendpoint"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

const (
	longestURL         = 2000
	longestDescription = 200
	longestSelection   = 4000

	secretPrefix = "whsec_"
	secretBytes  = 32
)

// Draft is what somebody wants of an endpoint. What is nil stays as it is; Describe and Select say
// whether the texts change, of which nil is none.
type Draft struct {
	URL         *string
	Events      []enum.WebhookEventType
	Enabled     *bool
	Describe    bool
	Description *string
	Select      bool
	Selection   *string
}

// Create makes an endpoint that is told of what happens from now on, and gives its secret.
func (s *Service) Create(ctx context.Context, d Draft) (e *ent.WebhookEndpoint, secret string, err error) {
	v, err := identity.Require(ctx, enum.RoleAdmin)
	if err != nil {
		return nil, "", err
	}
	if err := s.check(ctx, v, nil, &d); err != nil {
		return nil, "", err
	}

	id := uid.New(uid.WebhookEndpoint)
	secret, sealed := s.newSecret(id)
	_, last, err := s.Log.Bounds(ctx, v.Organization)
	if err != nil {
		return nil, "", err
	}

	err = s.DB.InTx(ctx, func(tx *database.Tx) error {
		if err := hasRoom(ctx, tx, v.Organization); err != nil {
			return err
		}

		create := tx.Client.WebhookEndpoint.Create().SetID(id).SetOrganizationID(v.Organization).SetURL(*d.URL).
			SetEvents(d.Events).SetNillableDescription(d.Description).SetNillableSelection(d.Selection).SetSecret(sealed).
			SetPlace(last).SetCreatedAt(s.moment())
		ownedBy(create, v)
		if err := create.Exec(ctx); err != nil {
			return fmt.Errorf("write an endpoint: %w", err)
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionWebhookCreate, Subject: id,
			Summary: fmt.Sprintf("made an endpoint of webhooks at %s for %d kinds of events", hostOf(*d.URL), len(d.Events))})
	})
	if err != nil {
		return nil, "", err
	}

	e, err = s.DB.Client.WebhookEndpoint.Get(ctx, id)

	return e, secret, err
}

// ownedBy gives an endpoint the rights of its maker, with which its selection runs.
func ownedBy(create *ent.WebhookEndpointCreate, v *identity.Viewer) {
	create.SetRole(v.Role)
	if v.Member != nil {
		create.SetCreatedByID(v.Member.ID)
	}
	if v.Key != nil && len(v.Key.Scopes) > 0 {
		create.SetScopes(v.Key.Scopes)
	}
}

// hasRoom refuses an endpoint beyond the bound. It holds the organization, so that two callers do
// not take the last place.
func hasRoom(ctx context.Context, tx *database.Tx, owner uid.ID) error {
	if err := tx.Exclusive(ctx, "webhook endpoints of "+owner.String()); err != nil {
		return err
	}

	n, err := tx.Client.WebhookEndpoint.Query().Where(webhookendpoint.OrganizationID(owner)).Count(ctx)
	if err != nil {
		return fmt.Errorf("count endpoints: %w", err)
	}
	if n >= mostEndpoints {
		return usererror.Refuse("", usererror.LimitExceeded, "There are %d endpoints already, and there may be no more.", n)
	}

	return nil
}

// check tidies what is wanted of an endpoint, and tells all that is wrong with it. Without an
// endpoint everything must be given.
func (s *Service) check(ctx context.Context, v *identity.Viewer, of *ent.WebhookEndpoint, d *Draft) error {
	var wrong usererror.Fields
	s.checkURL(&wrong, of, d)
	if d.Description != nil {
		*d.Description = strings.TrimSpace(*d.Description)
		if utf8.RuneCountInString(*d.Description) > longestDescription {
			wrong.Add("description", usererror.TooLong, "It has more than %d characters.", longestDescription)
		} else if *d.Description == "" {
			d.Description = nil
		}
	}

	if of == nil && len(d.Events) == 0 || d.Events != nil && len(d.Events) == 0 {
		wrong.Add("events", usererror.Required, "Name at least one kind of events.")
	}

	for i, e := range d.Events {
		if slices.Contains(d.Events[:i], e) {
			wrong.Add(fmt.Sprintf("events.%d", i), usererror.Invalid, "%s is there already.", e)
		}
	}

	s.checkSelection(ctx, &wrong, v, of, d)

	return wrong.Err()
}

func (s *Service) checkURL(wrong *usererror.Fields, of *ent.WebhookEndpoint, d *Draft) {
	if d.URL == nil {
		if of == nil {
			wrong.Add("url", usererror.Required, "Say where to post.")
		}
		return
	}

	address := strings.TrimSpace(*d.URL)
	d.URL = &address
	u, err := url.Parse(address)
	switch {
	case address == "":
		wrong.Add("url", usererror.Required, "Say where to post.")
	case utf8.RuneCountInString(address) > longestURL:
		wrong.Add("url", usererror.TooLong, "It has more than %d characters.", longestURL)
	case err != nil:
		wrong.Add("url", usererror.Invalid, "It is no address such as https://example.com/webhooks.")
	default:
		if why := s.Guard.Check(u); why != "" {
			code := usererror.Invalid
			if strings.Contains(why, "WEBHOOK_ALLOW") {
				code = usererror.NotAllowed
			}

			wrong.Add("url", code, "%s", why)
		}
	}
}

// checkSelection looks at the selection as it will be, with the events as they will be. It reads
// with the endpoint's rights, so whoever sets it, or where its result goes, must be able to read.
func (s *Service) checkSelection(ctx context.Context, wrong *usererror.Fields, v *identity.Viewer,
	of *ent.WebhookEndpoint, d *Draft) {
	selection, events := d.Selection, d.Events
	if of != nil && !d.Select {
		selection = of.Selection
	}
	if of != nil && events == nil {
		events = of.Events
	}

	if selection != nil && strings.TrimSpace(*selection) == "" {
		d.Selection, selection = nil, nil
	}

	changes := d.Select || d.Events != nil || d.URL != nil
	if selection == nil || !changes || len(events) == 0 {
		return
	}

	switch {
	case !v.HasScope(enum.APIScopeRead):
		wrong.Add("selection", usererror.NotAllowed, "A selection reads: this needs the scope %s.", enum.APIScopeRead)
	case utf8.RuneCountInString(*selection) > longestSelection:
		wrong.Add("selection", usererror.TooLong, "It has more than %d characters.", longestSelection)
	case s.Shaper == nil:
		wrong.Add("selection", usererror.NotAllowed, "This service shapes no payloads.")
	default:
		if err := s.Shaper.Check(ctx, *selection, events); err != nil {
			wrong.Add("selection", usererror.Invalid, "%s", err.Error())
		}
	}
}

// newSecret makes a secret, and seals it for the endpoint.
func (s *Service) newSecret(endpoint uid.ID) (text string, sealed []byte) {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the program instead
	return secretPrefix + base64.StdEncoding.EncodeToString(key), s.Keys.Seal(key, endpoint[:])
}

// find is an endpoint of the caller's.
func (s *Service) find(ctx context.Context, id uid.ID) (*identity.Viewer, *ent.WebhookEndpoint, error) {
	v, err := identity.Require(ctx, enum.RoleAdmin)
	if err != nil {
		return nil, nil, err
	}

	e, err := s.DB.Client.WebhookEndpoint.Get(ctx, id)
	if ent.IsNotFound(err) {
		return nil, nil, usererror.Missing("webhook endpoint")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read endpoint %s: %w", id, err)
	}

	return v, e, nil
}

// Update changes an endpoint. The process that serves it learns of that within two seconds.
func (s *Service) Update(ctx context.Context, id uid.ID, d Draft) (*ent.WebhookEndpoint, error) {
	v, e, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx, v, e, &d); err != nil {
		return nil, err
	}

	_, last, err := s.Log.Bounds(ctx, v.Organization)
	if err != nil {
		return nil, err
	}

	err = s.DB.InTx(ctx, func(tx *database.Tx) error {
		u := tx.Client.WebhookEndpoint.UpdateOneID(id)
		told := apply(u, e, d)
		if d.Events != nil && slices.ContainsFunc(d.Events, ofLog) && !slices.ContainsFunc(e.Events, ofLog) {
			u.SetPlace(last) // it has not followed the log, and begins now
		}
		if err := u.Exec(ctx); err != nil {
			return fmt.Errorf("change endpoint %s: %w", id, err)
		}

		if d.Enabled != nil && *d.Enabled && e.Status != enum.WebhookEndpointStatusEnabled {
			_, err := tx.Client.WebhookDelivery.Update().Where(webhookdelivery.EndpointID(id),
				webhookdelivery.StatusEQ(enum.WebhookDeliveryStatusPending)).SetNextAttemptAt(s.moment()).Save(ctx)
			if err != nil {
				return fmt.Errorf("go on with endpoint %s: %w", id, err)
			}
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionWebhookUpdate, Subject: id,
			Summary: "changed an endpoint of webhooks: " + strings.Join(told, ", ")})
	})
	if err != nil {
		return nil, err
	}

	return s.DB.Client.WebhookEndpoint.Get(ctx, id)
}

// apply sets what changes, and says what that is.
func apply(u *ent.WebhookEndpointUpdateOne, e *ent.WebhookEndpoint, d Draft) (told []string) {
	if d.URL != nil {
		u.SetURL(*d.URL)
		told = append(told, "it is at "+hostOf(*d.URL))
	}
	if d.Events != nil {
		u.SetEvents(d.Events)
		told = append(told, fmt.Sprintf("it is told of %d kinds of events", len(d.Events)))
	}
	if d.Describe {
		if d.Description == nil {
			u.ClearDescription()
		} else {
			u.SetDescription(*d.Description)
		}

		told = append(told, "its description")
	}
	if d.Select {
		if d.Selection == nil {
			u.ClearSelection()
		} else {
			u.SetSelection(*d.Selection)
		}

		told = append(told, "its selection")
	}

	switch on := d.Enabled; {
	case on == nil:
	case *on && e.Status != enum.WebhookEndpointStatusEnabled:
		u.SetStatus(enum.WebhookEndpointStatusEnabled).ClearStatusReason().ClearFailingSince().ClearRestsUntil().SetProbes(0)
		told = append(told, "it is switched on")
	case !*on && e.Status == enum.WebhookEndpointStatusEnabled:
		u.SetStatus(enum.WebhookEndpointStatusDisabled).ClearStatusReason()
		told = append(told, "it is switched off")
	}

	if len(told) == 0 {
		return []string{"nothing"}
	}

	return told
}

// Delete removes an endpoint with its deliveries.
func (s *Service) Delete(ctx context.Context, id uid.ID) error {
	_, e, err := s.find(ctx, id)
	if err != nil {
		return err
	}

	return s.DB.InTx(ctx, func(tx *database.Tx) error {
		if err := tx.Client.WebhookEndpoint.DeleteOneID(id).Exec(ctx); err != nil {
			if ent.IsNotFound(err) {
				return usererror.Missing("webhook endpoint")
			}
			return fmt.Errorf("delete endpoint %s: %w", id, err)
		}

		// Those that a process writes at this moment are found by the sweep.
		if _, err := tx.Client.WebhookDelivery.Delete().Where(webhookdelivery.EndpointID(id)).Exec(ctx); err != nil {
			return fmt.Errorf("delete deliveries of endpoint %s: %w", id, err)
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionWebhookDelete, Subject: id,
			Summary: "deleted the endpoint of webhooks at " + hostOf(e.URL)})
	})
}

// Rotate gives an endpoint another secret. The one before signs as well for a day.
func (s *Service) Rotate(ctx context.Context, id uid.ID) (e *ent.WebhookEndpoint, secret string, err error) {
	if _, _, err = s.find(ctx, id); err != nil {
		return nil, "", err
	}

	secret, sealed := s.newSecret(id)
	err = s.DB.InTx(ctx, func(tx *database.Tx) error {
		now, err := tx.Client.WebhookEndpoint.Query().Where(webhookendpoint.ID(id), tx.DB.Locked).Only(ctx)
		if ent.IsNotFound(err) {
			return usererror.Missing("webhook endpoint")
		}
		if err != nil {
			return fmt.Errorf("read endpoint %s: %w", id, err)
		}

		err = tx.Client.WebhookEndpoint.UpdateOneID(id).SetSecret(sealed).SetPreviousSecret(now.Secret).
			SetPreviousUntil(s.moment().Add(overlap)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("change the secret of endpoint %s: %w", id, err)
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionWebhookRotate, Subject: id,
			Summary: "gave the endpoint of webhooks at " + hostOf(now.URL) + " a new secret"})
	})
	if err != nil {
		return nil, "", err
	}

	e, err = s.DB.Client.WebhookEndpoint.Get(ctx, id)

	return e, secret, err
}

// hostOf is what the audit trail says of an address: the rest may hold a secret.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address"
	}
	return u.Host
}
