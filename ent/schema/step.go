package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// DataStep is work on stored rows that SQL cannot do and that a migration therefore leaves to Go.
// It goes on where it stopped.
type DataStep struct{ ent.Schema }

func (DataStep) Annotations() []schema.Annotation {
	return []schema.Annotation{table("data_step"), hidden()}
}
func (DataStep) Policy() ent.Policy { return systemOnly() }
func (DataStep) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable().Comment("which work, e.g. number_keys_1"),
		field.Int64("done_to").Default(0).Comment("the last row that is done"),
		field.Time("done_at").Optional().Nillable().Comment("when all rows were"),
	}
}
