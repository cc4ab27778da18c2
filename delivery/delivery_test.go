package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/uid"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// bench is one organization with a number, a running campaign and a journal.
type bench struct {
	db           *database.DB
	journal      *delivery.Journal
	queue        *delivery.Queue
	log          *delivery.Log
	news         *recorder
	ctx          context.Context // the system's
	organization uid.ID
	account      uid.ID
	campaign     *ent.Campaign
	now          func() time.Time
}

// recorder is the news as tests want it: kept.
type recorder struct {
	mu     sync.Mutex
	events []delivery.Event
}

func (r *recorder) Publish(_ context.Context, _ uid.ID, events []delivery.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, events...)
}
func (r *recorder) Notify(context.Context, uid.ID, ...uid.ID) {}

var start = time.Date(2026, 10, 5, 10, 59, 58, 0, time.UTC)

func setUp(t testing.TB, db *database.DB) *bench {
	t.Helper()
	b := &bench{db: db, news: &recorder{}, ctx: caller.System(t.Context()), log: delivery.NewLog(db),
		now: func() time.Time { return start.Add(time.Hour) }}
	b.run(t)
	b.organization = db.Client.Organization.Create().SetName("Lucky Shrub").SaveX(b.ctx).ID
	b.campaign = b.addCampaign("first")

	return b
}

// run starts a journal as a process would.
func (b *bench) run(t testing.TB) {
	b.journal = delivery.NewJournal(b.db, b.news, b.now, slog.New(slog.DiscardHandler))
	b.queue = delivery.NewQueue(b.db, b.journal, b.news, b.now)
	ctx, cancel := context.WithCancel(context.Background())
	done, journal := make(chan error), b.journal
	go func() { done <- journal.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func (b *bench) addCampaign(name string) *ent.Campaign {
	c, o := b.db.Client, b.organization
	var number *ent.PhoneNumber
	var template *ent.Template

	if b.campaign == nil {
		account := c.Account.Create().SetOrganizationID(o).SetWabaID(o.String()).SetName("account").
			SetToken([]byte{1}).SaveX(b.ctx)
		b.account = account.ID
		number = c.PhoneNumber.Create().SetOrganizationID(o).SetAccountID(account.ID).SetMetaID("2").
			SetDisplayNumber("+1 555").SetVerifiedName("n").SaveX(b.ctx)
		template = c.Template.Create().SetOrganizationID(o).SetAccountID(account.ID).SetName("t").SetLanguage("en").
			SetCategory(enum.TemplateCategoryMarketing).
			SetStatus(enum.TemplateStatusApproved).SetComponents([]byte("[]")).SaveX(b.ctx)
	} else {
		number, template = b.campaign.QueryPhoneNumber().OnlyX(b.ctx), b.campaign.QueryTemplate().OnlyX(b.ctx)
	}

	return c.Campaign.Create().SetOrganizationID(o).SetName(name).SetStatus(enum.CampaignStatusRunning).
		SetTemplateID(template.ID).SetPhoneNumberID(number.ID).
		SetAudienceRule(jsonfield.Audience{}).SetParameters([]jsonfield.ParameterBinding{}).SaveX(b.ctx)
}

func (b *bench) enqueue(t testing.TB, campaign *ent.Campaign, n int) []uid.ID {
	t.Helper()
	messages := make([]delivery.Outgoing, n)
	for i := range messages {
		messages[i] = delivery.Outgoing{PhoneNumber: b.campaign.PhoneNumberID, Account: b.account,
			Template: b.campaign.TemplateID, Address: fmt.Sprintf("+8613800%06d", i),
			Country: "CN", Type: enum.MessageTypeTemplate, Category: enum.TemplateCategoryMarketing,
			Parameters: map[string]string{"1": "Ana"}}
		if campaign != nil {
			messages[i].Campaign = campaign.ID
		}
	}

	var ids []uid.ID
	err := b.db.InTx(b.ctx, func(tx *database.Tx) (err error) {
		ids, err = b.queue.Enqueue(b.ctx, tx, b.organization, messages, func() error { return nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return ids
}

func (b *bench) record(t testing.TB, facts ...delivery.Fact) {
	t.Helper()
	unmatched, err := b.journal.Record(b.ctx, facts...)
	if err != nil || len(unmatched) > 0 {
		t.Fatalf("record: %d unmatched, %v", len(unmatched), err)
	}
}

func (b *bench) verify(t *testing.T) {
	t.Helper()
	differences, err := b.queue.Verify(b.ctx)
	if err != nil {
		t.Fatal(err)
	}

	for _, d := range differences {
		t.Error(d)
	}
}

func (b *bench) claim(t testing.TB, n, turn int) []delivery.Claimed {
	t.Helper()
	campaigns, err := b.queue.Runnable(b.ctx, b.campaign.PhoneNumberID)
	if err != nil {
		t.Fatal(err)
	}
	if k := len(campaigns); k > 0 {
		campaigns = slices.Concat(campaigns[turn%k:], campaigns[:turn%k])
	}

	claimed, _, err := b.queue.Claim(b.ctx, b.campaign.PhoneNumberID, n, campaigns, delivery.Limit{})
	if err != nil {
		t.Fatal(err)
	}

	return claimed
}

// handOver marks all that was claimed at once as possibly sent.
func (b *bench) handOver(t testing.TB, claimed []delivery.Claimed) {
	t.Helper()
	last := claimed[len(claimed)-1]
	if held, err := b.queue.HandOver(b.ctx, last.Claim, last.Part, true); !held || err != nil {
		t.Fatalf("held %t, %v", held, err)
	}
}

func TestFactsInAnyOrderAndNumberLeadToTheSameState(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		story := func(id uid.ID) []delivery.Fact {
			w := "wamid." + id.String()
			return []delivery.Fact{
				{Message: id, WAMID: w, Attempt: 1, Kind: delivery.Accepted, At: start},
				{Message: id, WAMID: w, Attempt: 1, Kind: delivery.Sent, At: start.Add(time.Second),
					Pricing: &jsonfield.Pricing{Billable: true, Category: "marketing", Model: "PMP"}},
				{WAMID: w, Kind: delivery.Delivered, At: start.Add(2 * time.Second)},
				{Message: id, WAMID: w, Attempt: 1, Kind: delivery.Read, At: start.Add(3 * time.Second)},
			}
		}

		const n = 60
		ids := b.enqueue(t, b.campaign, n)
		if got := len(b.claim(t, n, 0)); got != n {
			t.Fatalf("claimed %d of %d", got, n)
		}

		var all []delivery.Fact
		for _, id := range ids {
			facts := story(id)
			b.record(t, facts[0]) // without it, a webhook that carries only the wamid finds nothing
			all = append(all, slices.Concat(facts, facts)...)
		}

		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var writers sync.WaitGroup

		for part := range slices.Chunk(all, 7) {
			writers.Go(func() {
				if _, err := b.journal.Record(b.ctx, part...); err != nil {
					t.Error(err)
				}
			})
		}

		writers.Wait()

		for _, m := range db.Client.Message.Query().Where(message.IDIn(ids...)).AllX(b.ctx) {
			got := []any{m.Status, m.AcceptedAt.UTC(), m.SentAt.UTC(), m.DeliveredAt.UTC(), m.ReadAt.UTC(), *m.Wamid,
				m.Pricing.Billable, m.LeaseUntil}
			want := []any{enum.MessageStatusRead, start, start.Add(time.Second), start.Add(2 * time.Second),
				start.Add(3 * time.Second), "wamid." + m.ID.String(), true, (*time.Time)(nil)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		}

		b.verify(t)
		b.checkLog(t, 4*n)
		if c := db.Client.Campaign.GetX(b.ctx, b.campaign.ID); c.Read != n || c.Total != n || c.Sending != 0 {
			t.Errorf("campaign counts %d read, %d total, %d sending", c.Read, c.Total, c.Sending)
		}
	})
}

func TestAReportThatIsRepeatedWritesNothing(t *testing.T) {
	t.Parallel()
	b := setUp(t, dbtest.Open(t, dbtest.Postgres(t)))
	id := b.enqueue(t, b.campaign, 1)[0]
	b.claim(t, 1, 0)

	version := func() (version string) {
		if err := b.db.QueryRow(b.ctx, "SELECT xmin FROM message WHERE id = $1", id).Scan(&version); err != nil {
			t.Fatal(err)
		}
		return version
	}

	sent := delivery.Fact{Message: id, Attempt: 1, Kind: delivery.Sent, WAMID: "wamid.1", At: start}
	b.record(t, sent)
	before := version()
	b.record(t, sent)
	if after := version(); after != before {
		t.Errorf("the row was written in transaction %s and again in %s", before, after)
	}
}

// checkLog holds that the log is dense, as long as expected, and that the news told the same.
func (b *bench) checkLog(t *testing.T, want int) {
	t.Helper()
	// the news come after the answer, and before the next commit
	if _, err := b.journal.Record(b.ctx, delivery.Fact{WAMID: "nobody's", Kind: delivery.Read, At: start}); err != nil {
		t.Fatal(err)
	}

	events, err := b.log.Read(b.ctx, b.organization, 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}

	for i, e := range events {
		if e.Sequence != int64(i+1) {
			t.Fatalf("entry %d has sequence %d", i+1, e.Sequence)
		}
	}

	if len(events) != want {
		t.Errorf("the log has %d entries, want %d", len(events), want)
	}

	b.news.mu.Lock()
	defer b.news.mu.Unlock()
	if diff := cmp.Diff(events, b.news.events); diff != "" {
		t.Errorf("log (-) and news (+):\n%s", diff)
	}
}

func TestAFactMovesAMessageOnlyForward(t *testing.T) {
	t.Parallel()
	lost := delivery.Fact{Kind: delivery.Lost, Attempt: 1}
	failed := delivery.Fact{Kind: delivery.Failed, Attempt: 1, ErrorCode: 131026, Detail: "undeliverable"}

	for name, tc := range map[string]struct {
		told     []delivery.Fact
		want     enum.MessageStatus
		code     int
		attempts int
		events   int
	}{
		"a refusal is final": {[]delivery.Fact{{Kind: delivery.Refused, Attempt: 1,
			ErrorCode: 100}}, enum.MessageStatusFailed, 100, 1, 1},
		"a refusal of an earlier attempt is void": {[]delivery.Fact{{Kind: delivery.Refused, Attempt: 2,
			ErrorCode: 100}}, enum.MessageStatusSending, 0, 1, 0},
		"a retry puts it back into the queue": {[]delivery.Fact{{Kind: delivery.Retry, Attempt: 1,
			ErrorCode: 130429, NotBefore: start}}, enum.MessageStatusQueued, 130429, 1, 1},
		"what was not sent is as it was": {[]delivery.Fact{{Kind: delivery.Return, Attempt: 1}},
			enum.MessageStatusQueued, 0, 0, 0},
		"a lost answer makes it unknown": {[]delivery.Fact{lost}, enum.MessageStatusUnknown, 0, 1, 1},
		"its own webhook settles an unknown one": {[]delivery.Fact{lost,
			{Kind: delivery.Sent, Attempt: 1, WAMID: "w"}}, enum.MessageStatusSent, 0, 1, 2},
		"a late answer settles an unknown one": {[]delivery.Fact{lost,
			{Kind: delivery.Accepted, Attempt: 1, WAMID: "w"}}, enum.MessageStatusAccepted, 0, 1, 2},
		"an unknown one that fails says so": {[]delivery.Fact{lost,
			{Kind: delivery.GiveUp, Attempt: 1, ErrorCode: -1}}, enum.MessageStatusFailed, -1, 1, 2},
		"one given up that was sent after all is sent": {[]delivery.Fact{lost, {Kind: delivery.GiveUp, Attempt: 1,
			ErrorCode: -1}, {Kind: delivery.Sent, Attempt: 1}}, enum.MessageStatusSent, 0, 1, 3},
		"an unknown one that is known is not given up": {[]delivery.Fact{lost, {Kind: delivery.Sent, Attempt: 1},
			{Kind: delivery.GiveUp, Attempt: 1}}, enum.MessageStatusSent, 0, 1, 2},
		"a webhook before our answer counts": {[]delivery.Fact{{Kind: delivery.Delivered, Attempt: 1},
			{Kind: delivery.Accepted, Attempt: 1}}, enum.MessageStatusDelivered, 0, 1, 2},
		"failure after sending is failure": {[]delivery.Fact{{Kind: delivery.Sent, Attempt: 1}, failed},
			enum.MessageStatusFailed, 131026, 1, 2},
		"delivery after failure is delivery": {[]delivery.Fact{failed, {Kind: delivery.Delivered, Attempt: 1}},
			enum.MessageStatusDelivered, 0, 1, 2},
		"failure after delivery changes nothing": {[]delivery.Fact{{Kind: delivery.Delivered, Attempt: 1}, failed},
			enum.MessageStatusDelivered, 0, 1, 2},
		"a failure of an earlier attempt is void": {[]delivery.Fact{{Kind: delivery.Failed, Attempt: 3,
			ErrorCode: 1}}, enum.MessageStatusSending, 0, 1, 0},
		"held for quality counts as accepted": {[]delivery.Fact{{Kind: delivery.Held, Attempt: 1, WAMID: "w"}},
			enum.MessageStatusHeld, 0, 1, 1},
		"the same status twice is one event": {[]delivery.Fact{{Kind: delivery.Sent, Attempt: 1},
			{Kind: delivery.Sent, Attempt: 1}}, enum.MessageStatusSent, 0, 1, 1},
		"a message in a worker's hands is not canceled": {[]delivery.Fact{{Kind: delivery.Cancel, Attempt: 1}},
			enum.MessageStatusSending, 0, 1, 0},
		"a queued one is canceled": {[]delivery.Fact{{Kind: delivery.Return, Attempt: 1},
			{Kind: delivery.Cancel}}, enum.MessageStatusCanceled, 0, 0, 1},
		"a canceled one that was sent after all is sent": {[]delivery.Fact{{Kind: delivery.Return, Attempt: 1},
			{Kind: delivery.Cancel}, {Kind: delivery.Delivered, Attempt: 1}}, enum.MessageStatusDelivered, 0, 0, 2},
		"one that waited too long is skipped": {[]delivery.Fact{{Kind: delivery.Return, Attempt: 1},
			{Kind: delivery.Expire}}, enum.MessageStatusSkipped, 0, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				b := setUp(t, db)
				id := b.enqueue(t, b.campaign, 1)[0]
				b.claim(t, 1, 0)
				for i, f := range tc.told {
					f.Message, f.At = id, start.Add(time.Duration(i)*time.Second)
					b.record(t, f)
				}

				m := db.Client.Message.GetX(b.ctx, id)
				code := 0
				if m.ErrorCode != nil {
					code = *m.ErrorCode
				}

				if m.Status != tc.want || code != tc.code || m.Attempts != tc.attempts {
					t.Errorf("message is %s with code %d after %d attempts, want %s, %d, %d", m.Status, code, m.Attempts,
						tc.want, tc.code, tc.attempts)
				}

				b.checkLog(t, tc.events)
				b.verify(t)
			})
		})
	}
}

func TestWhatBelongsToNoMessageOfOursIsGivenBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		id := b.enqueue(t, b.campaign, 1)[0]
		strange := delivery.Fact{WAMID: "wamid.strange", Kind: delivery.Sent, At: start}
		made := delivery.Fact{Message: uid.New(uid.Message), Kind: delivery.Sent, At: start}
		unmatched, err := b.journal.Record(b.ctx, strange, made, delivery.Fact{Message: id, Kind: delivery.Sent, At: start})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]delivery.Fact{strange, made}, unmatched); diff != "" {
			t.Error(diff)
		}
	})
}

func TestClaimsShareANumberFairlyAndPutSingleMessagesFirst(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		second := b.addCampaign("second")
		b.enqueue(t, b.campaign, 50)
		b.enqueue(t, second, 50)
		single := b.enqueue(t, nil, 1)[0]

		got := map[uid.ID]int{}

		for _, c := range b.claim(t, 21, 0) {
			got[c.Campaign]++
			if c.Campaign.IsZero() && c.ID != single {
				t.Errorf("claimed %s as a single message", c.ID)
			}
		}

		if want := map[uid.ID]int{{}: 1, b.campaign.ID: 10, second.ID: 10}; !cmp.Equal(want, got) {
			t.Error(cmp.Diff(want, got))
		}
		if odd, even := b.claim(t, 1, 1), b.claim(t, 1, 2); odd[0].Campaign == even[0].Campaign {
			t.Error("two turns in a row began with the same campaign")
		}

		b.verify(t)
	})
}

func TestNoMessageIsClaimedTwiceAndNoneOfAPausedCampaign(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		paused := b.addCampaign("paused")
		b.enqueue(t, b.campaign, 400)
		b.enqueue(t, paused, 10)
		paused.Update().SetStatus(enum.CampaignStatusPaused).ExecX(b.ctx)
		var mu sync.Mutex
		seen := map[uid.ID]int{}
		var workers sync.WaitGroup

		for range 4 {
			workers.Go(func() {
				for turn := 0; ; turn++ {
					claimed := b.claim(t, 17, turn)
					if len(claimed) == 0 {
						return
					}

					mu.Lock()
					for _, c := range claimed {
						seen[c.ID]++
						if c.Campaign == paused.ID {
							t.Error("a message of a paused campaign was claimed")
						}
					}

					mu.Unlock()
				}
			})
		}

		workers.Wait()
		if len(seen) != 400 {
			t.Errorf("claimed %d messages, want 400", len(seen))
		}

		for id, n := range seen {
			if n > 1 {
				t.Errorf("%s was claimed %d times", id, n)
			}
		}

		b.verify(t)
	})
}

func TestMessagesOfAWorkerThatIsGoneBecomeUnknownAndThePolicyDecides(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.enqueue(t, b.campaign, 3)
		b.handOver(t, b.claim(t, 3, 0))
		if n, err := b.queue.ExpireLeases(b.ctx); n != 0 || err != nil {
			t.Fatalf("%d leases ended early, %v", n, err)
		}

		late := b.now().Add(3 * time.Minute)
		b.now = func() time.Time { return late }
		b.run(t)
		if n, err := b.queue.ExpireLeases(b.ctx); n != 3 || err != nil {
			t.Fatalf("%d leases ended, %v", n, err)
		}

		policy := jsonfield.DefaultSendingPolicy()
		policies := map[uid.ID]jsonfield.SendingPolicy{b.organization: policy}
		if n, err := b.queue.SettleUnknown(b.ctx, policies, -1, "silent"); n != 0 || err != nil {
			t.Fatalf("%d settled before the waiting time was over, %v", n, err)
		}

		later := late.Add(time.Duration(policy.UnknownWaitSeconds+1) * time.Second)
		b.now = func() time.Time { return later }
		b.run(t)
		if n, err := b.queue.SettleUnknown(b.ctx, policies, -1, "silent"); n != 3 || err != nil {
			t.Fatalf("%d settled, %v", n, err)
		}
		if c := db.Client.Campaign.GetX(b.ctx, b.campaign.ID); c.Failed != 3 || c.Unknown != 0 {
			t.Errorf("%d failed, %d unknown", c.Failed, c.Unknown)
		}

		b.verify(t)
	})
}

func TestTwoProcessesRecordWithoutGapInTheLog(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		second := b.addCampaign("second")
		ids := slices.Concat(b.enqueue(t, b.campaign, 150), b.enqueue(t, second, 150))
		b.claim(t, 300, 0)
		first := b.journal
		b.run(t)
		rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		var writers sync.WaitGroup

		for i, part := range slices.Collect(slices.Chunk(ids, 10)) {
			writers.Go(func() {
				journal := []*delivery.Journal{first, b.journal}[i%2]
				for _, kind := range []delivery.FactKind{delivery.Accepted, delivery.Sent, delivery.Read} {
					var facts []delivery.Fact
					for _, id := range part {
						facts = append(facts, delivery.Fact{Message: id, Attempt: 1, Kind: kind, At: start})
					}

					if _, err := journal.Record(b.ctx, facts...); err != nil {
						t.Error(err)
					}
				}
			})
		}

		writers.Wait()
		events, err := b.log.Read(b.ctx, b.organization, 0, 10_000)
		if err != nil || len(events) != 900 || events[899].Sequence != 900 {
			t.Errorf("%d events, %v", len(events), err)
		}

		b.verify(t)
	})
}

func TestAnAccountWritesToNoMoreNewPeopleThanItsLimit(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		account := b.account
		b.enqueue(t, b.campaign, 30)
		ten := 10
		limit := delivery.Limit{Account: account, People: &ten}
		campaigns, err := b.queue.Runnable(b.ctx, b.campaign.PhoneNumberID)
		if err != nil {
			t.Fatal(err)
		}

		var mu sync.Mutex
		var all []delivery.Claimed
		var workers sync.WaitGroup

		for range 4 {
			workers.Go(func() {
				for range 4 {
					claimed, _, err := b.queue.Claim(b.ctx, b.campaign.PhoneNumberID, 4, campaigns, limit)
					if err != nil {
						t.Error(err)
					}

					mu.Lock()
					all = append(all, claimed...)
					mu.Unlock()
				}
			})
		}

		workers.Wait()
		if len(all) != 10 {
			t.Fatalf("claimed %d messages under a limit of 10", len(all))
		}
		if _, full, err := b.queue.Claim(b.ctx, b.campaign.PhoneNumberID, 4, campaigns, limit); !full || err != nil {
			t.Errorf("the limit is not full, %v", err)
		}

		b.record(t, delivery.Fact{Message: all[0].ID, Attempt: 1, Kind: delivery.Return, At: start},
			delivery.Fact{Message: all[1].ID, Attempt: 1, Kind: delivery.Accepted, At: start})
		if used, err := b.queue.Used(b.ctx, account); used != 9 || err != nil {
			t.Errorf("%d people count after one message came back, %v", used, err)
		}

		tomorrow := b.now().Add(25 * time.Hour)
		b.now = func() time.Time { return tomorrow }
		b.run(t)
		if used, err := b.queue.Used(b.ctx, account); used != 0 || err != nil {
			t.Errorf("%d people count a day later, %v", used, err)
		}
		if n, err := b.queue.SweepWindows(b.ctx); n != 9 || err != nil {
			t.Errorf("swept %d entries, %v", n, err)
		}

		if claimed, _, err := b.queue.Claim(b.ctx, b.campaign.PhoneNumberID, 4, campaigns, limit); len(claimed) != 4 ||
			err != nil {
			t.Errorf("claimed %d a day later, %v", len(claimed), err)
		}
	})
}
