package schema

import (
	"encoding/json"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/uid"
)

// RateCard is one currency's prices from one day on, as the operator imported them for the whole
// service. A row is never changed or deleted: a correction is another row of the same day.
type RateCard struct{ ent.Schema }

func (RateCard) Annotations() []schema.Annotation {
	return []schema.Annotation{table("rate_card"), hidden()}
}
func (RateCard) Policy() ent.Policy { return systemOnly() }
func (RateCard) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.RateCard),
		field.String("kind").Comment("LIST: prices; TIERS: how they fall with the volume of a month"),
		field.String("name"),
		field.String("currency").Comment("ISO 4217"),
		field.String("effective_from").Comment("the first day, as 2026-10-01"),
		field.Int("revision").Comment("from 1; of cards of one day the highest is in force"),
		field.Bool("example").Comment("it is the example that ships, and prices nothing where another card does"),
		field.JSON("rates", json.RawMessage{}).Comment("by market and category, in millionths; package rate writes them"),
		field.Time("imported_at"),
	}
}
func (RateCard) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("currency", "kind", "example", "effective_from", "revision").Unique().StorageKey("rate_card_once"),
	}
}
