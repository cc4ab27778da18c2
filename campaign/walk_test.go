package campaign_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"carillon/audience"
	"carillon/audit"
	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/auditevent"
	entcampaign "carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

const (
	drafted   = enum.CampaignStatusDraft
	scheduled = enum.CampaignStatusScheduled
	preparing = enum.CampaignStatusPreparing
	running   = enum.CampaignStatusRunning
	paused    = enum.CampaignStatusPaused
	completed = enum.CampaignStatusCompleted
	canceled  = enum.CampaignStatusCanceled
)

// model says for each call of a member's from which statuses it leads where. From all others it is
// CONFLICT, and changes nothing. It is written down a second time on purpose, as the API describes
// it.
var model = map[string]map[enum.CampaignStatus][]enum.CampaignStatus{
	"launch": {drafted: {preparing, scheduled}}, // and SCHEDULED once its time has come, which it never has here
	"pause":  {scheduled: {paused}, preparing: {paused}, running: {paused}},
	"resume": {paused: {scheduled, preparing, running}},
	"cancel": {drafted: {canceled}, scheduled: {canceled}, preparing: {canceled}, running: {canceled}, paused: {canceled}},
}

// byItself says where the service's own changes lead, and what the trail calls them.
var byItself = map[enum.CampaignStatus]map[enum.CampaignStatus]string{
	scheduled: {preparing: audit.ActionCampaignLaunch, paused: audit.ActionCampaignPause},
	preparing: {running: "", paused: audit.ActionCampaignPause, completed: audit.ActionCampaignComplete},
	running:   {paused: audit.ActionCampaignPause, completed: audit.ActionCampaignComplete},
	paused: {scheduled: audit.ActionCampaignResume, preparing: audit.ActionCampaignResume,
		running: audit.ActionCampaignResume},
	completed: {running: audit.ActionCampaignReopen},
}

// step is one change of status, as the database saw it.
type step struct{ from, to enum.CampaignStatus }

// watchStatuses has the database itself note every change of a campaign's status.
func watchStatuses(t *testing.T, db *database.DB) {
	t.Helper()
	statements := []string{
		"CREATE TABLE walked (n INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB, was TEXT, became TEXT)",
		`CREATE TRIGGER walk AFTER UPDATE OF status ON campaign WHEN old.status <> new.status
			BEGIN INSERT INTO walked (id, was, became) VALUES (new.id, old.status, new.status); END`,
	}
	if db.Dialect == "postgres" {
		statements = []string{
			"CREATE TABLE walked (n bigserial PRIMARY KEY, id uuid, was text, became text)",
			`CREATE FUNCTION walk() RETURNS trigger AS $$ BEGIN
				INSERT INTO walked (id, was, became) VALUES (new.id, old.status, new.status); RETURN new; END $$ LANGUAGE plpgsql`,
			`CREATE TRIGGER walk AFTER UPDATE OF status ON campaign FOR EACH ROW
				WHEN (old.status <> new.status) EXECUTE FUNCTION walk()`,
		}
	}

	err := db.InTx(t.Context(), func(tx *database.Tx) error {
		for _, statement := range statements {
			if _, err := tx.ExecContext(t.Context(), statement); err != nil {
				return err
			}
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// walked are the changes of one campaign so far.
func walked(t *testing.T, db *database.DB, id uid.ID) (steps []step) {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT was, became FROM walked WHERE id = $1 ORDER BY n", id)
	if err != nil {
		t.Error(err)
		return nil
	}

	defer rows.Close()
	for rows.Next() {
		var one step
		if err := rows.Scan(&one.from, &one.to); err != nil {
			t.Error(err)
		}

		steps = append(steps, one)
	}

	return steps
}

// wakes counts news and wake-ups for several goroutines.
type wakes struct {
	mu    sync.Mutex
	count map[uid.ID]int
}

func (w *wakes) add(id uid.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count[id]++
}

func (w *wakes) of(id uid.ID) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count[id]
}

func (w *wakes) WakeEnrollment(_ context.Context, id uid.ID)            { w.add(id) }
func (w *wakes) WakeLane(_ context.Context, id uid.ID)                  { w.add(id) }
func (w *wakes) Publish(context.Context, uid.ID, []delivery.Event)      {}
func (w *wakes) Notify(_ context.Context, _ uid.ID, subjects ...uid.ID) { w.add(subjects[0]) }
func (w *wakes) service(s *stage) *campaign.Service {
	now := s.now
	clock := func() time.Time { return now }
	who := identity.New(s.db, identity.DefaultTerms(), clock, identity.Options{})

	return campaign.New(s.db, s.queue, audience.New(s.db, clock, nil), who, s.accounts, w, w, clock)
}

// walker calls what members call and what workers do, on some campaigns, at random.
type walker struct {
	*stage
	service *campaign.Service
	wakes   *wakes
	t       *testing.T
	ids     []uid.ID
}

// member makes one call of a member's, and compares what it says with the model: it must be right
// about a status that the campaign had during the call.
func (w walker) member(name string, id uid.ID) {
	call := map[string]func(context.Context, uid.ID) (*ent.Campaign, error){
		"launch": func(ctx context.Context, id uid.ID) (*ent.Campaign, error) { return w.service.Launch(ctx, id, nil) },

		"pause": w.service.Pause, "resume": w.service.Resume, "cancel": w.service.Cancel}[name]
	before := walked(w.t, w.db, id)
	_, err := call(w.owner, id)
	during := walked(w.t, w.db, id)[len(before):]

	had := []enum.CampaignStatus{drafted}
	if len(before) > 0 {
		had[0] = before[len(before)-1].to
	}

	for _, one := range during {
		had = append(had, one.to)
	}

	if err == nil {
		if !slices.ContainsFunc(during, func(one step) bool { return slices.Contains(model[name][one.from], one.to) }) {
			w.t.Errorf("%s succeeded, and the campaign was %v meanwhile", name, had)
		}

		return
	}

	if !usererror.Is(err, usererror.Conflict) ||
		!slices.ContainsFunc(had, func(status enum.CampaignStatus) bool { return model[name][status] == nil }) {
		w.t.Errorf("%s says %v, and the campaign was %v meanwhile", name, err, had)
	}
}

// work does one thing that a worker or a webhook does.
func (w walker) work(what int, id uid.ID) error {
	switch what {
	case 0:
		return w.service.Enroll(w.system, id)
	case 1:
		return w.service.Sweep(w.system)
	case 2:
		return w.service.Finish(w.system, w.number.ID)
	case 3:
		_, err := w.service.Stop(w.system, entcampaign.ID(id), enum.CampaignStatusReasonFailureRate, "too many")
		return err
	case 4:
		return w.service.AtLimit(w.system, w.account.ID, 1) // which the next sweep resumes
	case 5:
		return w.settle(id)
	}

	if _, err := w.service.Retry(w.owner, id, nil); err != nil && !usererror.Is(err, usererror.Conflict) {
		return err
	}

	return nil
}

// settle has all messages of a campaign that are queued fail in a way that may pass.
func (w walker) settle(id uid.ID) error {
	return w.db.InTx(w.system, func(tx *database.Tx) error {
		if _, err := tx.Client.Campaign.Query().Where(entcampaign.ID(id), w.db.Locked).Only(w.system); err != nil {
			return err
		}

		n, err := tx.Client.Message.Update().Where(message.CampaignID(id), message.StatusEQ(enum.MessageStatusQueued)).
			SetStatus(enum.MessageStatusFailed).SetErrorCode(130429).SetFailedAt(w.now).Save(w.system)
		if err != nil || n == 0 {
			return err
		}

		return tx.Client.Campaign.UpdateOneID(id).AddQueued(-n).AddFailed(n).Exec(w.system)
	})
}

func TestEveryWalkOfTwoThroughTheStatusesIsOneThatTheModelAllows(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.contact("+8613800000001", "Ana", "Lisbon", enum.ConsentOptedIn)
		watchStatuses(t, db)
		wakes := &wakes{count: map[uid.ID]int{}}
		w := walker{stage: s, service: wakes.service(s), wakes: wakes, t: t}

		for i := range 8 {
			d := s.draft()
			if i%4 == 3 {
				d.ScheduledAt = of(s.now.Add(time.Hour))
			}

			c, err := s.Create(s.owner, d)
			if err != nil {
				t.Fatal(err)
			}

			w.ids = append(w.ids, c.ID)
		}

		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		var both sync.WaitGroup
		for n := range uint64(2) {
			both.Go(func() { w.walk(rand.New(rand.NewPCG(seed, n))) })
		}

		both.Wait()
		for _, id := range w.ids {
			w.compare(id)
		}
	})
}

// walk takes the campaigns one after the other, so that two walkers are at the same one mostly.
func (w walker) walk(dice *rand.Rand) {
	calls := []string{"launch", "launch", "pause", "resume", "resume", "resume"}
	for _, id := range w.ids {
		for range 20 {
			if dice.IntN(5) < 2 {
				w.member(calls[dice.IntN(len(calls))], id)
			} else if err := w.work(dice.IntN(7), id); err != nil {
				w.t.Error(err)
			}
		}

		if dice.IntN(3) == 0 {
			w.member("cancel", id)
		}
	}
}

// compare holds what the database saw against the model, the audit trail and what followed.
func (w walker) compare(id uid.ID) {
	last := drafted
	steps := walked(w.t, w.db, id)
	most := map[string]int{} // events of each action that these steps may have
	members := map[step]string{}
	actions := map[string]string{"launch": audit.ActionCampaignLaunch, "pause": audit.ActionCampaignPause,
		"resume": audit.ActionCampaignResume, "cancel": audit.ActionCampaignCancel}

	for name, moves := range model {
		for from, all := range moves {
			for _, to := range all {
				members[step{from, to}] = actions[name]
			}
		}
	}

	for _, one := range steps {
		action, own := byItself[one.from][one.to]
		byMember, theirs := members[one]
		if one.from != last || !own && !theirs {
			w.t.Errorf("the campaign went from %s to %s when it was %s", one.from, one.to, last)
		}
		if !own {
			action = byMember
		}

		most[action]++
		last = one.to
	}

	delete(most, "")
	got := map[string]int{}

	for _, e := range w.db.Client.AuditEvent.Query().Where(auditevent.SubjectID(id)).AllX(w.system) {
		if e.Action != audit.ActionCampaignCreate && e.Action != audit.ActionCampaignRetry {
			got[e.Action]++
		}
	}

	if fmt.Sprint(got) != fmt.Sprint(most) {
		w.t.Errorf("the audit trail has %v of a campaign that went %v", got, steps)
	}
	if n := w.wakes.of(id); n < len(steps) {
		w.t.Errorf("%d news and wake-ups followed %d changes", n, len(steps))
	}

	c := w.db.Client.Campaign.GetX(w.system, id)
	if c.Status != last || (c.StatusReason != nil) != (last == paused) ||
		(c.CompletedAt != nil) != (last == completed || last == canceled) {
		w.t.Errorf("after %v the campaign is %s, because of %v, completed at %v", steps, c.Status, c.StatusReason,
			c.CompletedAt)
	}
}
