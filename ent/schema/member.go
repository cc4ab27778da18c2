package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"entgo.io/ent/schema/mixin"

	"carillon/ent/enum"
	"carillon/uid"
)

// Invitation lets whoever has its token join an organization. Once it is accepted, revoked or
// replaced, the row is gone.
type Invitation struct{ ent.Schema }

func (Invitation) Annotations() []schema.Annotation {
	return []schema.Annotation{table("invitation"), hidden()}
}
func (Invitation) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Invitation}, mailing{}} }
func (Invitation) Fields() []ent.Field {
	return []ent.Field{
		field.String("email"),
		field.Enum("role").GoType(enum.Role("")),
		field.Bytes("token_hash").Unique().Sensitive().Comment("of the token that the inviter got, who may hand it on"),
		field.Bytes("mail_token_hash").Optional().Unique().Sensitive().
			Comment("of the token that is mailed, which proves the address; null until then"),
		optionalReference("invited_by"),     // the user; null when an API key did
		optionalReference("invited_by_key"), // the API key; null when a user did
		createdAt(),
		field.Time("expires_at"),
	}
}
func (Invitation) Indexes() []ent.Index {
	return []ent.Index{index.Fields(organizationColumn, "email").Unique(), index.Fields("mail_after")}
}

// PasswordReset is a request to set a new password, for whatever address somebody gave. Only once
// it is about to be mailed is the user looked up and a token made. The row is gone once a token
// of the address is used.
type PasswordReset struct{ ent.Schema }

func (PasswordReset) Annotations() []schema.Annotation {
	return []schema.Annotation{table("password_reset"), hidden()}
}
func (PasswordReset) Mixin() []ent.Mixin { return []ent.Mixin{mailing{}} }
func (PasswordReset) Policy() ent.Policy { return systemOnly() }
func (PasswordReset) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.PasswordReset),
		field.String("email"),
		field.Bytes("token_hash").Optional().Unique().Sensitive().Comment("null until it is mailed"),
		createdAt(),
		field.Time("expires_at"),
	}
}
func (PasswordReset) Indexes() []ent.Index {
	return []ent.Index{index.Fields("email"), index.Fields("mail_after")}
}

// EmailVerification is a request to prove that a user's address is theirs. A token is made once it
// is about to be mailed. The row is gone once the address is proven, or a later one is made.
type EmailVerification struct{ ent.Schema }

func (EmailVerification) Annotations() []schema.Annotation {
	return []schema.Annotation{table("email_verification"), hidden()}
}
func (EmailVerification) Mixin() []ent.Mixin { return []ent.Mixin{mailing{}} }
func (EmailVerification) Policy() ent.Policy { return systemOnly() }
func (EmailVerification) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.EmailVerification),
		reference("user_id"),
		field.Bytes("token_hash").Optional().Unique().Sensitive().Comment("null until it is mailed"),
		createdAt(),
		field.Time("expires_at"),
	}
}
func (EmailVerification) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id"), index.Fields("mail_after")}
}

// SecurityNotice is a mail that tells a user what has happened to their sign-in. Once it is mailed
// the row is gone.
type SecurityNotice struct{ ent.Schema }

func (SecurityNotice) Annotations() []schema.Annotation {
	return []schema.Annotation{table("security_notice"), hidden()}
}
func (SecurityNotice) Mixin() []ent.Mixin { return []ent.Mixin{mailing{}} }
func (SecurityNotice) Policy() ent.Policy { return systemOnly() }
func (SecurityNotice) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.SecurityNotice),
		reference("user_id"),
		field.String("kind").Comment("identity says which there are, and what their mails say"),
		createdAt(),
		field.Time("expires_at"),
	}
}
func (SecurityNotice) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id"), index.Fields("mail_after")}
}

// mailing gives a type what it takes to mail a token that is stored nowhere else, also after a
// crash.
type mailing struct{ mixin.Schema }

func (mailing) Fields() []ent.Field {
	return []ent.Field{
		field.Bytes("sealed_token").Optional().Sensitive().
			Comment("sealed by package secret with the row's id as associated data; erased once it is mailed"),
		field.Time("mail_after").Optional().Nillable().Comment("when to try to mail it; null when there is nothing to mail"),
		field.Int("mail_attempts").Default(0),
		field.Time("mailed_at").Optional().Nillable(),
	}
}
