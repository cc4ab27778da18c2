package sandbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// Webhooks are written by hand, because they are most of what a busy sandbox does. The order of
// keys follows Meta's samples.

// body is the JSON of a parcel: a change for each event, and one for each run of statuses of the
// same number.
func (s *Sandbox) body(p *parcel) []byte {
	out := make([]byte, 0, 512*len(p.entries))
	out = append(out, `{"object":"whatsapp_business_account","entry":[`...)
	for i := 0; i < len(p.entries); {
		if i > 0 {
			out = append(out, ',')
		}

		if e, ok := p.entries[i].what.(*event); ok {
			out = appendEvent(out, e)
			i++
			continue
		}

		first := p.entries[i].what.(*message)
		out = appendHead(out, first.number)
		out = append(out, `,"statuses":[`...)

		for j := i; i < len(p.entries); i++ {
			m, ok := p.entries[i].what.(*message)
			if !ok || m.number != first.number {
				break
			}
			if i > j {
				out = append(out, ',')
			}

			out = s.appendStatus(out, m, p.entries[i].step(), p.entries[i].at)
		}

		out = append(out, `]},"field":"messages"}]}`...)
	}

	return escape(append(out, `]}`...))
}

func appendEvent(out []byte, e *event) []byte {
	out = append(out, `{"id":`...)
	out = appendString(out, e.account.WABAID)
	if e.field != "messages" { // the only field without a time
		out = append(out, `,"time":`...)
		out = strconv.AppendInt(out, e.at/int64(time.Second), 10)
	}

	out = append(out, `,"changes":[{"value":`...)
	out = append(out, e.value...)
	out = append(out, `,"field":`...)
	out = appendString(out, e.field)

	return append(out, `}]}`...)
}

// appendHead opens an entry about a number, up to where contacts, messages or statuses stand.
func appendHead(out []byte, n *number) []byte {
	out = append(out, `{"id":`...)
	out = appendString(out, n.account.WABAID)
	out = append(out, `,"changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":`...)
	out = appendString(out, n.digits)
	out = append(out, `,"phone_number_id":`...)
	out = appendString(out, n.ID)

	return append(out, '}')
}

func (s *Sandbox) appendStatus(out []byte, m *message, st step, at int64) []byte {
	to := m.to()
	out = append(out, `{"id":"`...)
	out = append(out, s.wamid(to, m.seq)...)
	out = append(out, `","status":"`...)
	out = append(out, stepNames[st]...)
	out = append(out, `","timestamp":"`...)
	out = strconv.AppendInt(out, at/int64(time.Second), 10)

	if isPhone(to) {
		out = append(out, `","recipient_id":`...)
	} else {
		out = append(out, `","recipient_user_id":`...)
	}

	out = appendString(out, to)
	if data := m.callbackData(); data != "" {
		out = append(out, `,"biz_opaque_callback_data":`...)
		out = appendString(out, data)
	}

	switch st {
	case stepSent, stepDelivered:
		out = append(out, `,"pricing":{"billable":`...)
		out = appendPricing(out, m.content.Category)
	case stepFailed:
		out = appendFailure(out, m.failure())
	}

	return append(out, '}')
}

// appendPricing completes the pricing object: templates are charged, answers inside the service
// window are free.
func appendPricing(out []byte, category string) []byte {
	if category == "service" {
		return append(out, `false,"pricing_model":"PMP","type":"free_customer_service","category":"service"}`...)
	}

	out = append(out, `true,"pricing_model":"PMP","type":"regular","category":"`...)
	return append(append(out, category...), `"}`...)
}

func appendFailure(out []byte, code int) []byte {
	title, _ := json.Marshal(answers[code].title) // a string always marshals
	return fmt.Appendf(out, `,"errors":[{"code":%d,"title":%s,"message":%s,"error_data":{"details":%s},`+
		`"href":"https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes"}]`,
		code, title, title, title)
}

// appendString appends a JSON string.
func appendString(out []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(text) // a string always marshals
			return append(out, quoted...)
		}
	}

	out = append(out, '"')
	out = append(out, text...)

	return append(out, '"')
}

// escape writes JSON as Meta does: plain ASCII, with "/" as "\/". A receiver that hashes anything
// but the raw bytes finds the signature wrong, here as there.
func escape(in []byte) []byte {
	out := make([]byte, 0, len(in)+len(in)/16)
	for i := 0; i < len(in); {
		c := in[i]
		switch {
		case c == '/' && in[i-1] != '\\':
			out = append(out, '\\', '/')
			i++
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			r, width := utf8.DecodeRune(in[i:])
			if r >= 0x10000 {
				r -= 0x10000
				out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}

			i += width
		}
	}

	return out
}

func isPhone(to string) bool {
	for i := range len(to) {
		if to[i] < '0' || to[i] > '9' {
			return false
		}
	}

	return to != ""
}
