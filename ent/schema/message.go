package schema

import (
	"encoding/json"

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

// Message is one message to or from one person. Only package delivery writes it. It is changed five
// times and more, and each change makes a new entry in each of its indexes: so it has only those
// that go by what changes. What never changes has its indexes in Listing.
type Message struct{ ent.Schema }

func (Message) Annotations() []schema.Annotation {
	return []schema.Annotation{table("message"), entgql.RelayConnection(), entgql.MultiOrder()}
}
func (Message) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Message, elsewhere: true}} }
func (Message) Fields() []ent.Field {
	return []ent.Field{
		field.Enum("direction").GoType(enum.Direction("")),
		optionalReference("campaign_id"),
		optionalReference("template_id"),
		reference("phone_number_id"),
		reference("account_id"),
		optionalReference("contact_id"),
		field.String("address").Comment("the other party: E.164 with a leading +, or a business-scoped user id"),
		field.Enum("type").GoType(enum.MessageType("")),
		field.Enum("category").GoType(enum.TemplateCategory("")).Optional().Nillable(),
		field.String("country").Default("").Comment("ISO 3166 of the address; empty where it says nothing"),
		field.Enum("status").GoType(enum.MessageStatus("")),
		field.JSON("parameters", map[string]string{}).Optional().Comment("template values, as sent"),
		field.JSON("content", json.RawMessage{}).Optional().Comment("text or media, as sent or received"),
		field.String("wamid").Optional().Nillable(),
		field.Int("error_code").Optional().Nillable(),
		field.String("error_detail").Optional().Nillable(),
		field.Enum("skip_reason").GoType(enum.SkipReason("")).Optional().Nillable(),
		field.Enum("route").GoType(enum.MessageRoute("")).Optional().Nillable().Annotations(hidden()).
			Comment("which endpoint took it, or is to; null is the usual one"),
		field.Int("attempts").Default(0).Comment("how often it was handed to WhatsApp"),
		field.Int("settled_attempts").Optional().Nillable().Annotations(hidden()).
			Comment("attempts up to this one failed, and it was queued anew: what is still told of them is old"),
		field.Time("not_before").Comment("not sent earlier; retries and pair limits move it on"),
		field.Time("held_from").Optional().Nillable().Annotations(hidden()).
			Comment("what not_before was until the person's quiet hours moved it on; null where they did not"),
		field.String("time_zone").Optional().Nillable().Annotations(hidden()).
			Comment("IANA: the person's when the message was made; null is the organization's"),
		field.String("reference").Optional().Nillable().Comment("the caller's own name for it"),
		field.UUID("reply_to_id", uid.ID{}).Optional().Nillable().Annotations(hidden()).
			Comment("inbound: our message that it quotes"),
		field.JSON("reply", &jsonfield.Reply{}).Optional().Annotations(hidden()).
			Comment("inbound: the button or list row that was chosen"),
		field.Time("lease_until").Optional().Nillable().Comment("while SENDING: when its worker is given up"),
		field.UUID("claim_id", uid.ID{}).Optional().Nillable().Annotations(hidden()).Comment("the claim that took it last"),
		field.Int("claim_part").Optional().Nillable().Annotations(hidden()).
			Comment("the claim's part that it belongs to, from 1"),
		field.Time("queued_at").Optional().Nillable(),
		field.Time("accepted_at").Optional().Nillable(),
		field.Time("sent_at").Optional().Nillable(),
		field.Time("delivered_at").Optional().Nillable(),
		field.Time("read_at").Optional().Nillable(),
		field.Time("failed_at").Optional().Nillable(),
		field.Time("unknown_at").Optional().Nillable(),
		field.Time("closed_at").Optional().Nillable().Comment("when it was skipped or canceled"),
		field.Time("edited_at").Optional().Nillable().Comment("when its author last changed it"),
		field.Time("revoked_at").Optional().Nillable().Comment("when its author took it back: its content is gone"),
		field.Time("erased_at").Optional().Nillable().Annotations(hidden()).
			Comment("when retention erased its text, values and error's words: it is not sent again"),
		field.JSON("pricing", &jsonfield.Pricing{}).Optional().Annotations(hidden()).
			Comment("what WhatsApp said of its price, and what that came to"),
		field.Time("created_at").Immutable().Default(now).Annotations(entgql.OrderField("CREATED_AT")),
	}
}
func (Message) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("campaign", Campaign.Type).Field("campaign_id").Unique(),
		edge.To("template", Template.Type).Field("template_id").Unique(),
		edge.To("phone_number", PhoneNumber.Type).Field("phone_number_id").Unique().Required(),
		edge.To("contact", Contact.Type).Field("contact_id").Unique(),
	}
}
func (Message) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("campaign_id", "not_before", "id").StorageKey("message_campaign_queue").
			Annotations(entsql.IndexWhere("status = 'QUEUED' AND campaign_id IS NOT NULL")),
		index.Fields("phone_number_id", "not_before", "id").StorageKey("message_direct_queue").
			Annotations(entsql.IndexWhere("status = 'QUEUED' AND campaign_id IS NULL")),
		index.Fields(organizationColumn, "time_zone", "not_before").StorageKey("message_held").
			Annotations(entsql.IndexWhere("status = 'QUEUED' AND held_from IS NOT NULL")),
		index.Fields("unknown_at").StorageKey("message_unknown").Annotations(entsql.IndexWhere("status = 'UNKNOWN'")),
		index.Fields("campaign_id", "id").StorageKey("message_campaign_failed").
			Annotations(entsql.IndexWhere("status = 'FAILED'")),
		index.Fields(organizationColumn, "status", "id"),
		index.Fields(organizationColumn, "error_code", "id").Annotations(entsql.IndexWhere("error_code IS NOT NULL")),
		index.Fields(organizationColumn, "skip_reason", "id").Annotations(entsql.IndexWhere("skip_reason IS NOT NULL")),
		index.Fields("wamid").Annotations(entsql.IndexWhere("wamid IS NOT NULL")),
		index.Fields("phone_number_id", "wamid").Unique().StorageKey("message_received_once").
			Annotations(entsql.IndexWhere("direction = 'INBOUND'")),
	}
}

// Listing is what never changes of a message, by which lists find it: written with the message,
// under its id.
type Listing struct{ ent.Schema }

func (Listing) Annotations() []schema.Annotation {
	return []schema.Annotation{table("listing"), hidden()}
}
func (Listing) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Message}} }
func (Listing) Fields() []ent.Field {
	return []ent.Field{
		optionalReference("campaign_id"), optionalReference("template_id"), reference("phone_number_id"),
		optionalReference("contact_id"),
		field.String("address"), field.String("reference").Optional().Nillable(), field.Time("created_at"),
		field.Enum("type").GoType(enum.MessageType("")).Default(string(enum.MessageTypeTemplate)).
			Comment("most are templates: so a migration had few rows to change"),
	}
}
func (Listing) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("campaign_id", "id").Annotations(entsql.IndexWhere("campaign_id IS NOT NULL")),
		index.Fields("campaign_id", "contact_id").Annotations(entsql.IndexWhere("campaign_id IS NOT NULL")),
		index.Fields("template_id", "id").Annotations(entsql.IndexWhere("template_id IS NOT NULL")),
		index.Fields("phone_number_id", "id"),
		index.Fields("contact_id", "id").Annotations(entsql.IndexWhere("contact_id IS NOT NULL")),
		index.Fields(organizationColumn, "address", "id"),
		index.Fields(organizationColumn, "type", "id"),
		index.Fields(organizationColumn, "reference", "id").Annotations(entsql.IndexWhere("reference IS NOT NULL")),
	}
}

// Reply is an answer to a message of ours: an inbound message, under its id. It tells who
// answered a campaign, and which buttons they pressed.
type Reply struct{ ent.Schema }

func (Reply) Annotations() []schema.Annotation {
	return []schema.Annotation{table("reply"), hidden()}
}
func (Reply) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Message, elsewhere: true}} }
func (Reply) Fields() []ent.Field {
	return []ent.Field{
		optionalReference("campaign_id"),
		field.UUID("message_id", uid.ID{}).Comment("ours"),
		field.Bool("first").Default(false).Comment("the first answer to that message, which the statistics count"),
		optionalReference("contact_id"),
		field.String("button").Optional().Nillable().Comment("the title of the button that was pressed"),
		field.Time("created_at"),
	}
}
func (Reply) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("campaign_id", "message_id"),
		index.Fields("message_id", "button"),
		index.Fields("contact_id"),
		index.Fields(organizationColumn, "created_at"),
	}
}

// Claim is what a worker took off the queue at once, while not all of it is handed over: parts
// above handed were certainly not sent. One that is gone was handed over whole.
type Claim struct{ ent.Schema }

func (Claim) Annotations() []schema.Annotation {
	return []schema.Annotation{table("claim"), hidden()}
}
func (Claim) Policy() ent.Policy { return systemOnly() }
func (Claim) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.Claim),
		field.Int("handed").Default(0).Comment("parts up to this one may have been sent"),
		field.Bool("taken").Default(false).Comment("its worker was given up: no more is handed over"),
		field.Time("until").Comment("when its worker is given up"),
	}
}

// DeliveryEvent is an entry of an organization's log. Its id is its sequence number: dense and
// ascending within the organization, so the table's key is (organization_id, sequence); package
// database sees to that.
type DeliveryEvent struct{ ent.Schema }

func (DeliveryEvent) Annotations() []schema.Annotation {
	return []schema.Annotation{table("delivery_event"), hidden()}
}
func (DeliveryEvent) Policy() ent.Policy { return tenancyPolicy(organizationColumn) }
func (DeliveryEvent) Fields() []ent.Field {
	incremental := false
	return []ent.Field{
		field.Int64("id").StorageKey("sequence").Annotations(entsql.Annotation{Incremental: &incremental}),
		field.UUID(organizationColumn, uid.ID{}).Immutable(),
		reference("message_id"),
		optionalReference("campaign_id"),
		reference("phone_number_id"),
		optionalReference("template_id"),
		field.Enum("status").GoType(enum.MessageStatus("")),
		field.Int("error_code").Optional().Nillable(),
		field.String("error_detail").Optional().Nillable(),
		field.Time("at"),
		field.Time("recorded_at"),
	}
}
func (DeliveryEvent) Edges() []ent.Edge {
	return []ent.Edge{edge.To("message", Message.Type).Field("message_id").Unique().Required()}
}
func (DeliveryEvent) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("message_id"),
		index.Fields("campaign_id", "id").StorageKey("delivery_event_failed").
			Annotations(entsql.IndexWhere("status = 'FAILED'")),
	}
}

// SendAttempt is a try to hand a message to WhatsApp that did not succeed: what was asked and
// answered, without people's words. One that succeeds writes none. An attempt that is made again
// under its number, since its campaign was stopped meanwhile, takes the place of the first.
type SendAttempt struct{ ent.Schema }

func (SendAttempt) Annotations() []schema.Annotation {
	return []schema.Annotation{table("send_attempt"), hidden()}
}
func (SendAttempt) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.SendAttempt}} }
func (SendAttempt) Fields() []ent.Field {
	return []ent.Field{
		reference("message_id"),
		field.Int("number").Comment("the message's attempts, this one included"),
		field.Time("at").Comment("when it was answered, or given up"),
		field.Int("took_ms"),
		field.String("endpoint"),
		field.String("request").Comment("whatsapp.Outline"),
		field.Int("http_status").Comment("0 where no answer came"),
		field.Int("code"), field.Int("subcode").Default(0),
		field.String("detail").Optional().Nillable(),
		field.String("trace_id").Optional().Nillable(),
		field.Time("again_at").Optional().Nillable().Comment("when it was to be tried again; null where it was not"),
	}
}
func (SendAttempt) Indexes() []ent.Index {
	return []ent.Index{index.Fields(organizationColumn, "message_id", "number").Unique().StorageKey("send_attempt_once")}
}

// EventCounter holds the last sequence number of an organization's log; its id is the
// organization's. Its row lock makes the order of commits the order of sequence numbers.
type EventCounter struct{ ent.Schema }

func (EventCounter) Annotations() []schema.Annotation {
	return []schema.Annotation{table("event_counter"), hidden()}
}
func (EventCounter) Policy() ent.Policy { return tenancyPolicy("id") }
func (EventCounter) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uid.ID{}).Immutable(),
		field.Int64("last").Default(0),
		field.Int64("expired").Default(0).Comment("events up to here are gone by retention"),
	}
}

// Statistic is an hour's sums for one combination of dimensions. A zero id or an empty text is
// "none".
type Statistic struct{ ent.Schema }

func (Statistic) Annotations() []schema.Annotation {
	return []schema.Annotation{table("statistic"), hidden()}
}
func (Statistic) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.Statistic}} }
func (Statistic) Fields() []ent.Field {
	return []ent.Field{
		field.Time("hour"),
		reference("account_id"), reference("phone_number_id"), reference("template_id"), reference("campaign_id"),
		field.String("category"), field.String("country"), field.Int("error_code"),
		field.Int64("accepted").Default(0), field.Int64("sent").Default(0), field.Int64("delivered").Default(0),
		field.Int64("read").Default(0),
		field.Int64("failed").Default(0), field.Int64("skipped").Default(0), field.Int64("received").Default(0),
		field.Int64("opted_out").Default(0), field.Int64("replied").Default(0), field.Int64("clicked").Default(0),
		field.Int64("cost_micros").Default(0).Comment("what the delivered were charged, in millionths of cost_currency"),
		field.String("cost_currency").Optional().Nillable().Comment("null where no price is known"),
	}
}
func (Statistic) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "hour", "account_id", "phone_number_id", "template_id", "campaign_id", "category",
			"country", "error_code").Unique().StorageKey("statistic_dimensions"),
		index.Fields("campaign_id"),
		index.Fields("campaign_id", "error_code").StorageKey("statistic_failed").
			Annotations(entsql.IndexWhere("failed <> 0")),
	}
}

// LinkClick is a click on a link of a marketing message that WhatsApp told of, kept while it may be
// told again. It names neither person nor message.
type LinkClick struct{ ent.Schema }

func (LinkClick) Annotations() []schema.Annotation {
	return []schema.Annotation{table("link_click"), hidden()}
}
func (LinkClick) Mixin() []ent.Mixin {
	return []ent.Mixin{tenancy{kind: uid.LinkClick, elsewhere: true}}
}
func (LinkClick) Fields() []ent.Field {
	return []ent.Field{
		reference("phone_number_id"),
		field.String("fingerprint").Comment("of all that WhatsApp said of it"),
	}
}
func (LinkClick) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields(organizationColumn, "phone_number_id", "fingerprint").Unique().StorageKey("link_click_once"),
	}
}

// MessagingWindow is when an account opened a conversation with a person of its own accord: Meta
// limits how many people that may be in a rolling day.
type MessagingWindow struct{ ent.Schema }

func (MessagingWindow) Annotations() []schema.Annotation {
	return []schema.Annotation{table("messaging_window"), hidden()}
}
func (MessagingWindow) Mixin() []ent.Mixin { return []ent.Mixin{tenancy{kind: uid.MessagingWindow}} }
func (MessagingWindow) Fields() []ent.Field {
	return []ent.Field{
		reference("account_id"),
		field.String("address").Comment("the person, as in message"),
		reference("message_id"),
		field.Time("at"),
	}
}
func (MessagingWindow) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("account_id", "address").Unique(),
		index.Fields("account_id", "at"),
	}
}

// UnmatchedWebhook keeps what Meta sent and we could not use: not understood, or of a number or
// message that is not ours.
type UnmatchedWebhook struct{ ent.Schema }

func (UnmatchedWebhook) Annotations() []schema.Annotation {
	return []schema.Annotation{table("unmatched_webhook"), hidden()}
}
func (UnmatchedWebhook) Policy() ent.Policy { return systemOnly() }
func (UnmatchedWebhook) Fields() []ent.Field {
	return []ent.Field{
		idField(uid.UnmatchedWebhook),
		field.String("reason").Comment("NOT_UNDERSTOOD, UNKNOWN_NUMBER …: package webhook lists them"),
		field.String("detail").Optional().Nillable().Comment("what it is about, without what people wrote"),
		field.Bytes("body"),
		field.Bytes("body_hash").Unique().Comment("Meta repeats itself; one copy is kept"),
		field.Int("seen").Default(1),
		field.Time("received_at").Default(now),
		field.Time("retry_at").Optional().Nillable().Comment("when it is tried again by itself"),
		field.String("waits_for").Optional().Nillable().
			Comment("the wamid of a message that it changes and that is yet to come"),
	}
}
func (UnmatchedWebhook) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("retry_at").Annotations(entsql.IndexWhere("retry_at IS NOT NULL")),
		index.Fields("waits_for").Annotations(entsql.IndexWhere("waits_for IS NOT NULL")),
	}
}
