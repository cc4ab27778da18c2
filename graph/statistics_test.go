package graph_test

import (
	"fmt"
	"testing"
	"time"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
)

const statistics = `query($f: StatisticsFilter!, $i: StatisticsInterval, $g: [StatisticsDimension!]) { statistics(filter: $f, interval: $i, groupBy: $g) {
	start account { name phoneNumbers { displayNumber } } phoneNumber { displayNumber queued account { name } } template { name account { name } } campaign { id name template { name } progress { failures { count } } }
	category country errorCode accepted sent delivered read failed skipped received optedOut deliveryRate readRate cost { amount } } }`

// today is a filter that has all that a test does.
func today() vars {
	return vars{"since": database.Now().Add(-24 * time.Hour), "until": database.Now().Add(time.Hour)}
}

func TestStatistics(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(4)
		c := o.campaign("Spring")
		ids := o.queued(c, 4)
		o.record(delivery.Accepted, append(ids, o.queued(uid.ID{}, 1)...)...)
		o.record(delivery.Delivered, ids[:3]...)
		o.record(delivery.Read, ids[0])
		o.record(delivery.Failed, ids[3])
		viewer := o.key(enum.RoleViewer)
		a := viewer.must(statistics, vars{"f": today(), "i": "TOTAL",
			"g": []string{"CAMPAIGN", "ERROR_CODE", "ACCOUNT", "PHONE_NUMBER", "TEMPLATE", "CATEGORY", "COUNTRY", "CAMPAIGN"}})
		const single, sent, failed = "statistics.0.", "statistics.1.", "statistics.2."
		if len(a.list("statistics")) != 3 || a.at(single+"campaign") != nil || a.at(single+"accepted") != 1.0 ||
			a.at(single+"deliveryRate") != 0.0 || a.at(single+"start") != nil {
			t.Errorf("the row of no campaign: %v", a.Data)
		}

		if a.text(sent+"campaign.id") != c.String() || a.at(sent+"errorCode") != nil || a.at(sent+"accepted") != 4.0 ||
			a.at(sent+"delivered") != 3.0 || a.at(sent+"deliveryRate") != 0.75 ||
			a.at(sent+"read") != 1.0 || a.at(sent+"failed") != 0.0 || a.at(sent+"cost") != nil ||
			a.text(sent+"template.name") != "spring_sale" || a.text(sent+"phoneNumber.account.name") != "Lucky Shrub" ||
			a.text(sent+"account.name") != "Lucky Shrub" || a.text(sent+"category") != "MARKETING" ||
			a.text(sent+"country") != "CA" || a.text(sent+"campaign.template.name") != "spring_sale" {
			t.Errorf("the campaign's row: %v", a.Data)
		}

		if a.at(failed+"errorCode") != 131026.0 || a.at(failed+"failed") != 1.0 || a.at(failed+"accepted") != 0.0 {
			t.Errorf("the row of what failed: %v", a.Data)
		}

		only := today()
		only["campaignId"], only["timeZone"] = c.String(), "Asia/Kolkata"
		a = o.must(statistics, vars{"f": only})
		start, err := time.Parse(time.RFC3339, a.text("statistics.0.start"))
		if err != nil || a.at("statistics.0.accepted") != 4.0 || a.at("statistics.0.campaign") != nil ||
			start.Minute() != 30 {
			t.Errorf("by day: %v", a.Data)
		}

		if a := s.signUp().must(statistics, vars{"f": today()}); len(a.list("statistics")) != 0 {
			t.Errorf("a stranger sees %v", a.Data)
		}

		for name, edit := range map[string]func(vars){
			"a zone that is none":         func(f vars) { f["timeZone"] = "Mars/Olympus" },
			"the server's own zone":       func(f vars) { f["timeZone"] = "Local" },
			"no zone":                     func(f vars) { f["timeZone"] = "" },
			"an end before the beginning": func(f vars) { f["since"], f["until"] = f["until"], f["since"] },
		} {
			f := today()
			edit(f)
			if a := o.ask(statistics, vars{"f": f}); a.code() != "BAD_USER_INPUT" {
				t.Errorf("%s gave %v %v", name, a.Data, a.Errors)
			}
		}
	})
}

func TestStatisticsCostTheSameHoweverManyRows(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		count := func() int64 {
			s.statements.Store(0)
			o.must(statistics, vars{"f": today(), "i": "HOUR", "g": []string{"CAMPAIGN", "TEMPLATE", "PHONE_NUMBER", "ACCOUNT"}})
			return s.statements.Load()
		}

		o.record(delivery.Failed, o.queued(o.campaign("One"), 1)...)
		few := count()
		for i := range 20 {
			o.record(delivery.Failed, o.queued(o.campaign(fmt.Sprint("More", i)), 3)...)
		}

		if many := count(); many != few {
			t.Errorf("%d statements for one row, %d for many", few, many)
		}
	})
}
