// Package reconciliation compares our sums with Meta's analytics, once a day for each account. It
// shows where they differ, and never changes what we count ourselves: Meta's figures are some hours
// late, and hold what others send by the same numbers. Everything here can be repeated after a
// crash.
package reconciliation

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"carillon/account"
	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/uid"
	"carillon/whatsapp"
)

const (
	// daysCompared are how many whole UTC days before today are compared each time: receipts and
	// Meta's figures come late, and a day on which nothing could be asked is made up for.
	daysCompared = 3

	// compareWithin is how long one account may take, and leaseFor how long no other process takes it
	// up.
	compareWithin = 5 * time.Minute
	leaseFor      = compareWithin + time.Minute

	// hour of the day, UTC, from which on accounts have their turn, and over how long they spread.
	firstHour, spread = 6, 4 * time.Hour

	againAfter = time.Hour        // what could not be compared
	lookForDue = 30 * time.Second // how often a process looks for accounts

	// keptFor is how long figures are kept.
	keptFor = 400 * 24 * time.Hour
	day     = 24 * time.Hour
)

// Service compares all organizations' accounts.
type Service struct {
	db       *database.DB
	accounts *account.Service
	log      *delivery.Log
	now      func() time.Time
	compared *prometheus.CounterVec
}

// New returns the service.
func New(db *database.DB, accounts *account.Service, log *delivery.Log, now func() time.Time) *Service {
	return &Service{db: db, accounts: accounts, log: log, now: func() time.Time { return now().UTC() },
		compared: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carillon_reconciliation_figures_total",
			Help: "Figures of a day that were compared with WhatsApp's, by measure and by whether they were equal.",
		}, []string{"measure", "equal"})}
}

// Metrics are what the service counts.
func (s *Service) Metrics() []prometheus.Collector { return []prometheus.Collector{s.compared} }

// Run compares the accounts whose turn has come, until ctx ends.
func (s *Service) Run(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(lookForDue)
	defer tick.Stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = s.CompareDue(ctx, log); err != nil && ctx.Err() == nil {
				log.Error("figures could not be compared with WhatsApp's; it is tried again", "error", err)
			}
		}

		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// CompareDue compares the account whose turn came first, and reports false where none is due. Any
// number of processes may do it at once.
func (s *Service) CompareDue(ctx context.Context, log *slog.Logger) (more bool, err error) {
	ctx = caller.System(ctx)
	a, lease, err := s.claim(ctx)
	if err != nil || a == nil {
		return false, err
	}

	within, cancel := context.WithTimeout(ctx, compareWithin)
	defer cancel()
	asked, allowance := whatsapp.Sparing(within)
	next := s.tomorrow()
	if err := s.compare(asked, a); err != nil {
		wait, app := allowance.Wait()
		next = s.now().Add(max(againAfter, wait, app))
		if ctx.Err() != nil {
			next = s.now() // this process stops, and another goes on
		} else {
			log.Warn("an account's figures could not be compared with WhatsApp's; it is tried again",
				"account", a.ID.String(), "at", next, "error", err)
		}
	}

	err = s.db.Client.Account.Update().Where(entaccount.ID(a.ID), entaccount.NextComparisonAt(lease)).
		SetNextComparisonAt(next.Truncate(time.Microsecond)).Exec(context.WithoutCancel(ctx))
	if err != nil {
		return true, fmt.Errorf("give account %s its next comparison: %w", a.ID, err)
	}

	return true, nil
}

// claim takes the account whose turn came first, nil for none. Its turn is after the lease now, so
// that another process takes it over should this one die.
func (s *Service) claim(ctx context.Context) (*ent.Account, time.Time, error) {
	now := s.now()
	due, err := s.db.Client.Account.Query().Where(
		entaccount.StatusIn(enum.AccountStatusConnected, enum.AccountStatusRestricted),
		entaccount.Or(entaccount.NextComparisonAtIsNil(), entaccount.NextComparisonAtLTE(now))).
		Order(entaccount.ByNextComparisonAt(), entaccount.ByID()).Limit(10).All(ctx)
	if err != nil {
		return nil, now, fmt.Errorf("look for accounts to compare: %w", err)
	}

	for _, a := range due {
		until := now.Add(leaseFor).Truncate(time.Microsecond)
		n, err := s.db.Client.Account.Update().Where(entaccount.ID(a.ID), turn(a)).SetNextComparisonAt(until).Save(ctx)
		if err != nil {
			return nil, now, fmt.Errorf("take account %s to compare: %w", a.ID, err)
		}
		if n > 0 {
			return a, until, nil
		}
	}

	return nil, now, nil
}

// turn is an account while its turn is the one that was read.
func turn(a *ent.Account) predicate.Account {
	if a.NextComparisonAt == nil {
		return entaccount.NextComparisonAtIsNil()
	}
	return entaccount.NextComparisonAt(*a.NextComparisonAt)
}

// tomorrow is when an account has its turn after today's.
func (s *Service) tomorrow() time.Time {
	return s.now().Truncate(day).Add(day + firstHour*time.Hour + rand.N(spread))
}

// compare stores the figures of the account's last days.
func (s *Service) compare(ctx context.Context, a *ent.Account) error {
	until := s.now().Truncate(day)
	since := until.Add(-daysCompared * day)
	if first := a.ConnectedAt.UTC().Add(day - 1).Truncate(day); first.After(since) {
		since = first // the first day that we were there whole
	}
	if !since.Before(until) {
		return nil
	}

	found, err := s.ours(ctx, a, since, until)
	if err != nil {
		return err
	}
	if err := s.theirs(ctx, a, since, until, found); err != nil {
		return err
	}

	return s.store(ctx, a, found)
}

// figureKey tells the figures of an account apart.
type figureKey struct {
	day      time.Time
	number   uid.ID // zero for figures of the whole account
	measure  enum.ReconciliationMeasure
	category string
}

// figure is ours and Meta's. Costs are in millionths of the currency; nil where nothing is known.
type figure struct {
	figureKey
	ours, theirs               int
	ourCost, theirCost         *int
	ourCurrency, theirCurrency string
}

// compare orders figures by their key.
func (k figureKey) compare(other figureKey) int {
	return cmp.Or(k.day.Compare(other.day), uid.Compare(numberOrNone(k.number), numberOrNone(other.number)),
		strings.Compare(string(k.measure), string(other.measure)), strings.Compare(k.category, other.category))
}

// figures are those of an account, found by their key.
type figures map[figureKey]*figure

func (f figures) at(key figureKey) *figure {
	if f[key] == nil {
		f[key] = &figure{figureKey: key}
	}
	return f[key]
}

// categoryService is what WhatsApp calls messages without a template.
const categoryService = "SERVICE"

// categories are those of Meta's that we count as others.
var categories = map[string]string{"MARKETING_LITE": "MARKETING", "AUTHENTICATION_INTERNATIONAL": "AUTHENTICATION"}

// ours are the figures that the sums have.
func (s *Service) ours(ctx context.Context, a *ent.Account, since, until time.Time) (figures, error) {
	rows, err := s.log.Statistics(ctx, a.OrganizationID, delivery.Report{Since: since, Until: until, Zone: time.UTC,
		Interval: enum.StatisticsIntervalDay, Account: &a.ID, GroupBy: []enum.StatisticsDimension{
			enum.StatisticsDimensionPhoneNumber, enum.StatisticsDimensionCategory}})
	if err != nil {
		return nil, fmt.Errorf("our figures of account %s: %w", a.ID, err)
	}

	found := figures{}
	for _, row := range rows {
		if row.Sent > 0 {
			found.at(figureKey{row.Start, row.PhoneNumber, enum.ReconciliationMeasureSent, ""}).ours += row.Sent
		}
		if row.Delivered == 0 {
			continue
		}

		found.at(figureKey{row.Start, row.PhoneNumber, enum.ReconciliationMeasureDelivered, ""}).ours += row.Delivered
		category := row.Category
		if category == "" {
			category = categoryService
		}

		charged := found.at(figureKey{row.Start, uid.ID{}, enum.ReconciliationMeasureCharged, category})
		charged.ours += row.Delivered
		if row.Cost != nil && (charged.ourCost == nil || charged.ourCurrency == row.Cost.Currency) {
			charged.ourCost, charged.ourCurrency = plus(charged.ourCost, row.Cost.Micros), row.Cost.Currency
		}
	}

	return found, nil
}

// theirs adds Meta's figures: those of each number that the account has, and the account's charges.
func (s *Service) theirs(ctx context.Context, a *ent.Account, since, until time.Time, found figures) error {
	at, err := s.accounts.Access(a)
	if err != nil {
		return err
	}

	numbers, err := a.QueryPhoneNumbers().All(ctx)
	if err != nil {
		return fmt.Errorf("numbers of account %s: %w", a.ID, err)
	}

	for _, n := range numbers {
		counted, err := at.Client.Analytics(ctx, at.Token, a.WabaID, whatsapp.Digits(n.DisplayNumber), since, until)
		if err != nil {
			return fmt.Errorf("WhatsApp's figures of number %s: %w", n.ID, err)
		}

		for _, c := range counted {
			found.counted(c.Start, n.ID, enum.ReconciliationMeasureSent, c.Sent)
			found.counted(c.Start, n.ID, enum.ReconciliationMeasureDelivered, c.Delivered)
		}
	}

	charged, err := at.Client.PricingAnalytics(ctx, at.Token, a.WabaID, since, until)
	if err != nil {
		return fmt.Errorf("WhatsApp's charges of account %s: %w", a.ID, err)
	}

	for _, c := range charged {
		found.charged(c, a)
	}

	return nil
}

func (f figures) counted(at time.Time, number uid.ID, measure enum.ReconciliationMeasure, n int) {
	if n > 0 {
		f.at(figureKey{at.Truncate(day), number, measure, ""}).theirs += n
	}
}

func (f figures) charged(c whatsapp.Charged, a *ent.Account) {
	category := c.Category
	if own := categories[category]; own != "" {
		category = own
	}

	figure := f.at(figureKey{c.Start.Truncate(day), uid.ID{}, enum.ReconciliationMeasureCharged, category})
	figure.theirs += c.Volume
	if c.CostMicros != nil && a.Currency != nil {
		figure.theirCost, figure.theirCurrency = plus(figure.theirCost, *c.CostMicros), *a.Currency
	}
}

// plus adds to a cost that may not be known yet.
func plus(cost *int, micros int64) *int {
	total := int(micros)
	if cost != nil {
		total += *cost
	}

	return &total
}
