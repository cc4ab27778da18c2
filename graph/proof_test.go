package graph_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/user"
	"carillon/graph"
	"carillon/identity"
)

const (
	victim      = "victim@corp.example"
	newPassword = "a quite different password"
)

// mailed is a stage whose service mails.
type mailed struct {
	*stage
	box  *inbox
	post func() (token string)
}

func eachMailed(t *testing.T, test func(t *testing.T, s *mailed)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		box := &inbox{}
		edit, post := mailing(db, box)
		test(t, &mailed{stand(t, db, edit), box, func() string { return post(t) }})
	})
}

// stranger signs up by the API, and has not proven the address.
func (s *stage) stranger(email string) *person {
	s.t.Helper()
	a := s.ask("", `mutation($input: SignUpInput!) { signUp(input: $input) { token viewer { user { emailVerifiedAt } } userErrors { message } } }`,
		vars{"input": vars{
			"email": email, "password": password, "name": "WhatsApp Security", "organizationName": "Strange",
			"acceptTermsVersion": s.who.Terms().Version}})
	if len(a.Errors) > 0 || a.at("signUp.viewer.user.emailVerifiedAt") != nil {
		s.t.Fatalf("%v %v", a.Data, a.Errors)
	}

	return s.as(a.text("signUp.token"))
}

// as is the person whose token that is.
func (s *stage) as(token string) *person {
	s.t.Helper()
	ctx, err := s.who.Authenticate(s.t.Context(), "Bearer "+token, identity.Client{})
	if err != nil {
		s.t.Fatal(err)
	}

	v, _ := identity.From(ctx)
	p := &person{stage: s, token: token, ctx: ctx, org: v.Organization}
	if v.User != nil {
		p.email = v.User.Email
	}

	return p
}

func (s *stage) resetPassword(token string) answer {
	s.t.Helper()
	return s.ask("",
		`mutation($token: String!, $new: String!) { resetPassword(input: {token: $token, newPassword: $new}) `+
			sessionFields+` }`, vars{"token": token, "new": newPassword})
}

func (s *stage) forget(email string) {
	s.t.Helper()
	s.ask("", `mutation($email: String!) { requestPasswordReset(input: {email: $email}) { sent } }`, vars{"email": email})
}

func (s *stage) verify(bearer, token, password string) answer {
	s.t.Helper()
	return s.ask(bearer,
		`mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { email emailVerifiedAt } userErrors { field code } clientMutationId } }`,
		vars{"input": vars{"token": token, "password": password, "clientMutationId": "v"}})
}

// gone expects that a token opens nothing any more.
func (s *stage) gone(what, token string) {
	s.t.Helper()
	if code := s.ask(token, `{ viewer { role } }`).code(); code != "UNAUTHENTICATED" {
		s.t.Errorf("%s gave %q", what, code)
	}
}

func TestWhoHadAnAddressFirstKeepsNoWayInOnceItsOwnerProvesIt(t *testing.T) {
	eachMailed(t, func(t *testing.T, s *mailed) {
		attacker := s.stranger(victim)
		key := attacker.must(`mutation { createApiKey(input: {name: "k", role: CAMPAIGNER}) { secret } }`).
			text("createApiKey.secret")
		again := attacker.signIn()
		second := attacker.must(
			`mutation($terms: String!) { createOrganization(input: {name: "Another", acceptTermsVersion: $terms}) { token } }`,
			vars{"terms": s.who.Terms().Version}).text("createOrganization.token")
		accomplice := s.signUp()
		invited := accomplice.invite(victim, "ADMIN")
		third := attacker.must(accept, attacker.guest(invited)).text("acceptInvitation.token")

		corp := s.signUp()
		corp.invite(victim, "ADMIN")
		invitation := s.post()
		guest := corp.guest(invitation)
		guest["input"].(vars)["password"] = newPassword
		s.ask("", accept, guest).refuses("acceptInvitation", "token", "password:INVALID")

		s.forget(victim)
		a := s.resetPassword(s.post())
		if len(a.Errors) > 0 || len(a.list("resetPassword.userErrors")) > 0 || a.at("resetPassword.token") != nil {
			t.Fatalf("got %v %v", a.Data, a.Errors)
		}

		for what, token := range map[string]string{"the session": attacker.token, "another session": again.token,
			"the key":                             key,
			"the session in another organization": second, "the session at the accomplice's": third} {
			s.gone(what, token)
		}

		if a := s.ask("", signIn, vars{"email": victim, "password": password}); a.at("signIn.token") != nil {
			t.Error("the attacker's password still holds")
		}

		a = s.ask("", accept, guest)
		if len(a.Errors) > 0 || a.at("acceptInvitation.token") == nil {
			t.Fatalf("the victim joins: %v %v", a.Data, a.Errors)
		}

		me := s.as(a.text("acceptInvitation.token")).
			must(`{ viewer { role organization { id } memberships { id } sessions { id } secondFactor { enabled } externalLogins { id } user { name emailVerifiedAt } } }`)
		if me.text("viewer.organization.id") != corp.org.String() || me.text("viewer.role") != "ADMIN" ||
			len(me.list("viewer.memberships")) != 1 ||
			len(me.list("viewer.sessions")) != 1 || len(me.list("viewer.externalLogins")) != 0 ||
			me.text("viewer.user.name") != "victim" || me.at("viewer.user.emailVerifiedAt") == nil {
			t.Errorf("the victim is %v", me.Data)
		}

		s.post()
		if !slices.Contains(s.box.mails, victim+": Your address was verified") {
			t.Errorf("mails: %v", s.box.mails)
		}

		checkOrganizations(t, s.db, attacker, accomplice)
	})
}

// checkOrganizations expects that the attacker's is closed, and the accomplice's goes on without
// the victim.
func checkOrganizations(t *testing.T, db *database.DB, attacker, accomplice *person) {
	t.Helper()
	o := db.Client.Organization.GetX(caller.System(t.Context()), attacker.org)
	if o.Status != enum.OrganizationStatusClosed || o.StatusReason == nil {
		t.Errorf("the attacker's organization is %s", o.Status)
	}

	members := accomplice.must(`{ viewer { organization { status members { user { email } } } } }`)
	if members.text("viewer.organization.status") != "ACTIVE" || len(members.list("viewer.organization.members")) != 1 {
		t.Errorf("the accomplice's: %v", members.Data)
	}

	trail := accomplice.must(auditQuery, vars{"filter": vars{"action": []string{"member.remove"}}})
	if len(trail.list("auditEvents.edges")) != 1 ||
		!strings.Contains(trail.text("auditEvents.edges.0.node.summary"), victim) {
		t.Errorf("its trail: %v", trail.Data)
	}
}

func TestALinkAloneBlessesNobodysPassword(t *testing.T) {
	eachMailed(t, func(t *testing.T, s *mailed) {
		attacker, bystander := s.stranger(victim), s.signUp()
		token := s.post()
		for _, bearer := range []string{"", bystander.token, bystander.key(enum.RoleOwner).token} {
			s.verify(bearer, token, "").refuses("verifyEmail", "user", "password:REQUIRED")
			s.verify(bearer, token, newPassword).refuses("verifyEmail", "user", "password:INVALID")
		}

		if got := attacker.must(`{ viewer { user { emailVerifiedAt } } }`).at("viewer.user.emailVerifiedAt"); got != nil {
			t.Errorf("a click has verified it at %v", got)
		}

		s.verify(attacker.token, token[:len(token)-1]+"!", "").refuses("verifyEmail", "user", "token:INVALID")

		const again = `mutation { requestEmailVerification(input: {clientMutationId: "r"}) { sent userErrors { code } clientMutationId } }`
		if a := attacker.must(again); a.at("requestEmailVerification.sent") != true ||
			a.text("requestEmailVerification.clientMutationId") != "r" {
			t.Errorf("asking again: %v", a.Data)
		}

		later := s.post()
		s.verify(attacker.token, token, "").refuses("verifyEmail", "user", "token:INVALID")
		a := s.verify(attacker.token, later, "")
		if len(a.Errors) > 0 || a.at("verifyEmail.user.emailVerifiedAt") == nil ||
			a.text("verifyEmail.clientMutationId") != "v" {
			t.Errorf("with the session and the link: %v %v", a.Data, a.Errors)
		}

		s.verify(attacker.token, later, "").refuses("verifyEmail", "user", "token:INVALID")
		if got := attacker.must(`{ viewer { user { emailVerifiedAt } } }`).at("viewer.user.emailVerifiedAt"); got == nil {
			t.Error("the session does not see it at once")
		}

		sent := len(s.box.mails)
		if a := attacker.must(again); a.at("requestEmailVerification.sent") != true {
			t.Errorf("once it is done: %v", a.Data)
		}
		if s.post(); len(s.box.mails) != sent {
			t.Errorf("mails: %v", s.box.mails)
		}
		if got := attacker.actions()[audit.ActionEmailVerify]; got != 1 {
			t.Errorf("%d audit events", got)
		}
	})
}

func TestThePasswordStandsInForTheSession(t *testing.T) {
	eachMailed(t, func(t *testing.T, s *mailed) {
		ann := s.stranger("ann@corp.example")
		a := s.verify("", s.post(), password)
		if len(a.Errors) > 0 || a.text("verifyEmail.user.email") != ann.email ||
			a.at("verifyEmail.user.emailVerifiedAt") == nil {
			t.Errorf("got %v %v", a.Data, a.Errors)
		}

		ann.must(`{ viewer { role } }`)
		s.forget(ann.email)
		if a := s.resetPassword(s.post()); a.at("resetPassword.viewer.organization.id") != ann.org.String() {
			t.Errorf("a later reset leads to %v", a.Data)
		}
	})
}

func TestAnAddressGivesNoPowerBeforeItIsProven(t *testing.T) {
	eachMailed(t, func(t *testing.T, s *mailed) {
		ann := s.stranger("ann@corp.example")
		token := s.post()
		tries := []struct{ mutation, result, document, field string }{
			{"inviteMember", "invitationToken",
				`mutation { inviteMember(input: {email: "bob@example.com", role: VIEWER}) { invitationToken userErrors { field code message } } }`, ""},
			{"beginSecondFactor", "secret", `mutation { beginSecondFactor(input: {password: "` + password +
				`"}) { secret userErrors { field code message } } }`, ""},
			{"createApiKey", "secret",
				`mutation { createApiKey(input: {name: "k", role: ADMIN}) { secret userErrors { field code message } } }`,
				"role"},
		}

		for _, try := range tries {
			a := ann.must(try.document)
			a.refuses(try.mutation, try.result, try.field+":NOT_ALLOWED")
			if message := a.text(try.mutation + ".userErrors.0.message"); !strings.Contains(message,
				"Verify your e-mail address") {
				t.Errorf("%s says %q", try.mutation, message)
			}
		}

		ann.must(`mutation { createApiKey(input: {name: "k", role: CAMPAIGNER}) { secret } }`).text("createApiKey.secret")
		s.verify(ann.token, token, "")

		for _, try := range tries {
			if a := ann.must(try.document); a.at(try.mutation+"."+try.result) == nil {
				t.Errorf("%s once it is proven: %v", try.mutation, a.Data)
			}
		}
	})
}

func TestOnlyTheMailedTokenOfAnInvitationProvesTheAddress(t *testing.T) {
	eachMailed(t, func(t *testing.T, s *mailed) {
		corp := s.signUp()
		handed := corp.invite("bob@corp.example", "ADMIN")
		mailed := s.post()
		if handed == mailed {
			t.Fatal("the inviter has the token of the mail")
		}

		bob := s.as(s.ask("", accept, corp.guest(handed)).text("acceptInvitation.token"))
		if got := bob.must(`{ viewer { user { emailVerifiedAt } } }`).at("viewer.user.emailVerifiedAt"); got != nil {
			t.Errorf("the inviter's token verified it at %v", got)
		}

		bob.must(`mutation { beginSecondFactor(input: {password: "`+password+`"}) { secret userErrors { field code } } }`).
			refuses("beginSecondFactor", "secret", ":NOT_ALLOWED")
		s.ask("", accept, corp.guest(mailed)).refuses("acceptInvitation", "token", "token:INVALID")

		s.post() // bob's link to verify

		// Whose address it is takes it back, and is not asked for a factor.
		s.forget("bob@corp.example")
		if a := s.resetPassword(s.post()); len(a.Errors) > 0 || len(a.list("resetPassword.userErrors")) > 0 {
			t.Fatalf("got %v %v", a.Data, a.Errors)
		}

		s.gone("the inviter's session as bob", bob.token)
		corp.invite("bob@corp.example", "VIEWER")
		guest := corp.guest(s.post())
		guest["input"].(vars)["password"] = newPassword
		if a := s.ask("", accept, guest); a.at("acceptInvitation.viewer.role") != "VIEWER" {
			t.Errorf("joining again: %v %v", a.Data, a.Errors)
		}

		corp.invite("eve@corp.example", "VIEWER")
		eve := s.as(s.ask("", accept, corp.guest(s.post())).text("acceptInvitation.token"))
		if got := eve.must(`{ viewer { user { emailVerifiedAt } } }`).at("viewer.user.emailVerifiedAt"); got == nil {
			t.Error("the mailed token did not verify it")
		}
	})
}

func TestAnInvitationByMailProvesTheAddressOfWhoHasSignedUpWithIt(t *testing.T) {
	eachMailed(t, func(t *testing.T, s *mailed) {
		corp, ann := s.signUp(), s.stranger("ann@corp.example")
		corp.invite(ann.email, "VIEWER")
		if a := ann.must(accept, corp.guest(s.post())); a.at("acceptInvitation.token") == nil {
			t.Fatalf("got %v", a.Data)
		}

		if !s.db.Client.User.Query().Where(user.Email(ann.email), user.EmailVerifiedAtNotNil()).
			ExistX(caller.System(t.Context())) {
			t.Error("it is not proven")
		}

		if n := len(ann.must(`{ viewer { memberships { id } } }`).list("viewer.memberships")); n != 2 {
			t.Errorf("%d memberships: their own is to stay", n)
		}
	})
}

func TestWhoMayBecomeAUser(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for _, tc := range []struct {
			mode              identity.SignUps
			signUp, newMember string // the user error, if any
		}{
			{identity.SignUpsOpen, "", ""},
			{identity.SignUpsByInvitation, ":NOT_ALLOWED", ""},
			{identity.SignUpsClosed, ":NOT_ALLOWED", ":NOT_ALLOWED"},
		} {
			t.Run(string(tc.mode), func(t *testing.T) {
				s := stand(t, db, func(d *graph.Deps) {
					d.Identity = identity.New(db, identity.DefaultTerms(), database.Now,
						identity.Options{Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}, SignUps: tc.mode})
				})

				address := string(tc.mode) + "@corp.example"
				const signUp = `mutation($input: SignUpInput!) { signUp(input: $input) { token userErrors { field code message } } }`
				a := s.ask("", signUp, vars{"input": vars{"email": address, "password": password, "name": "N",
					"organizationName": "O", "acceptTermsVersion": s.who.Terms().Version}})
				if got := refusal(a, "signUp"); got != tc.signUp {
					t.Errorf("signing up gave %q, want %q", got, tc.signUp)
				}

				owner := s.signUp() // as the operator
				a = s.ask("", accept, owner.guest(owner.invite("new-"+address, "VIEWER")))
				if got := refusal(a, "acceptInvitation"); got != tc.newMember {
					t.Errorf("somebody new accepts: %q, want %q", got, tc.newMember)
				}

				known := s.signUp()
				if a := known.must(accept, owner.guest(owner.invite(known.email, "VIEWER"))); refusal(a, "acceptInvitation") != "" {
					t.Errorf("somebody known accepts: %v", a.Data)
				}

				added, err := s.who.AddUser(audit.AsOperator(context.Background()),
					identity.NewUser{Email: "added-" + address, Organization: owner.org.String(), Role: enum.RoleOwner})
				if err != nil {
					t.Fatal(err)
				}

				if a := s.ask("", signIn,
					vars{"email": "added-" + address, "password": added.Password}); a.at("signIn.token") == nil {
					t.Errorf("whom the operator has added: %v", a.Data)
				}
			})
		}
	})
}

// refusal is the first user error of a mutation, as field:CODE; empty when there is none.
func refusal(a answer, mutation string) string {
	a.t.Helper()
	if len(a.Errors) > 0 {
		return fmt.Sprint(a.Errors)
	}
	if len(a.list(mutation+".userErrors")) == 0 {
		return ""
	}

	field := ""
	if path := a.list(mutation + ".userErrors.0.field"); len(path) > 0 {
		field, _ = path[0].(string)
	}

	return field + ":" + a.text(mutation+".userErrors.0.code")
}

func TestWhoeverWasRemovedMakesAnOrganizationOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		owner := s.signUp()
		bob := owner.member(enum.RoleViewer)
		const signUp = `mutation($input: SignUpInput!) { signUp(input: $input) { token viewer { user { id } role organization { name } } userErrors { field code message } } }`
		input := vars{"email": bob.email, "password": password, "name": "Bob", "organizationName": "Bob's",
			"acceptTermsVersion": s.who.Terms().Version}
		s.ask("", signUp, vars{"input": input}).refuses("signUp", "token", "email:TAKEN")
		owner.must(`mutation($id: ID!) { removeMember(input: {memberId: $id}) { userErrors { code } } }`,
			vars{"id": bob.membership()})
		input["password"] = newPassword
		s.ask("", signUp, vars{"input": input}).refuses("signUp", "token", "email:TAKEN")
		input["password"] = password
		a := s.ask("", signUp, vars{"input": input})
		v, _ := identity.From(bob.ctx)
		if len(a.Errors) > 0 || a.text("signUp.viewer.user.id") != v.User.ID.String() ||
			a.text("signUp.viewer.role") != "OWNER" || a.text("signUp.viewer.organization.name") != "Bob's" {
			t.Errorf("got %v %v", a.Data, a.Errors)
		}
	})
}
