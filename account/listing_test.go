package account_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/account"
	"carillon/ent/enum"
	enttemplate "carillon/ent/template"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

// many makes templates past us: five pages of them, the last one made first.
func (s *stage) many() {
	s.t.Helper()
	for i := range 230 {
		s.advance(time.Millisecond)
		s.atMeta(offer(fmt.Sprintf("offer_%03d", i)))
	}
}

// gone counts templates that are DELETED.
func (s *stage) gone() int {
	return s.db.Client.Template.Query().Where(enttemplate.StatusEQ(enum.TemplateStatusDeleted)).CountX(s.system())
}

// cursors lists the cursors with which pages of templates are asked for, and does something before
// each.
func (s *stage) cursors(before func(page int)) *[]string {
	var asked []string
	s.breaks("GET message_templates", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("after"))
		before(len(asked))
		s.sandbox.ServeHTTP(w, r)
	})

	return &asked
}

// shut has Meta say of its limit that most of it is used up, or not.
func (s *stage) shut(closed bool) {
	s.sandbox.Change(func(o *sandbox.Options) {
		if o.Usage = 0; closed {
			o.Usage = 90
		}
	})
}

func TestAListingGoesOnWhereItStopped(t *testing.T) {
	each(t, func(s *stage) {
		s.many()
		ctx, a := s.connected()
		for _, name := range []string{"offer_229", "offer_001"} { // of the first page, and of the last
			if err := s.meta.DeleteTemplate(ctx, token, waba, name, ""); err != nil {
				s.t.Fatal(err)
			}
		}

		s.advance(24 * time.Hour)
		asked := s.cursors(func(page int) { s.shut(page%2 == 0) }) // two pages fit into the limit
		for part := range 3 {
			if n, _ := s.syncDue(s.Service); n != 1 || part < 2 && (s.gone() > 0 || s.account(a.ID).ListingAfter == nil) {
				s.t.Errorf("part %d: %d synced, %d gone", part, n, s.gone())
			}

			s.shut(false)
			s.advance(time.Hour)
		}

		if got := slices.Compact(slices.Sorted(slices.Values(*asked))); len(*asked) != 5 || len(got) != 5 {
			s.t.Errorf("the pages behind %v were read", *asked)
		}
		if s.gone() != 2 || s.template("offer_001").Status != enum.TemplateStatusDeleted {
			s.t.Errorf("%d are gone", s.gone())
		}
		if a = s.account(a.ID); a.ListingAfter != nil || a.ListingStartedAt != nil {
			s.t.Errorf("a listing is kept that is at its end: %v", a)
		}
	})
}

func TestAListingGoesOnBehindAProcessThatDied(t *testing.T) {
	each(t, func(s *stage) {
		s.many()
		s.connected()
		s.advance(24 * time.Hour)
		begun, dead := make(chan struct{}), make(chan struct{})
		asked := s.cursors(func(page int) {
			if page == 4 { // from here on the first process does nothing more
				close(begun)
				<-dead
			}
		})

		var first sync.WaitGroup
		first.Go(func() { s.syncDue(s.Service) })
		<-begun
		s.breaks("GET message_templates", nil)
		s.advance(11 * time.Minute)
		rest := s.cursors(func(int) {})
		if n, _ := s.syncDue(s.with(account.Options{AppID: appID, AppSecret: "app-secret"})); n != 1 {
			s.t.Error("nobody took it over")
		}
		if got := *rest; len(got) != 2 || got[0] != (*asked)[3] {
			s.t.Errorf("it went on behind %v, not behind %q", got, (*asked)[3])
		}

		close(dead)
		first.Wait()
	})
}

func TestAListingWhoseCursorMetaForgotBeginsAnew(t *testing.T) {
	each(t, func(s *stage) {
		s.many()
		ctx, a := s.connected()
		s.advance(24 * time.Hour)
		s.cursors(func(page int) { s.shut(page == 2) })
		s.syncDue(s.Service)
		s.shut(false)
		before := s.account(a.ID)
		// A cursor of the sandbox names the template that it stands behind.
		if err := s.meta.DeleteTemplate(ctx, token, waba, "offer_130", ""); err != nil {
			s.t.Fatal(err)
		}

		s.advance(time.Hour)
		asked := s.cursors(func(int) {})
		if n, logged := s.syncDue(s.Service); n != 1 || logged != "" {
			s.t.Errorf("%d synced: %s", n, logged)
		}
		if got := *asked; len(got) != 6 || got[0] != *before.ListingAfter || got[1] != "" || s.gone() != 1 {
			s.t.Errorf("pages behind %q, %d gone", got, s.gone())
		}
	})
}

func TestAnOldListingBeginsAnew(t *testing.T) {
	each(t, func(s *stage) {
		s.many()
		s.connected()
		s.advance(24 * time.Hour)
		s.cursors(func(page int) { s.shut(page == 2) })
		s.syncDue(s.Service)
		s.shut(false)
		s.advance(25 * time.Hour)
		if asked := s.cursors(func(int) {}); true {
			if s.syncDue(s.Service); len(*asked) != 5 || (*asked)[0] != "" {
				s.t.Errorf("pages behind %q", *asked)
			}
		}
	})
}

// Meta lists what was changed last first, so that a template can pass from the part that is not
// read yet to the one that was.
func TestATemplateThatMovesBetweenThePartsOfAListingIsNotGone(t *testing.T) {
	each(t, func(s *stage) {
		s.many()
		ctx, a := s.connected()
		s.advance(24 * time.Hour)
		s.cursors(func(page int) { s.shut(page == 2) })
		s.syncDue(s.Service)
		s.shut(false)
		s.advance(time.Minute)
		moved := offer("offer_000")
		moved.Components[0].Text = "Hello {{1}}, here is another offer."
		id := *s.template("offer_000").MetaID
		if err := s.meta.EditTemplate(ctx, token, id, whatsapp.TemplateEdit{Components: moved.Components}); err != nil {
			s.t.Fatal(err)
		}
		if err := s.meta.DeleteTemplate(ctx, token, waba, "offer_001", ""); err != nil {
			s.t.Fatal(err)
		}

		s.advance(time.Hour)
		s.syncDue(s.Service)
		there, gone := s.template("offer_000"), s.template("offer_001")
		if there.Status != enum.TemplateStatusApproved || !strings.Contains(string(there.Components), "another") ||
			gone.Status != enum.TemplateStatusDeleted || !s.account(a.ID).SyncedAt.Equal(s.now()) {
			s.t.Errorf("%v\n%v", there, gone)
		}
	})
}

func TestAMembersSyncTakesOverFromOneThatRunsByItself(t *testing.T) {
	each(t, func(s *stage) {
		s.many()
		ctx, a := s.connected()
		s.advance(24 * time.Hour)
		begun, goOn := make(chan struct{}), make(chan struct{})
		s.cursors(func(page int) {
			if page == 3 {
				close(begun)
				<-goOn
			}
		})

		var log bytes.Buffer
		var by sync.WaitGroup
		by.Go(func() { _, _ = s.SyncDue(s.t.Context(), slog.New(slog.NewTextHandler(&log, nil))) })
		<-begun
		s.breaks("GET message_templates", nil)
		s.sandbox.PauseTemplate(waba, "offer_229")
		if err := s.meta.DeleteTemplate(ctx, token, waba, "offer_228", ""); err != nil {
			s.t.Fatal(err)
		}

		s.advance(time.Minute)
		other := s.with(account.Options{AppID: appID, AppSecret: "app-secret"}) // another process
		synced, err := other.Sync(ctx, a.ID)
		if err != nil || !synced.SyncedAt.Equal(s.now()) || s.template("offer_229").Status != enum.TemplateStatusPaused ||
			s.template("offer_228").Status != enum.TemplateStatusDeleted {
			s.t.Errorf("%v, %v, %v", synced, s.template("offer_229"), err)
		}

		next := *s.account(a.ID).NextSyncAt
		close(goOn)
		by.Wait()
		if a := s.account(a.ID); !strings.Contains(log.String(), "another one has begun") || !a.NextSyncAt.Equal(next) ||
			!a.SyncedAt.Equal(*synced.SyncedAt) || a.ListingAfter != nil || s.gone() != 1 {
			s.t.Errorf("%v, %d gone: %s", a, s.gone(), log.String())
		}
	})
}

func TestAMembersSyncThatMetaRefusesSaysWhenTheRestFollows(t *testing.T) {
	each(t, func(s *stage) {
		s.many()
		ctx, a := s.connected()
		s.advance(time.Minute)
		pages := 0
		s.breaks("GET message_templates", func(w http.ResponseWriter, r *http.Request) {
			if pages++; pages < 3 {
				s.sandbox.ServeHTTP(w, r)
				return
			}

			w.Header().Set("X-Business-Use-Case-Usage", `{"1":[{"call_count":100,"estimated_time_to_regain_access":19}]}`)
			says(http.StatusBadRequest, `{"error":{"code":80007,"message":"There have been too many calls"}}`)(w, r)
		})

		_, err := s.Sync(ctx, a.ID)
		s.wrong(err, ":LIMIT_EXCEEDED")
		if err == nil || !strings.Contains(err.Error(), "by itself in about 19m") || s.account(a.ID).ListingAfter == nil ||
			s.account(a.ID).NextSyncAt.Sub(s.now()) != 19*time.Minute {
			s.t.Errorf("%v, %v", err, s.account(a.ID))
		}

		s.advance(19 * time.Minute)
		asked := s.cursors(func(int) {})
		if n, _ := s.syncDue(s.Service); n != 1 || len(*asked) != 3 || (*asked)[0] == "" {
			s.t.Errorf("%d synced, pages behind %q", n, *asked)
		}
	})
}

func TestAMembersSyncThatFailsComesAgainByItself(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		s.breaks("GET message_templates", says(http.StatusBadGateway, "<html>"))
		_, err := s.Sync(ctx, a.ID)
		s.wrong(err, ":UPSTREAM")
		if wait := s.account(a.ID).NextSyncAt.Sub(s.now()); wait != 30*time.Minute {
			s.t.Errorf("it waits %s", wait)
		}
	})
}

func TestAnOlderReadingOfAnAccountDoesNotOverwriteALaterOne(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		read, goOn := make(chan struct{}), make(chan struct{})
		s.breaks("GET phone_numbers", func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			s.sandbox.ServeHTTP(answer, r)
			close(read)
			<-goOn
			_, _ = w.Write(answer.Body.Bytes())
		})

		var by sync.WaitGroup
		by.Go(func() {
			if _, err := s.Sync(ctx, a.ID); err != nil {
				s.t.Error(err)
			}
		})
		<-read
		s.advance(time.Second)
		s.breaks("GET phone_numbers", nil)
		s.edits("GET "+waba, func(answer map[string]any) { answer["name"] = "Renamed" })
		s.edits("GET phone_numbers", func(answer map[string]any) {
			answer["data"].([]any)[0].(map[string]any)["verified_name"] = "Renamed"
		})
		if _, err := s.with(account.Options{AppID: appID, AppSecret: "app-secret"}).Sync(ctx, a.ID); err != nil {
			s.t.Error(err)
		}

		close(goOn)
		by.Wait()
		if n := s.db.Client.PhoneNumber.Query().OnlyX(ctx); s.account(a.ID).Name != "Renamed" ||
			n.VerifiedName != "Renamed" {
			s.t.Errorf("the account is %q again, its number %q", s.account(a.ID).Name, n.VerifiedName)
		}
	})
}

// The service's time is the database's (database.Clock). Should it be wrong all the same, a process
// that is ahead takes a sync over from one that lives, and nothing worse comes of it.
func TestAProcessWhoseClockIsAheadTakesOverAndHarmsNothing(t *testing.T) {
	each(t, func(s *stage) {
		s.many()
		ctx, a := s.connected()
		s.advance(24 * time.Hour)
		ahead := account.New(s.db, s.keys, s.meta, s.who, account.Options{AppID: appID, AppSecret: "app-secret",
			Tell: s.hear}, func() time.Time { return s.now().Add(time.Hour) })
		begun, goOn := make(chan struct{}), make(chan struct{})
		s.cursors(func(page int) {
			if page == 3 {
				close(begun)
				<-goOn
			}
		})

		var by sync.WaitGroup
		by.Go(func() { s.syncDue(s.Service) })
		<-begun
		made := make(chan struct{})
		s.cursors(func(page int) {
			if page == 3 { // a member of the other process makes a template that the list does not have any more
				defer close(made)
				in := account.CreateTemplate{AccountID: a.ID, Template: offer("just_made"), Submit: true}
				if _, err := s.CreateTemplate(ctx, in); err != nil {
					s.t.Error(err)
				}
			}
		})

		if n, _ := s.syncDue(ahead); n != 1 {
			s.t.Errorf("%d synced", n)
		}

		<-made
		close(goOn)
		by.Wait()
		if s.gone() != 0 || s.template("just_made").Status == enum.TemplateStatusDeleted {
			s.t.Errorf("%d are gone: %v", s.gone(), s.template("just_made"))
		}
		if _, err := s.Sync(ctx, a.ID); err != nil {
			s.t.Error(err)
		}
	})
}
