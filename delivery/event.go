package delivery

import (
	"encoding/json"
	"strconv"
	"time"

	"carillon/ent/enum"
	"carillon/uid"
)

// Event is an entry of an organization's log. Its short JSON names are what travels between
// processes.
type Event struct {
	Sequence    int64              `json:"s"`
	Message     uid.ID             `json:"m"`
	Campaign    uid.ID             `json:"c,omitzero"`
	PhoneNumber uid.ID             `json:"p"`
	Template    uid.ID             `json:"t,omitzero"`
	Status      enum.MessageStatus `json:"st"`
	ErrorCode   int                `json:"e,omitempty"`
	ErrorDetail string             `json:"d,omitempty"`
	At          time.Time          `json:"at"`
	RecordedAt  time.Time          `json:"r"`
}

// Seq is the event's place in its organization's log.
func (e Event) Seq() int64 { return e.Sequence }

// AppendJSON appends the event as encoding/json would write it, but in a fifth of the time: every
// event passes here, and most commits of a busy process have hundreds.
func (e Event) AppendJSON(b []byte) ([]byte, error) {
	b = strconv.AppendInt(append(b, `{"s":`...), e.Sequence, 10)
	b = appendID(b, `,"m":`, e.Message)
	if !e.Campaign.IsZero() {
		b = appendID(b, `,"c":`, e.Campaign)
	}

	b = appendID(b, `,"p":`, e.PhoneNumber)
	if !e.Template.IsZero() {
		b = appendID(b, `,"t":`, e.Template)
	}

	b = append(append(append(b, `,"st":"`...), e.Status...), '"') // one of our own words
	if e.ErrorCode != 0 {
		b = strconv.AppendInt(append(b, `,"e":`...), int64(e.ErrorCode), 10)
	}

	if e.ErrorDetail != "" {
		detail, err := json.Marshal(e.ErrorDetail)
		if err != nil {
			return nil, err
		}

		b = append(append(b, `,"d":`...), detail...)
	}

	b = appendTime(b, `,"at":`, e.At)

	return append(appendTime(b, `,"r":`, e.RecordedAt), '}'), nil
}

func appendID(b []byte, name string, n uid.ID) []byte {
	return append(append(append(append(b, name...), '"'), n.String()...), '"')
}

func appendTime(b []byte, name string, t time.Time) []byte {
	return append(t.AppendFormat(append(append(b, name...), '"'), time.RFC3339Nano), '"')
}
