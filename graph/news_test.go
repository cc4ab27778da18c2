package graph_test

import (
	"fmt"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/uid"
)

const news = `subscription { statusChanged { __typename ... on Node { id } ... on Campaign { state: status statusReason template { name } progress { failures { code } } }
	... on Template { status account { name } } ... on PhoneNumber { qualityRating queued } ... on Account { accountStatus: status phoneNumbers { displayNumber } } } }`

// changes reads n changes, and gives the last by its id.
func (s *socket) changes(n int) map[string]answer {
	s.t.Helper()
	out := map[string]answer{}
	for range n {
		a := s.result()
		out[a.text("statusChanged.id")] = a
	}

	return out
}

func TestStatusChangedTellsOfEachChange(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		c := o.campaign("Spring")
		ended := o.campaign("Winter")
		system := caller.System(t.Context())
		s.db.Client.Campaign.UpdateOneID(ended).SetStatus(enum.CampaignStatusCompleted).ExecX(system)
		stranger := s.signUp().dial()
		stranger.subscribe(news, vars{})
		ws := o.dial()
		ws.subscribe(news, vars{})
		s.hearsChanges(o, ws)

		tpl := o.template.Update().SetStatus(enum.TemplateStatusPaused).SaveX(system)
		number := o.number.Update().SetQualityRating(enum.QualityRatingYellow).SaveX(system)
		account := o.account.Update().SetStatus(enum.AccountStatusRestricted).SaveX(system)
		s.db.Client.Campaign.UpdateOneID(c).SetStatus(enum.CampaignStatusPaused).
			SetStatusReason(enum.CampaignStatusReasonQualityLow).ExecX(system)
		for range 3 { // nor is what is told twice a change
			s.Notify(t.Context(), o.org, tpl.ID, number.ID, account.ID, c, ended)
		}

		got := ws.changes(4)
		if a := got[tpl.ID.String()]; a.text("statusChanged.status") != "PAUSED" ||
			a.text("statusChanged.account.name") != "Lucky Shrub" {
			t.Errorf("the template: %v", a.Data)
		}

		if a := got[number.ID.String()]; a.text("statusChanged.qualityRating") != "YELLOW" ||
			a.at("statusChanged.queued") != 0.0 {
			t.Errorf("the number: %v", a.Data)
		}

		if a := got[account.ID.String()]; a.text("statusChanged.accountStatus") != "RESTRICTED" ||
			len(a.list("statusChanged.phoneNumbers")) != 1 {
			t.Errorf("the account: %v", a.Data)
		}

		if a := got[c.String()]; a.text("statusChanged.state") != "PAUSED" ||
			a.text("statusChanged.statusReason") != "QUALITY_LOW" || a.text("statusChanged.template.name") != "spring_sale" {
			t.Errorf("the campaign: %v", a.Data)
		}

		o.record(delivery.Accepted, o.queued(c, 3)...) // counts are no change of state
		o.record(delivery.Accepted, o.queued(ended, 1)...)
		s.db.Client.Campaign.UpdateOneID(c).SetStatus(enum.CampaignStatusRunning).ClearStatusReason().ExecX(system)
		s.Notify(t.Context(), o.org, c)
		if a := ws.result(); a.text("statusChanged.state") != "RUNNING" || a.at("statusChanged.statusReason") != nil {
			t.Errorf("after the counts came %v", a.Data)
		}

		s.db.Client.Campaign.UpdateOneID(ended).SetStatus(enum.CampaignStatusRunning).ExecX(system) // it is retried
		s.Notify(t.Context(), o.org, ended)
		if a := ws.result(); a.text("statusChanged.id") != ended.String() {
			t.Errorf("got %v", a.Data)
		}

		stranger.send(vars{"id": "2", "type": "subscribe", "payload": vars{"query": `{ __typename }`}})
		if f := stranger.next(); f.ID != "2" {
			t.Errorf("a stranger was told %s", f.Payload)
		}
	})
}

// begun pokes until every socket has been told something, since a subscription does not say when it
// hears, and then reads all of them up to one last thing.
func begun(sockets []*socket, poke func(i int), last func() (is func(answer) bool)) {
	stop, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()

		for i := 0; ; i++ {
			poke(i)
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()

	for _, ws := range sockets {
		ws.result()
	}

	close(stop)
	<-over
	is := last()
	for _, ws := range sockets {
		for !is(ws.result()) {
		}
	}
}

// hearsChanges waits until a subscription to statusChanged has begun.
func (s *stage) hearsChanges(o *shop, ws *socket) {
	system := caller.System(o.ctx)
	c := o.campaign("Poked")
	become := func(status enum.CampaignStatus) {
		s.db.Client.Campaign.UpdateOneID(c).SetStatus(status).ExecX(system)
		s.Notify(o.ctx, o.org, c)
	}

	begun([]*socket{ws}, func(i int) {
		become([]enum.CampaignStatus{enum.CampaignStatusPaused, enum.CampaignStatusRunning}[i%2])
	}, func() func(answer) bool {
		become(enum.CampaignStatusCanceled)
		return func(a answer) bool { return a.text("statusChanged.state") == "CANCELED" }
	})
}

// Every door by which a campaign's status changes tells of it by itself.
func TestStatusChangedTellsOfWhatBecomesOfACampaign(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		ws := o.dial()
		ws.subscribe(news, vars{})
		s.hearsChanges(o, ws)
		system := caller.System(o.ctx)
		c := o.campaign("Spring")
		scheduled := o.campaign("Summer")
		s.db.Client.Campaign.UpdateOneID(scheduled).SetScheduledAt(database.Now().Add(time.Hour)).ExecX(system)
		do := func(verb string, id uid.ID) {
			o.must("mutation($id: ID!) { "+verb+"Campaign(input: {campaignId: $id}) { userErrors { message } } }",
				vars{"id": id.String()})
		}

		check := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}

		messages := func() []uid.ID { return s.db.Client.Message.Query().Where(message.CampaignID(c)).IDsX(system) }
		for _, door := range []struct {
			is   string
			id   uid.ID
			open func()
			want string
		}{
			{"it is launched", c, func() { do("launch", c) }, "PREPARING"},
			{"its first people are enrolled", c, func() { check(s.campaigns.Enroll(system, c)) }, "RUNNING"},
			{"it is paused", c, func() { do("pause", c) }, "PAUSED"},
			{"it is resumed", c, func() { do("resume", c) }, "RUNNING"},
			{"it is over", c, func() {
				o.record(delivery.Accepted, messages()...)
				o.record(delivery.Failed, messages()...)
				s.db.Client.Message.Update().SetErrorCode(131000).ExecX(system) // which may pass
				check(s.campaigns.Finish(system, o.number.ID))
			}, "COMPLETED"},
			{"it is retried", c, func() { do("retry", c) }, "RUNNING"},
			{"its template is paused", c, func() {
				check(s.campaigns.TemplateChanged(system, o.template.Update().SetStatus(enum.TemplateStatusPaused).SaveX(system)))
				o.template.Update().SetStatus(enum.TemplateStatusApproved).ExecX(system)
			}, "PAUSED"},
			{"it is canceled", c, func() { do("cancel", c) }, "CANCELED"},
			{"another is scheduled", scheduled, func() { do("launch", scheduled) }, "SCHEDULED"},
			{"its time has come", scheduled, func() {
				s.db.Client.Campaign.UpdateOneID(scheduled).SetScheduledAt(database.Now().Add(-time.Second)).ExecX(system)
				check(s.campaigns.Sweep(system))
			}, "PREPARING"},
			{"its account is disconnected", scheduled, func() {
				o.must(`mutation($id: ID!) { disconnectAccount(input: {accountId: $id}) { userErrors { code } } }`,
					vars{"id": o.account.ID.String()})
			}, "PAUSED"},
		} {
			door.open()
			a := ws.result()
			for a.text("statusChanged.__typename") != "Campaign" { // the template and the account, which change too
				a = ws.result()
			}

			if a.text("statusChanged.id") != door.id.String() || a.text("statusChanged.state") != door.want {
				t.Errorf("when %s, it tells %v, want %s", door.is, a.Data, door.want)
			}
		}
	})
}

func TestStatusChangedMissesNothingThatIsNotTold(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		ws := o.dial()
		ws.subscribe(news, vars{})
		s.hearsChanges(o, ws)
		system := caller.System(t.Context())
		var want []uid.ID

		for i := range 3 {
			c := o.campaign(fmt.Sprint("Campaign ", i))
			s.db.Client.Campaign.UpdateOneID(c).SetStatus(enum.CampaignStatusCompleted).ExecX(system)
			want = append(want, c)
		}

		topics := make([]string, 2000) // more than are remembered one by one
		for i := range topics {
			topics[i] = uid.New(uid.ContactImport).String()
		}

		s.hub.Notify(t.Context(), o.org, topics...)
		got := ws.changes(3)

		for _, c := range want {
			if a, ok := got[c.String()]; !ok || a.text("statusChanged.state") != "COMPLETED" {
				t.Errorf("campaign %s was not told of: %v", c, got)
			}
		}
	})
}

// hear stores what somebody wrote.
func (o *shop) hear(wamid string, number *ent.PhoneNumber) {
	o.t.Helper()
	_, err := o.queue.Receive(caller.System(o.ctx), delivery.Received{Organization: o.org, PhoneNumber: number.ID,
		Account: o.account.ID, Contact: o.contacts[0].ID, Address: *o.contacts[0].Phone,
		Country: "US", Type: enum.MessageTypeText, WAMID: wamid, Content: []byte(`{"text":{"body":"` + wamid + `"}}`),
		At: database.Now()})
	if err != nil {
		o.t.Fatal(err)
	}
}

func TestMessageReceived(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		other := s.db.Client.PhoneNumber.Create().SetOrganizationID(o.org).SetAccountID(o.account.ID).SetMetaID("2").
			SetDisplayNumber("+1").SetVerifiedName("n").SaveX(caller.System(t.Context()))
		o.hear("before", o.number)
		const document = `subscription($n: ID) { messageReceived(phoneNumberId: $n) { id direction from text contact { name } phoneNumber { id account { name } } events { status } } }`
		all, one, ids, stranger := o.dial(), o.dial(), o.dial(), s.signUp().dial()
		all.subscribe(document, vars{})
		one.subscribe(document, vars{"n": other.ID.String()})
		ids.subscribe(`subscription { messageReceived { id } }`, vars{})
		stranger.subscribe(document, vars{})

		begun([]*socket{all, one, ids}, func(i int) { o.hear(fmt.Sprint("poke ", i), other) }, func() func(answer) bool {
			o.hear("ready", other)
			ready := s.db.Client.Message.Query().Where(message.Wamid("ready")).OnlyIDX(caller.System(t.Context()))
			return func(a answer) bool { return a.text("messageReceived.id") == ready.String() }
		})

		o.record(delivery.Accepted, o.queued(uid.ID{}, 2)...) // what we send is not received
		o.hear("first", o.number)
		o.hear("second", other)

		for i, text := range []string{"first", "second"} {
			a := all.result()
			if a.text("messageReceived.text") != text || a.text("messageReceived.from") != "+14167010000" ||
				a.text("messageReceived.direction") != "INBOUND" || a.text("messageReceived.contact.name") != "Contact 000" ||
				a.text("messageReceived.phoneNumber.account.name") != "Lucky Shrub" ||
				a.text("messageReceived.events.0.status") != "RECEIVED" {
				t.Errorf("message %d is %v", i, a.Data)
			}

			if b := ids.result(); b.text("messageReceived.id") != a.text("messageReceived.id") {
				t.Errorf("message %d is %v, want %v", i, b.Data, a.Data)
			}
		}

		if a := one.result(); a.text("messageReceived.text") != "second" {
			t.Errorf("the other number received %v", a.Data)
		}

		stranger.send(vars{"id": "2", "type": "subscribe", "payload": vars{"query": `{ __typename }`}})
		if f := stranger.next(); f.ID != "2" {
			t.Errorf("a stranger received %s", f.Payload)
		}
	})
}
