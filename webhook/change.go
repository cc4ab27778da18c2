package webhook

import (
	"time"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
)

// statusChange is the default data of events of things that have another status. Its names are
// those of the API; what does not apply is left out.
type statusChange struct {
	ID             uid.ID `json:"id"`
	Name           string `json:"name,omitempty"`
	Language       string `json:"language,omitempty"`      // of a template
	WabaID         string `json:"wabaId,omitempty"`        // of an account
	DisplayNumber  string `json:"displayNumber,omitempty"` // of a phone number
	AccountID      uid.ID `json:"accountId,omitzero"`
	Status         string `json:"status"`
	PreviousStatus string `json:"previousStatus"`
	StatusReason   string `json:"statusReason,omitempty"`
	StatusDetail   string `json:"statusDetail,omitempty"` // of a campaign
}

// CampaignChanged tells that a campaign came from one status to the one that it has.
func CampaignChanged(c *ent.Campaign, from enum.CampaignStatus, at time.Time) Event {
	return Event{c.OrganizationID, enum.WebhookEventTypeCampaignStatusChanged, c.ID, at,
		statusChange{ID: c.ID, Name: c.Name, Status: string(c.Status), PreviousStatus: string(from),
			StatusReason: string(orEmpty(c.StatusReason)), StatusDetail: orEmpty(c.StatusDetail)}}
}

// TemplateChanged tells that a template came from one status to the one that it has.
func TemplateChanged(t *ent.Template, from enum.TemplateStatus, at time.Time) Event {
	return Event{t.OrganizationID, enum.WebhookEventTypeTemplateStatusChanged, t.ID, at,
		statusChange{ID: t.ID, Name: t.Name, Language: t.Language, AccountID: t.AccountID, Status: string(t.Status),
			PreviousStatus: string(from), StatusReason: orEmpty(t.RejectionReason)}}
}

// AccountChanged tells that an account came from one status to the one that it has.
func AccountChanged(a *ent.Account, from enum.AccountStatus, at time.Time) Event {
	return Event{a.OrganizationID, enum.WebhookEventTypeAccountStatusChanged, a.ID, at,
		statusChange{ID: a.ID, Name: a.Name, WabaID: a.WabaID, Status: string(a.Status), PreviousStatus: string(from),
			StatusReason: orEmpty(a.StatusReason)}}
}

// NumberChanged tells that a phone number came from one status to the one that it has.
func NumberChanged(n *ent.PhoneNumber, from string, at time.Time) Event {
	return Event{n.OrganizationID, enum.WebhookEventTypePhoneNumberStatusChanged, n.ID, at,
		statusChange{ID: n.ID, Name: n.VerifiedName, DisplayNumber: n.DisplayNumber, AccountID: n.AccountID,
			Status: n.Status, PreviousStatus: from}}
}

// consentChange is the default data of CONSENT_CHANGED.
type consentChange struct {
	ContactID        uid.ID       `json:"contactId"`
	Phone            string       `json:"phone,omitempty"`
	WaUserID         string       `json:"waUserId,omitempty"`
	MarketingConsent enum.Consent `json:"marketingConsent"`
	Source           string       `json:"source,omitempty"`
}

// ConsentChanged tells that a contact's consent is another one than it was. Source is who or what
// said so; empty where two contacts became one.
func ConsentChanged(c *ent.Contact, source string, at time.Time) Event {
	return Event{c.OrganizationID, enum.WebhookEventTypeConsentChanged, c.ID, at,
		consentChange{c.ID, orEmpty(c.Phone), orEmpty(c.WaUserID), c.MarketingConsent, source}}
}

// ended is the default data of IMPORT_ENDED and EXPORT_ENDED.
type ended struct {
	ID           uid.ID            `json:"id"`
	FileName     string            `json:"fileName,omitempty"`
	Kind         enum.ExportKind   `json:"kind,omitempty"`
	Format       enum.ExportFormat `json:"format,omitempty"`
	Status       enum.JobStatus    `json:"status"`
	StatusReason string            `json:"statusReason,omitempty"`
	Rows         int               `json:"rows"`
	Created      *int              `json:"created,omitempty"` // of an import, as the two below
	Updated      *int              `json:"updated,omitempty"`
	Rejected     *int              `json:"rejected,omitempty"`
}

// ImportEnded tells that an import of contacts is over.
func ImportEnded(im *ent.ContactImport, at time.Time) Event {
	return Event{im.OrganizationID, enum.WebhookEventTypeImportEnded, im.ID, at,
		ended{ID: im.ID, FileName: im.FileName, Status: im.Status, StatusReason: orEmpty(im.StatusReason), Rows: im.RowsRead,
			Created: &im.Created, Updated: &im.Updated, Rejected: &im.Rejected}}
}

// ExportEnded tells that an export is there, or failed.
func ExportEnded(e *ent.Export, at time.Time) Event {
	return Event{e.OrganizationID, enum.WebhookEventTypeExportEnded, e.ID, at,
		ended{ID: e.ID, Kind: e.Kind, Format: e.Format, Status: e.Status, StatusReason: orEmpty(e.StatusReason),
			Rows: e.Rows}}
}
