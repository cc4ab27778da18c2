package notification_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/identity"
	"carillon/notification"
	"carillon/whatsapp"
)

// happenings are what members are told of, by the titles of their mails.
var happenings = map[string]struct {
	do   func(s *stage) error
	to   []string
	says []string
}{
	"A campaign paused by itself": {func(s *stage) error {
		c := s.campaign("Spring", "ann")
		_, err := s.campaigns.Stop(s.system, campaign.ID(c.ID), enum.CampaignStatusReasonFailureRate,
			"40 of the last 200 answers were failures: 131026 Undeliverable (40); threshold 20 %.")
		return err
	}, []string{"ann"}, []string{`"Spring"`, "Too many of its last messages failed.", "131026 Undeliverable (40)",
		"then resume the campaign", "20 November 2026, 13:00 UTC", publicURL}},
	"A campaign is complete": {func(s *stage) error {
		s.campaign("Spring", "owner").Update().SetTotal(9).SetRead(7).SetFailed(2).ExecX(s.system)
		return s.campaigns.Finish(s.system, s.number.ID)
	}, []string{"owner"}, []string{`"Spring"`, "Of 9 messages WhatsApp took 7, 2 failed, 0 were skipped."}},
	"An import of contacts failed": {func(s *stage) error {
		im := s.db.Client.ContactImport.Create().SetOrganizationID(s.org).SetFileName("May customers.csv").SetFileBytes(9).
			SetColumns([]string{"phone"}).SetCreatedByID(s.members["bob"].ID).SaveX(s.system)
		return s.audience.RunImport(s.system, im.ID)
	}, []string{"bob"}, []string{`"May customers"`, "a piece of the uploaded file is missing", "Import the file again"}},
	"An account's access token runs out soon": {func(s *stage) error {
		s.account.Update().SetTokenExpiresAt(s.now().Add(10 * 24 * time.Hour)).ExecX(s.system)
		_, err := s.accounts.WatchTokens(s.system)
		return err
	}, []string{"admin", "owner"}, []string{`"Flowers"`, "30 November 2026, 13:00 UTC", "new token"}},
	"WhatsApp no longer takes an account's access token": {func(s *stage) error {
		s.account.Update().SetTokenExpiresAt(s.now().Add(-time.Minute)).ExecX(s.system)
		_, err := s.accounts.WatchTokens(s.system)
		return err
	}, []string{"admin", "owner"}, []string{`"Flowers"`, "Connect the account again"}},
	"WhatsApp has restricted an account": {func(s *stage) error {
		_, err := s.accounts.SetStatus(s.system, s.account.ID, enum.AccountStatusRestricted,
			"WhatsApp has restricted the account: RESTRICTED_BIZ_INITIATED_MESSAGING until 2026-11-30 15:04 UTC")
		return err
	}, []string{"admin", "owner"}, []string{`"Flowers"`, "until 2026-11-30 15:04 UTC", "WhatsApp Manager"}},
	"WhatsApp has rejected a template": {func(s *stage) error {
		_, err := s.accounts.ApplyTemplateUpdate(s.system, whatsapp.TemplateUpdate{WABAID: "1",
			Kind: whatsapp.TemplateStatusChanged, TemplateID: "7", Name: "sale", Language: "en", At: s.now(),
			Event: "REJECTED", Reason: "INVALID_FORMAT"})
		return err
	}, []string{"admin", "owner"}, []string{`"sale"`, "WhatsApp says: INVALID_FORMAT", "submit it again"}},
	"WhatsApp has paused a template": {func(s *stage) error {
		_, err := s.accounts.SetTemplateStatus(s.system, s.template.ID, enum.TemplateStatusPaused)
		return err
	}, []string{"admin", "owner"}, []string{`"sale"`, "the third pause disables it"}},
	"WhatsApp has disabled a template": {func(s *stage) error {
		_, err := s.accounts.SetTemplateStatus(s.system, s.template.ID, enum.TemplateStatusDisabled)
		return err
	}, []string{"admin", "owner"}, []string{`"sale"`, "appeal"}},
}

func TestWhoShouldKnowGetsOneMailWithTheReasonAndWhatToDo(t *testing.T) {
	t.Parallel()
	for title, tc := range happenings {
		t.Run(title, func(t *testing.T) {
			each(t, func(s *stage) {
				s.must(tc.do(s))
				mails := s.mailed()
				s.want(mails, tc.to...)

				for _, m := range mails {
					if m.subject != title || !strings.Contains(m.text, `this is about "Lucky Shrub"`) {
						s.t.Errorf("%s\n%s", m.subject, m.text)
					}

					for _, want := range append(tc.says, "What to do: ") {
						if !strings.Contains(m.text, want) && !(title == "A campaign is complete" && want == "What to do: ") {
							s.t.Errorf("it does not say %q:\n%s", want, m.text)
						}
					}
				}

				for range 3 { // nothing happens again
					s.advance(time.Hour)
					s.want(s.mailed())
				}
			})
		})
	}
}

func TestAWarningOfATokenIsMailedOnceForEachOfItsThreeTimes(t *testing.T) {
	each(t, func(s *stage) {
		s.account.Update().SetTokenExpiresAt(s.now().Add(15 * 24 * time.Hour)).ExecX(s.system)
		told := 0
		for range 17 * 4 {
			for range 2 {
				_, err := s.accounts.WatchTokens(s.system)
				s.must(err)
			}

			for _, m := range s.mailed() {
				if m.to == "owner" {
					told++
				}
			}

			s.advance(6 * time.Hour)
		}

		if told != 4 { // and once when it has run out
			s.t.Errorf("%d mails, want 4", told)
		}
	})
}

func TestWhatMembersChoseIsKept(t *testing.T) {
	each(t, func(s *stage) {
		_, err := s.who.UpdateNotifications(s.as("admin"), []enum.NotificationKind{}, nil)
		s.must(err)
		_, err = s.who.UpdateNotifications(s.as("viewer"),
			[]enum.NotificationKind{enum.NotificationKindCampaignPaused}, of(true))
		s.must(err)
		unproven := s.join("eve", enum.RoleOwner)
		s.db.Client.User.UpdateOneID(unproven.UserID).ClearEmailVerifiedAt().ExecX(s.system)
		suspended := s.join("sue", enum.RoleOwner)
		s.db.Client.User.UpdateOneID(suspended.UserID).SetSuspendedAt(s.now()).ExecX(s.system)
		left := s.join("lea", enum.RoleOwner)
		s.advance(time.Minute)

		s.must(happenings["WhatsApp has paused a template"].do(s))
		s.must(happenings["A campaign paused by itself"].do(s))
		s.advance(time.Second)
		s.join("new", enum.RoleOwner)
		s.db.Client.Member.DeleteOne(left).ExecX(s.system)
		s.want(s.mailed(), "ann", "owner", "viewer")

		// between the making of a mail and its sending
		s.must(happenings["WhatsApp has disabled a template"].do(s))
		s.post.refuse(&smtp.SMTPError{Code: 452, Message: "later"})
		s.advance(time.Hour)
		s.want(s.mailed())
		s.post.refuse(nil)
		_, err = s.who.UpdateNotifications(s.as("owner"), []enum.NotificationKind{enum.NotificationKindTokenExpired}, nil)
		s.must(err)
		s.db.Client.Member.Delete().Where(member.ID(s.members["new"].ID)).ExecX(s.system)
		s.advance(time.Hour)
		s.want(s.mailed())
		if n := s.db.Client.NotificationMail.Query().CountX(s.system); n != 3 {
			s.t.Errorf("%d mails are kept, want the three that were sent", n)
		}

		if _, err := s.who.UpdateNotifications(s.as("owner"), []enum.NotificationKind{enum.NotificationKindTokenExpired,
			enum.NotificationKindTokenExpired}, nil); err == nil {
			s.t.Error("a kind twice was taken")
		}

		m, err := s.who.UpdateNotifications(s.as("owner"), nil, nil)
		s.must(err)
		if got := identity.ToldOf(m); len(got) != len(enum.NotificationKind("").Values()) {
			s.t.Errorf("an owner is usually told of %v", got)
		}
	})
}

func of[T any](v T) *T { return &v }

func TestWhatBelongsToNobodyIsToldToAdministrators(t *testing.T) {
	each(t, func(s *stage) {
		s.campaign("by a key", "")
		s.campaign("by who left", "bob")
		s.db.Client.Member.DeleteOne(s.members["bob"]).ExecX(s.system)
		s.campaign("launched", "").Update().SetLaunchedByID(s.members["ann"].ID).ExecX(s.system)
		s.must(s.campaigns.Finish(s.system, s.number.ID))
		mails := s.mailed()
		s.want(mails, "admin", "ann", "owner")
		if mails[0].subject != "2 campaigns are complete" || mails[1].subject != "A campaign is complete" {
			s.t.Errorf("%q, %q", mails[0].subject, mails[1].subject)
		}
	})
}

func TestABurstWithOneCauseIsOneMailWithTheCount(t *testing.T) {
	each(t, func(s *stage) {
		const campaigns = 300
		for i := range campaigns {
			s.campaign(fmt.Sprintf("Spring %d", i), map[bool]string{true: "ann", false: "owner"}[i%3 == 0])
		}

		s.must(happenings["WhatsApp no longer takes an account's access token"].do(s))
		s.must(s.campaigns.AccountChanged(s.system, s.db.Client.Account.GetX(s.system, s.account.ID)))
		mails := s.mailed()
		s.want(mails, "admin", "ann", "owner")

		for i, want := range []string{"WhatsApp no longer takes an account's access token",
			"100 campaigns paused by themselves",
			"WhatsApp no longer takes an account's access token; 200 campaigns paused by themselves"} {
			if mails[i].subject != want {
				s.t.Errorf("%s: %q, want %q", mails[i].to, mails[i].subject, want)
			}
		}

		if n := strings.Count(mails[2].text, `"Spring `); n != 10 || !strings.Contains(mails[2].text, ", and 190 more.") {
			s.t.Errorf("%d are named:\n%s", n, mails[2].text)
		}

		// what follows soon after waits for the next mail
		for i := range 3 {
			c := s.campaign(fmt.Sprint("late", i), "ann")
			_, err := s.campaigns.Stop(s.system, campaign.ID(c.ID), enum.CampaignStatusReasonTokenInvalid, "")
			s.must(err)
			s.want(s.mailed())
		}

		s.advance(15 * time.Minute)
		if mails = s.mailed(); len(mails) != 1 || mails[0].subject != "3 campaigns paused by themselves" {
			s.t.Errorf("%v", mails)
		}
	})
}

func TestCampaignsThatPauseAtOnceForLikeReasonsAreOneMail(t *testing.T) {
	each(t, func(s *stage) {
		for reason, n := range map[enum.CampaignStatusReason]int{enum.CampaignStatusReasonScheduleMissed: 3,
			enum.CampaignStatusReasonTemplatePaused: 1, enum.CampaignStatusReasonTemplateDisabled: 1} {
			for range n {
				c := s.campaign("Spring", "ann")
				_, err := s.campaigns.Stop(s.system, campaign.ID(c.ID), reason, "It says why.")
				s.must(err)
			}
		}

		var subjects []string
		for _, m := range s.mailed() {
			subjects = append(subjects, m.subject)
		}

		slices.Sort(subjects)
		want := []string{"2 campaigns paused by themselves", "3 campaigns paused by themselves"}
		if !slices.Equal(subjects, want) {
			s.t.Errorf("%q, want %q", subjects, want)
		}
	})
}

func TestALimitThatComesAndGoesIsToldOnceADay(t *testing.T) {
	each(t, func(s *stage) {
		c, told := s.campaign("Spring", "ann"), 0
		for range 2 * 24 {
			s.must(s.campaigns.AtLimit(s.system, s.account.ID, 1000))
			told += len(s.mailed())
			s.db.Client.Campaign.UpdateOne(c).SetStatus(enum.CampaignStatusRunning).ClearStatusReason().ExecX(s.system)
			s.advance(time.Hour)
		}

		if told != 3 { // on three days in UTC
			s.t.Errorf("%d mails, want 3", told)
		}
	})
}

func TestTwoProcessesTellOnce(t *testing.T) {
	each(t, func(s *stage) {
		s.account.Update().SetTokenExpiresAt(s.now().Add(10 * 24 * time.Hour)).ExecX(s.system)
		c := s.campaign("Spring", "ann")
		processes := []process{s.process, s.start(true), s.start(true)}
		together := func(do func(p process)) {
			var all sync.WaitGroup
			for _, p := range processes {
				all.Go(func() { do(p) })
			}

			all.Wait()
		}

		together(func(p process) {
			if _, err := p.accounts.WatchTokens(s.system); err != nil {
				s.t.Error(err)
			}
			if _, err := p.campaigns.Stop(s.system, campaign.ID(c.ID), enum.CampaignStatusReasonPaymentIssue, ""); err != nil {
				s.t.Error(err)
			}
		})
		if n := s.db.Client.Notification.Query().CountX(s.system); n != 2 {
			s.t.Errorf("%d causes are written down, want 2", n)
		}

		s.advance(15 * time.Second)
		together(func(p process) {
			if err := p.outbox.Send(s.t.Context()); err != nil {
				s.t.Error(err)
			}
		})
		s.mail(s.process)
		s.want(s.post.mails(), "admin", "ann", "owner")
	})
}

func TestWhatIsCommittedIsMailedAfterADeathAndWhatIsNotIsNot(t *testing.T) {
	each(t, func(s *stage) {
		cause := notification.Cause{Organization: s.org, Kind: enum.NotificationKindTokenExpired, Key: "k", Scope: "s",
			Subject: s.account.ID, At: s.now()}
		died := errors.New("died before the commit")
		err := s.db.InTx(s.system, func(tx *database.Tx) error {
			if err := notification.Tell(s.system, tx, cause); err != nil {
				return err
			}
			return died
		})
		if !errors.Is(err, died) {
			s.t.Fatal(err)
		}

		s.want(s.mailed())
		s.must(happenings["WhatsApp no longer takes an account's access token"].do(s))
		s.advance(time.Minute)
		s.must(s.told.Gather(s.system)) // and this process dies before it mails what it has made
		s.mail(s.start(true))
		s.want(s.post.mails(), "admin", "owner")
		s.want(s.mailed())
	})
}

func TestAMailThatFailsIsTriedForADayAndSentOnce(t *testing.T) {
	each(t, func(s *stage) {
		s.post.refuse(&smtp.SMTPError{Code: 452, Message: "later"})
		s.must(happenings["A campaign paused by itself"].do(s))
		for range 20 {
			s.want(s.mailed())
			s.advance(time.Hour)
		}

		s.post.refuse(nil)
		s.want(s.mailed(), "ann")
		s.advance(time.Hour)
		s.want(s.mailed())

		s.post.refuse(&smtp.SMTPError{Code: 452, Message: "later"})
		s.must(happenings["WhatsApp has paused a template"].do(s))
		s.want(s.mailed())
		s.advance(25 * time.Hour)
		s.post.refuse(nil)
		s.want(s.mailed())
	})
}

func TestNothingIsKeptThatNobodyMails(t *testing.T) {
	each(t, func(s *stage) {
		count := func() int {
			return s.db.Client.Notification.Query().CountX(s.system) + s.db.Client.NotificationMail.Query().CountX(s.system)
		}

		s.must(happenings["WhatsApp has paused a template"].do(s))
		without := s.start(false)
		s.mail(without)
		s.want(s.post.mails())
		s.must(without.told.Sweep(s.system))
		if n := count(); n != 0 {
			s.t.Errorf("without a mail server %d rows are kept", n)
		}

		s.must(happenings["WhatsApp has disabled a template"].do(s))
		s.want(s.mailed(), "admin", "owner")
		s.must(s.told.Sweep(s.system))
		if n := count(); n != 3 {
			s.t.Errorf("%d rows are kept after the mails, want 3", n)
		}

		s.advance(31 * 24 * time.Hour)
		s.must(s.told.Sweep(s.system))
		if n := count(); n != 0 {
			s.t.Errorf("%d rows are kept after 31 days", n)
		}

		s.must(happenings["A campaign paused by itself"].do(s))
		s.must(s.told.Gather(s.system))
		s.advance(time.Minute)
		s.must(s.told.Gather(s.system))
		s.db.Client.Organization.UpdateOneID(s.org).SetStatus(enum.OrganizationStatusClosed).ExecX(s.system)
		s.want(s.mailed())
		s.must(s.told.Sweep(s.system))
		if n := count(); n != 0 {
			s.t.Errorf("a closed organization has %d rows", n)
		}
	})
}

func TestAMailHoldsNoAddressOrNumberOfAnybodysMaking(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
	s.db.Client.Organization.UpdateOneID(s.org).SetName("pay at evil.example").ExecX(s.system)
	s.account.Update().SetName("call +1 202 555 0100").ExecX(s.system)
	_, err := s.accounts.SetStatus(s.system, s.account.ID, enum.AccountStatusRestricted,
		"See https://evil.example/unlock or +1 202 555 0100")
	s.must(err)
	c := s.campaign("www.evil.example", "owner")
	_, err = s.campaigns.Stop(s.system, campaign.ID(c.ID), enum.CampaignStatusReasonMissingParameter, "Ann lacks a city")
	s.must(err)

	mails := s.mailed()
	s.want(mails, "admin", "owner", "owner")
	for _, m := range mails {
		text := m.subject + strings.ReplaceAll(m.text, publicURL, "")
		for _, no := range []string{"evil", "555", "://", "@", "Ann"} {
			if strings.Contains(text, no) {
				t.Errorf("it holds %q:\n%s", no, m.text)
			}
		}
	}
}
