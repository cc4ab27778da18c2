package webhook

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// finishWithin is how long a server that is to stop waits for answers.
const finishWithin = 3 * time.Second

// task is a delivery that is due.
type task struct {
	id, subject uid.ID
	event       enum.WebhookEventType
	payload     string
	attempts    int  // so far
	unshaped    bool // its payload is the default one, and the endpoint's selection is to shape it
	created     time.Time
}

// result is a task with its answer.
type result struct {
	task
	answer
	at time.Time
}

// sender posts an endpoint's deliveries: many at once, but of one subject one after the other, each
// once the one before it is on record. All its state is in the rows; what it holds may be lost.
type sender struct {
	v         *server
	queues    map[uid.ID][]task // by subject, in order; the first is under way or ready
	ready     []uid.ID          // subjects whose first may go
	loaded    int
	flying    int
	more      bool // there may be rows that are due and not loaded
	results   chan result
	unsettled []result
	settling  chan error // nil: nothing is being written down
	batch     []result   // what is being written down
	health    health
}

func newSender(v *server) *sender {
	return &sender{v: v, queues: map[uid.ID][]task{}, results: make(chan result, window), more: true,
		health: healthOf(v.endpoint.Load())}
}

// run sends until ctx ends; then it waits a while for answers, and writes down what has come.
func (s *sender) run(ctx context.Context) {
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stopping := ctx.Done()
	work := context.WithoutCancel(ctx)

	for {
		if stopping != nil {
			s.load(work)
			s.launch(requests)
		}

		s.settle(work)
		if stopping == nil && s.flying == 0 && s.settling == nil && len(s.unsettled) == 0 {
			return
		}

		var probe <-chan time.Time
		if d := s.health.restsFor(s.v.moment()); d > 0 && stopping != nil {
			probe = time.After(d)
		}

		select {
		case <-stopping:
			stopping = nil
			time.AfterFunc(finishWithin, cut)
		case <-s.v.due:
			s.more = true
		case <-probe:
			s.more = true
		case r := <-s.results:
			s.land(r)
		case err := <-s.settling:
			s.settled(err)
		}
	}
}

// land takes an answer, and all others that are there.
func (s *sender) land(r result) {
	for {
		s.flying--
		s.unsettled = append(s.unsettled, r)
		select {
		case r = <-s.results:
		default:
			return
		}
	}
}

// load reads deliveries that are due, in their order, up to the bounds, once half a page is over.
func (s *sender) load(ctx context.Context) {
	if !s.more || s.loaded > pageRows/2 || s.health.restsFor(s.v.moment()) > 0 {
		return
	}

	held := make([]uid.ID, 0, s.loaded)
	for _, q := range s.queues {
		for _, t := range q {
			held = append(held, t.id)
		}
	}

	tasks, more, err := s.v.dueTasks(ctx, held)
	if err != nil {
		s.v.Logger.Warn("deliveries could not be read and are read again", "endpoint", s.v.id, "error", err)
		s.more = false // until the next look

		return
	}

	s.more = more
	for _, t := range tasks {
		if len(s.queues[t.subject]) == 0 {
			s.ready = append(s.ready, t.subject)
		}

		s.queues[t.subject] = append(s.queues[t.subject], t)
		s.loaded++
	}
}

// dueTasks reads a page of deliveries that are due and not held. One whose subject has another that
// waits for its next attempt waits with it. That is a subquery for each row, and no NOT EXISTS: as
// a join PostgreSQL, which knows little of rows that come and go, reads all that waits for each.
func (v *server) dueTasks(ctx context.Context, held []uid.ID) (tasks []task, more bool, err error) {
	from, args := v.DB.Rowset([]any{v.id, v.moment(), pageRows}, database.IDs("id", held))
	rows, err := v.DB.Query(ctx, `SELECT d.id, d.subject_id, d.event, d.payload, d.attempts, d.unshaped,
		d.created_at
		FROM webhook_delivery d WHERE d.endpoint_id = $1 AND d.status = 'PENDING' AND d.next_attempt_at <= $2
		AND d.id NOT IN (SELECT f.id FROM `+from+`)
		AND (SELECT b.id FROM webhook_delivery b WHERE b.endpoint_id = d.endpoint_id AND b.subject_id = d.subject_id
			AND b.status = 'PENDING' AND b.id < d.id AND b.next_attempt_at > $2 LIMIT 1) IS NULL
		ORDER BY d.next_attempt_at, d.id LIMIT $3`, args...)
	if err != nil {
		return nil, false, err
	}

	defer rows.Close()
	bytes := 0
	for rows.Next() {
		if bytes > pageBytes {
			more = true
			break
		}

		t, err := scanTask(rows)
		if err != nil {
			return nil, false, err
		}

		bytes += len(t.payload)
		tasks = append(tasks, t)
	}

	more = more || len(tasks) == pageRows
	slices.SortStableFunc(tasks, func(a, b task) int { return uid.Compare(a.id, b.id) })

	return tasks, more, rows.Err()
}

func scanTask(rows *sql.Rows) (t task, err error) {
	return t, rows.Scan(&t.id, &t.subject, &t.event, &t.payload, &t.attempts, &t.unshaped, &t.created)
}

// launch posts what is ready, as far as the window and the endpoint's health let it.
func (s *sender) launch(ctx context.Context) {
	for len(s.ready) > 0 && s.flying < s.health.window(s.v.moment()) && s.v.holds() {
		subject := s.ready[0]
		s.ready = s.ready[1:]
		t, v := s.queues[subject][0], s.v
		s.flying++

		go func() {
			if err := v.shape(ctx, &t); err != nil {
				v.Logger.Warn("a payload could not be shaped and is shaped again", "endpoint", v.id, "error", err)
				s.results <- result{t, answer{err: err.Error(), cut: true}, v.moment()}

				return
			}

			a := v.post(ctx, *v.signer.Load(), v.endpoint.Load().URL, t.id, t.payload)
			s.results <- result{t, a, v.moment()}
		}()
	}
}

// settle begins to write down what has come, unless that is going on.
func (s *sender) settle(ctx context.Context) {
	if s.settling != nil || len(s.unsettled) == 0 {
		return
	}

	s.batch, s.unsettled = s.unsettled, nil
	s.settling = make(chan error, 1)
	s.health.note(s.batch, s.v.moment())

	go func(done chan<- error, batch []result, h health) {
		done <- s.v.record(ctx, batch, h)
	}(s.settling, s.batch, s.health)
}

// settled goes on with the subjects of what is on record. What could not be written down is
// forgotten here, with all that follows on it, and read again.
func (s *sender) settled(err error) {
	if err != nil {
		s.v.Logger.Warn("what came of deliveries could not be written down; they are posted again", "endpoint", s.v.id,
			"error", err)
		s.health = health{misses: tripAfter} // which also waits a little
		s.health.rest(s.v.moment())
	}

	for _, r := range s.batch {
		q := s.queues[r.subject]
		if err == nil && (r.taken() || r.over()) && len(q) > 1 {
			s.queues[r.subject] = q[1:]
			s.ready = append(s.ready, r.subject)
			s.loaded--

			continue
		}

		s.loaded -= len(q)
		delete(s.queues, r.subject)
		s.more = s.more || err != nil || len(q) > 1
	}

	s.batch, s.settling = nil, nil
}
