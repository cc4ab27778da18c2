package graph_test

import (
	"strings"
	"sync"
	"testing"

	"carillon/uid"
)

func TestSigningUpAndIn(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		const payload = `{ token expiresAt viewer { role user { email } organization { name members { role } } memberships { role } sessions { id } mustAcceptTerms } userErrors { field code message } clientMutationId }`
		terms := s.ask("", `{ terms { version } }`).text("terms.version")
		input := vars{"email": "Ada@Example.com", "password": password, "name": "Ada", "organizationName": "Shop",
			"acceptTermsVersion": terms, "clientMutationId": "1"}
		a := s.ask("", `mutation($input: SignUpInput!) { signUp(input: $input) `+payload+` }`, vars{"input": input})

		if len(a.Errors) > 0 || a.text("signUp.viewer.user.email") != "ada@example.com" ||
			a.text("signUp.viewer.organization.members.0.role") != "OWNER" || a.at("signUp.viewer.mustAcceptTerms") != false ||
			a.text("signUp.clientMutationId") != "1" {
			t.Fatalf("got %v %v", a.Data, a.Errors)
		}

		token := a.text("signUp.token")
		input["password"], input["acceptTermsVersion"] = "short", "0"
		a = s.ask("", `mutation($input: SignUpInput!) { signUp(input: $input) `+payload+` }`, vars{"input": input})

		if a.at("signUp.token") != nil || a.text("signUp.userErrors.0.code") != "TOO_SHORT" ||
			a.text("signUp.userErrors.0.field.0") != "password" || a.text("signUp.userErrors.1.code") != "STALE" ||
			a.text("signUp.clientMutationId") != "1" {
			t.Errorf("got %v %v", a.Data, a.Errors)
		}

		a = s.ask("", `mutation { signIn(input: {email: "ada@example.com", password: "wrong password"}) `+payload+` }`)
		if a.at("signIn.viewer") != nil || len(a.list("signIn.userErrors.0.field")) != 0 ||
			a.text("signIn.userErrors.0.code") != "INVALID" {
			t.Errorf("got %v %v", a.Data, a.Errors)
		}

		a = s.ask("", `mutation { signIn(input: {email: "ada@example.com", password: "`+password+`"}) `+payload+` }`)
		other := a.text("signIn.token")
		if a := s.ask(other, `mutation { signOut { signedOut userErrors { code } } }`); a.at("signOut.signedOut") != true {
			t.Errorf("got %v %v", a.Data, a.Errors)
		}
		if code := s.ask(other, `{ viewer { role } }`).code(); code != "UNAUTHENTICATED" {
			t.Errorf("a token that was signed out gave %q", code)
		}
		if a := s.ask(token, `{ viewer { role } }`); a.text("viewer.role") != "OWNER" {
			t.Errorf("got %v", a.Data)
		}
	})
}

func TestKeys(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.signUp()
		a := p.must(`mutation { createApiKey(input: {name: "CI", role: CAMPAIGNER}) { secret apiKey { id name role prefix expiresAt } userErrors { code } } }`)
		id, secret := a.text("createApiKey.apiKey.id"), a.text("createApiKey.secret")
		if !strings.HasPrefix(secret, a.text("createApiKey.apiKey.prefix")) ||
			s.ask(secret, `{ viewer { role } }`).text("viewer.role") != "CAMPAIGNER" {
			t.Errorf("got %v", a.Data)
		}

		for range 2 {
			if a := p.must(`mutation($id: ID!) { revokeApiKey(input: {apiKeyId: $id}) { apiKey { revokedAt } } }`,
				vars{"id": id}); a.text("revokeApiKey.apiKey.revokedAt") == "" {
				t.Errorf("got %v", a.Data)
			}
		}

		if code := s.ask(secret, `{ viewer { role } }`).code(); code != "UNAUTHENTICATED" {
			t.Errorf("a revoked key gave %q", code)
		}

		a = p.must(`mutation { createApiKey(input: {name: "", role: CAMPAIGNER, expiresAt: "2001-01-01T00:00:00Z"}) { secret apiKey { id } userErrors { field code } } }`)
		if a.at("createApiKey.secret") != nil || a.text("createApiKey.userErrors.0.code") != "REQUIRED" ||
			a.text("createApiKey.userErrors.1.field.0") != "expiresAt" {
			t.Errorf("got %v", a.Data)
		}

		session := p.must(`{ viewer { sessions { id } } }`).text("viewer.sessions.0.id")
		if a := p.must(`mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { revokedSessionId } }`,
			vars{"id": session}); a.text("revokeSession.revokedSessionId") != session {
			t.Errorf("got %v", a.Data)
		}
	})
}

func TestAccounts(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.signUp()
		const connect = `mutation($token: String!, $yes: Boolean!) { connectAccount(input: {credentials: {token: {wabaId: "` + waba + `", accessToken: $token}}, consentToTransfer: $yes}) {
			account { id wabaId name status messagingLimit phoneNumbers { displayNumber verifiedName qualityRating status throughput account { wabaId } } syncedAt } userErrors { field code } } }`
		a := p.must(connect, vars{"token": "EAAwrong", "yes": true})
		if a.at("connectAccount.account") != nil || a.text("connectAccount.userErrors.0.field.2") != "accessToken" {
			t.Errorf("a wrong token: %v", a.Data)
		}

		if a = p.must(connect,
			vars{"token": metaToken, "yes": false}); a.text("connectAccount.userErrors.0.code") != "NOT_ALLOWED" {
			t.Errorf("no consent: %v", a.Data)
		}

		a = p.must(connect, vars{"token": metaToken, "yes": true})
		if a.text("connectAccount.account.wabaId") != waba ||
			a.text("connectAccount.account.phoneNumbers.0.account.wabaId") != waba ||
			a.text("connectAccount.account.syncedAt") == "" {
			t.Errorf("got %v", a.Data)
		}

		if a := p.must(
			`mutation($id: ID!) { syncAccount(input: {accountId: $id}) { account { status } userErrors { code } } }`,
			vars{"id": a.at("connectAccount.account.id")}); a.text("syncAccount.account.status") != "CONNECTED" {
			t.Errorf("got %v", a.Data)
		}

		if a := s.signUp().
			must(connect, vars{"token": metaToken, "yes": true}); a.text("connectAccount.userErrors.0.code") != "TAKEN" {
			t.Errorf("somebody else's account: %v", a.Data)
		}
	})
}

func TestCampaignsAreLaunchedOnce(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		const change = `($id: ID!) { %Campaign(input: {campaignId: $id}) { campaign { status statusReason statusDetail template { name } } userErrors { code message } } }`
		do := func(verb string, id uid.ID) answer {
			return o.ask("mutation"+strings.ReplaceAll(change, "%", verb), vars{"id": id.String()})
		}
		c := o.campaign("Spring")
		codes, at := make(chan string, 2), sync.WaitGroup{}
		for range 2 {
			at.Go(func() { codes <- do("launch", c).code() })
		}

		at.Wait()
		if a, b := <-codes, <-codes; a+b != "CONFLICT" {
			t.Errorf("two launches gave %q and %q", a, b)
		}

		for _, step := range [][2]string{{"pause", "PAUSED"}, {"resume", "PREPARING"}, {"cancel", "CANCELED"}} {
			if a := do(step[0], c); len(a.Errors) > 0 || a.text(step[0]+"Campaign.campaign.status") != step[1] {
				t.Errorf("%s gave %v %v", step[0], a.Data, a.Errors)
			}
		}

		if code := do("resume", c).code(); code != "CONFLICT" {
			t.Errorf("resuming what is over gave %q", code)
		}

		empty, err := o.audience.CreateList(o.ctx, "Nobody")
		if err != nil {
			t.Fatal(err)
		}

		o.list = empty
		if a := do("launch", o.campaign("Empty")); a.at("launchCampaign.campaign") != nil ||
			a.text("launchCampaign.userErrors.0.code") != "INVALID" {
			t.Errorf("an empty audience gave %v %v", a.Data, a.Errors)
		}

		a := o.must(`mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id } userErrors { field code message } } }`,
			vars{"input": vars{
				"name": "", "templateId": uid.New(uid.Template).String(), "phoneNumberId": "x", "audience": vars{},
				"rateLimit": 0}})
		if a.at("createCampaign.campaign") != nil || len(a.list("createCampaign.userErrors")) < 4 {
			t.Errorf("got %v", a.Data)
		}
	})
}

func TestTheSameIdempotencyKeyMakesOneCampaign(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		make := func(name string) answer {
			return o.must(`mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id } userErrors { field code } } }`,
				vars{"input": vars{
					"name": name, "templateId": o.template.ID.String(), "phoneNumberId": o.number.ID.String(),
					"audience": vars{"listIds": []string{o.list.ID.String()}}, "idempotencyKey": "k"}})
		}
		if a, b := make("one"), make("one"); a.text("createCampaign.campaign.id") != b.text("createCampaign.campaign.id") {
			t.Errorf("got %v and %v", a.Data, b.Data)
		}
		if a := make("two"); a.text("createCampaign.userErrors.0.field.0") != "idempotencyKey" {
			t.Errorf("another input: %v", a.Data)
		}
	})
}

func TestInternalErrorsTellNothing(t *testing.T) {
	s := onSQLite(t)
	p := s.signUp()
	if _, err := s.db.Client.ExecContext(t.Context(), "ALTER TABLE campaign RENAME TO campaign_gone"); err != nil {
		t.Fatal(err)
	}

	a := p.ask(`{ campaigns { totalCount } }`)
	if a.code() != "INTERNAL" || a.Errors[0].Message != "internal error" || a.Errors[0].Extensions["requestId"] == "" {
		t.Errorf("got %v", a.Errors)
	}
	if n := strings.Count(s.logText(), "graphql: internal error"); n != 1 {
		t.Errorf("it was logged %d times:\n%s", n, s.logText())
	}
}
