package app_test

import (
	"database/sql"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database/dbtest"
	"carillon/ent/deliveryevent"
	"carillon/ent/enum"
	"carillon/whatsapp/sandbox"
)

// The moments of a send at which a process is killed. Each is hit exactly: a commit is stalled by a
// trigger of the test's, which waits for a lock that the test holds, and a request by the handler
// before the sandbox.
var (
	// commits are what the stalled transaction does, as the condition of a trigger that runs while it
	// commits.
	commits = map[string]struct{ on, when string }{
		"a page of the enrollment": {"INSERT ON message", "NEW.status = 'QUEUED'"},
		"the claim":                {"INSERT ON claim", "true"},
		"handing over":             {"UPDATE ON claim", "NEW.handed > OLD.handed"},
		// A receipt may be written before the answer that it overtook.
		"the answer": {"UPDATE ON message",
			"OLD.status = 'SENDING' AND NEW.status IN ('ACCEPTED', 'SENT', 'DELIVERED', 'READ')"},
		"the receipt": {"UPDATE ON message", "NEW.status = 'DELIVERED'"},
	}
	// outcomes are what becomes of the stalled commit after its process is dead.
	outcomes = map[string]func(*stall){
		"before it commits": (*stall).rollBack,
		"once it commits":   (*stall).letCommit,
	}
	// requests are where a request is when its process dies.
	requests = map[string]func(s *service, w http.ResponseWriter, r *http.Request, kill func()){
		"before WhatsApp reads it": func(_ *service, _ http.ResponseWriter, _ *http.Request, kill func()) { kill() },
		"after WhatsApp took it, unanswered": func(s *service, _ http.ResponseWriter, r *http.Request, kill func()) {
			s.sandbox.ServeHTTP(&unanswered{}, r)
			kill()
		},
		"after WhatsApp took it, and answered": func(s *service, w http.ResponseWriter, r *http.Request, kill func()) {
			s.sandbox.ServeHTTP(w, r)
			flush(w)
			kill()
		},
	}
)

const (
	killedRecipients = 160 // some are left when a commit is stalled, however slow the machine
	killedPerSecond  = 80
	killedAt         = 12 // messages
	// onTheWire is how many messages may be silent after a death: two parts of a claim, one being sent
	// and one that is next, and on a busy machine as many more that have begun and not arrived.
	// Without parts it would be two claims and more.
	onTheWire = 4 * (killedPerSecond / 4 / 4)
)

func TestKilledAtAnyCommitEverybodyGetsOneMessage(t *testing.T) {
	t.Parallel()
	for commit, trigger := range commits {
		for outcome, end := range outcomes {
			t.Run(commit+", "+outcome, func(t *testing.T) {
				t.Parallel()
				s, kill, campaign := toBeKilled(t, dbtest.Postgres(t))
				held := s.stallCommits(trigger.on, trigger.when)

				if strings.HasPrefix(trigger.on, "INSERT ON message") {
					held.arm()
					s.do("launchCampaign", campaign)
				} else {
					held.armWhileSending(campaign)
				}

				held.wait()
				kill(syscall.SIGKILL)
				end(held)
				s.recovered(campaign)
			})
		}
	}
}

func TestKilledWhileARequestIsOnItsWayEverybodyGetsOneMessage(t *testing.T) {
	t.Parallel()
	for name, die := range requests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, dsn string) {
				s, kill, campaign := toBeKilled(t, dsn)
				dead := s.killAtRequest(killedAt, kill, die)
				s.do("launchCampaign", campaign)
				<-dead
				s.recovered(campaign)
			})
		})
	}
}

// Where the organization would rather lose a message than send it twice, only what was on the wire
// can be lost.
func TestKilledWithoutSendingAgainOnlyWhatWasOnTheWireIsSilent(t *testing.T) {
	t.Parallel()
	for commit, outcome := range map[string]string{"the claim": "once it commits", "handing over": "before it commits",
		"the answer": "once it commits"} {
		t.Run(commit+", "+outcome, func(t *testing.T) {
			t.Parallel()
			s, kill, campaign := toBeKilled(t, dbtest.Postgres(t))
			s.preferNoDuplicate()
			held := s.stallCommits(commits[commit].on, commits[commit].when)
			held.armWhileSending(campaign)
			held.wait()
			kill(syscall.SIGKILL)
			outcomes[outcome](held)
			s.forgetLeases()
			s.start("")
			s.ready()
			var p progress

			s.until("the campaign is over", func() bool {
				var status string
				status, p = s.progress(campaign)
				return status == "COMPLETED" && p.Read+p.Failed == killedRecipients
			})

			t.Logf("%d messages are silent", p.Failed)
			if p.Failed > onTheWire {
				t.Errorf("%d messages were given up, at most %d were on the wire", p.Failed, onTheWire)
			}

			s.judge(killedRecipients - p.Failed)
		})
	}
}

func toBeKilled(t *testing.T, dsn string) (s *service, kill func(signal syscall.Signal), campaign string) {
	t.Helper()
	s = deploy(t, dsn, sandbox.Options{Throughput: killedPerSecond, NoPairLimit: true, Latency: 20 * time.Millisecond,
		SentDelay: 20 * time.Millisecond, DeliveredDelay: 20 * time.Millisecond, ReadDelay: 20 * time.Millisecond})
	end := s.start("")
	s.ready()
	campaign = s.draft(killedRecipients)
	s.decideSoon()

	return s, func(signal syscall.Signal) { end(signal) }, campaign
}

// recovered starts the program again and holds that in the end nothing shows that it had died.
func (s *service) recovered(campaign string) {
	s.t.Helper()
	s.forgetLeases()
	s.start("")
	s.ready()
	s.until("the campaign is over", func() bool {
		status, p := s.progress(campaign)
		return status == "COMPLETED" && p.Read == killedRecipients && p.Sending == 0
	})

	s.judge(killedRecipients)
	system := caller.System(s.t.Context())
	unknown := s.db.Client.DeliveryEvent.Query().Where(deliveryevent.StatusEQ(enum.MessageStatusUnknown)).CountX(system)
	again := s.db.Client.DeliveryEvent.Query().Where(deliveryevent.StatusEQ(enum.MessageStatusQueued)).CountX(system)
	s.t.Logf("%d messages were in doubt; of %d WhatsApp knew nothing", unknown, again)
	if again > onTheWire {
		s.t.Errorf("WhatsApp knew nothing of %d messages in doubt, at most %d were on the wire", again, onTheWire)
	}
}

// preferNoDuplicate makes the organization rather lose a message than send it twice.
func (s *service) preferNoDuplicate() {
	s.t.Helper()
	system := caller.System(s.t.Context())
	o := s.db.Client.Organization.Query().OnlyX(system)
	o.SendingPolicy.UnknownOther = enum.UnknownPolicyPreferNoDuplicate
	o.Update().SetSendingPolicy(o.SendingPolicy).ExecX(system)
}

// killAtRequest kills the program at its nth message; what it returns is closed once it is dead.
func (s *service) killAtRequest(nth int, kill func(syscall.Signal),
	die func(*service, http.ResponseWriter, *http.Request, func())) (dead <-chan struct{}) {
	over := make(chan struct{})
	var mu sync.Mutex
	seen := 0

	first := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/messages") {
			return false
		}

		mu.Lock()
		seen++
		now := seen == nth
		mu.Unlock()
		if now {
			die(s, w, r, func() { kill(syscall.SIGKILL); close(over) })
		}

		return now
	}

	s.intercept.Store(&first)

	return over
}

// unanswered is where an answer goes that nobody hears.
type unanswered struct{ header http.Header }

func (u *unanswered) Header() http.Header {
	if u.header == nil {
		u.header = http.Header{}
	}
	return u.header
}
func (u *unanswered) Write(p []byte) (int, error) { return len(p), nil }
func (u *unanswered) WriteHeader(int)             {}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// stall is a lock that commits of one kind wait for while the test holds it.
type stall struct {
	s    *service
	key  int32
	held *sql.Conn
}

// stallCommits puts the trigger in place; arm begins to stall.
func (s *service) stallCommits(on, when string) *stall {
	s.t.Helper()
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(s.dsn))
	l := &stall{s: s, key: int32(sum.Sum32() >> 1)}
	db, err := sql.Open("pgx", s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}

	s.t.Cleanup(func() { _ = db.Close() })
	if l.held, err = db.Conn(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}

	s.t.Cleanup(func() { _ = l.held.Close() })
	l.exec(`CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint); RETURN NULL; END $$`)
	event, table, _ := strings.Cut(on, " ON ")
	l.exec("CREATE CONSTRAINT TRIGGER stall AFTER " + event + " ON " + table +
		" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (" + when + ") EXECUTE FUNCTION stall('" + l.text() + "')")

	return l
}

func (l *stall) text() string { return strconv.Itoa(int(l.key)) }

func (l *stall) exec(statement string) {
	l.s.t.Helper()
	if _, err := l.held.ExecContext(l.s.t.Context(), statement); err != nil {
		l.s.t.Fatalf("%.40s: %v", statement, err)
	}
}

func (l *stall) arm() { l.s.t.Helper(); l.exec("SELECT pg_advisory_lock(" + l.text() + ")") }

// armWhileSending launches the campaign and begins to stall when some of its messages are accepted.
// The others wait for that, so that there is something to stall, however busy the machine.
func (l *stall) armWhileSending(campaign string) {
	l.s.t.Helper()
	armed := make(chan struct{})
	var seen atomic.Int32

	first := func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/messages") && seen.Add(1) > killedAt {
			select {
			case <-armed:
			case <-r.Context().Done():
			}
		}

		return false
	}

	l.s.intercept.Store(&first)
	l.s.do("launchCampaign", campaign)
	if err := l.s.sandbox.WaitAccepted(l.s.t.Context(), killedAt); err != nil {
		l.s.t.Fatal(err)
	}

	l.arm()
	close(armed)
}

// wait returns when a commit is stalled.
func (l *stall) wait() {
	l.s.t.Helper()
	l.s.until("a commit is stalled", func() bool { return l.waiting() > 0 })
}

func (l *stall) waiting() (n int) {
	l.s.t.Helper()
	if err := l.held.QueryRowContext(l.s.t.Context(),
		"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = "+l.text()).
		Scan(&n); err != nil {
		l.s.t.Fatal(err)
	}

	return n
}

// rollBack ends the sessions that stall, as PostgreSQL does when it finds that their client is
// gone.
func (l *stall) rollBack() {
	l.s.t.Helper()
	l.exec("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = " +
		l.text())
	l.s.until("they are rolled back", func() bool { return l.waiting() == 0 })
	l.letCommit()
}

func (l *stall) letCommit() {
	l.s.t.Helper()
	l.exec("SELECT pg_advisory_unlock(" + l.text() + ")")
	l.s.until("they have committed", func() bool { return l.waiting() == 0 })
}
