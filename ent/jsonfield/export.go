package jsonfield

import (
	"time"

	"carillon/ent/enum"
	"carillon/uid"
)

// MessageFilter is which messages are wanted. What is left out says nothing; all that is given must
// hold.
type MessageFilter struct {
	Reference     *string              `json:"reference,omitempty"`
	Direction     *enum.Direction      `json:"direction,omitempty"`
	Status        []enum.MessageStatus `json:"status,omitempty"`
	SkipReason    []enum.SkipReason    `json:"skipReason,omitempty"`
	Type          []enum.MessageType   `json:"type,omitempty"`
	CampaignID    *uid.ID              `json:"campaignId,omitempty"`
	TemplateID    *uid.ID              `json:"templateId,omitempty"`
	PhoneNumberID *uid.ID              `json:"phoneNumberId,omitempty"`
	ContactID     *uid.ID              `json:"contactId,omitempty"`
	To            *string              `json:"to,omitempty"`
	Wamid         *string              `json:"wamid,omitempty"`
	ErrorCode     []int                `json:"errorCode,omitempty"`
	Since         *time.Time           `json:"since,omitempty"`
	Until         *time.Time           `json:"until,omitempty"`
}

// Statistics asks for a report of statistics, as delivery.Report has it.
type Statistics struct {
	Since         time.Time                  `json:"since"`
	Until         time.Time                  `json:"until"`
	TimeZone      string                     `json:"timeZone"`
	Interval      enum.StatisticsInterval    `json:"interval"`
	GroupBy       []enum.StatisticsDimension `json:"groupBy,omitempty"`
	AccountID     *uid.ID                    `json:"accountId,omitempty"`
	PhoneNumberID *uid.ID                    `json:"phoneNumberId,omitempty"`
	TemplateID    *uid.ID                    `json:"templateId,omitempty"`
	CampaignID    *uid.ID                    `json:"campaignId,omitempty"`
	Category      *enum.TemplateCategory     `json:"category,omitempty"`
}

// ExportQuestion is what an export is of, by its kind; a kind that needs no more has none.
type ExportQuestion struct {
	Messages   *MessageFilter `json:"messages,omitempty"`
	Contacts   *ContactFilter `json:"contacts,omitempty"`
	Statistics *Statistics    `json:"statistics,omitempty"`
	ContactID  *uid.ID        `json:"contactId,omitempty"`
}
