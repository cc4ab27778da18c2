package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"carillon/uid"
)

// Names of tasks. Each payload is one id's text, or nothing.
const (
	taskEnroll = "campaign:enroll"
	taskLane   = "lane:drain"
	taskImport = "contacts:import"
	taskErase  = "contact:erase"
	taskExport = "export:write"
	taskRetain = "organization:retain"
)

// enqueueTimeout bounds how long a caller waits for Redis to take a hint.
const enqueueTimeout = 500 * time.Millisecond

// Tasks puts hints into Redis. It implements the wakers that domain packages declare. A hint that
// cannot be put is logged and forgotten: the sweep finds the work.
type Tasks struct {
	redis  redis.UniversalClient
	client *asynq.Client
	queue  string
	urgent string // taken before the other: somebody waits for a single message
	log    *slog.Logger
}

// NewTasks shares queue with the workers that are to take the tasks.
func NewTasks(client redis.UniversalClient, queue string, log *slog.Logger) *Tasks {
	return &Tasks{client, asynq.NewClientFromRedisClient(client), queue, queue + "-urgent", log}
}

// Waiting says whether tasks wait for a worker to be free. When Redis cannot tell, it says no.
func (t *Tasks) Waiting(ctx context.Context) bool {
	for _, queue := range []string{t.urgent, t.queue} {
		// The list in which asynq keeps a queue's pending tasks. Its own inspector would weigh the whole
		// queue.
		if n, err := t.redis.LLen(ctx, "asynq:{"+queue+"}:pending").Result(); err == nil && n > 0 {
			return true
		}
	}

	return false
}

// WakeEnrollment asks for a campaign to be enrolled.
func (t *Tasks) WakeEnrollment(ctx context.Context, campaign uid.ID) {
	t.wake(ctx, t.queue, taskEnroll, campaign, 0)
}

// WakeLane asks for a number's messages to be sent.
func (t *Tasks) WakeLane(ctx context.Context, phoneNumber uid.ID) {
	t.wake(ctx, t.queue, taskLane, phoneNumber, 0)
}

// WakeLaneFirst asks for it ahead of all other work: a single message waits there.
func (t *Tasks) WakeLaneFirst(ctx context.Context, phoneNumber uid.ID) {
	t.wake(ctx, t.urgent, taskLane, phoneNumber, 0)
}

// WakeImport asks for a contact import to be run.
func (t *Tasks) WakeImport(ctx context.Context, contactImport uid.ID) {
	t.wake(ctx, t.queue, taskImport, contactImport, 0)
}

// WakeErasure asks for the erasure of a person to go on.
func (t *Tasks) WakeErasure(ctx context.Context, erasure uid.ID) {
	t.wake(ctx, t.queue, taskErase, erasure, 0)
}

// WakeExport asks for a file to be made.
func (t *Tasks) WakeExport(ctx context.Context, export uid.ID) {
	t.wake(ctx, t.queue, taskExport, export, 0)
}

// WakeRetention asks for what is too old of an organization to be erased.
func (t *Tasks) WakeRetention(ctx context.Context, organization uid.ID) {
	t.wake(ctx, t.queue, taskRetain, organization, 0)
}

// places are how many tasks of a kind may stand for one subject: one that runs, one that waits for
// what came meanwhile, and one for when the first two died with their process and have not been
// found yet. Tasks for later have places of their own, so that they are in nobody's way.
var places, placesLater = []string{"a", "b", "c"}, []string{"later", "later still"}

// neverArchive: a task that asynq gives up keeps its id for ever, and the subject could not be
// woken again.
const neverArchive = math.MaxInt32

// longest is a deadline that no task should meet; asynq wants one.
const longest = 24 * time.Hour

func (t *Tasks) wake(ctx context.Context, queue, kind string, subject uid.ID, delay time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enqueueTimeout)
	defer cancel()
	task := asynq.NewTask(kind, []byte(subject.String()))
	var err error
	at := places

	if delay >= sweepEvery {
		return // the sweep comes by before that
	} else if delay > 0 {
		at = placesLater
	}

	for _, place := range at {
		_, err = t.client.EnqueueContext(ctx, task, asynq.Queue(queue), asynq.TaskID(kind+":"+subject.String()+":"+place),
			asynq.MaxRetry(neverArchive), asynq.ProcessIn(delay), asynq.Timeout(longest))
		if err == nil {
			return
		}

		if !errors.Is(err, asynq.ErrTaskIDConflict) {
			t.log.Warn("a task could not be put into Redis; the sweep will find the work", "task", kind, "subject",
				subject.String(), "error", err)
			return
		}
	}
}

func subjectOf(task *asynq.Task) (uid.ID, error) {
	n, err := uid.Parse(string(task.Payload()))
	if err != nil {
		return uid.ID{}, fmt.Errorf("task %s: %w", task.Type(), err)
	}

	return n, nil
}
