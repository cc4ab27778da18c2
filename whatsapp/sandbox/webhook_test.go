package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/whatsapp"
)

func TestWebhooksAreSignedOverTheBytesAsMetaWritesThem(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(greeting)
	st.run()
	st.send(greet("447400123456", "é/😀"))
	st.idle()
	st.mu.Lock()
	defer st.mu.Unlock()
	escaped := false

	for _, p := range st.posts {
		if !whatsapp.Verify([]string{secret}, p.body, p.signature) {
			t.Errorf("signature %s does not fit %s", p.signature, p.body)
		}

		escaped = escaped || strings.Contains(string(p.body), `\u00e9\/\ud83d\ude00`)
		if i := slices.IndexFunc(p.body, func(c byte) bool { return c > 127 }); i >= 0 {
			t.Errorf("not plain ASCII: %s", p.body)
		}
	}

	if !escaped {
		t.Error("callback data is not escaped as Meta does")
	}
}

func TestWebhooksAreRetriedUntilTheyAreAccepted(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]int{"after 503": 503, "after 301": 301, "after 204, which is not 200": 204} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := stand(t, func(o *Options) { o.Now = nil })
			st.answer = func(attempt int) int {
				if attempt <= 4 {
					return code
				}
				return 200
			}

			st.template(greeting)
			st.run()
			st.send(greet("447400123456", ""))
			st.idle()
			if got := slices.Sorted(slices.Values(st.told("447400123456"))); !slices.Equal(got,
				[]string{"delivered", "read", "sent"}) {
				t.Errorf("told %q", got)
			}

			if c := st.Counts(); c.FailedPosts != 4 {
				t.Errorf("failed posts: %d, want 4", c.FailedPosts)
			}
		})
	}
}

func TestWebhooksComeTwiceWhenAskedTo(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.DuplicateWebhooks, o.Now = 1, nil })
	st.template(greeting)
	st.run()
	st.send(greet("447400123456", ""))
	st.idle()
	if got := slices.Sorted(slices.Values(st.told("447400123456"))); !slices.Equal(got,
		[]string{"delivered", "delivered", "read", "read", "sent", "sent"}) {
		t.Errorf("told %q", got)
	}
}

func TestWebhooksComeInAWrongOrderWhenAskedTo(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.ShuffleWebhooks = 1 })
	st.template(greeting)
	st.send(greet("447400123456", "")) // all due before Run begins, so that one post holds them
	st.run()
	st.idle()
	if got := st.told("447400123456"); !slices.Equal(got, []string{"read", "delivered", "sent"}) {
		t.Errorf("told %q", got)
	}
}

func TestWebhooksAreDroppedWhenAskedTo(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.DropWebhooks = 1 })
	st.template(greeting)
	st.run()
	st.send(greet("447400123456", ""))
	st.idle()
	if c := st.Counts(); len(st.told("447400123456")) != 0 || c.Dropped != 3 {
		t.Errorf("told %q, counts %+v", st.told("447400123456"), c)
	}
}

func TestStatusesThatAreDueTogetherArePostedTogether(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.Batch = 50; o.AppID = "4200" })
	st.template(greeting)
	for i := range 100 {
		st.send(greet(fmt.Sprint(447400100000+i), ""))
	}

	st.run()
	st.idle()
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.statuses) != 300 || len(st.posts) > 8 {
		t.Errorf("%d statuses in %d posts", len(st.statuses), len(st.posts))
	}
}

func TestStatusesFollowTheirDelays(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) {
		o.SentDelay, o.DeliveredDelay, o.ReadDelay = time.Second, time.Minute, time.Hour
	})
	st.template(greeting)
	st.run()
	st.send(greet("447400123456", ""))

	for i, d := range []time.Duration{time.Second, time.Minute, time.Hour} {
		st.clock.advance(d)
		st.Wake()
		if err := st.WaitFor(st.ctx, func(c Counts) bool {
			return c.Posted["sent"]+c.Posted["delivered"]+c.Posted["read"] == i+1
		}); err != nil {
			t.Fatal(err)
		}
	}

	if got := st.told("447400123456"); !slices.Equal(got, []string{"sent", "delivered", "read"}) {
		t.Errorf("told %q", got)
	}
}

func TestWebhooksWaitForACallback(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(greeting)
	st.SetCallbackURL("")
	st.run()
	st.send(greet("447400123456", ""))
	st.SetCallbackURL(st.callback)
	st.idle()
	if got := st.told("447400123456"); len(got) != 3 {
		t.Errorf("told %q", got)
	}
}

func TestWithoutSubscriptionThereAreNoWebhooks(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(greeting)
	st.run()
	apps := "/v25.0/" + waba + "/subscribed_apps"
	st.call("DELETE", apps, "")
	st.send(greet("447400123456", ""))
	st.idle()
	if got := st.told("447400123456"); len(got) != 0 {
		t.Errorf("without subscription: told %q", got)
	}
	if out := st.call("GET", apps, ""); string(out.Data) != "[]" {
		t.Errorf("subscriptions: %s", out.body)
	}

	st.call("POST", apps, "")
	st.send(greet("447400123456", ""))
	st.idle()
	if got := st.told("447400123456"); len(got) != 3 {
		t.Errorf("with subscription: told %q", got)
	}
}

func TestAnOverriddenCallbackIsChallengedThenUsed(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.CallbackURL = "http://127.0.0.1:1" })
	st.template(greeting)
	apps := "/v25.0/" + waba + "/subscribed_apps"
	if out := st.call("POST", apps, `{"override_callback_uri":"`+st.callback+
		`","verify_token":"wrong"}`); out.Error.Code != 2200 {
		t.Errorf("with a wrong token: %s", out.body)
	}

	if out := st.call("POST", apps, `{"override_callback_uri":"`+st.callback+
		`","verify_token":"verify"}`); out.status != 200 {
		t.Fatalf("with the right token: %s", out.body)
	}

	st.run()
	st.send(greet("447400123456", ""))
	if err := st.WaitFor(st.ctx, func(c Counts) bool { return c.Posted["read"] == 1 }); err != nil {
		t.Fatal(err)
	}

	st.SetCallbackURL(st.callback)
	if err := st.Verify(st.ctx); err != nil {
		t.Error(err)
	}
}

func TestInboundMessagesAndOtherEventsArePosted(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.run()
	id, err := st.SendInbound(sender, "+44 7400 123456", "STOP")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.SendEvent(waba, "account_update", json.RawMessage(`{"event":"VERIFIED_ACCOUNT"}`)); err != nil {
		t.Fatal(err)
	}

	st.idle()
	st.mu.Lock()
	defer st.mu.Unlock()
	var all strings.Builder
	for _, p := range st.posts {
		all.Write(p.body)
	}

	for _, want := range []string{id, `"body":"STOP"`, `"from":"447400123456"`, `"display_phone_number":"15550783881"`,
		`"field":"account_update"`, `"event":"VERIFIED_ACCOUNT"`} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("%s is not in %s", want, all.String())
		}
	}
}

func TestTheStateSurvivesARestart(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.StatePath = filepath.Join(t.TempDir(), "state.jsonl") })
	st.template(greeting)
	st.answer = func(int) int { return http.StatusServiceUnavailable }
	stop := st.run()
	st.send(greet("447400123456", "msg_1:1"))
	st.send(greet("14165550141", "msg_2:1"))
	st.send(`{"messaging_product":"whatsapp","to":"447400100001","type":"text","text":{"body":"too late"}}`)
	if err := st.WaitFor(st.ctx, func(c Counts) bool { return c.FailedPosts > 0 }); err != nil {
		t.Fatal(err)
	}

	before := st.Accepted()
	stop()

	for restart := range 2 {
		st.mu.Lock()
		st.answer = nil
		st.mu.Unlock()
		st.open()
		if restart == 0 {
			st.InvalidateToken("nobody")
			st.AddAccount(AccountSpec{WABAID: waba, Token: "EAAsecond"})
		} else if out := st.callAs("EAAsecond", "GET", "/"+waba, ""); out.status != 200 {
			t.Errorf("the second token is forgotten: %s", out.body)
		}

		stop = st.run()
		st.idle()
		after := st.Accepted()
		if len(after) != 3 {
			t.Fatalf("restart %d: accepted %d messages, want 3", restart, len(after))
		}

		for i := range after {
			if after[i].WAMID != before[i].WAMID || after[i].CallbackData != before[i].CallbackData ||
				!slices.Equal(after[i].Params, before[i].Params) {
				t.Errorf("restart %d: %+v became %+v", restart, before[i], after[i])
			}
		}

		// The template and the open statuses are there; what was acknowledged is not told again.
		for to, want := range map[string][]string{"447400123456": {"delivered", "read", "sent"}, "14165550141": {"failed"},
			"447400100001": {"failed"}} {
			if got := slices.Sorted(slices.Values(st.told(to))); !slices.Equal(got, want) {
				t.Errorf("restart %d: %s was told %q", restart, to, got)
			}
		}

		stop()
	}

	st.open()
	st.run()
	if out := st.send(greet("447400123456", "msg_3:1")); out.status != 200 ||
		slices.ContainsFunc(before, func(a Accepted) bool { return a.WAMID == out.Messages[0].ID }) {
		t.Errorf("after the restarts: %s", out.body)
	}
}

func TestATornLineIsLeftOut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.jsonl")
	st := stand(t, func(o *Options) { o.StatePath = path })
	st.template(greeting)
	st.send(greet("447400123456", "msg_1:1"))
	if _, err := st.journal.file.WriteString(`{"message":{"seq":9,"number":"1065`); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	st.open()
	st.run()
	st.idle()
	if got := st.Accepted(); len(got) != 1 || len(st.told("447400123456")) != 3 {
		t.Errorf("accepted %+v, told %q", got, st.told("447400123456"))
	}
}
