package whatsapp

import (
	"encoding/json"
	"time"
)

// Webhook is what one POST told, as plain facts in the order they came. Times are zero where Meta
// gave none.
type Webhook struct {
	Statuses     []Status
	Inbound      []Inbound
	Echoes       []Echo
	Templates    []TemplateUpdate
	Numbers      []NumberUpdate
	Accounts     []AccountUpdate
	Capabilities []CapabilityUpdate
	Preferences  []Preference
	Security     []SecurityUpdate
	Errors       []ChannelError
	Calls        []Call
	Handovers    []Handover
	Clicks       []Click
	Notices      []Notice
	// WABAIDs are what its entries are about, each once: accounts, or for a partner's events perhaps
	// portfolios.
	WABAIDs []string
	// Unknown says what was not understood: where it stands and what is wrong, without what people
	// wrote.
	Unknown []string
	// Unapplied says what was understood and has no place here. The payload has to be kept for it.
	Unapplied []string
}

// Click is a click on a link of a marketing message. WhatsApp names neither the person nor the
// message.
type Click struct {
	WABAID        string
	PhoneNumberID string
	At            time.Time
	// Fingerprint is of all that WhatsApp said of the click: the same when it is told again, and as a
	// rule another for another click.
	Fingerprint string
}

// StatusKind is what became of a message.
type StatusKind string

const (
	StatusSent      StatusKind = "sent"
	StatusDelivered StatusKind = "delivered"
	StatusRead      StatusKind = "read"
	StatusPlayed    StatusKind = "played"
	StatusFailed    StatusKind = "failed"
	StatusDeleted   StatusKind = "deleted"
	StatusWarning   StatusKind = "warning"
)

// Status is a receipt for a message that was sent. Receipts come more than once, and in any order.
type Status struct {
	WABAID        string
	PhoneNumberID string
	WAMID         string
	Status        StatusKind
	At            time.Time
	// RecipientID is the person's number, or a group's id. Empty when the person hides the number.
	RecipientID     string
	RecipientUserID string
	// ParticipantID is the member of the group whom a group message's receipt is about.
	ParticipantID  string
	CallbackData   string
	Pricing        *Pricing
	ConversationID string
	Errors         []StatusError
}

// Pricing is how a message is charged. Only Type regular costs anything.
type Pricing struct {
	Billable bool
	Model    string // PMP: per message
	Type     string // regular, free_customer_service, free_entry_point
	Category string // marketing, utility, authentication, service …
}

// StatusError is an error inside a webhook.
type StatusError struct {
	Code    int
	Title   string
	Message string
	Details string
}

// Rule says what to do about it. An error by webhook is final for its attempt: to retry is to send
// a new message.
func (e StatusError) Rule() Rule { return RuleFor(e.Code, 0, 0, false) }

// Inbound is a message, or something a person did, that came to one of our numbers.
type Inbound struct {
	WABAID        string
	PhoneNumberID string
	WAMID         string
	// From is the person's number, as digits; empty when they hide it. FromUserID is their
	// business-scoped user id. Both are empty when Meta names nobody.
	From        string
	FromUserID  string
	ProfileName string
	Username    string
	GroupID     string
	Type        string
	At          time.Time
	// Undated: Meta gave no time that can be believed, so At is another one when it is told again.
	Undated bool
	// Text is the best text for people: a body, a caption, a button's or a list row's title, an emoji,
	// the name of a place.
	Text string
	// Written is the text that the person wrote or pressed: empty for names of places and contacts,
	// and for WhatsApp's own texts.
	Written string
	// ButtonPayload is what a tapped button carries: a template button's payload, a reply's or list
	// row's id.
	ButtonPayload string
	// Choice is the button or list row that the person chose; nil when they wrote.
	Choice *Choice
	// ContextMessageID is the message that this one answers, reacts to, edits or revokes.
	ContextMessageID string
	Media            *InboundMedia
	System           *IdentityChange
	// Change is set when this is no message, but changes an earlier one.
	Change *Change
	// AdClickID is set when the person came from an ad (ctwa_clid).
	AdClickID string
	// Standby: another agent holds this conversation; do not answer.
	Standby bool
	Errors  []StatusError
	// Raw is the whole message as Meta sent it; nil when it is too large to be stored.
	Raw json.RawMessage
}

// Choice is a button that was pressed or a list row that was chosen. A template's button has a
// payload, all else an id. Of an answered Flow the id is its kind, and the payload what was filled
// in.
type Choice struct{ ID, Title, Payload string }

// Change is what an edit or a revocation does to an earlier message of the same sender.
type Change struct {
	Original string // its wamid
	Revoked  bool   // else it is edited, and now reads:
	Type     string
	Text     string
	Raw      json.RawMessage
}

// InboundMedia is a file that a person sent. Its id is good for 7 days.
type InboundMedia struct {
	ID       string
	MIMEType string
	SHA256   string // base64
	Filename string
	Voice    bool
}

// IdentityChange says that a person changed number or user id.
type IdentityChange struct {
	Kind           string // ChangedNumber, user_changed_user_id, customer_identity_changed
	WaID           string // the new number
	UserID         string // the new user id
	PreviousUserID string
}

// ChangedNumber is the kind of a change of number; the message is from the old one.
const ChangedNumber = "user_changed_number"

// ChangedUserID is the kind of a change of user id alone.
const ChangedUserID = "user_changed_user_id"

// Echo is a message that the business sent by other means: the WhatsApp Business app, or Meta's
// agent.
type Echo struct {
	WABAID        string
	PhoneNumberID string
	WAMID         string
	To            string // as digits; empty like Inbound.From
	ToUserID      string
	Type          string
	Text          string
	At            time.Time
	// Standby: another agent sent it.
	Standby bool
	// Change is set when this is no message, but changes an earlier one.
	Change *Change
	Raw    json.RawMessage
}

// Call is a call that opens the customer service window: a person called, or took our call.
type Call struct {
	WABAID        string
	PhoneNumberID string
	From          string // as Inbound.From
	FromUserID    string
	At            time.Time
}

// Handover says that the conversation of a number and a person has another holder, where several
// apps share the number. Only the apps concerned are told: who is given it, and who had it.
type Handover struct {
	WABAID        string
	PhoneNumberID string
	From          string // the person, as Inbound.From; with FromUserID empty where Meta does not say
	FromUserID    string
	// Ours: it was passed to this app. Else it was taken from it.
	Ours bool
	// Role is the new holder's in Meta's words (customer_service, marketing, escalation, ai_agent …);
	// empty where Meta does not say.
	Role string
	At   time.Time
}

// TemplateUpdateKind is which side of a template changed.
type TemplateUpdateKind string

const (
	TemplateStatusChanged     TemplateUpdateKind = "status"
	TemplateQualityChanged    TemplateUpdateKind = "quality"
	TemplateComponentsChanged TemplateUpdateKind = "components"
	TemplateCategoryChanged   TemplateUpdateKind = "category"
	TemplateCategoryDetected  TemplateUpdateKind = "category to come"
)

// TemplateUpdate says that a template changed. Fetch it again rather than trust the order of these.
type TemplateUpdate struct {
	WABAID     string
	Kind       TemplateUpdateKind
	TemplateID string
	Name       string
	Language   string // as the API writes it, en_US
	At         time.Time
	// Event is the new status: APPROVED, REJECTED, PAUSED, DISABLED, FLAGGED, LOCKED, UNARCHIVED …
	Event    string
	Category string
	// Reason is Meta's enum; empty for NONE. RejectionText and Recommendation are for people.
	Reason         string
	RejectionText  string
	Recommendation string
	// DisableAt is when a flagged template will be disabled.
	DisableAt time.Time
	// Title and Description tell more of a pause or lock: FIRST_PAUSE, SECOND_PAUSE,
	// RATE_LIMITING_PAUSE, UNPAUSE …
	Title       string
	Description string

	PreviousQuality string
	NewQuality      string

	// NewCategory is the category it has now. While CorrectCategory is set with CategoryChangesAt, the
	// change is yet to come.
	PreviousCategory  string
	NewCategory       string
	CorrectCategory   string
	CategoryChangesAt time.Time
}

// NumberUpdateKind is which side of a phone number changed.
type NumberUpdateKind string

const (
	NumberQualityChanged  NumberUpdateKind = "quality"
	NumberNameChanged     NumberUpdateKind = "name"
	NumberUsernameChanged NumberUpdateKind = "username"
	NumberSettingsChanged NumberUpdateKind = "settings"
)

// NumberUpdate says that a phone number changed. Mostly Meta names it only by its display number.
type NumberUpdate struct {
	WABAID             string
	Kind               NumberUpdateKind
	PhoneNumberID      string
	DisplayPhoneNumber string
	At                 time.Time
	// Event is ONBOARDING, THROUGHPUT_UPGRADE, FLAGGED, UNFLAGGED, UPGRADE or DOWNGRADE; a name's
	// decision (APPROVED, DEFERRED, PENDING, REJECTED); or a username's status.
	Event string
	// Limit and OldLimit are messaging limits, of the whole portfolio.
	Limit           Tier
	OldLimit        Tier
	VerifiedName    string
	RejectionReason string
	Username        string
}

// AccountUpdateKind is which side of an account changed.
type AccountUpdateKind string

const (
	AccountChanged  AccountUpdateKind = "update"
	AccountReviewed AccountUpdateKind = "review"
	AccountAlerted  AccountUpdateKind = "alert"
)

// AccountUpdate says that something happened to an account.
type AccountUpdate struct {
	// WABAID is what the event came for: the account, or for a partner's events perhaps a portfolio.
	// Those name the account in PartnerWABAID, which is empty for all others.
	WABAID        string
	PartnerWABAID string

	Kind AccountUpdateKind
	At   time.Time
	// Event is Meta's name of it: DISABLED_UPDATE, ACCOUNT_RESTRICTION, PARTNER_APP_UNINSTALLED …; a
	// review's decision; or an alert's type.
	Event string

	BanState        string // DISABLE, REINSTATE, SCHEDULE_FOR_DISABLE
	BanDate         string
	ViolationType   string
	Restrictions    []Restriction
	OwnerBusinessID string
	PartnerAppID    string
	// DisconnectReason and DisconnectedBy belong to a coexistence number that left.
	DisconnectReason string
	DisconnectedBy   string
	Alert            *Alert
}

// Restriction is one thing an account may not do for a time.
type Restriction struct {
	Type        string
	ExpiresAt   time.Time // zero: not said
	Remediation string
}

// Alert is an account alert.
type Alert struct {
	EntityType  string
	EntityID    string
	Severity    string // CRITICAL, WARNING, INFORMATIONAL
	Status      string // ACTIVE, NONE
	Type        string
	Description string
}

// CapabilityUpdate says what a portfolio may do now.
type CapabilityUpdate struct {
	WABAID                     string
	At                         time.Time
	MessagingLimit             Tier
	MaxPhoneNumbersPerBusiness int // zero: not said
	MaxPhoneNumbersPerWABA     int
}

// PreferenceValue is a person's wish about marketing.
type PreferenceValue string

const (
	PreferenceStop   PreferenceValue = "stop"
	PreferenceResume PreferenceValue = "resume"
	PreferenceSignup PreferenceValue = "signup"
)

// Preference says that a person stopped or resumed a kind of message.
type Preference struct {
	WABAID        string
	PhoneNumberID string
	WaID          string
	UserID        string
	Category      string // marketing_messages
	Value         PreferenceValue
	Detail        string
	SignupID      string
	At            time.Time
	Undated       bool // as Inbound.Undated
}

// SecurityUpdate says that someone changed, or asked to reset, a number's PIN.
type SecurityUpdate struct {
	WABAID             string
	DisplayPhoneNumber string
	Event              string
	RequesterID        string
	At                 time.Time
}

// ChannelError is an error that belongs to no message.
type ChannelError struct {
	WABAID        string
	PhoneNumberID string
	StatusError
}

// Notice is a change that we know by name and do not act upon: calls, groups, flows, history,
// payments …
type Notice struct {
	WABAID        string
	PhoneNumberID string
	Field         string
	Event         string
	At            time.Time
}
