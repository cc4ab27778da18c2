package sandbox

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

func TestEverythingCanHappenAtOnce(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) {
		o.Now, o.NoLimits = nil, true
		o.DuplicateWebhooks, o.ShuffleWebhooks, o.DropWebhooks = 0.3, 0.3, 0.1
		o.StatePath = filepath.Join(t.TempDir(), "state.jsonl")
	})

	st.template(greeting)
	st.run()
	const senders, each = 4, 100
	var all sync.WaitGroup

	for sender := range senders {
		all.Go(func() {
			for i := range each {
				if out := st.send(greet(fmt.Sprint(447400000000+i), fmt.Sprint(sender, ":", i))); out.status != 200 {
					t.Errorf("send: %s", out.body)
				}
			}
		})
	}

	all.Go(func() {
		for i := range 20 {
			st.AddAccount(AccountSpec{WABAID: waba, Token: bearer,
				Numbers: []NumberSpec{{ID: sender, VerifiedName: "Lucky Shrub", Throughput: i}}})
			st.Change(func(o *Options) { o.Unread = float64(i) / 20 })
			st.call("POST", templates, fmt.Sprintf(
				`{"name":"t%d","language":"en","category":"UTILITY","components":[{"type":"BODY","text":"Hello."}]}`, i))
			st.call("GET", templates, "")
			st.call("GET", "/"+sender, "")
			if _, err := st.SendInbound(sender, "447400000001", "hi"); err != nil {
				t.Error(err)
			}

			st.Accepted()
		}
	})

	all.Wait()
	st.idle()
	seen := map[string]bool{}

	for _, a := range st.Accepted() {
		if seen[a.WAMID] {
			t.Errorf("%s was given twice", a.WAMID)
		}

		seen[a.WAMID] = true
	}

	if len(seen) != senders*each {
		t.Errorf("accepted %d messages, want %d", len(seen), senders*each)
	}
	if err := st.Reset(); err != nil {
		t.Error(err)
	}
	if c := st.Counts(); c.Accepted != 0 || c.Pending != 0 || len(st.Accepted()) != 0 {
		t.Errorf("after the reset: %+v", c)
	}
}
