package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/ent/enum"
	"carillon/uid"
)

// WebhookEndpoint is a server of the organization's to which events are posted. A process that
// serves it holds a lease; place is how far it has taken the log of deliveries.
type WebhookEndpoint struct{ ent.Schema }

func (WebhookEndpoint) Annotations() []schema.Annotation {
	return []schema.Annotation{table("webhook_endpoint"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (WebhookEndpoint) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.WebhookEndpoint}} }
func (WebhookEndpoint) Fields() []ent.Field {
	return []ent.Field{
		field.String("url"),
		field.String("description").Optional().Nillable(),
		field.JSON("events", []enum.WebhookEventType{}),
		field.String("selection").Optional().Nillable().Comment("a GraphQL selection set that shapes the payload"),
		field.Enum("status").GoType(enum.WebhookEndpointStatus("")).Default(string(enum.WebhookEndpointStatusEnabled)),
		field.String("status_reason").Optional().Nillable(),
		field.Bytes("secret").Sensitive().Annotations(hidden()).Comment("sealed; signs what is posted"),
		field.Bytes("previous_secret").Sensitive().Optional().Nillable().Annotations(hidden()).
			Comment("sealed; signs as well until previous_until"),
		field.Time("previous_until").Optional().Nillable().Annotations(hidden()),
		field.Int64("place").Default(0).Annotations(hidden()).Comment("the last entry of the log that was taken"),
		field.Enum("role").GoType(enum.Role("")).Annotations(hidden()).Comment("its maker's; the selection runs with it"),
		field.JSON("scopes", []enum.APIScope{}).Optional().Annotations(hidden()).
			Comment("of the API key that made it; none where it may all that its role may"),
		field.UUID("created_by_id", uid.ID{}).Optional().Nillable().Annotations(hidden()).
			Comment("the member who made it; null where an API key did"),
		field.Time("failing_since").Optional().Nillable().Annotations(hidden()).
			Comment("its first failure since it last took something"),
		field.Int("probes").Default(0).Annotations(hidden()).Comment("how often it was tried since it rests"),
		field.Time("rests_until").Optional().Nillable().Annotations(hidden()).Comment("when one delivery tries it again"),
		field.UUID("lease_id", uid.ID{}).Optional().Nillable().Annotations(hidden()).
			Comment("the process that serves it"),
		field.Time("lease_until").Optional().Nillable().Annotations(hidden()).Comment("when that process is given up"),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
	}
}
func (WebhookEndpoint) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("status", "lease_until").Annotations(entsql.IndexWhere("status = 'ENABLED'")),
	}
}

// WebhookDelivery is an event on its way to an endpoint, and afterwards what became of it. Those of
// one subject go in the order of their ids, each once the one before it is over.
type WebhookDelivery struct{ ent.Schema }

func (WebhookDelivery) Annotations() []schema.Annotation {
	return []schema.Annotation{table("webhook_delivery"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (WebhookDelivery) Mixin() []ent.Mixin {
	return []ent.Mixin{tenancy{kind: uid.WebhookDelivery, elsewhere: true}}
}
func (WebhookDelivery) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("endpoint_id", uid.ID{}).Immutable().Annotations(hidden()),
		field.UUID("subject_id", uid.ID{}).Immutable().Annotations(hidden()).
			Comment("the message, campaign, … that it is about"),
		field.Enum("event").GoType(enum.WebhookEventType("")),
		field.Enum("status").GoType(enum.WebhookDeliveryStatus("")).Default(string(enum.WebhookDeliveryStatusPending)),
		field.Int("attempts").Default(0),
		field.String("payload"),
		field.Bool("unshaped").Default(false).Annotations(hidden()).
			Comment("the payload is the default one; the endpoint's selection shapes it before it is posted"),
		field.Int("response_status").Optional().Nillable(),
		field.String("response_body").Optional().Nillable(),
		field.String("error").Optional().Nillable(),
		field.Time("next_attempt_at").Optional().Nillable(),
		field.Time("delivered_at").Optional().Nillable(),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
	}
}
func (WebhookDelivery) Indexes() []ent.Index {
	pending := entsql.IndexWhere("status = 'PENDING'")
	return []ent.Index{
		index.Fields("endpoint_id", "id"),
		index.Fields("endpoint_id", "next_attempt_at", "id").StorageKey("webhook_delivery_due").Annotations(pending),
		index.Fields("endpoint_id", "subject_id", "id").StorageKey("webhook_delivery_order").Annotations(pending),
		index.Fields("subject_id"),
	}
}
