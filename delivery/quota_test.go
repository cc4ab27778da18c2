package delivery_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/uid"
)

func TestAnOrganizationSendsNoMoreMessagesADayThanItsQuota(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.enqueue(t, b.campaign, 30)
		ten := 10
		limit := delivery.Limit{Account: b.account, Organization: b.organization, PerDay: &ten}
		campaigns, err := b.queue.Runnable(b.ctx, b.campaign.PhoneNumberID)
		if err != nil {
			t.Fatal(err)
		}

		var single, claimed atomic.Int64
		var mu sync.Mutex
		var all []delivery.Claimed

		claim := func() {
			got, _, err := b.queue.Claim(b.ctx, b.campaign.PhoneNumberID, 3, campaigns, limit)
			if err != nil {
				t.Error(err)
			}

			claimed.Add(int64(len(got)))
			mu.Lock()
			all = append(all, got...)
			mu.Unlock()
		}

		take := func() {
			err := db.InTx(b.ctx, func(tx *database.Tx) error {
				room, err := b.queue.Take(b.ctx, tx, b.organization, ten)
				if room {
					single.Add(1)
				}

				return err
			})
			if err != nil {
				t.Error(err)
			}
		}

		claim() // both kinds have some of the quota, whoever comes first afterwards
		take()
		var workers sync.WaitGroup

		for range 4 {
			workers.Go(func() {
				for range 4 {
					claim()
					take()
				}
			})
		}

		workers.Wait()
		if claimed.Load()+single.Load() != 10 || single.Load() == 0 || claimed.Load() == 0 {
			t.Fatalf("%d campaign messages claimed and %d single ones taken under a quota of 10", claimed.Load(), single.Load())
		}
		if _, full, err := b.queue.Claim(b.ctx, b.campaign.PhoneNumberID, 3, campaigns, limit); !full || err != nil {
			t.Errorf("the quota is not full, %v", err)
		}

		b.record(t, delivery.Fact{Message: all[0].ID, Attempt: 1, Kind: delivery.Return, At: start})
		if sent, err := b.queue.SentToday(b.ctx, b.organization); sent != 9 || err != nil {
			t.Errorf("%d messages count after one came back, %v", sent, err)
		}

		tomorrow := b.now().Add(24 * time.Hour)
		b.now = func() time.Time { return tomorrow }
		b.run(t)
		if sent, err := b.queue.SentToday(b.ctx, b.organization); sent != 0 || err != nil {
			t.Errorf("%d messages count on the next day, %v", sent, err)
		}
		if got, _, err := b.queue.Claim(b.ctx, b.campaign.PhoneNumberID, 4, campaigns, limit); len(got) != 4 || err != nil {
			t.Errorf("claimed %d on the next day, %v", len(got), err)
		}

		b.verify(t)
	})
}

func TestNothingIsClaimedOfAnOrganizationThatMayNotSendNorDuringMaintenance(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.enqueue(t, b.campaign, 3)
		b.enqueue(t, nil, 3)
		number := b.campaign.PhoneNumberID
		campaigns, err := b.queue.Runnable(b.ctx, number) // a lane that looked before
		if err != nil || len(campaigns) != 1 {
			t.Fatal(campaigns, err)
		}

		nothing := func(when string) {
			t.Helper()
			if claimed, _, err := b.queue.Claim(b.ctx, number, 10, campaigns, delivery.Limit{}); len(claimed) != 0 ||
				err != nil {
				t.Errorf("%s: claimed %d, %v", when, len(claimed), err)
			}

			lanes, err := b.queue.Lanes(b.ctx)
			runnable, err2 := b.queue.Runnable(b.ctx, number)
			_, waits, err3 := b.queue.NextDue(b.ctx, number)
			if len(lanes)+len(runnable) != 0 || waits || err != nil || err2 != nil || err3 != nil {
				t.Errorf("%s: lanes %v, campaigns %v, waits %t (%v, %v, %v)", when, lanes, runnable, waits, err, err2, err3)
			}
		}

		status := func(s enum.OrganizationStatus) {
			db.Client.Organization.UpdateOneID(b.organization).SetStatus(s).ExecX(b.ctx)
		}
		may := func(when string, campaign, single bool) {
			t.Helper()
			got, err := b.queue.MaySend(b.ctx, number, []uid.ID{b.campaign.ID, {}})
			if got[b.campaign.ID] != campaign || got[uid.ID{}] != single || err != nil {
				t.Errorf("%s: what was claimed may be sent: of the campaign %t, single messages %t, %v", when,
					got[b.campaign.ID], got[uid.ID{}], err)
			}
		}

		may("running", true, true)
		paused := func(reason enum.CampaignStatusReason, want bool) {
			t.Helper()
			db.Client.Campaign.UpdateOneID(b.campaign.ID).SetStatus(enum.CampaignStatusPaused).SetStatusReason(reason).
				ExecX(b.ctx)
			may("paused with "+string(reason), want, true)
		}

		paused(enum.CampaignStatusReasonPausedByUser, false)
		paused(enum.CampaignStatusReasonMessagingLimit, true)
		paused(enum.CampaignStatusReasonQuotaReached, true)
		db.Client.Campaign.UpdateOneID(b.campaign.ID).SetStatus(enum.CampaignStatusRunning).ClearStatusReason().ExecX(b.ctx)
		status(enum.OrganizationStatusSuspended)
		nothing("suspended")
		may("suspended", false, false)
		status(enum.OrganizationStatusClosed)
		nothing("closed")
		status(enum.OrganizationStatusActive)
		db.Client.ServiceState.Create().SetID(1).SetMaintenance(true).ExecX(b.ctx)
		nothing("maintenance")
		may("maintenance", false, false)
		db.Client.ServiceState.UpdateOneID(1).SetMaintenance(false).ExecX(b.ctx)
		if claimed, _, err := b.queue.Claim(b.ctx, number, 10, campaigns, delivery.Limit{}); len(claimed) != 6 || err != nil {
			t.Errorf("afterwards: claimed %d, %v", len(claimed), err)
		}
		if n := db.Client.Message.Query().Where(message.StatusEQ(enum.MessageStatusSending)).CountX(b.ctx); n != 6 {
			t.Errorf("%d are being sent", n)
		}
	})
}
