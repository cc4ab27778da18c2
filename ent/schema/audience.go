package schema

import (
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

// Contact is a person the organization writes to.
type Contact struct{ ent.Schema }

func (Contact) Annotations() []schema.Annotation {
	return []schema.Annotation{table("contact"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (Contact) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Contact}} }
func (Contact) Fields() []ent.Field {
	return []ent.Field{
		field.String("phone").Optional().Nillable().Comment("E.164 with a leading +").Annotations(entgql.OrderField("PHONE")),
		field.String("wa_phone").Optional().Nillable().
			Comment("the same number as WhatsApp writes it, where that differs from phone"),
		field.String("wa_user_id").Optional().Nillable().Comment("business-scoped user id"),
		field.String("username").Optional().Nillable().
			Comment("the name that they chose at WhatsApp; it may pass to somebody else"),
		field.String("name").Optional().Nillable().Annotations(entgql.OrderField("NAME")),
		field.String("language").Optional().Nillable(),
		field.String("time_zone").Optional().Nillable(),
		field.String("country").Optional().Nillable().Comment("ISO 3166, from the number"),
		field.JSON("attributes", map[string]string{}).Default(map[string]string{}),
		field.Enum("marketing_consent").GoType(enum.Consent("")).Default(string(enum.ConsentUnknown)),
		field.Time("service_window_closes_at").Optional().Nillable(),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
	}
}
func (Contact) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("lists", ContactList.Type).Through("list_members", ListMember.Type),
		edge.To("consent_history", ConsentRecord.Type),
	}
}
func (Contact) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "phone"),
		index.Fields(organizationColumn, "name"),
		index.Fields(organizationColumn, "created_at"),
		index.Fields(organizationColumn, "country", "id"),
		index.Fields(organizationColumn, "marketing_consent", "id"),
	}
}

// ContactIdentifier says whose a number or a user id is. It is the only table that decides that. It
// has no foreign key: contact_id may be kept for somebody who is no contact yet, of whom only a
// link or a statement of consent is known.
type ContactIdentifier struct{ ent.Schema }

func (ContactIdentifier) Annotations() []schema.Annotation {
	return []schema.Annotation{table("contact_identifier"), hidden()}
}
func (ContactIdentifier) Policy() ent.Policy { return tenancyPolicy(organizationColumn) }
func (ContactIdentifier) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.UUID(organizationColumn, uid.ID{}).Immutable(),
		field.Enum("kind").GoType(enum.IdentifierKind("")),
		field.String("value").Comment(
			"PHONE: audience.NumberKey of the number; USER_ID: as WhatsApp writes it; CONTACT: the id of a contact that was " +
				"merged"),
		field.String("written").Optional().Nillable().Comment("PHONE: the number as it was told, where that is not its key"),
		reference("contact_id"),
		field.Time("since").Comment("when it was first told, by WhatsApp's clock"),
		field.Bool("erased").Default(false).
			Comment("it was somebody's who was erased: whoever has it is not written to"),
	}
}
func (ContactIdentifier) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "kind", "value").Unique(),
		index.Fields("contact_id"),
	}
}

// FormerIdentifier is a number or a user id that was a contact's until its person took another.
// What is told late of the time before is still about that contact.
type FormerIdentifier struct{ ent.Schema }

func (FormerIdentifier) Annotations() []schema.Annotation {
	return []schema.Annotation{table("former_identifier"), hidden()}
}
func (FormerIdentifier) Policy() ent.Policy { return tenancyPolicy(organizationColumn) }
func (FormerIdentifier) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.UUID(organizationColumn, uid.ID{}).Immutable(),
		field.Enum("kind").GoType(enum.IdentifierKind("")),
		field.String("value"),
		reference("contact_id"),
		field.Time("until").Comment("when the person took another, by WhatsApp's clock"),
	}
}
func (FormerIdentifier) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "kind", "value", "until").Unique(),
		index.Fields("contact_id"),
	}
}

// ContactList is a named set of contacts.
type ContactList struct{ ent.Schema }

func (ContactList) Annotations() []schema.Annotation {
	return []schema.Annotation{table("contact_list"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (ContactList) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.ContactList}} }
func (ContactList) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").Annotations(entgql.OrderField("NAME")),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
	}
}
func (ContactList) Edges() []ent.Edge {
	return []ent.Edge{edge.From("contacts", Contact.Type).Ref("lists").Through("list_members", ListMember.Type)}
}
func (ContactList) Indexes() []ent.Index {
	return []ent.Index{index.Fields(organizationColumn, "name").Unique()}
}

// ListMember puts a contact on a list.
type ListMember struct{ ent.Schema }

func (ListMember) Annotations() []schema.Annotation {
	return []schema.Annotation{table("list_member"), hidden(), field.ID("contact_id", "contact_list_id")}
}
func (ListMember) Policy() ent.Policy { return tenancyPolicy(organizationColumn) }
func (ListMember) Fields() []ent.Field {
	return []ent.Field{
		field.UUID(organizationColumn, uid.ID{}).Immutable(),
		reference("contact_id"),
		reference("contact_list_id"),
	}
}
func (ListMember) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("contact", Contact.Type).Field("contact_id").Unique().Required(),
		edge.To("contact_list", ContactList.Type).Field("contact_list_id").Unique().Required(),
	}
}
func (ListMember) Indexes() []ent.Index {
	return []ent.Index{index.Fields("contact_list_id", "contact_id")}
}

// ContactTag is a word that a contact is remembered by.
type ContactTag struct{ ent.Schema }

func (ContactTag) Annotations() []schema.Annotation {
	return []schema.Annotation{table("contact_tag"), hidden()}
}
func (ContactTag) Policy() ent.Policy { return tenancyPolicy(organizationColumn) }
func (ContactTag) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.UUID(organizationColumn, uid.ID{}).Immutable(),
		reference("contact_id"),
		field.String("tag"),
	}
}
func (ContactTag) Edges() []ent.Edge {
	return []ent.Edge{edge.To("contact", Contact.Type).Field("contact_id").Unique().Required().
		Annotations(entsql.OnDelete(entsql.Cascade))}
}
func (ContactTag) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("contact_id", "tag").Unique(),
		index.Fields(organizationColumn, "tag", "contact_id"),
	}
}

// Segment is a saved rule: whoever matches it when it is used.
type Segment struct{ ent.Schema }

func (Segment) Annotations() []schema.Annotation {
	return []schema.Annotation{table("segment"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (Segment) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Segment}} }
func (Segment) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").Annotations(entgql.OrderField("NAME")),
		field.JSON("rule", jsonfield.ContactFilter{}),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
	}
}
func (Segment) Indexes() []ent.Index {
	return []ent.Index{index.Fields(organizationColumn, "name").Unique()}
}

// Suppression is a number that the organization never writes to. It is of the number and not of a
// contact: whoever takes the number is not written to either.
type Suppression struct{ ent.Schema }

func (Suppression) Annotations() []schema.Annotation {
	return []schema.Annotation{table("suppression"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (Suppression) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Suppression}} }
func (Suppression) Fields() []ent.Field {
	return []ent.Field{
		field.String("phone").Comment("E.164 with a leading +, as it was told"),
		field.String("number_key").Comment("audience.NumberKey of the number"),
		field.String("reason").Optional().Nillable(),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
	}
}
func (Suppression) Indexes() []ent.Index {
	return []ent.Index{index.Fields(organizationColumn, "number_key").Unique()}
}

// ConsentRecord is one statement of a contact's consent. Package audience says which of them
// counts. It has no foreign key: what somebody says who is no contact yet is kept under the id that
// contact_identifier keeps for them.
type ConsentRecord struct{ ent.Schema }

func (ConsentRecord) Annotations() []schema.Annotation {
	return []schema.Annotation{table("consent_record")}
}
func (ConsentRecord) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.ConsentRecord}} }
func (ConsentRecord) Fields() []ent.Field {
	return []ent.Field{
		reference("contact_id"),
		field.Enum("consent").GoType(enum.Consent("")),
		field.String("source"),
		field.String("evidence").Optional().Nillable(),
		field.Enum("said_by").GoType(enum.ConsentSpeaker("")).Default(string(enum.ConsentSpeakerOrganization)),
		field.Time("said_at").Default(now).Comment("when it was said; by WhatsApp's clock for what a contact says"),
		field.Time("recorded_at").Default(now),
	}
}
func (ConsentRecord) Edges() []ent.Edge {
	return []ent.Edge{edge.From("contact", Contact.Type).Ref("consent_history").Field("contact_id").Unique().Required()}
}
func (ConsentRecord) Indexes() []ent.Index {
	return []ent.Index{index.Fields("contact_id", "said_at")}
}

// ContactImport is a file on its way into contacts. Its content is kept as a text, which is CSV in
// UTF-8 (package spreadsheet). next_offset is the byte of it behind the last row that is
// committed, so that a crash repeats nothing.
type ContactImport struct{ ent.Schema }

func (ContactImport) Annotations() []schema.Annotation {
	return []schema.Annotation{table("contact_import"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (ContactImport) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.ContactImport}} }
func (ContactImport) Fields() []ent.Field {
	return []ent.Field{
		field.Enum("status").GoType(enum.JobStatus("")).Default(string(enum.JobStatusPending)),
		field.String("status_reason").Optional().Nillable(),
		field.String("file_name"),
		field.Int64("file_bytes"),
		field.JSON("columns", []string{}).Optional().Comment("the header line, once it is read"),
		field.JSON("plan", []jsonfield.ImportColumn{}).Optional().Comment("what each column with a name becomes"),
		field.String("encoding").Default("UTF-8").Comment("of the file as it was uploaded; XLSX for a workbook"),
		field.String("delimiter").Default(",").Comment("of the text that is kept"),
		optionalReference("contact_list_id"),
		field.UUID("campaign_id", uid.ID{}).Optional().Nillable().Annotations(hidden()).
			Comment("its people become recipients of this campaign"),
		field.String("default_country").Optional().Nillable(),
		field.Enum("number_form").GoType(enum.NumberForm("")).Optional().Nillable().Comment("null: either"),
		field.JSON("consent", &jsonfield.ImportConsent{}).Optional(),
		field.Int64("next_offset").Default(0),
		field.Int("next_line").Default(1),
		field.Int("rows_total").Optional().Nillable(),
		field.Int("rows_read").Default(0),
		field.Int("created").Default(0),
		field.Int("updated").Default(0),
		field.Int("rejected").Default(0),
		field.UUID("created_by_id", uid.ID{}).Optional().Nillable().Annotations(hidden()).
			Comment("the member who started it; null where an API key did"),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
		field.Time("finished_at").Optional().Nillable(),
	}
}
func (ContactImport) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("status").Annotations(entsql.IndexWhere("status IN ('PENDING', 'RUNNING')")),
		index.Fields("campaign_id").Annotations(entsql.IndexWhere("campaign_id IS NOT NULL")),
		index.Fields(organizationColumn, "created_at"),
	}
}

// ImportChunk is a piece of an uploaded file; it is deleted when the import is over.
type ImportChunk struct{ ent.Schema }

func (ImportChunk) Annotations() []schema.Annotation {
	return []schema.Annotation{table("import_chunk"), hidden()}
}
func (ImportChunk) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.ImportChunk}} }
func (ImportChunk) Fields() []ent.Field {
	return []ent.Field{reference("contact_import_id"), field.Int64("start"), field.Bytes("data")}
}
func (ImportChunk) Indexes() []ent.Index {
	return []ent.Index{index.Fields("contact_import_id", "start").Unique()}
}

// ImportRejection is a row of an import that could not be taken, and why.
type ImportRejection struct{ ent.Schema }

func (ImportRejection) Annotations() []schema.Annotation {
	return []schema.Annotation{table("import_rejection"), hidden()}
}
func (ImportRejection) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.ImportRejection}} }
func (ImportRejection) Fields() []ent.Field {
	return []ent.Field{
		reference("contact_import_id"),
		field.Int("line"),
		field.String("value"),
		field.String("reason"),
	}
}
func (ImportRejection) Indexes() []ent.Index {
	return []ent.Index{index.Fields("contact_import_id", "line")}
}
