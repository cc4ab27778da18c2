// Package schema is the data model. Every row that belongs to an organization takes the tenancy
// mixin, whose policy is the one place where tenancy is decided; nothing else hangs on the policy,
// and hooks stay unused.
package schema

import (
	"context"
	"fmt"
	"time"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/entql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"entgo.io/ent/schema/mixin"

	"carillon/caller"
	"carillon/ent/privacy"
	"carillon/uid"
)

const organizationColumn = "organization_id"

// now is the time of a row's making, in the precision that both databases keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func idField(kind uid.Kind) ent.Field {
	return field.UUID("id", uid.ID{}).Immutable().Default(func() uid.ID { return uid.New(kind) })
}

func reference(name string) ent.Field { return field.UUID(name, uid.ID{}) }

func optionalReference(name string) ent.Field {
	return field.UUID(name, uid.ID{}).Optional().Nillable()
}

func createdAt() ent.Field { return field.Time("created_at").Immutable().Default(now) }

func table(name string) schema.Annotation { return entsql.Annotation{Table: name} }

// hidden keeps a type out of what entgql generates: the API does not show it, or not as a node.
func hidden() schema.Annotation { return entgql.Skip(entgql.SkipAll) }

// tenancy gives a type its id, its organization and the policy.
type tenancy struct {
	mixin.Schema
	kind      uid.Kind
	elsewhere bool // the organization's rows are listed by another table's index
}

func (t tenancy) Fields() []ent.Field {
	return []ent.Field{idField(t.kind), field.UUID(organizationColumn, uid.ID{}).Immutable()}
}

func (t tenancy) Indexes() []ent.Index {
	if t.elsewhere {
		return nil
	}
	return []ent.Index{index.Fields(organizationColumn, "id")}
}

func (tenancy) Policy() ent.Policy { return tenancyPolicy(organizationColumn) }

// tenancyPolicy lets a context touch only rows whose column names its organization, or all of them
// when it is the system's.
func tenancyPolicy(column string) ent.Policy {
	filter := privacy.FilterFunc(func(ctx context.Context, f privacy.Filter) error {
		scope, ok := caller.From(ctx)
		switch {
		case !ok:
			return privacy.Denyf("no tenant in the context")
		case scope.System:
			return privacy.Allow
		}

		f.Where(entql.FieldEQ(column, scope.Organization))

		return privacy.Allow
	})

	owned := privacy.MutationRuleFunc(func(ctx context.Context, m ent.Mutation) error {
		if !m.Op().Is(ent.OpCreate) {
			return privacy.Skip
		}

		scope, ok := caller.From(ctx)
		switch {
		case !ok:
			return privacy.Denyf("no tenant in the context")
		case scope.System:
			return privacy.Allow
		}

		if v, set := m.Field(column); set && v != scope.Organization {
			return privacy.Denyf("a row of another organization")
		}
		if err := m.SetField(column, scope.Organization); err != nil {
			return fmt.Errorf("set %s: %w", column, err)
		}

		return privacy.Allow
	})

	return privacy.Policy{
		Query:    privacy.QueryPolicy{filter, privacy.AlwaysDenyRule()},
		Mutation: privacy.MutationPolicy{owned, filter, privacy.AlwaysDenyRule()},
	}
}

// systemOnly is the policy of what no organization owns: only the program itself may touch it.
func systemOnly() privacy.Policy {
	allow := privacy.ContextQueryMutationRule(func(ctx context.Context) error {
		if scope, ok := caller.From(ctx); ok && scope.System {
			return privacy.Allow
		}
		return privacy.Denyf("only the system may touch this")
	})

	return privacy.Policy{Query: privacy.QueryPolicy{allow}, Mutation: privacy.MutationPolicy{allow}}
}

// userPolicy lets an organization see the users who are its members, and nobody but the system
// change one.
func userPolicy() ent.Policy {
	visible := privacy.FilterFunc(func(ctx context.Context, f privacy.Filter) error {
		scope, ok := caller.From(ctx)
		switch {
		case !ok:
			return privacy.Denyf("no tenant in the context")
		case scope.System:
			return privacy.Allow
		}

		f.Where(entql.HasEdgeWith("memberships", entql.FieldEQ(organizationColumn, scope.Organization)))

		return privacy.Allow
	})

	return privacy.Policy{Query: privacy.QueryPolicy{visible}, Mutation: systemOnly().Mutation}
}
