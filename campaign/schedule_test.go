package campaign_test

import (
	"errors"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/usererror"
)

func TestADraftIsRefusedForTimesThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentUnknown)
		const day = 24 * time.Hour

		for name, tc := range map[string]struct {
			scheduled, expires *time.Duration // from now
			refused            []string       // fields
		}{
			"a start an hour ago":      {scheduled: of(-time.Hour), refused: []string{"scheduledAt"}},
			"a start last year":        {scheduled: of(-365 * day), refused: []string{"scheduledAt"}},
			"a start two minutes ago":  {scheduled: of(-2 * time.Minute), refused: []string{"scheduledAt"}},
			"a start just now":         {scheduled: of(-20 * time.Second)},
			"a start tomorrow":         {scheduled: of(day)},
			"a start in eleven months": {scheduled: of(330 * day)},
			"a start in ten years":     {scheduled: of(3650 * day), refused: []string{"scheduledAt"}},
			"an end in ten years":      {expires: of(3650 * day), refused: []string{"expiresAt"}},
			"an end that has passed":   {expires: of(-time.Second), refused: []string{"expiresAt"}},
			"an end before the start":  {scheduled: of(2 * day), expires: of(day), refused: []string{"expiresAt"}},
			"an end after the start":   {scheduled: of(day), expires: of(2 * day)},
			"a start and an end that have passed": {scheduled: of(-day), expires: of(-time.Hour),
				refused: []string{"scheduledAt", "expiresAt"}},
			"neither, so that it starts at its time": {},
		} {
			d := s.draft()
			for from, into := range map[*time.Duration]**time.Time{tc.scheduled: &d.ScheduledAt, tc.expires: &d.ExpiresAt} {
				if from != nil {
					*into = of(s.now.Add(*from))
				}
			}

			_, err := s.Create(s.owner, d)
			var wrong usererror.Fields
			if err != nil && !errors.As(err, &wrong) {
				t.Fatal(name, err)
			}

			fields := []string{}
			for _, w := range wrong {
				fields = append(fields, w.Path[0])
			}

			if len(fields) != len(tc.refused) {
				t.Errorf("%s: refused %v, want %v", name, fields, tc.refused)
				continue
			}

			for i := range fields {
				if fields[i] != tc.refused[i] {
					t.Errorf("%s: refused %v, want %v", name, fields, tc.refused)
				}
			}
		}
	})
}

func TestADraftWhoseStartHasPassedIsNotLaunchedToEverybodyAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentUnknown)
		d := s.draft()
		d.ScheduledAt = of(s.now.Add(time.Hour))
		c, err := s.Create(s.owner, d)
		if err != nil {
			t.Fatal(err)
		}

		s.now = s.now.Add(3 * time.Hour)
		var wrong usererror.Fields
		if _, err := s.Launch(s.owner, c.ID); !errors.As(err, &wrong) || wrong[0].Code != usererror.Stale {
			t.Errorf("launched two hours late: %v", err)
		}
		if got := db.Client.Campaign.GetX(s.owner, c.ID).Status; got != enum.CampaignStatusDraft {
			t.Errorf("it is %s", got)
		}

		// Launched within a minute of its time it starts at once.
		d.ScheduledAt = of(s.now.Add(time.Minute))
		if c, err = s.Create(s.owner, d); err != nil {
			t.Fatal(err)
		}

		s.now = s.now.Add(90 * time.Second)
		if c, err = s.Launch(s.owner, c.ID); err != nil || c.Status != enum.CampaignStatusPreparing {
			t.Errorf("%v, %v", c, err)
		}
	})
}
