package delivery_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// brakes keeps what a journal tells of campaigns that fail too often.
type brakes struct {
	mu   sync.Mutex
	told []delivery.Tally
}

func (b *brakes) Brake(_ context.Context, t delivery.Tally) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, t)

	return nil
}

// last waits until the journal is idle and gives what it told last.
func (b *brakes) last() delivery.Tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.told) == 0 {
		return delivery.Tally{}
	}

	return b.told[len(b.told)-1]
}

// watched starts a process whose journal has a brake. Its flush returns when the journal has told
// all there is to tell.
func (b *bench) watched(t *testing.T) (told *brakes, journal *delivery.Journal, flush func()) {
	t.Helper()
	told = &brakes{}
	journal = delivery.NewJournal(b.db, b.news, b.now, slog.New(slog.DiscardHandler))
	journal.Watch(told)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- journal.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })

	return told, journal, func() {
		// taken up only after the commits before it
		if _, err := journal.Record(b.ctx, delivery.Fact{WAMID: "nobody's", Kind: delivery.Read, At: start}); err != nil {
			t.Fatal(err)
		}
	}
}

func refused(m delivery.Claimed) delivery.Fact {
	return delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Refused, At: start, ErrorCode: 131026}
}

func accepted(m delivery.Claimed) delivery.Fact {
	return delivery.Fact{Message: m.ID, WAMID: m.ID.String(), Attempt: m.Attempt, Kind: delivery.Accepted, At: start}
}

func failed(m delivery.Claimed) delivery.Fact {
	return delivery.Fact{Message: m.ID, WAMID: m.ID.String(), Attempt: m.Attempt, Kind: delivery.Failed, At: start,
		ErrorCode: 131049}
}

func TestTheBrakeJudgesTheLastAnswersOfAllProcesses(t *testing.T) {
	t.Parallel()
	type answers struct{ accepted, refused, failed, early int } // failed after and before the answer was written down
	for name, tc := range map[string]struct {
		steps     []answers
		threshold *float64 // the campaign's
		policy    float64  // the organization's
		want      delivery.Tally
	}{
		"too few answers say nothing": {steps: []answers{{refused: 19}}},
		"twenty are enough": {steps: []answers{{refused: 20}},
			want: delivery.Tally{Failures: 20, Answers: 20, Threshold: 0.2}},
		"one below the threshold": {steps: []answers{{accepted: 25, refused: 6}}},
		"at the threshold": {steps: []answers{{accepted: 24}, {refused: 6}},
			want: delivery.Tally{Failures: 6, Answers: 30, Threshold: 0.2}},
		"a failure by webhook takes back its answer": {steps: []answers{{accepted: 24}, {failed: 6}},
			want: delivery.Tally{Failures: 6, Answers: 30, Threshold: 0.2}},
		"everything fails by webhook": {steps: []answers{{failed: 30}},
			want: delivery.Tally{Failures: 30, Answers: 30, Threshold: 0.2}},
		"a webhook that overtakes the answer": {steps: []answers{{accepted: 24}, {early: 6}},
			want: delivery.Tally{Failures: 6, Answers: 30, Threshold: 0.2}},
		"old failures are forgotten": {steps: []answers{{refused: 19}, {accepted: 300}, {refused: 39}}},
		"only the last 200 count": {steps: []answers{{accepted: 300}, {refused: 40}},
			want: delivery.Tally{Failures: 40, Answers: 200, Threshold: 0.2}},
		"the campaign has a threshold of its own": {steps: []answers{{accepted: 20, refused: 19}}, threshold: of(0.5)},
		"the campaign's threshold, once it is reached": {steps: []answers{{accepted: 20, refused: 20}}, threshold: of(0.5),
			want: delivery.Tally{Failures: 20, Answers: 40, Threshold: 0.5}},
		"the organization's threshold where it has one": {steps: []answers{{accepted: 27, refused: 3}}, policy: 0.1,
			want: delivery.Tally{Failures: 3, Answers: 30, Threshold: 0.1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				b := setUp(t, db)
				if tc.threshold != nil {
					b.campaign.Update().SetFailureThreshold(*tc.threshold).ExecX(b.ctx)
				}

				if tc.policy != 0 {
					policy := jsonfield.DefaultSendingPolicy()
					policy.FailureThreshold = tc.policy
					db.Client.Organization.UpdateOneID(b.organization).SetSendingPolicy(policy).ExecX(b.ctx)
				}

				told, first, flush := b.watched(t)
				toldSecond, second, flushSecond := b.watched(t)
				n := 0

				record := func(facts ...delivery.Fact) {
					journal := first
					if n++; n%2 == 0 {
						journal = second
					}
					if _, err := journal.Record(b.ctx, facts...); err != nil {
						t.Fatal(err)
					}
				}

				for _, step := range tc.steps {
					b.enqueue(t, b.campaign, step.accepted+step.refused+step.failed+step.early)
					for i, m := range b.claim(t, 1000, 0) {
						switch {
						case i < step.accepted:
							record(accepted(m))
						case i < step.accepted+step.failed:
							record(accepted(m), failed(m))
							record(failed(m)) // once more
						case i < step.accepted+step.failed+step.early:
							record(failed(m))
							record(accepted(m))
						default:
							record(refused(m))
						}
					}
				}

				flush()
				flushSecond()
				got := told.last()
				if other := toldSecond.last(); other.Failures > got.Failures {
					got = other
				}

				want := tc.want // both databases' tests read it at once
				if want.Answers > 0 {
					want.Organization, want.Campaign = b.organization, b.campaign.ID
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}

				b.verify(t)
			})
		})
	}
}

func of[T any](v T) *T { return &v }

func TestTheBrakeLeavesACampaignAloneThatDoesNotSend(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		told, journal, flush := b.watched(t)
		b.enqueue(t, b.campaign, 40)
		claimed := b.claim(t, 40, 0)
		b.campaign.Update().SetStatus(enum.CampaignStatusPaused).ExecX(b.ctx)

		for _, m := range claimed {
			if _, err := journal.Record(b.ctx, refused(m)); err != nil {
				t.Fatal(err)
			}
		}

		flush()
		if got := told.last(); got.Answers != 0 {
			t.Errorf("the brake was told %+v", got)
		}
	})
}

func TestTheLastFailuresAreCountedByTheirCodes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		other := b.addCampaign("other")
		b.enqueue(t, b.campaign, 10)
		b.enqueue(t, other, 5)

		for i, m := range b.claim(t, 15, 0) {
			f := refused(m)
			if i%3 == 0 {
				f.ErrorCode = 100
			}

			b.record(t, f)
		}

		got, err := b.queue.LastFailures(b.ctx, b.organization, b.campaign.ID, 6)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]delivery.Failures{{Code: 131026, Count: 4}, {Code: 100, Count: 2}}, got); diff != "" {
			t.Error(diff)
		}
		if got, err := b.queue.LastFailures(b.ctx, uid.New(uid.Organization), b.campaign.ID, 6); err != nil || len(got) != 0 {
			t.Errorf("another organization sees %v, %v", got, err)
		}
	})
}
