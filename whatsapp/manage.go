package whatsapp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Account is a WhatsApp Business Account.
type Account struct {
	ID           string
	Name         string
	Currency     string
	Country      string
	TimezoneID   string
	Status       string
	ReviewStatus string // account_review_status: APPROVED, PENDING, REJECTED
	// VerificationStatus is the business's (verified, not_verified, pending …).
	VerificationStatus string
	Namespace          string
	OwnershipType      string
	OwnerBusinessID    string
	OwnerBusinessName  string
	// MessagingLimit belongs to the whole portfolio.
	MessagingLimit Tier
	// MarketingMessages is ONBOARDED when the Marketing Messages API can be used; empty where Meta
	// does not say.
	MarketingMessages string
	// Health is whether it can send, and whether what stands behind it can.
	Health []Health
	// MarketingOnlyThere: the usual endpoint refuses marketing templates (131063).
	MarketingOnlyThere bool
}

// PhoneNumber is a business phone number.
type PhoneNumber struct {
	ID                 string
	DisplayPhoneNumber string
	VerifiedName       string
	// Status is CONNECTED when the number can send.
	Status                 string
	QualityRating          string // GREEN, YELLOW, RED, UNKNOWN
	NameStatus             string
	CodeVerificationStatus string
	// PlatformType is CLOUD_API once the number is registered.
	PlatformType string
	Throughput   string // STANDARD, HIGH, NOT_APPLICABLE
	// Exactly is messages a second where the answer says so. Meta's never does; our sandbox, whose
	// numbers can have any, does.
	Exactly        int
	MessagingLimit Tier
	AccountMode    string // LIVE, SANDBOX
	Official       bool
	PINEnabled     bool
	// OnBusinessApp: the number is used in the WhatsApp Business app too (coexistence).
	OnBusinessApp bool
	// Health is whether it can send, and whether what stands behind it can.
	Health []Health
}

// Messages per second that WhatsApp allows one number.
// developers.facebook.com, WhatsApp "Throughput" (read 2026-06).
const (
	standardPerSecond    = 80
	highPerSecond        = 1000
	coexistencePerSecond = 20
)

// PerSecond is how many messages a second WhatsApp allows this number.
func (p PhoneNumber) PerSecond() int {
	switch {
	case p.Exactly > 0:
		return p.Exactly
	case p.OnBusinessApp:
		return coexistencePerSecond
	case strings.EqualFold(p.Throughput, "HIGH"):
		return highPerSecond
	default:
		return standardPerSecond
	}
}

// Tier is a messaging limit as Meta names it: TIER_2K, TIER_UNLIMITED, a plain number, or -1.
type Tier string

// Limit is how many people may be written to first in 24 hours; -1 is unlimited. It is not known
// for a name that Meta has not used before.
func (t Tier) Limit() (people int, known bool) {
	name := strings.TrimPrefix(strings.ToUpper(string(t)), "TIER_")
	if name == "UNLIMITED" || name == "-1" {
		return -1, true
	}

	factor := 1
	if digits, thousands := strings.CutSuffix(name, "K"); thousands {
		name, factor = digits, 1000
	}

	n, err := strconv.Atoi(name)
	if err != nil || n < 0 {
		return 0, false
	}

	return n * factor, true
}

// Fields that every version knows, and those that older versions refuse to name.
const (
	accountFields = "id,name,currency,country,timezone_id,status,account_review_status,business_verification_status," +
		"message_template_namespace,ownership_type,owner_business_info"
	accountFieldsMore = ",whatsapp_business_manager_messaging_limit,marketing_messages_onboarding_status," +
		"health_status," +
		"marketing_messages_lite_api_status,disable_marketing_messages_on_cloud_api"
	numberFields = "id,display_phone_number,verified_name,status,quality_rating,name_status," +
		"code_verification_status,platform_type,throughput,account_mode,is_official_business_account," +
		"is_pin_enabled"
	numberFieldsMore = ",is_on_biz_app,whatsapp_business_manager_messaging_limit,health_status"
	templateFields   = "id,name,language,category,previous_category,correct_category,sub_category,status," +
		"rejected_reason,quality_score,components,parameter_format,message_send_ttl_seconds"
	templateFieldsMore = ",optimization_spec"

	numbersPerPage = 100
	// templatesPerPage keeps a page of large carousels below maxAnswer.
	templatesPerPage = 50
)

// Account reads an account.
func (c *Client) Account(ctx context.Context, token Token, wabaID string) (Account, error) {
	var wire struct {
		ID            loose `json:"id"`
		Name          loose `json:"name"`
		Currency      loose `json:"currency"`
		Country       loose `json:"country"`
		TimezoneID    loose `json:"timezone_id"`
		Status        loose `json:"status"`
		Review        loose `json:"account_review_status"`
		Verification  loose `json:"business_verification_status"`
		Namespace     loose `json:"message_template_namespace"`
		OwnershipType loose `json:"ownership_type"`
		Owner         struct {
			ID   loose `json:"id"`
			Name loose `json:"name"`
		} `json:"owner_business_info"`
		Limit     loose      `json:"whatsapp_business_manager_messaging_limit"`
		Marketing loose      `json:"marketing_messages_onboarding_status"`
		Health    wireHealth `json:"health_status"`
		Lite      loose      `json:"marketing_messages_lite_api_status"` // as it was called before
		OnlyThere bool       `json:"disable_marketing_messages_on_cloud_api"`
	}
	err := withFields(accountFields, accountFieldsMore, func(query url.Values) error {
		return c.call(ctx, http.MethodGet, token, []string{wabaID}, query, nil, &wire)
	})
	if err != nil {
		return Account{}, err
	}

	return Account{
		ID: string(wire.ID), Name: string(wire.Name), Currency: string(wire.Currency), Country: string(wire.Country),
		TimezoneID: string(wire.TimezoneID), Status: string(wire.Status), ReviewStatus: string(wire.Review),
		VerificationStatus: string(wire.Verification), Namespace: string(wire.Namespace),
		OwnershipType:   string(wire.OwnershipType),
		OwnerBusinessID: string(wire.Owner.ID), OwnerBusinessName: string(wire.Owner.Name),
		MessagingLimit: Tier(wire.Limit), MarketingMessages: marketingStatus(string(wire.Marketing), string(wire.Lite)),
		MarketingOnlyThere: wire.OnlyThere,
		Health:             wire.Health.health(),
	}, nil
}

// marketingStatus is what Meta says of the Marketing Messages API under its two names.
func marketingStatus(status, lite string) string {
	if strings.EqualFold(lite, onboarded) {
		return onboarded
	}
	return strings.ToUpper(cmp.Or(status, lite))
}

type wireNumber struct {
	ID           loose `json:"id"`
	Display      loose `json:"display_phone_number"`
	VerifiedName loose `json:"verified_name"`
	Status       loose `json:"status"`
	Quality      loose `json:"quality_rating"`
	NameStatus   loose `json:"name_status"`
	CodeStatus   loose `json:"code_verification_status"`
	Platform     loose `json:"platform_type"`
	Host         loose `json:"host_platform"`
	Throughput   struct {
		Level     loose  `json:"level"`
		PerSecond number `json:"messages_per_second"`
	} `json:"throughput"`
	Limit       loose `json:"whatsapp_business_manager_messaging_limit"`
	LegacyLimit loose `json:"messaging_limit_tier"`
	Mode        loose `json:"account_mode"`
	Official    bool  `json:"is_official_business_account"`
	PIN         bool  `json:"is_pin_enabled"`
	OnBizApp    bool  `json:"is_on_biz_app"`

	Health wireHealth `json:"health_status"`
}

func (w wireNumber) number() PhoneNumber {
	quality := strings.ToUpper(string(w.Quality))
	if quality == "" || quality == "NA" {
		quality = "UNKNOWN"
	}

	return PhoneNumber{
		ID: string(w.ID), DisplayPhoneNumber: string(w.Display), VerifiedName: string(w.VerifiedName),
		Status:        string(w.Status),
		QualityRating: quality, NameStatus: string(w.NameStatus), CodeVerificationStatus: string(w.CodeStatus),
		PlatformType: either(w.Platform, w.Host), Throughput: string(w.Throughput.Level),
		Exactly: int(w.Throughput.PerSecond), MessagingLimit: Tier(either(w.Limit, w.LegacyLimit)),
		AccountMode: string(w.Mode), Official: w.Official, PINEnabled: w.PIN, OnBusinessApp: w.OnBizApp,
		Health: w.Health.health(),
	}
}

func either[T ~string](a, b T) string { return string(cmp.Or(a, b)) }

// PhoneNumbers reads all numbers of an account.
func (c *Client) PhoneNumbers(ctx context.Context, token Token, wabaID string) ([]PhoneNumber, error) {
	var numbers []PhoneNumber
	err := withFields(numberFields, numberFieldsMore, func(query url.Values) error {
		numbers = nil
		query.Set("limit", strconv.Itoa(numbersPerPage))
		for raw, err := range c.pages(ctx, token, []string{wabaID, "phone_numbers"}, query) {
			if err != nil {
				return err
			}

			var wire wireNumber
			if decode(raw, &wire) && wire.ID != "" {
				numbers = append(numbers, wire.number())
			}
		}

		return nil
	})

	return numbers, err
}

// TemplatePage is a part of the list of an account's templates. Next is the cursor behind it, empty
// at the list's end.
type TemplatePage struct {
	Templates []Template
	Next      string
}

// TemplatePages reads the templates of an account page by page, from behind a cursor on, or all
// without one. It ends at the first error, of which IsStaleCursor may be true.
func (c *Client) TemplatePages(ctx context.Context, token Token, wabaID, after string) iter.Seq2[TemplatePage, error] {
	return func(yield func(TemplatePage, error) bool) {
		ended := false // the caller wants no more
		err := withFields(templateFields, templateFieldsMore, func(query url.Values) error {
			query.Set("limit", strconv.Itoa(templatesPerPage))
			for wire, err := range c.wholePages(ctx, token, []string{wabaID, "message_templates"}, query, after) {
				if err != nil {
					return err
				}

				page, err := wire.templates()
				if err != nil {
					return err
				}
				if ended = !yield(page, nil); ended {
					return nil
				}

				after = page.Next // where to ask again without a field that Meta does not know
			}

			return nil
		})
		if err != nil && !ended {
			yield(TemplatePage{}, err)
		}
	}
}

func (p listPage) templates() (TemplatePage, error) {
	page := TemplatePage{Templates: make([]Template, len(p.Data)), Next: p.after()}
	for i, raw := range p.Data {
		if err := json.Unmarshal(raw, &page.Templates[i]); err != nil {
			return page, fmt.Errorf("read template: %w", err)
		}
	}

	return page, nil
}

// Templates reads all templates of an account. It ends at the first error. When Meta drops a stale
// cursor the list starts again, so a template may come twice.
func (c *Client) Templates(ctx context.Context, token Token, wabaID string) iter.Seq2[Template, error] {
	return each(func() iter.Seq2[TemplatePage, error] { return c.TemplatePages(ctx, token, wabaID, "") },
		func(page TemplatePage) []Template { return page.Templates })
}

// Template reads one template.
func (c *Client) Template(ctx context.Context, token Token, templateID string) (Template, error) {
	var template Template
	err := withFields(templateFields, templateFieldsMore, func(query url.Values) error {
		return c.call(ctx, http.MethodGet, token, []string{templateID}, query, nil, &template)
	})

	return template, err
}

// TemplateCreated is Meta's answer to a new template. Its category may differ from the one asked
// for.
type TemplateCreated struct {
	ID       string
	Status   string
	Category string
}

// CreateTemplate submits a template for review.
func (c *Client) CreateTemplate(ctx context.Context, token Token, wabaID string,
	template Template) (TemplateCreated, error) {
	var wire struct {
		ID       loose `json:"id"`
		Status   loose `json:"status"`
		Category loose `json:"category"`
	}
	err := c.call(ctx, http.MethodPost, token, []string{wabaID, "message_templates"}, nil, template.submission(), &wire)
	return TemplateCreated{ID: string(wire.ID), Status: string(wire.Status), Category: string(wire.Category)}, err
}

// TemplateEdit is what an edit changes of a template; what is empty stays. Name and language cannot
// change, nor the category of an approved template. Components replaces all of them, and goes with
// the parameters' format, which Meta wants beside them where parameters have names.
type TemplateEdit struct {
	Category        string
	Components      []Component
	ParameterFormat string
	TTL             int // in seconds; -1 is 30 days
}

// EditTemplate changes a template, which is then reviewed again.
func (c *Client) EditTemplate(ctx context.Context, token Token, templateID string, edit TemplateEdit) error {
	body := struct {
		Category        string      `json:"category,omitempty"`
		ParameterFormat string      `json:"parameter_format,omitempty"`
		TTL             int         `json:"message_send_ttl_seconds,omitempty"`
		Components      []Component `json:"components,omitempty"`
	}{Category: edit.Category, TTL: edit.TTL, Components: edit.Components}
	if edit.ParameterFormat == Named && edit.Components != nil {
		body.ParameterFormat = Named
	}

	return c.call(ctx, http.MethodPost, token, []string{templateID}, nil, body, nil)
}

// DeleteTemplate deletes one language of a template; with an empty templateID, all languages of
// that name.
func (c *Client) DeleteTemplate(ctx context.Context, token Token, wabaID, name, templateID string) error {
	query := url.Values{"name": {name}}
	if templateID != "" {
		query.Set("hsm_id", templateID)
	}

	return c.call(ctx, http.MethodDelete, token, []string{wabaID, "message_templates"}, query, nil, nil)
}

// Subscribe lets the token's app receive the account's webhooks.
func (c *Client) Subscribe(ctx context.Context, token Token, wabaID string) error {
	return c.call(ctx, http.MethodPost, token, []string{wabaID, "subscribed_apps"}, nil, nil, nil)
}

// Unsubscribe ends that.
func (c *Client) Unsubscribe(ctx context.Context, token Token, wabaID string) error {
	return c.call(ctx, http.MethodDelete, token, []string{wabaID, "subscribed_apps"}, nil, nil, nil)
}

// withFields asks for all fields, and again without each one that Meta says it does not know. Those
// of fields are known to every version.
func withFields(fields, more string, ask func(url.Values) error) error {
	for rest := strings.Split(strings.Trim(more, ","), ","); ; {
		err := ask(url.Values{"fields": {strings.Join(append([]string{fields}, rest...), ",")}})
		var failure *Error
		if !errors.As(err, &failure) || failure.Code != codeInvalidParameter ||
			!strings.Contains(failure.Message, "nonexisting field") || len(rest) == 0 {
			return err
		}

		known := slices.DeleteFunc(slices.Clone(rest), func(name string) bool {
			return strings.Contains(failure.Message, "("+name+")")
		})
		if len(known) == len(rest) {
			known = nil // it names none of them as we know it
		}

		rest = known
	}
}

const codeInvalidParameter = 100
