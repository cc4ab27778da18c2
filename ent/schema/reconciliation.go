package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/ent/enum"
	"carillon/uid"
)

// Reconciliation is a figure of a UTC day as we count it and as Meta does. An empty category and a
// zero id of a number are none: the unique key must not hold NULL.
type Reconciliation struct{ ent.Schema }

func (Reconciliation) Annotations() []schema.Annotation {
	return []schema.Annotation{table("reconciliation"), hidden()}
}
func (Reconciliation) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Reconciliation}} }
func (Reconciliation) Fields() []ent.Field {
	return []ent.Field{
		field.Time("day").Comment("its beginning"),
		reference("account_id"), reference("phone_number_id"),
		field.Enum("measure").GoType(enum.ReconciliationMeasure("")),
		field.String("category"),
		field.Int64("ours"),
		field.Int64("theirs").Comment("Meta's"),
		field.Int64("our_cost_micros").Optional().Nillable(),
		field.Int64("their_cost_micros").Optional().Nillable(),
		field.String("cost_currency").Optional().Nillable(),
		field.Time("compared_at"),
	}
}
func (Reconciliation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "day", "account_id", "phone_number_id", "measure", "category").Unique().
			StorageKey("reconciliation_figure"),
		index.Fields("day"),
	}
}
