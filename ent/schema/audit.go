package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/uid"
)

// AuditEvent is one line of an organization's audit trail: who did what. Triggers refuse to change
// or delete one. Its hash covers it and the hash of the one before. Neither the subject nor the
// organization is a foreign key: the line outlives both.
type AuditEvent struct{ ent.Schema }

func (AuditEvent) Annotations() []schema.Annotation {
	return []schema.Annotation{table("audit_event"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (AuditEvent) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.AuditEvent}} }
func (AuditEvent) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("sequence").Immutable().Comment("from 1, without gaps in one organization"),
		field.Time("at").Immutable().Annotations(entgql.OrderField("AT")),
		field.String("actor").Immutable(),
		field.String("action").Immutable(),
		field.UUID("subject_id", uid.ID{}).Optional().Nillable().Immutable(),
		field.String("summary").Immutable(),
		field.String("ip").Optional().Nillable().Immutable(),
		field.Bytes("previous_hash").Immutable(),
		field.Bytes("hash").Immutable(),
	}
}
func (AuditEvent) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "sequence").Unique(),
		index.Fields(organizationColumn, "at"),
		index.Fields(organizationColumn, "action", "id"),
		index.Fields(organizationColumn, "actor", "id"),
		index.Fields(organizationColumn, "subject_id", "id").Annotations(entsql.IndexWhere("subject_id IS NOT NULL")),
	}
}

// AuditChain is the end of an organization's audit trail; its id is the organization's. Its row
// lock makes the order of commits the order of sequence numbers. What was erased with a closed
// organization's data is said by the last two fields.
type AuditChain struct{ ent.Schema }

func (AuditChain) Annotations() []schema.Annotation {
	return []schema.Annotation{table("audit_chain"), hidden()}
}
func (AuditChain) Policy() ent.Policy { return tenancyPolicy("id") }
func (AuditChain) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uid.ID{}).Immutable(),
		field.Int64("last").Default(0),
		field.Bytes("hash"),
		field.Int64("erased_through").Default(0).Comment("events up to here are erased, and may be deleted"),
		field.Bytes("erased_hash").Optional().Nillable().Comment("the hash of the last of them"),
	}
}
