package worker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/transactional"
	"carillon/whatsapp/sandbox"
)

// onboard changes what Meta says of the account's marketing, past us.
func (s *stage) onboard(status string, onlyThere bool) {
	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, MarketingMessages: status, MarketingOnlyThere: &onlyThere})
}

func (s *stage) resync(t *testing.T) {
	t.Helper()
	s.quiet(t)
	if _, err := s.accounts.Sync(s.owner, s.account.ID); err != nil {
		t.Fatal(err)
	}
}

// quiet waits until Meta has told everything.
func (s *stage) quiet(t *testing.T) {
	t.Helper()
	if err := s.sandbox.WaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// went is by which endpoints the sandbox took messages, each once.
func (s *stage) went() (ways []string) {
	for _, a := range s.sandbox.Accepted() {
		if !slices.Contains(ways, a.Endpoint) {
			ways = append(ways, a.Endpoint)
		}
	}

	return ways
}

func routeOf(m *ent.Message) string {
	if m.Route == nil {
		return "usual"
	}
	return string(*m.Route)
}

const reader = "+14165550100"

func TestNothingChangesForAnAccountThatHasNotTakenPart(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		s.work(t, s.process)
		c := s.launch(t, s.contacts(t, 20))
		s.until(t, "it is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
		s.quiet(t)
		s.judge(t, c.ID, 20)
		if got := s.went(); !slices.Equal(got, []string{"messages"}) {
			t.Errorf("they went by %v", got)
		}

		for _, m := range s.messages(c.ID) {
			if m.Route != nil || m.Attempts != 1 {
				t.Errorf("%s went by %s in %d tries", m.Address, routeOf(m), m.Attempts)
			}
		}
	})
}

func TestMarketingOfAnAccountThatTakesPartGoesTheOtherWay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		s.onboard("ONBOARDED", false)
		s.resync(t)
		s.work(t, s.process)
		c := s.launch(t, s.contacts(t, 20))
		s.until(t, "it is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
		s.quiet(t)
		s.judge(t, c.ID, 20)
		if got := s.went(); !slices.Equal(got, []string{"marketing_messages"}) {
			t.Errorf("they went by %v", got)
		}

		for _, m := range s.messages(c.ID) {
			if routeOf(m) != "MARKETING_MESSAGES" || m.Attempts != 1 {
				t.Errorf("%s went by %s in %d tries", m.Address, routeOf(m), m.Attempts)
			}
		}
	})
}

func TestARefusalThatNamesTheOtherEndpointSendsThereOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		begin, then func(*stage) // Meta's state when it is read, and when it is sent
		refused     int
		route       string
	}{
		"131063: marketing goes only there by now": {
			func(*stage) {}, func(s *stage) { s.onboard("ONBOARDED", true) }, 131063, "MARKETING_MESSAGES"},
		"131061: it has got a max price": {func(*stage) {}, func(s *stage) {
			s.onboard("ONBOARDED", false)
			_ = s.sandbox.SetMaxPrice(waba, "hello", 87000)
		}, 131061, "MARKETING_MESSAGES"},
		"131055: it is utility by now": {func(s *stage) { s.onboard("ONBOARDED", false) },
			func(s *stage) { s.sandbox.Recategorize(waba, "hello", "UTILITY") }, 131055, "MESSAGES"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := stand(t, db, sandbox.Options{Throughput: 1000})
				tc.begin(s)
				s.resync(t)
				tc.then(s)
				s.work(t, s.process)
				c := s.launch(t, s.contacts(t, 3))
				s.until(t, "it is over", func() bool { return s.campaign(c.ID).Status == enum.CampaignStatusCompleted })
				s.quiet(t)
				s.judge(t, c.ID, 3)
				turned := false
				for _, m := range s.messages(c.ID) {
					turned = turned || m.Attempts == 2
					if routeOf(m) != tc.route && !(routeOf(m) == "usual" && tc.route == "MESSAGES") || m.Attempts > 2 {
						t.Errorf("%s went by %s in %d tries", m.Address, routeOf(m), m.Attempts)
					}
				}

				if !turned || s.sandbox.Counts().Refused[tc.refused] == 0 {
					t.Errorf("nothing was refused with %d: %v", tc.refused, s.sandbox.Counts().Refused)
				}
			})
		})
	}
}

func TestASecondRefusalIsFinal(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		s.quiet(t)
		s.onboard("ELIGIBLE", true) // /messages says 131063, and /marketing_messages 134102
		s.work(t, s.process)
		m := s.say(t, s.hello(reader))
		row := s.becomes(t, m.ID, "FAILED 134102")
		if row.Attempts != 2 || routeOf(row) != "MARKETING_MESSAGES" {
			t.Errorf("it failed after %d tries by %s", row.Attempts, routeOf(row))
		}
		if got := s.accepted(reader); len(got) > 0 {
			t.Errorf("and was taken: %v", got)
		}

		refused := s.sandbox.Counts().Refused
		if refused[131063]+refused[134102] != 2 {
			t.Errorf("it was refused %v", refused)
		}
	})
}

func TestWhyAMessageWentElsewhereIsInItsLog(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		s.quiet(t)
		s.onboard("ONBOARDED", true)
		s.work(t, s.process)
		m := s.say(t, s.hello(reader))
		s.becomes(t, m.ID, "READ")
		var log []string
		events, err := delivery.NewLog(db).Read(s.system, m.OrganizationID, 0, 100)
		if err != nil {
			t.Fatal(err)
		}

		for _, e := range events {
			log = append(log, string(e.Status))
			if e.Status == enum.MessageStatusQueued && e.ErrorCode == 131063 {
				log[len(log)-1] += " 131063"
			}
		}

		if got := strings.Join(log, ","); !strings.HasPrefix(got, "QUEUED 131063,") {
			t.Errorf("the log is %s", got)
		}
	})
}

func TestAMaxPriceIsToldWithEachMessage(t *testing.T) {
	t.Parallel()
	s := stand(t, dbtest.Open(t, dbtest.SQLite(t)), sandbox.Options{Throughput: 1000})
	s.onboard("ONBOARDED", false)
	if err := s.sandbox.SetMaxPrice(waba, "hello", 87000); err != nil {
		t.Fatal(err)
	}

	s.resync(t)
	s.work(t, s.process)
	m := s.say(t, s.hello(reader))
	s.becomes(t, m.ID, "READ")
	if got := s.accepted(reader); len(got) != 1 || got[0].Endpoint != "marketing_messages" || got[0].Bid != 1 {
		t.Errorf("the sandbox took %+v", got)
	}
}

func TestARefusalBecauseAnotherAppHoldsTheConversationStopsNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		s.work(t, s.process)
		s.contactsOf(t, reader)
		if _, err := s.sandbox.SendInbound(metaNumber, reader, "Hello"); err != nil {
			t.Fatal(err)
		}

		s.until(t, "the message is here", func() bool { return db.Client.Message.Query().CountX(s.system) == 1 })
		if err := s.sandbox.PassThread(metaNumber, reader, false); err != nil {
			t.Fatal(err)
		}

		for range 25 { // more than it takes for any brake
			m := s.say(t, transactional.Message{To: reader, Text: &transactional.Text{Body: "Hi"}})
			s.becomes(t, m.ID, "FAILED 131070")
		}

		n := db.Client.PhoneNumber.GetX(s.system, s.number.ID)
		if !s.accounts.Shared(n) || n.Status != "CONNECTED" {
			t.Errorf("the number is %s, shared: %t", n.Status, s.accounts.Shared(n))
		}
		if held := db.Client.Thread.Query().OnlyX(s.system); held.Ours || held.Address != reader {
			t.Errorf("the conversation is %+v", held)
		}

		template := s.say(t, s.hello(reader))
		s.becomes(t, template.ID, "READ")
		if a := db.Client.Account.GetX(s.system, s.account.ID); a.Status != enum.AccountStatusConnected {
			t.Errorf("the account is %s", a.Status)
		}
		if err := s.sandbox.PassThread(metaNumber, reader, true); err != nil {
			t.Fatal(err)
		}

		s.within(t, 30*time.Second, "the conversation is ours", func() bool {
			return db.Client.Thread.Query().OnlyX(s.system).Ours
		})
	})
}
