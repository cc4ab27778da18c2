package graph_test

import (
	"encoding/json"
	"testing"
	"time"

	"carillon/ent/enum"
	"carillon/whatsapp/sandbox"
)

const bound = `account { id wabaId name sandbox status tokenExpiresAt webhookReceivedAt
	health { subject code title remedy severity } phoneNumbers { status account { sandbox } } } userErrors { field code message }`

func TestAnEmbeddedSignUpConnectsAnAccountAndItsReplayShowsIt(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.signUp()
		const connect = `mutation($code: String!, $waba: String!, $number: String) { connectAccount(input: {consentToTransfer: true,
			credentials: {embeddedSignup: {code: $code, wabaId: $waba, phoneNumberId: $number}}}) { ` + bound + ` } }`
		code, waba, number, err := s.sandbox.SignUp("Lucky Shrub", "")
		if err != nil {
			t.Fatal(err)
		}

		a := p.must(connect, vars{"code": "AQnone", "waba": "", "number": nil})
		if a.text("connectAccount.userErrors.0.field.2") != "code" ||
			a.text("connectAccount.userErrors.0.code") != "INVALID" {
			t.Errorf("a code of nobody: %v", a.Data)
		}

		var id string
		for _, in := range []vars{{"code": code, "waba": "", "number": number}, {"code": code, "waba": waba}} {
			a := p.must(connect, in)
			if a.text("connectAccount.account.wabaId") != waba || a.at("connectAccount.account.sandbox") != false ||
				a.text("connectAccount.account.phoneNumbers.0.status") != "CONNECTED" ||
				len(a.list("connectAccount.account.health")) != 0 || a.at("connectAccount.account.webhookReceivedAt") != nil ||
				a.at("connectAccount.account.tokenExpiresAt") != nil || id != "" && a.text("connectAccount.account.id") != id {
				t.Errorf("got %v", a.Data)
			}

			id = a.text("connectAccount.account.id")
		}
	})
}

func TestASandboxAccountIsMarkedWhereverItIsShown(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		a := o.must(`mutation { connectSandboxAccount(input: {name: "Try it", clientMutationId: "c"}) { clientMutationId ` + bound + ` } }`)
		if a.text("connectSandboxAccount.account.name") != "Try it" ||
			a.at("connectSandboxAccount.account.sandbox") != true ||
			a.text("connectSandboxAccount.account.status") != "CONNECTED" ||
			a.text("connectSandboxAccount.clientMutationId") != "c" ||
			a.at("connectSandboxAccount.account.phoneNumbers.0.account.sandbox") != true {
			t.Fatalf("got %v", a.Data)
		}

		list := o.must(`{ accounts(first: 10) { edges { node { name sandbox } } } }`)
		marks := map[string]any{}
		for i := range list.list("accounts.edges") {
			edge := list.list("accounts.edges")[i].(map[string]any)["node"].(map[string]any)
			marks[edge["name"].(string)] = edge["sandbox"]
		}

		if len(marks) != 2 || marks["Try it"] != true || marks["Lucky Shrub"] != false {
			t.Errorf("the list shows %v", marks)
		}
		if code := o.member(enum.RoleCampaigner).ask(`mutation { connectSandboxAccount(input: {}) { account { id } } }`).
			code(); code != "FORBIDDEN" {
			t.Errorf("a campaigner gets %s", code)
		}
	})
}

func TestHealthAndTheEndOfATokenAreShownAndTold(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		ends := time.Now().Add(36 * time.Hour).Truncate(time.Second).UTC()
		s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Token: metaToken, TokenExpiresAt: ends})
		if err := s.sandbox.SetHealth(waba, waba, json.RawMessage(`{"entities":[{"entity_type":"WABA","id":"`+waba+`",
			"can_send_message":"BLOCKED","errors":[{"error_code":141006,"error_description":"There is no payment method.",
			"possible_solution":"Add one."}]}]}`)); err != nil {
			t.Fatal(err)
		}

		ws := o.dial()
		ws.subscribe(`subscription { statusChanged { ... on Campaign { state: status } ... on Account { tokenExpiresAt
			health { subject code title remedy severity } } } }`, vars{})
		s.hearsChanges(o, ws)
		a := o.must(`mutation($id: ID!) { syncAccount(input: {accountId: $id}) { `+bound+` } }`, vars{"id": o.account.ID.String()})
		if a.text("syncAccount.account.tokenExpiresAt") != ends.Format(time.RFC3339) {
			t.Errorf("got %v", a.Data)
		}

		const health = "statusChanged.health."
		news := ws.result()
		if len(news.list("statusChanged.health")) != 2 || news.text(health+"0.subject") != "WABA "+waba ||
			news.at(health+"0.code") != 141006.0 || news.text(health+"0.severity") != "ERROR" ||
			news.text(health+"0.remedy") != "Add one." || news.text(health+"1.subject") != "TOKEN" ||
			news.text(health+"1.severity") != "WARNING" {
			t.Errorf("told of health: %v", news.Data)
		}

		for range 2 { // the second has nothing to warn of
			if _, err := s.accounts.WatchTokens(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		if news = ws.result(); news.text("statusChanged.tokenExpiresAt") != ends.Format(time.RFC3339) {
			t.Errorf("warned of the token: %v", news.Data)
		}

		// the next news is the one after, not the warning again
		if err := s.sandbox.SetHealth(waba, waba, nil); err != nil {
			t.Fatal(err)
		}

		o.must(`mutation($id: ID!) { syncAccount(input: {accountId: $id}) { `+bound+` } }`, vars{"id": o.account.ID.String()})
		if news = ws.result(); len(news.list("statusChanged.health")) != 1 {
			t.Errorf("well again: %v", news.Data)
		}
	})
}
