package account_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/account"
	"carillon/ent"
	entaccount "carillon/ent/account"
	"carillon/ent/enum"
	enttemplate "carillon/ent/template"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// syncDue has a service sync what is due, and says what it logged and how many that were.
func (s *stage) syncDue(service *account.Service) (synced int, logged string) {
	s.t.Helper()
	var log bytes.Buffer
	for {
		more, err := service.SyncDue(s.t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			s.t.Fatal(err)
		}
		if !more {
			return synced, log.String()
		}

		synced++
	}
}

func (s *stage) account(id uid.ID) *ent.Account {
	s.t.Helper()
	return s.db.Client.Account.GetX(s.system(), id)
}

// counts counts the calls of a kind.
func (s *stage) counts(call string) *atomic.Int64 {
	n := new(atomic.Int64)
	s.breaks(call, func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		s.sandbox.ServeHTTP(w, r)
	})

	return n
}

func TestAnAccountIsSyncedWholeEverySoOften(t *testing.T) {
	each(t, func(s *stage) {
		_, a := s.connected()
		s.atMeta(offer("past_us"))
		if n, _ := s.syncDue(s.Service); n != 0 {
			s.t.Errorf("%d synced that had just been read", n)
		}

		s.advance(18*time.Hour - time.Second)
		if n, _ := s.syncDue(s.Service); n != 0 {
			s.t.Errorf("%d synced before their time", n)
		}

		s.advance(6*time.Hour + time.Second)
		before := s.db.Client.AuditEvent.Query().CountX(s.system())
		if n, logged := s.syncDue(s.Service); n != 1 || logged != "" {
			s.t.Errorf("%d synced: %s", n, logged)
		}

		s.template("past_us")
		a = s.account(a.ID)
		if !a.SyncedAt.Equal(s.now()) || a.NextSyncAt.Sub(s.now()) < 18*time.Hour ||
			a.NextSyncAt.Sub(s.now()) > 24*time.Hour {
			s.t.Errorf("synced %v, next %v", a.SyncedAt, a.NextSyncAt)
		}
		if after := s.db.Client.AuditEvent.Query().CountX(s.system()); after != before {
			s.t.Errorf("%d audit events of what nobody asked for", after-before)
		}
	})
}

func TestASyncThatNobodyAskedForLeavesARestrictionAlone(t *testing.T) {
	each(t, func(s *stage) {
		_, a := s.connected()
		if _, err := s.SetStatus(s.system(), a.ID, enum.AccountStatusRestricted, "so"); err != nil {
			s.t.Fatal(err)
		}

		s.advance(24 * time.Hour)
		if n, _ := s.syncDue(s.Service); n != 1 || s.account(a.ID).Status != enum.AccountStatusRestricted {
			s.t.Errorf("%d synced, %v", n, s.account(a.ID))
		}

		if _, err := s.SetStatus(s.system(), a.ID, enum.AccountStatusTokenExpired, "so"); err != nil {
			s.t.Fatal(err)
		}

		s.advance(24 * time.Hour)
		if n, _ := s.syncDue(s.Service); n != 0 {
			s.t.Error("an account without a token that works was synced")
		}
	})
}

func TestAccountsWithoutATurnGetOneSpreadOverTheWholeTime(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		rows := make([]*ent.AccountCreate, 200)
		for i := range rows {
			rows[i] = s.db.Client.Account.Create().SetOrganizationID(a.OrganizationID).SetWabaID(fmt.Sprint(1000 + i)).
				SetName("Many").SetToken([]byte("x"))
		}

		s.db.Client.Account.CreateBulk(rows...).ExecX(ctx)
		if n, _ := s.syncDue(s.Service); n > 5 {
			s.t.Errorf("%d of 200 were due at once", n)
		}

		early := s.db.Client.Account.Query().Where(entaccount.NextSyncAtLT(s.now().Add(12 * time.Hour))).CountX(ctx)
		if none := s.db.Client.Account.Query().Where(entaccount.NextSyncAtIsNil()).CountX(ctx); none > 0 || early < 60 ||
			early > 140 {
			s.t.Errorf("%d without a turn, %d in the first half", none, early)
		}

		for id := range s.rows() { // they were made past the service, which told of none
			s.hear(ctx, a.OrganizationID, id)
		}
	})
}

func TestAnAccountIsSyncedByOneProcessAtATime(t *testing.T) {
	each(t, func(s *stage) {
		s.connected()
		s.advance(24 * time.Hour)
		asked := s.counts("GET phone_numbers")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { s.syncDue(s.with(account.Options{AppID: appID, AppSecret: "app-secret"})) })
		}

		all.Wait()
		if n := asked.Load(); n != 1 {
			s.t.Errorf("%d syncs", n)
		}
	})
}

func TestAnotherProcessTakesOverWhatADeadOneHadBegun(t *testing.T) {
	each(t, func(s *stage) {
		_, a := s.connected()
		s.advance(24 * time.Hour)
		// A process that is killed writes nothing any more: its sync stands still, and its lease stays.
		begun, dead := make(chan struct{}), make(chan struct{})
		s.breaks("GET phone_numbers", func(http.ResponseWriter, *http.Request) { close(begun); <-dead })
		var first sync.WaitGroup
		first.Go(func() { s.syncDue(s.Service) })
		<-begun
		s.breaks("GET phone_numbers", nil)

		other := s.with(account.Options{AppID: appID, AppSecret: "app-secret"})
		if n, _ := s.syncDue(other); n != 0 {
			s.t.Error("the account was synced within the lease")
		}

		s.advance(11 * time.Minute)
		if n, _ := s.syncDue(other); n != 1 {
			s.t.Error("nobody took the account over")
		}

		next := *s.account(a.ID).NextSyncAt
		close(dead) // it was not dead after all, and fails
		first.Wait()
		if got := *s.account(a.ID).NextSyncAt; !got.Equal(next) {
			s.t.Errorf("the turn moved from %s to %s", next, got)
		}
	})
}

func TestAProcessThatStopsGivesItsSyncBack(t *testing.T) {
	each(t, func(s *stage) {
		s.connected()
		s.advance(24 * time.Hour)
		ctx, stop := context.WithCancel(s.t.Context())
		s.breaks("GET phone_numbers", func(_ http.ResponseWriter, r *http.Request) { stop(); <-r.Context().Done() })
		if err := s.RunSyncs(ctx, slog.New(slog.DiscardHandler)); err != nil {
			s.t.Error(err)
		}

		s.breaks("GET phone_numbers", nil)
		if n, _ := s.syncDue(s.Service); n != 1 {
			s.t.Errorf("%d synced", n)
		}
	})
}

func TestASyncWaitsWhereMostOfMetasLimitIsUsed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*sandbox.Options)
		wait time.Duration
	}{
		"the account's, and Meta says for how long": {func(o *sandbox.Options) {
			o.Usage, o.RegainAfter = 80, 19*time.Minute
		}, 19 * time.Minute},
		"the account's": {func(o *sandbox.Options) { o.Usage = 95 }, 15 * time.Minute},
		"the app's":     {func(o *sandbox.Options) { o.AppUsage = 100 }, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(s *stage) {
				_, a := s.connected()
				s.advance(24 * time.Hour)
				listed := s.counts("GET message_templates")
				s.sandbox.Change(tc.edit)
				n, logged := s.syncDue(s.Service)
				if n != 1 || listed.Load() != 0 || !strings.Contains(logged, "is used up") {
					s.t.Errorf("%d synced, %d pages of templates: %s", n, listed.Load(), logged)
				}
				if wait := s.account(a.ID).NextSyncAt.Sub(s.now()); wait != tc.wait {
					s.t.Errorf("waits %s", wait)
				}

				if _, err := s.Sync(s.system(), a.ID); err != nil {
					s.t.Errorf("a sync that somebody asked for: %v", err)
				}

				s.sandbox.Change(func(o *sandbox.Options) { o.Usage, o.AppUsage, o.RegainAfter = 79, 79, 0 })
				s.advance(24 * time.Hour)
				if n, logged := s.syncDue(s.Service); n != 1 || logged != "" {
					s.t.Errorf("%d synced: %s", n, logged)
				}
			})
		})
	}
}

func TestTheAppsLimitHoldsUpAllItsAccounts(t *testing.T) {
	each(t, func(s *stage) {
		ctx, _ := s.connected()
		if _, err := s.Connect(ctx, account.Connect{WABAID: otherWABA, AccessToken: "EAAother",
			ConsentToTransfer: true}); err != nil {
			s.t.Fatal(err)
		}

		s.advance(24 * time.Hour)
		s.sandbox.Change(func(o *sandbox.Options) { o.AppUsage = 90 })
		if n, _ := s.syncDue(s.Service); n != 1 {
			s.t.Errorf("%d accounts were tried", n)
		}

		s.sandbox.Change(func(o *sandbox.Options) { o.AppUsage = 0 })
		s.advance(15*time.Minute + time.Second)
		if n, _ := s.syncDue(s.Service); n != 2 {
			s.t.Errorf("%d accounts were synced", n)
		}
	})
}

func TestAListingThatBreaksOffMarksNoTemplateAsGone(t *testing.T) {
	each(t, func(s *stage) {
		for i := range 230 {
			s.atMeta(offer(fmt.Sprintf("offer_%03d", i)))
		}

		ctx, a := s.connected()
		if err := s.meta.DeleteTemplate(ctx, token, waba, "offer_007", ""); err != nil {
			s.t.Fatal(err)
		}

		s.advance(24 * time.Hour)
		pages := 0
		s.breaks("GET message_templates", func(w http.ResponseWriter, r *http.Request) {
			if pages++; pages == 2 { // what is left is not listed
				s.sandbox.Change(func(o *sandbox.Options) { o.Usage = 90 })
			}

			s.sandbox.ServeHTTP(w, r)
		})

		gone := func() int {
			return s.db.Client.Template.Query().Where(enttemplate.StatusEQ(enum.TemplateStatusDeleted)).CountX(ctx)
		}

		if s.syncDue(s.Service); gone() != 0 || pages != 2 {
			s.t.Errorf("%d gone after %d pages", gone(), pages)
		}

		s.sandbox.Change(func(o *sandbox.Options) { o.Usage = 0 })
		s.advance(time.Hour)
		if s.syncDue(s.Service); gone() != 1 || !s.account(a.ID).SyncedAt.Equal(s.now()) {
			s.t.Errorf("%d gone", gone())
		}
	})
}

func TestAnAccountThatCannotBeReadIsTriedAgainLater(t *testing.T) {
	each(t, func(s *stage) {
		s.connected()
		s.advance(24 * time.Hour)
		s.sandbox.SetDown(true)
		if n, logged := s.syncDue(s.Service); n != 1 || !strings.Contains(logged, "could not be synced") {
			s.t.Errorf("%d tried: %s", n, logged)
		}

		s.sandbox.SetDown(false)
		s.advance(30 * time.Minute)
		if n, _ := s.syncDue(s.Service); n != 1 {
			s.t.Errorf("%d synced", n)
		}
	})
}
