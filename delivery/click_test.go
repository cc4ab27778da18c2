package delivery_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
)

func (b *bench) clicked(fingerprint string, at time.Time) delivery.Click {
	return delivery.Click{Organization: b.organization, Account: b.account, PhoneNumber: b.campaign.PhoneNumberID,
		Fingerprint: fingerprint, At: at}
}

func TestAClickCountsOnceInItsHourHoweverOftenAndByHowManyItIsTold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		var told []delivery.Click
		for i := range 1500 { // more than one page
			told = append(told, b.clicked(fmt.Sprint("click ", i), start.Add(-time.Duration(i%2)*time.Hour)))
		}

		told = append(told, told[:10]...) // twice in one webhook
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := b.queue.CountClicks(b.ctx, told...); err != nil {
					t.Error(err)
				}
			})
		}

		all.Wait()
		marketing := enum.TemplateCategoryMarketing
		rows := b.report(t, delivery.Report{Since: start.Add(-2 * time.Hour), Until: start.Add(time.Hour), Zone: time.UTC,
			Interval: enum.StatisticsIntervalHour, Category: &marketing, PhoneNumber: &b.campaign.PhoneNumberID,
			GroupBy: []enum.StatisticsDimension{enum.StatisticsDimensionCampaign}})
		if len(rows) != 2 || rows[0].Clicked != 750 || rows[1].Clicked != 750 || !rows[0].Campaign.IsZero() {
			t.Errorf("%+v", rows)
		}

		b.verify(t)
	})
}

func TestAClickIsForgottenWhenNobodyTellsItAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		count := func() int { return b.db.Client.LinkClick.Query().CountX(b.ctx) }
		if err := b.queue.CountClicks(b.ctx, b.clicked("a", start.Add(24*time.Hour))); err != nil {
			t.Fatal(err)
		}

		// the ids of rows are of the present
		b.pass(t, time.Since(start)+29*24*time.Hour)
		if err := b.queue.SweepClicks(b.ctx); err != nil || count() != 1 {
			t.Errorf("after 29 days: %v, %d", err, count())
		}

		b.pass(t, 2*24*time.Hour)
		if err := b.queue.SweepClicks(b.ctx); err != nil || count() != 0 {
			t.Errorf("after 31 days: %v, %d", err, count())
		}
	})
}
