package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the operator sees of deliveries.
type metrics struct {
	deliveries *prometheus.CounterVec
	waiting    prometheus.Gauge
	oldest     prometheus.Gauge
}

func newMetrics() metrics {
	m := metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "carillon_webhook_deliveries_total",
			Help: "Attempts to deliver events to endpoints of webhooks, by result: taken, again (tried later) or failed " +
				"(for good)."},
			[]string{"result"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "carillon_webhook_deliveries_waiting",
			Help: "Deliveries that wait for endpoints that are enabled, up to 100,000."}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{Name: "carillon_webhook_deliveries_oldest_seconds",
			Help: "Age of the oldest of them."}),
	}

	for _, result := range []string{"taken", "again", "failed"} {
		m.deliveries.WithLabelValues(result) // so that a rate is 0 and not absent
	}

	return m
}

// Metrics are for the operator.
func (s *Service) Metrics() []prometheus.Collector {
	served := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "carillon_webhook_endpoints",
		Help: "Endpoints of webhooks that this process posts to."}, func() float64 { return float64(len(s.ids())) })

	return []prometheus.Collector{s.metrics.deliveries, s.metrics.waiting, s.metrics.oldest, served}
}

func (m metrics) count(results []result) {
	for _, r := range results {
		name := "again"
		switch {
		case r.taken():
			name = "taken"
		case r.over():
			name = "failed"
		}

		m.deliveries.WithLabelValues(name).Inc()
	}
}

func (m metrics) waits(waiting int, oldest time.Duration) {
	m.waiting.Set(float64(waiting))
	m.oldest.Set(oldest.Seconds())
}
