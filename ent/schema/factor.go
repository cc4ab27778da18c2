package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/uid"
)

// SecondFactor is the secret that a user's authenticator app shares with us, sealed with the row's
// id. Whether it is in force is said by the user's second_factor_at: before, it waits for its first
// code.
type SecondFactor struct{ ent.Schema }

func (SecondFactor) Annotations() []schema.Annotation {
	return []schema.Annotation{table("second_factor"), hidden()}
}
func (SecondFactor) Policy() ent.Policy { return systemOnly() }
func (SecondFactor) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.SecondFactor),
		field.UUID("user_id", uid.ID{}).Unique(),
		field.Bytes("secret").Sensitive().Comment("sealed by package secret, with the row's id as associated data"),
		field.Int64("last_step").Default(0).Comment("the latest 30 seconds, counted from 1970, whose code was taken"),
		createdAt(),
	}
}

// RecoveryCode stands in, once, for a code of a second factor. Only its hash is kept.
type RecoveryCode struct{ ent.Schema }

func (RecoveryCode) Annotations() []schema.Annotation {
	return []schema.Annotation{table("recovery_code"), hidden()}
}
func (RecoveryCode) Policy() ent.Policy { return systemOnly() }
func (RecoveryCode) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.RecoveryCode),
		reference("user_id"),
		field.Bytes("code_hash").Sensitive(),
		field.Time("used_at").Optional().Nillable(),
		createdAt(),
	}
}
func (RecoveryCode) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "code_hash").Unique()}
}
