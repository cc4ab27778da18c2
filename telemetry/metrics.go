package telemetry

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is the registry that every part adds its own to; not Prometheus's
// global one, so that two services fit into one test.
type Metrics struct{ *prometheus.Registry }

// NewMetrics holds what the process and the Go runtime say of themselves.
func NewMetrics() Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(), build())
	return Metrics{r}
}

// Handler serves /metrics.
func (m Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{Registry: m.Registry})
}
