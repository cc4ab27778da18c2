package account

import (
	"encoding/json"
	"slices"
	"strings"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/usererror"
	"carillon/whatsapp"
)

// Of is a stored template as Meta's side of the house knows it.
func Of(t *ent.Template) whatsapp.Template {
	out := whatsapp.Template{
		Name: t.Name, Language: t.Language, Category: string(t.Category), Status: string(t.Status),
		QualityScore: string(t.QualityScore), ParameterFormat: string(t.ParameterFormat),
		Components: components(t.Components),
	}
	if t.MetaID != nil {
		out.ID = *t.MetaID
	}
	if t.RejectionReason != nil {
		out.RejectedReason = *t.RejectionReason
	}
	if t.MessageTTLSeconds != nil {
		out.MessageSendTTLSeconds = *t.MessageTTLSeconds
	}
	if t.MaxPrice != nil {
		out.MaxPrice = *t.MaxPrice
	}

	return out
}

// components reads the column, which holds what we wrote ourselves; of anything else it reads what
// it can.
func components(raw json.RawMessage) (out []whatsapp.Component) {
	_ = json.Unmarshal(raw, &out)
	return out
}

// columns are the parts of a template's row that Meta has a say in.
type columns struct {
	category   enum.TemplateCategory
	status     enum.TemplateStatus
	quality    enum.QualityRating
	format     enum.ParameterFormat
	components json.RawMessage
	ttl        *int
	maxPrice   *int
	rejection  *string
	coming     *enum.TemplateCategory // announced, and not applied yet
}

func columnsOf(t whatsapp.Template) (c columns, err error) {
	c = columns{
		category: category(t.Category), status: status(t.Status), quality: quality(t.QualityScore),
		format:    enum.ParameterFormatPositional,
		rejection: some(t.RejectedReason),
	}
	if t.ParameterFormat == whatsapp.Named {
		c.format = enum.ParameterFormatNamed
	}
	if t.MessageSendTTLSeconds != 0 {
		c.ttl = &t.MessageSendTTLSeconds
	}
	if coming := category(t.CorrectCategory); t.CorrectCategory != "" && coming != c.category {
		c.coming = &coming
	}
	if t.MaxPrice != 0 {
		c.maxPrice = &t.MaxPrice
	}
	if t.Components == nil {
		t.Components = []whatsapp.Component{}
	}

	c.components, err = json.Marshal(t.Components)

	return c, err
}

// status reads Meta's word. One that we do not know cannot be sent: only APPROVED can.
func status(s string) enum.TemplateStatus {
	if known := enum.TemplateStatus(strings.ToUpper(s)); slices.Contains(known.Values(), string(known)) &&
		known != enum.TemplateStatusDraft {
		return known
	}

	return enum.TemplateStatusPending
}

// category reads Meta's word. One that we do not know is treated with the most care: as marketing.
func category(s string) enum.TemplateCategory {
	if known := enum.TemplateCategory(strings.ToUpper(s)); slices.Contains(known.Values(), string(known)) {
		return known
	}
	return enum.TemplateCategoryMarketing
}

// inputNames are the fields of Meta's JSON that our input calls otherwise.
var inputNames = map[string]string{
	"parameter_format": "parameterFormat", "message_send_ttl_seconds": "messageTtlSeconds",
	"phone_number": "phoneNumber", "otp_type": "otpType",
	"code_expiration_minutes": "codeExpirationMinutes", "limited_time_offer": "text", "supported_apps": "packageName",
	"zero_tap_terms_accepted": "otpType", "add_security_recommendation": "addSecurityRecommendation",
	"flow_action": "flowAction", "icon": "flowIcon", "ttl_minutes": "ttlMinutes", "app_deep_link": "appDeepLink",
}

// examplesOf are the rules about examples that our input has in a field of another name.
var examplesOf = map[string]string{"header_media_example": "mediaHandle", "header_media_handle": "mediaHandle"}

// Lint checks a template against WhatsApp's published rules, and names fields as our input does.
func Lint(t whatsapp.Template) []whatsapp.Problem {
	problems := t.Lint()
	for i, p := range problems {
		problems[i].Field = slices.Clone(p.Field)
		for j, name := range p.Field {
			if ours := inputNames[name]; ours != "" {
				problems[i].Field[j] = ours
			}
		}

		last := len(p.Field) - 1
		switch ours := examplesOf[p.Rule]; {
		case ours != "":
			problems[i].Field[last] = ours
		case t.ParameterFormat == whatsapp.Named && (p.Rule == "body_example" || p.Rule == "header_example"):
			problems[i].Field[last] = "namedExamples"
		}
	}

	return problems
}

// refusals are the problems that keep a template from being stored, as errors below that path of
// the input.
func refusals(problems []whatsapp.Problem, path ...string) error {
	var wrong usererror.Fields
	for _, p := range problems {
		if p.Severity == whatsapp.SeverityError {
			wrong = append(wrong, usererror.Field{Path: slices.Concat(path, p.Field), Code: usererror.Invalid,
				Message: p.Message})
		}
	}

	return wrong.Err()
}
