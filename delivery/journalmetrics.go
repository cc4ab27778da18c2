package delivery

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// journalMetrics are what the operator sees of what is written down.
type journalMetrics struct {
	facts   prometheus.Histogram
	seconds prometheus.Histogram
	failed  prometheus.Counter
}

func newJournalMetrics() journalMetrics {
	return journalMetrics{
		facts: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "carillon_journal_batch_facts",
			Help: "Facts in one commit of the journal.", Buckets: []float64{1, 4, 16, 64, 256, 1024, 4096}}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "carillon_journal_commit_seconds",
			Help:    "How long one commit of the journal took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{Name: "carillon_journal_failures_total",
			Help: "Commits of the journal that failed; whoever told the facts tells them again."}),
	}
}

func (m journalMetrics) committed(facts int, took time.Duration, err error) {
	if err != nil {
		m.failed.Inc()
		return
	}

	m.facts.Observe(float64(facts))
	m.seconds.Observe(took.Seconds())
}

// Metrics are for the operator.
func (j *Journal) Metrics() []prometheus.Collector {
	return []prometheus.Collector{j.metrics.facts, j.metrics.seconds, j.metrics.failed}
}
