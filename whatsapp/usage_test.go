package whatsapp

import (
	"net/http"
	"testing"
	"time"
)

func TestCallsThatCanWaitSpareMetasLimits(t *testing.T) {
	t.Parallel()
	const business, app = "X-Business-Use-Case-Usage", "X-App-Usage"
	for name, tc := range map[string]struct {
		header, value, body string
		account, app        time.Duration
	}{
		"nothing said": {},
		"below": {header: business,
			value: `{"1":[{"type":"whatsapp","call_count":79,"total_cputime":20,"total_time":20}]}`},
		"the calls": {header: business, value: `{"1":[{"type":"whatsapp","call_count":80}]}`, account: regain},
		"the time, of a second account": {header: business,
			value:   `{"1":[{"call_count":1}],"2":[{"total_time":99,"estimated_time_to_regain_access":7}]}`,
			account: 7 * time.Minute},
		"shut out": {header: business, value: `{"1":[{"estimated_time_to_regain_access":19}]}`,
			account: 19 * time.Minute},
		"garbage":          {header: business, value: `[?`},
		"the app, below":   {header: app, value: `{"call_count":28,"total_time":25,"total_cputime":25}`},
		"the app":          {header: app, value: `{"call_count":28,"total_time":25,"total_cputime":81}`, app: regain},
		"the app, garbage": {header: app, value: `"?`},
		"a refusal for the account": {header: "Retry-After", value: "60", body: `{"error":{"code":80007,"message":"no"}}`,
			account: time.Minute},
		"a refusal for the app": {body: `{"error":{"code":4,"message":"no"}}`, app: regain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				calls++
				if tc.header != "" {
					w.Header().Set(tc.header, tc.value)
				}
				if tc.body != "" {
					w.WriteHeader(http.StatusBadRequest)
					_, _ = w.Write([]byte(tc.body))
					return
				}

				_, _ = w.Write([]byte(`{"data":[]}`))
			})

			ctx, allowance := Sparing(t.Context())
			for range 2 {
				_, _ = client.PhoneNumbers(ctx, secretToken, "102")
			}

			if account, app := allowance.Wait(); account != tc.account || app != tc.app {
				t.Errorf("waits %s for the account and %s for the app", account, app)
			}
			if spent := tc.account+tc.app > 0; calls != 2 && !spent || calls != 1 && spent {
				t.Errorf("%d calls", calls)
			}

			if _, _ = client.PhoneNumbers(t.Context(), secretToken, "102"); calls < 2 {
				t.Error("a call that cannot wait was not made")
			}
		})
	}
}

func TestCallsThatSomebodyWaitsForAreMadeUntilMetaRefuses(t *testing.T) {
	t.Parallel()
	refuse := false
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Business-Use-Case-Usage", `{"1":[{"call_count":100,"estimated_time_to_regain_access":19}]}`)
		if refuse {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":{"code":80007,"message":"no"}}`))
			return
		}

		_, _ = w.Write([]byte(`{"data":[]}`))
	})

	ctx, allowance := Watching(t.Context())
	for range 2 {
		if _, err := client.PhoneNumbers(ctx, secretToken, "102"); err != nil || allowance.Refused() != 0 {
			t.Errorf("%v, refused for %s", err, allowance.Refused())
		}
	}

	refuse = true
	if _, err := client.PhoneNumbers(ctx, secretToken, "102"); err == nil || allowance.Refused() != 19*time.Minute {
		t.Errorf("%v, refused for %s", err, allowance.Refused())
	}
}
