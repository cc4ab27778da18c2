package hub

import "github.com/prometheus/client_golang/prometheus"

// Metrics are for the operator.
func (h *Hub[E]) Metrics() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "carillon_hub_subscribers",
			Help: "Readers of event logs in this process: subscriptions, and endpoints of webhooks."}, func() float64 {
			h.mu.RLock()
			defer h.mu.RUnlock()
			n := 0
			for _, f := range h.feeds {
				n += f.readers
			}

			return float64(n)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "carillon_hub_lag_events",
			Help: "Events that this process knows of and has not read yet, in the log that is farthest behind."},
			func() float64 { return float64(h.lag()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "carillon_hub_slow_readers_total",
			Help: "Readers that did not keep up and were closed; they come back after their cursor."},
			func() float64 { return float64(h.slow.Load()) }),
	}
}

func (h *Hub[E]) lag() (most int64) {
	for _, f := range h.all() {
		t := f.tail.Load()
		f.mu.Lock()
		if t != nil {
			most = max(most, f.known-t.head)
		}
		f.mu.Unlock()
	}

	return most
}
