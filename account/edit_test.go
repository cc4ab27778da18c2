package account_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/account"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/template"
	"carillon/usererror"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

func body(text string) []whatsapp.Component {
	return []whatsapp.Component{{Type: "BODY", Text: text}}
}

// draft is a template that Meta does not have.
func (s *stage) draft(ctx context.Context, a *ent.Account, name string) *ent.Template {
	s.t.Helper()
	made, err := s.CreateTemplate(ctx, account.CreateTemplate{AccountID: a.ID, Template: offer(name)})
	if err != nil {
		s.t.Fatal(err)
	}

	return made
}

// approved is a template that Meta has approved.
func (s *stage) approved(ctx context.Context, a *ent.Account, t whatsapp.Template) *ent.Template {
	s.t.Helper()
	made, err := s.create(ctx, a, t, "")
	if err != nil {
		s.t.Fatal(err)
	}

	return s.toldOf(made, "APPROVED")
}

// toldOf lets the webhook come that Meta posts of a template.
func (s *stage) toldOf(made *ent.Template, event string) *ent.Template {
	s.t.Helper()
	if _, err := s.ApplyTemplateUpdate(s.system(), update(*made.MetaID, event)); err != nil {
		s.t.Fatal(err)
	}

	return s.db.Client.Template.GetX(s.system(), made.ID)
}

func TestADraftIsChangedAsOftenAsOneLikes(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		made := s.draft(ctx, a, "spring")
		utility, ttl := enum.TemplateCategoryUtility, 3600
		for i := range 15 {
			changed, err := s.UpdateTemplate(ctx, account.UpdateTemplate{ID: made.ID, Category: &utility, SetTTL: true,
				TTL: &ttl, Components: body(fmt.Sprintf("Hello friend, this is version %d.", i))})
			if err != nil || changed.Status != enum.TemplateStatusDraft || changed.Category != utility ||
				*changed.MessageTTLSeconds != ttl {
				s.t.Fatal(changed, err)
			}
		}

		changed, err := s.UpdateTemplate(ctx, account.UpdateTemplate{ID: made.ID, SetTTL: true})
		if err != nil || changed.MessageTTLSeconds != nil || !strings.Contains(string(changed.Components), "version 14") {
			s.t.Error(changed, err)
		}

		_, err = s.UpdateTemplate(ctx, account.UpdateTemplate{ID: made.ID, SetTTL: true, TTL: new(5)})
		s.wrong(err, "messageTtlSeconds:INVALID")
		_, err = s.UpdateTemplate(ctx, account.UpdateTemplate{ID: made.ID, Components: []whatsapp.Component{}})
		s.wrong(err, "components:INVALID")

		stale := made.UpdatedAt.Add(-time.Second)
		_, err = s.UpdateTemplate(ctx,
			account.UpdateTemplate{ID: made.ID, UnchangedSince: &stale, SetTTL: true, TTL: &ttl})
		s.wrong(err, "unchangedSince:STALE")

		if _, err := s.UpdateTemplate(s.organization("bob@example.com"), account.UpdateTemplate{ID: made.ID}); !usererror.Is(
			err, usererror.NotFound) {
			s.t.Errorf("another organization's: %v", err)
		}
	})
}

func TestAnApprovedTemplateIsChangedByMetasRules(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		var s *stage
		s = stand(t, db, func(o *sandbox.Options) { // whose clock is the service's
			o.Now = func() time.Time {
				if s == nil {
					return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
				}
				return s.now()
			}
		})

		ctx, a := s.connected()
		made := s.approved(ctx, a, offer("spring"))
		utility := enum.TemplateCategoryUtility
		_, err := s.UpdateTemplate(ctx, account.UpdateTemplate{ID: made.ID, Category: &utility})
		s.wrong(err, "category:NOT_ALLOWED")

		edit := func(text string) (*ent.Template, error) {
			return s.UpdateTemplate(ctx, account.UpdateTemplate{ID: made.ID, Components: body(text)})
		}

		first := s.now()
		changed, err := edit("Hello friend, this is the first change.")
		if err != nil || changed.Status != enum.TemplateStatusApproved && changed.Status != enum.TemplateStatusPending {
			s.t.Fatal(changed, err)
		}
		if changed.ChangingUntil != nil || changed.ChangingBy != nil {
			s.t.Errorf("the claim goes on: %v", changed)
		}

		_, err = edit("Hello friend, while it is reviewed.")
		if changed.Status == enum.TemplateStatusPending {
			s.wrong(err, "templateId:NOT_ALLOWED")
			s.toldOf(made, "APPROVED")
		}

		s.advance(time.Hour)
		_, err = edit("Hello friend, this is too early.")
		s.wrong(err, "templateId:LIMIT_EXCEEDED")
		if next := first.UTC().Add(24 * time.Hour).Format(time.RFC3339); err == nil || !strings.Contains(err.Error(), next) {
			s.t.Errorf("it does not say that it is possible at %s: %v", next, err)
		}

		for i := range 9 {
			s.advance(25 * time.Hour)
			if _, err = edit(fmt.Sprintf("Hello friend, this is change %d.", i+2)); err != nil {
				s.t.Fatal(i, err)
			}

			s.toldOf(made, "APPROVED")
		}

		s.advance(25 * time.Hour)
		_, err = edit("Hello friend, this is the eleventh.")
		s.wrong(err, "templateId:LIMIT_EXCEEDED")
		if next := first.UTC().Add(30 * 24 * time.Hour).Format(time.RFC3339); !strings.Contains(err.Error(), next) {
			s.t.Errorf("it does not say that it is possible at %s: %v", next, err)
		}

		if got := s.history(ctx, made.ID); !slices.Contains(got, "ann@example.com: components … > …") ||
			slices.Contains(got, "WhatsApp: components … > …") {
			s.t.Errorf("who changed it: %v", got)
		}
	})
}

func TestOnlyOneOfManyWhoChangeATemplateAtOnceDoes(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		for what, made := range map[string]*ent.Template{"a draft": s.draft(ctx, a, "one"),
			"an approved one": s.approved(ctx, a, offer("two"))} {
			var all sync.WaitGroup
			errs := make([]error, 5)
			start := make(chan struct{})
			for i := range errs {
				all.Go(func() {
					<-start
					_, errs[i] = s.UpdateTemplate(ctx, account.UpdateTemplate{ID: made.ID, UnchangedSince: &made.UpdatedAt,
						Components: body(fmt.Sprintf("Hello friend, I am number %d.", i))})
				})
			}

			s.advance(time.Second)
			close(start)
			all.Wait()

			won := 0
			for _, err := range errs {
				var refused bool
				if err != nil {
					refused = usererror.Is(err, usererror.Conflict) || strings.Contains(err.Error(), "was changed at") ||
						strings.Contains(err.Error(), "and this one is PENDING")
				}
				if err == nil {
					won++
				} else if !refused {
					s.t.Errorf("%s: %v", what, err)
				}
			}

			if won != 1 {
				s.t.Errorf("%s was changed by %d", what, won)
			}
		}
	})
}

func TestAnEditWhoseAnswerWasLostIsFoundByTheNextSync(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		made := s.approved(ctx, a, offer("spring"))
		call := "POST " + *made.MetaID
		s.breaks(call, func(w http.ResponseWriter, r *http.Request) {
			s.sandbox.ServeHTTP(&nowhere{}, r) // Meta does it, and nobody hears of that
			panic(http.ErrAbortHandler)
		})

		_, err := s.UpdateTemplate(ctx, account.UpdateTemplate{ID: made.ID, Components: body("Hello friend, this is new.")})
		s.wrong(err, ":UPSTREAM")
		if got := s.template("spring"); strings.Contains(string(got.Components), "this is new") {
			s.t.Errorf("what is not known is stored: %s", got.Components)
		}

		s.breaks(call, nil)
		s.advance(time.Second)
		if _, err := s.Sync(ctx, a.ID); err != nil {
			s.t.Fatal(err)
		}

		got := s.template("spring")
		if !strings.Contains(string(got.Components), "this is new") || got.ChangingBy != nil || got.ChangingUntil != nil {
			s.t.Errorf("after the sync: %v", got)
		}
		if got := s.history(ctx, made.ID); !slices.Contains(got, "ann@example.com: components … > …") {
			s.t.Errorf("who changed it: %v", got)
		}
	})
}

// nowhere is a client that is gone.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header {
	if n.header == nil {
		n.header = http.Header{}
	}
	return n.header
}
func (*nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (*nowhere) WriteHeader(int)             {}

func TestARejectedTemplateIsSubmittedAgain(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, a := s.connected()
	made, err := s.create(ctx, a, offer("spring_rejected"), "")
	if err != nil {
		t.Fatal(err)
	}
	if made = s.toldOf(made, "REJECTED"); made.Status != enum.TemplateStatusRejected {
		t.Fatalf("it is %s", made.Status)
	}

	asked := 0
	s.breaks("POST "+*made.MetaID, func(w http.ResponseWriter, r *http.Request) {
		asked++
		s.sandbox.ServeHTTP(w, r)
	})

	again, err := s.SubmitTemplate(ctx, made.ID)
	if err != nil || asked != 1 || again.ChangingUntil != nil {
		t.Fatal(again, asked, err)
	}
	if len(again.Edits) != 0 {
		t.Errorf("what was rejected is counted: %v", again.Edits)
	}
}

func TestMetasRefusalsAreExplained(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, a := s.connected()
	made := s.approved(ctx, a, offer("spring"))
	for subcode, want := range map[int]string{2388039: "templateId:NOT_ALLOWED", 2388318: "templateId:NOT_ALLOWED",
		1: "templateId:UPSTREAM"} {
		s.breaks("POST "+*made.MetaID, says(400, fmt.Sprintf(
			`{"error":{"message":"Invalid parameter","code":100,"error_subcode":%d,"error_user_msg":"Meta's sentence."}}`, subcode)))
		_, err := s.UpdateTemplate(ctx, account.UpdateTemplate{ID: made.ID, Components: body("Hello friend, this is new.")})
		s.wrong(err, want)
		if err == nil || !strings.Contains(err.Error(), "Meta's sentence.") {
			t.Error(err)
		}
		if got := s.template("spring"); got.ChangingUntil != nil || got.ChangingBy != nil {
			t.Errorf("the claim goes on: %v", got)
		}
	}
}

func TestDeletingATemplate(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		german := offer("spring")
		german.Language = "de"
		english, other := s.approved(ctx, a, offer("spring")), s.approved(ctx, a, german)
		deleted, err := s.DeleteTemplate(ctx, english.ID, false)
		if err != nil || len(deleted) != 1 || deleted[0] != english.ID {
			s.t.Fatal(deleted, err)
		}

		status := func(t *ent.Template) enum.TemplateStatus {
			return s.db.Client.Template.GetX(s.system(), t.ID).Status
		}
		if status(english) != enum.TemplateStatusDeleted || status(other) != enum.TemplateStatusApproved {
			s.t.Errorf("%s, %s", status(english), status(other))
		}
		if again, err := s.DeleteTemplate(ctx, english.ID, false); err != nil || len(again) != 1 {
			s.t.Errorf("again: %v, %v", again, err)
		}

		french := offer("spring")
		french.Language = "fr"
		_, err = s.create(ctx, a, french, "")
		s.wrong(err, "template.name:NOT_ALLOWED")
		until := s.now().UTC().Add(30 * 24 * time.Hour).Format(time.RFC3339)
		if err == nil || !strings.Contains(err.Error(), until) {
			s.t.Errorf("it does not say that the name is locked until %s: %v", until, err)
		}

		if deleted, err = s.DeleteTemplate(ctx, other.ID, true); err != nil || len(deleted) != 3 {
			s.t.Fatal(deleted, err)
		}
		if n := s.db.Client.Template.Query().Where(template.Language("fr")).CountX(s.system()); n != 0 {
			s.t.Error("the draft is still there")
		}

		s.advance(time.Minute)
		if _, err := s.Sync(ctx, a.ID); err != nil || status(other) != enum.TemplateStatusDeleted {
			s.t.Error(status(other), err)
		}
		if got := s.history(ctx, other.ID); got[len(got)-1] != "ann@example.com: status APPROVED > DELETED" {
			s.t.Errorf("%v", got)
		}
	})
}

func TestADeletionWhoseAnswerWasLostIsFoundByTheNextSync(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		made := s.approved(ctx, a, offer("spring"))
		s.breaks("DELETE message_templates", func(w http.ResponseWriter, r *http.Request) {
			s.sandbox.ServeHTTP(&nowhere{}, r)
			panic(http.ErrAbortHandler)
		})

		_, err := s.DeleteTemplate(ctx, made.ID, false)
		s.wrong(err, ":UPSTREAM")
		s.advance(time.Second)
		if _, err := s.Sync(ctx, a.ID); err != nil || s.template("spring").Status != enum.TemplateStatusDeleted {
			s.t.Error(s.template("spring"), err)
		}
		want := "ann@example.com: status APPROVED > DELETED (WhatsApp has it no more.)"
		if got := s.history(ctx, made.ID); got[len(got)-1] != want {
			s.t.Errorf("%v", got)
		}
	})
}

func TestADraftGoesWithoutATraceAndADisabledTemplateStays(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, a := s.connected()
	if deleted, err := s.DeleteTemplate(ctx, s.draft(ctx, a, "spring").ID, false); err != nil || len(deleted) != 1 {
		t.Fatal(deleted, err)
	}
	n := s.db.Client.Template.Query().CountX(s.system()) + s.db.Client.TemplateChange.Query().CountX(s.system())
	if n != 0 {
		t.Errorf("%d rows", n)
	}

	made := s.approved(ctx, a, offer("autumn"))
	s.sandbox.DisableTemplate(waba, "autumn")
	s.toldOf(made, "DISABLED")
	_, err := s.DeleteTemplate(ctx, made.ID, false)
	s.wrong(err, "templateId:NOT_ALLOWED")
}

func TestDuplicatingATemplate(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		made := s.approved(ctx, a, offer("spring"))
		copied, err := s.DuplicateTemplate(ctx, account.DuplicateTemplate{ID: made.ID, Language: "de"})
		if err != nil || copied.Status != enum.TemplateStatusDraft || copied.Language != "de" || copied.Name != "spring" ||
			copied.MetaID != nil {
			s.t.Fatal(copied, err)
		}

		s.wantHistory(ctx, copied.ID, "ann@example.com: status nothing > DRAFT (A copy of spring (en_US).)")
		if sent, err := s.SubmitTemplate(ctx, copied.ID); err != nil || sent.MetaID == nil {
			s.t.Error(sent, err)
		}

		for want, in := range map[string]account.DuplicateTemplate{
			"language:TAKEN":   {ID: made.ID, Language: "de"},
			"name:TAKEN":       {ID: made.ID, Language: "de", Name: "spring"},
			"language:INVALID": {ID: made.ID, Language: "xx"},
			"name:INVALID":     {ID: made.ID, Language: "en_US", Name: "Bad Name"},
		} {
			_, err := s.DuplicateTemplate(ctx, in)
			s.wrong(err, want)
		}

		if _, err := s.DuplicateTemplate(s.organization("bob@example.com"), account.DuplicateTemplate{ID: made.ID,
			Language: "fr"}); !usererror.Is(err, usererror.NotFound) {
			s.t.Error(err)
		}
	})
}
