package transport_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"carillon/graph/transport"
)

// gauges is what the handler tells of what is in use.
func gauges(t *testing.T, h *transport.Handler) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(h.Metrics()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}

	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			all[f.GetName()+" "+m.Label[0].GetValue()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}

	return all
}

// All that is in use is given back, whatever became of it.
func TestEverythingIsGivenBack(t *testing.T) {
	s := serve(t, func(o *transport.Options) { o.MaxUploads = 4 })
	p := s.connect(t)
	p.subscribe("a", "subscription { ticks(everyMs: 1, padding: 10000) { padding } }")
	p.subscribe("b", "subscription { refused { seq } }")
	p.subscribe("c", "subscription { slow { seq } }")
	p.subscribe("d", "subscription { panics { seq } }")
	p.subscribe("e", "{ fail(with: PANIC) }")
	p.subscribe("f", "{ padding(size: 100000) }")
	p.send(`{"id":"f","type":"complete"}`)
	p.send(`{"id":"g","type":"subscribe","payload":{"query":"{hello}","variables":{"v":"` +
		strings.Repeat("x", 30_000) + `"}}}`)
	for range 10 {
		p.wants("next")
	}

	e := s.open(t, "subscription { ticks(everyMs: 1, padding: 10000) { padding } }")
	e.wants("next")
	body, contentType := form(t, "operations", uploadOne, "map", `{"f":["variables.file"]}`, "@f",
		strings.Repeat("x", 200_000))
	s.send(t, "POST", "/", body, contentType, alice)
	s.send(t, "POST", "/", body[:len(body)-200], contentType, alice)
	s.query(t, "{ padding(size: 100000) }")
	s.query(t, "{ nosuch }")
	s.query(t, "{ fail(with: PANIC) }")
	if inUse := gauges(t, s.Handler); inUse["carillon_api_in_use subscriptions"] < 2 ||
		inUse["carillon_api_in_use connections"] != 2 || inUse["carillon_api_limit uploads"] != 4 {
		t.Errorf("%v", inUse)
	}

	p.vanish()
	e.cancel()

	eventually(t, "nothing is in use", func() bool {
		for name, used := range gauges(t, s.Handler) {
			if what, is := strings.CutPrefix(name, "carillon_api_in_use "); is && used != 0 && what != "document_bytes" &&
				what != "persisted_query_bytes" {
				return false
			}
		}

		return true
	})
}
