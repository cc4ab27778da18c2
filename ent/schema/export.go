package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// Export is a file that is made of an organization's rows. Its parts are committed one by one with
// the place behind which it goes on, so that a crash repeats no more than a part.
type Export struct{ ent.Schema }

func (Export) Annotations() []schema.Annotation {
	return []schema.Annotation{table("export"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (Export) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Export}} }
func (Export) Fields() []ent.Field {
	return []ent.Field{
		field.Enum("kind").GoType(enum.ExportKind("")),
		field.Enum("format").GoType(enum.ExportFormat("")),
		field.Enum("status").GoType(enum.JobStatus("")).Default(string(enum.JobStatusPending)),
		field.String("status_reason").Optional().Nillable(),
		field.JSON("question", jsonfield.ExportQuestion{}).Annotations(hidden()).
			Comment("which rows; empty once its file is removed"),
		field.Bool("masked").Comment("whether numbers and texts are masked, as for who asked for it"),
		field.JSON("attributes", []string{}).Optional().Annotations(hidden()).
			Comment("of contacts: the keys that have columns"),
		field.UUID("place", uid.ID{}).Optional().Nillable().Annotations(hidden()).Comment("the last row that is committed"),
		field.Int("rows").Default(0),
		field.Int("rows_total").Optional().Nillable(),
		field.Int64("bytes").Default(0),
		field.Int("parts").Default(0).Annotations(hidden()).Comment("how many export_part has; 0 once they are removed"),
		field.Bool("gathered").Default(false).Annotations(hidden()).Comment("the parts hold all rows"),
		field.Int("tries").Default(0).Annotations(hidden()).Comment("how often it was taken up since the last part"),
		field.UUID("lease_id", uid.ID{}).Optional().Nillable().Annotations(hidden()).
			Comment("the worker that has it in hand"),
		field.Time("lease_until").Optional().Nillable().Annotations(hidden()).Comment("when that worker is given up"),
		field.UUID("created_by_id", uid.ID{}).Optional().Nillable().Annotations(hidden()).
			Comment("the member who asked for it; null where an API key did"),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
		field.Time("finished_at").Optional().Nillable(),
		field.Time("expires_at").Optional().Nillable().Comment("when its file is removed"),
	}
}
func (Export) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("status").Annotations(entsql.IndexWhere("status IN ('PENDING', 'RUNNING')")),
		index.Fields("expires_at").Annotations(entsql.IndexWhere("expires_at IS NOT NULL")),
		index.Fields(organizationColumn, "created_at"),
	}
}

// ExportPart is a piece of an export's file, in their order. The piece itself is in the store of
// files.
type ExportPart struct{ ent.Schema }

func (ExportPart) Annotations() []schema.Annotation {
	return []schema.Annotation{table("export_part"), hidden()}
}
func (ExportPart) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.ExportPart}} }
func (ExportPart) Fields() []ent.Field {
	return []ent.Field{
		reference("export_id"),
		field.Int("number"),
		field.String("name").Comment("in the export's folder"),
		field.Int64("bytes"),
	}
}
func (ExportPart) Indexes() []ent.Index {
	return []ent.Index{index.Fields("export_id", "number").Unique()}
}
