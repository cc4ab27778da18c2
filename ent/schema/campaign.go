package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// Campaign is one template sent to many. Its counters are kept by delivery in the transactions that
// move messages; all else is written by package campaign.
type Campaign struct{ ent.Schema }

func (Campaign) Annotations() []schema.Annotation {
	return []schema.Annotation{table("campaign"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (Campaign) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Campaign}} }
func (Campaign) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").Annotations(entgql.OrderField("NAME")),
		field.Enum("status").GoType(enum.CampaignStatus("")).Default(string(enum.CampaignStatusDraft)),
		field.Enum("status_reason").GoType(enum.CampaignStatusReason("")).Optional().Nillable(),
		field.String("status_detail").Optional().Nillable().Comment("what would let it go on, in words"),
		reference("template_id"),
		reference("phone_number_id"),
		field.JSON("audience_rule", jsonfield.Audience{}),
		field.JSON("parameters", []jsonfield.ParameterBinding{}),
		field.Enum("missing_parameter").GoType(enum.MissingParameterPolicy("")).
			Default(string(enum.MissingParameterPolicySkip)),
		field.Int("rate_limit").Optional().Nillable(),
		field.Float("failure_threshold").Optional().Nillable(),
		field.Time("scheduled_at").Optional().Nillable(),
		field.Time("expires_at").Optional().Nillable(),
		optionalReference("created_by_id"),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
		field.Time("launched_at").Optional().Nillable(),
		field.Time("completed_at").Optional().Nillable(),
		optionalReference("enroll_cursor"),
		field.Time("enrolled_at").Optional().Nillable().Comment("when the last recipient became a message"),
		field.String("recent_answers").Optional().Nillable().Annotations(hidden()).
			Comment("how the last messages were answered, a letter each; delivery says how to read it"),
		field.Int("total").Default(0),
		field.Int("queued").Default(0),
		field.Int("sending").Default(0),
		field.Int("accepted").Default(0),
		field.Int("sent").Default(0),
		field.Int("delivered").Default(0),
		field.Int("read").Default(0),
		field.Int("failed").Default(0),
		field.Int("unknown").Default(0),
		field.Int("skipped").Default(0),
		field.Int("canceled").Default(0),
	}
}
func (Campaign) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("template", Template.Type).Field("template_id").Unique().Required(),
		edge.To("phone_number", PhoneNumber.Type).Field("phone_number_id").Unique().Required(),
		edge.To("created_by", Member.Type).Field("created_by_id").Unique(),
	}
}
func (Campaign) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "created_at"),
		index.Fields("status", "scheduled_at").
			Annotations(entsql.IndexWhere("status IN ('SCHEDULED', 'PREPARING', 'RUNNING', 'PAUSED')")),
		index.Fields("phone_number_id").Annotations(entsql.IndexWhere("status IN ('PREPARING', 'RUNNING', 'PAUSED')")),
		index.Fields("template_id"),
	}
}
