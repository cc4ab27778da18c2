package worker

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"carillon/whatsapp"
)

// metrics are what the operator sees of sending.
type metrics struct {
	sends   *prometheus.CounterVec
	seconds prometheus.Histogram
	allowed prometheus.Gauge
}

func newMetrics() metrics {
	m := metrics{
		sends: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "carillon_sends_total",
			Help: "Calls that send a message, by outcome (accepted, held, refused, not_sent, lost) and WhatsApp's error code."},
			[]string{"outcome", "code"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "carillon_send_seconds",
			Help:    "How long WhatsApp took to answer a call that sends.",
			Buckets: []float64{.025, .05, .1, .2, .4, .8, 1.6, 3.2, 6.4, 12.8, 30}}),
		allowed: prometheus.NewGauge(prometheus.GaugeOpts{Name: "carillon_lanes_allowed_per_second",
			Help: "Messages a second that the numbers whose lanes run in this process may send together."}),
	}

	for _, outcome := range outcomes {
		m.sends.WithLabelValues(outcome, "") // so that a rate is 0 and not absent
	}

	return m
}

// outcomes are the values of the label, of whatsapp's own.
var outcomes = map[whatsapp.Outcome]string{whatsapp.Accepted: "accepted", whatsapp.Held: "held",
	whatsapp.Refused: "refused", whatsapp.NotSent: "not_sent", whatsapp.Lost: "lost"}

// sent counts a call. Codes that are not in WhatsApp's list are one, so that there are not more and
// more of them.
func (m metrics) sent(a whatsapp.Answer, took time.Duration) {
	code := ""
	if a.Err != nil && a.Err.Code != 0 {
		code = "other"
		if a.Rule.Code != 0 {
			code = strconv.Itoa(a.Rule.Code)
		}
	}

	m.sends.WithLabelValues(outcomes[a.Outcome], code).Inc()
	m.seconds.Observe(took.Seconds())
}

// Metrics are for the operator.
func (ls *Lanes) Metrics() []prometheus.Collector {
	return []prometheus.Collector{ls.metrics.sends, ls.metrics.seconds, ls.metrics.allowed,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "carillon_lanes_running",
			Help: "Numbers that this process sends for at this moment."}, func() float64 {
			ls.runningMu.Lock()
			defer ls.runningMu.Unlock()

			return float64(len(ls.running))
		})}
}

// taskMetrics are what the operator sees of tasks and sweeps.
type taskMetrics struct{ failed *prometheus.CounterVec }

func newTaskMetrics() taskMetrics {
	m := taskMetrics{prometheus.NewCounterVec(prometheus.CounterOpts{Name: "carillon_task_failures_total",
		Help: "Tasks and sweeps that failed and are tried again, by task."}, []string{"task"})}
	for _, task := range []string{taskEnroll, taskImport, taskErase, taskExport, taskRetain, taskLane, "sweep"} {
		m.failed.WithLabelValues(task)
	}

	return m
}

// Metrics are for the operator.
func (w *Worker) Metrics() []prometheus.Collector { return []prometheus.Collector{w.metrics.failed} }
