package campaign_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"carillon/audit"
	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/auditevent"
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
		if _, err := s.Launch(s.owner, c.ID, nil); !errors.As(err, &wrong) || wrong[0].Code != usererror.Stale {
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
		if c, err = s.Launch(s.owner, c.ID, nil); err != nil || c.Status != enum.CampaignStatusPreparing {
			t.Errorf("%v, %v", c, err)
		}
	})
}

func TestAScheduledCampaignThatMayNotBeLaunchedPausesSaysWhyAndStartsOnceThatIsMended(t *testing.T) {
	t.Parallel()
	const missing = enum.CampaignStatusReasonMissingParameter
	for name, tc := range map[string]struct {
		draft  func(*stage, *campaign.Draft)
		spoil  func(*stage, *ent.Contact)
		mend   func(*stage, *ent.Contact) // nil: nothing can
		reason enum.CampaignStatusReason
		says   string
		code   usererror.Code
	}{
		"nobody is left": {
			spoil: func(s *stage, _ *ent.Contact) { s.db.Client.ListMember.Delete().ExecX(s.system) },
			mend: func(s *stage, c *ent.Contact) {
				s.db.Client.ListMember.Create().SetOrganizationID(c.OrganizationID).SetContactID(c.ID).
					SetContactListID(s.list.ID).ExecX(s.owner)
			},
			reason: enum.CampaignStatusReasonAudienceEmpty, says: "The audience is empty", code: usererror.Invalid,
		},
		"a file of recipients is still being read": {
			spoil: func(s *stage, c *ent.Contact) {
				s.db.Client.ContactImport.Create().SetOrganizationID(c.OrganizationID).SetFileName("people.csv").SetFileBytes(1).
					SetCampaignID(s.db.Client.Campaign.Query().OnlyIDX(s.owner)).ExecX(s.owner)
			},
			mend: func(s *stage, _ *ent.Contact) {
				s.db.Client.ContactImport.Update().SetStatus(enum.JobStatusCompleted).ExecX(s.owner)
			},
			reason: enum.CampaignStatusReasonRecipientsPending, says: `Recipients are still being read from "people.csv"`,
			code: usererror.NotAllowed,
		},
		"somebody has lost a value": {
			draft:  func(_ *stage, d *campaign.Draft) { d.MissingParameter = enum.MissingParameterPolicyFail },
			spoil:  func(s *stage, c *ent.Contact) { c.Update().SetName("").ExecX(s.system) },
			mend:   func(s *stage, c *ent.Contact) { c.Update().SetName("Ana").ExecX(s.system) },
			reason: missing, says: "1 recipients lack a value", code: usererror.Required,
		},
		"the template has got another parameter": {
			spoil: func(s *stage, _ *ent.Contact) {
				s.template.Update().SetComponents([]byte(`[{"type":"BODY","text":"Hi {{1}}, {{2}} and {{3}} soon."}]`)).
					ExecX(s.system)
			},
			mend: func(s *stage, _ *ent.Contact) {
				s.template.Update().SetComponents([]byte(`[{"type":"BODY","text":"Hi {{1}}, {{2}} soon."}]`)).ExecX(s.system)
			},
			reason: missing, says: "not bound: 3", code: usererror.Required,
		},
		"it has expired": {
			draft:  func(s *stage, d *campaign.Draft) { d.ExpiresAt = of(s.now.Add(90 * time.Minute)) },
			spoil:  func(*stage, *ent.Contact) {},
			reason: enum.CampaignStatusReasonScheduleMissed, says: "The campaign expired at", code: usererror.Stale,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db)
				contact := s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentUnknown)
				d := s.draft()
				d.ScheduledAt = of(s.now.Add(time.Hour))
				if tc.draft != nil {
					tc.draft(s, &d)
				}

				c, err := s.Create(s.owner, d)
				if err == nil {
					_, err = s.Launch(s.owner, c.ID, nil)
				}
				if err != nil {
					t.Fatal(err)
				}

				s.now = s.now.Add(2 * time.Hour)
				tc.spoil(s, contact)

				for range 2 { // the second sweep has nothing to add
					if err := s.Sweep(s.system); err != nil {
						t.Fatal(err)
					}
				}

				row := db.Client.Campaign.GetX(s.system, c.ID)
				if row.Status != enum.CampaignStatusPaused || row.StatusReason == nil || *row.StatusReason != tc.reason ||
					row.StatusDetail == nil || !strings.Contains(*row.StatusDetail, tc.says) {
					t.Fatalf("it is %s because of %v: %v", row.Status, row.StatusReason, row.StatusDetail)
				}

				pauses := db.Client.AuditEvent.Query().Where(auditevent.SubjectID(c.ID),
					auditevent.Action(audit.ActionCampaignPause)).AllX(s.system)
				if len(pauses) != 1 || pauses[0].Actor != "system" || !strings.Contains(pauses[0].Summary, string(tc.reason)) {
					t.Errorf("the trail says %v", pauses)
				}

				_, err = s.Resume(s.owner, c.ID)
				if codes(err)["campaignId"] != tc.code {
					t.Errorf("resuming it says %v", err)
				}
				if tc.mend == nil {
					return
				}

				tc.mend(s, contact)
				if c, err = s.Resume(s.owner, c.ID); err != nil || c.Status != enum.CampaignStatusPreparing {
					t.Errorf("resumed to %v, %v", c, err)
				}
			})
		})
	}
}

func TestACampaignThatWaitedForItsOrganizationIsFitForALaunchBeforeItGoesOnByItself(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentUnknown)
		d := s.draft()
		d.ScheduledAt = of(s.now.Add(time.Hour))
		c, err := s.Create(s.owner, d)
		if err == nil {
			_, err = s.Launch(s.owner, c.ID, nil)
		}
		if err != nil {
			t.Fatal(err)
		}

		is := func(reason enum.CampaignStatusReason) {
			t.Helper()
			if err := s.Sweep(s.system); err != nil {
				t.Fatal(err)
			}

			got := db.Client.Campaign.GetX(s.system, c.ID)
			if got.Status != enum.CampaignStatusPaused || got.StatusReason == nil || *got.StatusReason != reason {
				t.Fatalf("it is %s because of %v, want %s", got.Status, got.StatusReason, reason)
			}
		}

		organization := db.Client.Organization.UpdateOneID(s.account.OrganizationID)
		organization.SetStatus(enum.OrganizationStatusSuspended).ExecX(s.system)
		s.now = s.now.Add(2 * time.Hour)
		is(enum.CampaignStatusReasonOrganizationSuspended)

		db.Client.ListMember.Delete().ExecX(s.system)
		is(enum.CampaignStatusReasonOrganizationSuspended)

		organization.SetStatus(enum.OrganizationStatusActive).ExecX(s.system)
		is(enum.CampaignStatusReasonAudienceEmpty)
	})
}
