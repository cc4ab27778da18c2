package schema

import (
	"encoding/json"
	"time"

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

// Account is a bound WhatsApp Business Account. A WABA is bound by one organization at a time.
type Account struct{ ent.Schema }

func (Account) Annotations() []schema.Annotation {
	return []schema.Annotation{table("account"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (Account) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Account}} }
func (Account) Fields() []ent.Field {
	return []ent.Field{
		field.String("waba_id"),
		field.Bool("sandbox").Immutable().Default(false).
			Comment("it lives in the sandbox: no call about it ever goes to Meta"),
		field.String("name").Annotations(entgql.OrderField("NAME")),
		field.String("currency").Optional().Nillable(),
		field.Enum("status").GoType(enum.AccountStatus("")).Default(string(enum.AccountStatusConnected)),
		field.String("status_reason").Optional().Nillable(),
		field.Time("restricted_until").Optional().Nillable().Annotations(hidden()).
			Comment("while RESTRICTED: when that ends by itself"),
		field.String("review_status").Optional().Nillable(),
		field.Bytes("token").Sensitive().Comment("sealed by package secret, with the row's id as associated data"),
		field.Time("token_expires_at").Optional().Nillable().Comment("null is never, or not known"),
		field.Time("token_warned_at").Optional().Nillable().Annotations(hidden()).
			Comment("when it was last told that the token runs out"),
		field.Bytes("signup_code").Optional().Nillable().Sensitive().Annotations(hidden()).
			Comment("SHA-256 of the Embedded Signup's code that connected it last"),
		field.JSON("health", []jsonfield.HealthIssue{}).Optional().
			Comment("what Meta says stands in the way of sending"),
		field.Int("messaging_limit").Optional().Nillable().Comment("null is unlimited"),
		field.String("marketing_messages").Optional().Nillable().Annotations(hidden()).
			Comment("what Meta says of the Marketing Messages API, e.g. ONBOARDED; null while that is not known"),
		field.Bool("marketing_only_there").Default(false).Annotations(hidden()).
			Comment("the ordinary endpoint takes no marketing templates of this account"),
		field.Time("connected_at").Default(now).Annotations(entgql.OrderField("CONNECTED_AT")),
		field.Time("synced_at").Optional().Nillable(),
		field.Time("next_comparison_at").Optional().Nillable().Annotations(hidden()).
			Comment("when its figures are compared with Meta's again, or while that runs, when it is given up"),
		field.Time("next_sync_at").Optional().Nillable().Annotations(hidden()).
			Comment("when it is synced next; of one that is being synced: when another process may take it over"),
		field.Time("read_at").Optional().Nillable().Annotations(hidden()).
			Comment("when the reading of the account began that is stored"),
		field.Time("numbers_read_at").Optional().Nillable().Annotations(hidden()).
			Comment("the same of its numbers"),
		field.Time("listing_started_at").Optional().Nillable().Annotations(hidden()).
			Comment("when the reading of all templates began that is not at its end; null where there is none"),
		field.String("listing_after").Optional().Nillable().Annotations(hidden()).
			Comment("Meta's cursor, behind which that goes on"),
		field.Time("webhook_received_at").Optional().Nillable().
			Comment("about when a webhook of it came last; at most a minute behind"),
	}
}
func (Account) Edges() []ent.Edge {
	return []ent.Edge{edge.To("phone_numbers", PhoneNumber.Type), edge.To("templates", Template.Type)}
}
func (Account) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "waba_id").Unique(),
		index.Fields("waba_id").Unique().StorageKey("account_waba_bound_once").
			Annotations(entsql.IndexWhere("status <> 'DISCONNECTED'")),
		index.Fields("next_sync_at").Annotations(entsql.IndexWhere("next_sync_at IS NOT NULL")),
	}
}

// PhoneNumber is a sender. Its lane (worker) sends at most throughput messages a second.
type PhoneNumber struct{ ent.Schema }

func (PhoneNumber) Annotations() []schema.Annotation {
	return []schema.Annotation{table("phone_number")}
}
func (PhoneNumber) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.PhoneNumber}} }
func (PhoneNumber) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		field.String("meta_id").Comment("Meta's phone number id"),
		field.String("display_number"),
		field.String("verified_name"),
		field.Enum("quality_rating").GoType(enum.QualityRating("")).Default(string(enum.QualityRatingUnknown)),
		field.String("status").Default("CONNECTED").Comment("as Meta says it"),
		field.Int("throughput").Default(80).Comment("messages a second that Meta allows"),
		field.Int("throughput_cap").Optional().Nillable(),
		field.String("username").Optional().Nillable().Comment("the business username, once Meta has approved it"),
		field.Time("shared_at").Optional().Nillable().Annotations(hidden()).
			Comment("when another app was last seen to hold conversations of it, to a day"),
		field.Bytes("pin").Optional().Sensitive().Annotations(hidden()).
			Comment("the PIN that was made here, sealed by package secret with the row's id as associated data"),
	}
}
func (PhoneNumber) Edges() []ent.Edge {
	return []ent.Edge{edge.From("account", Account.Type).Ref("phone_numbers").Field("account_id").Unique().Required()}
}
func (PhoneNumber) Indexes() []ent.Index {
	return []ent.Index{index.Fields("account_id", "meta_id").Unique(), index.Fields("meta_id")}
}

// Template is a message template as Meta knows it; components are Meta's JSON.
type Template struct{ ent.Schema }

func (Template) Annotations() []schema.Annotation {
	return []schema.Annotation{table("template"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (Template) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Template}} }
func (Template) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		field.String("meta_id").Optional().Nillable().Comment("Meta's template id; null for a draft"),
		field.String("name").Annotations(entgql.OrderField("NAME")),
		field.String("language"),
		field.Enum("category").GoType(enum.TemplateCategory("")),
		field.Enum("status").GoType(enum.TemplateStatus("")),
		field.String("rejection_reason").Optional().Nillable(),
		field.Enum("quality_score").GoType(enum.QualityRating("")).Default(string(enum.QualityRatingUnknown)),
		field.Enum("parameter_format").GoType(enum.ParameterFormat("")).Default(string(enum.ParameterFormatPositional)),
		field.JSON("components", json.RawMessage{}),
		field.Int("message_ttl_seconds").Optional().Nillable(),
		field.Enum("coming_category").GoType(enum.TemplateCategory("")).Optional().Nillable().
			Comment("announced by Meta, not applied yet"),
		field.Time("name_locked_until").Optional().Nillable().Annotations(hidden()).
			Comment("of a deleted template: Meta takes no new one of its name before"),
		field.Time("listed_at").Optional().Nillable().Annotations(hidden()).
			Comment("when the latest reading of all templates began that had it"),
		field.JSON("edits", []time.Time{}).Optional().Annotations(hidden()).
			Comment("when it was edited at Meta while APPROVED, of the last 30 days"),
		field.Time("changing_until").Optional().Nillable().Annotations(hidden()).
			Comment("until when one caller alone may have Meta change it"),
		field.String("changing_by").Optional().Nillable().Annotations(hidden()).
			Comment("who: what Meta shows changed after that is their doing"),
		field.Int("max_price").Optional().Nillable().Annotations(hidden()).
			Comment("Meta's bid_amount: at most this for 1,000 deliveries, in the currency's smallest unit; null is none"),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
		field.Time("updated_at").Default(now).Annotations(entgql.OrderField("UPDATED_AT")),
	}
}
func (Template) Edges() []ent.Edge {
	return []ent.Edge{edge.From("account", Account.Type).Ref("templates").Field("account_id").Unique().Required()}
}
func (Template) Indexes() []ent.Index {
	return []ent.Index{index.Fields("account_id", "name", "language").Unique(), index.Fields("meta_id")}
}

// MediaUpload is a file that was given to WhatsApp to be sent from a number. The file itself is
// there alone, until expires_at; what is sent is named by media_id.
type MediaUpload struct{ ent.Schema }

func (MediaUpload) Annotations() []schema.Annotation {
	return []schema.Annotation{table("media_upload"), hidden()}
}
func (MediaUpload) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.MediaUpload}} }
func (MediaUpload) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		reference("phone_number_id"),
		field.String("media_id").Comment("Meta's id of the file"),
		field.String("sha256").Comment("of the content, in hex"),
		field.String("mime_type"),
		field.String("file_name"),
		field.Int64("size").Comment("bytes"),
		field.Time("uploaded_at"),
		field.Time("expires_at").Comment("when WhatsApp forgets the file"),
	}
}
func (MediaUpload) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "media_id"),
		index.Fields("phone_number_id", "sha256"),
		index.Fields("expires_at"),
	}
}

// TemplateChange is an entry of a template's history: one field, from one value to another. It goes
// with its template.
type TemplateChange struct{ ent.Schema }

func (TemplateChange) Annotations() []schema.Annotation {
	return []schema.Annotation{table("template_change"), hidden()}
}
func (TemplateChange) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.TemplateChange}} }
func (TemplateChange) Fields() []ent.Field {
	return []ent.Field{
		reference("template_id"),
		field.Time("at"),
		field.String("actor").Comment("a member's e-mail address, an API key's name, system, or WhatsApp"),
		field.String("field").Comment("as the API calls it"),
		field.String("before").Optional().Nillable(),
		field.String("after").Optional().Nillable(),
		field.String("reason").Optional().Nillable(),
	}
}
func (TemplateChange) Edges() []ent.Edge {
	return []ent.Edge{edge.To("template", Template.Type).Field("template_id").Unique().Required().
		Annotations(entsql.OnDelete(entsql.Cascade))}
}
func (TemplateChange) Indexes() []ent.Index {
	return []ent.Index{index.Fields("template_id", "id")}
}

// Thread is who holds the conversation of one of our numbers with one person, where several apps
// share the number. No endpoint of Meta's tells it: it is what handovers, copies and refusals
// showed, and is believed for a day.
type Thread struct{ ent.Schema }

func (Thread) Annotations() []schema.Annotation {
	return []schema.Annotation{table("thread"), hidden()}
}
func (Thread) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Thread}} }
func (Thread) Fields() []ent.Field {
	return []ent.Field{
		reference("phone_number_id"),
		field.String("address").Comment("the person, as in message"),
		field.Bool("ours").Comment("whether this service holds it"),
		field.String("role").Default("").Comment("the holder's role in Meta's words; empty where nothing says"),
		field.Time("at").Comment("when that was seen"),
	}
}
func (Thread) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("phone_number_id", "address").Unique(),
		index.Fields("at"),
	}
}
