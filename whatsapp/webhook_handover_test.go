package whatsapp

import (
	"fmt"
	"reflect"
	"testing"
)

// handoverOf is a webhook of a handover with that value.
func handoverOf(value string) string {
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","time":1700000009,"changes":[
		{"field":"messaging_handovers","value":%s}]}]}`, value)
}

func TestAHandoverSaysWhoHoldsTheConversation(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value string
		want  Handover
	}{
		"taken from us, by a person's number": {`{"recipient":{"phone_number_id":"5"},"sender":{"wa_id":"15550002222"},
			"timestamp":"1700000002","type":"control_taken","control_taken":{"new_owner_role":"customer_service"}}`,
			Handover{WABAID: "1", PhoneNumberID: "5", From: "15550002222", Role: "customer_service", At: at(1700000002)}},
		"a person known only by a user id": {`{"recipient":{"phone_number_id":"5"},"sender":{"user_id":"US.1349"},
			"type":"control_passed","control_passed":{}}`,
			Handover{WABAID: "1", PhoneNumberID: "5", FromUserID: "US.1349", Ours: true, At: at(1700000009)}},
		"nobody is named": {`{"recipient":{"phone_number_id":"5"},"type":"control_taken"}`,
			Handover{WABAID: "1", PhoneNumberID: "5", At: at(1700000009)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parse(t, handoverOf(tc.value))
			if !reflect.DeepEqual(got.Handovers, []Handover{tc.want}) || len(got.Unknown) > 0 {
				t.Errorf("got %+v, and %v was not understood", got.Handovers, got.Unknown)
			}
		})
	}
}

func TestAHandoverThatNamesNoNumberIsNotUnderstood(t *testing.T) {
	t.Parallel()
	if got := parse(t, handoverOf(`{"type":"control_taken","sender":{"phone_number":"15550002222"}}`)); len(
		got.Handovers) > 0 || len(got.Unknown) != 1 {
		t.Errorf("got %+v", got)
	}

	other := parse(t, handoverOf(`{"type":"control_lent","recipient":{"phone_number_id":"5"}}`))
	if len(other.Handovers) > 0 || len(other.Notices) != 1 || other.Notices[0].Event != "control_lent" {
		t.Errorf("of a type that is new: %+v", other)
	}
}
