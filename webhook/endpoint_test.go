package webhook_test

import (
	"errors"
	"strings"
	"testing"

	"carillon/ent/apikey"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/webhook"
)

// faults are the fields that were refused, with their codes.
func faults(err error) string {
	var in usererror.Fields
	if !errors.As(err, &in) {
		return ""
	}

	var all []string
	for _, f := range in {
		all = append(all, strings.Join(f.Path, ".")+" "+string(f.Code))
	}

	return strings.Join(all, ", ")
}

func TestWhatIsWrongWithAnEndpointIsTold(t *testing.T) {
	each(t, func(s *stage) {
		sent := enum.WebhookEventTypeMessageSent
		good, wide := "https://example.com/hook", strings.Repeat("ü", 201)
		long := "https://example.com/" + strings.Repeat("x", 2000)
		for want, d := range map[string]webhook.Draft{
			"url REQUIRED, events REQUIRED": {},
			"url REQUIRED":                  {URL: new(" "), Events: []enum.WebhookEventType{sent}},
			"url TOO_LONG":                  {URL: &long, Events: []enum.WebhookEventType{sent}},
			"url INVALID":                   {URL: new("http://example.com"), Events: []enum.WebhookEventType{sent}},
			"url NOT_ALLOWED":               {URL: new("https://10.0.0.1/"), Events: []enum.WebhookEventType{sent}},
			"events.1 INVALID":              {URL: &good, Events: []enum.WebhookEventType{sent, sent}},
			"description TOO_LONG":          {URL: &good, Events: []enum.WebhookEventType{sent}, Description: &wide},
		} {
			if _, _, err := s.Create(s.ctx, d); faults(err) != want {
				s.t.Errorf("%q, want %q", faults(err), want)
			}
		}

		e, _ := s.endpoint(good)
		_, err := s.Update(s.ctx, e.ID, webhook.Draft{URL: new("https://[::1]/"), Events: []enum.WebhookEventType{}})
		if faults(err) != "url NOT_ALLOWED, events REQUIRED" {
			s.t.Errorf("an update: %v", err)
		}
	})
}

func TestAnEndpointIsChangedSwitchedOffAndDeleted(t *testing.T) {
	each(t, func(s *stage) {
		e, _ := s.endpoint("https://example.com/a")
		got := s.update(e, webhook.Draft{URL: new("https://example.com/b"), Describe: true, Description: new(" crm "),
			Events: []enum.WebhookEventType{enum.WebhookEventTypeMessageRead}, Enabled: new(false)})
		if got.URL != "https://example.com/b" || *got.Description != "crm" || len(got.Events) != 1 ||
			got.Status != enum.WebhookEndpointStatusDisabled {
			s.t.Errorf("it is %v", got)
		}

		got = s.update(e, webhook.Draft{Describe: true, Enabled: new(true)})
		if got.Description != nil || got.Status != enum.WebhookEndpointStatusEnabled || got.URL != "https://example.com/b" {
			s.t.Errorf("it is %v", got)
		}

		if err := s.Delete(s.ctx, e.ID); err != nil {
			s.t.Fatal(err)
		}
		for what, err := range map[string]error{"delete": s.Delete(s.ctx, e.ID),
			"update": second(s.Update(s.ctx, e.ID, webhook.Draft{})),
			"test":   second(s.Test(s.ctx, e.ID, enum.WebhookEventTypeMessageRead)),
			"retry":  second(s.Retry(s.ctx, uid.New(uid.WebhookDelivery)))} {
			if !usererror.Is(err, usererror.NotFound) {
				s.t.Errorf("%s of what is gone: %v", what, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestOnlyAdministratorsHaveEndpointsAndNoMoreThanTwenty(t *testing.T) {
	each(t, func(s *stage) {
		key := s.db.Client.APIKey.Query().Where(apikey.OrganizationID(s.org)).OnlyX(s.system)
		low := s.as(&identity.Viewer{Organization: s.org, Role: enum.RoleCampaigner, Key: key})
		if _, _, err := s.Create(low, webhook.Draft{}); !usererror.Is(err, usererror.Forbidden) {
			s.t.Errorf("a CAMPAIGNER's: %v", err)
		}

		for range 20 {
			s.endpoint("https://example.com/")
		}

		_, _, err := s.Create(s.ctx, webhook.Draft{URL: new("https://example.com/"), Events: ofMessages})
		if faults(err) != " LIMIT_EXCEEDED" {
			s.t.Errorf("one more: %v", err)
		}
	})
}

func TestASecretIsSealedAndOfItsEndpoint(t *testing.T) {
	each(t, func(s *stage) {
		e, secret := s.endpoint("https://example.com/")
		row := s.row(e)
		if strings.Contains(string(row.Secret), secret) {
			s.t.Error("the secret lies open")
		}
		if _, err := s.keys.Open(row.Secret, e.ID[:]); err != nil {
			s.t.Error(err)
		}

		other := uid.New(uid.WebhookEndpoint)
		if _, err := s.keys.Open(row.Secret, other[:]); err == nil {
			s.t.Error("the secret opens for another endpoint")
		}
	})
}
