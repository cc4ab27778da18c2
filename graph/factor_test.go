package graph_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pquerna/otp/totp"
	"github.com/vektah/gqlparser/v2/ast"
)

// shown is what an authenticator app shows some steps from now.
func shown(t *testing.T, secret string, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}

	return code
}

// enroll gives a person a second factor, confirmed with the code of the step before.
func (p *person) enroll() (secret string) {
	p.t.Helper()
	a := p.must(`mutation($password: String!) { beginSecondFactor(input: {password: $password}) { secret uri userErrors { message } } }`,
		vars{"password": password})
	secret = a.text("beginSecondFactor.secret")
	a = p.must(`mutation($code: String!) { confirmSecondFactor(input: {code: $code}) { recoveryCodes viewer { mustSetUpSecondFactor secondFactor { enabled recoveryCodesLeft } } userErrors { message } } }`,
		vars{"code": shown(p.t, secret, -1)})
	if codes, _ := a.at("confirmSecondFactor.recoveryCodes").([]any); len(codes) != 10 {
		p.t.Fatalf("recovery codes %v", codes)
	}

	if a.at("confirmSecondFactor.viewer.mustSetUpSecondFactor") != false ||
		fmt.Sprint(a.at("confirmSecondFactor.viewer.secondFactor")) != "map[enabled:true recoveryCodesLeft:10]" {
		p.t.Errorf("once it is set up: %v", a.Data)
	}

	return secret
}

const signIn = `mutation($email: String!, $password: String!, $code: String) { signIn(input: {email: $email, password: $password, code: $code}) { token userErrors { field code } } }`

func TestSigningInWithASecondFactorTakesTwoCalls(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.signUp()
		secret := p.enroll()
		email := p.must(`{ viewer { user { email } } }`, nil).text("viewer.user.email")

		try := func(password, code string) string {
			a := s.ask("", signIn, vars{"email": email, "password": password, "code": code})
			if wrong, _ := a.at("signIn.userErrors").([]any); len(wrong) > 0 {
				return fmt.Sprint(wrong)
			}

			return a.text("signIn.token")[:4]
		}

		for _, one := range []struct{ password, code, want string }{
			{"not the password", "", "[map[code:INVALID field:[]]]"},
			{password, "", "[map[code:REQUIRED field:[code]]]"},
			{password, "000000", "[map[code:INVALID field:[code]]]"},
			{password, shown(t, secret, 0), "crs_"},
		} {
			if got := try(one.password, one.code); got != one.want {
				t.Errorf("code %q gave %s, want %s", one.code, got, one.want)
			}
		}
	})
}

func TestAdministratorsSeeWhoHasASecondFactor(t *testing.T) {
	s := onSQLite(t)
	owner := s.signUp()
	const members = `{ viewer { organization { members { secondFactor } } } }`
	if got := owner.must(members, nil).at("viewer.organization.members.0.secondFactor"); got != false {
		t.Errorf("without: %v", got)
	}

	owner.enroll()
	if got := owner.must(members, nil).at("viewer.organization.members.0.secondFactor"); got != true {
		t.Errorf("with: %v", got)
	}
	if got := owner.key("CAMPAIGNER").must(members, nil).at("viewer.organization.members.0.secondFactor"); got != nil {
		t.Errorf("a campaigner sees %v", got)
	}
}

// unenrolled is a person whose organization requires a second factor that they have not, any more.
func (s *stage) unenrolled() *person {
	p := s.signUp()
	secret := p.enroll()
	p.must(`mutation { updateOrganization(input: {requireSecondFactor: true}) { organization { requireSecondFactor } userErrors { message } } }`, nil)
	p.must(`mutation($input: DisableSecondFactorInput!) { disableSecondFactor(input: $input) { viewer { mustSetUpSecondFactor } userErrors { message } } }`,
		vars{"input": vars{"password": password, "code": shown(s.t, secret, 0)}})

	return p
}

func TestWithoutARequiredSecondFactorOnlySettingItUpIsAllowed(t *testing.T) {
	s := onSQLite(t)
	sdl := schema(t)
	fill, p := filler{sdl, madeUpIDs(sdl)}, s.unenrolled()

	for operation, root := range map[string]*ast.Definition{"query": sdl.Query, "mutation": sdl.Mutation} {
		for _, f := range root.Fields {
			role := f.Directives.ForName("role")
			if role == nil || hasFile(sdl, f) || f.Name == "signOut" { // the last ends the test
				continue
			}

			before := role.Arguments.ForName("beforeSecondFactor")
			a := p.ask(document(sdl, operation, f, 0), fill.variables(f, nil, nil))
			refused := a.code() == "FORBIDDEN" && a.Errors[0].Extensions["needs"] == "SECOND_FACTOR"
			if want := before == nil || before.Value.Raw != "true"; refused != want {
				t.Errorf("%s was refused: %t, want %t (%v)", f.Name, refused, want, a.Errors)
			}
		}
	}

	a := p.ask(`{ viewer { mustSetUpSecondFactor user { email } role sessions { id } memberships { role } secondFactor { enabled } } }`)
	if len(a.Errors) > 0 || a.at("viewer.mustSetUpSecondFactor") != true {
		t.Errorf("who it is: %v %v", a.Data, a.Errors)
	}
	if code := p.ask(`{ viewer { organization { name members { user { email } } } } }`).code(); code != "FORBIDDEN" {
		t.Errorf("the organization gave %q", code)
	}

	if code := p.ask(`{ viewer { memberships { organization { members { user { email } } apiKeys { prefix } } } } }`).
		code(); code == "" {
		t.Error("the members are seen by way of the membership")
	}
}

func TestASocketIsClosedWhenItsUserMayDoMoreOrLess(t *testing.T) {
	s := onSQLite(t)
	p := s.signUp()
	secret := p.enroll()
	socket := p.dial()
	p.must(`mutation { updateOrganization(input: {requireSecondFactor: true}) { userErrors { message } } }`, nil)
	p.must(`mutation($input: DisableSecondFactorInput!) { disableSecondFactor(input: $input) { userErrors { message } } }`,
		vars{"input": vars{"password": password, "code": shown(t, secret, 0)}})
	var over error
	for over == nil {
		_, over = socket.read()
	}

	if !websocket.IsCloseError(over, 4403) {
		t.Errorf("the socket ended with %v, want 4403", over)
	}

	again := p.dial()
	again.subscribe(`subscription { deliveryEvents { cursor } }`, nil)
	if code, extensions := again.failure(); code != "FORBIDDEN" || extensions["needs"] != "SECOND_FACTOR" {
		t.Errorf("a subscription gave %s %v", code, extensions)
	}
}
