package whatsapp

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// receipt is a status as it comes, in both ways of reading one.
type receipt struct {
	ID              string
	Status          string
	Timestamp       string
	RecipientID     string
	RecipientUserID string
	ParticipantID   string
	CallbackData    string
	Conversation    *wireConversation
	Pricing         *wirePricing
	Errors          json.RawMessage
}

type wireConversation struct {
	ID string `json:"id"`
}

type wirePricing struct {
	Billable bool   `json:"billable"`
	Model    string `json:"pricing_model"`
	Type     string `json:"type"`
	Category string `json:"category"`
}

// parseReceipts reads what by far the most webhooks are: statuses and nothing else. It is strict;
// whatever deviates by a letter is read again the patient way. encoding/json takes twice as long.
// The body must be clean. The texts share the memory of one copy of the body, so none of them
// should be kept; those of errors are copies, since the log keeps them.
func parseReceipts(body []byte) (Webhook, bool) {
	if !bytes.Contains(body, []byte(`"statuses"`)) || !gjson.ValidBytes(body) {
		return Webhook{}, false
	}

	r := receipts{}
	r.root(gjson.ParseBytes(body))
	if r.odd || len(r.statuses) == 0 {
		return Webhook{}, false
	}

	return Webhook{Statuses: r.statuses, WABAIDs: r.wabaIDs}, true
}

// receipts are the statuses of one webhook while it is read. It is odd when it is not for this way
// of reading.
type receipts struct {
	statuses []Status
	wabaIDs  []string // copies, which may be kept
	odd      bool
}

func (r *receipts) root(root gjson.Result) {
	business := false
	r.fields(root, func(key string, v gjson.Result) {
		switch key {
		case "object":
			business = r.text(v) == businessAccount
		case "entry":
			r.each(v, r.entry)
		}
	})

	r.odd = r.odd || !business
}

func (r *receipts) entry(entry gjson.Result) {
	first, id := len(r.statuses), ""
	r.fields(entry, func(key string, v gjson.Result) {
		switch key {
		case "id":
			id = r.text(v)
		case "changes":
			r.each(v, r.change)
		}
	})

	for i := range r.statuses[first:] {
		r.statuses[first+i].WABAID = id
	}

	if id != "" && !slices.Contains(r.wabaIDs, id) {
		r.wabaIDs = append(r.wabaIDs, strings.Clone(id))
	}

	r.odd = r.odd || len(r.statuses) == first
}

func (r *receipts) change(change gjson.Result) {
	first, field, number := len(r.statuses), "", ""
	r.fields(change, func(key string, v gjson.Result) {
		switch key {
		case "field":
			field = r.text(v)
		case "value":
			number = r.value(v)
		}
	})

	for i := range r.statuses[first:] {
		r.statuses[first+i].PhoneNumberID = number
	}

	r.odd = r.odd || field != "messages" || len(r.statuses) == first
}

func (r *receipts) value(value gjson.Result) (number string) {
	r.fields(value, func(key string, v gjson.Result) {
		switch key {
		case "metadata":
			r.fields(v, func(key string, v gjson.Result) {
				if key == "phone_number_id" {
					number = r.text(v)
				}
			})
		case "statuses":
			r.each(v, r.status)
		case "messages", "errors", "standby", "message_echoes", "user_actions":
			r.odd = true
		}
	})

	return number
}

func (r *receipts) status(status gjson.Result) {
	var wire receipt
	r.fields(status, func(key string, v gjson.Result) {
		switch key {
		case "id":
			wire.ID = r.text(v)
		case "status":
			wire.Status = r.text(v)
		case "timestamp":
			wire.Timestamp = r.text(v)
		case "recipient_id":
			wire.RecipientID = r.text(v)
		case "recipient_user_id":
			wire.RecipientUserID = r.text(v)
		case "recipient_participant_id":
			wire.ParticipantID = r.text(v)
		case "biz_opaque_callback_data":
			wire.CallbackData = r.text(v)
		case "conversation":
			wire.Conversation = &wireConversation{}
			r.fields(v, func(key string, v gjson.Result) {
				if key == "id" {
					wire.Conversation.ID = r.text(v)
				}
			})
		case "pricing":
			wire.Pricing = r.pricing(v)
		case "errors":
			wire.Errors = json.RawMessage(v.Raw)
		}
	})

	read, wrong := wire.status("", "") // where it is from is known when all around it is read
	r.statuses, r.odd = append(r.statuses, read), r.odd || wrong != ""
}

func (r *receipts) pricing(pricing gjson.Result) *wirePricing {
	p := &wirePricing{}
	r.fields(pricing, func(key string, v gjson.Result) {
		switch key {
		case "billable":
			p.Billable = v.Type == gjson.True
			r.odd = r.odd || !v.IsBool()
		case "pricing_model":
			p.Model = r.text(v)
		case "type":
			p.Type = r.text(v)
		case "category":
			p.Category = r.text(v)
		}
	})

	return p
}

func (r *receipts) text(v gjson.Result) string {
	r.odd = r.odd || v.Type != gjson.String
	return v.Str
}

func (r *receipts) fields(object gjson.Result, read func(key string, v gjson.Result)) {
	r.odd = r.odd || !object.IsObject()
	if r.odd {
		return
	}

	var seen [mostKeys]string
	n := 0

	object.ForEach(func(key, v gjson.Result) bool {
		r.odd = r.odd || n == mostKeys || slices.Contains(seen[:n], key.Str)
		if !r.odd {
			seen[n] = key.Str
			n++
			read(key.Str, v)
		}

		return !r.odd
	})
}

// mostKeys is how many keys an object may have. A receipt has about ten.
const mostKeys = 24

func (r *receipts) each(array gjson.Result, read func(v gjson.Result)) {
	r.odd = r.odd || !array.IsArray()
	if !r.odd {
		array.ForEach(func(_, v gjson.Result) bool { read(v); return !r.odd })
	}
}
