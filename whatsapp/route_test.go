package whatsapp

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestATemplateGoesWhereItsCategoryAndItsAccountSay(t *testing.T) {
	t.Parallel()
	const marketing = "MARKETING"
	for name, tc := range map[string]struct {
		template  Template
		status    string
		onlyThere bool
		want      Route
	}{
		"marketing of an account that takes part": {Template{Category: marketing}, "ONBOARDED", false, RouteMarketing},
		"marketing of one that may":               {Template{Category: marketing}, "ELIGIBLE", false, RouteMessages},
		"marketing where Meta says nothing":       {Template{Category: marketing}, "", false, RouteMessages},
		"marketing that /messages refuses":        {Template{Category: marketing}, "ELIGIBLE", true, RouteMarketing},
		"utility of an account that takes part":   {Template{Category: "UTILITY"}, "ONBOARDED", true, RouteMessages},
		"a code":                                  {Template{Category: "AUTHENTICATION"}, "ONBOARDED", false, RouteMessages},
		"a category that is not known":            {Template{}, "ONBOARDED", false, RouteMessages},
		"a max price":                             {Template{Category: marketing, MaxPrice: 5000}, "", false, RouteMarketing},
		"a max price on what is utility now":      {Template{Category: "UTILITY", MaxPrice: 5000}, "", false, RouteMessages},
	} {
		if got := tc.template.Route(MarketingRoute(tc.status, tc.onlyThere)); got != tc.want {
			t.Errorf("%s goes to %s, want %s", name, got, tc.want)
		}
	}
}

func TestAMessageIsPostedToItsEndpoint(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		route    Route
		maxPrice bool
		path     string
		bid      bool
	}{
		"no route":                 {"", false, "/v26.0/5/messages", false},
		"a route that is not one":  {"/../6/messages", false, "/v26.0/5/messages", false},
		"the usual":                {RouteMessages, true, "/v26.0/5/messages", false},
		"marketing":                {RouteMarketing, false, "/v26.0/5/marketing_messages", false},
		"marketing, a price's top": {RouteMarketing, true, "/v26.0/5/marketing_messages", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.URL.Path != tc.path {
					t.Errorf("posted to %s", r.URL.Path)
				}
				if strings.Contains(string(body), `"bid_spec":{"per_message_bid_multiplier":1}`) != tc.bid {
					t.Errorf("posted %s", body)
				}

				_, _ = io.WriteString(w, `{"messages":[{"id":"wamid.1"}]}`)
			})

			message := hello("+16505551234")
			message.Route, message.MaxPrice = tc.route, tc.maxPrice
			if got := client.Send(t.Context(), secretToken, "5", message); got.Outcome != Accepted {
				t.Errorf("answered %+v", got)
			}
		})
	}
}

func TestOnlyErrorsThatNameTheOtherEndpointSendAMessageThere(t *testing.T) {
	t.Parallel()
	want := map[int]Route{131055: RouteMessages, 134100: RouteMessages, 134102: RouteMessages, 131061: RouteMarketing,
		131063: RouteMarketing}
	for _, rule := range Rules() {
		if rule.Other != want[rule.Code] {
			t.Errorf("%d leads to %q, want %q", rule.Code, rule.Other, want[rule.Code])
		}
	}
}

func TestWhatBelongsToOnePersonStopsNothing(t *testing.T) {
	t.Parallel()
	for _, code := range []int{131065, 131070} {
		rule := RuleFor(code, 0, 400, false)
		if rule.Class != Fail || !rule.Apart || rule.Shared != (code == 131070) || rule.Title == "" || rule.Advice == "" {
			t.Errorf("%d is %+v", code, rule)
		}
	}
}

func TestATemplatesMaxPriceIsReadWhereTheVersionKnowsIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		knows bool
		want  int
	}{"a version that knows it": {true, 87000}, "an older one": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				spec := ""
				if strings.Contains(r.URL.Query().Get("fields"), "optimization_spec") {
					if !tc.knows {
						answer(400, `{"error":{"message":"(#100) Tried accessing nonexisting field (optimization_spec)","code":100}}`)(w, r)
						return
					}

					spec = `,"optimization_spec":{"bid_strategy":"LOWEST_COST_WITH_BID_CAP","bid_amount":87000}`
				}

				node := `{"id":"7","name":"a","language":"en","category":"MARKETING"` + spec + `}`
				if strings.HasSuffix(r.URL.Path, "message_templates") {
					node = `{"data":[` + node + `]}`
				}

				_, _ = io.WriteString(w, node)
			})

			if one, err := client.Template(t.Context(), secretToken, "7"); err != nil || one.MaxPrice != tc.want {
				t.Errorf("one: %+v, %v", one, err)
			}

			n := 0
			for each, err := range client.Templates(t.Context(), secretToken, "1") {
				if n++; err != nil || each.MaxPrice != tc.want {
					t.Errorf("listed: %+v, %v", each, err)
				}
			}

			if n != 1 {
				t.Errorf("%d templates are listed", n)
			}
		})
	}
}

func TestOnlyTheFieldThatIsNotKnownIsLeftOut(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Query().Get("fields"), "marketing_messages_lite_api_status") {
			answer(400, `{"error":{"message":"(#100) Tried accessing nonexisting field (marketing_messages_lite_api_status) on node type (WABA)","code":100}}`)(w, r)
			return
		}

		_, _ = io.WriteString(w, `{"id":"1","whatsapp_business_manager_messaging_limit":"TIER_2K",
			"marketing_messages_onboarding_status":"onboarded","disable_marketing_messages_on_cloud_api":true}`)
	})

	got, err := client.Account(t.Context(), secretToken, "1")
	if err != nil || got.MessagingLimit != "TIER_2K" || got.MarketingMessages != "ONBOARDED" || !got.MarketingOnlyThere {
		t.Errorf("got %+v, %v", got, err)
	}
}
