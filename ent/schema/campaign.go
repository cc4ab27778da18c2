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
		field.String("time_zone").Optional().Nillable().Comment("IANA: that in which scheduled_at was meant"),
		field.Bool("recipient_time").Default(false).
			Comment("the wall clock of scheduled_at holds in each person's own zone"),
		field.Bool("translate").Default(false).Comment("each person gets the template in their language, where it is there"),
		field.JSON("canary", &jsonfield.Canary{}).Optional(),
		field.Enum("canary_state").GoType(enum.CanaryState("")).Optional().Nillable(),
		field.Time("canary_until").Optional().Nillable().Comment("while WAITING: when its outcome is judged"),
		field.String("reference").Optional().Nillable().Comment("the caller's own name for it"),
		field.Time("expires_at").Optional().Nillable(),
		optionalReference("created_by_id"),
		field.UUID("launched_by_id", uid.ID{}).Optional().Nillable().Annotations(hidden()).
			Comment("the member who launched it last; null where an API key did"),
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
		field.Int("replied").Default(0).Annotations(hidden()).Comment("of its messages, how many were answered"),
		field.Int64("cost_micros").Default(0).Annotations(hidden()).
			Comment("what its messages were charged, in millionths of cost_currency"),
		field.String("cost_currency").Optional().Nillable().Annotations(hidden()).
			Comment("ISO 4217: that of its first message whose price is known; null before"),
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
		index.Fields(organizationColumn, "reference").Annotations(entsql.IndexWhere("reference IS NOT NULL")),
	}
}

// CampaignRecipient is somebody who was added to a campaign one by one, with values of their own.
// The rows are kept as evidence of what was given, until the organization's retentionDays end them.
type CampaignRecipient struct{ ent.Schema }

func (CampaignRecipient) Annotations() []schema.Annotation {
	return []schema.Annotation{table("campaign_recipient"), hidden()}
}
func (CampaignRecipient) Mixin() []ent.Mixin {
	return []ent.Mixin{tenancy{kind: uid.CampaignRecipient, elsewhere: true}}
}
func (CampaignRecipient) Fields() []ent.Field {
	return []ent.Field{
		reference("campaign_id"),
		reference("contact_id"),
		field.JSON("parameters", map[string]string{}).Comment("their values of the template's, in place of what is bound"),
		field.String("language").Optional().Nillable(),
		field.String("reference").Optional().Nillable(),
	}
}
func (CampaignRecipient) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("campaign_id", "contact_id").Unique(),
		index.Fields("contact_id"),
		index.Fields(organizationColumn, "campaign_id"),
	}
}

// CampaignCount counts people of a campaign in groups: those who were skipped, by reason, and those
// who pressed a button, by its title. Package delivery keeps it with the campaign's counters.
type CampaignCount struct{ ent.Schema }

func (CampaignCount) Annotations() []schema.Annotation {
	return []schema.Annotation{table("campaign_count"), hidden()}
}
func (CampaignCount) Policy() ent.Policy { return tenancyPolicy(organizationColumn) }
func (CampaignCount) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.UUID(organizationColumn, uid.ID{}).Immutable(),
		reference("campaign_id"),
		field.Enum("kind").GoType(enum.CampaignCountKind("")),
		field.String("name").Comment("SKIP: the reason; BUTTON: the title"),
		field.Int("people").Default(0),
	}
}
func (CampaignCount) Indexes() []ent.Index {
	return []ent.Index{index.Fields(organizationColumn, "campaign_id", "kind", "name").Unique()}
}
