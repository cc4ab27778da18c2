package webhook

import (
	"context"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/webhookendpoint"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// Test posts an example of an event to an endpoint, and keeps what it answered. It is not tried
// again.
func (s *Service) Test(ctx context.Context, id uid.ID, event enum.WebhookEventType) (*ent.WebhookDelivery, error) {
	_, e, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}

	sign, err := signerOf(s.Keys, e)
	if err != nil {
		return nil, err
	}

	payload, err := envelope{Type: event, Timestamp: s.moment(), Test: true, Data: example(event, s.moment())}.encode()
	if err != nil {
		return nil, err
	}

	delivery := uid.New(uid.WebhookDelivery)
	r := result{task{id: delivery, subject: e.ID, event: event, payload: payload, attempts: len(waits)},
		s.post(ctx, sign, e.URL, delivery, payload), s.moment()}

	err = s.DB.InTx(ctx, func(tx *database.Tx) error {
		create := tx.Client.WebhookDelivery.Create().SetID(delivery).SetOrganizationID(e.OrganizationID).SetEndpointID(e.ID).
			SetSubjectID(e.ID).SetEvent(event).SetPayload(payload).SetAttempts(1).SetCreatedAt(s.moment())
		if r.taken() {
			create.SetStatus(enum.WebhookDeliveryStatusDelivered).SetDeliveredAt(r.at).SetResponseStatus(r.answer.status)
		} else {
			create.SetStatus(enum.WebhookDeliveryStatusFailed).SetError(r.err)
			if r.answer.status > 0 {
				create.SetResponseStatus(r.answer.status).SetResponseBody(r.body)
			}
		}
		if err := create.Exec(ctx); err != nil {
			return fmt.Errorf("write down a test of endpoint %s: %w", id, err)
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionWebhookTest, Subject: e.ID,
			Summary: fmt.Sprintf("posted an example of %s to the endpoint of webhooks at %s", event, hostOf(e.URL))})
	})
	if err != nil {
		return nil, err
	}

	return s.DB.Client.WebhookDelivery.Get(ctx, delivery)
}

// Retry has a delivery posted again, at once.
func (s *Service) Retry(ctx context.Context, id uid.ID) (*ent.WebhookDelivery, error) {
	if _, err := identity.Require(ctx, enum.RoleAdmin); err != nil {
		return nil, err
	}

	err := s.DB.InTx(ctx, func(tx *database.Tx) error {
		d, err := tx.Client.WebhookDelivery.Get(ctx, id)
		if ent.IsNotFound(err) {
			return usererror.Missing("webhook delivery")
		}
		if err != nil {
			return fmt.Errorf("read delivery %s: %w", id, err)
		}
		if d.SubjectID == d.EndpointID {
			return usererror.Refuse("webhookDeliveryId", usererror.NotAllowed,
				"It was a test: use testWebhookEndpoint again.")
		}

		on, err := tx.Client.WebhookEndpoint.Query().Where(webhookendpoint.ID(d.EndpointID),
			webhookendpoint.StatusEQ(enum.WebhookEndpointStatusEnabled)).Exist(ctx)
		if err != nil {
			return fmt.Errorf("read the endpoint of delivery %s: %w", id, err)
		}
		if !on {
			return usererror.Refuse("webhookDeliveryId", usererror.NotAllowed,
				"Its endpoint gets nothing now: switch it on with updateWebhookEndpoint.")
		}

		err = tx.Client.WebhookDelivery.UpdateOneID(id).SetStatus(enum.WebhookDeliveryStatusPending).
			SetNextAttemptAt(s.moment()).ClearDeliveredAt().Exec(ctx)
		if err != nil {
			return fmt.Errorf("retry delivery %s: %w", id, err)
		}

		tx.After(func(ctx context.Context) { s.nudge(d.EndpointID) })

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionWebhookRetry, Subject: id,
			Summary: fmt.Sprintf("asked for a delivery of %s again", d.Event)})
	})
	if err != nil {
		return nil, err
	}

	return s.DB.Client.WebhookDelivery.Get(ctx, id)
}

// nudge tells the endpoint's server, if it is here; the server of another process looks every
// second.
func (s *Service) nudge(endpoint uid.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.served[endpoint]; v != nil {
		v.nudge()
	}
}

// example is made-up data of an event, in the form of the default payload.
func example(event enum.WebhookEventType, at time.Time) any {
	for status, e := range statuses {
		if e != event {
			continue
		}

		m := message{ID: uid.New(uid.Message), Direction: enum.DirectionOutbound, Type: enum.MessageTypeText,
			To: "+15550100000", Wamid: "wamid.EXAMPLE", Reference: "order-1", PhoneNumberID: uid.New(uid.PhoneNumber)}
		data := messageEvent{Sequence: 1, Status: status, At: at, RecordedAt: at, Message: m}

		switch status {
		case enum.MessageStatusReceived:
			data.Message.Direction, data.Message.From, data.Message.To = enum.DirectionInbound, m.To, ""
			data.Message.Text, data.Message.Reference = "Hello", ""
		case enum.MessageStatusFailed:
			data.Error = &messageError{Code: 131026, Title: "An example of an error"}
		case enum.MessageStatusSkipped:
			data.Message.SkipReason, data.Message.Wamid = enum.SkipReason(enum.SkipReason("").Values()[0]), ""
		}

		return data
	}

	return exampleChange(event, at)
}

// exampleChange is made-up data of an event that is not in the log.
func exampleChange(event enum.WebhookEventType, at time.Time) any {
	text := func(s string) *string { return &s }
	switch event {
	case enum.WebhookEventTypeCampaignStatusChanged:
		return CampaignChanged(&ent.Campaign{ID: uid.New(uid.Campaign), Name: "Spring",
			Status: enum.CampaignStatusCompleted}, enum.CampaignStatusRunning, at).Data
	case enum.WebhookEventTypeTemplateStatusChanged:
		return TemplateChanged(&ent.Template{ID: uid.New(uid.Template), AccountID: uid.New(uid.Account),
			Name: "order_shipped", Language: "en_US", Status: enum.TemplateStatusApproved}, enum.TemplateStatusPending, at).Data
	case enum.WebhookEventTypeAccountStatusChanged:
		return AccountChanged(&ent.Account{ID: uid.New(uid.Account), Name: "Lucky Shrub", WabaID: "102290129340398",
			Status: enum.AccountStatusRestricted}, enum.AccountStatusConnected, at).Data
	case enum.WebhookEventTypePhoneNumberStatusChanged:
		return NumberChanged(&ent.PhoneNumber{ID: uid.New(uid.PhoneNumber), AccountID: uid.New(uid.Account),
			DisplayNumber: "+1 555-010-0000", VerifiedName: "Lucky Shrub", Status: "CONNECTED"}, "PENDING", at).Data
	case enum.WebhookEventTypeConsentChanged:
		return ConsentChanged(&ent.Contact{ID: uid.New(uid.Contact), Phone: text("+15550100000"),
			MarketingConsent: enum.ConsentOptedOut}, "whatsapp user_preferences", at).Data
	case enum.WebhookEventTypeImportEnded:
		return ImportEnded(&ent.ContactImport{ID: uid.New(uid.ContactImport), FileName: "people.csv",
			Status: enum.JobStatusCompleted, RowsRead: 3, Created: 2, Updated: 1}, at).Data
	case enum.WebhookEventTypeExportEnded:
		return ExportEnded(&ent.Export{ID: uid.New(uid.Export), Kind: enum.ExportKindMessages,
			Format: enum.ExportFormatCSV, Status: enum.JobStatusCompleted, Rows: 3}, at).Data
	}

	return nil
}
