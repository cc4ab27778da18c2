package whatsapp

import (
	"fmt"
	"testing"
)

func clickOf(t *testing.T, number, action string) Click {
	t.Helper()
	w := parse(t, fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages",`+
		`"value":{"metadata":{"phone_number_id":%q},"user_actions":[%s]}}]}]}`, number, action))
	if len(w.Clicks) != 1 || len(w.Unknown)+len(w.Notices) > 0 {
		t.Fatalf("%s: %+v", action, w)
	}

	return w.Clicks[0]
}

func TestAClickIsKnownAgainAndToldFromOthers(t *testing.T) {
	t.Parallel()
	const kind, data = `"action_type":"marketing_messages_link_click","timestamp":"1750030073"`,
		`"marketing_messages_link_click_data":`
	click := clickOf(t, "2", `{`+kind+`,`+data+`{"click_component":"cta","click_id":"c","tracking_token":"t"}}`)
	if click.WABAID != "1" || click.PhoneNumberID != "2" || click.At.Unix() != 1750030073 {
		t.Errorf("%+v", click)
	}

	for again, action := range map[string]string{
		"in another order":           `{` + data + `{"tracking_token":"t","click_id":"c","click_component":"cta"},` + kind + `}`,
		"with what is new to us":     `{` + kind + `,` + data + `{"click_component":"cta","click_id":"c","tracking_token":"t","x":1}}`,
		"with a number for the time": `{"action_type":"marketing_messages_link_click","timestamp":1750030073,` + data + `{"click_component":"cta","click_id":"c","tracking_token":"t"}}`,
	} {
		if got := clickOf(t, "2", action); got.Fingerprint != click.Fingerprint {
			t.Errorf("%s it is another click", again)
		}
	}

	for other, action := range map[string]string{
		"of another id":     `{` + kind + `,` + data + `{"click_component":"cta","click_id":"d","tracking_token":"t"}}`,
		"of another token":  `{` + kind + `,` + data + `{"click_component":"cta","click_id":"c","tracking_token":"u"}}`,
		"of another part":   `{` + kind + `,` + data + `{"click_component":"body","click_id":"c","tracking_token":"t"}}`,
		"of another second": `{"action_type":"marketing_messages_link_click","timestamp":"1750030074",` + data + `{"click_component":"cta","click_id":"c","tracking_token":"t"}}`,
		"without a word":    `{` + kind + `}`,
		"without a time":    `{"action_type":"link_click"}`,
	} {
		if got := clickOf(t, "2", action); got.Fingerprint == click.Fingerprint {
			t.Errorf("a click %s is the same", other)
		}
	}

	if got := clickOf(t, "3", `{`+kind+`,`+data+`{"click_component":"cta","click_id":"c","tracking_token":"t"}}`); got.Fingerprint == click.Fingerprint {
		t.Error("a click on another number's message is the same")
	}
}
