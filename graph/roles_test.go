package graph_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"carillon/caller"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/identity"
	"carillon/uid"
)

// member is a new user with a role in the person's organization, and in no other.
func (p *person) member(role enum.Role) *person {
	p.t.Helper()
	other, system := p.signUp(), caller.System(p.t.Context())
	m := p.db.Client.Member.Query().Where(member.OrganizationID(other.org)).WithUser().OnlyX(system)
	p.db.Client.Member.DeleteOne(m).ExecX(system)
	p.db.Client.Member.Create().SetOrganizationID(p.org).SetUserID(m.UserID).SetRole(role).ExecX(system)

	return (&person{stage: p.stage, email: m.Edges.User.Email}).signIn()
}

// signIn opens another session of the person.
func (p *person) signIn() *person {
	p.t.Helper()
	signed, err := p.who.SignIn(p.t.Context(), identity.SignIn{Email: p.email, Password: password})
	if err != nil {
		p.t.Fatal(err)
	}

	return &person{p.stage, signed.Token, identity.With(p.t.Context(), signed.Viewer), signed.Viewer.Organization, p.email}
}

// personal are the fields that only a person may use, whatever their role, since they are about
// their own sessions, organizations, name, password, consent or second factor.
var personal = map[string]bool{
	"signOut": true, "acceptTerms": true, "revokeSession": true,
	"revokeOtherSessions": true, "createOrganization": true, "switchOrganization": true, "changePassword": true,
	"updateUser": true, "updateNotifications": true, "requestEmailVerification": true,
	"beginSecondFactor": true, "confirmSecondFactor": true, "disableSecondFactor": true, "regenerateRecoveryCodes": true,
	"linkExternalLogin": true, "unlinkExternalLogin": true,
}

func TestEveryFieldLetsInWhoMayUseItAndNobodyElse(t *testing.T) {
	s := onSQLite(t)
	sdl, owner := schema(t), s.signUp()
	fill := filler{sdl, madeUpIDs(sdl)}
	type caller struct {
		role enum.Role
		key  bool
		who  func() *person
	}
	callers := []caller{{who: func() *person { return &person{stage: s, ctx: t.Context()} }}}
	for _, role := range []enum.Role{enum.RoleViewer, enum.RoleCampaigner, enum.RoleAdmin, enum.RoleOwner} {
		somebody, key := owner.member(role), owner.key(role)
		callers = append(callers, caller{role, false, somebody.signIn}, caller{role, true, func() *person { return key }})
	}

	calls, fields := 0, 0
	for operation, root := range map[string]*ast.Definition{"query": sdl.Query, "mutation": sdl.Mutation,
		"subscription": sdl.Subscription} {
		for _, f := range root.Fields {
			directive := f.Directives.ForName("role")
			if directive == nil {
				continue // it is public, or of introspection
			}

			fields++
			need := enum.Role(directive.Arguments.ForName("is").Value.Raw)
			text := document(sdl, operation, f, 0)

			for _, c := range callers {
				calls++
				want := ""
				switch {
				case c.role == "":
					want = "UNAUTHENTICATED"
				case !(&identity.Viewer{Role: c.role}).May(need), c.key && personal[f.Name]:
					want = "FORBIDDEN"
				}

				code := c.who().codeOf(sdl, operation, text, f, fill.variables(f, nil, nil), want != "")
				if barred := code == "UNAUTHENTICATED" || code == "FORBIDDEN"; barred && code != want ||
					want != "" && code != want {
					t.Errorf("%s as %q (an API key: %t) gave %q, want %q", f.Name, c.role, c.key, code, want)
				}
			}
		}
	}

	t.Logf("%d calls: %d root fields that need a role, %d callers", calls, fields, len(callers))
}

// madeUpIDs are ids of nothing, of the kind that an input's name tells.
func madeUpIDs(s *ast.Schema) map[string]any {
	kinds := map[string]uid.Kind{"accountId": uid.Account, "campaignId": uid.Campaign, "contactId": uid.Contact,
		"templateId": uid.Template, "phoneNumberId": uid.PhoneNumber,
		"sessionId": uid.Session, "apiKeyId": uid.APIKey, "memberId": uid.Member, "invitationId": uid.Invitation,
		"importId": uid.ContactImport, "contactListId": uid.ContactList,
		"segmentId": uid.Segment, "suppressionId": uid.Suppression, "webhookEndpointId": uid.WebhookEndpoint,
		"webhookDeliveryId": uid.WebhookDelivery}

	ids := map[string]any{}
	for name, def := range s.Types {
		for _, f := range def.Fields {
			if def.Kind == ast.InputObject && f.Type.Name() == "ID" {
				ids[f.Name] = uid.New(max(kinds[f.Name], uid.Organization)).String()
			}

			for _, a := range f.Arguments {
				if a.Type.Name() == "ID" && !strings.HasPrefix(name, "__") {
					ids[a.Name] = uid.New(max(kinds[a.Name], uid.Organization)).String()
				}
			}
		}
	}

	return ids
}

// codeOf is the code of the first error of a call; empty when it has none. Of a subscription that
// is not to be refused it waits for no more than that the server has read it.
func (p *person) codeOf(s *ast.Schema, operation, document string, f *ast.FieldDefinition, v vars,
	refused bool) string {
	p.t.Helper()
	switch {
	case operation == "subscription":
		return p.codeOfSubscription(document, v, refused)
	case hasFile(s, f):
		input, _ := v["input"].(vars)
		return p.upload(document, "phone\n", input).code()
	}

	return p.ask(document, v).code()
}

func (p *person) codeOfSubscription(document string, v vars, refused bool) string {
	p.t.Helper()
	w := p.dial()
	defer w.conn.Close()
	w.subscribe(document, v)
	if !refused {
		w.send(vars{"type": "ping"})
	}

	for {
		f, err := w.read()
		if err != nil {
			p.t.Fatal(err)
		}

		var ended struct {
			Errors []struct{ Extensions map[string]any }
		}
		switch f.Type {
		case "pong":
			return ""
		case "error":
			_ = json.Unmarshal(f.Payload, &ended.Errors)
		case "next":
			_ = json.Unmarshal(f.Payload, &ended)
		default:
			continue
		}

		for _, e := range ended.Errors {
			code, _ := e.Extensions["code"].(string)
			return code
		}

		return ""
	}
}
