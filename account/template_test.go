package account_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"carillon/account"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/usererror"
	"carillon/whatsapp"
)

func (s *stage) create(ctx context.Context, a *ent.Account, t whatsapp.Template, key string) (*ent.Template, error) {
	return s.CreateTemplate(ctx, account.CreateTemplate{AccountID: a.ID, Template: t, Submit: true, IdempotencyKey: key})
}

func TestCreatingATemplateSubmitsIt(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		made, err := s.create(ctx, a, offer("spring"), "")
		if err != nil || made.Status != enum.TemplateStatusPending || made.MetaID == nil ||
			made.ParameterFormat != enum.ParameterFormatPositional {
			s.t.Fatal(made, err)
		}

		changed, err := s.ApplyTemplateUpdate(s.system(), update(*made.MetaID, "APPROVED"))
		if err != nil || changed == nil || changed.ID != made.ID || changed.Status != enum.TemplateStatusApproved {
			s.t.Error(changed, err)
		}

		utility := offer("news_recategorized")
		utility.Category = "utility"
		if made, err = s.create(ctx, a, utility, ""); err != nil || made.Category != enum.TemplateCategoryMarketing {
			s.t.Errorf("Meta's category: %v, %v", made, err)
		}

		draft, err := s.CreateTemplate(ctx, account.CreateTemplate{AccountID: a.ID, Template: offer("draft")})
		if err != nil || draft.Status != enum.TemplateStatusDraft || draft.MetaID != nil {
			s.t.Fatal(draft, err)
		}
		if sent, err := s.SubmitTemplate(ctx, draft.ID); err != nil || sent.Status != enum.TemplateStatusPending {
			s.t.Error(sent, err)
		}
		if _, err := s.SubmitTemplate(ctx, draft.ID); !usererror.Is(err, usererror.Conflict) {
			s.t.Error(err)
		}
	})
}

func TestATemplateThatBreaksARuleIsNotStored(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, a := s.connected()
	bad := offer("Bad Name")
	bad.MessageSendTTLSeconds = 5
	bad.Components[0].Text = ""
	_, err := s.create(ctx, a, bad, "k")
	got := codes(t, err)

	for _, want := range []string{"template.name:INVALID", "template.messageTtlSeconds:INVALID",
		"template.components.0.text:INVALID"} {
		if !slices.Contains(got, want) {
			t.Errorf("%v lacks %s", got, want)
		}
	}

	if n := s.db.Client.Template.Query().CountX(ctx) + s.db.Client.IdempotencyKey.Query().CountX(ctx); n != 0 {
		t.Errorf("%d rows", n)
	}

	for name, tc := range map[string]struct {
		ctx  context.Context
		kind usererror.Kind
	}{
		"of another organization": {s.organization("bob@example.com"), usererror.NotFound},
		"of nobody":               {t.Context(), usererror.Unauthenticated},
	} {
		if _, err := s.create(tc.ctx, a, offer("x"), ""); !usererror.Is(err, tc.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatMetaRefusesStaysADraft(t *testing.T) {
	t.Parallel()
	refused := says(400,
		`{"error":{"message":"Invalid parameter","code":100,"error_subcode":2388299,"error_user_title":"t","error_user_msg":"Meta's own sentence."}}`)
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		want   string
		text   string
	}{
		"when the content is refused": {refused, "template:UPSTREAM", "Meta's own sentence."},
		"when a gateway answers":      {says(502, "<html>"), ":UPSTREAM", "Submit it again"},
		"when the answer is empty":    {says(200, "{}"), ":UPSTREAM", "Submit it again"},
		"when the token is dead": {says(401, `{"error":{"message":"Session expired","code":190}}`), ":UPSTREAM",
			"Session expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onSQLite(t)
			ctx, a := s.connected()
			s.breaks("POST message_templates", tc.answer)
			_, err := s.create(ctx, a, offer("spring"), "k")
			s.wrong(err, tc.want)
			if err != nil && (!strings.Contains(err.Error(), tc.text) || !strings.Contains(err.Error(), "kept as a draft")) {
				t.Error(err)
			}
			if got := s.template("spring"); got.Status != enum.TemplateStatusDraft {
				t.Errorf("it is %s", got.Status)
			}

			s.breaks("POST message_templates", nil)
			if again, err := s.create(ctx, a, offer("spring"), "k"); err != nil || again.Status != enum.TemplateStatusPending {
				t.Errorf("the same key later: %v, %v", again, err)
			}
		})
	}
}

func TestASubmissionWhoseAnswerWasLostIsFoundAgain(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		s.breaks("POST message_templates", func(_ http.ResponseWriter, r *http.Request) {
			s.sandbox.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		})

		_, err := s.create(ctx, a, offer("spring"), "")
		s.wrong(err, ":UPSTREAM")
		s.breaks("POST message_templates", nil)
		found, err := s.SubmitTemplate(ctx, s.template("spring").ID)
		if err != nil || found.Status != enum.TemplateStatusApproved || found.MetaID == nil {
			s.t.Errorf("%v, %v", found, err)
		}
	})
}

func TestANameThatIsTakenIsSaid(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		if _, err := s.create(ctx, a, offer("spring"), ""); err != nil {
			s.t.Fatal(err)
		}

		_, err := s.create(ctx, a, offer("spring"), "")
		s.wrong(err, "template.name:TAKEN")
		german := offer("spring")
		german.Language = "de"
		if _, err := s.create(ctx, a, german, ""); err != nil {
			s.t.Errorf("another language: %v", err)
		}

		another := offer("summer") // made in WhatsApp Manager, and not yet known to us
		another.Components[0].Text = "Dear {{1}}, this is another text."
		s.atMeta(another)
		_, err = s.create(ctx, a, offer("summer"), "")
		s.wrong(err, "template.name:TAKEN")
		if _, err := s.Sync(ctx, a.ID); err != nil {
			s.t.Fatal(err)
		}

		if got := account.Of(s.template("summer")); got.Status != "APPROVED" ||
			got.Components[0].Text != another.Components[0].Text {
			s.t.Errorf("after a sync: %+v", got)
		}
	})
}

func TestADeletedTemplatesPlaceIsFree(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		first, err := s.create(ctx, a, offer("spring_in_review"), "")
		if err != nil {
			s.t.Fatal(err)
		}
		if err := s.meta.DeleteTemplate(ctx, token, waba, first.Name, ""); err != nil {
			s.t.Fatal(err)
		}

		gone, err := s.ApplyTemplateUpdate(s.system(), update(*first.MetaID, "DELETED"))
		if err != nil || gone.Status != enum.TemplateStatusDeleted {
			s.t.Fatal(gone, err)
		}

		second, err := s.create(ctx, a, offer("spring_in_review"), "")
		if err != nil || second.Status != enum.TemplateStatusPending || *second.MetaID == *first.MetaID {
			s.t.Errorf("%v, %v", second, err)
		}
	})
}

func TestManyAtOnceWithOneKeyMakeOneTemplate(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		var submitted atomic.Int32
		s.breaks("POST message_templates", func(w http.ResponseWriter, r *http.Request) {
			submitted.Add(1)
			s.sandbox.ServeHTTP(w, r)
		})

		var ids sync.Map
		var wait sync.WaitGroup

		for range 4 {
			wait.Go(func() {
				made, err := s.create(ctx, a, offer("spring"), "k")
				if err != nil || made.MetaID == nil {
					s.t.Error(made, err)
					return
				}

				ids.Store(made.ID.String()+*made.MetaID, true)
			})
		}

		wait.Wait()
		n := 0
		ids.Range(func(any, any) bool { n++; return true })
		if n != 1 || s.db.Client.Template.Query().CountX(ctx) != 1 || submitted.Load() == 0 {
			s.t.Errorf("%d templates, %d submissions", n, submitted.Load())
		}

		other := offer("spring")
		other.Category = "UTILITY"
		_, err := s.create(ctx, a, other, "k")
		s.wrong(err, "idempotencyKey:INVALID")
	})
}

func TestLintNamesFieldsAsTheInputDoes(t *testing.T) {
	t.Parallel()
	bad := offer("x")
	bad.ParameterFormat = "BOTH"
	bad.Components = append(bad.Components, whatsapp.Component{Type: "BUTTONS",
		Buttons: []whatsapp.Button{{Type: "PHONE_NUMBER", Text: "Call", PhoneNumber: strings.Repeat("1", 30)}}})
	var got []string
	for _, p := range account.Lint(bad) {
		got = append(got, strings.Join(p.Field, "."))
	}

	for _, want := range []string{"parameterFormat", "components.1.buttons.0.phoneNumber"} {
		if !slices.Contains(got, want) {
			t.Errorf("%v lacks %s", got, want)
		}
	}
}

// The rows of templateChanges for what members do: from a status that a row has it can be done, and
// from no other.
func TestWhatMembersMayDoIsTheTablesOfStatuses(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		row, err := s.CreateTemplate(ctx, account.CreateTemplate{AccountID: a.ID, Template: offer("spring")})
		if err != nil {
			s.t.Fatal(err)
		}

		for _, text := range enum.TemplateStatus("").Values() {
			status := enum.TemplateStatus(text)
			s.db.Client.Template.UpdateOne(row).SetStatus(status).ClearMetaID().ExecX(s.system())
			s.hear(ctx, a.OrganizationID, row.ID)

			_, err := s.CreateTemplate(ctx, account.CreateTemplate{AccountID: a.ID, Template: offer("spring")})
			if taken := err != nil; taken == (status == enum.TemplateStatusDeleted) {
				s.t.Errorf("made in the place of one that is %s: %v", status, err)
			}

			if status == enum.TemplateStatusRejected {
				continue // that one is edited
			}

			s.db.Client.Template.UpdateOne(row).SetStatus(status).ExecX(s.system())
			s.breaks("POST message_templates", says(http.StatusOK, `{"id":"77"}`)) // Meta may leave the status out
			sent, err := s.SubmitTemplate(ctx, row.ID)
			if done := err == nil && sent.Status == enum.TemplateStatusPending; done != (status == enum.TemplateStatusDraft) {
				s.t.Errorf("submitted while it was %s: %v, %v", status, sent, err)
			}
		}

		s.hear(ctx, a.OrganizationID, row.ID)
	})
}
