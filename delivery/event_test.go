package delivery_test

import (
	"encoding/json"
	"testing"
	"time"

	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
)

func TestAnEventIsTheSameJSONHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]delivery.Event{
		"nothing": {},
		"a single's": {Sequence: 1, Message: uid.New(uid.Message), PhoneNumber: uid.New(uid.PhoneNumber),
			Status: enum.MessageStatusRead, At: start, RecordedAt: start.Add(time.Microsecond)},
		"a campaign's": {Sequence: 1 << 40, Message: uid.New(uid.Message), Campaign: uid.New(uid.Campaign),
			PhoneNumber: uid.New(uid.PhoneNumber), Template: uid.New(uid.Template), Status: enum.MessageStatusSent,
			At: start, RecordedAt: start},
		"a failure": {Status: enum.MessageStatusFailed, ErrorCode: 131049,
			ErrorDetail: "not \"healthy\" <for> \n the ecosystem \u2028", At: start, RecordedAt: start},
		"in another zone": {At: start.In(time.FixedZone("", 5400)), RecordedAt: start},
	} {
		want, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}

		got, err := e.AppendJSON([]byte("["))
		if err != nil || string(got) != "["+string(want) {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
}
