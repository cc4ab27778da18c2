package reconciliation_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"carillon/account"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/reconciliation"
	"carillon/secret"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

const (
	waba     = "102290129340398"
	phone    = "106540352242922"
	token    = "EAAtoken"
	greeting = `{"name":"greeting","language":"en_US","category":"MARKETING","components":[
		{"type":"BODY","text":"Hi {{1}}, thank you for your order.","example":{"body_text":[["Ana"]]}}]}`
)

var today = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// stage is a service on one database before a sandbox of its own, with a clock that the test moves.
type stage struct {
	*reconciliation.Service
	t       *testing.T
	ctx     context.Context
	db      *database.DB
	sandbox *sandbox.Sandbox
	url     string
	nanos   atomic.Int64
	log     *slog.Logger
	broken  atomic.Bool // the sandbox answers no call

	org, account, number uid.ID
}

func (s *stage) now() time.Time { return time.Unix(0, s.nanos.Load()).UTC() }

func stand(t *testing.T, db *database.DB) *stage {
	t.Helper()
	s := &stage{t: t, db: db, ctx: caller.System(t.Context()), log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	s.nanos.Store(today.UnixNano())
	var err error
	if s.sandbox, err = sandbox.New(sandbox.Options{NoLimits: true, NoWebhooks: true, NoPairLimit: true, DailyLimit: 2000,
		AppID: "4200", AppSecret: "app-secret", Throughput: 1000, Now: s.now}); err != nil {
		t.Fatal(err)
	}

	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: token,
		Numbers: []sandbox.NumberSpec{{ID: phone, DisplayNumber: "+1 555-078-3881", VerifiedName: "Lucky Shrub"}}})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.broken.Load() {
			http.Error(w, `{"error":{"code":2,"message":"Service temporarily unavailable"}}`, http.StatusInternalServerError)
			return
		}

		s.sandbox.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL

	keys, err := secret.NewKeyring(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}

	meta := whatsapp.NewClient(s.url, "v26.0", whatsapp.WithTimeout(5*time.Second))
	accounts := account.New(db, keys, meta, nil, account.Options{AppID: "4200", AppSecret: "app-secret"}, s.now)
	s.Service = reconciliation.New(db, accounts, delivery.NewLog(db), s.now)
	s.bind(keys)
	s.nanos.Store(today.Add(-100 * 24 * time.Hour).UnixNano())
	s.post("/"+waba+"/message_templates", greeting)
	s.nanos.Store(today.UnixNano())

	return s
}

// bind stores an account that was connected long ago.
func (s *stage) bind(keys *secret.Keyring) {
	s.t.Helper()
	s.org = s.db.Client.Organization.Create().SetName("Shrubs").SaveX(s.ctx).ID
	id := uid.New(uid.Account)
	a := s.db.Client.Account.Create().SetID(id).SetOrganizationID(s.org).SetWabaID(waba).SetName("Lucky Shrub").
		SetToken(keys.Seal([]byte(token), id[:])).SetCurrency("USD").SetStatus(enum.AccountStatusConnected).
		SetConnectedAt(today.Add(-100 * 24 * time.Hour)).SaveX(s.ctx)
	s.account = a.ID
	s.number = s.db.Client.PhoneNumber.Create().SetOrganizationID(s.org).SetAccountID(a.ID).SetMetaID(phone).
		SetDisplayNumber("+1 555-078-3881").SetVerifiedName("Lucky Shrub").SaveX(s.ctx).ID
}

func (s *stage) post(path, body string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.ctx, http.MethodPost, s.url+"/v26.0"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}

	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}

	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s", path, text)
	}
}

// sent has n messages sent at that time, by us or by another app, and comes back to the present.
func (s *stage) sent(at time.Time, n int) {
	s.t.Helper()
	s.nanos.Store(at.UnixNano())
	for i := range n {
		s.post("/"+phone+"/messages", fmt.Sprintf(`{"messaging_product":"whatsapp","to":"1416222%04d","type":"template",`+
			`"template":{"name":"greeting","language":{"code":"en_US"},"components":[{"type":"body","parameters":[`+
			`{"type":"text","text":"Ana"}]}]}}`, i))
	}

	s.nanos.Store(today.UnixNano())
}

// counted is what we count for an hour.
func (s *stage) counted(hour time.Time, category string, sent, delivered int, micros int64) {
	create := s.db.Client.Statistic.Create().SetOrganizationID(s.org).SetHour(hour).SetAccountID(s.account).
		SetPhoneNumberID(s.number).SetTemplateID(uid.ID{}).SetCampaignID(uid.ID{}).SetCategory(category).SetCountry("CA").
		SetErrorCode(0).SetSent(int64(sent)).SetDelivered(int64(delivered))
	if micros > 0 {
		create.SetCostMicros(micros).SetCostCurrency("USD")
	}

	create.ExecX(s.ctx)
}

func (s *stage) compare(want bool) {
	s.t.Helper()
	if did, err := s.CompareDue(s.ctx, s.log); err != nil || did != want {
		s.t.Errorf("compared: %v, %v, want %v", did, err, want)
	}
}

func (s *stage) turn() time.Time { return *s.one().NextComparisonAt }

func (s *stage) one() *ent.Account { return s.db.Client.Account.GetX(s.ctx, s.account) }

func (s *stage) figures(q reconciliation.Question) (all []string) {
	s.t.Helper()
	if q.Since.IsZero() {
		q.Since, q.Until = today.Add(-30*24*time.Hour), today
	}

	rows, err := s.Rows(s.ctx, s.org, q)
	if err != nil {
		s.t.Fatal(err)
	}

	for _, r := range rows {
		if r.Account != s.account || (r.Measure == enum.ReconciliationMeasureCharged) != r.PhoneNumber.IsZero() {
			s.t.Errorf("%+v", r)
		}

		line := fmt.Sprint(r.Day.Format(time.DateOnly), " ", r.Measure, " ", r.Category, " ", r.Ours, ":", r.Theirs)
		if r.OurCost != nil {
			line += " " + r.OurCost.Amount() + " " + r.OurCost.Currency
		}

		all = append(all, line)
	}

	return all
}

func TestWhatWeCountStandsBesideWhatWhatsAppCounts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		yesterday := today.Truncate(24 * time.Hour).Add(-24 * time.Hour)
		s.sent(yesterday.Add(-20*24*time.Hour), 1) // too old to be compared
		s.sent(yesterday.Add(-24*time.Hour).Add(23*time.Hour), 2)
		s.sent(yesterday, 3)
		s.sent(today, 1) // the day is not over
		s.counted(yesterday.Add(-time.Hour), "MARKETING", 2, 2, 60_000)
		s.counted(yesterday, "MARKETING", 2, 2, 60_000)
		s.counted(yesterday.Add(time.Hour), "", 1, 1, 0)
		s.counted(today.Truncate(time.Hour), "MARKETING", 1, 1, 0)

		s.compare(true)
		s.compare(false)
		if diff := cmp.Diff([]string{
			"2026-11-18 CHARGED MARKETING 2:2 0.06 USD", "2026-11-18 DELIVERED  2:2", "2026-11-18 SENT  2:2",
			"2026-11-19 CHARGED MARKETING 2:3 0.06 USD", "2026-11-19 CHARGED SERVICE 1:0",
			"2026-11-19 DELIVERED  3:3", "2026-11-19 SENT  3:3",
		}, s.figures(reconciliation.Question{})); diff != "" {
			t.Error(diff)
		}

		differing := []string{"2026-11-19 CHARGED MARKETING 2:3 0.06 USD", "2026-11-19 CHARGED SERVICE 1:0"}
		other := uid.New(uid.Account)
		if diff := cmp.Diff(differing, s.figures(reconciliation.Question{OnlyDifferences: true})); diff != "" {
			t.Error(diff)
		}
		if got := s.figures(reconciliation.Question{Account: &other}); len(got) > 0 {
			t.Errorf("of another account: %q", got)
		}

		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(s.Metrics()...)
		families, err := registry.Gather()
		if err != nil || len(families) != 1 || len(families[0].Metric) != 4 { // three measures, one of them unequal too
			t.Errorf("counted are %v, %v", families, err)
		}

		if turn := s.turn(); turn.Before(today.Truncate(24*time.Hour).Add(30*time.Hour)) ||
			turn.After(today.Truncate(24*time.Hour).Add(34*time.Hour)) {
			t.Errorf("the next turn is at %s", turn)
		}

		// what comes late is compared again, and written over
		s.counted(yesterday.Add(2*time.Hour), "MARKETING", 0, 1, 30_000)
		s.nanos.Store(s.turn().UnixNano())
		s.compare(true)
		if got := s.figures(reconciliation.Question{Since: yesterday, Until: yesterday}); len(got) != 4 ||
			got[0] != "2026-11-19 CHARGED MARKETING 3:3 0.09 USD" || got[2] != "2026-11-19 DELIVERED  4:3" {
			t.Errorf("%q", got)
		}
	})
}

func TestOnlyDaysOnWhichTheAccountWasThereAreCompared(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.sent(today.Add(-24*time.Hour), 1)
		s.db.Client.Account.UpdateOneID(s.account).SetConnectedAt(today.Add(-20 * time.Hour)).ExecX(s.ctx)
		s.compare(true)
		if got := s.figures(reconciliation.Question{}); len(got) > 0 {
			t.Errorf("%q", got)
		}

		s.db.Client.Account.UpdateOneID(s.account).SetStatus(enum.AccountStatusDisconnected).ClearNextComparisonAt().
			ExecX(s.ctx)
		s.compare(false)
	})
}

func TestAnAccountThatCannotBeAskedIsTriedAgainAndOneThatWasKilledToo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.sent(today.Add(-24*time.Hour), 1)
		s.broken.Store(true)
		s.compare(true)
		if got, wait := s.figures(reconciliation.Question{}), s.turn().Sub(today); len(got) > 0 || wait != time.Hour {
			t.Errorf("%q, tried again after %s", got, wait)
		}

		// a process that has just taken it dies
		s.broken.Store(false)
		s.db.Client.Account.UpdateOneID(s.account).SetNextComparisonAt(today.Add(6 * time.Minute)).ExecX(s.ctx)
		s.compare(false)
		s.nanos.Add(int64(6 * time.Minute))
		s.compare(true)
		if got := s.figures(reconciliation.Question{OnlyDifferences: true}); len(got) != 3 {
			t.Errorf("%q", got)
		}
	})
}

func TestOfManyProcessesOneComparesAnAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		var did atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				more, err := s.CompareDue(s.ctx, s.log)
				if err != nil {
					t.Error(err)
				}
				if more {
					did.Add(1)
				}
			})
		}

		all.Wait()
		if did.Load() != 1 {
			t.Errorf("%d compared it", did.Load())
		}
	})
}

func TestAnotherOrganizationSeesNothingAndAWrongQuestionIsRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.sent(today.Add(-24*time.Hour), 1)
		s.compare(true)
		q := reconciliation.Question{Since: today.Add(-72 * time.Hour), Until: today}
		if rows, err := s.Rows(s.ctx, uid.New(uid.Organization), q); err != nil || len(rows) > 0 {
			t.Errorf("another organization: %v, %v", rows, err)
		}

		q.Until = q.Since.Add(-time.Hour)
		if _, err := s.Rows(s.ctx, s.org, q); !usererror.Is(err, usererror.BadInput) {
			t.Errorf("the end before the beginning: %v", err)
		}

		s.nanos.Add(int64(401 * 24 * time.Hour))
		if err := s.Sweep(s.ctx); err != nil || db.Client.Reconciliation.Query().CountX(s.ctx) > 0 {
			t.Errorf("old figures are kept: %v", err)
		}
	})
}
