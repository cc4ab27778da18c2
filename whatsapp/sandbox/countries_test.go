package sandbox

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of the countries that share +1, one gets no marketing, as at Meta; it gets everything else.
func TestMarketingToTheUnitedStatesFailsAndToTheRestOfTheWorldItDoesNot(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.run()
	st.template(greeting)
	st.template(strings.NewReplacer("greeting", "useful", "MARKETING", "UTILITY").Replace(greeting))
	arrives := []string{"sent", "delivered", "read"}
	for to, want := range map[string]struct{ marketing, utility []string }{
		"12125550123":  {[]string{"failed"}, arrives},
		"13032000001":  {[]string{"failed"}, arrives},
		"14162000001":  {arrives, arrives}, // Canada
		"18765550123":  {arrives, arrives}, // Jamaica
		"17875550123":  {arrives, arrives}, // Puerto Rico has a code of its own
		"447400123456": {arrives, arrives},
		"1":            {arrives, arrives},
	} {
		for template, want := range map[string][]string{"greeting": want.marketing, "useful": want.utility} {
			st.mu.Lock()
			st.statuses = nil
			st.mu.Unlock()
			if out := st.send(strings.Replace(greet(to, "d"), "greeting", template, 1)); len(out.Messages) != 1 {
				if len(to) < 7 { // no number at all
					continue
				}
				t.Fatalf("%s to %s: %s", template, to, out.body)
			}

			st.idle()
			if diff := cmp.Diff(want, st.told(to)); diff != "" {
				t.Errorf("%s to %s: %s", template, to, diff)
			}

			st.mu.Lock()
			for _, s := range st.statuses {
				if s.Status == "failed" && s.Errors[0].Code != 131049 {
					t.Errorf("%s fails with %+v", to, s.Errors)
				}
			}
			st.mu.Unlock()
		}
	}
}
