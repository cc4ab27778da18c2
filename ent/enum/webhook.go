package enum

import "io"

// WebhookEndpointStatus says whether an endpoint gets events.
type WebhookEndpointStatus string

const (
	WebhookEndpointStatusEnabled   WebhookEndpointStatus = "ENABLED"
	WebhookEndpointStatusDisabled  WebhookEndpointStatus = "DISABLED"
	WebhookEndpointStatusSuspended WebhookEndpointStatus = "SUSPENDED"
)

// MarshalGQL and UnmarshalGQL bind WebhookEndpointStatus to the GraphQL enum of that name.
func (v WebhookEndpointStatus) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *WebhookEndpointStatus) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (WebhookEndpointStatus) Values() []string {
	return []string{"ENABLED", "DISABLED", "SUSPENDED"}
}

// WebhookDeliveryStatus is how far the delivery of an event has come.
type WebhookDeliveryStatus string

const (
	WebhookDeliveryStatusPending   WebhookDeliveryStatus = "PENDING"
	WebhookDeliveryStatusDelivered WebhookDeliveryStatus = "DELIVERED"
	WebhookDeliveryStatusFailed    WebhookDeliveryStatus = "FAILED"
)

// MarshalGQL and UnmarshalGQL bind WebhookDeliveryStatus to the GraphQL enum of that name.
func (v WebhookDeliveryStatus) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *WebhookDeliveryStatus) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (WebhookDeliveryStatus) Values() []string {
	return []string{"PENDING", "DELIVERED", "FAILED"}
}

// WebhookEventType is what an endpoint can be told of.
type WebhookEventType string

const (
	WebhookEventTypeMessageAccepted          WebhookEventType = "MESSAGE_ACCEPTED"
	WebhookEventTypeMessageSent              WebhookEventType = "MESSAGE_SENT"
	WebhookEventTypeMessageDelivered         WebhookEventType = "MESSAGE_DELIVERED"
	WebhookEventTypeMessageRead              WebhookEventType = "MESSAGE_READ"
	WebhookEventTypeMessageFailed            WebhookEventType = "MESSAGE_FAILED"
	WebhookEventTypeMessageUnknown           WebhookEventType = "MESSAGE_UNKNOWN"
	WebhookEventTypeMessageSkipped           WebhookEventType = "MESSAGE_SKIPPED"
	WebhookEventTypeMessageReceived          WebhookEventType = "MESSAGE_RECEIVED"
	WebhookEventTypeCampaignStatusChanged    WebhookEventType = "CAMPAIGN_STATUS_CHANGED"
	WebhookEventTypeTemplateStatusChanged    WebhookEventType = "TEMPLATE_STATUS_CHANGED"
	WebhookEventTypeAccountStatusChanged     WebhookEventType = "ACCOUNT_STATUS_CHANGED"
	WebhookEventTypePhoneNumberStatusChanged WebhookEventType = "PHONE_NUMBER_STATUS_CHANGED"
	WebhookEventTypeConsentChanged           WebhookEventType = "CONSENT_CHANGED"
	WebhookEventTypeImportEnded              WebhookEventType = "IMPORT_ENDED"
	WebhookEventTypeExportEnded              WebhookEventType = "EXPORT_ENDED"
)

// MarshalGQL and UnmarshalGQL bind WebhookEventType to the GraphQL enum of that name.
func (v WebhookEventType) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *WebhookEventType) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them for the data model.
func (WebhookEventType) Values() []string {
	return []string{"MESSAGE_ACCEPTED", "MESSAGE_SENT", "MESSAGE_DELIVERED", "MESSAGE_READ",
		"MESSAGE_FAILED", "MESSAGE_UNKNOWN", "MESSAGE_SKIPPED", "MESSAGE_RECEIVED",
		"CAMPAIGN_STATUS_CHANGED", "TEMPLATE_STATUS_CHANGED", "ACCOUNT_STATUS_CHANGED",
		"PHONE_NUMBER_STATUS_CHANGED", "CONSENT_CHANGED", "IMPORT_ENDED", "EXPORT_ENDED"}
}
