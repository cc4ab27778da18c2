package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"

	"carillon/uid"
)

// ServiceState is what the operator has said to the whole service. There is at most one row, with
// the id 1; without it nothing was said.
type ServiceState struct{ ent.Schema }

func (ServiceState) Annotations() []schema.Annotation {
	return []schema.Annotation{table("service_state"), hidden()}
}
func (ServiceState) Policy() ent.Policy { return systemOnly() }
func (ServiceState) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Immutable(),
		field.Bool("maintenance").Default(false).Comment("nothing is sent or changed"),
		field.String("notice").Optional().Nillable().Comment("what everybody is to know"),
		field.Time("changed_at").Default(now),
	}
}

// QuotaUsage counts the messages of an organization that has a quota for them; its id is the
// organization's. Its row lock keeps two workers from taking the last place both.
type QuotaUsage struct{ ent.Schema }

func (QuotaUsage) Annotations() []schema.Annotation {
	return []schema.Annotation{table("quota_usage"), hidden()}
}
func (QuotaUsage) Policy() ent.Policy { return tenancyPolicy("id") }
func (QuotaUsage) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uid.ID{}).Immutable(),
		field.Time("day").Comment("the day in UTC that is counted: its beginning"),
		field.Int64("messages").Default(0),
	}
}
