package worker_test

import (
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

func TestOfADisconnectedAccountNothingIsSent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		const to = "+14165550100"
		single := s.say(t, s.hello(to)).ID
		c := s.launch(t, s.contacts(t, 3))
		if _, err := s.accounts.Disconnect(s.owner, s.account.ID); err != nil { // and dies before it pauses the campaign
			t.Fatal(err)
		}

		s.work(t, s.process)
		if m := s.becomes(t, single, "FAILED -6"); m.ErrorCode == nil || *m.ErrorCode != whatsapp.CodeDisconnected {
			t.Errorf("%+v", m)
		}

		s.until(t, "the campaign is paused", func() bool { return s.isPaused(c.ID) })
		if got := s.campaign(c.ID); *got.StatusReason != enum.CampaignStatusReasonAccountRestricted || got.Failed != 0 {
			t.Errorf("%s, %d failed", *got.StatusReason, got.Failed)
		}
		if got := s.sandbox.Accepted(); len(got) != 0 {
			t.Errorf("WhatsApp got %+v", got)
		}
	})
}
