package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent/enum"
	"carillon/identity"
)

const (
	removeMember = `mutation($id: ID!, $keys: Boolean) { removeMember(input: {memberId: $id, revokeApiKeys: $keys}) { member { user { email } } apiKeys { name revokedAt } userErrors { field code } } }`
	updateMember = `mutation($id: ID!, $role: Role!, $keys: Boolean) { updateMember(input: {memberId: $id, role: $role, revokeApiKeys: $keys}) { member { role } apiKeys { name revokedAt } userErrors { field code } } }`
	createKey    = `mutation($input: CreateAPIKeyInput!) { createApiKey(input: $input) { apiKey { id role scopes expiresAt createdBy { user { email } } } secret userErrors { field code message } } }`
)

func TestWhoLosesTheRightToInviteLosesTheInvitations(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		owner := s.signUp()
		for what, lose := range map[string]func(admin *person){
			"removed": func(admin *person) { owner.must(removeMember, vars{"id": admin.membership()}) },
			"demoted": func(admin *person) { owner.must(updateMember, vars{"id": admin.membership(), "role": "VIEWER"}) },
			"left":    func(admin *person) { admin.must(removeMember, vars{"id": admin.membership()}) },
		} {
			admin := owner.hire("ADMIN")
			token := admin.invite(what+"@second.example", "ADMIN")
			a := owner.must(`{ viewer { organization { invitations { email invitedBy { user { email } } } } } }`)
			if got := fmt.Sprint(a.at("viewer.organization.invitations")); got != fmt.Sprintf(
				"[map[email:%s@second.example invitedBy:map[user:map[email:%s]]]]", what, emailOf(admin)) {
				t.Errorf("%s: the owner sees %s", what, got)
			}

			lose(admin)
			s.ask("", accept, owner.guest(token)).refuses("acceptInvitation", "token", "token:INVALID")
			if left := owner.must(`{ viewer { organization { invitations { id } } } }`).
				list("viewer.organization.invitations"); len(left) != 0 {
				t.Errorf("%s: %d invitations are open", what, len(left))
			}
		}
	})
}

func emailOf(p *person) string {
	v, _ := identity.From(p.ctx)
	return v.User.Email
}

func TestAnInvitationIsAcceptedOnlyWhileItsInviterMayStillMakeIt(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		owner, system := s.signUp(), caller.System(t.Context())
		admin := owner.hire("ADMIN")
		byAdmin := admin.invite("a@second.example", "ADMIN")
		key := owner.key(enum.RoleAdmin)
		byKey, byOther := key.invite("b@second.example", "ADMIN"),
			owner.key(enum.RoleAdmin).invite("c@second.example", "ADMIN")
		v, _ := identity.From(admin.ctx)
		// Behind the API's back, as a process does that has not come to voiding them.
		s.db.Client.Member.UpdateOneID(v.Member.ID).SetRole(enum.RoleCampaigner).ExecX(system)
		k, _ := identity.From(key.ctx)
		s.db.Client.APIKey.UpdateOneID(k.Key.ID).SetExpiresAt(database.Now()).ExecX(system)

		for what, token := range map[string]string{"by who is a campaigner now": byAdmin, "by a key that is over": byKey} {
			if got := refusal(s.ask("", accept, owner.guest(token)), "acceptInvitation"); got != "token:INVALID" {
				t.Errorf("%s: %q", what, got)
			}
		}

		if got := refusal(s.ask("", accept, owner.guest(byOther)), "acceptInvitation"); got != "" {
			t.Errorf("by a key that is good: %q", got)
		}

		revoked := owner.key(enum.RoleAdmin)
		token := revoked.invite("d@second.example", "VIEWER")
		r, _ := identity.From(revoked.ctx)
		owner.must(`mutation($id: ID!) { revokeApiKey(input: {apiKeyId: $id}) { apiKey { revokedAt } } }`,
			vars{"id": r.Key.ID.String()})
		s.ask("", accept, owner.guest(token)).refuses("acceptInvitation", "token", "token:INVALID")
	})
}

func TestRemovingAMemberShowsAndEndsTheKeysTheyMade(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		owner := s.signUp()
		for _, revoke := range []bool{false, true} {
			admin := owner.hire("ADMIN")
			made := admin.key(enum.RoleAdmin)
			child := made.must(createKey, vars{"input": vars{"name": "child", "role": "VIEWER"}}).text("createApiKey.secret")
			others := owner.key(enum.RoleViewer)
			keys := owner.must(`{ viewer { organization { apiKeys { name createdBy { user { email } } } } } }`)
			if n := strings.Count(fmt.Sprint(keys.at("viewer.organization.apiKeys")), "email:"+emailOf(admin)); n != 2 {
				t.Errorf("they made %d keys: %v", n, keys.Data)
			}

			a := owner.must(removeMember, vars{"id": admin.membership(), "keys": revoke})
			if n := len(a.list("removeMember.apiKeys")); n != 2 ||
				(a.at("removeMember.apiKeys.0.revokedAt") != nil) != revoke ||
				(a.at("removeMember.apiKeys.1.revokedAt") != nil) != revoke {
				t.Errorf("revoked: %t: %v", revoke, a.Data)
			}

			want := map[bool]string{false: "", true: "UNAUTHENTICATED"}[revoke]
			for _, token := range []string{made.token, child} {
				if code := s.ask(token, `{ viewer { apiKey { createdBy { id } } } }`).code(); code != want {
					t.Errorf("revoked: %t: a key of theirs gives %q", revoke, code)
				}
			}

			others.must(`{ viewer { role } }`)
		}

		keys := fmt.Sprint(owner.must(`{ viewer { organization { apiKeys { createdBy { user { email } } } } } }`).
			at("viewer.organization.apiKeys"))
		if strings.Count(keys, "createdBy:<nil>") != 4 || strings.Count(keys, owner.email) != 2 {
			t.Errorf("once they have left: %s", keys)
		}

		viewer := owner.hire("VIEWER")
		viewer.must(removeMember, vars{"id": viewer.membership(), "keys": true}).
			refuses("removeMember", "member", "revokeApiKeys:NOT_ALLOWED")

		admin := owner.hire("ADMIN")
		made := admin.key(enum.RoleAdmin)
		a := owner.must(updateMember, vars{"id": admin.membership(), "role": "VIEWER", "keys": true})
		if a.at("updateMember.apiKeys.0.revokedAt") == nil || a.text("updateMember.member.role") != "VIEWER" {
			t.Errorf("a lower role: %v", a.Data)
		}

		s.gone("the key of who was demoted", made.token)
	})
}

func TestAKeyMakesNothingThatOutlivesIt(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		owner := s.signUp()
		soon := database.Now().Add(time.Hour)
		made := owner.must(createKey,
			vars{"input": vars{"name": "short", "role": "ADMIN", "expiresAt": soon.Format(time.RFC3339Nano)}})
		parent := s.as(made.text("createApiKey.secret"))
		a := parent.must(createKey, vars{"input": vars{"name": "k", "role": "ADMIN"}})
		if got := a.text("createApiKey.apiKey.expiresAt"); got != made.text("createApiKey.apiKey.expiresAt") {
			t.Errorf("without an end it ends at %s", got)
		}
		if got := a.text("createApiKey.apiKey.createdBy.user.email"); got != owner.email {
			t.Errorf("it was made by %s", got)
		}

		child := s.as(a.text("createApiKey.secret"))
		parent.must(createKey, vars{"input": vars{"name": "k", "role": "ADMIN", "expiresAt": soon.Add(time.Second).
			Format(time.RFC3339Nano)}}).refuses("createApiKey", "secret", "expiresAt:NOT_ALLOWED")
		parent.must(createKey, vars{"input": vars{"name": "k", "role": "OWNER"}}).
			refuses("createApiKey", "secret", "role:NOT_ALLOWED")
		child.must(createKey, vars{"input": vars{"name": "k", "role": "VIEWER"}}).
			refuses("createApiKey", "secret", ":NOT_ALLOWED")
		socket := child.dial()
		owner.must(
			`mutation($id: ID!) { revokeApiKey(input: {apiKeyId: $id}) { apiKey { revokedAt } userErrors { code } } }`,
			vars{"id": made.text("createApiKey.apiKey.id")})
		s.gone("the key", parent.token)
		s.gone("the key that it made", child.token)

		for {
			if _, err := socket.read(); err != nil {
				break // closed, or the test's own deadline says so
			}
		}
	})
}

func TestAPowerfulKeyNeedsAFreshSignInOrThePassword(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		owner := s.signUp()
		v, _ := identity.From(owner.ctx)
		err := s.db.InTx(t.Context(), func(tx *database.Tx) error {
			_, err := tx.ExecContext(t.Context(), "UPDATE session SET created_at = $1 WHERE id = $2",
				database.Now().Add(-11*time.Minute), v.Session.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		key := func(role, password string) answer {
			return owner.must(createKey, vars{"input": vars{"name": "k", "role": role, "currentPassword": password}})
		}
		for _, role := range []string{"ADMIN", "OWNER"} {
			key(role, "").refuses("createApiKey", "secret", "currentPassword:REQUIRED")
			key(role, "wrong password").refuses("createApiKey", "secret", "currentPassword:INVALID")
			if got := refusal(key(role, password), "createApiKey"); got != "" {
				t.Errorf("%s with the password: %q", role, got)
			}
		}

		if got := refusal(key("CAMPAIGNER", ""), "createApiKey"); got != "" {
			t.Errorf("a lesser key: %q", got)
		}

		if got := refusal(owner.signIn().must(createKey, vars{"input": vars{"name": "k", "role": "OWNER"}}),
			"createApiKey"); got != "" {
			t.Errorf("just signed in: %q", got)
		}
	})
}

func TestAnInvitationNamesTheKeyThatMadeIt(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		owner := s.signUp()
		key := owner.key(enum.RoleAdmin)
		owner.invite("a@second.example", "VIEWER")
		key.invite("b@second.example", "VIEWER")
		v, _ := identity.From(key.ctx)

		a := owner.must(
			`{ viewer { organization { invitations { invitedBy { role } invitedByKey { id createdBy { role } } } } } }`)

		want := fmt.Sprintf("[map[invitedBy:map[role:OWNER] invitedByKey:<nil>] "+
			"map[invitedBy:<nil> invitedByKey:map[createdBy:map[role:OWNER] id:%s]]]", v.Key.ID)
		if got := fmt.Sprint(a.at("viewer.organization.invitations")); got != want {
			t.Errorf("the owner sees %s, want %s", got, want)
		}
	})
}
