package worker_test

import (
	"slices"
	"testing"

	"carillon/account"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/transactional"
	"carillon/uid"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

// say sends one message as a caller of the API does.
func (s *stage) say(t *testing.T, m transactional.Message) *ent.Message {
	t.Helper()
	m.PhoneNumberID = s.number.ID
	sent, err := s.direct.Send(s.owner, m)
	if err != nil {
		t.Fatal(err)
	}

	return sent
}

// becomes waits until a message has that status, with its error code where there is one.
func (s *stage) becomes(t *testing.T, id uid.ID, want string) *ent.Message {
	t.Helper()
	s.until(t, "the message is "+want, func() bool { return status(s.db.Client.Message.GetX(s.system, id)) == want })
	return s.db.Client.Message.GetX(s.system, id)
}

// accepted is what the sandbox took for a person.
func (s *stage) accepted(to string) (all []sandbox.Accepted) {
	for _, a := range s.sandbox.Accepted() {
		if "+"+a.To == to {
			all = append(all, a)
		}
	}

	return all
}

func (s *stage) hello(to string) transactional.Message {
	return transactional.Message{To: to, Template: &transactional.Template{TemplateID: s.template.ID,
		Values: []transactional.Value{{Parameter: "1", Value: "Ana"}}}}
}

func TestASingleTemplateIsSentAndFollowed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		s.work(t, s.process)
		const to = "+14165550100"
		m := s.becomes(t, s.say(t, s.hello(to)).ID, "READ")
		got := s.accepted(to)
		if len(got) != 1 || got[0].Template != "hello" || !slices.Equal(got[0].Params, []string{"Ana"}) ||
			*m.Wamid != got[0].WAMID {
			t.Errorf("WhatsApp got %+v", got)
		}
	})
}

func TestATemplateReachesAPersonByTheirUserID(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		s.work(t, s.process)
		const to = "CA.13491208655302741918"
		s.becomes(t, s.say(t, s.hello(to)).ID, "READ")
		if got := s.accepted("+" + to); len(got) != 1 || got[0].Template != "hello" {
			t.Errorf("WhatsApp got %+v", got)
		}
	})
}

func TestAnAnswerInsideTheWindowReachesWhoWrote(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000, NoPairLimit: true})
		s.work(t, s.process)
		const to = "+14165550100"
		text := transactional.Message{To: to, Text: &transactional.Text{Body: "Hello, how can we help?"}}
		text.PhoneNumberID = s.number.ID
		if _, err := s.direct.Send(s.owner, text); err == nil {
			t.Error("a text to somebody who has not written was taken")
		}
		if _, err := s.sandbox.SendInbound(metaNumber, to, "Help"); err != nil {
			t.Fatal(err)
		}

		var asked *ent.Message
		s.until(t, "what they wrote is here", func() bool {
			asked, _ = db.Client.Message.Query().Where(message.DirectionEQ(enum.DirectionInbound)).Only(s.system)
			return asked != nil
		})

		text.ReplyTo = &asked.ID
		answer := s.becomes(t, s.say(t, text).ID, "READ")
		if answer.ContactID == nil || *answer.ContactID != *asked.ContactID || answer.Category != nil {
			t.Errorf("the answer is %+v", answer)
		}

		s.becomes(t, s.say(t, transactional.Message{To: to, Media: &transactional.Media{Kind: enum.MessageTypeImage,
			Link: "https://example.com/plant.jpg", Caption: "This one?"}}).ID, "READ")
		got := s.accepted(to)
		if len(got) != 2 || got[0].Type != "text" || !slices.Equal(got[0].Params, []string{text.Text.Body}) ||
			got[1].Type != "image" || !slices.Equal(got[1].Params, []string{"https://example.com/plant.jpg"}) {
			t.Errorf("WhatsApp got %+v", got)
		}
	})
}

func TestWhatsAppHasTheLastWordOnTheWindow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		s.work(t, s.process)
		const to = "+14165550144" // whose window is shut at WhatsApp
		if _, err := s.sandbox.SendInbound(metaNumber, to, "Help"); err != nil {
			t.Fatal(err)
		}

		s.until(t, "the window is open here", func() bool {
			return db.Client.Contact.Query().Where(contact.Phone(to), contact.ServiceWindowClosesAtNotNil()).ExistX(s.system)
		})
		m := s.becomes(t, s.say(t, transactional.Message{To: to, Text: &transactional.Text{Body: "Hello"}}).ID,
			"FAILED 131047")
		if m.Attempts != 1 {
			t.Errorf("it was tried %d times", m.Attempts)
		}
	})
}

func TestASingleMessageIsFoundWhenNobodyWasWoken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		template, err := s.accounts.CreateTemplate(s.owner,
			account.CreateTemplate{AccountID: s.account.ID, Submit: true, Template: whatsapp.Template{
				Name: "order", Language: "en_US", Category: "UTILITY",
				Components: []whatsapp.Component{{Type: "BODY", Text: "Your order is on its way."}}}})
		if err != nil {
			t.Fatal(err)
		}

		template.Update().SetStatus(enum.TemplateStatusApproved).ExecX(s.system)
		s.sandbox.ApproveTemplate(waba, "order")
		m := s.say(t, transactional.Message{To: "+14165550100", Template: &transactional.Template{TemplateID: template.ID}})
		wipe(t, s) // its task among the rest
		s.work(t, s.process)
		lanes, err := s.queue.Lanes(s.system) // as the sweep asks
		if err != nil || !slices.Equal(lanes, []uid.ID{s.number.ID}) {
			t.Fatalf("lanes with work: %v, %v", lanes, err)
		}

		s.tasks.WakeLane(s.system, lanes[0])
		if m := s.becomes(t, m.ID, "READ"); *m.Category != enum.TemplateCategoryUtility {
			t.Errorf("its category is %s", *m.Category)
		}
	})
}
