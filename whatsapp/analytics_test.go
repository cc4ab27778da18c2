package whatsapp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnalyticsAreReadWhateverTheirNumbersLookLike(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		`analytics.start(1750032000).end(1750118400).granularity(HALF_HOUR).phone_numbers(["15550783881"])`: `{"analytics":
			{"phone_numbers":["15550783881"],"granularity":"HALF_HOUR","data_points":[{"start":1750032000,"end":1750033800,
			"sent":196093,"delivered":"179715"},{"start":"1750033800"},7]},"id":"1"}`,
		`pricing_analytics.start(1750032000).end(1750118400).granularity(HALF_HOUR).metric_types(["COST","VOLUME"])` +
			`.dimensions(["PRICING_CATEGORY"])`: `{"pricing_analytics":{"data":[{"data_points":[
			{"start":1750032000,"pricing_category":"marketing","volume":10,"cost":0.2512345},
			{"start":1750032000,"pricing_category":"UTILITY","volume":1e2},
			{"start":1750032000,"pricing_category":"SERVICE","volume":1,"cost":1e300}]}]},"id":"1"}`,
	}

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, known := answers[r.URL.Query().Get("fields")]
		if !known || r.URL.Path != "/v26.0/1" {
			t.Errorf("asked for %s", r.URL)
		}

		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	c, since := NewClient(server.URL, "v26.0"), time.Unix(1750032000, 0).UTC()
	counted, err := c.Analytics(t.Context(), "token", "1", "15550783881", since, since.Add(24*time.Hour))
	if diff := cmp.Diff([]Traffic{{since, 196093, 179715}, {Start: since.Add(30 * time.Minute)}}, counted); diff != "" ||
		err != nil {
		t.Errorf("%v\n%s", err, diff)
	}

	cost := int64(251235)
	charged, err := c.PricingAnalytics(t.Context(), "token", "1", since, since.Add(24*time.Hour))
	if diff := cmp.Diff([]Charged{{since, "MARKETING", 10, &cost}, {since, "UTILITY", 100, nil},
		{since, "SERVICE", 1, nil}}, charged); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
