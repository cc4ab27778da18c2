package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"carillon/database"
)

// backlogWithin is how long a scrape waits for the database.
const backlogWithin = 2 * time.Second

var (
	queuedDesc = prometheus.NewDesc("carillon_messages_queued",
		"Messages that wait to be sent: those of running campaigns, and those sent one by one.", []string{"of"}, nil)
	oldestDesc = prometheus.NewDesc("carillon_messages_queued_oldest_seconds",
		"For how long the oldest of them could have been sent.", nil, nil)
	messagesDesc = prometheus.NewDesc("carillon_messages", "Messages that are on their way, or whose answer was lost.",
		[]string{"status"}, nil)
	campaignsDesc = prometheus.NewDesc("carillon_campaigns", "Campaigns that are not over.", []string{"status"}, nil)
	jobsDesc      = prometheus.NewDesc("carillon_jobs_unfinished", "Imports and exports that wait or run.",
		[]string{"of"}, nil)
	databaseUpDesc = prometheus.NewDesc("carillon_database_up",
		"1 while the database answers, takes writes and is up to date.", nil, nil)
	redisUpDesc = prometheus.NewDesc("carillon_redis_up", "1 while Redis answers.", nil, nil)
	evictsDesc  = prometheus.NewDesc("carillon_redis_evicts", "1 while Redis throws keys away when it is full.", nil, nil)
)

// backlog tells what waits, as the database has it: each process tells the same. It is asked when
// somebody scrapes.
type backlog struct{ *App }

func (backlog) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{queuedDesc, oldestDesc, messagesDesc, campaignsDesc, jobsDesc, databaseUpDesc,
		redisUpDesc, evictsDesc} {
		to <- d
	}
}

// Collect leaves out what the database does not tell in time.
func (b backlog) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), backlogWithin)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}

	state, err := b.DB.State(ctx)
	gauge(databaseUpDesc, truth(err == nil && state.Problem() == ""))
	gauge(redisUpDesc, truth(b.quick.Ping(ctx).Err() == nil))
	gauge(evictsDesc, truth(b.quick.Evicts() != ""))

	w, err := b.waiting(ctx)
	if err != nil {
		b.Log.Warn("the metrics of what waits could not be read", "error", err)
		return
	}

	gauge(queuedDesc, float64(w.direct), "single")
	gauge(queuedDesc, float64(w.ofCampaigns), "campaign")
	gauge(oldestDesc, w.age(database.Now()).Seconds())
	gauge(messagesDesc, float64(w.sending), "sending")
	gauge(messagesDesc, float64(w.unknown), "unknown")
	gauge(campaignsDesc, float64(w.running), "running")
	gauge(campaignsDesc, float64(w.paused), "paused")
	gauge(jobsDesc, float64(w.imports), "imports")
	gauge(jobsDesc, float64(w.exports), "exports")
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// waiting is a count of what is not done.
type waiting struct {
	direct, ofCampaigns, sending, unknown, running, paused, imports, exports int64

	oldestDirect, oldestOfCampaigns database.NullTime
}

// age is how long the oldest message has been due; zero when none is.
func (w waiting) age(now time.Time) (most time.Duration) {
	for _, t := range []database.NullTime{w.oldestDirect, w.oldestOfCampaigns} {
		if t.Valid {
			most = max(most, now.Sub(t.Time))
		}
	}

	return most
}

// waiting reads partial indexes of what is not done, and the table of campaigns.
func (b backlog) waiting(ctx context.Context) (w waiting, err error) {
	err = b.DB.QueryRow(ctx, `SELECT
		(SELECT count(*) FROM message WHERE status = 'QUEUED' AND campaign_id IS NULL),
		(SELECT min(not_before) FROM message WHERE status = 'QUEUED' AND campaign_id IS NULL),
		(SELECT CAST(coalesce(sum(queued), 0) AS bigint) FROM campaign WHERE status = 'RUNNING'),
		(SELECT min((SELECT min(not_before) FROM message WHERE campaign_id = c.id AND status = 'QUEUED'))
			FROM campaign c WHERE c.status = 'RUNNING' AND c.queued > 0),
		(SELECT count(*) FROM message WHERE status = 'SENDING'),
		(SELECT count(*) FROM message WHERE status = 'UNKNOWN'),
		(SELECT count(*) FROM campaign WHERE status = 'RUNNING'),
		(SELECT count(*) FROM campaign WHERE status = 'PAUSED'),
		(SELECT count(*) FROM contact_import WHERE status IN ('PENDING', 'RUNNING')),
		(SELECT count(*) FROM export WHERE status IN ('PENDING', 'RUNNING'))`).
		Scan(&w.direct, &w.oldestDirect, &w.ofCampaigns, &w.oldestOfCampaigns, &w.sending, &w.unknown, &w.running,
			&w.paused, &w.imports, &w.exports)
	if err != nil {
		return w, fmt.Errorf("count what waits: %w", err)
	}

	return w, nil
}
