package worker_test

import (
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// pausedEarly runs a campaign at one message a second and pauses it once the first has left.
func pausedEarly(t *testing.T, s *stage, people int) *ent.Campaign {
	t.Helper()
	c := s.draft(t, s.contacts(t, people))
	c.Update().SetRateLimit(1).ExecX(s.owner)
	if _, err := s.campaigns.Launch(s.owner, c.ID, nil); err != nil {
		t.Fatal(err)
	}

	s.work(t, s.process)
	if err := s.sandbox.WaitAccepted(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.campaigns.Pause(s.owner, c.ID); err != nil {
		t.Fatal(err)
	}

	s.until(t, "nothing is in anyone's hands", func() bool {
		row := s.campaign(c.ID)
		return row.Sending == 0 && row.Queued > 0 && row.EnrolledAt != nil
	})

	c.Update().ClearRateLimit().ExecX(s.owner)

	return c
}

// waiting are the addresses of a campaign's messages that wait.
func (s *stage) waiting(c uid.ID) (addresses []string) {
	for _, m := range s.db.Client.Message.Query().Where(message.CampaignID(c),
		message.StatusEQ(enum.MessageStatusQueued)).AllX(s.system) {
		addresses = append(addresses, m.Address)
	}

	return addresses
}

func (s *stage) saysStop(t *testing.T, phone string) {
	t.Helper()
	if _, err := s.sandbox.SendInbound(metaNumber, phone, "STOP"); err != nil {
		t.Fatal(err)
	}

	s.until(t, phone+" is opted out", func() bool {
		return s.db.Client.Contact.Query().Where(contact.Phone(phone), contact.MarketingConsentEQ(enum.ConsentOptedOut)).
			ExistX(s.system)
	})
}

func TestWhoSaysStopWhileTheirMessageWaitsGetsNone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		const people = 6
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true})
		c := pausedEarly(t, s, people)
		phone := s.waiting(c.ID)[0]
		s.saysStop(t, phone)
		if _, err := s.campaigns.Resume(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		s.until(t, "the campaign is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
		if got := s.accepted(phone); len(got) > 0 {
			t.Errorf("%s said STOP and got %+v", phone, got)
		}

		s.judge(t, c.ID, people-1)
		if row := s.campaign(c.ID); row.Skipped != 1 {
			t.Errorf("%d are skipped", row.Skipped)
		}
	})
}

func TestACampaignWhoseLastPeopleMayNotBeWrittenToIsOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		const people = 150
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true})
		c := pausedEarly(t, s, people)
		sent := people - len(s.waiting(c.ID))
		policy := jsonfield.DefaultSendingPolicy()
		policy.RequireOptIn = true
		s.db.Client.Organization.UpdateOneID(s.account.OrganizationID).SetSendingPolicy(policy).ExecX(s.system)
		if _, err := s.campaigns.Resume(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		s.until(t, "the campaign is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
		s.judge(t, c.ID, sent)
		left := s.db.Client.Message.Query().Where(message.CampaignID(c.ID), message.SkipReasonEQ(enum.SkipReasonNoOptIn)).
			CountX(s.system)
		if row := s.campaign(c.ID); row.Skipped != people-sent || left != people-sent {
			t.Errorf("%d are skipped, %d as NO_OPT_IN, of %d", row.Skipped, left, people-sent)
		}
	})
}

func TestARetryWritesToNobodyWhoHasOptedOutSinceTheirMessageFailed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true, NoWebhooks: true})
		c := s.launch(t, s.contacts(t, 2))
		s.work(t, s.process)
		s.until(t, "it is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
		messages := s.messages(c.ID)
		for _, m := range messages {
			s.record(t, delivery.Fact{Message: m.ID, WAMID: *m.Wamid, Attempt: m.Attempts, Kind: delivery.Failed,
				At: database.Now(), ErrorCode: 131000})
		}

		db.Client.Contact.Update().Where(contact.Phone(messages[0].Address)).SetMarketingConsent(enum.ConsentOptedOut).
			ExecX(s.system)
		got, err := s.campaigns.Retry(s.owner, c.ID, nil)
		if err != nil {
			t.Fatal(err)
		}

		if got.Failed != 1 || got.Queued+got.Sending+got.Accepted != 1 {
			t.Errorf("after the retry %d failed, %d queued, %d sending, %d accepted", got.Failed, got.Queued, got.Sending,
				got.Accepted)
		}

		s.until(t, "it is over again", func() bool {
			row := s.campaign(c.ID)
			return row.Status == enum.CampaignStatusCompleted && row.Accepted == 1
		})

		if first, second := len(s.accepted(messages[0].Address)), len(s.accepted(messages[1].Address)); first != 1 ||
			second != 2 {
			t.Errorf("who opted out got %d messages, the other %d", first, second)
		}
	})
}

func TestASingleMessageThatWaitsIsSkippedWhenItsPersonOptsOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true})
		const stranger, other = "+14162000001", "+14162000002"
		m, n := s.say(t, s.hello(stranger)), s.say(t, s.hello(other)) // nobody's contacts
		s.saysStop(t, stranger)
		s.work(t, s.process)
		s.becomes(t, n.ID, "READ")
		if m := s.becomes(t, m.ID, "SKIPPED"); m.SkipReason == nil || *m.SkipReason != enum.SkipReasonOptedOut {
			t.Errorf("it is skipped because of %v", m.SkipReason)
		}
		if got := s.accepted(stranger); len(got) > 0 {
			t.Errorf("who opted out got %+v", got)
		}
	})
}
