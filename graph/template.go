package graph

import (
	"encoding/json"
	"slices"
	"strings"

	"carillon/account"
	"carillon/audience"
	"carillon/campaign"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/predicate"
	"carillon/ent/template"
	"carillon/graph/model"
	"carillon/uid"
	"carillon/whatsapp"
)

func templatesThat(f *model.TemplateFilter) (all []predicate.Template) {
	if f == nil {
		return nil
	}
	if f.AccountID != nil {
		all = append(all, template.AccountID(*f.AccountID))
	}
	if f.Status != nil {
		all = append(all, template.StatusIn(distinct(f.Status)...))
	}
	if f.Category != nil {
		all = append(all, template.CategoryIn(distinct(f.Category)...))
	}
	if f.Language != nil {
		all = append(all, template.Language(*f.Language))
	}
	if f.Search != nil {
		all = append(all, template.NameContainsFold(*f.Search))
	}

	return all
}

// known is nil for a word of WhatsApp's that the enum does not have.
func known[E interface {
	~string
	Values() []string
}](word string) *E {
	v := E(strings.ToUpper(word))
	if !slices.Contains(v.Values(), string(v)) {
		return nil
	}

	return &v
}

func componentsOf(parts []whatsapp.Component) []*model.TemplateComponent {
	out := []*model.TemplateComponent{}
	for _, p := range parts {
		raw, _ := json.Marshal(p) // it was JSON before
		kind := or(known[enum.ComponentType](p.Type), enum.ComponentTypeOther)
		c := &model.TemplateComponent{Type: kind, Format: known[enum.HeaderFormat](p.Format), Text: some(p.Text),
			Example: examplesOf(p), JSON: string(raw)}
		if p.LimitedTimeOffer != nil && c.Text == nil {
			c.Text = some(p.LimitedTimeOffer.Text)
		}

		for _, b := range p.Buttons {
			c.Buttons = append(c.Buttons, buttonOf(b))
		}

		for _, card := range p.Cards {
			c.Cards = append(c.Cards, &model.TemplateCard{Components: componentsOf(card.Components)})
		}

		out = append(out, c)
	}

	return out
}

func examplesOf(p whatsapp.Component) (out []string) {
	e := p.Example
	if e == nil {
		return nil
	}

	out = append(append(out, e.HeaderText...), e.HeaderHandle...)
	if len(e.BodyText) > 0 {
		out = append(out, e.BodyText[0]...)
	}

	for _, named := range slices.Concat(e.HeaderTextNamed, e.BodyTextNamed) {
		out = append(out, named.Example)
	}

	return out
}

func buttonOf(b whatsapp.Button) *model.TemplateButton {
	out := &model.TemplateButton{Type: or(known[enum.ButtonType](b.Type), enum.ButtonTypeOther), Text: some(b.Text),
		URL: some(b.URL), PhoneNumber: some(b.PhoneNumber), OtpType: known[enum.OTPType](b.HandsOver())}
	if len(b.Example) > 0 {
		out.Example = &b.Example[0]
	}

	return out
}

func parametersOf(t *ent.Template) []*model.TemplateParameter {
	out := []*model.TemplateParameter{}
	for _, p := range account.Of(t).Parameters() {
		out = append(out, &model.TemplateParameter{Name: p.Name, Component: enum.ComponentType(p.Component),
			ButtonIndex: p.ButtonIndex,
			CardIndex:   p.CardIndex, Kind: enum.ParameterKind(p.Kind), Example: some(p.Example)})
	}

	return out
}

func previewOf(t whatsapp.Template, values []*model.ParameterValueInput) *model.TemplatePreview {
	given := map[string]string{}
	for _, v := range values {
		given[v.Parameter] = v.Value
	}

	return previewWith(t, given)
}

// previewWith is a template as the person sees it who gets it with the values.
func previewWith(t whatsapp.Template, values map[string]string) *model.TemplatePreview {
	p := t.Preview(values)
	out := &model.TemplatePreview{Header: some(p.Header), Body: p.Body, Footer: some(p.Footer),
		Buttons: append([]string{}, p.Buttons...), Media: mediaShown(p.Media), Product: productShown(p.Product),
		AsksToCall: p.AsksToCall, Actions: actionsShown(p.Actions), Cards: []*model.PreviewCard{}}
	if l := p.Location; l != nil {
		out.Location = &model.PreviewLocation{Latitude: l.Latitude, Longitude: l.Longitude, Name: some(l.Name),
			Address: some(l.Address)}
	}

	if p.Offer != nil {
		out.Offer = &model.PreviewOffer{Text: p.Offer.Text, Code: some(p.Offer.Code)}
		if !p.Offer.Ends.IsZero() {
			out.Offer.EndsAt = &p.Offer.Ends
		}
	}

	for _, card := range p.Cards {
		out.Cards = append(out.Cards, &model.PreviewCard{Header: some(card.Header), Body: some(card.Body),
			Buttons: append([]string{}, card.Buttons...), Media: mediaShown(card.Media), Product: productShown(card.Product),
			Actions: actionsShown(card.Actions)})
	}

	return out
}

func mediaShown(m *whatsapp.PreviewMedia) *model.PreviewMedia {
	if m == nil {
		return nil
	}
	return &model.PreviewMedia{Format: enum.HeaderFormat(m.Kind), Link: some(m.Link), MediaID: some(m.ID),
		FileName: some(m.Filename)}
}

func productShown(p *whatsapp.Product) *model.PreviewProduct {
	if p == nil {
		return nil
	}
	return &model.PreviewProduct{ProductID: p.ProductRetailerID, CatalogID: some(p.CatalogID)}
}

func actionsShown(actions []whatsapp.PreviewButton) []*model.PreviewButton {
	out := []*model.PreviewButton{}
	for _, a := range actions {
		out = append(out, &model.PreviewButton{Type: or(known[enum.ButtonType](a.Type), enum.ButtonTypeOther), Text: a.Text,
			URL: some(a.URL), PhoneNumber: some(a.PhoneNumber), Code: some(a.Code)})
	}

	return out
}

// problemsIn are those of a template that is stored; none of nil.
func problemsIn(t *ent.Template) []*model.TemplateProblem {
	if t == nil {
		return []*model.TemplateProblem{}
	}
	return problemsFrom(account.Lint(account.Of(t)))
}

func problemsOf(in *model.TemplateInput) []*model.TemplateProblem {
	return problemsFrom(account.Lint(templateFrom(in)))
}

func problemsFrom(problems []whatsapp.Problem) []*model.TemplateProblem {
	out := []*model.TemplateProblem{}
	for _, p := range problems {
		out = append(out, &model.TemplateProblem{Field: append([]string{}, p.Field...), Rule: p.Rule, Message: p.Message,
			Severity: enum.Severity(p.Severity)})
	}

	return out
}

// deletedBy are the templates that a deletion took; none of one that was refused.
func deletedBy(d *campaign.Deletion) []uid.ID {
	if d == nil {
		return []uid.ID{}
	}
	return d.Templates
}

// replacement are the components that take the place of all others; nil leaves those.
func replacement(in []*model.TemplateComponentInput) []whatsapp.Component {
	if in == nil {
		return nil
	}
	return append([]whatsapp.Component{}, componentsFrom(in)...)
}

func templateFrom(in *model.TemplateInput) whatsapp.Template {
	t := whatsapp.Template{Name: in.Name, Language: in.Language, Category: string(in.Category),
		Components:      componentsFrom(in.Components),
		ParameterFormat: string(or(in.ParameterFormat, enum.ParameterFormatPositional))}
	if in.MessageTTLSeconds != nil {
		t.MessageSendTTLSeconds = *in.MessageTTLSeconds
	}

	return t
}

func componentsFrom(in []*model.TemplateComponentInput) (out []whatsapp.Component) {
	for _, c := range in {
		if asksToCall(c) {
			out = append(out, whatsapp.Component{Type: string(enum.ComponentTypeCallPermissionRequest)})
			continue
		}

		p := whatsapp.Component{Type: string(c.Type), Text: text(c.Text), Example: exampleFrom(c)}
		if c.Format != nil {
			p.Format = string(*c.Format)
		} else if c.Type == enum.ComponentTypeHeader && c.Text != nil {
			p.Format = string(enum.HeaderFormatText)
		}

		if c.Type == enum.ComponentTypeLimitedTimeOffer {
			p.Text, p.LimitedTimeOffer = "",
				&whatsapp.Offer{Text: text(c.Text), HasExpiration: c.HasExpiration != nil && *c.HasExpiration}
		}

		for _, b := range c.Buttons {
			p.Buttons = append(p.Buttons, buttonFrom(b))
		}

		for _, card := range c.Cards {
			p.Cards = append(p.Cards, whatsapp.Card{Components: componentsFrom(card.Components)})
		}

		p.AddSecurityRecommendation = c.AddSecurityRecommendation != nil && *c.AddSecurityRecommendation
		if c.CodeExpirationMinutes != nil {
			p.CodeExpirationMinutes = *c.CodeExpirationMinutes
		}

		out = append(out, p)
	}

	return out
}

// asksToCall tells whether a group of buttons is the one that stands for a part of its own.
func asksToCall(c *model.TemplateComponentInput) bool {
	return len(c.Buttons) == 1 && c.Buttons[0].Type == enum.ButtonTypeCallPermissionRequest
}

func exampleFrom(c *model.TemplateComponentInput) *whatsapp.Example {
	if c.Example == nil && c.NamedExamples == nil && c.MediaHandle == nil {
		return nil
	}

	header, e := c.Type == enum.ComponentTypeHeader, &whatsapp.Example{}
	switch {
	case c.MediaHandle != nil:
		e.HeaderHandle = whatsapp.Texts{*c.MediaHandle}
	case c.NamedExamples != nil && header:
		e.HeaderTextNamed = namedFrom(c.NamedExamples)
	case c.NamedExamples != nil:
		e.BodyTextNamed = namedFrom(c.NamedExamples)
	case header:
		e.HeaderText = c.Example
	default:
		e.BodyText = whatsapp.Rows{c.Example}
	}

	return e
}

func namedFrom(in []*audience.Attribute) (out []whatsapp.NamedExample) {
	for _, a := range in {
		out = append(out, whatsapp.NamedExample{Name: a.Key, Example: a.Value})
	}

	return out
}

func buttonFrom(in *model.TemplateButtonInput) whatsapp.Button {
	b := whatsapp.Button{Type: string(in.Type), Text: text(in.Text), URL: text(in.URL), PhoneNumber: text(in.PhoneNumber)}
	if in.Example != nil {
		b.Example = whatsapp.Texts{*in.Example}
	}

	if in.OtpType != nil {
		b.OTPType = string(*in.OtpType)
		b.ZeroTapTermsAccepted = *in.OtpType == enum.OTPTypeZeroTap
	}

	if in.PackageName != nil || in.SignatureHash != nil {
		b.SupportedApps = []whatsapp.SupportedApp{{PackageName: text(in.PackageName), SignatureHash: text(in.SignatureHash)}}
	}

	for _, app := range in.MoreApps {
		b.SupportedApps = append(b.SupportedApps, whatsapp.SupportedApp{PackageName: app.PackageName,
			SignatureHash: app.SignatureHash})
	}

	b.AutofillText, b.FlowID, b.FlowName, b.FlowJSON = text(in.AutofillText), text(in.FlowID), text(in.FlowName),
		text(in.FlowJSON)
	b.FlowAction, b.NavigateScreen, b.Icon = text(in.FlowAction), text(in.FlowScreen), text(in.FlowIcon)
	b.TTLMinutes = or(in.TTLMinutes, 0)

	if link := in.AppDeepLink; link != nil {
		b.AppDeepLink = &whatsapp.AppDeepLink{MetaAppID: json.Number(link.MetaAppID), AndroidLink: link.AndroidLink,
			AndroidFallback: text(link.AndroidFallbackURL)}
	}

	return b
}
