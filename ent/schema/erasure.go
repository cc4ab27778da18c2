package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/uid"
)

// Erasure is the erasure of a person: while it is under way the place where it goes on, and then
// the proof of what was erased. It holds nothing about the person once it is finished.
type Erasure struct{ ent.Schema }

func (Erasure) Annotations() []schema.Annotation {
	return []schema.Annotation{table("erasure"), hidden()}
}
func (Erasure) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Erasure}} }
func (Erasure) Fields() []ent.Field {
	return []ent.Field{
		reference("contact_id"), // that they had
		field.String("requested_by").Comment("as the audit trail names them"),
		field.Time("requested_at"),
		field.Time("finished_at").Optional().Nillable(),
		field.Bytes("person").Optional().Sensitive().
			Comment("what is looked for, sealed by package secret with the row's id as associated data; null once finished"),
		field.Int("step").Default(0).Comment("how many steps are done; package privacy lists them"),
		optionalReference("place"), // behind which the step goes on
		field.JSON("counts", map[string]int{}).Comment("rows that were erased, by table"),
	}
}
func (Erasure) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "contact_id").Unique(),
		index.Fields("id").StorageKey("erasure_unfinished").Annotations(entsql.IndexWhere("finished_at IS NULL")),
	}
}

// ErasedAddress is a number or a user id of somebody who was erased, as a hash under a key of their
// organization's: they are not written to again, and nobody can tell from it who they are.
type ErasedAddress struct{ ent.Schema }

func (ErasedAddress) Annotations() []schema.Annotation {
	return []schema.Annotation{table("erased_address"), hidden()}
}
func (ErasedAddress) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.ErasedAddress}} }
func (ErasedAddress) Fields() []ent.Field {
	return []ent.Field{
		field.String("hash").Comment("HMAC-SHA256 in base64, by the organization's erasure_key"),
		field.Time("at").Comment("when they were erased"),
	}
}
func (ErasedAddress) Indexes() []ent.Index {
	return []ent.Index{index.Fields(organizationColumn, "hash").Unique()}
}

// Retention is how far the organization's retentionDays have acted; its id is the organization's.
// Its row lock keeps two workers from erasing the same page. It holds nothing about a person.
type Retention struct{ ent.Schema }

func (Retention) Annotations() []schema.Annotation {
	return []schema.Annotation{table("retention"), hidden()}
}
func (Retention) Policy() ent.Policy { return tenancyPolicy("id") }
func (Retention) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uid.ID{}).Immutable(),
		field.Time("next_at").Comment("when the next run may begin"),
		field.Time("before").Optional().Nillable().Comment("what the run under way erases is older; null between runs"),
		field.Int("step").Default(0).Comment("how many steps of the run are done; package privacy lists them"),
		optionalReference("place"), // behind which the step goes on
		field.UUID("message_after", uid.ID{}).Comment("all messages up to this id are erased"),
		field.UUID("waiting_after", uid.ID{}).Optional().Nillable().
			Comment("what comes right before the first message that the run passed over, since it was still to be sent"),
		field.JSON("counts", map[string]int{}).Comment("rows that the run has erased, by table"),
	}
}
func (Retention) Indexes() []ent.Index { return []ent.Index{index.Fields("next_at")} }
