package sandbox

import (
	"strings"
	"testing"
)

const dear = `{"name":"dear","language":"en_US","category":"MARKETING","optimization_spec":
	{"bid_strategy":"LOWEST_COST_WITH_BID_CAP","bid_amount":87000},"components":[
	{"type":"BODY","text":"Hi {{1}}, thank you for your order.","example":{"body_text":[["Ana"]]}}]}`

func TestEachEndpointTakesItsOwnTemplates(t *testing.T) {
	t.Parallel()
	utility := strings.NewReplacer("greeting", "useful", "MARKETING", "UTILITY").Replace(greeting)
	yes := true
	const to = "+447400123456"
	for name, tc := range map[string]struct {
		spec           AccountSpec
		edge, template string
		extra          string
		code           int
		category       string // under which it is priced
	}{
		"marketing, the usual way":           {AccountSpec{}, "messages", "greeting", "", 0, "marketing"},
		"utility, the usual way":             {AccountSpec{MarketingOnlyThere: &yes}, "messages", "useful", "", 0, "utility"},
		"marketing where it goes only there": {AccountSpec{MarketingOnlyThere: &yes}, "messages", "greeting", "", 131063, ""},
		"a max price, the usual way":         {AccountSpec{}, "messages", "dear", "", 131061, ""},
		"a bid, the usual way": {AccountSpec{}, "messages", "greeting",
			`"bid_spec":{"per_message_bid_multiplier":1},`, 100, ""},
		"marketing there": {AccountSpec{MarketingMessages: "ONBOARDED"}, marketingEdge,
			"greeting", "", 0, "marketing_lite"},
		"a max price there": {AccountSpec{MarketingMessages: "ONBOARDED"}, marketingEdge, "dear",
			`"bid_spec":{"per_message_bid_multiplier":0.8},`, 0, "marketing_lite"},
		"a bid that is none": {AccountSpec{MarketingMessages: "ONBOARDED"}, marketingEdge, "dear",
			`"bid_spec":{"per_message_bid_multiplier":0},`, 100, ""},
		"utility there": {AccountSpec{MarketingMessages: "ONBOARDED"}, marketingEdge,
			"useful", "", 131055, ""},
		"marketing there, not onboarded": {AccountSpec{}, marketingEdge, "greeting", "", 0, "marketing"},
		"strictly there, not onboarded": {AccountSpec{}, marketingEdge,
			"greeting", `"product_policy":"STRICT",`, 134102,
			""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := stand(t, nil)
			st.run()
			tc.spec.WABAID = waba
			st.AddAccount(tc.spec)
			for _, template := range []string{greeting, utility, dear} {
				st.template(template)
			}

			body := strings.Replace(greet(to, "d"), "{", "{"+tc.extra, 1)
			out := st.call("POST", "/v26.0/"+sender+"/"+tc.edge, strings.Replace(body, "greeting", tc.template, 1))
			if out.Error.Code != tc.code {
				t.Fatalf("answered %s", out.body)
			}
			if tc.code != 0 {
				return
			}

			if got := st.Accepted(); len(got) != 1 || got[0].Endpoint != tc.edge {
				t.Errorf("accepted %+v", got)
			}

			st.idle()
			st.mu.Lock()
			defer st.mu.Unlock()
			if got := st.statuses[0].Pricing; got == nil || got.Category != tc.category {
				t.Errorf("priced as %+v", got)
			}
		})
	}
}

func TestTheMarketingEndpointTakesNothingButTemplates(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	out := st.call("POST", "/v26.0/"+sender+"/"+marketingEdge,
		`{"messaging_product":"whatsapp","to":"+447400123456","type":"text","text":{"body":"Hi"}}`)
	if out.Error.Code != 131055 {
		t.Errorf("answered %s", out.body)
	}

	st.AddAccount(AccountSpec{WABAID: waba, MarketingMessages: "ONBOARDED"})
	st.template(dear)
	body := strings.NewReplacer(`"to":"+447400123456"`, `"recipient":"US.1349"`, "greeting", "dear").
		Replace(greet("+447400123456", "d"))
	if out := st.call("POST", "/v26.0/"+sender+"/"+marketingEdge, body); out.Error.Code != 131062 {
		t.Errorf("a max price and a user id: %s", out.body)
	}
}

func TestAMaxPriceIsForMarketing(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	for name, spec := range map[string]string{
		"another category": strings.Replace(dear, "MARKETING", "UTILITY", 1),
		"nothing":          strings.Replace(dear, "87000", "0", 1),
		"another strategy": strings.Replace(dear, "LOWEST_COST_WITH_BID_CAP", "CHEAP", 1),
	} {
		if out := st.call("POST", "/v26.0/"+waba+"/message_templates", spec); out.Error.Code != 100 {
			t.Errorf("%s: %s", name, out.body)
		}
	}

	st.template(dear)
	list := st.call("GET", "/v26.0/"+waba+"/message_templates?fields=name,optimization_spec", "")
	if !strings.Contains(list.body, `"bid_amount":87000`) {
		t.Errorf("listed as %s", list.body)
	}
}
