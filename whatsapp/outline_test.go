package whatsapp

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAnOutlineKeepsTheShapeOfAMessageAndNobodysWords(t *testing.T) {
	t.Parallel()
	m := Message{To: "+14165550110", BizOpaqueCallbackData: "c1:msg_1:1", Template: &TemplateMessage{Name: "order_ready",
		Language: "en_US", Components: []MessageComponent{{Type: "body", Parameters: []MessageParameter{
			{Type: "text", Name: "who", Text: "Ana María"}, {Type: "text", Text: "12"}}}}}}
	o := m.Outline()
	const want = `{"biz_opaque_callback_data":"•••","messaging_product":"whatsapp","recipient_type":"individual",` +
		`"template":{"components":[{"parameters":[{"parameter_name":"who","text":"•••","type":"text"},` +
		`{"text":"•••","type":"text"}],"type":"body"}],"language":{"code":"en_US"},"name":"order_ready"},` +
		`"to":"•••","type":"template"}`
	if o.Body != want {
		t.Errorf("it is\n%s", o.Body)
	}

	const said = "Ana María (14165550110, +1 416-555-0199) cannot get 12 in 2 days, error 131000"
	if got := o.Said(said); got != "••• (•••, •••) cannot get 12 in 2 days, error 131000" {
		t.Errorf("what was said is %q", got)
	}

	other := Message{To: "14165550110", Type: "location", Other: json.RawMessage(
		`{"latitude":43.65,"longitude":-79.38,"name":"Home","type":"+14165550110","Ana's":"x"}`)}
	for _, word := range []string{"43.65", "79.38", "Home", "14165550110", "Ana"} {
		if got := other.Outline().Body; strings.Contains(got, word) {
			t.Errorf("%q is in %s", word, got)
		}
	}

	long := Message{To: "1", Type: "contacts", Other: json.RawMessage("[" + strings.Repeat(`{"type":"HOME"},`, 1000) + "{}]")}
	if got := long.Outline().Body; len(got) > maxOutline || !strings.HasSuffix(got, "…") {
		t.Errorf("it has %d bytes", len(got))
	}
}
