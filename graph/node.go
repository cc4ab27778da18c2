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
	"carillon/ent/enum"
	"carillon/ent/export"
	"carillon/ent/member"
	"carillon/ent/message"
	"carillon/ent/organization"
	"carillon/ent/phonenumber"
	"carillon/ent/segment"
	"carillon/ent/session"
	"carillon/ent/suppression"
	"carillon/ent/template"
	"carillon/ent/user"
	"carillon/ent/webhookdelivery"
	"carillon/ent/webhookendpoint"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// tables are where the types that implement Node lie. An id says itself which of them it names.
var tables = map[uid.Kind]string{
	uid.Organization: organization.Table, uid.User: user.Table, uid.Member: member.Table, uid.Session: session.Table,
	uid.APIKey:  apikey.Table,
	uid.Account: account.Table, uid.PhoneNumber: phonenumber.Table, uid.Template: template.Table,
	uid.Contact:     contact.Table,
	uid.ContactList: contactlist.Table, uid.ContactImport: contactimport.Table, uid.Campaign: campaign.Table,
	uid.Segment: segment.Table, uid.Suppression: suppression.Table, uid.Export: export.Table,
	uid.Message:         message.Table,
	uid.AuditEvent:      auditevent.Table,
	uid.WebhookEndpoint: webhookendpoint.Table, uid.WebhookDelivery: webhookdelivery.Table,
}

// onlyAdmins are the kinds that nobody below that role sees.
var onlyAdmins = map[uid.Kind]bool{uid.AuditEvent: true, uid.WebhookEndpoint: true, uid.WebhookDelivery: true}

// node reads one thing by its id.
func (r *Resolver) node(ctx context.Context, id uid.ID) (ent.Noder, error) {
	ids, err := r.visible(ctx, []uid.ID{id})
	if err != nil || len(ids) == 0 {
		return nil, missingOr(err)
	}

	n, err := r.DB.Client.Noder(ctx, id, ent.WithFixedNodeType(tables[id.Kind()]))
	if ent.IsNotFound(err) {
		return nil, missingOr(nil)
	}

	return n, err
}

func missingOr(err error) error {
	if err != nil {
		return err
	}
	return usererror.Missing("node")
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

// nodesOf asks in a response of its own, since ent tells the response of every id that is not
// there.
func (r *Resolver) nodesOf(ctx context.Context, kind uid.Kind, ids []uid.ID, found map[uid.ID]ent.Noder) error {
	apart := graphql.WithFreshResponseContext(ctx)
	nodes, err := r.DB.Client.Noders(apart, ids, ent.WithFixedNodeType(tables[kind]))
	if err != nil && !ent.IsNotFound(err) {
		return err
	}

	for _, err := range graphql.GetErrors(apart) {
		if err.Extensions["code"] != string(usererror.NotFound) {
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

// visible leaves of ids each once, those of nodes, of sessions the caller's own, and audit events
// and webhooks for those who may list them. All else the data model's policy hides.
func (r *Resolver) visible(ctx context.Context, ids []uid.ID) (out []uid.ID, err error) {
	v, err := identity.Require(ctx, enum.RoleViewer)
	if err != nil {
		return nil, err
	}

	var sessions []uid.ID
	seen := map[uid.ID]bool{}

	for _, id := range ids {
		switch kind := id.Kind(); {
		case seen[id] || tables[kind] == "":
		case onlyAdmins[kind] && !v.May(enum.RoleAdmin):
		case kind == uid.Session:
			sessions = append(sessions, id)
		default:
			out = append(out, id)
		}

		seen[id] = true
	}

	if len(sessions) == 0 || v.User == nil {
		return out, nil
	}

	own, err := r.DB.Client.Session.Query().Where(session.IDIn(sessions...), session.UserID(v.User.ID)).IDs(ctx)

	return append(out, own...), err
}
