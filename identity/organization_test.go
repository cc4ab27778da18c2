package identity_test

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carillon/audit"
	"carillon/caller"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/auditevent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/usererror"
)

func TestAnOrganizationIsChangedInPart(t *testing.T) {
	each(t, func(s *stage) {
		ctx, other := s.call(s.signUp(email).Token), s.call(s.signUp("bob@example.com").Token)
		name, zone, days, optIn, wait, share, prefer := " Shrub ", "Asia/Shanghai", 30, true, 60, 1.0,
			enum.UnknownPolicyPreferDelivery
		if _, err := s.UpdateOrganization(ctx,
			identity.OrganizationChange{Name: &name, TimeZone: &zone, RetentionDays: &days}); err != nil {
			s.t.Fatal(err)
		}

		o, err := s.UpdateOrganization(ctx,
			identity.OrganizationChange{SendingPolicy: &identity.PolicyChange{RequireOptIn: &optIn,
				UnknownWaitSeconds: &wait}})
		if err != nil || o.Name != "Shrub" || o.TimeZone != zone || o.RetentionDays != days {
			s.t.Fatalf("%+v, %v", o, err)
		}

		o, err = s.UpdateOrganization(ctx, identity.OrganizationChange{SendingPolicy: &identity.PolicyChange{
			OptOutKeywords: []string{}, OptInKeywords: []string{" stop ", "好"}, UnknownMarketing: &prefer,
			FailureThreshold: &share}})
		want := jsonfield.DefaultSendingPolicy()
		want.RequireOptIn, want.UnknownWaitSeconds, want.UnknownMarketing, want.FailureThreshold = true, 60, prefer, 1
		want.OptOutKeywords, want.OptInKeywords = []string{}, []string{"stop", "好"}
		if diff := cmp.Diff(want, o.SendingPolicy); err != nil || diff != "" {
			s.t.Errorf("%v\n%s", err, diff)
		}

		if o, err := s.UpdateOrganization(other, identity.OrganizationChange{}); err != nil || o.Name != "Lucky Shrub" ||
			!cmp.Equal(o.SendingPolicy, jsonfield.DefaultSendingPolicy()) {
			s.t.Errorf("another organization's: %+v, %v", o, err)
		}
	})
}

func TestAChangeThatCannotBeNamesEveryFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), identity.Options{})
	ctx := s.call(s.signUp(email).Token)
	text := func(s string) *string { return &s }
	number := func(n int) *int { return &n }
	share := func(f float64) *float64 { return &f }
	quiet := func(start, end string) **jsonfield.QuietHours {
		return new(&jsonfield.QuietHours{Start: start, End: end})
	}
	policy := func(c identity.PolicyChange) identity.OrganizationChange {
		return identity.OrganizationChange{SendingPolicy: &c}
	}

	for name, tc := range map[string]struct {
		change identity.OrganizationChange
		want   []string
	}{
		"everything at once": {identity.OrganizationChange{Name: text(" "), TimeZone: text("Mars/Olympus"),
			RetentionDays: number(0), SendingPolicy: &identity.PolicyChange{
				OptOutKeywords: []string{""}, UnknownWaitSeconds: number(59), FailureThreshold: share(0)}},
			[]string{"name:REQUIRED", "retentionDays:INVALID", "sendingPolicy.failureThreshold:INVALID",
				"sendingPolicy.optOutKeywords.0:REQUIRED", "sendingPolicy.unknownWaitSeconds:INVALID", "timeZone:INVALID"}},
		"a long name": {identity.OrganizationChange{Name: text(strings.Repeat("x", 101))},
			[]string{"name:TOO_LONG"}},
		"this machine's time zone": {identity.OrganizationChange{TimeZone: text("Local")}, []string{"timeZone:INVALID"}},
		"no time zone":             {identity.OrganizationChange{TimeZone: text("")}, []string{"timeZone:REQUIRED"}},
		"a path for a time zone": {identity.OrganizationChange{TimeZone: text("../etc/passwd")},
			[]string{"timeZone:INVALID"}},
		"messages kept for ever": {identity.OrganizationChange{RetentionDays: number(3651)},
			[]string{"retentionDays:INVALID"}},
		"quiet hours that are always": {policy(identity.PolicyChange{QuietHours: quiet("21:00", "21:00")}),
			[]string{"sendingPolicy.quietHours:INVALID"}},
		"quiet hours of no day": {policy(identity.PolicyChange{QuietHours: quiet("24:00", "8:00")}),
			[]string{"sendingPolicy.quietHours.end:INVALID", "sendingPolicy.quietHours.start:INVALID"}},
		"quiet hours with seconds": {policy(identity.PolicyChange{QuietHours: quiet("21:00:00", "")}),
			[]string{"sendingPolicy.quietHours.end:INVALID", "sendingPolicy.quietHours.start:INVALID"}},
		"waiting for ever": {policy(identity.PolicyChange{UnknownWaitSeconds: number(86_401)}),
			[]string{"sendingPolicy.unknownWaitSeconds:INVALID"}},
		"waiting for too long": {policy(identity.PolicyChange{UnknownWaitSeconds: number(1 << 60)}),
			[]string{"sendingPolicy.unknownWaitSeconds:INVALID"}},
		"more than all failures": {policy(identity.PolicyChange{FailureThreshold: share(1.01)}),
			[]string{"sendingPolicy.failureThreshold:INVALID"}},
		"too many keywords": {policy(identity.PolicyChange{OptInKeywords: make([]string, 51)}),
			[]string{"sendingPolicy.optInKeywords:LIMIT_EXCEEDED"}},
		"keywords of every fault": {policy(identity.PolicyChange{OptInKeywords: []string{"yes", strings.Repeat("x", 61),
			" YES", "a\x00", "unsubscribe"}}),
			[]string{"sendingPolicy.optInKeywords.1:TOO_LONG", "sendingPolicy.optInKeywords.2:INVALID",
				"sendingPolicy.optInKeywords.3:INVALID", "sendingPolicy.optInKeywords.4:INVALID"}},
		"a word for both": {policy(identity.PolicyChange{OptOutKeywords: []string{"no", " start"}}),
			[]string{"sendingPolicy.optOutKeywords.1:INVALID"}},
		"both words given": {policy(identity.PolicyChange{OptOutKeywords: []string{"no"}, OptInKeywords: []string{"No"}}),
			[]string{"sendingPolicy.optOutKeywords.0:INVALID"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.UpdateOrganization(ctx, tc.change)
			if got := codes(t, err); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}

	if o, err := s.UpdateOrganization(ctx, identity.OrganizationChange{}); err != nil || o.Name != "Lucky Shrub" ||
		!cmp.Equal(o.SendingPolicy, jsonfield.DefaultSendingPolicy()) {
		t.Errorf("something was stored: %+v, %v", o, err)
	}
}

func TestOfTwoChangesAtOnceNoneIsLost(t *testing.T) {
	each(t, func(s *stage) {
		ctx := s.call(s.signUp(email).Token)
		yes, wait, share, most := true, 120, 0.5, 2
		var changes sync.WaitGroup

		for _, c := range []identity.PolicyChange{{RequireOptIn: &yes}, {UnknownWaitSeconds: &wait},
			{FailureThreshold: &share}, {OptInKeywords: []string{"YES"}}, {MarketingPerContactPerDay: &most},
			{QuietHours: new(&jsonfield.QuietHours{Start: "21:00", End: "08:00"})}} {
			changes.Go(func() {
				if _, err := s.UpdateOrganization(ctx, identity.OrganizationChange{SendingPolicy: &c}); err != nil {
					s.t.Error(err)
				}
			})
		}

		changes.Wait()
		o, err := s.UpdateOrganization(ctx, identity.OrganizationChange{})
		if err != nil {
			s.t.Fatal(err)
		}

		if p := o.SendingPolicy; !p.RequireOptIn || p.UnknownWaitSeconds != wait || p.FailureThreshold != share ||
			!slices.Equal(p.OptInKeywords, []string{"YES"}) || p.MarketingPerContactPerDay != most ||
			p.QuietHours == nil || *p.QuietHours != (jsonfield.QuietHours{Start: "21:00", End: "08:00"}) {
			s.t.Errorf("%+v", p)
		}
	})
}

func TestOnlyAdministratorsChangeAnOrganization(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), identity.Options{})
	_, token, err := s.CreateAPIKey(s.call(s.signUp(email).Token),
		identity.NewAPIKey{Name: "k", Role: enum.RoleCampaigner})
	if err != nil {
		t.Fatal(err)
	}

	if _, err := s.UpdateOrganization(s.call(token), identity.OrganizationChange{}); !usererror.Is(err,
		usererror.Forbidden) {
		t.Error(err)
	}
}

func TestEveryChangeOfAnOrganizationLeavesItsTrace(t *testing.T) {
	each(t, func(s *stage) {
		signed := s.signUp(email)
		system := caller.System(s.t.Context())
		s.db.Client.User.Update().SetSecondFactorAt(s.now()).ExecX(system)
		ctx := s.call(signed.Token)
		values := map[string]any{"Name": "Other", "TimeZone": "Asia/Shanghai", "RetentionDays": 30, "MaskForViewers": true,
			"RequireSecondFactor": true, "SendingPolicy": identity.PolicyChange{}}
		of := reflect.TypeFor[identity.OrganizationChange]()

		for i := range of.NumField() {
			field, change := of.Field(i), identity.OrganizationChange{}
			value, ok := values[field.Name]
			if !ok {
				s.t.Errorf("%s has no value here", field.Name)
				continue
			}

			pointer := reflect.New(field.Type.Elem())
			pointer.Elem().Set(reflect.ValueOf(value))
			reflect.ValueOf(&change).Elem().Field(i).Set(pointer)
			before := s.db.Client.AuditEvent.Query().CountX(system)
			if _, err := s.UpdateOrganization(ctx, change); err != nil {
				s.t.Fatal(field.Name, err)
			}

			events := s.db.Client.AuditEvent.Query().Order(ent.Asc("sequence")).AllX(system)[before:]
			want := field.Tag.Get("trail")
			if len(events) != 1 || want == "" || events[0].Action != audit.ActionOrganizationUpdate ||
				events[0].Actor != email || !strings.HasSuffix(events[0].Summary, "the organization's "+want) {
				s.t.Errorf("%s alone recorded %v", field.Name, events)
			}
		}
	})
}

func TestANewNameLeavesItsTraceInEveryOrganization(t *testing.T) {
	each(t, func(s *stage) {
		ctx := s.call(s.signUp(email).Token)
		if _, err := s.CreateOrganization(ctx, "Second", identity.DefaultTerms().Version); err != nil {
			s.t.Fatal(err)
		}

		for range 2 { // the second changes nothing
			if u, err := s.UpdateUser(ctx, identity.UserChange{Name: "Anna"}); err != nil || u.Name != "Anna" {
				s.t.Fatal(u, err)
			}
		}

		events := s.db.Client.AuditEvent.Query().Where(auditevent.Action(audit.ActionMemberUpdate)).
			AllX(caller.System(s.t.Context()))
		if len(events) != 2 || events[0].OrganizationID == events[1].OrganizationID ||
			events[0].Summary != `changed their name from "Ann" to "Anna"` || events[0].Actor != email {
			s.t.Errorf("recorded %v", events)
		}
	})
}
