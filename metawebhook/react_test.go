package metawebhook_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/uid"
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

func TestAFailureThatIsToldAgainCountsOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		now, first := database.Now(), s.message
		tell := func(id uid.ID, wamid string, want enum.AccountStatus) {
			t.Helper()
			if code := s.told(failure(wamid, whatsapp.CallbackData(id.String(), 1), 131005, now)); code != http.StatusOK {
				t.Fatalf("answered %d", code)
			}
			if a := db.Client.Account.GetX(s.system, s.account); a.Status != want {
				t.Errorf("the account is %s, want %s", a.Status, want)
			}
		}

		for range 3 { // an error that is believed only when two messages have it
			tell(first, "wamid.1", enum.AccountStatusConnected)
		}

		tell(s.send(s.world, "+16505550002"), "wamid.2", enum.AccountStatusTokenExpired)
	})
}

func TestAFailureOfThePastDoesNotPauseATemplateThatHasBeenMended(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		db.Client.Campaign.UpdateOneID(s.campaign).SetStatus(enum.CampaignStatusRunning).ExecX(s.system)
		minutes := func(n int) time.Time { return database.Now().Add(time.Duration(n) * time.Minute) }
		db.Client.Template.UpdateOneID(s.template).SetUpdatedAt(minutes(-9)).ExecX(s.system)

		tell := func(wamid string, id uid.ID, at time.Time, template enum.TemplateStatus, campaign enum.CampaignStatus) {
			t.Helper()
			if code := s.told(failure(wamid, whatsapp.CallbackData(id.String(), 1), 132015, at)); code != http.StatusOK {
				t.Fatalf("answered %d", code)
			}
			if got := db.Client.Template.GetX(s.system, s.template); got.Status != template {
				t.Errorf("%s: the template is %s, want %s", wamid, got.Status, template)
			}
			if got := db.Client.Campaign.GetX(s.system, s.campaign); got.Status != campaign {
				t.Errorf("%s: the campaign is %s, want %s", wamid, got.Status, campaign)
			}
		}

		mend := func(at time.Time) {
			db.Client.Template.UpdateOneID(s.template).SetStatus(enum.TemplateStatusApproved).SetUpdatedAt(at).ExecX(s.system)
			db.Client.Campaign.UpdateOneID(s.campaign).SetStatus(enum.CampaignStatusRunning).ClearStatusReason().
				ClearStatusDetail().ExecX(s.system)
		}

		tell("wamid.1", s.message, minutes(-5), enum.TemplateStatusPaused, enum.CampaignStatusPaused)
		mend(minutes(-6)) // even if nobody had noted when
		tell("wamid.1", s.message, minutes(-5), enum.TemplateStatusApproved, enum.CampaignStatusRunning)
		mend(minutes(-2))
		tell("wamid.2", s.send(s.world, "+16505550002"), minutes(-3), enum.TemplateStatusApproved, enum.CampaignStatusRunning)
		tell("wamid.3", s.send(s.world, "+16505550003"), minutes(-1), enum.TemplateStatusPaused, enum.CampaignStatusPaused)
	})
}

func TestThatAPersonWantsNoMarketingIsNotedAlsoWhenItIsToldAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		stopped := failure("wamid.1", whatsapp.CallbackData(s.message.String(), 1), 131050, database.Now().Add(-time.Minute))
		s.told(stopped) // of somebody who is no contact
		who := s.contact(t, "+16505551234")
		if code := s.told(stopped); code != http.StatusOK {
			t.Fatalf("answered %d", code)
		}
		if c := db.Client.Contact.GetX(s.system, who.ID); c.MarketingConsent != enum.ConsentOptedOut {
			t.Errorf("the contact is %s", c.MarketingConsent)
		}
	})
}
