package sandbox

import (
	"strings"
	"testing"
)

const ana = "+447400123456"

func TestAnotherAppMayHoldAConversation(t *testing.T) {
	t.Parallel()
	st := stand(t, func(o *Options) { o.StatePath = t.TempDir() + "/state" })
	stop := st.run()
	st.template(greeting)
	const text = `{"messaging_product":"whatsapp","to":"` + ana + `","type":"text","text":{"body":"Hi"}}`
	write := func() {
		t.Helper()
		if _, err := st.SendInbound(sender, ana, "Hello"); err != nil {
			t.Fatal(err)
		}
	}

	write()
	if out := st.send(text); out.status != 200 {
		t.Fatalf("while it is ours: %s", out.body)
	}
	if out := st.call("POST", "/sandbox/thread", `{"phone_number_id":"`+sender+`","person":"`+ana+`"}`); out.status != 200 {
		t.Fatal(out.body)
	}
	if out := st.send(text); out.Error.Code != 131070 {
		t.Errorf("while it is another's: %s", out.body)
	}
	if out := st.send(greet(ana, "d")); out.status != 200 {
		t.Errorf("a template needs no conversation: %s", out.body)
	}

	write()
	st.idle()
	stop()
	st.open()
	st.run()
	if out := st.send(text); out.Error.Code != 131070 {
		t.Errorf("after a restart: %s", out.body)
	}
	if err := st.PassThread(sender, ana, true); err != nil {
		t.Fatal(err)
	}
	if out := st.send(text); out.status != 200 {
		t.Errorf("handed back: %s", out.body)
	}

	st.idle()
	st.mu.Lock()
	defer st.mu.Unlock()
	told := ""
	for _, p := range st.posts {
		told += string(p.body)
	}

	for _, word := range []string{`"field":"standby"`, `"type":"control_taken"`, `"type":"control_passed"`} {
		if strings.Count(told, word) != 1 {
			t.Errorf("%s was told %d times", word, strings.Count(told, word))
		}
	}
}

func TestAThreadIsPassedOnByItsHolderAlone(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	for i, step := range []struct{ body, want string }{
		{`{"action":"pass"}`, "100 0"}, {`{"action":"pass","to":"` + ana + `","recipient":"US.1"}`, "100 0"},
		{`{"action":"take","to":"` + ana + `"}`, "100 2494191"}, {`{"action":"lend","to":"` + ana + `"}`, "100 0"},
		{`{"action":"release","to":"` + ana + `"}`, "0 0"}, {`{"action":"pass","to":"` + ana + `"}`, "0 0"},
		{`{"action":"pass","to":"` + ana + `"}`, "131070 0"},
	} {
		if got := st.ask("POST", "thread_control", step.body); got != step.want {
			t.Errorf("step %d answers %s, want %s", i, got, step.want)
		}
	}
}
