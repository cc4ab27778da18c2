// Package enum is the vocabulary that Go, SQL and GraphQL share: one type per GraphQL enum, of the
// same name and with the same values. The SDL says what each value means.
package enum

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

type value interface {
	~string
	Values() []string
}

func write[T value](w io.Writer, v T) { _, _ = io.WriteString(w, strconv.Quote(string(v))) }

func read[T value](into *T, v any) error {
	s, ok := v.(string)
	if !ok || !slices.Contains(T("").Values(), s) {
		return fmt.Errorf("%v is not one of %v", v, T("").Values())
	}

	*into = T(s)

	return nil
}

// OrganizationStatus says whether an organization may send.
type OrganizationStatus string

const (
	OrganizationStatusActive    OrganizationStatus = "ACTIVE"
	OrganizationStatusSuspended OrganizationStatus = "SUSPENDED"
	OrganizationStatusClosed    OrganizationStatus = "CLOSED"
)

// MarshalGQL and UnmarshalGQL bind OrganizationStatus to the GraphQL enum of that name.
func (v OrganizationStatus) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *OrganizationStatus) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (OrganizationStatus) Values() []string {
	return []string{"ACTIVE", "SUSPENDED", "CLOSED"}
}

// Role says what a member or an API key may do; each includes those after it.
type Role string

const (
	RoleOwner      Role = "OWNER"
	RoleAdmin      Role = "ADMIN"
	RoleCampaigner Role = "CAMPAIGNER"
	RoleViewer     Role = "VIEWER"
)

// MarshalGQL and UnmarshalGQL bind Role to the GraphQL enum of that name.
func (v Role) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *Role) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (Role) Values() []string {
	return []string{"OWNER", "ADMIN", "CAMPAIGNER", "VIEWER"}
}

// APIScope is what an API key may do within its role.
type APIScope string

const (
	APIScopeRead               APIScope = "READ"
	APIScopeSendMessages       APIScope = "SEND_MESSAGES"
	APIScopeManageContacts     APIScope = "MANAGE_CONTACTS"
	APIScopeManageTemplates    APIScope = "MANAGE_TEMPLATES"
	APIScopeManageCampaigns    APIScope = "MANAGE_CAMPAIGNS"
	APIScopeManageWebhooks     APIScope = "MANAGE_WEBHOOKS"
	APIScopeExport             APIScope = "EXPORT"
	APIScopeManageOrganization APIScope = "MANAGE_ORGANIZATION"
)

// MarshalGQL and UnmarshalGQL bind APIScope to the GraphQL enum of that name.
func (v APIScope) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *APIScope) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (APIScope) Values() []string {
	return []string{"READ", "SEND_MESSAGES", "MANAGE_CONTACTS", "MANAGE_TEMPLATES", "MANAGE_CAMPAIGNS",
		"MANAGE_WEBHOOKS", "EXPORT", "MANAGE_ORGANIZATION"}
}

// UnknownPolicy says what becomes of a message whose answer was lost and stays silent.
type UnknownPolicy string

const (
	UnknownPolicyPreferNoDuplicate UnknownPolicy = "PREFER_NO_DUPLICATE"
	UnknownPolicyPreferDelivery    UnknownPolicy = "PREFER_DELIVERY"
)

// MarshalGQL and UnmarshalGQL bind UnknownPolicy to the GraphQL enum of that name.
func (v UnknownPolicy) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *UnknownPolicy) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (UnknownPolicy) Values() []string {
	return []string{"PREFER_NO_DUPLICATE", "PREFER_DELIVERY"}
}

// AccountStatus says whether a bound WABA can be used.
type AccountStatus string

const (
	AccountStatusConnected    AccountStatus = "CONNECTED"
	AccountStatusTokenExpired AccountStatus = "TOKEN_EXPIRED"
	AccountStatusRestricted   AccountStatus = "RESTRICTED"
	AccountStatusDisabled     AccountStatus = "DISABLED"
	AccountStatusDisconnected AccountStatus = "DISCONNECTED"
)

// MarshalGQL and UnmarshalGQL bind AccountStatus to the GraphQL enum of that name.
func (v AccountStatus) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *AccountStatus) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (AccountStatus) Values() []string {
	return []string{"CONNECTED", "TOKEN_EXPIRED", "RESTRICTED", "DISABLED", "DISCONNECTED"}
}

// QualityRating says Meta's rating of a number or a template.
type QualityRating string

const (
	QualityRatingGreen   QualityRating = "GREEN"
	QualityRatingYellow  QualityRating = "YELLOW"
	QualityRatingRed     QualityRating = "RED"
	QualityRatingUnknown QualityRating = "UNKNOWN"
)

// MarshalGQL and UnmarshalGQL bind QualityRating to the GraphQL enum of that name.
func (v QualityRating) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *QualityRating) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (QualityRating) Values() []string {
	return []string{"GREEN", "YELLOW", "RED", "UNKNOWN"}
}

// TemplateCategory says what a template is for, which sets its price and its rules.
type TemplateCategory string

const (
	TemplateCategoryMarketing      TemplateCategory = "MARKETING"
	TemplateCategoryUtility        TemplateCategory = "UTILITY"
	TemplateCategoryAuthentication TemplateCategory = "AUTHENTICATION"
)

// MarshalGQL and UnmarshalGQL bind TemplateCategory to the GraphQL enum of that name.
func (v TemplateCategory) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *TemplateCategory) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (TemplateCategory) Values() []string {
	return []string{"MARKETING", "UTILITY", "AUTHENTICATION"}
}

// TemplateStatus says where a template stands at Meta; only APPROVED can be sent.
type TemplateStatus string

const (
	TemplateStatusDraft           TemplateStatus = "DRAFT"
	TemplateStatusPending         TemplateStatus = "PENDING"
	TemplateStatusApproved        TemplateStatus = "APPROVED"
	TemplateStatusRejected        TemplateStatus = "REJECTED"
	TemplateStatusPaused          TemplateStatus = "PAUSED"
	TemplateStatusDisabled        TemplateStatus = "DISABLED"
	TemplateStatusInAppeal        TemplateStatus = "IN_APPEAL"
	TemplateStatusPendingDeletion TemplateStatus = "PENDING_DELETION"
	TemplateStatusDeleted         TemplateStatus = "DELETED"
	TemplateStatusLimitExceeded   TemplateStatus = "LIMIT_EXCEEDED"
	TemplateStatusArchived        TemplateStatus = "ARCHIVED"
)

// MarshalGQL and UnmarshalGQL bind TemplateStatus to the GraphQL enum of that name.
func (v TemplateStatus) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *TemplateStatus) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (TemplateStatus) Values() []string {
	return []string{"DRAFT", "PENDING", "APPROVED", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING_DELETION",
		"DELETED", "LIMIT_EXCEEDED", "ARCHIVED"}
}

// ParameterFormat says how a template names its variables.
type ParameterFormat string

const (
	ParameterFormatPositional ParameterFormat = "POSITIONAL"
	ParameterFormatNamed      ParameterFormat = "NAMED"
)

// MarshalGQL and UnmarshalGQL bind ParameterFormat to the GraphQL enum of that name.
func (v ParameterFormat) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *ParameterFormat) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (ParameterFormat) Values() []string {
	return []string{"POSITIONAL", "NAMED"}
}

// ComponentType says a part of a template.
type ComponentType string

const (
	ComponentTypeHeader                ComponentType = "HEADER"
	ComponentTypeBody                  ComponentType = "BODY"
	ComponentTypeFooter                ComponentType = "FOOTER"
	ComponentTypeButtons               ComponentType = "BUTTONS"
	ComponentTypeCarousel              ComponentType = "CAROUSEL"
	ComponentTypeLimitedTimeOffer      ComponentType = "LIMITED_TIME_OFFER"
	ComponentTypeCallPermissionRequest ComponentType = "CALL_PERMISSION_REQUEST"
	ComponentTypeOther                 ComponentType = "OTHER"
)

// MarshalGQL and UnmarshalGQL bind ComponentType to the GraphQL enum of that name.
func (v ComponentType) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *ComponentType) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (ComponentType) Values() []string {
	return []string{"HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER", "CALL_PERMISSION_REQUEST",
		"OTHER"}
}

// HeaderFormat says what a template's header holds.
type HeaderFormat string

const (
	HeaderFormatText     HeaderFormat = "TEXT"
	HeaderFormatImage    HeaderFormat = "IMAGE"
	HeaderFormatVideo    HeaderFormat = "VIDEO"
	HeaderFormatDocument HeaderFormat = "DOCUMENT"
	HeaderFormatLocation HeaderFormat = "LOCATION"
	HeaderFormatGIF      HeaderFormat = "GIF"
	HeaderFormatProduct  HeaderFormat = "PRODUCT"
)

// MarshalGQL and UnmarshalGQL bind HeaderFormat to the GraphQL enum of that name.
func (v HeaderFormat) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *HeaderFormat) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (HeaderFormat) Values() []string {
	return []string{"TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "GIF", "PRODUCT"}
}

// ButtonType says what a template's button does.
type ButtonType string

const (
	ButtonTypeQuickReply            ButtonType = "QUICK_REPLY"
	ButtonTypeURL                   ButtonType = "URL"
	ButtonTypePhoneNumber           ButtonType = "PHONE_NUMBER"
	ButtonTypeCopyCode              ButtonType = "COPY_CODE"
	ButtonTypeOTP                   ButtonType = "OTP"
	ButtonTypeFlow                  ButtonType = "FLOW"
	ButtonTypeCatalog               ButtonType = "CATALOG"
	ButtonTypeMPM                   ButtonType = "MPM"
	ButtonTypeSPM                   ButtonType = "SPM"
	ButtonTypeVoiceCall             ButtonType = "VOICE_CALL"
	ButtonTypeCallPermissionRequest ButtonType = "CALL_PERMISSION_REQUEST"
	ButtonTypeRequestContactInfo    ButtonType = "REQUEST_CONTACT_INFO"
	ButtonTypeOther                 ButtonType = "OTHER"
)

// MarshalGQL and UnmarshalGQL bind ButtonType to the GraphQL enum of that name.
func (v ButtonType) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *ButtonType) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (ButtonType) Values() []string {
	return []string{"QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "OTP", "FLOW", "CATALOG", "MPM", "SPM",
		"VOICE_CALL", "CALL_PERMISSION_REQUEST", "REQUEST_CONTACT_INFO", "OTHER"}
}

// OTPType says how a one-time password is filled in.
type OTPType string

const (
	OTPTypeCopyCode OTPType = "COPY_CODE"
	OTPTypeOneTap   OTPType = "ONE_TAP"
	OTPTypeZeroTap  OTPType = "ZERO_TAP"
)

// MarshalGQL and UnmarshalGQL bind OTPType to the GraphQL enum of that name.
func (v OTPType) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *OTPType) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (OTPType) Values() []string {
	return []string{"COPY_CODE", "ONE_TAP", "ZERO_TAP"}
}

// ParameterKind says what a template parameter takes.
type ParameterKind string

const (
	ParameterKindText       ParameterKind = "TEXT"
	ParameterKindImage      ParameterKind = "IMAGE"
	ParameterKindVideo      ParameterKind = "VIDEO"
	ParameterKindDocument   ParameterKind = "DOCUMENT"
	ParameterKindLocation   ParameterKind = "LOCATION"
	ParameterKindURLSuffix  ParameterKind = "URL_SUFFIX"
	ParameterKindCouponCode ParameterKind = "COUPON_CODE"
	ParameterKindOTPCode    ParameterKind = "OTP_CODE"
	ParameterKindPayload    ParameterKind = "PAYLOAD"
	ParameterKindExpiration ParameterKind = "EXPIRATION"
)

// MarshalGQL and UnmarshalGQL bind ParameterKind to the GraphQL enum of that name.
func (v ParameterKind) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *ParameterKind) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (ParameterKind) Values() []string {
	return []string{"TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "URL_SUFFIX", "COUPON_CODE", "OTP_CODE",
		"PAYLOAD", "EXPIRATION"}
}

// Severity says whether a problem stops a submission.
type Severity string

const (
	SeverityError   Severity = "ERROR"
	SeverityWarning Severity = "WARNING"
)

// MarshalGQL and UnmarshalGQL bind Severity to the GraphQL enum of that name.
func (v Severity) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *Severity) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (Severity) Values() []string {
	return []string{"ERROR", "WARNING"}
}

// Consent says whether a contact wants marketing.
type Consent string

const (
	ConsentOptedIn  Consent = "OPTED_IN"
	ConsentOptedOut Consent = "OPTED_OUT"
	ConsentUnknown  Consent = "UNKNOWN"
)

// MarshalGQL and UnmarshalGQL bind Consent to the GraphQL enum of that name.
func (v Consent) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *Consent) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (Consent) Values() []string {
	return []string{"OPTED_IN", "OPTED_OUT", "UNKNOWN"}
}

// ConsentSpeaker says whose word a statement of consent is.
type ConsentSpeaker string

const (
	ConsentSpeakerContact      ConsentSpeaker = "CONTACT"
	ConsentSpeakerOrganization ConsentSpeaker = "ORGANIZATION"
)

// MarshalGQL and UnmarshalGQL bind ConsentSpeaker to the GraphQL enum of that name.
func (v ConsentSpeaker) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *ConsentSpeaker) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (ConsentSpeaker) Values() []string {
	return []string{"CONTACT", "ORGANIZATION"}
}

// IdentifierKind says by what a contact is found.
type IdentifierKind string

const (
	IdentifierKindPhone   IdentifierKind = "PHONE"
	IdentifierKindUserID  IdentifierKind = "USER_ID"
	IdentifierKindContact IdentifierKind = "CONTACT"
)

// MarshalGQL and UnmarshalGQL are what the generated data model asks of every enum.
func (v IdentifierKind) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *IdentifierKind) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (IdentifierKind) Values() []string { return []string{"PHONE", "USER_ID", "CONTACT"} }

// CampaignOutcome is what came of a campaign for one person.
type CampaignOutcome string

const (
	CampaignOutcomeSkipped      CampaignOutcome = "SKIPPED"
	CampaignOutcomeFailed       CampaignOutcome = "FAILED"
	CampaignOutcomeNotDelivered CampaignOutcome = "NOT_DELIVERED"
	CampaignOutcomeDelivered    CampaignOutcome = "DELIVERED"
	CampaignOutcomeNotRead      CampaignOutcome = "NOT_READ"
	CampaignOutcomeRead         CampaignOutcome = "READ"
	CampaignOutcomeReplied      CampaignOutcome = "REPLIED"
	CampaignOutcomeNotReplied   CampaignOutcome = "NOT_REPLIED"
)

// MarshalGQL and UnmarshalGQL bind CampaignOutcome to the GraphQL enum of that name.
func (v CampaignOutcome) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *CampaignOutcome) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them.
func (CampaignOutcome) Values() []string {
	return []string{"SKIPPED", "FAILED", "NOT_DELIVERED", "DELIVERED", "NOT_READ", "READ", "REPLIED", "NOT_REPLIED"}
}

// CampaignCountKind says by what people of a campaign are counted.
type CampaignCountKind string

const (
	CampaignCountKindSkip   CampaignCountKind = "SKIP"
	CampaignCountKindButton CampaignCountKind = "BUTTON"
)

// MarshalGQL and UnmarshalGQL are what ent's code asks of every enum.
func (v CampaignCountKind) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *CampaignCountKind) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (CampaignCountKind) Values() []string { return []string{"SKIP", "BUTTON"} }

// JobStatus says how far a background job is.
type JobStatus string

const (
	JobStatusPending   JobStatus = "PENDING"
	JobStatusRunning   JobStatus = "RUNNING"
	JobStatusCompleted JobStatus = "COMPLETED"
	JobStatusFailed    JobStatus = "FAILED"
	JobStatusCanceled  JobStatus = "CANCELED"
)

// MarshalGQL and UnmarshalGQL bind JobStatus to the GraphQL enum of that name.
func (v JobStatus) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *JobStatus) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (JobStatus) Values() []string {
	return []string{"PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELED"}
}

// NumberForm says how the numbers of a file are written where they have no +.
type NumberForm string

const (
	NumberFormNational      NumberForm = "NATIONAL"
	NumberFormInternational NumberForm = "INTERNATIONAL"
)

// MarshalGQL and UnmarshalGQL bind NumberForm to the GraphQL enum of that name.
func (v NumberForm) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *NumberForm) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (NumberForm) Values() []string { return []string{"NATIONAL", "INTERNATIONAL"} }

// CampaignStatus says where a campaign is in its life.
type CampaignStatus string

const (
	CampaignStatusDraft     CampaignStatus = "DRAFT"
	CampaignStatusScheduled CampaignStatus = "SCHEDULED"
	CampaignStatusPreparing CampaignStatus = "PREPARING"
	CampaignStatusRunning   CampaignStatus = "RUNNING"
	CampaignStatusPaused    CampaignStatus = "PAUSED"
	CampaignStatusCompleted CampaignStatus = "COMPLETED"
	CampaignStatusCanceled  CampaignStatus = "CANCELED"
	CampaignStatusFailed    CampaignStatus = "FAILED"
)

// MarshalGQL and UnmarshalGQL bind CampaignStatus to the GraphQL enum of that name.
func (v CampaignStatus) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *CampaignStatus) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (CampaignStatus) Values() []string {
	return []string{"DRAFT", "SCHEDULED", "PREPARING", "RUNNING", "PAUSED", "COMPLETED", "CANCELED", "FAILED"}
}

// CampaignStatusReason says why a campaign is paused or failed.
type CampaignStatusReason string

const (
	CampaignStatusReasonPausedByUser          CampaignStatusReason = "PAUSED_BY_USER"
	CampaignStatusReasonMessagingLimit        CampaignStatusReason = "MESSAGING_LIMIT"
	CampaignStatusReasonTemplatePaused        CampaignStatusReason = "TEMPLATE_PAUSED"
	CampaignStatusReasonTemplateDisabled      CampaignStatusReason = "TEMPLATE_DISABLED"
	CampaignStatusReasonQualityLow            CampaignStatusReason = "QUALITY_LOW"
	CampaignStatusReasonAccountRestricted     CampaignStatusReason = "ACCOUNT_RESTRICTED"
	CampaignStatusReasonTokenInvalid          CampaignStatusReason = "TOKEN_INVALID"
	CampaignStatusReasonPaymentIssue          CampaignStatusReason = "PAYMENT_ISSUE"
	CampaignStatusReasonFailureRate           CampaignStatusReason = "FAILURE_RATE"
	CampaignStatusReasonOrganizationSuspended CampaignStatusReason = "ORGANIZATION_SUSPENDED"
	CampaignStatusReasonQuietHours            CampaignStatusReason = "QUIET_HOURS"
	CampaignStatusReasonMissingParameter      CampaignStatusReason = "MISSING_PARAMETER"
	CampaignStatusReasonNumberUnavailable     CampaignStatusReason = "NUMBER_UNAVAILABLE"
	CampaignStatusReasonTermsNotAccepted      CampaignStatusReason = "TERMS_NOT_ACCEPTED"
	CampaignStatusReasonQuotaReached          CampaignStatusReason = "QUOTA_REACHED"
	CampaignStatusReasonScheduleMissed        CampaignStatusReason = "SCHEDULE_MISSED"
	CampaignStatusReasonAudienceEmpty         CampaignStatusReason = "AUDIENCE_EMPTY"
	CampaignStatusReasonRecipientsPending     CampaignStatusReason = "RECIPIENTS_PENDING"
	CampaignStatusReasonCanaryFailed          CampaignStatusReason = "CANARY_FAILED"
)

// MarshalGQL and UnmarshalGQL bind CampaignStatusReason to the GraphQL enum of that name.
func (v CampaignStatusReason) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *CampaignStatusReason) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (CampaignStatusReason) Values() []string {
	return []string{"PAUSED_BY_USER", "MESSAGING_LIMIT", "TEMPLATE_PAUSED", "TEMPLATE_DISABLED", "QUALITY_LOW",
		"ACCOUNT_RESTRICTED", "TOKEN_INVALID", "PAYMENT_ISSUE", "FAILURE_RATE", "ORGANIZATION_SUSPENDED", "QUIET_HOURS",
		"MISSING_PARAMETER", "NUMBER_UNAVAILABLE", "TERMS_NOT_ACCEPTED", "QUOTA_REACHED",
		"SCHEDULE_MISSED", "AUDIENCE_EMPTY", "RECIPIENTS_PENDING", "CANARY_FAILED"}
}

// MissingParameterPolicy says what to do about a recipient without a value.
type MissingParameterPolicy string

const (
	MissingParameterPolicySkip MissingParameterPolicy = "SKIP"
	MissingParameterPolicyFail MissingParameterPolicy = "FAIL"
)

// MarshalGQL and UnmarshalGQL bind MissingParameterPolicy to the GraphQL enum of that name.
func (v MissingParameterPolicy) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *MissingParameterPolicy) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (MissingParameterPolicy) Values() []string {
	return []string{"SKIP", "FAIL"}
}

// CanaryState says how far a campaign's canary has come.
type CanaryState string

const (
	CanaryStatePending CanaryState = "PENDING" // nothing of it is sent
	CanaryStateSending CanaryState = "SENDING"
	CanaryStateWaiting CanaryState = "WAITING" // all of it is sent
	CanaryStatePassed  CanaryState = "PASSED"
	CanaryStateFailed  CanaryState = "FAILED"
)

// MarshalGQL and UnmarshalGQL bind CanaryState to the GraphQL enum of that name.
func (v CanaryState) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *CanaryState) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (CanaryState) Values() []string {
	return []string{"PENDING", "SENDING", "WAITING", "PASSED", "FAILED"}
}

// SkipReason says why a recipient was left out.
type SkipReason string

const (
	SkipReasonOptedOut         SkipReason = "OPTED_OUT"
	SkipReasonNoOptIn          SkipReason = "NO_OPT_IN"
	SkipReasonContactDeleted   SkipReason = "CONTACT_DELETED"
	SkipReasonDuplicate        SkipReason = "DUPLICATE"
	SkipReasonInvalidNumber    SkipReason = "INVALID_NUMBER"
	SkipReasonMissingParameter SkipReason = "MISSING_PARAMETER"
	SkipReasonInvalidParameter SkipReason = "INVALID_PARAMETER"
	SkipReasonFrequencyCap     SkipReason = "FREQUENCY_CAP"
	SkipReasonSuppressed       SkipReason = "SUPPRESSED"
	SkipReasonBlocked          SkipReason = "BLOCKED"
	SkipReasonCountryRule      SkipReason = "COUNTRY_RULE"
	SkipReasonExpired          SkipReason = "EXPIRED"
	SkipReasonNoTranslation    SkipReason = "NO_TRANSLATION"
)

// MarshalGQL and UnmarshalGQL bind SkipReason to the GraphQL enum of that name.
func (v SkipReason) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *SkipReason) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (SkipReason) Values() []string {
	return []string{"OPTED_OUT", "NO_OPT_IN", "CONTACT_DELETED", "DUPLICATE", "INVALID_NUMBER", "MISSING_PARAMETER",
		"INVALID_PARAMETER", "FREQUENCY_CAP", "SUPPRESSED", "BLOCKED", "COUNTRY_RULE", "EXPIRED",
		"NO_TRANSLATION"}
}

// Direction says who wrote a message.
type Direction string

const (
	DirectionOutbound Direction = "OUTBOUND"
	DirectionInbound  Direction = "INBOUND"
)

// MarshalGQL and UnmarshalGQL bind Direction to the GraphQL enum of that name.
func (v Direction) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *Direction) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (Direction) Values() []string {
	return []string{"OUTBOUND", "INBOUND"}
}

// MessageType says what a message holds.
type MessageType string

const (
	MessageTypeTemplate    MessageType = "TEMPLATE"
	MessageTypeText        MessageType = "TEXT"
	MessageTypeImage       MessageType = "IMAGE"
	MessageTypeVideo       MessageType = "VIDEO"
	MessageTypeAudio       MessageType = "AUDIO"
	MessageTypeDocument    MessageType = "DOCUMENT"
	MessageTypeSticker     MessageType = "STICKER"
	MessageTypeLocation    MessageType = "LOCATION"
	MessageTypeContacts    MessageType = "CONTACTS"
	MessageTypeInteractive MessageType = "INTERACTIVE"
	MessageTypeButton      MessageType = "BUTTON"
	MessageTypeReaction    MessageType = "REACTION"
	MessageTypeOrder       MessageType = "ORDER"
	MessageTypeSystem      MessageType = "SYSTEM"
	MessageTypeUnsupported MessageType = "UNSUPPORTED"
)

// MarshalGQL and UnmarshalGQL bind MessageType to the GraphQL enum of that name.
func (v MessageType) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *MessageType) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (MessageType) Values() []string {
	return []string{"TEMPLATE", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT", "STICKER", "LOCATION", "CONTACTS",
		"INTERACTIVE", "BUTTON", "REACTION", "ORDER", "SYSTEM", "UNSUPPORTED"}
}

// MessageStatus says the furthest that a message is known to have come.
type MessageStatus string

const (
	MessageStatusQueued    MessageStatus = "QUEUED"
	MessageStatusSending   MessageStatus = "SENDING"
	MessageStatusAccepted  MessageStatus = "ACCEPTED"
	MessageStatusHeld      MessageStatus = "HELD"
	MessageStatusSent      MessageStatus = "SENT"
	MessageStatusDelivered MessageStatus = "DELIVERED"
	MessageStatusRead      MessageStatus = "READ"
	MessageStatusFailed    MessageStatus = "FAILED"
	MessageStatusUnknown   MessageStatus = "UNKNOWN"
	MessageStatusSkipped   MessageStatus = "SKIPPED"
	MessageStatusCanceled  MessageStatus = "CANCELED"
	MessageStatusReceived  MessageStatus = "RECEIVED"
	MessageStatusEdited    MessageStatus = "EDITED"  // of events alone
	MessageStatusRevoked   MessageStatus = "REVOKED" // of events alone
)

// MarshalGQL and UnmarshalGQL bind MessageStatus to the GraphQL enum of that name.
func (v MessageStatus) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *MessageStatus) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (MessageStatus) Values() []string {
	return []string{"QUEUED", "SENDING", "ACCEPTED", "HELD", "SENT", "DELIVERED", "READ", "FAILED", "UNKNOWN",
		"SKIPPED", "CANCELED", "RECEIVED", "EDITED", "REVOKED"}
}

// MessageRoute says by which of Meta's endpoints a message went.
type MessageRoute string

const (
	MessageRouteMessages          MessageRoute = "MESSAGES"
	MessageRouteMarketingMessages MessageRoute = "MARKETING_MESSAGES"
)

// MarshalGQL and UnmarshalGQL bind MessageRoute to the GraphQL enum of that name.
func (v MessageRoute) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *MessageRoute) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (MessageRoute) Values() []string { return []string{"MESSAGES", "MARKETING_MESSAGES"} }

// NotificationKind says of what members may be told by mail.
type NotificationKind string

const (
	NotificationKindCampaignPaused    NotificationKind = "CAMPAIGN_PAUSED"
	NotificationKindCampaignEnded     NotificationKind = "CAMPAIGN_ENDED"
	NotificationKindImportFailed      NotificationKind = "IMPORT_FAILED"
	NotificationKindExportFailed      NotificationKind = "EXPORT_FAILED"
	NotificationKindTokenExpiring     NotificationKind = "TOKEN_EXPIRING"
	NotificationKindTokenExpired      NotificationKind = "TOKEN_EXPIRED"
	NotificationKindAccountRestricted NotificationKind = "ACCOUNT_RESTRICTED"
	NotificationKindTemplateRejected  NotificationKind = "TEMPLATE_REJECTED"
	NotificationKindWebhookSuspended  NotificationKind = "WEBHOOK_SUSPENDED"
)

// MarshalGQL and UnmarshalGQL bind NotificationKind to the GraphQL enum of that name.
func (v NotificationKind) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *NotificationKind) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (NotificationKind) Values() []string {
	return []string{"CAMPAIGN_PAUSED", "CAMPAIGN_ENDED", "IMPORT_FAILED", "EXPORT_FAILED", "TOKEN_EXPIRING",
		"TOKEN_EXPIRED", "ACCOUNT_RESTRICTED", "TEMPLATE_REJECTED", "WEBHOOK_SUSPENDED"}
}
