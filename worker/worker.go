// Package worker runs background jobs: how often, how fast and how many at once. Tasks in Redis are
// hints that there is work; the work itself is in the database, so a task that is lost, doubled or
// run by two at once does no harm. Reading starts here for the jobs and in lane.go for the sending.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"carillon/caller"
	"carillon/uid"
)

const (
	// sweepEvery is how long work may stand still whose wake-up was lost.
	sweepEvery = 5 * time.Second
	// lookEvery is how often an idle worker asks for tasks: the longest that a single message waits
	// for its lane.
	lookEvery = 50 * time.Millisecond
	// lookForDelayed is how late a task with a time may start.
	lookForDelayed = 250 * time.Millisecond
	// finishWithin is how long a process that is told to stop may take to finish what is in flight.
	finishWithin = 20 * time.Second
)

// Jobs are what tasks do. Each must be safe to run twice and by two at once.
type Jobs struct {
	Enroll func(ctx context.Context, campaign uid.ID) error
	Import func(ctx context.Context, contactImport uid.ID) error
	Erase  func(ctx context.Context, erasure uid.ID) error
	Export func(ctx context.Context, export uid.ID) error
	Retain func(ctx context.Context, organization uid.ID) error
	Drain  func(ctx context.Context, phoneNumber uid.ID) (again time.Duration, more bool, err error)
	Sweep  func(ctx context.Context) error
}

// Worker takes tasks out of Redis and runs them, several at once.
type Worker struct {
	redis  redis.UniversalClient
	tasks  *Tasks
	jobs   Jobs
	atOnce int
	log    *slog.Logger

	metrics taskMetrics
}

// New makes a worker that runs atOnce tasks at a time.
func New(client redis.UniversalClient, tasks *Tasks, jobs Jobs, atOnce int, log *slog.Logger) *Worker {
	return &Worker{client, tasks, jobs, atOnce, log, newTaskMetrics()}
}

// Run works until ctx ends, then finishes what is in flight.
func (w *Worker) Run(ctx context.Context) error {
	server := asynq.NewServerFromRedisClient(w.redis, asynq.Config{
		Concurrency: w.atOnce, Queues: map[string]int{w.tasks.urgent: 2, w.tasks.queue: 1}, StrictPriority: true,
		BaseContext:       func() context.Context { return context.WithoutCancel(ctx) },
		TaskCheckInterval: lookEvery, DelayedTaskCheckInterval: lookForDelayed, ShutdownTimeout: finishWithin,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Second },
		Logger:         asynqLog{w.log}, LogLevel: asynq.WarnLevel,
	})

	mux := asynq.NewServeMux()
	mux.HandleFunc(taskEnroll, w.run(ctx, w.jobs.Enroll))
	mux.HandleFunc(taskImport, w.run(ctx, w.jobs.Import))
	mux.HandleFunc(taskErase, w.run(ctx, w.jobs.Erase))
	mux.HandleFunc(taskExport, w.run(ctx, w.jobs.Export))
	mux.HandleFunc(taskRetain, w.run(ctx, w.jobs.Retain))
	mux.HandleFunc(taskLane, w.run(ctx, w.runLane))
	if err := server.Start(mux); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}

	w.sweep(ctx)
	server.Shutdown()

	return nil
}

// run adapts a job to a task, which acts for no caller. The job is told when the process is to
// stop, and asynq waits until it has put its things in order; asynq itself would leave a task alone
// as soon as its own context ends. An error or a panic is logged here and tried again after a
// second.
func (w *Worker) run(stop context.Context, job func(context.Context, uid.ID) error) func(context.Context,
	*asynq.Task) error {
	return func(ctx context.Context, task *asynq.Task) error {
		subject, err := subjectOf(task)
		if err != nil {
			w.log.Error("a task that cannot be read was dropped", "error", err)
			return nil
		}

		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(stop, cancel)()
		err = job(caller.System(ctx), subject)
		if err != nil && ctx.Err() == nil {
			w.metrics.failed.WithLabelValues(task.Type()).Inc()
			w.log.Error("a task failed and is tried again", "task", task.Type(), "subject", subject.String(), "error", err)
		}

		return err // of a process that stops too: another takes the task up
	}
}

// runLane gives a lane its turn and puts it back into the queue where it has more to do, or was
// interrupted.
func (w *Worker) runLane(ctx context.Context, number uid.ID) error {
	again, more, err := w.jobs.Drain(ctx, number)
	if interrupted := ctx.Err() != nil; err == nil && (more || interrupted) {
		w.tasks.wake(ctx, w.tasks.queue, taskLane, number, again)
	}

	return err
}

// sweep repairs and does what is due, at once and then every few seconds. Every worker does it:
// each step is a guarded change, so two at once do no harm, and none has to be chosen.
func (w *Worker) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := w.jobs.Sweep(ctx); err != nil && ctx.Err() == nil {
			w.metrics.failed.WithLabelValues("sweep").Inc()
			w.log.Error("the sweep failed and is tried again", "error", err)
		}

		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// asynqLog sends asynq's own words to our log. Its errors are those of reaching Redis, which it
// tries again and which are said once elsewhere: a failover makes a hundred, and none of them is
// worth an alarm.
type asynqLog struct{ log *slog.Logger }

func (a asynqLog) Debug(args ...any) { a.log.Debug(fmt.Sprint(args...), "from", "asynq") }
func (a asynqLog) Info(args ...any)  { a.log.Info(fmt.Sprint(args...), "from", "asynq") }
func (a asynqLog) Warn(args ...any)  { a.log.Warn(fmt.Sprint(args...), "from", "asynq") }
func (a asynqLog) Error(args ...any) { a.log.Warn(fmt.Sprint(args...), "from", "asynq") }
func (a asynqLog) Fatal(args ...any) { a.log.Error(fmt.Sprint(args...), "from", "asynq") }
