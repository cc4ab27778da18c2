package campaign_test

import (
	"fmt"
	"testing"
	"time"

	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/message"
)

// The clocks of five zones, around both changes of daylight saving: the moment found shows the
// wanted face, and no moment before it did; or, in the hour that is passed over, it is the jump.
func TestAWallClockIsFoundInEveryZoneAcrossDaylightSaving(t *testing.T) {
	t.Parallel()
	changes := map[string][]string{
		"Europe/Berlin":       {"2027-03-28", "2026-10-25"},
		"America/New_York":    {"2027-03-14", "2026-11-01"},
		"Australia/Lord_Howe": {"2026-10-04", "2027-04-04"}, // by half an hour
		"America/Santiago":    {"2026-09-06", "2027-04-04"}, // at midnight
		"Africa/Casablanca":   {"2027-03-14", "2027-02-07"}, // back and forth around Ramadan
		"Asia/Shanghai":       {"2026-12-01"},
	}

	for name, days := range changes {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}

		for _, day := range days {
			midnight, err := time.Parse(time.DateOnly, day)
			if err != nil {
				t.Fatal(err)
			}

			for minutes := -12 * 60; minutes < 36*60; minutes += 10 {
				wanted := midnight.Add(time.Duration(minutes) * time.Minute)
				got := campaign.AtWallClock(wanted, zone)
				face, before := shown(got, zone), shown(got.Add(-time.Second), zone)
				if face.Before(wanted) || !before.Before(wanted) {
					t.Errorf("%s: %s is at %s, which shows %s after %s", name, wanted.Format(time.DateTime), got,
						face.Format(time.DateTime), before.Format(time.DateTime))
				}
				if earlier := got.Add(-time.Hour); !shown(earlier, zone).Before(wanted) {
					t.Errorf("%s: %s was shown an hour before %s already", name, wanted.Format(time.DateTime), got)
				}
			}
		}
	}
}

// shown is what a zone's clocks show, as a number.
func shown(at time.Time, zone *time.Location) time.Time {
	local := at.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), 0, time.UTC)
}

func TestEachPersonIsWrittenToWhenTheirOwnClockShowsTheStart(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
		start := time.Date(2026, 12, 2, 9, 0, 0, 0, time.FixedZone("", 3600)) // 9:00 in Berlin
		for phone, want := range map[string]struct{ zone, at string }{
			"+8613800138000": {"", "2026-12-02T01:00:00Z"},                   // Shanghai, by the number
			"+4915112345678": {"", "2026-12-02T08:00:00Z"},                   // Berlin
			"+14155552671":   {"", "2026-12-02T17:00:00Z"},                   // San Francisco, by the area
			"+4915112345679": {"Pacific/Kiritimati", "2026-12-01T19:00:00Z"}, // their own goes before
			"+79161234567":   {"", "2026-12-02T06:00:00Z"},                   // Russia: where most people live
		} {
			s.contact(phone, want.at, "Rome", enum.ConsentOptedIn).Update().SetNillableTimeZone(nonEmpty(want.zone)).
				SetCountry(map[bool]string{true: "RU", false: "XX"}[phone == "+79161234567"]).ExecX(s.owner)
		}

		d := s.draft()
		d.ScheduledAt, d.TimeZone, d.RecipientTime = &start, of("Europe/Berlin"), true
		c := s.launched(t, d)
		if c.Status != enum.CampaignStatusScheduled {
			t.Fatalf("it is %s", c.Status)
		}

		s.now = time.Date(2026, 12, 1, 18, 59, 0, 0, time.UTC) // 8:59 on the easternmost island
		if err := s.Sweep(s.owner); err != nil {
			t.Fatal(err)
		}
		if c = db.Client.Campaign.GetX(s.owner, c.ID); c.Status != enum.CampaignStatusScheduled {
			t.Fatalf("before anybody's time it is %s", c.Status)
		}

		s.now = s.now.Add(time.Minute)
		if err := s.Sweep(s.owner); err != nil {
			t.Fatal(err)
		}
		if err := s.Enroll(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		messages := db.Client.Message.Query().Where(message.CampaignID(c.ID)).AllX(s.owner)
		if len(messages) != 5 {
			t.Fatalf("%d messages", len(messages))
		}

		for _, m := range messages {
			if got := m.NotBefore.UTC().Format(time.RFC3339); got != m.Parameters["1"] {
				t.Errorf("%s: %s, want %s", m.Address, got, m.Parameters["1"])
			}
		}
	})
}

func TestAScheduledCampaignStartsLateWithinAnHourAndElseSaysThatItMissedItsTime(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+14161000001", "Ann", "Rome", enum.ConsentOptedIn)
		for late, want := range map[time.Duration]string{0: "PREPARING", 59 * time.Minute: "PREPARING",
			61 * time.Minute: "PAUSED SCHEDULE_MISSED"} {
			begun := s.now
			d := s.draft()
			d.ScheduledAt = of(s.now.Add(time.Hour))
			c := s.launched(t, d)
			s.now = d.ScheduledAt.Add(late)
			if err := s.Sweep(s.owner); err != nil {
				t.Fatal(err)
			}

			c = db.Client.Campaign.GetX(s.owner, c.ID)
			got := string(c.Status)
			if c.StatusReason != nil {
				got = fmt.Sprint(got, " ", *c.StatusReason)
			}
			if got != want {
				t.Errorf("%s late it is %s, want %s", late, got, want)
			}

			if c.Status == enum.CampaignStatusPaused {
				if c, err := s.Resume(s.owner, c.ID); err != nil || c.Status != enum.CampaignStatusPreparing {
					t.Error("it does not start when somebody says so:", c, err)
				}
			}

			s.now = begun
		}
	})
}
