package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// halfHour is the finest granularity of Meta's analytics, and the one that is answered here.
const halfHour = int64(30 * time.Minute)

// argument is a part of a field such as analytics.start(1).end(2).
var argument = regexp.MustCompile(`\.([a-z_]+)\(([^)]*)\)`)

// asksForAnalytics reports whether a query for an account's fields is one for analytics.
func asksForAnalytics(asked string) bool {
	return strings.HasPrefix(asked, "analytics.") || strings.HasPrefix(asked, "pricing_analytics.")
}

// analytics answers with what became of the account's messages by half hours. It counts them anew
// each time, from what is planned for each and is past.
func (s *Sandbox) analytics(c *call, a *account) *refusal {
	asked := c.r.URL.Query().Get("fields")
	arguments := map[string]string{}
	for _, m := range argument.FindAllStringSubmatch(asked, -1) {
		arguments[m[1]] = m[2]
	}

	start, wrongStart := strconv.ParseInt(arguments["start"], 10, 64)
	end, wrongEnd := strconv.ParseInt(arguments["end"], 10, 64)
	switch {
	case wrongStart != nil, wrongEnd != nil, start >= end:
		return invalid("Param start and end must be Unix times, start before end")
	case arguments["granularity"] != "HALF_HOUR":
		return invalid("Param granularity must be HALF_HOUR here")
	}

	q := analyticsQuery{since: start * int64(time.Second), until: end * int64(time.Second),
		digits: strings.Trim(arguments["phone_numbers"], `[]"`)}
	if strings.HasPrefix(asked, "pricing_analytics.") {
		s.write(c.w, http.StatusOK, map[string]any{"id": a.WABAID, "pricing_analytics": map[string]any{
			"data": []map[string]any{{"data_points": s.charged(a, q)}}}})
		return nil
	}

	s.write(c.w, http.StatusOK, map[string]any{"id": a.WABAID, "analytics": map[string]any{
		"granularity": "HALF_HOUR", "data_points": s.traffic(a, q)}})

	return nil
}

type analyticsQuery struct {
	since, until int64  // Unix nanoseconds
	digits       string // of the number; empty for all
}

// slot is a half hour of a category; the category is empty where it is not asked for.
type slot struct {
	start    int64
	category string
}

// each calls do with every status that messages of the account have got within the time.
func (s *Sandbox) each(a *account, q analyticsQuery, do func(m *message, st step, at int64)) {
	o, now := s.options.Load(), s.now().UnixNano()
	b := &s.book
	b.Lock()
	chunks := slices.Clone(b.chunks)
	b.Unlock()

	for _, chunk := range chunks {
		for i := range chunk {
			m := &chunk[i]
			if m.number.account != a || q.digits != "" && m.number.digits != q.digits {
				continue
			}

			for _, p := range s.plan(o, m) {
				at := p.due / int64(time.Second) * int64(time.Second) // as its webhook says
				if p.due <= now && at >= q.since && at < q.until {
					do(m, p.step, at)
				}
			}
		}
	}
}

func (s *Sandbox) traffic(a *account, q analyticsQuery) []map[string]any {
	type counted struct{ sent, delivered int }
	by := map[slot]*counted{}
	s.each(a, q, func(_ *message, st step, at int64) {
		key := slot{start: at / halfHour * halfHour}
		if by[key] == nil {
			by[key] = &counted{}
		}

		switch st {
		case stepSent:
			by[key].sent++
		case stepDelivered:
			by[key].delivered++
		}
	})

	return points(by, func(_ slot, n *counted) map[string]any {
		return map[string]any{"sent": n.sent, "delivered": n.delivered}
	})
}

func (s *Sandbox) charged(a *account, q analyticsQuery) []map[string]any {
	by := map[slot]*int{}
	s.each(a, q, func(m *message, st step, at int64) {
		if st == stepDelivered {
			key := slot{at / halfHour * halfHour, strings.ToUpper(m.content.Category)}
			if by[key] == nil {
				by[key] = new(int)
			}

			*by[key]++
		}
	})

	return points(by, func(key slot, n *int) map[string]any {
		return map[string]any{"pricing_category": key.category, "volume": *n}
	})
}

func points[T any](by map[slot]T, show func(slot, T) map[string]any) []map[string]any {
	out := make([]map[string]any, 0, len(by))
	for key, n := range by {
		point := show(key, n)
		point["start"], point["end"] = key.start/int64(time.Second), (key.start+halfHour)/int64(time.Second)
		out = append(out, point)
	}

	return out
}
