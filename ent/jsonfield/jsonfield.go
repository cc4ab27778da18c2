// Package jsonfield holds the types of the data model's JSON columns. A value once written must
// stay readable: add fields, never change their meaning.
package jsonfield

import (
	"time"

	"carillon/ent/enum"
	"carillon/uid"
)

// SendingPolicy is how an organization wants to send. Field names are the API's.
type SendingPolicy struct {
	RequireOptIn              bool               `json:"requireOptIn"`
	MarketingPerContactPerDay int                `json:"marketingPerContactPerDay"`
	QuietHours                *QuietHours        `json:"quietHours,omitempty"`
	OptOutKeywords            []string           `json:"optOutKeywords"`
	OptInKeywords             []string           `json:"optInKeywords"`
	UnknownWaitSeconds        int                `json:"unknownWaitSeconds"`
	UnknownMarketing          enum.UnknownPolicy `json:"unknownMarketing"`
	UnknownOther              enum.UnknownPolicy `json:"unknownOther"`
	FailureThreshold          float64            `json:"failureThreshold"`
}

// QuietHours are local times of day, e.g. 21:00 to 08:00.
type QuietHours struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

// Minutes are start and end in minutes since midnight. Not ok: they are no times of day, or one and
// the same, which would be always or never.
func (h QuietHours) Minutes() (start, end int, ok bool) {
	start, isStart := minutes(h.Start)
	end, isEnd := minutes(h.End)

	return start, end, isStart && isEnd && start != end
}

// IsClock reports whether a text is a time of day as QuietHours have it: 00:00 to 23:59.
func IsClock(text string) bool {
	_, ok := minutes(text)
	return ok
}

func minutes(text string) (since int, ok bool) {
	at, err := time.Parse("15:04", text)
	return 60*at.Hour() + at.Minute(), err == nil && len(text) == len("15:04")
}

// DefaultSendingPolicy is what a new organization starts with.
func DefaultSendingPolicy() SendingPolicy {
	return SendingPolicy{
		OptOutKeywords: []string{"STOP", "UNSUBSCRIBE", "退订"}, OptInKeywords: []string{"START", "订阅"},
		UnknownWaitSeconds: 900, UnknownMarketing: enum.UnknownPolicyPreferNoDuplicate,
		UnknownOther:     enum.UnknownPolicyPreferDelivery,
		FailureThreshold: 0.2,
	}
}

// ImportConsent is what an import records for every contact in it.
type ImportConsent struct {
	Consent  enum.Consent `json:"consent"`
	Source   string       `json:"source"`
	Evidence string       `json:"evidence,omitempty"`
}

// ImportColumn says what a column of a file becomes: a field of the contact, an attribute, both, or
// nothing.
type ImportColumn struct {
	Column    string  `json:"column"`
	Field     *string `json:"field,omitempty"`
	Attribute *string `json:"attribute,omitempty"`
}

// Audience is who a campaign goes to: everyone in any of the lists, contacts or the filter, less
// everyone on an excluded list.
type Audience struct {
	ListIDs           []uid.ID       `json:"listIds,omitempty"`
	SegmentIDs        []uid.ID       `json:"segmentIds,omitempty"`
	ContactIDs        []uid.ID       `json:"contactIds,omitempty"`
	Filter            *ContactFilter `json:"filter,omitempty"`
	ExcludeListIDs    []uid.ID       `json:"excludeListIds,omitempty"`
	ExcludeSegmentIDs []uid.ID       `json:"excludeSegmentIds,omitempty"`

	// ValuesOf is the campaign whose recipients' own values are read with their people, and with
	// Recipients these are part of the audience. Package campaign sets both when it reads one.
	ValuesOf   uid.ID `json:"-"`
	Recipients bool   `json:"-"`

	// Rules are those of its segments, as they were when the first of its people became messages;
	// empty until then. No caller gives them.
	Rules map[uid.ID]ContactFilter `json:"rules,omitempty"`
}

// ContactFilter is a rule that contacts match or not. Empty parts say nothing; all others must
// hold.
type ContactFilter struct {
	Search        string            `json:"search,omitempty"`
	ListIDs       []uid.ID          `json:"listIds,omitempty"`
	Consent       []enum.Consent    `json:"consent,omitempty"`
	Country       []string          `json:"country,omitempty"`
	Language      []string          `json:"language,omitempty"`
	Attributes    []AttributeFilter `json:"attributes,omitempty"`
	Tags          []string          `json:"tags,omitempty"`        // all of them
	ExcludeTags   []string          `json:"excludeTags,omitempty"` // none of them
	CreatedAfter  *time.Time        `json:"createdAfter,omitempty"`
	CreatedBefore *time.Time        `json:"createdBefore,omitempty"`

	CampaignOutcome *CampaignOutcome `json:"campaignOutcome,omitempty"`
}

// CampaignOutcome is a condition on what came of a campaign. Any of the outcomes, of the codes and
// of the buttons must hold; empty codes and buttons say nothing.
type CampaignOutcome struct {
	CampaignID uid.ID                 `json:"campaignId"`
	Outcome    []enum.CampaignOutcome `json:"outcome"`
	ErrorCode  []int                  `json:"errorCode,omitempty"`
	Button     []string               `json:"button,omitempty"`
}

// AttributeFilter is a condition on one attribute.
type AttributeFilter struct {
	Key    string   `json:"key"`
	Equals *string  `json:"equals,omitempty"`
	In     []string `json:"in,omitempty"`
	Exists *bool    `json:"exists,omitempty"`
}

// ParameterBinding gives one template parameter its value: a constant, or a contact's field or
// attribute with a fallback.
type ParameterBinding struct {
	Parameter    string  `json:"parameter"`
	Value        *string `json:"value,omitempty"`
	ContactField *string `json:"contactField,omitempty"`
	Attribute    *string `json:"attribute,omitempty"`
	Fallback     *string `json:"fallback,omitempty"`
}

// Canary is the share of a campaign that is sent first; the rest follows if it went well.
type Canary struct {
	Size           int     `json:"size"`
	WaitSeconds    int     `json:"waitSeconds"` // after its last message was handed over
	MaxFailureRate float64 `json:"maxFailureRate"`
}

// Reply is the button or list row that an inbound message chose.
type Reply struct {
	ID      string `json:"id,omitempty"`
	Title   string `json:"title,omitempty"`
	Payload string `json:"payload,omitempty"`
}

// Pricing is what Meta said of a message's price, and what that came to when it said so.
type Pricing struct {
	Billable bool   `json:"billable"`
	Category string `json:"category"`
	Model    string `json:"model"`
	Type     string `json:"type,omitempty"`

	// Micros are millionths of Currency, fixed once: 0 of what is free, nil where no card had the
	// price. Card is the one that had it.
	Micros   *int64 `json:"micros,omitempty"`
	Currency string `json:"currency,omitempty"`
	Card     string `json:"card,omitempty"`
}

// HealthIssue is what Meta says stands in the way of sending. Field names are the API's.
type HealthIssue struct {
	Subject  string        `json:"subject"` // what it is about, e.g. PHONE_NUMBER +1 555-078-3881
	Code     *int          `json:"code,omitempty"`
	Title    string        `json:"title"`
	Remedy   *string       `json:"remedy,omitempty"`
	Severity enum.Severity `json:"severity"` // ERROR: nothing is sent; WARNING: less than usual is
}
