package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"carillon/ent"
	"carillon/ent/account"
	"carillon/ent/apikey"
	"carillon/ent/auditevent"
	"carillon/ent/campaign"
	"carillon/ent/contact"
	"carillon/ent/contactimport"
	"carillon/ent/contactlist"
	"carillon/ent/externallogin"
	"carillon/ent/invitation"
	"carillon/ent/member"
	"carillon/ent/message"
	"carillon/ent/organization"
	"carillon/ent/phonenumber"
	"carillon/ent/session"
	"carillon/ent/template"
	"carillon/ent/user"
	"carillon/enum"
	"carillon/fault"
	"carillon/identity"
	"carillon/tenant"
	"carillon/uid"
)

// tables are where the types that implement Node lie. An id says itself which of them it names.
var tables = map[uid.Kind]string{
	uid.Organization: organization.Table, uid.User: user.Table, uid.Member: member.Table, uid.Session: session.Table, uid.APIKey: apikey.Table,
	uid.Account: account.Table, uid.PhoneNumber: phonenumber.Table, uid.Template: template.Table, uid.Contact: contact.Table,
	uid.ContactList: contactlist.Table, uid.ContactImport: contactimport.Table, uid.Campaign: campaign.Table, uid.Message: message.Table,
	uid.AuditEvent: auditevent.Table, uid.Invitation: invitation.Table, uid.ExternalLogin: externallogin.Table,
}

// node reads one thing by its id.
func (r *Resolver) node(ctx context.Context, id uid.ID) (ent.Noder, error) {
	ids, err := r.visible(ctx, []uid.ID{id})
	if err != nil || len(ids) == 0 {
		return nil, missingOr(err)
	}
	n, err := r.DB.Client.Noder(reading(ctx, id.Kind()), id, ent.WithFixedNodeType(tables[id.Kind()]))
	if ent.IsNotFound(err) {
		return nil, missingOr(nil)
	}
	return n, err
}

func missingOr(err error) error {
	if err != nil {
		return err
	}
	return fault.Missing("node")
}

// nodes reads things by their ids, with one statement for each kind. What is not there stays nil.
func (r *Resolver) nodes(ctx context.Context, ids []uid.ID) ([]ent.Noder, error) {
	visible, err := r.visible(ctx, ids)
	if err != nil {
		return nil, err
	}
	kinds := map[uid.Kind][]uid.ID{}
	for _, id := range visible {
		kinds[id.Kind()] = append(kinds[id.Kind()], id)
	}
	found := make(map[uid.ID]ent.Noder, len(ids))
	for kind, ids := range kinds {
		if err := r.nodesOf(ctx, kind, ids, found); err != nil {
			return nil, err
		}
	}
	nodes := make([]ent.Noder, len(ids))
	for i, id := range ids {
		nodes[i] = found[id]
	}
	return nodes, nil
}

// nodesOf asks in a response of its own, since ent tells the response of every id that is not there.
func (r *Resolver) nodesOf(ctx context.Context, kind uid.Kind, ids []uid.ID, found map[uid.ID]ent.Noder) error {
	apart := graphql.WithFreshResponseContext(reading(ctx, kind))
	nodes, err := r.DB.Client.Noders(apart, ids, ent.WithFixedNodeType(tables[kind]))
	if err != nil && !ent.IsNotFound(err) {
		return err
	}
	for _, err := range graphql.GetErrors(apart) {
		if err.Extensions["code"] != string(fault.NotFound) {
			return err
		}
	}
	for i, n := range nodes {
		if n != nil {
			found[ids[i]] = n
		}
	}
	return nil
}

// reading is the context in which nodes of a kind are read, once visible has let their ids pass. Logins are a person's, in
// whatever organization they are now, and no organization's policy shows them.
func reading(ctx context.Context, kind uid.Kind) context.Context {
	if kind == uid.ExternalLogin {
		return tenant.System(ctx)
	}
	return ctx
}

// visible leaves of ids each once, those of nodes, of sessions and logins the caller's own, and audit events and open invitations for
// those who may list them. All else the data model's policy hides.
func (r *Resolver) visible(ctx context.Context, ids []uid.ID) (out []uid.ID, err error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}
	asked := map[uid.Kind][]uid.ID{}
	seen := map[uid.ID]bool{}
	for _, id := range ids {
		switch kind := id.Kind(); {
		case seen[id] || tables[kind] == "":
		case (kind == uid.AuditEvent || kind == uid.Invitation) && !v.May(enum.RoleAdmin):
		case (kind == uid.Session || kind == uid.ExternalLogin) && v.User == nil:
		case kind == uid.Session, kind == uid.ExternalLogin, kind == uid.Invitation:
			asked[kind] = append(asked[kind], id)
		default:
			out = append(out, id)
		}
		seen[id] = true
	}
	for kind, ids := range asked {
		some, err := r.own(ctx, v, kind, ids)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// own leaves of ids of one kind those that the caller could also list.
func (r *Resolver) own(ctx context.Context, v *identity.Viewer, kind uid.Kind, ids []uid.ID) ([]uid.ID, error) {
	switch kind {
	case uid.Session:
		return r.DB.Client.Session.Query().Where(session.IDIn(ids...), session.UserID(v.User.ID)).IDs(ctx)
	case uid.ExternalLogin:
		return r.DB.Client.ExternalLogin.Query().Where(externallogin.IDIn(ids...), externallogin.UserID(v.User.ID)).IDs(tenant.System(ctx))
	}
	return r.DB.Client.Invitation.Query().Where(invitation.IDIn(ids...), invitation.ExpiresAtGT(r.Now())).IDs(ctx)
}
