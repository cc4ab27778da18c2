package transport

import "github.com/prometheus/client_golang/prometheus"

var (
	inUseDesc = prometheus.NewDesc("carillon_api_in_use", "What callers of the API have in use.", []string{"what"}, nil)
	limitDesc = prometheus.NewDesc("carillon_api_limit", "How much of it they may have in use together.",
		[]string{"what"}, nil)
	refusedDesc = prometheus.NewDesc("carillon_api_refused_total", "How often it was not to be had at once.",
		[]string{"what"}, nil)
)

// Metrics tells how much of each bound is in use.
func (h *Handler) Metrics() []prometheus.Collector {
	return []prometheus.Collector{usage{h}, h.operations.seconds, h.operations.errors}
}

type usage struct{ h *Handler }

func (usage) Describe(to chan<- *prometheus.Desc) {
	to <- inUseDesc
	to <- limitDesc
	to <- refusedDesc
}

func (u usage) Collect(to chan<- prometheus.Metric) {
	h := u.h
	for what, b := range map[string]*budget{
		"answer_bytes": h.answers, "request_bytes": h.bodies, "stranger_request_bytes": h.strangersBodies,
		"uploads": h.uploads, "upload_bytes": h.space,
		"subscriptions": h.live.number, "subscription_bytes": h.live.bytes,
	} {
		gauge(to, what, b.used.Load(), b.most)
		to <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(b.refused.Load()), what)
	}

	gauge(to, "document_bytes", int64(h.exec.documents.docs.size()), int64(h.exec.documents.docs.most))
	if p := h.exec.persisted; p != nil {
		gauge(to, "persisted_query_bytes", int64(p.texts.size()), int64(p.texts.most))
	}

	gauge(to, "upload_files", h.files.Load(), int64(h.options.MaxUploads*h.options.MaxFiles))
	gauge(to, "connections", int64(h.Connections()), int64(h.options.Websocket.MaxConnections))
	gauge(to, "stranger_connections", int64(h.nobodys.size()), int64(h.nobodys.most))
}

func gauge(to chan<- prometheus.Metric, what string, used, most int64) {
	to <- prometheus.MustNewConstMetric(inUseDesc, prometheus.GaugeValue, float64(used), what)
	to <- prometheus.MustNewConstMetric(limitDesc, prometheus.GaugeValue, float64(most), what)
}
