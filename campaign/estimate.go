package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"carillon/audience"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/phonenumber"
	"carillon/pricing"
	"carillon/uid"
	"carillon/usererror"
)

// errEnough ends a walk over an audience early.
var errEnough = errors.New("enough is known")

// walkPage is how many recipients a walk reads at once. It holds no locks, so it can be more than a
// page of enrolment.
const walkPage = 4000

// walk calls visit with the pages of a campaign's audience as it is now, segments included, until
// visit returns errEnough. While it visits a page, the next one is read.
func (s *Service) walk(ctx context.Context, c *ent.Campaign, visit func([]audience.Recipient) error) error {
	rule, err := frozenRule(ctx, s.db.Client, c)
	if err != nil {
		return err
	}

	pages := make(chan []audience.Recipient)
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error {
		defer close(pages)
		for after := (uid.ID{}); ; {
			page, err := s.pageOf(ctx, c, rule, after, walkPage)
			if err != nil {
				return err
			}

			select {
			case pages <- page:
			case <-ctx.Done():
				return ctx.Err()
			}

			if len(page) < walkPage {
				return nil
			}

			after = page[len(page)-1].ID
		}
	})

	running.Go(func() error {
		for page := range pages {
			if err := visit(page); err != nil {
				return err
			}
		}

		return nil
	})

	if err := running.Wait(); !errors.Is(err, errEnough) {
		return err
	}

	return nil
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

// Estimate is what a launch would do now.
type Estimate struct {
	Recipients int // who would be written to
	Skipped    []Skips
	Missing    []Missing
	Countries  []CountryCount  // the largest first
	Languages  []LanguageCount // of the templates that are sent, the largest first
	Samples    []Sample

	Duration       time.Duration
	LimitRemaining *int // people whom the account may still write to in this window; nil where it has no limit
	LimitDays      *int // rolling days that it takes within the limit

	Cost     *pricing.Money // nil where a price of somebody is not known
	RateCard *pricing.Card  // by which; nil where none is in force

	Problems usererror.Fields // what the launch would be refused for
	Warnings []string
}

// Skips is how many people are left out for a reason.
type Skips struct {
	Reason enum.SkipReason
	Count  int
}

// Missing is how many people have no value for a parameter.
type Missing struct {
	Parameter string
	Count     int
}

// CountryCount is how many people of a country would be written to; empty where nothing tells it.
type CountryCount struct {
	Country    string
	Recipients int
	Cost       *pricing.Money // nil where a price of somebody is not known
}

// LanguageCount is how many people would get a template, which is the campaign's own or one of its
// translations.
type LanguageCount struct {
	Template   *ent.Template
	Recipients int
}

// sumOfCountry is what was counted of one country.
type sumOfCountry struct {
	people, unpriced int
	micros           int64
}

// cost is the sum in a currency; nil where a price is not known.
func (c sumOfCountry) cost(currency string) *pricing.Money {
	if c.unpriced > 0 || currency == "" {
		return nil
	}
	return &pricing.Money{Micros: c.micros, Currency: currency}
}

// sampled is of how many people an estimate shows the message.
const sampled = 3

// counting is an estimate in the making.
type counting struct {
	Estimate
	plan                        *plan
	skips                       map[enum.SkipReason]int
	missing                     map[string]int
	countries                   map[string]*sumOfCountry
	price                       func(delivery.Outgoing) (micros int64, known bool)
	currency                    string
	templates                   map[uid.ID]*LanguageCount
	unasked, untranslated, late int // people without an opt-in, without a translation, whose own time has passed
	now                         time.Time

	evenings map[evening]int // people, where there are quiet hours
	held     int             // of them who have quiet hours when they could be written to
	awake    time.Duration   // how long it would take if there were none
}

// Estimate computes what a launch would do now, without sending anything. It makes the same plan
// as enrolment and reads the same audience, so that the launch does what the estimate says but for
// what changes meanwhile.
func (s *Service) Estimate(ctx context.Context, id uid.ID) (*Estimate, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}

	found, err := s.launchObstacles(ctx, c)
	if err != nil {
		return nil, err
	}

	k := counting{skips: map[enum.SkipReason]int{}, missing: map[string]int{}, countries: map[string]*sumOfCountry{},
		templates: map[uid.ID]*LanguageCount{}, evenings: map[evening]int{}, now: s.now()}
	if len(found) > 0 && !asInputs(refusal(found), &k.Problems) {
		return nil, fmt.Errorf("%d obstacles are no inputs", len(found))
	}
	if k.plan, err = s.plan(ctx, s.db.Client, c); err != nil {
		return nil, err
	}

	k.plan.at = k.start(c)
	if err := s.priced(ctx, &k); err != nil {
		return nil, err
	}

	err = s.walk(ctx, c, func(page []audience.Recipient) error {
		capped, err := s.capped(ctx, k.plan, page)
		for _, r := range page {
			k.add(r, capped[r.ID])
		}

		return err
	})
	if err != nil {
		return nil, err
	}

	k.sum()
	if err := s.forecast(ctx, c, &k); err != nil {
		return nil, err
	}

	k.warn(c)

	return &k.Estimate, nil
}

// capped are those of a page who have had as much marketing as the organization allows. Claims look
// at that, when a message's turn comes; an estimate says how it is now.
func (s *Service) capped(ctx context.Context, p *plan, page []audience.Recipient) (map[uid.ID]bool, error) {
	most := p.organization.SendingPolicy.MarketingPerContactPerDay
	if most <= 0 || len(page) == 0 || p.chosen.row.Category != enum.TemplateCategoryMarketing {
		return nil, nil
	}

	ids := make([]uid.ID, len(page))
	for i, r := range page {
		ids[i] = r.ID
	}

	counts, err := s.queue.MarketingSince(ctx, p.campaign.OrganizationID, ids)
	capped := map[uid.ID]bool{}
	for id, n := range counts {
		capped[id] = n >= most
	}

	return capped, err
}

// add counts one person.
func (k *counting) add(r audience.Recipient, capped bool) {
	m, problems := k.plan.message(r)
	if m.Skip == "" && capped {
		m.Skip = enum.SkipReasonFrequencyCap
	}

	if m.Skip != "" {
		k.skips[m.Skip]++
		if m.Skip == enum.SkipReasonMissingParameter {
			for _, p := range problems {
				if p.Rule == "MISSING" {
					k.missing[p.Parameter]++
				}
			}
		}

		return
	}

	k.Recipients++
	k.addCost(m)
	k.addEvening(m)
	of := k.templates[m.Template]
	if of == nil {
		of = &LanguageCount{Template: k.plan.binderFor(r).row}
		k.templates[m.Template] = of
	}

	of.Recipients++
	if m.Category == enum.TemplateCategoryMarketing && r.Consent != enum.ConsentOptedIn {
		k.unasked++
	}
	if k.plan.campaign.Translate && r.Language != "" && m.Template == k.plan.chosen.row.ID &&
		baseKey(languageKey(r.Language)) != baseKey(languageKey(k.plan.chosen.row.Language)) {
		k.untranslated++
	}
	if due := dueAt(m); !due.IsZero() && due.Before(k.now.Add(-late)) {
		k.late++
	}

	if len(k.Samples) < sampled {
		k.Samples = append(k.Samples, Sample{k.plan.campaign.ID, k.plan.campaign.PhoneNumberID, of.Template, m.Parameters})
	}
}

// priced sets by which card an estimate prices its messages: the one in force at the start, in the
// currency that the account is charged in.
func (s *Service) priced(ctx context.Context, k *counting) error {
	k.price = func(delivery.Outgoing) (int64, bool) { return 0, false }
	if s.book == nil {
		return nil
	}

	prices, err := s.book.Prices(ctx, k.plan.account)
	if err != nil {
		return fmt.Errorf("read prices: %w", err)
	}

	at := k.now
	if start := firstStart(k.plan.campaign); start != nil && start.After(at) {
		at = *start
	}

	k.currency = prices.Currency(k.plan.account)
	k.price = func(m delivery.Outgoing) (int64, bool) {
		category, known := pricing.CategoryOf(strings.ToLower(string(m.Category)))
		if !known {
			return 0, false
		}

		to := pricing.Recipient{Address: m.Address, Country: m.Country}
		micros, card, ok := prices.Estimate(k.currency, category, to, at)
		k.RateCard = card

		return micros, ok
	}

	return nil
}

// addCost counts a message's country and price.
func (k *counting) addCost(m delivery.Outgoing) {
	of := k.countries[m.Country]
	if of == nil {
		of = &sumOfCountry{}
		k.countries[m.Country] = of
	}

	of.people++
	if micros, known := k.price(m); known {
		of.micros += micros
	} else {
		of.unpriced++
	}
}

// sum puts what was counted in order.
func (k *counting) sum() {
	for _, reason := range slices.Sorted(maps.Keys(k.skips)) {
		k.Skipped = append(k.Skipped, Skips{reason, k.skips[reason]})
	}
	for _, parameter := range slices.Sorted(maps.Keys(k.missing)) {
		k.Missing = append(k.Missing, Missing{parameter, k.missing[parameter]})
	}

	var all sumOfCountry
	for _, country := range slices.Sorted(maps.Keys(k.countries)) {
		of := k.countries[country]
		k.Countries = append(k.Countries, CountryCount{country, of.people, of.cost(k.currency)})
		all.micros, all.unpriced = all.micros+of.micros, all.unpriced+of.unpriced
	}

	k.Cost = all.cost(k.currency)
	if all.unpriced > 0 && k.RateCard != nil {
		k.Warnings = append(k.Warnings, fmt.Sprintf("The rate card has no price for %d of the people.", all.unpriced))
	}

	for _, of := range k.templates {
		k.Languages = append(k.Languages, *of)
	}

	slices.SortStableFunc(k.Countries, func(a, b CountryCount) int { return b.Recipients - a.Recipients })
	slices.SortFunc(k.Languages, func(a, b LanguageCount) int {
		return cmp.Or(b.Recipients-a.Recipients, strings.Compare(a.Template.Language, b.Template.Language))
	})
}

// start is when the campaign begins if it is launched now.
func (k *counting) start(c *ent.Campaign) time.Time {
	if first := firstStart(c); first != nil {
		return later(k.now, *first)
	}
	return k.now
}

// forecast computes how long the campaign takes: what is queued on the number goes before it, at
// the number's rate or the campaign's; a canary waits; people whose time comes later wait, as those
// do who have quiet hours; and the account's limit of new people lets no more through in 24 hours.
func (s *Service) forecast(ctx context.Context, c *ent.Campaign, k *counting) error {
	number, err := s.db.Client.PhoneNumber.Query().Where(phonenumber.ID(c.PhoneNumberID)).WithAccount().Only(ctx)
	if err != nil {
		return fmt.Errorf("read phone number: %w", err)
	}

	ahead, err := s.queue.Waiting(ctx, number.ID, c.ID)
	if err != nil {
		return err
	}

	rate := number.Throughput
	if number.ThroughputCap != nil {
		rate = min(rate, *number.ThroughputCap)
	}

	own := rate
	if c.RateLimit != nil {
		own = min(own, *c.RateLimit)
	}

	first := seconds(ahead, rate)
	k.Duration = max(seconds(ahead+k.Recipients, rate), seconds(k.Recipients, own))
	if c.Canary != nil && c.Canary.Size < k.Recipients {
		wait := time.Duration(c.Canary.WaitSeconds) * time.Second
		first, k.Duration = first+wait, k.Duration+wait
	}
	if last := draftOf(c).lastStart(); last != nil && c.RecipientTime {
		k.Duration += max(0, last.Sub(later(s.now(), *firstStart(c))))
	}

	if k.awake = k.Duration; len(k.evenings) > 0 {
		begin := k.start(c)
		k.Duration = max(k.Duration, k.lastSent(begin.Add(first), float64(max(1, own))).Sub(begin))
	}

	return s.forecastLimit(ctx, number.Edges.Account, &k.Estimate)
}

// seconds is how long so many messages take at a rate.
func seconds(messages, perSecond int) time.Duration {
	return time.Duration(float64(messages) / float64(max(1, perSecond)) * float64(time.Second))
}

// forecastLimit says what the account's messaging limit leaves, and how many days it makes of it.
func (s *Service) forecastLimit(ctx context.Context, account *ent.Account, e *Estimate) error {
	limit := account.MessagingLimit
	if limit == nil {
		return nil
	}

	used, err := s.queue.Used(ctx, account.ID)
	if err != nil {
		return err
	}

	left, days := max(0, *limit-used), 1
	if over := e.Recipients - left; over > 0 && *limit > 0 {
		days += (over + *limit - 1) / *limit
		e.Duration = max(e.Duration, time.Duration(days-1)*24*time.Hour)
	}

	e.LimitRemaining, e.LimitDays = &left, &days

	return nil
}

// warn says in words what does not keep the campaign from being sent.
func (k *counting) warn(c *ent.Campaign) {
	add := func(is bool, format string, args ...any) {
		if is {
			k.Warnings = append(k.Warnings, fmt.Sprintf(format, args...))
		}
	}

	add(k.unasked > 0, "%d people have not opted in to marketing. WhatsApp asks for an opt-in, and complaints "+
		"lower the number's quality.", k.unasked)
	add(k.untranslated > 0, "%d people read another language, and the template has no approved translation into it: "+
		"they get the template itself.", k.untranslated)
	add(k.late > 0, "For %d people the wall clock of the start has passed: they get it at once.", k.late)
	add(value(k.LimitDays) > 1, "The account may write to fewer new people in 24 hours than there are: it takes %d days.",
		value(k.LimitDays))

	k.warnOfNights(add)
	add(c.ExpiresAt != nil && k.start(c).Add(k.Duration).After(*c.ExpiresAt),
		"At this rate not everybody is written to before the campaign expires; the rest is skipped.")
}

func value(n *int) int {
	if n == nil {
		return 0
	}
	return *n
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
		capped, err := s.capped(ctx, plan, page)
		for _, r := range page {
			if m, _ := plan.message(r); m.Skip == "" && !capped[r.ID] {
				n++
			}
		}
		if err == nil && n > *atMost {
			return errEnough
		}

		return err
	})
	if err != nil {
		return err
	}
	if n > *atMost {
		return usererror.Refuse("atMostRecipients", usererror.Stale,
			"more than %d people would be written to by now; look at the estimate again", *atMost)
	}

	return nil
}
