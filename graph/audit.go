package graph

import (
	"context"
	"fmt"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"carillon/ent"
	"carillon/ent/auditevent"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/graph/model"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

func auditEventsThat(f *model.AuditEventFilter) (all []predicate.AuditEvent) {
	if f == nil {
		return nil
	}
	if f.Action != nil {
		all = append(all, auditevent.ActionIn(distinct(f.Action)...))
	}
	if f.Actor != nil {
		all = append(all, auditevent.Actor(*f.Actor))
	}
	if f.SubjectID != nil {
		all = append(all, auditevent.SubjectID(*f.SubjectID))
	}
	if f.Since != nil {
		all = append(all, auditevent.AtGTE(*f.Since))
	}
	if f.Until != nil {
		all = append(all, auditevent.AtLT(*f.Until))
	}

	return all
}

// knownToAudit refuses a subject that is neither there nor named by the trail, which outlives what
// it tells of.
func (r *Resolver) knownToAudit(ctx context.Context, f *model.AuditEventFilter) error {
	if f == nil || f.SubjectID == nil {
		return nil
	}

	told, err := r.DB.Client.AuditEvent.Query().Where(auditevent.SubjectID(*f.SubjectID)).Exist(ctx)
	if err != nil || told {
		return err
	}

	there, err := loadsOf(ctx).known.load(ctx, *f.SubjectID, r.exist)
	if err == nil && !there {
		return usererror.New(usererror.NotFound, "filter.subjectId: there is no such thing")
	}

	return err
}

// subjects reads what audit events were done to, as the caller may see it.
func (r *Resolver) subjects(ctx context.Context, ids []uid.ID) (map[uid.ID]ent.Noder, error) {
	nodes, err := r.nodes(ctx, ids)
	found := make(map[uid.ID]ent.Noder, len(ids))
	for i, n := range nodes {
		found[ids[i]] = n
	}

	return found, err
}

// recordAgain is how often the refusal of one field to one caller is recorded: who hammers must not
// fill the trail.
const recordAgain = time.Minute

// mostRefusals bounds what is remembered of that.
const mostRefusals = 10_000

// requireRole is the directive @role. On a field of Viewer it asks that viewer: who has signed in
// just now is not in the context.
func (r *Resolver) requireRole(ctx context.Context, of any, next graphql.Resolver, is enum.Role, scope *enum.APIScope,
	person bool, beforeSecondFactor bool) (any, error) {
	if v, ok := of.(*identity.Viewer); ok {
		ctx = identity.With(ctx, v)
	}

	v, err := identity.Require(ctx, is)
	if err == nil {
		err = v.MayUse(scope, person)
	}
	if err == nil && !beforeSecondFactor {
		err = v.Missing()
	}

	if err != nil {
		r.noteRefusal(ctx, is, scope)
		return nil, err
	}

	return next(ctx)
}

// noteRefusal records that somebody's role, or a key's scopes, are too little for a field.
func (r *Resolver) noteRefusal(ctx context.Context, is enum.Role, scope *enum.APIScope) {
	v, ok := identity.From(ctx)
	if !ok {
		return
	}

	why := ""
	switch {
	case !v.May(is):
		why = fmt.Sprintf("it needs the role %s, and theirs is %s", is, v.Role)
	case scope != nil && !v.HasScope(*scope):
		why = fmt.Sprintf("it needs the scope %s, which the key has not", *scope)
	default:
		return
	}

	field := graphql.GetFieldContext(ctx)
	name := field.Object + "." + field.Field.Name
	if !r.refusals.first(callerOf(v), name, r.Now()) {
		return
	}
	if err := r.Identity.RecordRefusal(ctx, name, why); err != nil {
		r.logger().WarnContext(ctx, "a refusal could not be recorded", "error", err)
	}
}

func callerOf(v *identity.Viewer) uid.ID {
	if v.User != nil {
		return v.User.ID
	}
	return v.Key.ID
}
