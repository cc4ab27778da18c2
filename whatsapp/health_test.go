package whatsapp

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestHealthReadsWhatMetaSaysAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raw  string
		want []Health
	}{
		"as documented": {`{"can_send_message":"BLOCKED","entities":[{"entity_type":"PHONE_NUMBER","id":"106540352242922",
			"can_send_message":"BLOCKED","errors":[{"error_code":141000,"error_description":"It is not registered.",
			"possible_solution":"Register it."}]},{"entity_type":"BUSINESS","id":506914307656634,"can_send_message":"LIMITED",
			"additional_info":["Not verified."],"can_receive_call_sip":"BLOCKED"}]}`,
			[]Health{{Type: "PHONE_NUMBER", ID: "106540352242922", CanSend: "BLOCKED",
				Errors: []HealthError{{141000, "It is not registered.", "Register it."}}},
				{Type: "BUSINESS", ID: "506914307656634", CanSend: "LIMITED", Notes: []string{"Not verified."}}}},
		"one entity without a list": {`{"entities":{"entity_type":"APP","can_send_message":"AVAILABLE"}}`,
			[]Health{{Type: "APP", CanSend: "AVAILABLE"}}},
		"nothing":      {``, nil},
		"null":         {`null`, nil},
		"a word":       {`"BLOCKED"`, nil},
		"a number":     {`{"entities":7}`, nil},
		"odd elements": {`{"entities":[null,7,"x",[],{"errors":"x","additional_info":{"a":1}}]}`, []Health{{}}},
		"odd reasons":  {`{"entities":[{"errors":[7,null,{"error_code":"12"}],"additional_info":["",7]}]}`, []Health{{Notes: []string{"7"}, Errors: []HealthError{{12, "", ""}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := wireHealth(tc.raw).health(); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestHealthIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	var status struct {
		Entities []map[string]any `json:"entities"`
	}
	entity := map[string]any{"entity_type": "WABA", "can_send_message": "BLOCKED"}
	var errors, notes []any

	for range 50 {
		errors = append(errors, map[string]any{"error_code": 1, "error_description": long, "possible_solution": long})
		notes = append(notes, long)
	}

	entity["errors"], entity["additional_info"] = errors, notes
	for range 50 {
		status.Entities = append(status.Entities, entity)
	}

	raw, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}

	all := wireHealth(raw).health()
	if len(all) != mostHealth {
		t.Fatalf("%d entities", len(all))
	}

	for _, h := range all {
		if len(h.Errors) != mostHealth || len(h.Notes) != mostHealth || len(h.Notes[0]) != maxNote ||
			len(h.Errors[0].Description) != maxNote || len(h.Errors[0].Remedy) != maxNote {
			t.Fatalf("%d errors, %d notes of %d bytes", len(h.Errors), len(h.Notes), len(h.Notes[0]))
		}
	}
}
