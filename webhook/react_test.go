package webhook_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/enum"
	"carillon/whatsapp"
)

func failure(wamid, callback string, code int, at time.Time) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",
		"metadata":{"display_phone_number":"1","phone_number_id":%q},"statuses":[{"id":%q,"status":"failed","timestamp":"%d","recipient_id":"16505551234",
		"biz_opaque_callback_data":%q,"errors":[{"code":%d,"title":"t","message":"m","error_data":{"details":"in Meta's words"}}]}]}}]}]}`, metaNumber, wamid, at.Unix(), callback, code)
}

func TestAFailureThatIsReportedPausesWhatItConcerns(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code   int
		byID   bool
		before string // a status that was told before
		age    time.Duration
		want   enum.CampaignStatus
	}{
		"found by what we sent along":     {131042, true, "sent", 0, enum.CampaignStatusPaused},
		"found by WhatsApp's id":          {131042, false, "sent", 0, enum.CampaignStatusPaused},
		"of the number":                   {131048, true, "sent", 0, enum.CampaignStatusPaused},
		"not when it is about one person": {131026, true, "sent", 0, enum.CampaignStatusRunning},
		"not when the message arrived":    {131042, true, "delivered", 0, enum.CampaignStatusRunning},
		"not when it is an old story":     {131042, true, "sent", time.Hour, enum.CampaignStatusRunning},
		"not when it does not say why":    {0, true, "sent", 0, enum.CampaignStatusRunning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				c := db.Client.Campaign.Query().OnlyX(s.system)
				c.Update().SetStatus(enum.CampaignStatusRunning).ExecX(s.system)
				callback := whatsapp.CallbackData(s.message.String(), 1)
				s.told(status(metaNumber, "wamid.1", callback, tc.before))
				if !tc.byID {
					callback = ""
				}
				for range 2 {
					if code := s.told(failure("wamid.1", callback, tc.code, database.Now().Add(-tc.age))); code != http.StatusOK {
						t.Fatalf("answered %d", code)
					}
				}
				if c = db.Client.Campaign.GetX(s.system, c.ID); c.Status != tc.want {
					t.Errorf("the campaign is %s", c.Status)
				}
			})
		})
	}
}
