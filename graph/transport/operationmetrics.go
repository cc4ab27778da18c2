package transport

import "github.com/prometheus/client_golang/prometheus"

// operationMetrics are what the operator sees of the API's operations.
type operationMetrics struct {
	seconds *prometheus.HistogramVec
	errors  *prometheus.CounterVec
}

func newOperationMetrics() operationMetrics {
	m := operationMetrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "carillon_api_operation_seconds",
			Help:    "How long queries and mutations took.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"kind"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "carillon_api_operation_errors_total",
			Help: "Operations that ended with an error, by code; one with several codes counts for each."},
			[]string{"code"}),
	}

	for _, kind := range []string{"query", "mutation"} {
		m.seconds.WithLabelValues(kind)
	}

	for _, code := range []string{"INTERNAL", "UNAVAILABLE"} {
		m.errors.WithLabelValues(code)
	}

	return m
}

// note counts an operation that is over. How long a subscription lasts says nothing of the service.
func (m operationMetrics) note(o Operation) {
	if o.Kind == "query" || o.Kind == "mutation" {
		m.seconds.WithLabelValues(o.Kind).Observe(o.Duration.Seconds())
	}

	for _, code := range o.Codes {
		m.errors.WithLabelValues(code).Inc()
	}
}
