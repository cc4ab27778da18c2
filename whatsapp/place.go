package whatsapp

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

func (b *binder) location(p Parameter) *Location {
	value := b.value(p)
	if value == "" {
		return new(Location)
	}

	place, wrong := parseLocation(value)
	if wrong != "" {
		b.problem(p, "FORMAT", wrong)
		return new(Location)
	}

	return place
}

// parseLocation reads a place on the map; wrong says why it is none.
func parseLocation(value string) (place *Location, wrong string) {
	var latitude, longitude *float64
	place = new(Location)
	if strings.HasPrefix(value, "{") {
		given := struct {
			Latitude, Longitude *float64
			Name, Address       string
		}{}
		if json.Unmarshal([]byte(value), &given) != nil {
			return nil, "is not a location"
		}

		latitude, longitude, place.Name, place.Address = given.Latitude, given.Longitude, given.Name, given.Address
	} else {
		parts := append(strings.SplitN(value, ",", 4), "", "", "")
		latitude, longitude = degrees(parts[0]), degrees(parts[1])
		place.Name, place.Address = strings.TrimSpace(parts[2]), strings.TrimSpace(parts[3])
	}

	if latitude == nil || longitude == nil || !within(*latitude, 90) || !within(*longitude, 180) {
		return nil, "is not a location: write latitude,longitude,name,address"
	}

	for _, text := range []string{place.Name, place.Address} {
		if rule, message := checkText(text, ""); text != "" && rule != "" {
			return nil, "is not a location: its name or address " + message
		}
	}

	place.Latitude, place.Longitude = *latitude, *longitude

	return place, ""
}

// within is written so that NaN is nowhere.
func within(degrees, most float64) bool { return degrees >= -most && degrees <= most }

func degrees(s string) *float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return nil
	}

	return &n
}

// An offer's end in Unix milliseconds: from 2001, before which a number must be one of seconds, to
// 9999.
const earliestOffer, latestOffer = 1_000_000_000_000, 253_402_300_799_999

func (b *binder) offer(part *Component) []MessageParameter {
	if part.LimitedTimeOffer == nil || !part.LimitedTimeOffer.HasExpiration {
		return nil
	}

	p := Parameter{Name: "expiration_ms", Component: "LIMITED_TIME_OFFER", Kind: KindExpiration}
	value := b.value(p)
	ends, ok := parseEnd(value)
	if value != "" && !ok {
		b.problem(p, "FORMAT", "is not a time: write Unix milliseconds, or 2026-12-31T23:59:59Z")
	}

	return []MessageParameter{{Type: "limited_time_offer", LimitedTimeOffer: &LimitedTimeOffer{ends}}}
}

// parseEnd reads when an offer ends, in Unix milliseconds; it is not ok for what no offer can have.
func parseEnd(value string) (ms int64, ok bool) {
	ms, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		at, _ := time.Parse(time.RFC3339, value)
		ms = at.UnixMilli()
	}

	return ms, ms >= earliestOffer && ms <= latestOffer
}

// parseProduct reads a product as catalog:product, or as the product alone.
func parseProduct(value string) *Product {
	catalog, product, found := strings.Cut(value, ":")
	if !found {
		catalog, product = "", catalog
	}

	return &Product{ProductRetailerID: product, CatalogID: catalog}
}
