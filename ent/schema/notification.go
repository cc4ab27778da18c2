package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"carillon/ent/enum"
	"carillon/uid"
)

// Notification is one cause of which members are told by mail: a campaign that paused, a token that
// runs out. It is written in the transaction of the change that it tells of, and once.
type Notification struct{ ent.Schema }

func (Notification) Annotations() []schema.Annotation {
	return []schema.Annotation{table("notification"), hidden()}
}
func (Notification) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Notification}} }
func (Notification) Fields() []ent.Field {
	return []ent.Field{
		field.Enum("kind").GoType(enum.NotificationKind("")),
		field.String("cause").Comment("names it: there is one row for one cause of an organization"),
		field.String("scope").Comment("what it has in common with others that are told in one mail"),
		reference("subject_id"), // the campaign, account, template or import
		field.String("reason").Default("").Comment("a word of the API's, e.g. a CampaignStatusReason"),
		field.String("detail").Default("").Comment("what is known beyond that, in words"),
		optionalReference("created_by_id"),  // the member whose campaign or import it is
		optionalReference("launched_by_id"), // the member who launched the campaign
		createdAt(),
		optionalReference("batch_id"), // of the mails that tell of it; null until they are made
		field.Time("batched_at").Optional().Nillable(),
	}
}
func (Notification) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "cause").Unique(),
		index.Fields(organizationColumn, "scope"),
		index.Fields("batch_id"),
		index.Fields("batched_at"),
		index.Fields("created_at"),
	}
}

// NotificationMail is one mail to one member about a batch of notifications.
type NotificationMail struct{ ent.Schema }

func (NotificationMail) Annotations() []schema.Annotation {
	return []schema.Annotation{table("notification_mail"), hidden()}
}
func (NotificationMail) Mixin() []ent.Mixin {
	return []ent.Mixin{tenancy{kind: uid.NotificationMail}, mailing{}}
}
func (NotificationMail) Fields() []ent.Field {
	return []ent.Field{
		reference("batch_id"),
		reference("member_id"),
		createdAt(),
		field.Time("expires_at").Comment("when it is given up"),
	}
}
func (NotificationMail) Indexes() []ent.Index {
	return []ent.Index{index.Fields("batch_id", "member_id").Unique(), index.Fields("mail_after")}
}
