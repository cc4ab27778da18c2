package account_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/phonenumber"
	enttemplate "carillon/ent/template"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

func TestSyncingFollowsWhatMetaHas(t *testing.T) {
	each(t, func(s *stage) {
		for i := range 230 {
			s.atMeta(offer(fmt.Sprintf("offer_%03d", i)))
		}

		ctx, a := s.connected()
		ids := func() (ids []string) {
			for _, t := range s.db.Client.Template.Query().Order(enttemplate.ByID()).AllX(ctx) {
				ids = append(ids, t.ID.String()+t.UpdatedAt.String())
			}

			return ids
		}

		before := ids()
		if len(before) != 230 {
			s.t.Fatalf("%d templates", len(before))
		}

		s.advance(time.Minute)
		if _, err := s.Sync(ctx, a.ID); err != nil {
			s.t.Fatal(err)
		}
		if !slices.Equal(before, ids()) {
			s.t.Error("a sync without news changed rows")
		}

		if err := s.meta.DeleteTemplate(ctx, token, waba, "offer_007", ""); err != nil {
			s.t.Fatal(err)
		}

		s.sandbox.PauseTemplate(waba, "offer_008")
		s.atMeta(whatsapp.Template{Name: "named", Language: "zh_CN", Category: "UTILITY", ParameterFormat: "NAMED",
			MessageSendTTLSeconds: 3600, Components: []whatsapp.Component{
				{Type: "BODY", Text: "您好 {{name}}，您的订单已发货。",
					Example: &whatsapp.Example{BodyTextNamed: []whatsapp.NamedExample{{Name: "name", Example: "安"}}}},
			}})

		s.advance(time.Minute)
		a, err := s.Sync(s.system(), a.ID)
		if err != nil || !a.SyncedAt.Equal(s.now()) {
			s.t.Fatal(a, err)
		}

		for name, want := range map[string]enum.TemplateStatus{"offer_007": "DELETED", "offer_008": "PAUSED",
			"offer_009": "APPROVED", "named": "APPROVED"} {
			if got := s.template(name); got.Status != want {
				s.t.Errorf("%s is %s", name, got.Status)
			}
		}

		if named := s.template("named"); named.ParameterFormat != enum.ParameterFormatNamed ||
			*named.MessageTTLSeconds != 3600 || named.Category != enum.TemplateCategoryUtility {
			s.t.Errorf("%v", named)
		}

		if n := s.db.Client.Template.Query().CountX(ctx); n != 231 {
			s.t.Errorf("%d templates", n)
		}
	})
}

func (s *stage) template(name string) *ent.Template {
	s.t.Helper()
	return s.db.Client.Template.Query().Where(enttemplate.Name(name)).OnlyX(s.system())
}

// edits changes an answer of the sandbox's on its way to us.
func (s *stage) edits(call string, edit func(answer map[string]any)) {
	s.breaks(call, func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		s.sandbox.ServeHTTP(recorded, r)
		var answer map[string]any
		if err := json.Unmarshal(recorded.Body.Bytes(), &answer); err != nil {
			s.t.Error(err)
		}

		edit(answer)
		_ = json.NewEncoder(w).Encode(answer)
	})
}

func TestASyncShowsWhateverStatusMetaGivesATemplate(t *testing.T) {
	each(t, func(s *stage) {
		s.atMeta(offer("spring"))
		ctx, a := s.connected()
		for _, step := range []struct {
			do   string
			want enum.TemplateStatus
		}{
			{"PAUSE", "PAUSED"}, {"UNPAUSE", "APPROVED"}, {"ARCHIVE", "ARCHIVED"}, {"UNARCHIVE", "APPROVED"},
			{"REJECT", "REJECTED"}, {"APPEAL", "IN_APPEAL"}, {"EXCEED_LIMIT", "LIMIT_EXCEEDED"}, {"DISABLE", "DISABLED"},
			{"REINSTATE", "APPROVED"}, {"FLAG", "APPROVED"}, {"LOCK", "APPROVED"},
			{"SCHEDULE_DELETION", "PENDING_DELETION"}, {"DELETE", "DELETED"},
		} {
			if err := s.sandbox.Decide(sandbox.Decision{WABAID: waba, Name: "spring", Do: step.do}); err != nil {
				s.t.Fatal(err)
			}

			s.advance(time.Second)
			if _, err := s.Sync(ctx, a.ID); err != nil {
				s.t.Fatal(err)
			}
			if got := s.template("spring").Status; got != step.want {
				s.t.Errorf("after %s it is %s", step.do, got)
			}
		}
	})
}

func TestSyncingReadsANumbersLimits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		number map[string]any
		tier   any
		perSec int
		limit  *int
	}{
		"a number that was upgraded": {map[string]any{"throughput": map[string]any{"level": "HIGH"}}, "TIER_UNLIMITED",
			1000, nil},
		"a number in the Business app": {map[string]any{"is_on_biz_app": true}, "TIER_10K", 20, new(10_000)},
		"a number that is not registered": {map[string]any{"throughput": map[string]any{"level": "NOT_APPLICABLE"},
			"status": "pending", "quality_rating": "NA"}, "TIER_250", 80, new(250)},
		"a tier that is new to us": {map[string]any{"whatsapp_business_manager_messaging_limit": "TIER_HUGE"},
			"TIER_HUGE", 80, new(2000)},
		"a tier that only a number tells": {map[string]any{"whatsapp_business_manager_messaging_limit": "TIER_100K"},
			nil, 80, new(100_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onSQLite(t)
			ctx, a := s.connected()
			s.edits("GET "+waba, func(answer map[string]any) { answer["whatsapp_business_manager_messaging_limit"] = tc.tier })

			s.edits("GET phone_numbers", func(answer map[string]any) {
				for key, value := range tc.number {
					answer["data"].([]any)[0].(map[string]any)[key] = value
				}
			})

			a, err := s.Sync(ctx, a.ID)
			if err != nil {
				t.Fatal(err)
			}

			n := s.db.Client.PhoneNumber.Query().OnlyX(ctx)
			if n.Throughput != tc.perSec || (a.MessagingLimit == nil) != (tc.limit == nil) ||
				tc.limit != nil && *a.MessagingLimit != *tc.limit {
				t.Errorf("%d a second, limit %v", n.Throughput, a.MessagingLimit)
			}
		})
	}
}

func TestANewAccountOfAnUnknownTierStartsAtTheLowest(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	s.edits("GET "+waba, func(answer map[string]any) {
		answer["whatsapp_business_manager_messaging_limit"] = "TIER_NOT_SET"
	})
	s.edits("GET phone_numbers", func(answer map[string]any) { answer["data"] = []any{} })
	if _, a := s.connected(); a.MessagingLimit == nil || *a.MessagingLimit != 250 {
		t.Errorf("limit %v", a.MessagingLimit)
	}
}

func TestANumberThatMetaListsNoMoreStaysAsDeleted(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		s.edits("GET phone_numbers", func(answer map[string]any) {
			answer["data"] = []any{map[string]any{"id": "555", "display_phone_number": "+1 555", "verified_name": "New",
				"status": "CONNECTED"}}
		})

		for range 2 {
			if _, err := s.Sync(ctx, a.ID); err != nil {
				s.t.Fatal(err)
			}
		}

		var got []string
		for _, n := range s.db.Client.PhoneNumber.Query().Order(phonenumber.ByID()).AllX(ctx) {
			got = append(got, n.MetaID+" "+n.Status)
		}

		if want := []string{phone + " DELETED", "555 CONNECTED"}; !slices.Equal(got, want) {
			s.t.Errorf("numbers %v", got)
		}
	})
}

func TestManySyncsAtOnceAgree(t *testing.T) {
	each(t, func(s *stage) {
		for i := range 30 {
			s.atMeta(offer(fmt.Sprintf("offer_%03d", i)))
		}

		ctx, a := s.connected()
		for i := range 30 {
			s.sandbox.PauseTemplate(waba, fmt.Sprintf("offer_%03d", i))
		}

		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				if _, err := s.Sync(ctx, a.ID); err != nil {
					s.t.Error(err)
				}
			})
		}

		wait.Wait()
		if n := s.db.Client.Template.Query().Where(enttemplate.StatusEQ(enum.TemplateStatusPaused)).CountX(ctx); n != 30 {
			s.t.Errorf("%d paused", n)
		}
	})
}

func TestAReadingDoesNotOverwriteALaterOne(t *testing.T) {
	each(t, func(s *stage) {
		id := s.atMeta(offer("spring"))
		ctx, a := s.connected()
		// A sync reads the list, and stands still before it stores it; meanwhile Meta pauses the template
		// and a webhook says so.
		read, stored := make(chan struct{}), make(chan struct{})
		s.edits("GET message_templates", func(map[string]any) {
			close(read)
			<-stored
		})

		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := s.Sync(ctx, a.ID); err != nil {
				s.t.Error(err)
			}
		})

		<-read
		s.advance(time.Second)
		s.sandbox.PauseTemplate(waba, "spring")
		changed, err := s.ApplyTemplateUpdate(s.system(), update(id, "PAUSED"))
		if err != nil || changed == nil {
			s.t.Error(changed, err)
		}

		close(stored)
		wait.Wait()
		if got := s.template("spring").Status; got != enum.TemplateStatusPaused {
			s.t.Errorf("the template is %s", got)
		}
	})
}

func TestSyncingAnothersAccountFindsNone(t *testing.T) {
	each(t, func(s *stage) {
		_, a := s.connected()
		bob := s.organization("bob@example.com")
		if _, err := s.Sync(bob, a.ID); !usererror.Is(err, usererror.NotFound) {
			s.t.Error(err)
		}
		if _, err := s.Sync(s.t.Context(), a.ID); !usererror.Is(err, usererror.Unauthenticated) {
			s.t.Error(err)
		}

		s.sandbox.SetDown(true)
		_, err := s.Sync(s.system(), a.ID)
		s.wrong(err, ":UPSTREAM")
		if a = s.db.Client.Account.GetX(s.system(), a.ID); a.Status != enum.AccountStatusConnected {
			s.t.Errorf("an outage made it %s", a.Status)
		}
	})
}

func TestATokenThatWorksAgainEndsItsExpiry(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		if changed, err := s.ExpireToken(s.system(), a, "refused"); !changed || err != nil {
			s.t.Fatal(changed, err)
		}
		if again, err := s.ExpireToken(s.system(), a, "refused"); again || err != nil {
			s.t.Errorf("twice: %t, %v", again, err)
		}
		if a, err := s.Sync(ctx, a.ID); err != nil || a.Status != enum.AccountStatusConnected || a.StatusReason != nil {
			s.t.Errorf("%v, %v", a, err)
		}
	})
}

func TestStatusesMoveOnlyAsTheyMay(t *testing.T) {
	each(t, func(s *stage) {
		_, a := s.connected()
		for _, step := range []struct {
			to   enum.AccountStatus
			want bool
		}{
			{enum.AccountStatusConnected, false}, {enum.AccountStatusRestricted, true}, {enum.AccountStatusRestricted, false},
			{enum.AccountStatusTokenExpired, true}, {enum.AccountStatusRestricted, false}, {enum.AccountStatusDisabled, true},
			{enum.AccountStatusTokenExpired, false}, {enum.AccountStatusConnected, true}, {enum.AccountStatusDisconnected, true},
			{enum.AccountStatusConnected, false}, {enum.AccountStatusDisabled, false},
		} {
			changed, err := s.SetStatus(s.system(), a.ID, step.to, "why")
			if changed != step.want || err != nil {
				s.t.Errorf("to %s: %t, %v", step.to, changed, err)
			}
		}
	})
}

func TestSendersAreCachedForSecondsAndSeenByTheirOwn(t *testing.T) {
	each(t, func(s *stage) {
		ctx, _ := s.connected()
		number := s.db.Client.PhoneNumber.Query().OnlyX(ctx)
		throughput := func() int {
			sender, err := s.Sender(s.system(), number.ID)
			if err != nil || sender.Token.Reveal() != token || sender.Account.WabaID != waba {
				s.t.Fatal(sender, err)
			}

			byMeta, err := s.ByMetaNumber(ctx, phone)
			if err != nil || byMeta.Throughput != sender.PhoneNumber.Throughput || byMeta.Edges.Account == nil {
				s.t.Fatal(byMeta, err)
			}

			return sender.PhoneNumber.Throughput
		}

		first := throughput()
		s.db.Client.PhoneNumber.UpdateOne(number).SetThroughput(1000).ExecX(ctx) // by another process
		s.hear(ctx, number.OrganizationID, number.ID)
		s.advance(5*time.Second - time.Nanosecond)
		cached := throughput()
		s.advance(time.Nanosecond)
		if later := throughput(); first != 80 || cached != 80 || later != 1000 {
			s.t.Errorf("%d, %d, %d", first, cached, later)
		}

		bob := s.organization("bob@example.com")
		if _, err := s.Sender(bob, number.ID); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("another organization: %v", err)
		}
		if _, err := s.ByMetaNumber(bob, phone); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("another organization: %v", err)
		}
		if _, err := s.ByMetaNumber(s.system(), "1"); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("no number: %v", err)
		}
		if _, err := s.Sender(s.system(), uid.New(uid.PhoneNumber)); !usererror.Is(err, usererror.NotFound) {
			s.t.Errorf("no row: %v", err)
		}
	})
}
