package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// Organization owns everything but users. Its settings that the API calls sendingPolicy lie in one
// JSON column.
type Organization struct{ ent.Schema }

func (Organization) Annotations() []schema.Annotation {
	return []schema.Annotation{table("organization")}
}
func (Organization) Policy() ent.Policy { return tenancyPolicy("id") }
func (Organization) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.Organization),
		field.String("name"),
		field.Enum("status").GoType(enum.OrganizationStatus("")).Default(string(enum.OrganizationStatusActive)),
		field.String("status_reason").Optional().Nillable(),
		field.Time("suspended_until").Optional().Nillable().Comment("when a suspension ends by itself; null: it does not"),
		field.String("time_zone").Default("UTC"),
		field.JSON("sending_policy", jsonfield.SendingPolicy{}).Default(jsonfield.DefaultSendingPolicy()),
		field.Int("retention_days").Default(365),
		field.Bool("require_second_factor").Default(false),
		field.Bool("mask_for_viewers").Default(false).Comment("whether the role VIEWER sees numbers and texts masked"),
		field.Int("quota_messages_per_day").Optional().Nillable().Annotations(hidden()).
			Comment("set by the operator, like the other quotas; null is none"),
		field.Int("quota_contacts").Optional().Nillable().Annotations(hidden()),
		field.Int("quota_numbers").Optional().Nillable().Annotations(hidden()),
		field.Bytes("erasure_key").Optional().Sensitive().Annotations(hidden()).
			Comment("under which erased addresses are hashed, sealed by package secret with the row's id as associated " +
				"data; null where nobody was erased"),
		createdAt(),
	}
}
func (Organization) Edges() []ent.Edge {
	return []ent.Edge{edge.To("members", Member.Type), edge.To("api_keys", APIKey.Type)}
}

// User is a person who signs in; which organizations they belong to is said by members.
type User struct{ ent.Schema }

func (User) Annotations() []schema.Annotation { return []schema.Annotation{table("app_user")} }
func (User) Policy() ent.Policy               { return userPolicy() }
func (User) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.User),
		field.String("email").Unique(),
		field.Time("email_verified_at").Optional().Nillable().
			Comment("when the user first proved that the address is theirs"),
		field.String("name"),
		field.String("locale").Optional().Nillable().Comment("BCP 47; null takes the browser's"),
		field.String("password_hash").Sensitive(),
		field.Time("second_factor_at").Optional().Nillable().Comment("since when a second factor is in force"),
		field.Time("suspended_at").Optional().Nillable().Annotations(hidden()).
			Comment("since when the operator lets them in no more"),
		field.Time("suspended_until").Optional().Nillable().Annotations(hidden()).
			Comment("when that ends by itself; null does not"),
		field.String("suspended_reason").Optional().Nillable().Annotations(hidden()),
		createdAt(),
	}
}
func (User) Edges() []ent.Edge {
	return []ent.Edge{edge.To("memberships", Member.Type), edge.To("sessions", Session.Type)}
}

// Member is a user's place in an organization.
type Member struct{ ent.Schema }

func (Member) Annotations() []schema.Annotation { return []schema.Annotation{table("member")} }
func (Member) Mixin() []ent.Mixin               { return []ent.Mixin{tenancy{kind: uid.Member}} }
func (Member) Fields() []ent.Field {
	return []ent.Field{
		reference("user_id"),
		field.Enum("role").GoType(enum.Role("")),
		field.JSON("told_of", []enum.NotificationKind{}).Optional().
			Comment("the kinds of which they have chosen to be told by mail; null: those of their role"),
		field.Bool("told_of_others").Default(false).Comment("also of what others made or launched"),
		createdAt(),
	}
}
func (Member) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("organization", Organization.Type).Ref("members").Field(organizationColumn).Unique().Required().Immutable(),
		edge.From("user", User.Type).Ref("memberships").Field("user_id").Unique().Required(),
	}
}
func (Member) Indexes() []ent.Index {
	return []ent.Index{index.Fields(organizationColumn, "user_id").Unique(), index.Fields("user_id")}
}

// Session is a signed-in user in one organization. Of its token only the hash is kept.
type Session struct{ ent.Schema }

func (Session) Annotations() []schema.Annotation { return []schema.Annotation{table("session")} }
func (Session) Mixin() []ent.Mixin               { return []ent.Mixin{tenancy{kind: uid.Session}} }
func (Session) Fields() []ent.Field {
	return []ent.Field{
		reference("user_id"),
		field.Bytes("token_hash").Unique().Sensitive(),
		field.String("user_agent").Optional().Nillable(),
		field.String("ip").Optional().Nillable(),
		createdAt(),
		field.Time("last_used_at").Default(now),
		field.Time("expires_at"),
		field.Time("revoked_at").Optional().Nillable(),
		field.Bool("vouched").Default(false).Comment("the identity provider says that it asked for a second factor"),
	}
}
func (Session) Edges() []ent.Edge {
	return []ent.Edge{edge.From("user", User.Type).Ref("sessions").Field("user_id").Unique().Required()}
}
func (Session) Indexes() []ent.Index { return []ent.Index{index.Fields("user_id")} }

// APIKey lets a program in with a role of its own. Of its secret only the hash is kept, and the
// first characters to know it by.
type APIKey struct{ ent.Schema }

func (APIKey) Annotations() []schema.Annotation { return []schema.Annotation{table("api_key")} }
func (APIKey) Mixin() []ent.Mixin               { return []ent.Mixin{tenancy{kind: uid.APIKey}} }
func (APIKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("name"),
		field.Enum("role").GoType(enum.Role("")),
		field.JSON("scopes", []enum.APIScope{}).Optional().Comment("what it may do within its role; none: all"),
		field.String("prefix"),
		field.Bytes("secret_hash").Unique().Sensitive(),
		optionalReference("created_by"), // the user who made it, or who made the key that made it
		optionalReference("parent_id"),  // the API key that made it, and with which it ends
		createdAt(),
		field.Time("last_used_at").Optional().Nillable(),
		field.Time("expires_at").Optional().Nillable(),
		field.Time("revoked_at").Optional().Nillable(),
	}
}
func (APIKey) Edges() []ent.Edge {
	return []ent.Edge{edge.From("organization", Organization.Type).Ref("api_keys").Field(organizationColumn).
		Unique().Required().Immutable()}
}

// TermsAcceptance records who accepted which terms, when and from where: for the organization, or
// for themselves when they joined it.
type TermsAcceptance struct{ ent.Schema }

func (TermsAcceptance) Annotations() []schema.Annotation {
	return []schema.Annotation{table("terms_acceptance"), hidden()}
}
func (TermsAcceptance) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.TermsAcceptance}} }
func (TermsAcceptance) Fields() []ent.Field {
	return []ent.Field{
		reference("user_id"),
		field.String("version"),
		field.Bool("personal").Default(false).Comment("it binds the user alone, and not the organization"),
		field.String("ip").Optional().Nillable(),
		field.Time("accepted_at").Default(now),
	}
}
func (TermsAcceptance) Indexes() []ent.Index {
	return []ent.Index{index.Fields(organizationColumn, "version")}
}

// IdempotencyKey remembers, for 24 hours, what a mutation made for a key of the caller's.
type IdempotencyKey struct{ ent.Schema }

func (IdempotencyKey) Annotations() []schema.Annotation {
	return []schema.Annotation{table("idempotency_key"), hidden()}
}
func (IdempotencyKey) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.IdempotencyKey}} }
func (IdempotencyKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("operation"),
		field.String("key"),
		field.Bytes("input_hash"),
		reference("result_id"),
		createdAt(),
	}
}
func (IdempotencyKey) Indexes() []ent.Index {
	return []ent.Index{index.Fields(organizationColumn, "operation", "key").Unique(), index.Fields("created_at")}
}
