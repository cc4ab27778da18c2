package campaign

import (
	"context"
	"fmt"
	"strings"
	"time"

	"carillon/account"
	"carillon/audience"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// Launch starts a campaign now, or at scheduledAt where that is in the future. It is refused where
// more people would be written to than atMost; nil is any number.
func (s *Service) Launch(ctx context.Context, id uid.ID, atMost *int) (*ent.Campaign, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if !changes[launch].leadsFrom(c.Status) {
		return nil, conflict(c, changes[launch].verb)
	}
	if err := s.launchable(ctx, c); err != nil {
		return nil, err
	}
	if err := s.checkMost(ctx, c, atMost); err != nil {
		return nil, err
	}

	now := s.now()
	r := request{change: launch, campaign: id, also: func(u *ent.CampaignUpdateOne) { u.SetLaunchedAt(now) },
		still: func(now *ent.Campaign) bool { return now.Status != draft || sameContent(now, c) }}
	if start := firstStart(c); start != nil && start.After(now) {
		r.change = schedule
	}

	return s.changeFor(ctx, r)
}

// launchable refuses a campaign that may not start, with everything that stands in its way.
func (s *Service) launchable(ctx context.Context, c *ent.Campaign) error {
	found, err := s.launchObstacles(ctx, c)
	if err != nil {
		return err
	}

	return refusal(found)
}

// launchObstacles are everything that keeps a campaign of which nothing is enrolled from starting.
// Launch and Resume refuse it for them, and a scheduled campaign whose time has come pauses. Once
// nothing else does, its files are renewed.
func (s *Service) launchObstacles(ctx context.Context, c *ent.Campaign) ([]obstacle, error) {
	found := s.missed(c)
	passing, err := s.obstacles(ctx, c)
	if err != nil {
		return nil, err
	}

	found = append(found, passing...)
	template, err := s.db.Client.Template.Get(ctx, c.TemplateID)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}

	pending, err := s.pendingRecipients(ctx, c)
	if err != nil {
		return nil, err
	}

	ownValues, err := s.hasRecipients(ctx, c)
	if err != nil {
		return nil, err
	}

	found = append(append(found, pending...), parameterObstacles(c, template, ownValues)...)
	if len(found) > 0 {
		return found, nil
	}

	if found, err = s.recipientObstacles(ctx, c, template); err != nil || len(found) > 0 {
		return found, err
	}

	return s.renewFiles(ctx, c)
}

// startGrace is how late a scheduled campaign may start, after a downtime, without being asked for
// again.
const startGrace = time.Hour

// missed says which of a campaign's times have passed.
func (s *Service) missed(c *ent.Campaign) (found []obstacle) {
	add := func(format string, at time.Time) {
		found = append(found, obstacle{enum.CampaignStatusReasonScheduleMissed, "campaignId", usererror.Stale,
			fmt.Sprintf(format, at.UTC().Format(time.RFC3339))})
	}
	if s.expired(c) {
		add("the campaign expired at %s", *c.ExpiresAt)
	}

	last := draftOf(c).lastStart()
	switch now := s.now(); {
	case last == nil:
	case c.Status == draft && hasPassed(*last, now):
		add("the campaign was to start at %s, which has passed; give a time ahead, or none to start at the launch", *last)
	case c.Status == scheduled && last.Before(now.Add(-startGrace)):
		add("the campaign was to start at %s, and the service was away; resume it to send now, or give another time", *last)
	}

	return found
}

// parameterObstacles are parameters without a binding, and constants that WhatsApp would refuse.
// Where recipients have values of their own, a parameter need not be bound: whoever has none is
// missing it.
func parameterObstacles(c *ent.Campaign, template *ent.Template, ownValues bool) (found []obstacle) {
	add := func(code usererror.Code, format string, args ...any) {
		found = append(found, obstacle{enum.CampaignStatusReasonMissingParameter, "campaignId", code,
			fmt.Sprintf(format, args...)})
	}
	if unbound := unboundParameters(template, c.Parameters); len(unbound) > 0 && !ownValues {
		add(usererror.Required, "these parameters of the template are not bound: %s", strings.Join(unbound, ", "))
	}

	for _, p := range newBinder(template, c.Parameters).constants() {
		add(account.FaultOf(p.ValueError), "%s: parameter %q %s", p.field, p.Parameter, p.Message)
	}

	return found
}

func unboundParameters(template *ent.Template, bindings []jsonfield.ParameterBinding) (names []string) {
	bound := map[string]bool{}
	for _, b := range bindings {
		bound[b.Parameter] = true
	}

	for _, p := range account.Of(template).Parameters() {
		if !bound[p.Name] {
			names = append(names, p.Name)
		}
	}

	return names
}

// recipientObstacles are an empty audience and, where the campaign says FAIL, recipients without a
// value.
func (s *Service) recipientObstacles(ctx context.Context, c *ent.Campaign, template *ent.Template) ([]obstacle, error) {
	first, err := s.pageOf(ctx, c, ruleOf(c), uid.ID{}, 1)
	switch {
	case err != nil:
		return nil, err
	case len(first) == 0:
		return []obstacle{{enum.CampaignStatusReasonAudienceEmpty, "campaignId", usererror.Invalid,
			"the audience is empty: nobody would receive it"}}, nil
	case c.MissingParameter != enum.MissingParameterPolicyFail:
		return nil, nil
	}

	return s.valueObstacles(ctx, c, template)
}

// valueObstacles are recipients without a value, and those with one that WhatsApp would refuse.
func (s *Service) valueObstacles(ctx context.Context, c *ent.Campaign, template *ent.Template) (found []obstacle,
	err error) {
	bind := newBinder(template, c.Parameters)
	var missing, refused tally
	err = s.walk(ctx, c, func(page []audience.Recipient) error {
		for _, r := range page {
			_, problems := bind.values(r)
			switch unfit(problems) {
			case enum.SkipReasonMissingParameter:
				missing.add(r, problems)
			case enum.SkipReasonInvalidParameter:
				refused.add(r, problems)
			}
		}

		return nil
	})
	if err != nil {
		return nil, err
	}

	add := func(code usererror.Code, format string, t tally) {
		if t.people > 0 {
			found = append(found, obstacle{enum.CampaignStatusReasonMissingParameter, "campaignId", code,
				fmt.Sprintf(format, t.people, strings.Join(t.examples, "; "))})
		}
	}

	add(usererror.Required,
		"%d recipients lack a value, e.g. %s; give the bindings a fallback, or choose missingParameter SKIP",
		missing)
	add(usererror.Invalid,
		"%d recipients have a value that WhatsApp refuses, e.g. %s; mend their contacts, or choose missingParameter SKIP",
		refused)

	return found, nil
}

// tally counts recipients who cannot be written to, and names the first of them.
type tally struct {
	people   int
	examples []string
}

func (t *tally) add(r audience.Recipient, problems []*whatsapp.ValueError) {
	if t.people++; len(t.examples) == namedMissing {
		return
	}

	texts := make([]string, len(problems))
	for i, p := range problems {
		if texts[i] = p.Parameter; p.Rule != "MISSING" {
			texts[i] += " " + p.Message
		}
	}

	t.examples = append(t.examples, r.Phone+" ("+strings.Join(texts, ", ")+")")
}
