package delivery_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/ent/reply"
	"carillon/uid"
)

// accepted is a message to a person that WhatsApp took at some time: a campaign's, or a single one.
func (b *bench) accepted(t testing.TB, campaign *ent.Campaign, p person, at time.Time) uid.ID {
	t.Helper()
	id := b.to(t, campaign, b.campaign.TemplateID, p)[0]
	b.claim(t, 1000, 0)
	b.record(t, delivery.Fact{Message: id, Attempt: 1, Kind: delivery.Accepted, At: at, WAMID: wamid(id)})

	return id
}

func wamid(id uid.ID) string { return "wamid." + id.String() }

// written is a message of a person to the bench's number.
func (b *bench) written(p person, at time.Time, parts ...func(*delivery.Received)) delivery.Received {
	in := delivery.Received{Organization: b.organization, PhoneNumber: b.campaign.PhoneNumberID, Account: b.account,
		Contact: p.contact, Address: p.phone, Type: enum.MessageTypeText, WAMID: fmt.Sprint("in.", number.Add(1)), At: at,
		Content: []byte(`{}`), Writes: true}
	for _, part := range parts {
		part(&in)
	}

	return in
}

func quotes(id uid.ID) func(*delivery.Received) {
	return func(in *delivery.Received) { in.Quotes = wamid(id) }
}

func presses(title string) func(*delivery.Received) {
	return func(in *delivery.Received) { in.Reply = &jsonfield.Reply{Title: title} }
}

func (b *bench) receive(t testing.TB, messages ...delivery.Received) []uid.ID {
	t.Helper()
	fresh, err := b.queue.Receive(b.ctx, messages...)
	if err != nil {
		t.Error(err)
	}

	return fresh
}

// answers is which message of a campaign an inbound one answers; zero for none.
func (b *bench) answers(id uid.ID) uid.ID {
	found := b.db.Client.Reply.Query().Where(reply.ID(id)).AllX(b.ctx)
	if len(found) == 0 {
		return uid.ID{}
	}

	return found[0].MessageID
}

func TestAMessageAnswersWhatItQuotesElseTheLatestCampaignOfTheDayElseTheLatestMessage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		people := b.people(4, enum.ConsentOptedIn)
		ann, bob, cy, dee := people[0], people[1], people[2], people[3]
		second := b.addCampaign("second")
		first := b.accepted(t, b.campaign, ann, start)
		later := b.accepted(t, second, ann, start.Add(10*time.Minute))
		single := b.accepted(t, nil, ann, start.Add(20*time.Minute))
		toBob := b.accepted(t, b.campaign, bob, start)
		b.record(t, delivery.Fact{Message: toBob, Kind: delivery.Delivered, At: start.Add(10 * time.Hour)})
		toCy := b.accepted(t, b.campaign, cy, start)
		b.record(t, delivery.Fact{Message: toCy, Kind: delivery.Failed, At: start.Add(time.Minute), ErrorCode: 131026})
		toDee := b.accepted(t, nil, dee, start)
		b.pass(t, 72*time.Hour)
		elsewhere := b.db.Client.PhoneNumber.Create().SetOrganizationID(b.organization).SetAccountID(b.account).
			SetMetaID("3").SetDisplayNumber("+1 556").SetVerifiedName("n").SaveX(b.ctx).ID
		none, soon := uid.ID{}, start.Add(30*time.Minute)

		for name, tc := range map[string]struct {
			in   delivery.Received
			want uid.ID
		}{
			"what is written answers the latest campaign": {b.written(ann, soon), later},
			"a quote says which one it answers":           {b.written(ann, soon, quotes(first)), first},
			"a quote does so at any time":                 {b.written(ann, start.Add(60*time.Hour), quotes(first)), first},
			"a quote of a single message answers that":    {b.written(ann, soon, quotes(single)), single},
			"a quote of what is not ours says nothing": {
				b.written(ann, soon, func(in *delivery.Received) { in.Quotes = "wamid.other" }), later},
			"before the campaign nobody answers it":          {b.written(ann, start.Add(-time.Minute)), none},
			"between two campaigns it is the first":          {b.written(ann, start.Add(time.Minute)), first},
			"within the second it is answered":               {b.written(ann, start.Truncate(time.Second)), first},
			"a day after the campaign it is a later message": {b.written(ann, start.Add(24*time.Hour+11*time.Minute)), single},
			"after a day nobody answers":                     {b.written(ann, start.Add(24*time.Hour+21*time.Minute)), none},
			"the day begins when it has arrived":             {b.written(bob, start.Add(33*time.Hour)), toBob},
			"what failed is not answered":                    {b.written(cy, soon), none},
			"another number of ours is not answered": {
				b.written(ann, soon, func(in *delivery.Received) { in.PhoneNumber = elsewhere }), none},
			"WhatsApp's own words answer nothing": {
				b.written(ann, soon, func(in *delivery.Received) { in.Writes = false }), none},
			"words to a group are no answer, though they quote": {
				b.written(ann, soon, quotes(first), func(in *delivery.Received) { in.Writes = false }), none},
			"who is no contact answers what they quote":   {b.written(person{phone: "+13"}, soon, quotes(toBob)), toBob},
			"without a campaign it is the latest message": {b.written(dee, soon), toDee},
			"after a day that is not answered either":     {b.written(dee, start.Add(25*time.Hour)), none},
			"who is no contact answers nothing else":      {b.written(person{phone: "+13"}, soon), none},
		} {
			fresh := b.receive(t, tc.in)
			if got := b.answers(fresh[0]); got != tc.want {
				t.Errorf("%s: it answers %s, want %s", name, got, tc.want)
			}

			stored := b.db.Client.Message.GetX(b.ctx, fresh[0])
			if quoted := tc.in.Quotes != "" && tc.in.Quotes != "wamid.other"; quoted != (stored.ReplyToID != nil) ||
				quoted && wamid(*stored.ReplyToID) != tc.in.Quotes {
				t.Errorf("%s: it quotes %v", name, stored.ReplyToID)
			}
		}

		b.verify(t)
	})
}

func TestALongConversationIsNotReadToItsBeginning(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		ann := b.people(1, enum.ConsentOptedIn)[0]
		toAnn := b.accepted(t, b.campaign, ann, start)
		for range 99 {
			if got := b.answers(b.receive(t, b.written(ann, start.Add(time.Minute)))[0]); got != toAnn {
				t.Fatalf("it answers %s", got)
			}
		}

		b.receive(t, b.written(ann, start.Add(time.Minute)))
		if got := b.answers(b.receive(t, b.written(ann, start.Add(2*time.Minute)))[0]); !got.IsZero() {
			t.Errorf("message 102 answers %s", got)
		}
		if got := db.Client.Campaign.GetX(b.ctx, b.campaign.ID).Replied; got != 1 {
			t.Errorf("%d people answered", got)
		}

		b.verify(t)
	})
}

func TestAPersonAnswersOnceAndPressesEachButtonOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		people := b.people(2, enum.ConsentOptedIn)
		soon := start.Add(time.Minute)
		yes := b.written(people[0], soon, quotes(b.accepted(t, b.campaign, people[0], start)), presses("Yes"))
		other := b.written(people[1], soon, quotes(b.accepted(t, b.campaign, people[1], start)), presses("Yes"))
		again := b.written(people[0], soon, func(in *delivery.Received) { *in = yes; in.WAMID = "again" })
		no := b.written(people[0], start.Add(time.Hour), presses("No"))
		b.receive(t, yes, yes, again, other)
		b.receive(t, yes, again)
		b.receive(t, no, b.written(people[0], start.Add(time.Hour)))

		if got := db.Client.Campaign.GetX(b.ctx, b.campaign.ID).Replied; got != 2 {
			t.Errorf("%d people answered", got)
		}

		groups, err := b.log.Groups(b.ctx, b.organization, []uid.ID{b.campaign.ID})
		want := map[uid.ID][]delivery.People{b.campaign.ID: {{Kind: enum.CampaignCountKindButton, Name: "Yes", Count: 2},
			{Kind: enum.CampaignCountKindButton, Name: "No", Count: 1}}}
		if diff := cmp.Diff(want, groups); diff != "" || err != nil {
			t.Error(diff, err)
		}

		others, err := b.log.Groups(b.ctx, uid.New(uid.Organization), []uid.ID{b.campaign.ID})
		if len(others) > 0 || err != nil {
			t.Error("another organization sees", others, err)
		}

		b.verify(t)
	})
}

// TestAnswersAreCountedOnceWhateverTheOrder has two processes that are told the same at once.
func TestAnswersAreCountedOnceWhateverTheOrder(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		other := *b
		other.run(t)
		people := b.people(4, enum.ConsentOptedIn)
		sent := map[uid.ID][]uid.ID{} // by contact
		campaigns := []*ent.Campaign{b.campaign, b.addCampaign("second"), nil}
		for i, p := range people {
			for j, c := range campaigns {
				sent[p.contact] = append(sent[p.contact], b.accepted(t, c, p, start.Add(time.Duration(7*j+i)*time.Minute)))
			}
		}

		var told []delivery.Received
		for range 60 {
			p := people[rand.IntN(len(people))]
			in := b.written(p, start.Add(time.Duration(rand.IntN(30))*time.Minute))
			if rand.IntN(2) == 0 {
				quotes(sent[p.contact][rand.IntN(len(campaigns))])(&in)
			}
			if rand.IntN(2) == 0 {
				presses([]string{"Yes", "No", "Perhaps"}[rand.IntN(3)])(&in)
			}

			told = append(told, in)
		}

		var both sync.WaitGroup
		for _, process := range []*bench{b, &other} {
			mine := slices.Clone(told)
			rand.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			both.Go(func() {
				for batch := range slices.Chunk(mine, 7) {
					process.receive(t, batch...)
				}
			})
		}

		both.Wait()
		b.checkAnswers(t, told)
		b.verify(t)
	})
}

// checkAnswers compares the campaigns' counts with a naive model of what people said.
func (b *bench) checkAnswers(t *testing.T, told []delivery.Received) {
	t.Helper()
	ours := b.db.Client.Message.Query().Where(message.DirectionEQ(enum.DirectionOutbound)).AllX(b.ctx)
	answered, pressed := map[string]bool{}, map[string]bool{}
	want := map[string]int{}
	for _, in := range told {
		var answers *ent.Message
		for _, m := range ours {
			quoted := in.Quotes != "" && *m.Wamid == in.Quotes
			within := in.Quotes == "" && *m.ContactID == in.Contact && m.CampaignID != nil &&
				!m.AcceptedAt.After(in.At.Add(time.Second-1))
			if quoted || within && (answers == nil || m.ID.String() > answers.ID.String()) {
				answers = m
			}
		}

		if answers == nil || answers.CampaignID == nil {
			continue
		}

		if key := answers.ID.String(); !answered[key] {
			answered[key] = true
			want[answers.CampaignID.String()]++
		}
		if in.Reply == nil {
			continue
		}
		if key := answers.ID.String() + in.Reply.Title; !pressed[key] {
			pressed[key] = true
			want[answers.CampaignID.String()+" "+in.Reply.Title]++
		}
	}

	got := map[string]int{}
	for _, c := range b.db.Client.Campaign.Query().AllX(b.ctx) {
		if c.Replied > 0 {
			got[c.ID.String()] = c.Replied
		}

		groups, err := b.log.Groups(b.ctx, b.organization, []uid.ID{c.ID})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups[c.ID] {
			got[c.ID.String()+" "+g.Name] = g.Count
		}
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("counts (-want +got):\n" + diff)
	}
}

func TestSkippedPeopleAreCountedByReason(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		people := b.people(5, enum.ConsentOptedIn)
		err := db.InTx(b.ctx, func(tx *database.Tx) error {
			var skipped []delivery.Outgoing
			for i, reason := range []enum.SkipReason{enum.SkipReasonMissingParameter, enum.SkipReasonOptedOut,
				enum.SkipReasonMissingParameter} {
				skipped = append(skipped, delivery.Outgoing{Campaign: b.campaign.ID, PhoneNumber: b.campaign.PhoneNumberID,
					Account: b.account, Template: b.campaign.TemplateID, Contact: people[i].contact, Address: people[i].phone,
					Type: enum.MessageTypeTemplate, Skip: reason})
			}

			_, err := b.queue.Enqueue(b.ctx, tx, b.organization, skipped, func() error { return nil })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		// one who opts out while the message waits, and one whose message expires
		b.to(t, b.campaign, b.campaign.TemplateID, people[3])
		b.consent(people[3], enum.ConsentOptedOut)
		b.recategorize(b.campaign.TemplateID, enum.TemplateCategoryMarketing)
		b.claim(t, 10, 0)
		b.to(t, b.campaign, b.campaign.TemplateID, people[4])
		if _, err := b.queue.Close(b.ctx, b.campaign.ID, delivery.Expire); err != nil {
			t.Fatal(err)
		}

		groups, err := b.log.Groups(b.ctx, b.organization, []uid.ID{b.campaign.ID})
		want := []delivery.People{{Kind: enum.CampaignCountKindSkip, Name: "MISSING_PARAMETER", Count: 2},
			{Kind: enum.CampaignCountKindSkip, Name: "OPTED_OUT", Count: 2},
			{Kind: enum.CampaignCountKindSkip, Name: "EXPIRED", Count: 1}}
		if diff := cmp.Diff(want, groups[b.campaign.ID]); diff != "" || err != nil {
			t.Error(diff, err)
		}

		b.verify(t)
	})
}
