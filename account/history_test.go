package account_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/ent"
	"carillon/ent/enum"
	enttemplate "carillon/ent/template"
	"carillon/uid"
	"carillon/whatsapp"
)

// history is what changed of a template, oldest first, as "actor: field before > after (reason)".
// Contents are left out.
func (s *stage) history(ctx context.Context, id uid.ID) (lines []string) {
	s.t.Helper()
	of, err := s.History(ctx, []uid.ID{id})
	if err != nil {
		s.t.Fatal(err)
	}

	for _, c := range of[id] {
		before, after := text(c.Before), text(c.After)
		if c.Field == "components" {
			before, after = "…", "…"
		}

		line := fmt.Sprintf("%s: %s %s > %s", c.Actor, c.Field, before, after)
		if c.Reason != nil {
			line += " (" + *c.Reason + ")"
		}

		lines = append(lines, line)
	}

	slices.Reverse(lines)

	return lines
}

func (s *stage) wantHistory(ctx context.Context, id uid.ID, want ...string) {
	s.t.Helper()
	if got := s.history(ctx, id); !slices.Equal(got, want) {
		s.t.Errorf("the history is\n  %s\nand should be\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestATemplatesHistoryTellsWhoChangedWhat(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		made, err := s.create(ctx, a, offer("spring"), "")
		if err != nil {
			s.t.Fatal(err)
		}

		for _, u := range []whatsapp.TemplateUpdate{
			update(*made.MetaID, "APPROVED"),
			update(*made.MetaID, "APPROVED"), // told twice
		} {
			if _, err := s.ApplyTemplateUpdate(s.system(), u); err != nil {
				s.t.Fatal(err)
			}
		}

		s.sandbox.PauseTemplate(waba, "spring")
		paused := update(*made.MetaID, "PAUSED")
		paused.Title, paused.Description = "FIRST_PAUSE", "Paused for 3 hours."
		if _, err := s.ApplyTemplateUpdate(s.system(), paused); err != nil {
			s.t.Fatal(err)
		}

		s.sandbox.ApproveTemplate(waba, "spring")
		s.advance(time.Minute)
		if _, err := s.Sync(ctx, a.ID); err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.SetTemplateStatus(s.system(), made.ID, enum.TemplateStatusDisabled); err != nil {
			s.t.Fatal(err)
		}

		s.wantHistory(ctx, made.ID,
			"ann@example.com: status nothing > DRAFT",
			"ann@example.com: status DRAFT > PENDING",
			"WhatsApp: status PENDING > APPROVED",
			"WhatsApp: status APPROVED > PAUSED (FIRST_PAUSE: Paused for 3 hours.)",
			"WhatsApp: status PAUSED > APPROVED",
			"WhatsApp: status APPROVED > DISABLED (WhatsApp refused a message of it.)")

		bob := s.organization("bob@example.com")
		if got := s.history(bob, made.ID); len(got) != 0 {
			s.t.Errorf("another organization reads %v", got)
		}
	})
}

func TestAnAnnouncedCategoryIsComingUntilItIsApplied(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		utility := offer("news")
		utility.Category = "UTILITY"
		made, err := s.create(ctx, a, utility, "")
		if err != nil {
			s.t.Fatal(err)
		}

		correct, category := "MARKETING", "UTILITY"
		s.edits("GET "+*made.MetaID, func(answer map[string]any) {
			answer["correct_category"], answer["category"] = correct, category
		})

		event := whatsapp.TemplateUpdate{WABAID: waba, Kind: whatsapp.TemplateCategoryChanged, TemplateID: *made.MetaID,
			NewCategory: "UTILITY", CorrectCategory: "MARKETING"}
		changed, err := s.ApplyTemplateUpdate(s.system(), event)
		if err != nil || changed == nil || text(changed.ComingCategory) != "MARKETING" ||
			changed.Category != enum.TemplateCategoryUtility {
			s.t.Fatal(changed, err)
		}

		correct, category = "", "MARKETING"
		event = whatsapp.TemplateUpdate{WABAID: waba, Kind: whatsapp.TemplateCategoryChanged, TemplateID: *made.MetaID,
			NewCategory: "MARKETING", PreviousCategory: "UTILITY"}
		if changed, err = s.ApplyTemplateUpdate(s.system(), event); err != nil || changed == nil ||
			changed.ComingCategory != nil || changed.Category != enum.TemplateCategoryMarketing {
			s.t.Fatal(changed, err)
		}

		got := s.history(ctx, made.ID)
		for _, want := range []string{"WhatsApp: comingCategory nothing > MARKETING",
			"WhatsApp: category UTILITY > MARKETING", "WhatsApp: comingCategory MARKETING > nothing"} {
			if !slices.Contains(got, want) {
				s.t.Errorf("%q is not in %v", want, got)
			}
		}
	})
}

func TestExampleLinksThatExpireAreNoChangeOfContent(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	picture := offer("picture")
	picture.Components = append([]whatsapp.Component{{Type: "HEADER", Format: "IMAGE",
		Example: &whatsapp.Example{HeaderHandle: whatsapp.Texts{"4::aW"}}}}, picture.Components...)
	s.atMeta(picture)
	ctx, a := s.connected()
	links := 0
	text := "Hello {{1}}, here is our offer."

	s.edits("GET message_templates", func(answer map[string]any) {
		links++
		for _, t := range answer["data"].([]any) {
			parts := t.(map[string]any)["components"].([]any)
			parts[0].(map[string]any)["example"] = map[string]any{"header_handle": []any{fmt.Sprintf("https://cdn/%d", links)}}
			parts[1].(map[string]any)["text"] = text
		}
	})

	for range 2 {
		s.advance(time.Minute)
		if _, err := s.Sync(ctx, a.ID); err != nil {
			t.Fatal(err)
		}
	}

	id := s.template("picture").ID
	s.wantHistory(ctx, id, "WhatsApp: status nothing > APPROVED")

	text = "Hello {{1}}, here is another offer."
	s.advance(time.Minute)
	if _, err := s.Sync(ctx, a.ID); err != nil {
		t.Fatal(err)
	}

	s.wantHistory(ctx, id, "WhatsApp: status nothing > APPROVED", "WhatsApp: components … > …")
}

func TestAHistoryGivesTheNewestAndEndsWithItsOrganization(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		made, err := s.create(ctx, a, offer("spring"), "")
		if err != nil {
			s.t.Fatal(err)
		}

		for i := range 120 {
			made = made.Update().SetStatus([]enum.TemplateStatus{"APPROVED", "DISABLED"}[i%2]).SaveX(s.system())
			s.db.Client.TemplateChange.Create().SetOrganizationID(a.OrganizationID).SetTemplateID(made.ID).SetAt(s.now()).
				SetActor("WhatsApp").SetField("qualityScore").SetAfter(fmt.Sprint(i)).SaveX(s.system())
		}

		s.hear(ctx, a.OrganizationID, made.ID)
		got := s.history(ctx, made.ID)
		if len(got) != 100 || !strings.HasSuffix(got[99], "> 119") || !strings.HasSuffix(got[0], "> 20") {
			s.t.Errorf("%d changes, from %s to %s", len(got), got[0], got[len(got)-1])
		}
	})
}

func TestTranslationsAreTheOtherLanguagesOfAName(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		of := map[string]*ent.Template{}
		for _, language := range []string{"en_US", "de", "zh_CN"} {
			t := offer("spring")
			t.Language = language
			made, err := s.create(ctx, a, t, "")
			if err != nil {
				s.t.Fatal(err)
			}

			of[language] = made
		}

		if _, err := s.create(ctx, a, offer("autumn"), ""); err != nil {
			s.t.Fatal(err)
		}

		others := func(ctx context.Context, language string) (codes []string) {
			found, err := s.Translations(ctx, []uid.ID{of["en_US"].ID, of["de"].ID})
			if err != nil {
				s.t.Fatal(err)
			}

			for _, t := range found[of[language].ID] {
				codes = append(codes, t.Language)
			}

			return codes
		}

		if en, de := others(ctx, "en_US"), others(ctx, "de"); !slices.Equal(en, []string{"de", "zh_CN"}) ||
			!slices.Equal(de, []string{"en_US", "zh_CN"}) {
			s.t.Errorf("%v, %v", en, de)
		}
		if got := others(s.organization("bob@example.com"), "de"); len(got) != 0 {
			s.t.Errorf("another organization reads %v", got)
		}

		s.db.Client.Template.Update().Where(enttemplate.Language("zh_CN")).SetStatus(enum.TemplateStatusDeleted).
			ExecX(s.system())
		s.hear(ctx, a.OrganizationID, of["zh_CN"].ID)
		if en := others(ctx, "en_US"); !slices.Equal(en, []string{"de"}) {
			s.t.Errorf("with a deleted one: %v", en)
		}
	})
}
