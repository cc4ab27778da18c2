package whatsapp

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Traffic is what Meta counted of a number's messages in half an hour.
// developers.facebook.com, WhatsApp "Analytics" (read 2026-05).
type Traffic struct {
	Start           time.Time
	Sent, Delivered int
}

// Charged is what Meta counted of delivered messages of one category in half an hour.
type Charged struct {
	Start    time.Time
	Category string // MARKETING, MARKETING_LITE, UTILITY, AUTHENTICATION, SERVICE …
	Volume   int
	// CostMicros is in millionths of the account's currency; nil where Meta does not say, as for
	// accounts that a partner pays for.
	CostMicros *int64
}

// point is a part of Meta's answer.
type point struct {
	Start     number      `json:"start"`
	Sent      number      `json:"sent"`
	Delivered number      `json:"delivered"`
	Category  word        `json:"pricing_category"`
	Volume    number      `json:"volume"`
	Cost      json.Number `json:"cost"`
}

// Analytics reads what Meta counted of the messages of a number, by its digits, in whole half
// hours. Meta keeps it for a year, and is some hours late.
func (c *Client) Analytics(ctx context.Context, token Token, wabaID, digits string, since, until time.Time) (
	counted []Traffic, err error) {
	var wire struct {
		Analytics struct {
			Points json.RawMessage `json:"data_points"`
		} `json:"analytics"`
	}
	err = c.analytics(ctx, token, wabaID, "analytics", since, until, fmt.Sprintf(".phone_numbers([%q])", digits), &wire)
	for _, p := range readPoints(wire.Analytics.Points) {
		counted = append(counted, Traffic{p.start(), int(p.Sent), int(p.Delivered)})
	}

	return counted, err
}

// PricingAnalytics reads what Meta charged for an account's messages, in whole half hours. Meta
// keeps it for a year, and is some hours late.
func (c *Client) PricingAnalytics(ctx context.Context, token Token, wabaID string, since, until time.Time) (
	charged []Charged, err error) {
	var wire struct {
		Analytics struct {
			Data []struct {
				Points json.RawMessage `json:"data_points"`
			} `json:"data"`
		} `json:"pricing_analytics"`
	}
	err = c.analytics(ctx, token, wabaID, "pricing_analytics", since, until,
		`.metric_types(["COST","VOLUME"]).dimensions(["PRICING_CATEGORY"])`, &wire)

	for _, data := range wire.Analytics.Data {
		for _, p := range readPoints(data.Points) {
			charged = append(charged, Charged{p.start(), strings.ToUpper(string(p.Category)), int(p.Volume), p.micros()})
		}
	}

	return charged, err
}

func (c *Client) analytics(ctx context.Context, token Token, wabaID, field string, since, until time.Time, rest string,
	out any) error {
	return c.call(ctx, http.MethodGet, token, []string{wabaID}, url.Values{"fields": {fmt.Sprintf(
		"%s.start(%d).end(%d).granularity(HALF_HOUR)%s", field, since.Unix(), until.Unix(), rest)}}, nil, out)
}

// readPoints leaves out what is none.
func readPoints(raw json.RawMessage) (points []point) {
	for _, element := range list(raw) {
		var p point
		if isObject(element) && decode(element, &p) {
			points = append(points, p)
		}
	}

	return points
}

func (p point) start() time.Time { return time.Unix(int64(p.Start), 0).UTC() }

// micros is the cost, exact to a millionth.
func (p point) micros() *int64 {
	if len(p.Cost) == 0 || len(p.Cost) > maxWord {
		return nil
	}

	cost, ok := new(big.Rat).SetString(string(p.Cost))
	if !ok {
		return nil
	}

	cost.Mul(cost, big.NewRat(1_000_000, 1)).Add(cost, big.NewRat(1, 2))
	whole := new(big.Int).Div(cost.Num(), cost.Denom())
	if !whole.IsInt64() {
		return nil
	}

	micros := whole.Int64()

	return &micros
}
