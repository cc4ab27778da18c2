package transport

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
	mediaEvents   = "text/event-stream"
)

// offered is what an answer can be, for whoever accepts none of it.
const offered = mediaResponse + ", " + mediaJSON + ", " + mediaEvents

// accepted is what the Accept header of a request lets the answer be.
type accepted struct {
	json    string // the JSON that the client would rather have; "" where it takes neither
	streams bool   // it asks for event streams, or takes nothing else
}

// acceptedBy reads the Accept header as RFC 9110 says: of the ranges that fit a type the most
// specific decides, and 0 excludes. Of two types with the same weight the one that is named goes
// before the one that a wildcard lets in, and then the one that stands first. A header that is
// absent, or in which nothing can be read, is application/json, as GraphQL over HTTP says.
func acceptedBy(header http.Header) accepted {
	ranges := readRanges(strings.Join(header.Values("Accept"), ","))
	if len(ranges) == 0 {
		return accepted{json: mediaJSON}
	}

	var a accepted
	older, newer, events := ranges.of(mediaJSON), ranges.of(mediaResponse), ranges.of(mediaEvents)

	switch {
	case newer.weight > 0 && newer.before(older):
		a.json = mediaResponse
	case older.weight > 0:
		a.json = mediaJSON
	}

	// Whoever takes everything takes JSON: a page that calls fetch would wait for the end of a stream.
	a.streams = events.weight > 0 && (events.specific > anything || a.json == "")

	return a
}

func (a accepted) nothing() bool { return a.json == "" && !a.streams }

// asEvents says whether an operation is answered by an event stream. Who takes JSON too gets that
// for all that has one answer, whatever the weights say: that is what such clients mean. kind is ""
// for a document that is no operation.
func (a accepted) asEvents(kind ast.Operation) bool {
	return a.streams && (kind == ast.Subscription || a.json == "")
}

// How closely a range names a type.
const (
	anything = iota + 1 // */*
	family              // application/*
	named
)

// mediaRange is one range of an Accept header.
type mediaRange struct {
	kind, subtype string
	weight        float64
	specific      int
	place         int // in the header
}

type mediaRanges []mediaRange

// of is the range that decides about a type; its weight is 0 when there is none.
func (ranges mediaRanges) of(media string) (best mediaRange) {
	kind, subtype, _ := strings.Cut(media, "/")
	for _, r := range ranges {
		if (r.kind == kind || r.kind == "*") && (r.subtype == subtype || r.subtype == "*") && r.specific > best.specific {
			best = r
		}
	}

	return best
}

// before says whether what a range decides about is liked better than what the other does.
func (r mediaRange) before(other mediaRange) bool {
	if r.weight != other.weight {
		return r.weight > other.weight
	}
	if r.specific != other.specific {
		return r.specific > other.specific
	}

	return r.place < other.place
}

// readRanges leaves out what cannot be read, and JSON in another charset than UTF-8. Other
// parameters say nothing here.
func readRanges(header string) (ranges mediaRanges) {
	for place, part := range splitHeader(header) {
		media, parameters, err := mime.ParseMediaType(part)
		if media == "*" {
			media = "*/*" // of old Java clients
		}

		kind, subtype, ok := strings.Cut(media, "/")
		if err != nil || !ok || kind == "*" && subtype != "*" {
			continue
		}

		r := mediaRange{kind: kind, subtype: subtype, weight: 1, specific: named, place: place}
		switch {
		case kind == "*":
			r.specific = anything
		case subtype == "*":
			r.specific = family
		}

		if q, given := parameters["q"]; given {
			if r.weight, err = strconv.ParseFloat(q, 64); err != nil || !(r.weight >= 0 && r.weight <= 1) {
				continue
			}
		}

		if charset := parameters["charset"]; charset == "" || strings.EqualFold(charset, "utf-8") {
			ranges = append(ranges, r)
		}
	}

	return ranges
}

// splitHeader splits a list at its commas, but for those in quotes.
func splitHeader(list string) (parts []string) {
	quoted, escaped, start := false, false, 0
	for i, c := range []byte(list) {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			parts = append(parts, list[start:i])
			start = i + 1
		}
	}

	return append(parts, list[start:])
}

func notAcceptable() *refusal {
	return &refusal{status: http.StatusNotAcceptable, code: codeBadInput,
		message:    "the Accept header takes nothing that is offered here: " + offered,
		extensions: map[string]any{"offered": strings.Split(offered, ", ")}, header: http.Header{"Vary": {"Accept"}}}
}
