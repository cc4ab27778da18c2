package graph_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/user"
	"carillon/graph"
	"carillon/identity"
	"carillon/outbox"
	"carillon/secret"
	"carillon/uid"
)

const sessionFields = `{ token expiresAt viewer { role organization { id name } user { email } } userErrors { field code message } clientMutationId }`

// inbox keeps the links of mails.
type inbox struct{ tokens, mails []string }

func (i *inbox) Send(_ context.Context, to, subject, text string) error {
	i.mails = append(i.mails, to+": "+subject)
	if link := regexp.MustCompile(`#token=(\S+)`).FindStringSubmatch(text); link != nil {
		i.tokens = append(i.tokens, link[1])
	}

	return nil
}

// mailing gives the stage's API a mail server, and how to have it sent what waits.
func mailing(db *database.DB, i *inbox) (edit func(*graph.Deps), post func(t *testing.T) (token string)) {
	keys, err := secret.NewKeyring(secret.NewKey())
	if err != nil {
		panic(err) // of a key that was just made
	}

	var announce func(context.Context, uid.ID)
	who := identity.New(db, identity.DefaultTerms(), database.Now, identity.Options{Keys: keys,
		Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}, PublicURL: "https://carillon.example",
		Announce: func(ctx context.Context, id uid.ID) { announce(ctx, id) }})

	mails := outbox.New(db, i, slog.New(slog.DiscardHandler), database.Now, who.Mails)

	return func(d *graph.Deps) { d.Identity, announce = who, d.Hub.Announce }, func(t *testing.T) string {
		t.Helper()
		if err := mails.Send(t.Context()); err != nil || len(i.tokens) == 0 {
			t.Fatalf("%d mails, %v", len(i.tokens), err)
		}

		return i.tokens[len(i.tokens)-1]
	}
}

func (p *person) invite(email, role string) string {
	p.t.Helper()
	return p.must(`mutation($email: String!, $role: Role!) { inviteMember(input: {email: $email, role: $role}) { invitationToken expiresAt userErrors { code } } }`,
		vars{"email": email, "role": role}).text("inviteMember.invitationToken")
}

const accept = `mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) ` + sessionFields + ` }`

func (p *person) guest(token string) vars {
	return vars{"input": vars{"token": token, "name": "Bob", "password": password,
		"acceptTermsVersion": p.who.Terms().Version, "clientMutationId": "7"}}
}

// hire lets somebody new in, whose address is proven.
func (p *person) hire(role string) *person {
	p.t.Helper()
	token := p.invite(fmt.Sprintf("p%d@example.com", people.Add(1)), role)
	a := p.stage.ask("", accept, p.guest(token))
	if len(a.Errors) > 0 || a.at("acceptInvitation.token") == nil {
		p.t.Fatalf("%v %v", a.Data, a.Errors)
	}

	session := a.text("acceptInvitation.token")
	p.db.Client.User.Update().Where(user.EmailVerifiedAtIsNil()).SetEmailVerifiedAt(database.Now()).
		ExecX(caller.System(p.t.Context()))
	ctx, err := p.who.Authenticate(p.t.Context(), "Bearer "+session, identity.Client{})
	if err != nil {
		p.t.Fatal(err)
	}

	return &person{stage: p.stage, token: session, ctx: ctx, org: p.org}
}

// membership is the id of the person's place in the organization.
func (p *person) membership() string {
	v, _ := identity.From(p.ctx)
	return v.Member.ID.String()
}

// refuses expects one user error of a mutation, as field:CODE, and no result.
func (a answer) refuses(mutation, result, want string) {
	a.t.Helper()
	if len(a.Errors) > 0 {
		a.t.Errorf("%s: %v", mutation, a.Errors)
		return
	}

	field := ""
	if path := a.list(mutation + ".userErrors.0.field"); len(path) > 0 {
		field, _ = path[0].(string)
	}

	if got := field + ":" + a.text(mutation+".userErrors.0.code"); got != want ||
		result != "" && a.at(mutation+"."+result) != nil {
		a.t.Errorf("%s: %s, want %s; %v", mutation, got, want, a.Data)
	}
}

func TestInvitations(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.signUp()
		first := p.invite("bob@example.com", "ADMIN")
		second := p.invite("Bob@example.com", "CAMPAIGNER")
		a := p.must(`{ viewer { organization { invitations { id email role createdAt expiresAt mailedAt } } } }`)
		const at = "viewer.organization.invitations"
		if len(a.list(at)) != 1 || a.text(at+".0.email") != "bob@example.com" || a.text(at+".0.role") != "CAMPAIGNER" ||
			a.at(at+".0.mailedAt") != nil {
			t.Errorf("got %v", a.Data)
		}

		s.ask("", accept, p.guest(first)).refuses("acceptInvitation", "token", "token:INVALID")
		a = s.ask("", accept, p.guest(second))

		if len(a.Errors) > 0 || a.text("acceptInvitation.viewer.role") != "CAMPAIGNER" ||
			a.text("acceptInvitation.viewer.organization.id") != p.org.String() ||
			a.text("acceptInvitation.clientMutationId") != "7" {
			t.Fatalf("got %v %v", a.Data, a.Errors)
		}

		session := a.text("acceptInvitation.token")
		if code := s.ask(session, `{ viewer { organization { invitations { id } } } }`).code(); code != "FORBIDDEN" {
			t.Errorf("a campaigner's look at invitations gave %q", code)
		}

		const invite = `mutation($email: String!, $role: Role!) { inviteMember(input: {email: $email, role: $role}) { invitationToken expiresAt userErrors { field code message } } }`
		p.must(invite, vars{"email": "bob@example.com", "role": "VIEWER"}).
			refuses("inviteMember", "invitationToken", "email:TAKEN")
		p.must(invite, vars{"email": "bob", "role": "VIEWER"}).refuses("inviteMember", "expiresAt", "email:INVALID")
		p.key("ADMIN").must(invite, vars{"email": "eve@example.com", "role": "OWNER"}).
			refuses("inviteMember", "invitationToken", "role:NOT_ALLOWED")

		p.invite("carol@example.com", "VIEWER")
		id := p.must(`{ viewer { organization { invitations { id } } } }`).text(at + ".0.id")
		const revoke = `mutation($id: ID!) { revokeInvitation(input: {invitationId: $id}) { revokedInvitationId userErrors { code } } }`
		if code := s.signUp().ask(revoke, vars{"id": id}).code(); code != "NOT_FOUND" {
			t.Errorf("a stranger's revoking gave %q", code)
		}
		if a := p.must(revoke, vars{"id": id}); a.text("revokeInvitation.revokedInvitationId") != id {
			t.Errorf("got %v", a.Data)
		}
		if code := p.ask(revoke, vars{"id": id}).code(); code != "NOT_FOUND" {
			t.Errorf("revoking again gave %q", code)
		}
	})
}

func TestARemovedOrDemotedMembersSocketsAreClosed(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.signUp()
		for verb, mutation := range map[string]string{
			"updateMember": `mutation($id: ID!) { updateMember(input: {memberId: $id, role: VIEWER}) { member { id role user { email } organization { name } } userErrors { field code } } }`,
			"removeMember": `mutation($id: ID!) { removeMember(input: {memberId: $id}) { member { id role user { email } organization { name } } userErrors { field code } } }`,
		} {
			hired := p.hire("CAMPAIGNER")
			ws := hired.dial()
			ws.subscribe(`subscription { statusChanged { __typename } }`, nil)
			began := time.Now()
			a := p.must(mutation, vars{"id": hired.membership()})
			if a.text(verb+".member.id") != hired.membership() || a.text(verb+".member.user.email") == "" ||
				a.text(verb+".member.organization.name") == "" {
				t.Errorf("got %v", a.Data)
			}

			for {
				_, err := ws.read()
				if err == nil {
					continue
				}
				if !websocket.IsCloseError(err, 4403) {
					t.Errorf("%s: the socket ended with %v", verb, err)
				}

				break
			}

			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s: the socket was closed after %s", verb, took)
			}

			p.must(mutation, vars{"id": p.membership()}).refuses(verb, "member", "memberId:NOT_ALLOWED")
		}
	})
}

func TestSeveralOrganizations(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.signUp()
		const create = `mutation($name: String!, $terms: String!) { createOrganization(input: {name: $name, acceptTermsVersion: $terms, clientMutationId: "x"}) ` +
			sessionFields + ` }`
		a := p.must(create, vars{"name": "Second", "terms": s.who.Terms().Version})
		second := a.text("createOrganization.token")
		if a.text("createOrganization.viewer.organization.name") != "Second" ||
			a.text("createOrganization.viewer.role") != "OWNER" || a.text("createOrganization.clientMutationId") != "x" {
			t.Errorf("got %v", a.Data)
		}

		p.must(create, vars{"name": "", "terms": s.who.Terms().Version}).
			refuses("createOrganization", "token", "name:REQUIRED")
		p.must(create, vars{"name": "Third", "terms": "0"}).refuses("createOrganization", "viewer",
			"acceptTermsVersion:STALE")
		const change = `mutation($id: ID!) { switchOrganization(input: {organizationId: $id}) ` + sessionFields + ` }`
		a = s.ask(second, change, vars{"id": p.org.String()})
		if a.text("switchOrganization.viewer.organization.id") != p.org.String() {
			t.Errorf("got %v %v", a.Data, a.Errors)
		}
		if n := len(p.must(`{ viewer { memberships { id } } }`).list("viewer.memberships")); n != 2 {
			t.Errorf("%d memberships", n)
		}
		if code := p.ask(change, vars{"id": s.signUp().org.String()}).code(); code != "NOT_FOUND" {
			t.Errorf("into a stranger's: %q", code)
		}

		a = p.must(`mutation { revokeOtherSessions(input: {}) { revokedSessionIds userErrors { code } } }`)
		if len(a.list("revokeOtherSessions.revokedSessionIds")) != 2 || s.ask(second, `{ viewer { role } }`).
			code() != "UNAUTHENTICATED" {
			t.Errorf("got %v", a.Data)
		}
	})
}

func TestPasswordsAndNames(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		edit, post := mailing(db, &inbox{})
		s := stand(t, db, edit)
		p := s.signUp()
		email := p.must(`{ viewer { user { email } } }`).text("viewer.user.email")
		const change = `mutation($old: String!, $new: String!) { changePassword(input: {currentPassword: $old, newPassword: $new}) ` +
			sessionFields + ` }`
		p.must(change, vars{"old": "wrong password", "new": "another good password"}).
			refuses("changePassword", "token", "currentPassword:INVALID")
		p.must(change, vars{"old": password, "new": "short"}).refuses("changePassword", "token", "newPassword:TOO_SHORT")
		ws := p.dial()
		a := p.must(change, vars{"old": password, "new": "another good password"})
		session := a.text("changePassword.token")

		for {
			if _, err := ws.read(); err != nil {
				if !websocket.IsCloseError(err, 4403) {
					t.Errorf("the old session's socket ended with %v", err)
				}

				break
			}
		}

		if p.ask(`{ viewer { role } }`).code() != "UNAUTHENTICATED" || s.ask(session, `{ viewer { role } }`).code() != "" {
			t.Error("the sessions are wrong")
		}

		a = s.ask(session,
			`mutation { updateUser(input: {name: " Eva ", clientMutationId: "n"}) { user { name } userErrors { code } clientMutationId } }`)
		if a.text("updateUser.user.name") != "Eva" || a.text("updateUser.clientMutationId") != "n" {
			t.Errorf("got %v", a.Data)
		}

		s.ask(session, `mutation { updateUser(input: {name: ""}) { user { name } userErrors { field code } } }`).
			refuses("updateUser", "user", "name:REQUIRED")

		const ask = `mutation($email: String!) { requestPasswordReset(input: {email: $email}) { sent userErrors { field code message } } }`
		known, unknown := s.ask("", ask, vars{"email": email}), s.ask("", ask, vars{"email": "nobody@example.com"})
		if fmt.Sprint(known.Data) != fmt.Sprint(unknown.Data) || known.at("requestPasswordReset.sent") != true {
			t.Errorf("%v and %v", known.Data, unknown.Data)
		}

		s.ask("", ask, vars{"email": "nobody"}).refuses("requestPasswordReset", "", "email:INVALID")
		const reset = `mutation($token: String!, $new: String!) { resetPassword(input: {token: $token, newPassword: $new}) ` +
			sessionFields + ` }`
		token := post(t)
		s.ask("", reset, vars{"token": token, "new": "short"}).refuses("resetPassword", "token", "newPassword:TOO_SHORT")
		if a := s.ask("", reset, vars{"token": token, "new": "a third good password"}); a.text(
			"resetPassword.viewer.user.email") != email || s.ask(session, `{ viewer { role } }`).code() != "UNAUTHENTICATED" {
			t.Errorf("got %v %v", a.Data, a.Errors)
		}

		s.ask("", reset, vars{"token": token, "new": "a third good password"}).
			refuses("resetPassword", "token", "token:INVALID")
		if n := s.db.Client.PasswordReset.Query().CountX(caller.System(t.Context())); n != 0 {
			t.Errorf("%d resets are left", n)
		}
	})
}

func TestDisconnectingAnAccountPausesItsCampaigns(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		c := o.campaign("Spring")
		o.must(`mutation($id: ID!) { launchCampaign(input: {campaignId: $id}) { campaign { status } } }`,
			vars{"id": c.String()})
		account := o.must(`{ accounts { edges { node { id } } } }`).text("accounts.edges.0.node.id")
		const disconnect = `mutation($id: ID!) { disconnectAccount(input: {accountId: $id, clientMutationId: "d"}) { account { status statusReason } userErrors { code } clientMutationId } }`
		if code := s.signUp().ask(disconnect, vars{"id": account}).code(); code != "NOT_FOUND" {
			t.Errorf("a stranger's gave %q", code)
		}

		for range 2 {
			if a := o.must(disconnect, vars{"id": account}); a.text("disconnectAccount.account.status") != "DISCONNECTED" ||
				a.text("disconnectAccount.clientMutationId") != "d" {
				t.Errorf("got %v", a.Data)
			}
		}

		a := o.must(`query($id: ID!) { node(id: $id) { ... on Campaign { status statusReason statusDetail } } }`,
			vars{"id": c.String()})
		if a.text("node.status") != "PAUSED" || a.text("node.statusReason") != "ACCOUNT_RESTRICTED" {
			t.Errorf("got %v", a.Data)
		}
	})
}
