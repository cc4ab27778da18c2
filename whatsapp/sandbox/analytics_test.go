package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAnalyticsCountWhatBecameOfMessagesByHalfHours(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(greeting)
	st.run()
	for i := range 3 {
		st.send(greet(fmt.Sprintf("1416222%04d", i), "x"))
	}

	st.idle()
	now := st.clock.Now()
	ask := func(fields string) reply { return st.call("GET", "/v25.0/"+waba+"?fields="+fields, "") }
	within := fmt.Sprintf(".start(%d).end(%d).granularity(HALF_HOUR)", now.Add(-time.Hour).Unix(),
		now.Add(time.Hour).Unix())

	for fields, want := range map[string]string{
		"analytics" + within: `"delivered":3,`, "pricing_analytics" + within: `"pricing_category":"MARKETING"`,
		"analytics" + within + `.phone_numbers(["19995550123"])`:                                     `"data_points":[]`,
		fmt.Sprintf("analytics.start(1).end(%d).granularity(HALF_HOUR)", now.Add(-time.Hour).Unix()): `"data_points":[]`,
	} {
		if got := ask(fields); got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", fields, got.status, got.body)
		}
	}

	for _, wrong := range []string{"analytics.start(a).end(2).granularity(HALF_HOUR)", "analytics.start(2).end(1)",
		"analytics.start(1).end(2).granularity(DAY)", "analytics."} {
		if got := ask(wrong); got.status != 400 || got.Error.Code != 100 {
			t.Errorf("%s: %d %s", wrong, got.status, got.body)
		}
	}
}
