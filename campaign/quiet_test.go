package campaign_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/uid"
)

// night is a stage in the evening: it is 22:00 in Shanghai and 15:00 in Berlin, and the
// organization is quiet from 21:00 to 8:00.
func night(t *testing.T, db *database.DB) *stage {
	s := stand(t, db)
	s.now = time.Date(2026, 12, 1, 14, 0, 0, 0, time.UTC)
	s.quietFrom("21:00", "08:00")

	return s
}

func (s *stage) quietFrom(start, end string) {
	policy := jsonfield.DefaultSendingPolicy()
	policy.QuietHours = &jsonfield.QuietHours{Start: start, End: end}
	s.db.Client.Organization.UpdateOneID(s.account.OrganizationID).SetSendingPolicy(policy).ExecX(s.system)
}

// send claims what may go now, and has WhatsApp take it.
func (s *stage) send(t *testing.T) (sent int) {
	t.Helper()
	o := s.db.Client.Organization.GetX(s.system, s.account.OrganizationID)
	campaigns, err := s.queue.Runnable(s.system, s.number.ID)
	if err != nil {
		t.Fatal(err)
	}

	claimed, _, err := s.queue.Claim(s.system, s.number.ID, 100, campaigns, delivery.Limit{Account: s.account.ID,
		Organization: o.ID, Quiet: delivery.QuietHoursOf(o)})
	if err != nil {
		t.Fatal(err)
	}

	facts := make([]delivery.Fact, len(claimed))
	for i, m := range claimed {
		facts[i] = delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Accepted, At: s.now,
			WAMID: "wamid." + m.ID.String()}
	}
	if _, err := s.journal.Record(s.system, facts...); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(s.system, s.number.ID); err != nil {
		t.Fatal(err)
	}

	return len(claimed)
}

func (s *stage) enrolled(t *testing.T, d campaign.Draft) *ent.Campaign {
	t.Helper()
	c := s.launched(t, d)
	if err := s.Enroll(s.owner, c.ID); err != nil {
		t.Fatal(err)
	}

	return s.db.Client.Campaign.GetX(s.owner, c.ID)
}

func (s *stage) estimated(t *testing.T, d campaign.Draft) (duration time.Duration, warnings string) {
	t.Helper()
	c, err := s.Create(s.owner, d)
	if err != nil {
		t.Fatal(err)
	}

	e, err := s.Estimate(s.owner, c.ID)
	if err != nil || len(e.Problems) > 0 {
		t.Fatal(err, e)
	}

	return e.Duration, strings.Join(e.Warnings, "\n")
}

func (s *stage) waits(c uid.ID) map[string]string {
	waits := map[string]string{}
	for _, m := range s.db.Client.Message.Query().Where(message.CampaignID(c)).AllX(s.owner) {
		waits[m.Address] = string(m.Status) + " " + m.NotBefore.UTC().Format("02T15:04")
	}

	return waits
}

func TestPeopleAtNightWaitForTheirMorningAndTheCampaignForThem(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := night(t, db)
		s.contact("+8613800138000", "Li", "Wuhan", enum.ConsentOptedIn)
		s.contact("+4915112345678", "Bo", "Rome", enum.ConsentOptedIn)
		s.contact("+4915112345679", "Jo", "Rome", enum.ConsentOptedIn).Update().SetTimeZone("Asia/Tokyo").ExecX(s.owner)
		d := s.draft()
		if took, said := s.estimated(t, d); took < 10*time.Hour || took > 10*time.Hour+time.Minute ||
			!strings.Contains(said, "quiet hours (21:00 to 08:00) of 2 people") {
			t.Errorf("takes %s: %s", took, said)
		}

		c := s.enrolled(t, d)
		want := map[string]string{"+8613800138000": "QUEUED 02T00:00", "+4915112345678": "QUEUED 01T14:00",
			"+4915112345679": "QUEUED 01T23:00"}
		if diff := cmp.Diff(want, s.waits(c.ID)); diff != "" {
			t.Error(diff)
		}

		if n := s.send(t); n != 1 {
			t.Errorf("%d are sent in the evening", n)
		}
		if err := s.Sweep(s.system); err != nil {
			t.Fatal(err)
		}
		if c = db.Client.Campaign.GetX(s.owner, c.ID); c.Status != enum.CampaignStatusRunning || c.Queued != 2 {
			t.Errorf("by night it is %s with %d queued", c.Status, c.Queued)
		}

		s.now = s.now.Add(10 * time.Hour)
		if n := s.send(t); n != 2 {
			t.Errorf("%d are sent in the morning", n)
		}
		if c = db.Client.Campaign.GetX(s.owner, c.ID); c.Status != enum.CampaignStatusCompleted {
			t.Errorf("at last it is %s", c.Status)
		}
	})
}

func TestWhatWaitsBeyondTheExpiryIsSkippedAndTheEstimateSaysSo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := night(t, db)
		s.contact("+8613800138000", "Li", "Wuhan", enum.ConsentOptedIn)
		d := s.draft()
		d.ExpiresAt = of(s.now.Add(5 * time.Hour))
		if _, said := s.estimated(t, d); !strings.Contains(said, "before the campaign expires") {
			t.Errorf("it says %s", said)
		}

		c := s.enrolled(t, d)
		s.now = s.now.Add(6 * time.Hour)
		if err := s.Sweep(s.system); err != nil {
			t.Fatal(err)
		}

		m := db.Client.Message.Query().Where(message.CampaignID(c.ID)).OnlyX(s.owner)
		if m.SkipReason == nil || *m.SkipReason != enum.SkipReasonExpired {
			t.Errorf("it is %s, %v", m.Status, m.SkipReason)
		}
		if c = db.Client.Campaign.GetX(s.owner, c.ID); c.Status != enum.CampaignStatusCompleted {
			t.Errorf("the campaign is %s", c.Status)
		}
	})
}

func TestACanaryWaitsForTheMorningToo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := night(t, db)
		for i := range 5 {
			s.contact(fmt.Sprintf("+861380013800%d", i), "Li", "Wuhan", enum.ConsentOptedIn)
			s.contact(fmt.Sprintf("+491511234567%d", i), "Bo", "Rome", enum.ConsentOptedIn)
		}

		d := s.draft()
		d.Canary = &jsonfield.Canary{Size: 7, WaitSeconds: 60, MaxFailureRate: 0.5}
		c := s.enrolled(t, d)
		state := func() string {
			c := db.Client.Campaign.GetX(s.owner, c.ID)
			return fmt.Sprintf("%s %s, %d queued", c.Status, *c.CanaryState, c.Queued)
		}

		if n := s.send(t); n != 5 || state() != "RUNNING PENDING, 5 queued" {
			t.Errorf("%d are sent in the evening: %s", n, state())
		}

		s.now = s.now.Add(10 * time.Hour)
		if n := s.send(t); n != 2 || state() != "RUNNING WAITING, 3 queued" {
			t.Errorf("%d are sent in the morning: %s", n, state())
		}

		s.now = s.now.Add(2 * time.Minute)
		if err := s.Sweep(s.system); err != nil {
			t.Fatal(err)
		}
		if n := s.send(t); n != 3 || state() != "COMPLETED PASSED, 0 queued" {
			t.Errorf("%d are sent behind it: %s", n, state())
		}
	})
}

// The wall clock of the start is within quiet hours: people are written to when these end, in each
// zone.
func TestAStartInEachPersonsNightIsHeldUntilTheirMorning(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := night(t, db)
		s.contact("+8613800138000", "Li", "Wuhan", enum.ConsentOptedIn)
		s.contact("+4915112345678", "Bo", "Rome", enum.ConsentOptedIn)
		d := s.draft()
		d.ScheduledAt, d.TimeZone, d.RecipientTime = of(time.Date(2026, 12, 3, 22, 0, 0, 0, time.UTC)), of("UTC"), true
		if _, said := s.estimated(t, d); !strings.Contains(said, "of 2 people") {
			t.Errorf("it says %s", said)
		}

		c := s.launched(t, d)
		s.now = time.Date(2026, 12, 3, 9, 0, 0, 0, time.UTC) // the first people on earth have 22:00 soon
		if err := s.Sweep(s.system); err != nil {
			t.Fatal(err)
		}
		if err := s.Enroll(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		s.now = time.Date(2026, 12, 3, 21, 0, 0, 0, time.UTC) // 22:00 in Berlin, 5:00 in Shanghai
		if n := s.send(t); n != 0 {
			t.Errorf("%d are sent", n)
		}

		want := map[string]string{"+8613800138000": "QUEUED 04T00:00", "+4915112345678": "QUEUED 04T07:00"}
		if diff := cmp.Diff(want, s.waits(c.ID)); diff != "" {
			t.Error(diff)
		}

		s.now = time.Date(2026, 12, 4, 7, 0, 0, 0, time.UTC)
		if n := s.send(t); n != 2 {
			t.Errorf("%d are sent at last", n)
		}
	})
}

// A minute before the night begins in Shanghai, for 200 people there at one a second.
func TestAnEstimateInterruptsWhatTheNightInterrupts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := night(t, db)
		s.now = time.Date(2026, 12, 1, 12, 59, 0, 0, time.UTC)
		for i := range 200 {
			s.contact(fmt.Sprintf("+861380013%04d", i), "Li", "Wuhan", enum.ConsentOptedIn)
		}

		d := s.draft()
		d.RateLimit = of(1)
		took, said := s.estimated(t, d)
		if want := 11*time.Hour + time.Minute + 140*time.Second; (took-want).Abs() > time.Second ||
			!strings.Contains(said, "Not everybody is written to before their quiet hours (21:00 to 08:00) begin") {
			t.Errorf("takes %s, want %s: %s", took, want, said)
		}

		for i := range 60 { // who are awake then go first, and leave the others less of the minute
			s.contact(fmt.Sprintf("+491511234%04d", i), "Bo", "Rome", enum.ConsentOptedIn)
		}

		took, _ = s.estimated(t, d) // of 60 sent by 21:00, 200/260 are in Shanghai; the other 14 go after that
		if want := 11*time.Hour + time.Minute + 153846*time.Millisecond; (took - want).Abs() > time.Second {
			t.Errorf("takes %s, want %s", took, want)
		}

		d.RateLimit = nil
		if took, said := s.estimated(t, d); took > time.Minute || strings.Contains(said, "quiet") {
			t.Errorf("at once it takes %s: %s", took, said)
		}
	})
}
