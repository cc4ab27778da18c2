package graph_test

import (
	"fmt"
	"testing"
)

const toldOf = ` member { id role notifications notifyOfOthers } userErrors { field code } clientMutationId } }`

func TestAMemberChoosesOfWhatTheyAreToldByMail(t *testing.T) {
	s := onSQLite(t)
	owner := s.signUp()
	for role, usual := range map[string]string{"VIEWER": "[]",
		"CAMPAIGNER": "[CAMPAIGN_PAUSED CAMPAIGN_ENDED IMPORT_FAILED EXPORT_FAILED]",
		"ADMIN": "[CAMPAIGN_PAUSED CAMPAIGN_ENDED IMPORT_FAILED EXPORT_FAILED TOKEN_EXPIRING TOKEN_EXPIRED " +
			"ACCOUNT_RESTRICTED TEMPLATE_REJECTED WEBHOOK_SUSPENDED]"} {
		p := owner.hire(role)
		const mine = `{ viewer { memberships { notifications notifyOfOthers } } }`
		if got := fmt.Sprint(p.must(mine).at("viewer.memberships.0.notifications")); got != usual {
			t.Errorf("a %s is usually told of %s", role, got)
		}

		for _, step := range []struct{ input, kinds, others string }{
			{`kinds: [TOKEN_EXPIRED, CAMPAIGN_ENDED], ofOthers: true`, "[TOKEN_EXPIRED CAMPAIGN_ENDED]", "true"},
			{`kinds: []`, "[]", "true"},
			{`kinds: null, ofOthers: false`, usual, "false"},
		} {
			a := p.must(`mutation { updateNotifications(input: {clientMutationId: "n", ` + step.input + `}) {` + toldOf)
			if got := fmt.Sprint(a.at("updateNotifications.member.notifications")); got != step.kinds ||
				fmt.Sprint(a.at("updateNotifications.member.notifyOfOthers")) != step.others ||
				a.text("updateNotifications.clientMutationId") != "n" {
				t.Errorf("%s with %s: %v", role, step.input, a.Data)
			}
			if got := fmt.Sprint(p.must(mine).at("viewer.memberships.0.notifications")); got != step.kinds {
				t.Errorf("%s with %s is told of %s", role, step.input, got)
			}
		}

		p.stage.ask(p.token, `mutation { updateNotifications(input: {kinds: [TOKEN_EXPIRED, TOKEN_EXPIRED]}) {`+toldOf).
			refuses("updateNotifications", "member", "kinds:INVALID")
	}

	others := owner.must(`{ viewer { organization { members { notifications } } } }`)
	if n := len(others.list("viewer.organization.members")); n != 4 {
		t.Errorf("%d members are shown", n)
	}
}
