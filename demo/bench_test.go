package demo

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// BenchmarkDecodeAndCount is what one event costs the client; 10,000 messages a second are 40,000
// of them.
func BenchmarkDecodeAndCount(b *testing.B) {
	const size = 256
	frames := make([][]byte, 64)
	for n := range frames {
		events := make([]string, size)
		for i := range events {
			at := n*size + i
			events[i] = fmt.Sprintf(`{"sequence":%d,"status":%q,"message":{"id":"msg_01k9zqj4y3e8r5t7w2x%07d"}}`, at+1,
				statusNames[statusAccepted+status(at%4)], at/4)
		}

		frames[n] = fmt.Appendf(nil,
			`{"id":"deliveryEvents","type":"next","payload":{"data":{"deliveryEvents":{"events":[%s],"cursor":"MTIz"}}}}`,
			strings.Join(events, ","))
	}

	b.ReportAllocs()
	t, events := newTally(len(frames)*size/4), 0

	for i := 0; b.Loop(); i++ {
		f, err := decode(frames[i%len(frames)])
		if err != nil {
			b.Fatal(err)
		}

		t.last = 0
		t.add(f.Payload.Data.Events.Events, time.Time{})
		events += size
	}

	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
