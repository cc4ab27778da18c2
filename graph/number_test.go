package graph_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// numberFields are what these tests read of a number.
const numberFields = `{ phoneNumber { id status username shared profile { about address description email websites vertical pictureUrl } }
	pin userErrors { field code message } clientMutationId }`

// manage calls a mutation of numbers.
func (o *shop) manage(mutation, input string, id uid.ID, fields vars) answer {
	fields["phoneNumberId"] = id.String()
	fields["clientMutationId"] = "7"
	return o.ask(fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) %s }`, input, mutation, numberFields),
		vars{"input": fields})
}

func TestANumberIsVerifiedAndRegisteredThroughTheAPI(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Numbers: []sandbox.NumberSpec{
			{ID: "7", DisplayNumber: "+1 555-078-3882", Unverified: true, Unregistered: true}}})
		o.must(`mutation($id: ID!) { syncAccount(input: {accountId: $id}) { userErrors { message } } }`,
			vars{"id": o.account.ID.String()})
		var fresh uid.ID
		for _, n := range o.account.QueryPhoneNumbers().AllX(o.ctx) {
			if n.MetaID == "7" {
				fresh = n.ID
			}
		}

		for i, step := range []struct {
			mutation, input string
			fields          vars
			wrong, status   string
		}{
			{"registerPhoneNumber", "RegisterPhoneNumberInput", vars{"pin": "12"}, "pin INVALID", ""},
			{"registerPhoneNumber", "RegisterPhoneNumberInput", vars{"pin": "111222"}, "phoneNumberId NOT_ALLOWED", ""},
			{"requestVerificationCode", "RequestVerificationCodeInput", vars{"method": "VOICE", "language": "de"}, "",
				"UNVERIFIED"},
			{"verifyPhoneNumber", "VerifyPhoneNumberInput", vars{"code": "000000"}, "code INVALID", ""},
			{"requestVerificationCode", "RequestVerificationCodeInput", vars{}, "", "UNVERIFIED"},
			{"verifyPhoneNumber", "VerifyPhoneNumberInput", vars{"code": sandbox.Code}, "", "PENDING"},
			{"registerPhoneNumber", "RegisterPhoneNumberInput", vars{}, "", "CONNECTED"},
			{"registerPhoneNumber", "RegisterPhoneNumberInput", vars{"pin": "111222"}, "pin INVALID", ""},
			{"deregisterPhoneNumber", "DeregisterPhoneNumberInput", vars{}, "", "PENDING"},
		} {
			a := o.manage(step.mutation, step.input, fresh, step.fields)
			wrong := strings.Join(a.wrong(step.mutation), ",")
			if len(a.Errors) > 0 || wrong != step.wrong || a.text(step.mutation+".clientMutationId") != "7" {
				t.Errorf("step %d gave %v %v", i, a.Data, a.Errors)
			}
			if step.wrong == "" && a.text(step.mutation+".phoneNumber.status") != step.status {
				t.Errorf("after step %d it is %v", i, a.Data)
			}
			if made := a.at(step.mutation + ".pin"); (made != nil) != (i == 6) {
				t.Errorf("step %d tells the PIN %v", i, made)
			}
		}
	})
}

func TestDeregisteringANumberPausesItsCampaigns(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		c := o.campaign("Spring")
		o.must(`mutation($id: ID!) { launchCampaign(input: {campaignId: $id}) { userErrors { message } } }`,
			vars{"id": c.String()})
		o.manage("deregisterPhoneNumber", "DeregisterPhoneNumberInput", o.number.ID, vars{})
		a := o.must(`query($id: ID!) { node(id: $id) { ... on Campaign { status statusReason } } }`, vars{"id": c.String()})
		if a.text("node.status") != "PAUSED" || a.text("node.statusReason") != "ACCOUNT_RESTRICTED" {
			t.Errorf("it is %v", a.Data)
		}
	})
}

func TestABusinessProfileIsChangedAndReadThroughTheAPI(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		a := o.manage("updateBusinessProfile", "UpdateBusinessProfileInput", o.number.ID, vars{"about": "Open until six",
			"email": "shop@example.com", "websites": []string{"https://example.com"}, "vertical": "RETAIL",
			"pictureHandle": "4::aW1hZ2U=:ARx\n4::more"})
		profile := "updateBusinessProfile.phoneNumber.profile"
		if len(a.Errors) > 0 || a.text(profile+".about") != "Open until six" || a.at(profile+".address") != nil ||
			a.text(profile+".websites.0") != "https://example.com" || a.at(profile+".pictureUrl") == nil {
			t.Errorf("got %v %v", a.Data, a.Errors)
		}

		a = o.manage("updateBusinessProfile", "UpdateBusinessProfileInput", o.number.ID, vars{"about": "",
			"websites": []string{"https://a.b", "c"}})
		if got := strings.Join(a.wrong("updateBusinessProfile"), ","); got != "about TOO_SHORT,websites.1 INVALID" {
			t.Errorf("got %q, %v", got, a.Data)
		}
	})
}

func TestAProfileThatCannotBeReadCostsItsFieldAlone(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		s.sandbox.SetDown(true)
		defer s.sandbox.SetDown(false)
		a := o.ask(`{ accounts { edges { node { name phoneNumbers { verifiedName username shared profile { about } } } } } }`)
		number := "accounts.edges.0.node.phoneNumbers.0"
		if a.text(number+".verifiedName") != "Lucky Shrub" || a.at(number+".profile") != nil ||
			a.at(number+".shared") != false {
			t.Errorf("got %v", a.Data)
		}
		if len(a.Errors) != 1 || a.code() != "UNAVAILABLE" || !strings.Contains(fmt.Sprint(a.Errors), "business profile") ||
			!strings.HasSuffix(fmt.Sprint(a.Errors[0].Path), "profile]") {
			t.Errorf("errors %v", a.Errors)
		}
	})
}

func TestProfilesOfManyNumbersTakeNoMoreStatementsThanOne(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		const query = `{ accounts { edges { node { marketingRoute phoneNumbers { profile { about } shared username } } } } }`
		count := func() int64 {
			before := s.statements.Load()
			if a := o.must(query); a.at("accounts.edges.0.node.phoneNumbers.0.profile.about") == nil {
				t.Errorf("got %v", a.Data)
			}

			return s.statements.Load() - before
		}

		one := count()
		specs := make([]sandbox.NumberSpec, 20)
		for i := range specs {
			specs[i] = sandbox.NumberSpec{ID: fmt.Sprint(100 + i), DisplayNumber: fmt.Sprintf("+1 555-079-%04d", i),
				VerifiedName: "More"}
		}

		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Numbers: specs})
		o.must(`mutation($id: ID!) { syncAccount(input: {accountId: $id}) { userErrors { message } } }`,
			vars{"id": o.account.ID.String()})
		if many := count(); many != one {
			t.Errorf("21 numbers take %d statements, and one takes %d", many, one)
		}
	})
}

func TestWhichWayAMessageWentIsItsField(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		ids := o.queued(o.campaign("Spring"), 3)
		ctx := caller.System(context.WithoutCancel(o.ctx))
		there := enum.MessageRouteMarketingMessages
		for i, route := range []enum.MessageRoute{"", there} {
			_, err := s.journal.Record(ctx, delivery.Fact{Message: ids[i], WAMID: fmt.Sprint("wamid.", i), Attempt: 1,
				Kind: delivery.Accepted, At: database.Now(), Route: route})
			if err != nil {
				t.Fatal(err)
			}
		}

		s.db.Client.Message.Update().SetAttempts(1).ExecX(ctx)
		s.db.Client.Message.UpdateOneID(ids[2]).SetAttempts(0).ExecX(ctx)
		for i, want := range []any{"MESSAGES", "MARKETING_MESSAGES", nil} {
			a := o.must(`query($id: ID!) { node(id: $id) { ... on Message { route } } }`, vars{"id": ids[i].String()})
			if a.at("node.route") != want {
				t.Errorf("message %d went by %v, want %v", i, a.at("node.route"), want)
			}
		}
	})
}

func TestAnAccountSaysWhereItsMarketingGoes(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, MarketingMessages: "ONBOARDED"})
		o := s.signUp().open(0)
		a := o.must(`{ accounts { edges { node { marketingRoute } } } }`)
		if got := a.text("accounts.edges.0.node.marketingRoute"); got != "MARKETING_MESSAGES" {
			t.Errorf("it goes to %s", got)
		}
	})
}
