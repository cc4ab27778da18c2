package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/uid"
)

// ExternalLogin is an account at an identity provider that signs a user in. Issuer and subject name
// it for good; its address is what it had when it was linked.
type ExternalLogin struct{ ent.Schema }

func (ExternalLogin) Annotations() []schema.Annotation {
	return []schema.Annotation{table("external_login"), hidden()}
}
func (ExternalLogin) Policy() ent.Policy { return systemOnly() }
func (ExternalLogin) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.ExternalLogin),
		reference("user_id"),
		field.String("issuer"),
		field.String("subject"),
		field.String("email").Optional().Nillable(),
		createdAt(),
		field.Time("last_used_at").Default(now),
	}
}
func (ExternalLogin) Indexes() []ent.Index {
	return []ent.Index{index.Fields("issuer", "subject").Unique(), index.Fields("user_id")}
}

// SignInFlow is a sign-in at an identity provider that is under way. Of the secret that the browser
// keeps only a hash is here; state, nonce and PKCE's verifier are derived from it.
type SignInFlow struct{ ent.Schema }

func (SignInFlow) Annotations() []schema.Annotation {
	return []schema.Annotation{table("sign_in_flow"), hidden()}
}
func (SignInFlow) Policy() ent.Policy { return systemOnly() }
func (SignInFlow) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.SignInFlow),
		field.Bytes("secret_hash").Unique().Sensitive(),
		field.String("redirect_uri"),
		field.Bytes("code_hash").Optional().Sensitive().Comment("of the one code that is or was exchanged"),
		field.Bytes("person").Optional().Sensitive().Comment("who signed in, as JSON, once the code was exchanged"),
		createdAt(),
		field.Time("expires_at"),
	}
}
func (SignInFlow) Indexes() []ent.Index { return []ent.Index{index.Fields("expires_at")} }
